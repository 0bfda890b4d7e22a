//! The person's own pages: what a change demands, what it ends, and what it leaves alone.

use super::browser::{Browser, SESSION, SIGN_IN, codes_on, field};
use super::phone::Phone;
use super::site::{LOGIN, PASSWORD, Plan, Site, WIKI};
use crate::support::client::Answer;
use futures_util::future::join_all;
use std::time::Duration;
use vestibule::domain::account::Account;
use vestibule::domain::audit::Event;
use vestibule::domain::device::Device;
use vestibule::domain::id::DeviceId;
use vestibule::domain::letter::{Letter, Matter};
use vestibule::store::Change;
use vestibule::vault::Purpose;

pub(super) const NEW: &str = "four rusty lanterns swinging";
const CONFIRM: &str = "/account/confirm";
pub(super) const SECURITY: &str = "/account/security";

/// A mail server that is not there: what is queued stays.
pub(super) fn with_mail() -> Plan {
    Plan {
        more: "mail: { smtp: \"smtp://127.0.0.1:1\", from: login@northgate.example }",
        ..Plan::default()
    }
}

pub(super) fn location(answer: &Answer) -> &str {
    let location = answer.header("location");
    location.unwrap_or_else(|| panic!("{} {}", answer.head, answer.text()))
}

/// Somebody with an app, signed in just now with both, the wiki open.
pub(super) async fn inside(site: &Site, login: &str) -> (Browser, Phone) {
    let phone = site.account_with_app(login, &["staff"]).await;
    let b = again(site, login, &phone).await;
    (b, phone)
}

/// Signed in once more, in another browser.
pub(super) async fn again(site: &Site, login: &str, phone: &Phone) -> Browser {
    let mut b = site.browser();
    let code = next_code(site, phone);
    assert_eq!(location(&b.password(login).await), "/signin/code");
    assert_eq!(b.code(&code).await.status, 303);
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    site.wiki.take();
    b
}

/// A code that was not used yet.
pub(super) fn next_code(site: &Site, phone: &Phone) -> String {
    site.clock.advance(30);
    phone.code(site.now())
}

pub(super) async fn confirm(b: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    b.step(CONFIRM, CONFIRM, fields).await
}

pub(super) async fn device_of(site: &Site, login: &str) -> DeviceId {
    let account = site.find(login).await;
    let device = Device {
        id: DeviceId::from_uuid(site.env.uuid()),
        account: account.id,
        known_since: site.env.now(),
        last_used_at: site.env.now(),
        trusted_until: Some(site.env.now().plus(Duration::from_secs(86_400))),
        address: Some("192.0.2.9".into()),
        user_agent: None,
    };
    let id = device.id;
    site.commit(&[Change::AddDevice {
        device: Box::new(device),
        token: site.env.token().hash(),
    }])
    .await;
    id
}

/// The letters that wait for somebody, in order.
pub(super) async fn letters(site: &Site, login: &str) -> Vec<Letter> {
    let account = site.find(login).await.id;
    let far = site.env.now().plus(Duration::from_secs(400 * 86_400));
    let store = &site.office.store;
    let claimed = store.claim_mail(far, far, 1000).await.unwrap();
    let of_account = claimed.iter().filter(|c| c.mail.account == Some(account));
    of_account
        .map(|claimed| {
            let id = claimed.mail.id.uuid();
            let vault = &site.office.vault;
            let plain = vault.open_sealed(Purpose::Letter, id.as_bytes(), &claimed.mail.sealed);
            serde_json::from_slice(&plain.unwrap()).unwrap()
        })
        .collect()
}

async fn was_told(site: &Site, login: &str, of: impl Fn(&Matter) -> bool) -> bool {
    let letters = letters(site, login).await;
    letters
        .iter()
        .any(|l| of(&l.matter) && l.to == format!("{login}@northgate.example"))
}

/// Everything about an account that a change could change.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    account: Account,
    sessions: usize,
    devices: usize,
    codes: Vec<String>,
    letters: usize,
}

pub(super) async fn state(site: &Site, login: &str) -> State {
    let account = site.find(login).await;
    let store = &site.office.store;
    let mut account = account;
    // an app's codes are entered on the way
    if let Some(app) = &mut account.totp {
        app.last_step = 0;
    }
    account.history.last_sign_in_at = None;
    let codes = store.emergency_codes(account.id).await.unwrap();
    State {
        sessions: site.sessions_of(login).await,
        devices: store.devices_of(account.id).await.unwrap().len(),
        codes: codes.iter().map(|c| c.id.to_string()).collect(),
        letters: letters(site, login).await.len(),
        account,
    }
}

