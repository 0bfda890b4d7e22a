//! Binding somebody else's account to one's own phone.

use super::browser::{Ask, Browser, SESSION, field};
use super::phone::Phone;
use super::site::{LOGIN, PASSWORD, Plan, Site, WIKI};
use vestibule::domain::audit::Event;

/// A password alone, on the way to the enrolment that the person's group requires.
async fn thief(site: &Site, login: &str) -> Browser {
    let mut b = site.browser();
    let answer = b.password(login).await;
    assert_eq!(answer.header("location"), Some("/remind"), "{answer:?}");
    let answer = b.step("/remind", "/remind", &[("do", "enrol")]).await;
    assert_eq!(answer.header("location"), Some("/enrol"), "{answer:?}");
    b
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_helpdesk_must_agree_a_password_shows_no_key() {
    let site = Site::with(Plan {
        proof: "helpdesk",
        ..Plan::default()
    })
    .await;
    site.account("mikael", &["finance"]).await;
    site.account("helena", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let csrf = field(&b.page("/enrol/proof").await.text(), "csrf").unwrap();
    for path in [
        "/enrol/app",
        "/enrol/scan",
        "/enrol/confirm",
        "/enrol/codes",
    ] {
        let answer = b.page(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(!answer.text().contains("otpauth"));
        for fields in [
            &[][..],
            &[("app", "own")],
            &[("app", "other")],
            &[("code", "000000")],
            &[("stored", "1"), ("do", "finish")],
        ] {
            let mut all = vec![("csrf", csrf.as_str())];
            all.extend(fields);
            let ask = b.form(path, &all);
            let answer = b.send(ask).await;
            assert!(
                matches!(answer.status, 303 | 405),
                "{path} {fields:?}: {}",
                answer.head
            );
            assert!(Phone::scan(&answer.text()).is_none());
        }
    }
    // wrong, another person's, an emergency code's form, none
    let others = site.helpdesk_code("helena").await;
    let wrong = b
        .step("/enrol/proof", "/enrol/proof", &[("otc", &others)])
        .await;
    assert_eq!(wrong.status, 422);
    let none = b.step("/enrol/proof", "/enrol/proof", &[]).await;
    assert_eq!(none.status, 422);
    assert!(site.find("mikael").await.totp.is_none());
    assert_eq!(
        b.page("/enrol/scan").await.header("location"),
        Some("/enrol/proof")
    );
    // the person, with the code
    let code = site.helpdesk_code("mikael").await;
    let right = b
        .step("/enrol/proof", "/enrol/proof", &[("otc", &code)])
        .await;
    assert_eq!(right.header("location"), Some("/enrol/app"));
    b.bind(site.now()).await;
    assert!(site.find("mikael").await.totp.is_some());
    // the code is spent: another sign-in of the time before cannot use it
    assert_eq!(site.count("mikael", Event::OneTimeCodeUsed).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_the_helpdesks_code_is_paused_after_five() {
    let site = Site::with(Plan {
        proof: "helpdesk",
        ..Plan::default()
    })
    .await;
    site.account("mikael", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let code = site.helpdesk_code("mikael").await;
    let wrong = if code == "AAAA-AAAA" {
        "BBBB-BBBB"
    } else {
        "AAAA-AAAA"
    };
    for n in 0..5 {
        let answer = b
            .step("/enrol/proof", "/enrol/proof", &[("otc", wrong)])
            .await;
        assert_eq!(answer.status, if n < 4 { 422 } else { 429 });
    }
    let mut b = thief(&site, "mikael").await;
    let answer = b
        .step("/enrol/proof", "/enrol/proof", &[("otc", &code)])
        .await;
    assert_eq!(answer.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_session_binds_nothing_without_the_password() {
    let site = Site::start().await;
    let mut b = site.browser();
    assert_eq!(b.password("aino").await.header("location"), Some("/"));
    site.clock.advance(6 * 60);
    // the thief of the session's cookie
    let mut thief = site.browser();
    thief.plant(LOGIN, SESSION, b.cookie(LOGIN, SESSION).unwrap());
    let csrf = field(&thief.page("/signout").await.text(), "csrf").unwrap();
    let ask = thief.form("/remind", &[("csrf", &csrf), ("do", "enrol")]);
    let answer = thief.send(ask).await;
    assert_eq!(
        answer.header("location"),
        Some("/account/confirm"),
        "{}",
        answer.head
    );
    let csrf = field(&thief.page("/account/confirm").await.text(), "csrf").unwrap();
    for path in [
        "/enrol",
        "/enrol/app",
        "/enrol/scan",
        "/enrol/confirm",
        "/enrol/codes",
        "/enrol/proof",
    ] {
        assert_eq!(
            thief.page(path).await.header("location"),
            Some("/account/confirm"),
            "{path}"
        );
        for field in [
            ("app", "own"),
            ("code", "000000"),
            ("stored", "1"),
            ("password", PASSWORD),
        ] {
            let ask = thief.form(path, &[("csrf", &csrf), field]);
            let answer = thief.send(ask).await;
            assert!(matches!(answer.status, 303 | 405), "{path}");
        }
    }
    for password in ["", "wrong", "PASSWORD"] {
        let answer = thief
            .step(
                "/account/confirm",
                "/account/confirm",
                &[("password", password)],
            )
            .await;
        assert_eq!(answer.status, 422);
    }
    assert_eq!(
        thief.page("/enrol/scan").await.header("location"),
        Some("/account/confirm")
    );
    let answer = thief
        .step(
            "/account/confirm",
            "/account/confirm",
            &[("password", PASSWORD)],
        )
        .await;
    assert_eq!(answer.header("location"), Some("/enrol"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_shown_to_nobody_else_and_never_again() {
    let site = Site::start().await;
    site.account("mikael", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let mut second = thief(&site, "mikael").await;
    let (_, codes) = b.bind(site.now()).await;
    for path in ["/enrol/scan", "/enrol/app", "/enrol/confirm", "/enrol"] {
        let answer = b.page(path).await;
        assert_eq!(answer.header("location"), Some("/enrol/codes"), "{path}");
    }
    // the sign-in that ran beside it is over: it cannot put its own phone in place of this one
    for path in ["/enrol/scan", "/enrol/app", "/enrol/confirm"] {
        assert_eq!(
            second.page(path).await.header("location"),
            Some("/signin?expired"),
            "{path}"
        );
    }
    assert_eq!(b.finish().await.status, 303);
    for path in ["/enrol/codes", "/enrol/scan"] {
        let answer = b.page(path).await;
        assert_eq!(answer.header("location"), Some("/"), "{path}");
        assert!(!answer.text().contains(&codes[0]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_another_key_confirms_nothing() {
    let site = Site::start().await;
    site.account("mikael", &["finance"]).await;
    let (mut mine, mut other) = (thief(&site, "mikael").await, thief(&site, "mikael").await);
    for b in [&mut mine, &mut other] {
        let _ = b
            .step("/enrol/app", "/enrol/app", &[("app", "other")])
            .await;
    }
    let first = Phone::scan(&mine.page("/enrol/scan").await.text()).unwrap();
    let second = Phone::scan(&other.page("/enrol/scan").await.text()).unwrap();
    assert_ne!(first.code(site.now()), second.code(site.now()));
    let answer = mine
        .step(
            "/enrol/confirm",
            "/enrol/confirm",
            &[("code", &second.code(site.now()))],
        )
        .await;
    assert_eq!(answer.status, 422);
    // a secret or account in the form is nobody's business
    let csrf = field(&mine.page("/enrol/confirm").await.text(), "csrf").unwrap();
    let fields = [
        ("csrf", csrf.as_str()),
        ("code", &second.code(site.now())),
        ("secret", "AAAA"),
        ("key", "AAAA"),
        ("account", "aino"),
    ];
    let ask = mine.form("/enrol/confirm", &fields);
    assert_eq!(mine.send(ask).await.status, 422);
    // a key that has been on the screen for a quarter of an hour is gone with its sign-in
    site.clock.advance(15 * 60);
    let answer = mine.page("/enrol/confirm").await;
    assert_eq!(answer.header("location"), Some("/signin?expired"));
    assert!(site.find("mikael").await.totp.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_phone_ends_every_other_session() {
    let site = Site::start().await;
    let (mut thief, mut owner) = (site.browser(), site.browser());
    for b in [&mut thief, &mut owner] {
        assert_eq!(b.password("aino").await.header("location"), Some("/"));
        assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    }
    let csrf = field(&owner.page("/signout").await.text(), "csrf").unwrap();
    let ask: Ask = owner.form("/remind", &[("csrf", &csrf), ("do", "enrol")]);
    assert_eq!(owner.send(ask).await.header("location"), Some("/enrol"));
    owner.bind(site.now()).await;
    site.wiki.take();
    assert!(!thief.is_signed_in().await);
    assert_eq!(thief.get(&site.url(WIKI, "/")).await.status, 302);
    site.untouched();
    let old = owner.cookie(LOGIN, SESSION).unwrap().to_owned();
    let _ = owner.finish().await;
    assert_ne!(owner.cookie(LOGIN, SESSION), Some(old.as_str()));
    let mut late = site.browser();
    late.plant(LOGIN, SESSION, &old);
    assert!(!late.is_signed_in().await, "the session's old name is dead");
    assert!(owner.is_signed_in().await);
}
