//! The store goes away: those who are in stay in for a while, everybody else waits; nobody gets in.

use super::browser::{Browser, PRE, SESSION};
use super::site::{LOGIN, PAYROLL, Site, WIKI};
use sqlx::Connection as _;
use std::path::Path;
use std::time::Duration;

/// Takes the tables away, as a broken disk or a restore gone wrong would; every query fails from now on.
async fn take_away(file: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let options = options
        .busy_timeout(Duration::from_secs(20))
        .foreign_keys(false);
    let mut db = sqlx::sqlite::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let all = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let tables: Vec<String> = sqlx::query_scalar(all).fetch_all(&mut db).await.unwrap();
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("ALTER TABLE {table} RENAME TO gone_{table}"));
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_nobody_gets_in() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    // in the middle of everything
    site.clock.advance(60);
    let mut half = site.browser();
    let _ = half.password("mikael").await;
    let code_page = half.page("/signin/code").await;
    let mut at_start = site.browser();
    let sign_in_page = at_start.page("/signin").await;
    let mut with_ticket = site.browser();
    let page = with_ticket.open(&site.url(WIKI, "/")).await;
    let fields = [("username", "aino"), ("password", "password")];
    let answer = with_ticket.submit(&page, "/signin", &fields).await;
    let ticket = answer.header("location").unwrap().to_owned();
    let mut uncached = site.browser();
    uncached.plant(WIKI, SESSION, with_ticket.cookie(LOGIN, SESSION).unwrap());
    // what the sign-in itself changed has been heard of, and the session is looked up once more
    site.settle().await;
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    site.wiki.take();

    take_away(site.settings.storage.file().unwrap()).await;

    // a session that was seen a moment ago goes on
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    site.wiki.take();
    // everything else waits, with a reference to tell on the telephone
    for url in [site.url(LOGIN, "/"), site.url(WIKI, "/")] {
        let mut stranger = uncached.clone();
        let session = stranger.cookie(WIKI, SESSION).unwrap().to_owned();
        stranger.plant(LOGIN, SESSION, &session);
        let answer = stranger.get(&url).await;
        assert_eq!(answer.status, 503, "{url}");
        let text = answer.text();
        let (_, after) = text
            .split_once("<span class=\"mono\">")
            .expect("a reference");
        let reference = after.split('<').next().unwrap();
        assert!(reference.len() >= 12, "{url}: {reference}");
    }
    let unavailable = |what: &str, status: u16| assert_eq!(status, 503, "{what}");
    unavailable(
        "a cookie nobody has seen",
        uncached.get(&site.url(WIKI, "/")).await.status,
    );
    let answer = half
        .submit(
            &code_page,
            "/signin/code",
            &[("code", &phone.code(site.now()))],
        )
        .await;
    unavailable("the right code", answer.status);
    assert_eq!(half.cookie(LOGIN, SESSION), None);
    let answer = at_start.submit(&sign_in_page, "/signin", &fields).await;
    unavailable("the right password", answer.status);
    assert_eq!(at_start.cookie(LOGIN, SESSION), None);
    unavailable("a ticket", with_ticket.get(&ticket).await.status);
    assert_eq!(with_ticket.cookie(WIKI, SESSION), None);
    assert!(with_ticket.cookie(WIKI, PRE).is_some());
    for path in ["/signin/code", "/signin/lost", "/enrol/scan", "/remind"] {
        unavailable(path, half.page(path).await.status);
    }
    let mut nobody = Browser::new(site.net.clone());
    assert_eq!(nobody.get(&site.url(PAYROLL, "/")).await.status, 302);
    site.untouched();
}
