//! Emergency codes and the helpdesk's one-time codes.

use super::browser::{Ask, Browser, field};
use super::phone::Phone;
use super::site::{LOGIN, Plan, Site, WIKI};
use futures_util::future::join_all;
use vestibule::domain::audit::Event;

const EMERGENCY: &str = "/signin/emergency-code";
const ONE_TIME: &str = "/signin/one-time-code";

/// Enrols somebody who has only a password yet, and signs them out.
async fn enrolled(site: &Site, login: &str) -> (Phone, Vec<String>) {
    site.account(login, &["finance"]).await;
    let mut b = site.browser();
    let answer = b.password(login).await;
    assert_eq!(answer.header("location"), Some("/remind"), "{answer:?}");
    let page = b.page("/remind").await;
    let answer = b.submit(&page, "/remind", &[("do", "enrol")]).await;
    assert_eq!(answer.header("location"), Some("/enrol"), "{answer:?}");
    let (phone, codes) = b.bind(site.now()).await;
    assert_eq!(codes.len(), 3);
    assert_eq!(b.finish().await.status, 303);
    assert!(b.is_signed_in().await);
    (phone, codes)
}

fn generous() -> Plan {
    Plan {
        more: "throttle: { code: { free: 100 }, password: { free: 100 } }",
        ..Plan::default()
    }
}

/// A browser at the second door, and a form of it ready to be sent.
async fn at_door(site: &Site, login: &str, path: &str, name: &str, value: &str) -> (Browser, Ask) {
    let mut b = site.browser();
    let _ = b.password(login).await;
    let csrf = field(&b.page(path).await.text(), "csrf").unwrap();
    let ask = b.form(path, &[("csrf", &csrf), (name, value)]);
    (b, ask)
}

