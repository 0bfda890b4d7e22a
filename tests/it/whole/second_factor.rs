//! Past the second door without the second factor.

use super::browser::{Ask, Browser, PRE, SESSION, SIGN_IN, field};
use super::phone::Phone;
use super::site::{LOGIN, PASSWORD, PAYROLL, Plan, Site, WIKI};
use futures_util::future::join_all;
use vestibule::domain::audit::Event;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_in_through_both_doors() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    let mut b = site.browser();
    let page = b.open(&site.url(WIKI, "/page?x=1%2F2")).await;
    assert_eq!(page.status, 200);
    let fields = [("username", "mikael"), ("password", PASSWORD)];
    let answer = b.submit(&page, "/signin", &fields).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    site.untouched();
    let answer = b.code(&phone.code(site.now())).await;
    let end = b.follow(answer).await;
    assert_eq!(end.status, 200);
    assert_eq!(b.at, site.url(WIKI, "/page?x=1%2F2"));
    assert!(site.wiki.only().contains("Remote-User: mikael"));
    let end = b.open(&site.url(PAYROLL, "/")).await;
    assert_eq!(end.status, 200);
    assert!(b.cookie(PAYROLL, SESSION) != b.cookie(LOGIN, SESSION));
}

/// Every page and form of the portal, but for the one that takes the code.
const EVERYWHERE: &[&str] = &[
    "/",
    "/signin",
    "/signin/code",
    "/signin/second",
    "/signin/one-time-code",
    "/signin/emergency-code",
    "/signin/lost",
    "/remind",
    "/remind/app",
    "/enrol",
    "/enrol/proof",
    "/enrol/app",
    "/enrol/scan",
    "/enrol/confirm",
    "/enrol/codes",
    "/account/confirm",
    "/account/security",
    "/signout",
    "/signed-out",
];

/// Fields that would please each of the forms, a code apart.
const PLEASING: &[(&str, &str)] = &[
    ("do", "later"),
    ("do", "enrol"),
    ("do", "finish"),
    ("lost", "temporary"),
    ("lost", "permanent"),
    ("stored", "1"),
    ("app", "own"),
    ("code", "000000"),
    ("otc", "AAAA-AAAA"),
    ("trust", "1"),
    ("emergency", "AAAA-AAAA-AAAA-AAAA"),
    ("password", PASSWORD),
];

