//! More than one tab, more than one browser: nobody who gave the right answer is left at a dead end.

use super::browser::{Ask, Browser, PRE, SESSION, SIGN_IN, field};
use super::site::{LOGIN, PASSWORD, Site, WIKI};
use crate::support::client::Answer;

const AINO: &[(&str, &str)] = &[("username", "aino"), ("password", PASSWORD)];

fn location(answer: &Answer) -> String {
    answer.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_restored_at_once_both_end_where_they_were_going() {
    let site = Site::start().await;
    let mut b = site.browser();
    // neither request carries the cookie that the other one's answer sets; the last one stays
    let first = location(&b.get(&site.url(WIKI, "/one?x=1")).await);
    b.jar.remove(WIKI);
    let second = location(&b.get(&site.url(WIKI, "/two")).await);
    let page = b.open(&first).await;
    let answer = b.submit(&page, "/signin", AINO).await;
    assert_eq!(b.follow(answer).await.status, 200);
    assert_eq!(b.at, site.url(WIKI, "/one?x=1"));
    assert!(site.wiki.only().contains("Remote-User: aino"));
    assert_eq!(b.open(&second).await.status, 200);
    assert_eq!(b.at, site.url(WIKI, "/two"));
    assert_eq!(site.sessions_of("aino").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_address_opened_in_another_browser_leads_on() {
    let site = Site::start().await;
    let link = location(&site.browser().get(&site.url(WIKI, "/page?x=1")).await);
    let mut b = site.browser();
    let page = b.open(&link).await;
    let answer = b.submit(&page, "/signin", AINO).await;
    assert_eq!(b.follow(answer).await.status, 200);
    assert_eq!(b.at, site.url(WIKI, "/page?x=1"));
    assert!(site.wiki.only().contains("Remote-User: aino"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_host_without_cookies_is_told_so_in_the_second_round() {
    let site = Site::start().await;
    let mut b = site.browser();
    let link = location(&b.get(&site.url(WIKI, "/page")).await);
    b.jar.remove(WIKI);
    let page = b.open(&link).await;
    let mut answer = b.submit(&page, "/signin", AINO).await;
    let mut callbacks = 0;
    while (300..400).contains(&answer.status) {
        let to = location(&answer);
        callbacks += usize::from(to.contains("/.vestibule/callback?"));
        assert!(callbacks <= 2, "round and round: {to}");
        answer = b.get(&to).await;
        b.jar.remove(WIKI);
    }
    assert_eq!(callbacks, 2);
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.contains("cookies") && text.contains(WIKI), "{text}");
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_callback_opens_nothing_and_tells_nothing() {
    let site = Site::start().await;
    let mut b = site.browser();
    let page = b.open(&site.url(WIKI, "/private-name")).await;
    let callback = location(&b.submit(&page, "/signin", AINO).await);
    let with_a_cookie = {
        let mut thief = site.browser();
        let _ = thief.get(&site.url(WIKI, "/")).await;
        assert!(thief.cookie(WIKI, PRE).is_some());
        thief
    };
    let stolen = async |mut thief: Browser, callback: &str| {
        let answer = thief.get(callback).await;
        assert_eq!(answer.status, 302, "{}", answer.head);
        assert!(!location(&answer).contains("private"), "{}", answer.head);
        let end = thief.follow(answer).await;
        assert!(thief.at.starts_with(&site.url(LOGIN, "/signin?to=")));
        assert!(!end.text().contains("private"), "{}", end.text());
        for host in [WIKI, LOGIN] {
            assert_eq!(thief.cookie(host, SESSION), None, "{host}");
        }
    };
    stolen(with_a_cookie, &callback).await;
    // burnt, for its owner too, who is let in by asking again
    let mut owner = b.clone();
    assert_eq!(owner.get(&callback).await.status, 400);
    assert_eq!(owner.cookie(WIKI, SESSION), None);
    site.untouched();
    let door = location(&b.get(&site.url(WIKI, "/private-name")).await);
    let callback = location(&b.get(&door).await);
    stolen(site.browser(), &callback).await;
    site.untouched();
    assert_eq!(b.open(&site.url(WIKI, "/private-name")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_asked_for_comes_back_to_the_letter() {
    let site = Site::start().await;
    for path in [
        "/search?q=it's",
        "/search?q=it%27s&b=%2f%2F",
        "/a'b/c;d=1?x=(1)&y=a+b&z=~",
        "/?a=b?c&&d=",
        "/search?",
    ] {
        let url = site.url(WIKI, path);
        let mut b = site.browser();
        let page = b.open(&url).await;
        let answer = b.submit(&page, "/signin", AINO).await;
        let answer = b.get(&location(&answer)).await;
        assert_eq!(location(&answer), url);
        assert_eq!(b.get(&url).await.status, 200, "{path}");
        let head = site.wiki.only();
        assert!(head.starts_with(&format!("GET {path} ")), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_that_ask_for_the_code_again_share_one_question() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["admins"]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(b.open(&site.url(WIKI, "/admin/")).await.status, 200);
    site.clock.advance(20 * 60);
    let first = b.open(&site.url(WIKI, "/admin/a")).await;
    let attempt = b.cookie(LOGIN, SIGN_IN).unwrap().to_owned();
    let _second = b.open(&site.url(WIKI, "/admin/b")).await;
    assert_eq!(b.at, site.url(LOGIN, "/signin/code"));
    assert_eq!(b.cookie(LOGIN, SIGN_IN), Some(attempt.as_str()));
    let code = phone.code(site.now());
    let answer = b.submit(&first, "/signin/code", &[("code", &code)]).await;
    assert_eq!(b.follow(answer).await.status, 200);
    // where the person looked last
    assert_eq!(b.at, site.url(WIKI, "/admin/b"));
    assert_eq!(b.open(&site.url(WIKI, "/admin/a")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_form_of_ours_leads_to_the_page_that_is_due_and_does_nothing() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let stale = b.page("/signin/code").await;
    b.jar.clear();
    let _ = b.password("mikael").await;
    let code = phone.code(site.now());
    let csrf = field(&stale.text(), "csrf").unwrap();
    let ask = b.form("/signin/code", &[("csrf", &csrf), ("code", &code)]);
    // nothing says that it is our own page
    let silent = Ask {
        origin: None,
        site: "",
        ..ask.clone()
    };
    assert_eq!(b.send(silent).await.status, 403);
    let answer = b.send(ask.clone()).await;
    assert_eq!(answer.status, 303, "{}", answer.head);
    assert_eq!(location(&answer), "/signin/code");
    assert_eq!(site.sessions_of("mikael").await, 0);
    // without a sign-in under way it is refused
    let mut outside = site.browser();
    assert_eq!(outside.send(ask).await.status, 403);
    assert_eq!(b.code(&code).await.header("location"), Some("/"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_phone_the_question_for_the_code_can_be_left() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["admins"]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(b.open(&site.url(WIKI, "/admin/")).await.status, 200);
    site.clock.advance(20 * 60);
    let page = b.open(&site.url(WIKI, "/admin/")).await;
    let way_out = "<a href=\"/signout\">Use another account</a>";
    assert!(page.text().contains(way_out), "{}", page.text());
    let wrong = [("code", "000000")];
    let page = b.submit(&page, "/signin/code", &wrong).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains(way_out), "{}", page.text());
    let page = b.page("/signout").await;
    assert_eq!(page.status, 200);
    assert_eq!(b.submit(&page, "/signout", &[]).await.status, 303);
    assert!(!b.is_signed_in().await);
    let page = b.password("mikael").await;
    let page = b.follow(page).await;
    let entry = "<a href=\"/signin\">Use another account</a>";
    assert!(page.text().contains(entry), "{}", page.text());
    let code = site.helpdesk_code("mikael").await;
    let path = "/signin/one-time-code";
    let answer = b.step(path, path, &[("otc", &code)]).await;
    assert_eq!(location(&answer), "/signin/lost");
}