async fn refused(site: &Site, login: &str, path: &str, name: &str, value: &str) {
    let (mut b, ask) = at_door(site, login, path, name, value).await;
    let answer = b.send(ask).await;
    assert_eq!(answer.status, 422, "{path} {value}: {}", answer.head);
    assert_eq!(b.page("/signin/code").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_code_is_good_once_and_for_its_owner() {
    let site = Site::with(generous()).await;
    let (_, codes) = enrolled(&site, "mikael").await;
    let (_, others) = enrolled(&site, "helena").await;
    refused(&site, "mikael", EMERGENCY, "emergency", &others[0]).await;
    // not as a one-time code, nor the other way round
    refused(&site, "mikael", ONE_TIME, "otc", &codes[0][..9]).await;
    let (mut b, ask) = at_door(&site, "mikael", EMERGENCY, "emergency", &codes[0]).await;
    assert_eq!(b.send(ask).await.header("location"), Some("/signin/lost"));
    // spent, though nobody has said yet what happened to the phone
    refused(&site, "mikael", EMERGENCY, "emergency", &codes[0]).await;
    // and it is no session yet
    assert!(!b.clone().is_signed_in().await);
    let before = site.sessions_of("mikael").await;
    let answer = b
        .step("/signin/lost", "/signin/lost", &[("lost", "temporary")])
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(site.sessions_of("mikael").await, before + 1);
    refused(&site, "mikael", EMERGENCY, "emergency", &codes[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_emergency_code_at_once_from_many_browsers_lets_one_in() {
    let site = Site::with(generous()).await;
    let (_, codes) = enrolled(&site, "mikael").await;
    for (code, browsers) in [(&codes[0], 2), (&codes[1], 20)] {
        let mut all = Vec::new();
        for _ in 0..browsers {
            all.push(at_door(&site, "mikael", EMERGENCY, "emergency", code).await);
        }
        // the last one twice over
        let again = all[0].clone();
        all.push(again);
        let sent = all.into_iter().map(|(mut b, ask)| {
            tokio::spawn(async move { b.send(ask).await.header("location").map(str::to_owned) })
        });
        let done: Vec<Option<String>> = join_all(sent)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert!(
            done.iter().any(|l| l.as_deref() == Some("/signin/lost")),
            "{done:?}"
        );
    }
    assert_eq!(site.count("mikael", Event::EmergencyCodeUsed).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_emergency_codes_die_with_the_phone_they_belong_to() {
    let site = Site::with(generous()).await;
    let (old_phone, codes) = enrolled(&site, "mikael").await;
    let (mut b, ask) = at_door(&site, "mikael", EMERGENCY, "emergency", &codes[0]).await;
    let _ = b.send(ask).await;
    let other_sessions = site.sessions_of("mikael").await;
    assert_eq!(other_sessions, 1);
    let answer = b
        .step("/signin/lost", "/signin/lost", &[("lost", "permanent")])
        .await;
    assert_eq!(answer.header("location"), Some("/enrol"));
    // nothing is lost before the new phone has shown that it works
    assert_eq!(site.sessions_of("mikael").await, 1);
    site.clock.advance(60);
    let (phone, fresh) = b.bind(site.now()).await;
    assert_eq!(
        site.sessions_of("mikael").await,
        0,
        "the other sessions ended"
    );
    let _ = b.finish().await;
    assert!(b.is_signed_in().await);
    refused(&site, "mikael", EMERGENCY, "emergency", &codes[1]).await;
    refused(&site, "mikael", EMERGENCY, "emergency", &codes[0]).await;
    site.clock.advance(60);
    refused(
        &site,
        "mikael",
        "/signin/code",
        "code",
        &old_phone.code(site.now()),
    )
    .await;
    let (mut b, ask) = at_door(&site, "mikael", EMERGENCY, "emergency", &fresh[0]).await;
    assert_eq!(b.send(ask).await.header("location"), Some("/signin/lost"));
    let mut b = site.browser();
    assert_eq!(b.both("mikael", &phone, site.now()).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_code_is_good_once_for_ten_minutes_for_its_owner_until_the_next_one() {
    let site = Site::with(generous()).await;
    site.account_with_app("mikael", &[]).await;
    site.account_with_app("helena", &[]).await;
    let code = site.helpdesk_code("mikael").await;
    refused(&site, "helena", ONE_TIME, "otc", &code).await;
    // superseded
    let newer = site.helpdesk_code("mikael").await;
    refused(&site, "mikael", ONE_TIME, "otc", &code).await;
    // run out, to the second
    site.clock.advance(10 * 60);
    refused(&site, "mikael", ONE_TIME, "otc", &newer).await;
    let code = site.helpdesk_code("mikael").await;
    site.clock.advance(10 * 60 - 1);
    let (mut b, ask) = at_door(&site, "mikael", ONE_TIME, "otc", &code).await;
    assert_eq!(b.send(ask).await.header("location"), Some("/signin/lost"));
    refused(&site, "mikael", ONE_TIME, "otc", &code).await;
    assert_eq!(site.count("mikael", Event::OneTimeCodeUsed).await, 1);
    assert_eq!(site.sessions_of("mikael").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_code_is_nothing_without_the_password() {
    let site = Site::start().await;
    site.account_with_app("mikael", &[]).await;
    let code = site.helpdesk_code("mikael").await;
    let mut b = site.browser();
    let csrf = b.csrf().await;
    for (path, name) in [
        (ONE_TIME, "otc"),
        (EMERGENCY, "emergency"),
        ("/enrol/proof", "otc"),
        ("/signin/lost", "lost"),
    ] {
        let ask = b.form(
            path,
            &[("csrf", &csrf), (name, &code), ("username", "mikael")],
        );
        let answer = b.send(ask).await;
        assert_eq!(answer.header("location"), Some("/signin?expired"), "{path}");
    }
    // nor instead of it
    let answer = b.password_is("mikael", &code).await;
    assert_eq!(answer.status, 422);
    assert_eq!(site.sessions_of("mikael").await, 0);
    assert_eq!(site.count("mikael", Event::OneTimeCodeUsed).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_code_is_void_after_five_wrong_ones() {
    let site = Site::with(generous()).await;
    site.account_with_app("mikael", &[]).await;
    let code = site.helpdesk_code("mikael").await;
    let wrong = if code == "AAAA-AAAA" {
        "BBBB-BBBB"
    } else {
        "AAAA-AAAA"
    };
    for _ in 0..5 {
        refused(&site, "mikael", ONE_TIME, "otc", wrong).await;
    }
    refused(&site, "mikael", ONE_TIME, "otc", &code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_code_at_once_from_many_browsers_lets_one_in() {
    let site = Site::with(generous()).await;
    site.account_with_app("mikael", &[]).await;
    let code = site.helpdesk_code("mikael").await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(at_door(&site, "mikael", ONE_TIME, "otc", &code).await);
    }
    let sent = all.into_iter().map(|(mut b, ask)| {
        tokio::spawn(async move { b.send(ask).await.header("location").map(str::to_owned) })
    });
    let done = join_all(sent).await;
    let through = done
        .iter()
        .filter(|d| d.as_ref().unwrap().as_deref() == Some("/signin/lost"));
    assert_eq!(through.count(), 1);
    assert_eq!(site.count("mikael", Event::OneTimeCodeUsed).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_without_the_phone_ends_after_eight_hours() {
    let site = Site::with(generous()).await;
    site.account_with_app("mikael", &[]).await;
    let code = site.helpdesk_code("mikael").await;
    let (mut b, ask) = at_door(&site, "mikael", ONE_TIME, "otc", &code).await;
    let _ = b.send(ask).await;
    let answer = b
        .step("/signin/lost", "/signin/lost", &[("lost", "temporary")])
        .await;
    assert_eq!(answer.status, 303);
    let page = b.open(&site.url(WIKI, "/")).await;
    assert_eq!(page.status, 200);
    // active all the time
    for _ in 0..15 {
        site.clock.advance(30 * 60);
        assert!(b.is_signed_in().await);
    }
    site.clock.advance(30 * 60);
    assert!(!b.is_signed_in().await);
    let answer = b.get(&site.url(WIKI, "/")).await;
    assert_eq!(answer.status, 302);
    let _ = LOGIN;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_code_does_not_stand_in_for_the_code_in_a_live_session() {
    // a stolen session and a code found on a desk are not password and second factor
    let site = Site::with(generous()).await;
    let (phone, codes) = enrolled(&site, "mikael").await;
    site.set_groups("mikael", &["admins"]).await;
    let mut b = site.browser();
    site.clock.advance(60);
    assert_eq!(b.both("mikael", &phone, site.now()).await.status, 303);
    assert_eq!(b.open(&site.url(WIKI, "/admin/x")).await.status, 200);
    site.clock.advance(20 * 60);
    let page = b.open(&site.url(WIKI, "/admin/x")).await;
    assert_eq!(b.at, site.url(LOGIN, "/signin/code"));
    let csrf = field(&page.text(), "csrf").unwrap();
    let otc = site.helpdesk_code("mikael").await;
    for (path, name, value) in [(EMERGENCY, "emergency", &codes[0]), (ONE_TIME, "otc", &otc)] {
        let ask = b.form(path, &[("csrf", &csrf), (name, value)]);
        let answer = b.send(ask).await;
        assert_eq!(
            answer.header("location"),
            Some("/signin/code"),
            "{path}: {}",
            answer.head
        );
        assert_eq!(b.page(path).await.header("location"), Some("/signin/code"));
    }
    assert_eq!(
        b.page("/signin/second").await.header("location"),
        Some("/signin/code")
    );
    assert_eq!(site.count("mikael", Event::EmergencyCodeUsed).await, 0);
}