async fn nothing_gained(site: &Site, b: &mut Browser, what: &str) {
    assert_eq!(b.cookie(LOGIN, SESSION), None, "{what}");
    assert_eq!(site.sessions_of("mikael").await, 0, "{what}");
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_skips_the_code() {
    let more = "throttle: { code: { free: 100 } }";
    let site = Site::with(Plan {
        more,
        ..Plan::default()
    })
    .await;
    let _phone = site.account_with_app("mikael", &["staff", "admins"]).await;
    let mut b = site.browser();
    b.open(&site.url(WIKI, "/")).await;
    let answer = b.password("mikael").await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    let csrf = field(&b.page("/signin/code").await.text(), "csrf").unwrap();
    for path in EVERYWHERE {
        let answer = b.page(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.head);
        assert!(Phone::scan(&answer.text()).is_none(), "{path} shows a key");
        nothing_gained(&site, &mut b, path).await;
    }
    for path in EVERYWHERE.iter().filter(|p| **p != "/signout") {
        // empty, with nothing but the anti-forgery value, and with each pleasing field
        let empty = b.form(path, &[]);
        let bare = Ask {
            body: None,
            kind: "",
            ..empty.clone()
        };
        let mut tries = vec![empty, bare, b.form(path, &[("csrf", &csrf)])];
        for pair in PLEASING {
            tries.push(b.form(path, &[("csrf", &csrf), *pair]));
        }
        for ask in tries {
            if *path == "/signin" && ask.body.is_some() {
                continue;
            }
            let what = format!("{path} {:?}", ask.body);
            let answer = b.send(ask).await;
            assert!(answer.status < 500, "{what}: {}", answer.head);
            assert!(Phone::scan(&answer.text()).is_none(), "{what} shows a key");
            nothing_gained(&site, &mut b, &what).await;
        }
    }
    // the sign-in is where it was
    assert_eq!(b.page("/signin/code").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_finished_sign_in_opens_no_application() {
    let site = Site::start().await;
    let _phone = site.account_with_app("mikael", &["staff"]).await;
    let mut b = site.browser();
    b.open(&site.url(WIKI, "/")).await;
    let _ = b.password("mikael").await;
    let half = b.cookie(LOGIN, SIGN_IN).unwrap().to_owned();
    let pre = b.cookie(WIKI, PRE).unwrap().to_owned();
    for host in [WIKI, PAYROLL] {
        for (name, value) in [(SESSION, &half), (SESSION, &pre), (SIGN_IN, &half)] {
            let mut thief = site.browser();
            thief.plant(host, name, value);
            for mode in ["navigate", "cors", "websocket"] {
                let mut ask = thief.visit(&site.url(host, "/ws/x"));
                ask.mode = mode;
                if mode == "websocket" {
                    ask.more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n".into();
                    ask.origin = Some(site.url(host, ""));
                }
                let answer = thief.send(ask).await;
                assert!(
                    matches!(answer.status, 302 | 303 | 401),
                    "{host} {name} {mode}: {}",
                    answer.head
                );
            }
        }
        let mut thief = site.browser();
        thief.plant(host, PRE, &pre);
        let callback = format!("/.vestibule/callback?ticket={half}");
        let answer = thief.get(&site.url(host, &callback)).await;
        assert_ne!(answer.status, 302, "{}", answer.head);
        assert_eq!(thief.cookie(host, SESSION), None);
    }
    // as the portal's session
    let mut thief = site.browser();
    thief.plant(LOGIN, SESSION, &half);
    assert!(!thief.is_signed_in().await);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_once() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let (mut first, mut second, mut third) = (site.browser(), site.browser(), site.browser());
    for b in [&mut first, &mut second, &mut third] {
        let _ = b.password("mikael").await;
    }
    let code = phone.code(site.now());
    assert_eq!(first.code(&code).await.status, 303);
    let again = second.code(&code).await;
    assert_eq!(again.status, 422, "{}", again.head);
    // nor the step before, once a later one was accepted
    let before = third.code(&phone.code(site.now() - 30)).await;
    assert_eq!(before.status, 422, "{}", before.head);
    assert_eq!(site.sessions_of("mikael").await, 1);
    site.clock.advance(30);
    assert_eq!(second.code(&phone.code(site.now())).await.status, 303);
    assert_eq!(site.sessions_of("mikael").await, 2);
}

/// Sends so many copies of a form at once.
async fn at_once(b: &Browser, ask: &Ask, copies: usize) -> Vec<u16> {
    let sent = (0..copies).map(|_| {
        let (mut b, ask) = (b.clone(), ask.clone());
        tokio::spawn(async move { b.send(ask).await.status })
    });
    let mut seen: Vec<u16> = join_all(sent)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    seen.sort_unstable();
    seen
}

async fn waiting_at(b: &mut Browser, path: &str, name: &str, value: &str) -> Ask {
    let csrf = field(&b.page(path).await.text(), "csrf").unwrap();
    b.form(path, &[("csrf", &csrf), (name, value)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_right_code_many_times_at_once_opens_one_session() {
    let more = "throttle: { code: { free: 100 } }";
    let site = Site::with(Plan {
        more,
        ..Plan::default()
    })
    .await;
    let phone = site.account_with_app("mikael", &[]).await;
    // one browser
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let ask = waiting_at(&mut b, "/signin/code", "code", &phone.code(site.now())).await;
    at_once(&b, &ask, 50).await;
    assert_eq!(site.sessions_of("mikael").await, 1);
    // ten browsers
    site.clock.advance(60);
    let mut asks = Vec::new();
    for _ in 0..10 {
        let mut b = site.browser();
        let _ = b.password("mikael").await;
        let ask = waiting_at(&mut b, "/signin/code", "code", &phone.code(site.now())).await;
        asks.push((b, ask));
    }
    let sent = asks.iter().map(|(b, ask)| at_once(b, ask, 4));
    join_all(sent).await;
    assert_eq!(site.sessions_of("mikael").await, 2);
    assert_eq!(site.count("mikael", Event::CodeAccepted).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_default_limits_a_storm_of_right_codes_opens_at_most_one_session() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let ask = waiting_at(&mut b, "/signin/code", "code", &phone.code(site.now())).await;
    at_once(&b, &ask, 50).await;
    assert!(site.sessions_of("mikael").await <= 1);
    assert!(site.count("mikael", Event::CodeAccepted).await <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_wrong_codes_at_once_five_are_looked_at() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let mut other = site.browser();
    let _ = other.password("mikael").await;
    let wrong = phone.wrong(site.now());
    let ask = waiting_at(&mut b, "/signin/code", "code", &wrong).await;
    let seen = at_once(&b, &ask, 50).await;
    assert_eq!(
        site.count("mikael", Event::CodeRefused).await,
        5,
        "{seen:?}"
    );
    assert!(seen.contains(&429), "{seen:?}");
    // the sign-in has ended, and the right code is not looked at in another one
    let gone = b.page("/signin/code").await;
    assert_eq!(gone.header("location"), Some("/signin?expired"));
    let paused = other.code(&phone.code(site.now())).await;
    assert_eq!(paused.status, 429, "{}", paused.head);
    // the counter is the account's: a new password brings no new tries, another method neither
    let mut fresh = site.browser();
    let _ = fresh.password("mikael").await;
    let paused = fresh.code(&phone.code(site.now())).await;
    assert_eq!(paused.status, 429, "{}", paused.head);
    let mut fresh = site.browser();
    let _ = fresh.password("mikael").await;
    let otc = site.helpdesk_code("mikael").await;
    let answer = fresh
        .step(
            "/signin/one-time-code",
            "/signin/one-time-code",
            &[("otc", &otc)],
        )
        .await;
    assert_eq!(answer.status, 429, "{}", answer.head);
    assert_eq!(site.sessions_of("mikael").await, 0);
    site.clock.advance(15 * 60);
    let mut fresh = site.browser();
    let answer = fresh.both("mikael", &phone, site.now()).await;
    assert_eq!(answer.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_six_ascii_digits_once_is_no_code() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let code = phone.code(site.now());
    let arabic: String = code
        .bytes()
        .map(|d| char::from_u32(0x660 + u32::from(d - b'0')).unwrap())
        .collect();
    let wide: String = code
        .bytes()
        .map(|d| char::from_u32(0xff10 + u32::from(d - b'0')).unwrap())
        .collect();
    let csrf = field(&b.page("/signin/code").await.text(), "csrf").unwrap();
    let long = format!("{code}0");
    let nul = format!("{code}\0");
    let lists: Vec<Vec<(&str, &str)>> = vec![
        vec![("code", &arabic)],
        vec![("code", &wide)],
        vec![("code", &code[..5])],
        vec![("code", &code[..1])],
        vec![("code", &long)],
        vec![("code", &nul)],
        vec![("code", "")],
        vec![("code", "' OR 1=1")],
        vec![("code", &code), ("code", &code)],
        vec![("code[]", &code)],
        vec![("code[0]", &code)],
        vec![("CODE", &code)],
        vec![("code", "null")],
        vec![("code", "-00001")],
        vec![("code", "1e5000")],
    ];
    for fields in lists {
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(&fields);
        let ask = b.form("/signin/code", &all);
        let answer = b.send(ask).await;
        assert_eq!(answer.status, 422, "{fields:?}: {}", answer.head);
    }
    // what is no code is no try
    assert_eq!(site.count("mikael", Event::CodeRefused).await, 0);
    assert_eq!(site.sessions_of("mikael").await, 0);
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    assert_eq!(b.code(&spaced).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_of_other_times_and_other_people_are_refused() {
    let more = "throttle: { code: { free: 100 } }";
    let site = Site::with(Plan {
        more,
        ..Plan::default()
    })
    .await;
    let phone = site.account_with_app("mikael", &[]).await;
    let others = site.account_with_app("helena", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let now = site.now();
    for code in [
        others.code(now),
        phone.code(now - 90),
        phone.code(now + 90),
        phone.code(0),
    ] {
        assert_eq!(b.code(&code).await.status, 422);
    }
    assert_eq!(site.sessions_of("mikael").await, 0);
}