/// Nobody is signed in with what this browser holds, here or there.
async fn is_dead(site: &Site, b: &mut Browser) {
    let wiki = b.get(&site.url(WIKI, "/")).await;
    assert_eq!(wiki.status, 302, "{}", wiki.head);
    assert!(!b.is_signed_in().await);
    site.untouched();
}

/// Where a form goes, with what, and where the question is asked.
type Form = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

/// What decides how somebody signs in.
const SETTINGS: &[Form] = &[
    ("/account/password", &[("new", NEW)], "?next=password"),
    ("/account/2fa", &[("do", "replace")], ""),
    ("/account/2fa", &[("do", "codes")], ""),
    ("/account/2fa/disable", &[], "?next=disable"),
];

/// What takes access away.
const ENDS: &[Form] = &[
    ("/account/sessions", &[("do", "others")], "?next=sessions"),
    ("/account/devices", &[("do", "all")], "?next=devices"),
];

/// Sends a form with an anti-forgery value that is right.
pub(super) async fn send(b: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = field(&b.page(SECURITY).await.text(), "csrf").expect("a form");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    let ask = b.form(path, &all);
    b.send(ask).await
}

/// Each of these is answered with the question, and nothing is done.
async fn is_asked(site: &Site, b: &mut Browser, login: &str, changes: &[Form]) {
    let before = state(site, login).await;
    for (path, fields, next) in changes {
        let answer = send(b, path, fields).await;
        assert_eq!(location(&answer), format!("{CONFIRM}{next}"), "{path}");
        // half way is no way: the question is open, and the form is sent once more
        let question = b.follow(answer).await;
        assert_eq!(question.status, 200, "{path}");
        let answer = send(b, path, fields).await;
        assert_eq!(location(&answer), format!("{CONFIRM}{next}"), "{path}");
        for step in ["/enrol/app", "/enrol/scan", "/enrol/codes"] {
            assert_eq!(location(&b.page(step).await), CONFIRM, "{path} {step}");
        }
    }
    assert_eq!(state(site, login).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_session_changes_nothing() {
    let site = Site::with(with_mail()).await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let _other = again(&site, "mikael", &phone).await;
    device_of(&site, "mikael").await;
    site.clock.advance(10 * 60);
    is_asked(&site, &mut b, "mikael", SETTINGS).await;
    is_asked(&site, &mut b, "mikael", ENDS).await;
    for page in ["/account/password", "/account/2fa/disable"] {
        assert!(location(&b.page(page).await).starts_with(CONFIRM), "{page}");
    }
    // one of the two is not enough, nor is the wrong one
    let _ = send(&mut b, "/account/2fa", &[("do", "codes")]).await;
    let code = next_code(&site, &phone);
    let before = state(&site, "mikael").await;
    for fields in [
        &[("password", PASSWORD)][..],
        &[("code", &code)],
        &[("password", PASSWORD), ("code", "000000")],
        &[("password", "wrong"), ("code", &code)],
        &[("password", ""), ("code", "")],
        &[],
    ] {
        assert_eq!(confirm(&mut b, fields).await.status, 422, "{fields:?}");
    }
    assert_eq!(state(&site, "mikael").await, before);
    assert_eq!(site.count("mikael", Event::Confirmed).await, 0);
    // both are
    let answer = confirm(&mut b, &[("password", PASSWORD), ("code", &code)]).await;
    assert_eq!(location(&answer), "/enrol/codes");
    assert_eq!(site.count("mikael", Event::Confirmed).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_without_a_code_from_the_app_changes_no_setting() {
    let site = Site::with(with_mail()).await;
    // by password alone, before there was an app
    let mut b = site.browser();
    assert_eq!(location(&b.password("aino").await), "/");
    let phone = site.give_app(&site.find("aino").await).await;
    site.settle().await;
    is_asked(&site, &mut b, "aino", SETTINGS).await;
    // the password alone does not do, however often it is given
    let _ = send(&mut b, "/account/2fa", &[("do", "replace")]).await;
    let answer = confirm(&mut b, &[("password", PASSWORD)]).await;
    assert_eq!(answer.status, 422);
    let code = next_code(&site, &phone);
    let answer = confirm(&mut b, &[("code", &code)]).await;
    assert_eq!(location(&answer), "/enrol/app");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_opened_with_a_recovery_code_changes_no_setting() {
    let site = Site::with(with_mail()).await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let code = site.helpdesk_code("mikael").await;
    let answer = b
        .step(
            "/signin/one-time-code",
            "/signin/one-time-code",
            &[("otc", &code)],
        )
        .await;
    assert_eq!(location(&answer), "/signin/lost");
    let answer = b
        .step("/signin/lost", "/signin/lost", &[("lost", "temporary")])
        .await;
    assert_eq!(location(&answer), "/");
    is_asked(&site, &mut b, "mikael", SETTINGS).await;
    // another one does not count either
    let another = site.helpdesk_code("mikael").await;
    let _ = send(&mut b, "/account/2fa", &[("do", "replace")]).await;
    for typed in [another.as_str(), &another[..6]] {
        let answer = confirm(&mut b, &[("code", typed), ("otc", &another)]).await;
        assert_eq!(answer.status, 422);
    }
    // the app is found again: its code counts, and the session lives no longer for it
    let ends = |site: &Site, id| {
        let store = std::sync::Arc::clone(&site.office.store);
        let now = site.env.now();
        async move {
            store.sessions_of(Some(id), now, 9).await.unwrap()[0]
                .session
                .expires_at
        }
    };
    let id = site.find("mikael").await.id;
    let until = ends(&site, id).await;
    let _ = b.page("/account/confirm?next=password").await;
    let code = next_code(&site, &phone);
    let answer = confirm(&mut b, &[("code", &code)]).await;
    assert_eq!(location(&answer), "/account/password");
    assert_eq!(b.page("/account/password").await.status, 200);
    assert_eq!(ends(&site, id).await, until);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_lasts_ten_minutes_and_names_the_session_anew() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    assert_eq!(b.page("/account/password").await.status, 200);
    site.clock.advance(10 * 60);
    let answer = b.page("/account/password").await;
    let question = b.follow(answer).await;
    assert!(question.text().contains("name=\"password\""));
    assert!(question.text().contains("name=\"code\""));
    let old = b.cookie(LOGIN, SESSION).unwrap().to_owned();
    let code = next_code(&site, &phone);
    let both = [("password", PASSWORD), ("code", code.as_str())];
    let answer = confirm(&mut b, &both).await;
    assert_eq!(location(&answer), "/account/password");
    assert_ne!(b.cookie(LOGIN, SESSION).unwrap(), old);
    assert_eq!(b.cookie(LOGIN, SIGN_IN), None);
    let mut thief = site.browser();
    thief.plant(LOGIN, SESSION, &old);
    assert!(!thief.is_signed_in().await);
    // the applications stay open, and there is one session as before
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    assert_eq!(site.sessions_of("mikael").await, 1);
    assert_eq!(site.count("mikael", Event::Confirmed).await, 1);
    site.clock.advance(9 * 60);
    assert_eq!(b.page("/account/password").await.status, 200);
    // back: the question is answered
    assert_eq!(location(&b.page(CONFIRM).await), "/");
    let answer = b.page("/account/confirm?next=password").await;
    assert_eq!(location(&answer), "/account/password");
    site.clock.advance(60);
    assert_ne!(b.page("/account/password").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_leads_to_our_own_pages_only() {
    let site = Site::start().await;
    let (mut b, _) = inside(&site, "mikael").await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "%2F%2Fevil.example",
        "/account/password",
        "replace",
        "enrol",
        "Password",
        "",
        "x",
    ] {
        let answer = b.page(&format!("{CONFIRM}?next={next}")).await;
        assert_eq!(location(&answer), SECURITY, "{next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_at_the_question_is_throttled_like_a_sign_in() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    site.clock.advance(10 * 60);
    let _ = b.page("/account/confirm?next=password").await;
    let wrong = phone.wrong(site.now());
    // wrong codes: the question is gone, and the same counter holds at the front door
    let mut answer = None;
    for _ in 0..5 {
        let fields = [("password", PASSWORD), ("code", wrong.as_str())];
        answer = Some(confirm(&mut b, &fields).await);
    }
    assert_eq!(answer.unwrap().status, 429);
    assert_eq!(b.cookie(LOGIN, SIGN_IN), None);
    assert_eq!(site.count("mikael", Event::CodesPaused).await, 1);
    let mut door = site.browser();
    let _ = door.password("mikael").await;
    let code = next_code(&site, &phone);
    assert_eq!(door.code(&code).await.status, 429);
    // wrong passwords
    site.clock.advance(20 * 60);
    let _ = b.page("/account/confirm?next=sessions").await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(confirm(&mut b, &[("password", "wrong")]).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(
        site.browser().password("mikael").await.status,
        429,
        "another counter"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_at_once_in_many_tabs_confirms_once() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    site.clock.advance(10 * 60);
    let _ = b.page("/account/confirm?next=disable").await;
    let page = b.page(CONFIRM).await;
    let code = next_code(&site, &phone);
    let tabs = (0..20).map(|_| {
        let (mut tab, page, code) = (b.clone(), &page, code.clone());
        async move {
            let fields = [("password", PASSWORD), ("code", code.as_str())];
            let answer = tab.submit(page, CONFIRM, &fields).await;
            let raised = answer
                .headers("set-cookie")
                .iter()
                .any(|c| c.starts_with(SESSION));
            usize::from(raised)
        }
    });
    let raised: usize = join_all(tabs).await.into_iter().sum();
    assert_eq!(raised, 1);
    assert_eq!(site.count("mikael", Event::Confirmed).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_ends_everything_else() {
    let site = Site::with(with_mail()).await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let mut other = again(&site, "mikael", &phone).await;
    let mut half_way = site.browser();
    let _ = half_way.password("mikael").await;
    device_of(&site, "mikael").await;
    let before = state(&site, "mikael").await;
    for (typed, id) in [
        ("", "empty"),
        ("short", "short"),
        ("passwordpassword", "common"),
        ("mikael@northgate.example", "own address"),
        (&"x".repeat(5000), "long"),
    ] {
        let answer = send(&mut b, "/account/password", &[("new", typed)]).await;
        assert_eq!(answer.status, 422, "{id}");
        // a password is never shown again
        let page = answer.text();
        let input = page.split("name=\"new\"").nth(1).unwrap();
        assert!(!input.split('>').next().unwrap().contains("value="), "{id}");
    }
    assert_eq!(state(&site, "mikael").await, before);
    let old = b.cookie(LOGIN, SESSION).unwrap().to_owned();
    let answer = send(&mut b, "/account/password", &[("new", NEW)]).await;
    assert_eq!(location(&answer), "/account/security?done=password");
    assert_ne!(b.cookie(LOGIN, SESSION).unwrap(), old);
    assert_eq!(b.follow(answer).await.status, 200);
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    site.wiki.take();
    let mut thief = site.browser();
    thief.plant(LOGIN, SESSION, &old);
    assert!(!thief.is_signed_in().await);
    is_dead(&site, &mut other).await;
    assert_eq!(
        location(&half_way.page("/signin/code").await),
        "/signin?expired"
    );
    let after = state(&site, "mikael").await;
    assert_eq!((after.sessions, after.devices), (1, 0));
    assert!(after.account.has_second_factor());
    assert_eq!(site.count("mikael", Event::PasswordChanged).await, 1);
    assert!(was_told(&site, "mikael", |m| *m == Matter::PasswordChanged).await);
    assert_eq!(site.browser().password("mikael").await.status, 422);
    let mut new = site.browser();
    let answer = new.password_is("mikael", NEW).await;
    assert_eq!(location(&answer), "/signin/code");
    // once more the same one
    let answer = send(&mut b, "/account/password", &[("new", NEW)]).await;
    assert_eq!(answer.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_new_passwords_at_once_one_is_taken() {
    let site = Site::with(Plan {
        more: "throttle: { hashing_queue: 200 }",
        ..Plan::default()
    })
    .await;
    let (mut b, _) = inside(&site, "mikael").await;
    let page = b.page("/account/password").await;
    let tabs = (0..50).map(|n| {
        let (mut tab, page) = (b.clone(), &page);
        async move {
            let password = format!("{NEW} {n} brightly");
            let fields = [("new", password.as_str())];
            let answer = tab.submit(page, "/account/password", &fields).await;
            let won = answer.header("location") == Some("/account/security?done=password");
            won.then_some(password)
        }
    });
    let winners: Vec<String> = join_all(tabs).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(site.count("mikael", Event::PasswordChanged).await, 1);
    assert_eq!(site.sessions_of("mikael").await, 1);
    let answer = site.browser().password_is("mikael", &winners[0]).await;
    assert_eq!(location(&answer), "/signin/code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enabling_comes_back_to_the_account() {
    let site = Site::with(with_mail()).await;
    let mut b = site.browser();
    let _ = b.password("aino").await;
    let mut other = site.browser();
    let _ = other.password("aino").await;
    let answer = send(&mut b, "/account/2fa", &[("do", "enrol")]).await;
    assert_eq!(location(&answer), "/enrol");
    let (_, codes) = b.bind(site.now()).await;
    assert_eq!(codes.len(), 3);
    assert!(!other.is_signed_in().await);
    let answer = b.finish().await;
    assert_eq!(location(&answer), "/account/security?done=enabled");
    let page = b.follow(answer).await.text();
    assert!(page.contains("value=\"replace\"") && !page.contains("value=\"enrol\""));
    assert!(was_told(&site, "aino", |m| *m == Matter::Enabled).await);
    // nothing to enable any more
    let answer = send(&mut b, "/account/2fa", &[("do", "enrol")]).await;
    assert_eq!(location(&answer), SECURITY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_app_takes_the_place_of_the_old_one_at_its_code() {
    let site = Site::with(with_mail()).await;
    let (mut b, old) = inside(&site, "mikael").await;
    // codes of the old app
    let _ = send(&mut b, "/account/2fa", &[("do", "codes")]).await;
    let old_codes = codes_on(&b.page("/enrol/codes").await.text());
    let _ = b.finish().await;
    let mut other = again(&site, "mikael", &old).await;
    device_of(&site, "mikael").await;
    let answer = send(&mut b, "/account/2fa", &[("do", "replace")]).await;
    assert_eq!(location(&answer), "/enrol/app");
    // leaving half-way changes nothing
    let page = b.page("/enrol/app").await;
    let _ = b.submit(&page, "/enrol/app", &[("app", "other")]).await;
    let scan = b.page("/enrol/scan").await;
    assert!(Phone::scan(&scan.text()).is_some());
    assert!(other.is_signed_in().await);
    let (new, new_codes) = b.bind(site.now()).await;
    is_dead(&site, &mut other).await;
    assert_eq!(new_codes.len(), 3);
    let answer = b.finish().await;
    assert_eq!(location(&answer), "/account/security?done=replaced");
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    assert_eq!(state(&site, "mikael").await.devices, 0);
    assert_eq!(site.count("mikael", Event::AuthenticatorReplaced).await, 1);
    assert!(was_told(&site, "mikael", |m| *m == Matter::Replaced).await);
    // the key is not shown again
    for path in ["/enrol/scan", "/enrol/codes", "/enrol/app"] {
        assert_eq!(location(&b.page(path).await), "/", "{path}");
    }
    let mut door = site.browser();
    let _ = door.password("mikael").await;
    site.clock.advance(30);
    assert_eq!(door.code(&old.code(site.now())).await.status, 422);
    let emergency = "/signin/emergency-code";
    let typed = [("emergency", old_codes[0].as_str())];
    assert_eq!(door.step(emergency, emergency, &typed).await.status, 422);
    assert_eq!(door.code(&new.code(site.now())).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_emergency_codes_are_shown_once_and_the_old_ones_are_dead() {
    let site = Site::with(with_mail()).await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let answer = send(&mut b, "/account/2fa", &[("do", "codes")]).await;
    assert_eq!(location(&answer), "/enrol/codes");
    let first = codes_on(&b.follow(answer).await.text());
    let answer = b
        .step("/enrol/codes", "/enrol/codes", &[("do", "finish")])
        .await;
    assert_eq!(answer.status, 422, "not ticked");
    let answer = b.finish().await;
    assert_eq!(location(&answer), "/account/security?done=codes");
    assert!(was_told(&site, "mikael", |m| *m == Matter::EmergencyCodesCreated).await);
    assert_eq!(letters(&site, "mikael").await.len(), 1);
    assert_eq!(site.count("mikael", Event::EmergencyCodesCreated).await, 1);
    for path in ["/enrol/codes", SECURITY, "/"] {
        let page = b.page(path).await;
        assert_eq!(codes_on(&page.text()), Vec::<String>::new(), "{path}");
    }
    // once more, and left before they are stored: the next sign-in shows new ones first
    let answer = send(&mut b, "/account/2fa", &[("do", "codes")]).await;
    let second = codes_on(&b.follow(answer).await.text());
    assert!(second.iter().all(|code| !first.contains(code)));
    let emergency = "/signin/emergency-code";
    let mut door = site.browser();
    let _ = door.password("mikael").await;
    let typed = [("emergency", first[0].as_str())];
    assert_eq!(door.step(emergency, emergency, &typed).await.status, 422);
    let code = next_code(&site, &phone);
    assert_eq!(location(&door.code(&code).await), "/enrol/codes");
    let third = codes_on(&door.page("/enrol/codes").await.text());
    assert!(third.iter().all(|code| !second.contains(code)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_off_ends_everything_else_and_claims_nothing_more() {
    let site = Site::with(with_mail()).await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let mut other = again(&site, "mikael", &phone).await;
    device_of(&site, "mikael").await;
    let old = b.cookie(LOGIN, SESSION).unwrap().to_owned();
    assert_eq!(b.page("/account/2fa/disable").await.status, 200);
    let answer = send(&mut b, "/account/2fa/disable", &[]).await;
    assert_eq!(location(&answer), "/account/security?done=disabled");
    assert_eq!(b.follow(answer).await.status, 200);
    assert_ne!(b.cookie(LOGIN, SESSION).unwrap(), old);
    let mut thief = site.browser();
    thief.plant(LOGIN, SESSION, &old);
    assert!(!thief.is_signed_in().await);
    is_dead(&site, &mut other).await;
    let after = state(&site, "mikael").await;
    assert_eq!((after.sessions, after.devices), (1, 0));
    assert!(!after.account.has_second_factor() && after.codes.is_empty());
    assert_eq!(site.count("mikael", Event::AuthenticatorRemoved).await, 1);
    assert!(was_told(&site, "mikael", |m| *m == Matter::Disabled).await);
    // what demands a second factor is closed to this session from now on
    let answer = b.open(&site.url(super::site::PAYROLL, "/")).await;
    assert!(b.at.contains("/remind/app"), "{} {}", b.at, answer.head);
    site.untouched();
    assert_eq!(location(&site.browser().password("mikael").await), "/");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_must_have_two_factors_cannot_switch_them_off() {
    let site = Site::with(Plan {
        more: "roles: { helpdesk: [agents] }",
        ..Plan::default()
    })
    .await;
    for (login, group) in [("mikael", "finance"), ("helena", "agents")] {
        let (mut b, _) = inside(&site, login).await;
        site.set_groups(login, &[group]).await;
        site.settle().await;
        let before = state(&site, login).await;
        let page = b.page(SECURITY).await.text();
        assert!(!page.contains("/account/2fa/disable"), "{login}");
        assert_eq!(location(&b.page("/account/2fa/disable").await), SECURITY);
        let answer = send(&mut b, "/account/2fa/disable", &[]).await;
        assert_eq!(location(&answer), SECURITY, "{login}");
        assert_eq!(state(&site, login).await, before, "{login}");
        assert_eq!(site.count(login, Event::AuthenticatorRemoved).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_said_once_more_makes_the_two_factors_no_younger() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let account = site.find("mikael").await.id;
    let stands_for = async || {
        let now = site.env.now();
        let open = site.office.store.sessions_of(Some(account), now, 9).await;
        let open = open.unwrap();
        let session = &open.first().unwrap().session;
        (session.auth_time.seconds(), session.password_at.seconds())
    };
    let signed_in = stands_for().await.0;
    site.clock.advance(900);
    let _ = b.page("/account/confirm?next=sessions").await;
    let answer = confirm(&mut b, &[("password", PASSWORD)]).await;
    assert_eq!(location(&answer), "/account/sessions");
    assert_eq!(stands_for().await, (signed_in, site.now()));
    // both once more are one
    site.clock.advance(900);
    let code = next_code(&site, &phone);
    let _ = b.page("/account/confirm?next=password").await;
    let answer = confirm(&mut b, &[("password", PASSWORD), ("code", &code)]).await;
    assert_eq!(location(&answer), "/account/password");
    assert_eq!(stands_for().await, (site.now(), site.now()));
}
