//! Getting round the reminder, or being nagged by it more than promised.

use super::browser::{Browser, field};
use super::site::{LOGIN, PAYROLL, Plan, Site, WIKI};

const DAY: i64 = 86_400;

fn recommended() -> Plan {
    Plan {
        policy: "policy: recommended\n  remind_every: 7d",
        wiki_policy: "recommended",
        ..Plan::default()
    }
}

fn required() -> Plan {
    Plan {
        policy: "policy: required\n  grace: 14d",
        ..Plan::default()
    }
}

/// Signs in by password from a new browser and says where that led.
async fn led(site: &Site, login: &str) -> (Browser, String) {
    let mut b = site.browser();
    let answer = b.password(login).await;
    let to = answer.header("location").unwrap().to_owned();
    (b, to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn putting_off_counts_for_the_account_and_for_as_long_as_configured() {
    let site = Site::with(recommended()).await;
    let (mut b, to) = led(&site, "aino").await;
    assert_eq!(to, "/remind");
    assert!(
        !b.is_signed_in().await,
        "not in before the reminder is answered"
    );
    let answer = b.step("/remind", "/remind", &[("do", "later")]).await;
    assert_eq!(answer.status, 303);
    assert!(b.is_signed_in().await);
    // on no device before the week is over, and then again
    site.clock.advance(7 * DAY - 1);
    assert_eq!(led(&site, "aino").await.1, "/");
    site.clock.advance(1);
    assert_eq!(led(&site, "aino").await.1, "/remind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_pages_are_interrupted_by_the_reminder() {
    let site = Site::with(Plan {
        more: "",
        ..recommended()
    })
    .await;
    let (mut b, _) = led(&site, "aino").await;
    let _ = b.step("/remind", "/remind", &[("do", "later")]).await;
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    // the interval runs out in the middle of a session
    let before = site.find("aino").await;
    let due = vestibule::domain::reminder::Record {
        snoozed_until: None,
        ..before.reminder
    };
    site.commit(&[vestibule::store::Change::SetReminder {
        account: before.id,
        reminder: due,
    }])
    .await;
    site.settle().await;
    site.wiki.take();
    let url = site.url(WIKI, "/x");
    let mut fetch = b.visit(&url);
    fetch.mode = "cors";
    assert_eq!(b.send(fetch).await.status, 200);
    let mut post = b.form("", &[("text", "an hour's work")]);
    post.url = url.clone();
    post.origin = Some(site.url(WIKI, ""));
    assert_eq!(b.send(post).await.status, 200);
    let mut socket = b.visit(&site.url(WIKI, "/ws/x"));
    socket.mode = "websocket";
    socket.origin = Some(site.url(WIKI, ""));
    socket.more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n".into();
    assert_eq!(b.send(socket).await.status, 101);
    site.wiki.take();
    let _ = b.open(&url).await;
    assert!(b.at.starts_with(&site.url(LOGIN, "/remind")), "{}", b.at);
    site.untouched();
    let path = b.at[b.at.find("/remind").unwrap()..].to_owned();
    let page = b.page(&path).await;
    let answer = b.submit(&page, "/remind", &[("do", "later")]).await;
    assert_eq!(b.follow(answer).await.status, 200);
    assert_eq!(b.at, url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grace_is_not_renewed() {
    let site = Site::with(required()).await;
    let (mut b, to) = led(&site, "aino").await;
    assert_eq!(to, "/remind");
    let end = site
        .find("aino")
        .await
        .reminder
        .grace_ends_at
        .expect("started at the first sign-in");
    let _ = b.step("/remind", "/remind", &[("do", "later")]).await;
    for _ in 0..4 {
        site.clock.advance(3 * DAY + 1);
        let (mut b, to) = led(&site, "aino").await;
        if to == "/remind" {
            let _ = b.step("/remind", "/remind", &[("do", "later")]).await;
        }
        assert!(b.is_signed_in().await);
        assert_eq!(site.find("aino").await.reminder.grace_ends_at, Some(end));
    }
    // a group lost and got back, an app bound and reset: the end stays
    site.set_groups("aino", &[]).await;
    site.set_groups("aino", &["staff"]).await;
    let account = site.find("aino").await;
    site.give_app(&account).await;
    site.office
        .authn
        .reset_second_factor(account.id)
        .await
        .unwrap();
    assert_eq!(site.find("aino").await.reminder.grace_ends_at, Some(end));
    site.clock.advance(end.seconds() - site.now() + 1);
    let (mut b, to) = led(&site, "aino").await;
    assert_eq!(to, "/remind");
    let csrf = field(&b.page("/remind").await.text(), "csrf").unwrap();
    for _ in 0..2 {
        let ask = b.form("/remind", &[("csrf", &csrf), ("do", "later")]);
        let answer = b.send(ask).await;
        assert_eq!(answer.header("location"), Some("/remind"));
        assert!(!b.is_signed_in().await);
    }
    assert_eq!(site.sessions_of("aino").await, 0);
    assert_eq!(site.find("aino").await.reminder.grace_ends_at, Some(end));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_outlives_the_deadline_opens_nothing_more() {
    let site = Site::with(required()).await;
    let (mut b, _) = led(&site, "aino").await;
    let end = site.find("aino").await.reminder.grace_ends_at.unwrap();
    let _ = b.step("/remind", "/remind", &[("do", "later")]).await;
    site.clock.advance(end.seconds() - site.now() - 60);
    let (mut b, to) = led(&site, "aino").await;
    assert_eq!(to, "/remind");
    let _ = b.step("/remind", "/remind", &[("do", "later")]).await;
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    site.clock.advance(61);
    site.wiki.take();
    for mode in ["navigate", "cors", "websocket", "no-cors"] {
        let mut ask = b.visit(&site.url(WIKI, "/x"));
        ask.mode = mode;
        let answer = b.send(ask).await;
        assert!(
            matches!(answer.status, 302 | 401),
            "{mode}: {}",
            answer.head
        );
    }
    let mut post = b.form("", &[("a", "b")]);
    post.url = site.url(WIKI, "/x");
    post.origin = Some(site.url(WIKI, ""));
    assert_eq!(b.send(post).await.status, 401);
    site.untouched();
    let _ = b.open(&site.url(WIKI, "/x")).await;
    assert!(b.at.starts_with(&site.url(LOGIN, "/remind")), "{}", b.at);
    let path = b.at[b.at.find("/remind").unwrap()..].to_owned();
    let page = b.page(&path).await;
    let answer = b.submit(&page, "/remind", &[("do", "later")]).await;
    assert_eq!(answer.header("location"), Some("/remind"));
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_demands_the_second_factor_cannot_be_put_off() {
    let site = Site::with(recommended()).await;
    let mut b = site.browser();
    let page = b.open(&site.url(PAYROLL, "/")).await;
    let fields = [("username", "aino"), ("password", "password")];
    let answer = b.submit(&page, "/signin", &fields).await;
    let page = b.follow(answer).await;
    assert!(
        b.at.starts_with(&site.url(LOGIN, "/remind/app")),
        "{}",
        b.at
    );
    let answer = b.submit(&page, "/remind", &[("do", "later")]).await;
    let _ = b.follow(answer).await;
    assert!(!b.at.starts_with(&site.url(PAYROLL, "")), "{}", b.at);
    let _ = b.open(&site.url(PAYROLL, "/")).await;
    assert!(
        b.at.starts_with(&site.url(LOGIN, "/remind/app")),
        "{}",
        b.at
    );
    for mode in ["cors", "websocket"] {
        let mut ask = b.visit(&site.url(PAYROLL, "/ws/"));
        ask.mode = mode;
        assert_eq!(b.send(ask).await.status, 401, "{mode}");
    }
    assert_eq!(site.payroll.take(), Vec::<String>::new());
}
