//! A link in a mail that changes a password: poisoned, guessed, used again, used by many, and used to find out who is
//! here.

use super::browser::{Ask, Browser, field};
use super::post::{site_with_post, with_mail};
use super::site::{CHEAP, LOGIN, PASSWORD, Plan, Site};
use crate::support::client::Answer;
use url::Url;
use vestibule::authn::accounts::NewAccount;
use vestibule::domain::account::{PasswordHash, Status};
use vestibule::domain::audit::Event;
use vestibule::domain::device::Device;
use vestibule::domain::id::DeviceId;
use vestibule::store::Change;

const NEW: &str = "seven green bottles hanging";
const RESET: &str = "__Host-vestibule-reset";

async fn ask(b: &mut Browser, name: &str) -> Answer {
    b.step(
        "/password/forgot",
        "/password/forgot",
        &[("username", name)],
    )
    .await
}

/// Asks for a link and takes it out of the mail.
async fn link(site: &Site, login: &str) -> Url {
    let answer = ask(&mut site.browser(), login).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut links = site.links_to(login).await;
    links.pop().expect("a link")
}

/// Opens a link as a click in a mail does: from nowhere we know.
async fn open(b: &mut Browser, link: &Url) -> Answer {
    let mut visit = b.visit(link.as_str());
    visit.site = "cross-site";
    let answer = b.send(visit).await;
    assert_eq!(answer.header("location"), Some("/password/reset"));
    b.page("/password/reset").await
}

async fn choose(b: &mut Browser, page: &Answer, password: &str) -> Answer {
    b.submit(page, "/password/reset", &[("password", password)])
        .await
}

fn is_gone(answer: &Answer) -> bool {
    answer.status == 400 && answer.text().contains("This link no longer works")
}

async fn signs_in(site: &Site, login: &str, password: &str) -> u16 {
    let mut b = site.browser();
    b.password_is(login, password).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_chooses_a_password_and_ends_what_rested_on_the_old_one() {
    let site = site_with_post(with_mail()).await;
    let mut thief = site.browser();
    assert_eq!(thief.password("aino").await.status, 303);
    assert!(thief.is_signed_in().await);
    let account = site.find("aino").await;
    let device = Device {
        id: DeviceId::from_uuid(site.env.uuid()),
        account: account.id,
        known_since: site.env.now(),
        last_used_at: site.env.now(),
        trusted_until: None,
        address: None,
        user_agent: None,
    };
    site.commit(&[Change::AddDevice {
        device: Box::new(device),
        token: site.env.token().hash(),
    }])
    .await;
    let before = link(&site, "aino").await;
    let link = link(&site, "aino").await;
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains(link.query().unwrap()));
    for (password, why) in [
        ("", "Enter a new password"),
        ("short", "at least 15 characters"),
        ("passwordpassword", "Choose another one"),
    ] {
        let answer = choose(&mut b, &page, password).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    assert!(thief.is_signed_in().await, "nothing has happened yet");
    let answer = choose(&mut b, &page, NEW).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains("Your password has been changed"));
    assert!(!b.is_signed_in().await, "a link signs nobody in");
    assert_eq!(b.cookie(LOGIN, RESET), None);
    assert!(!thief.is_signed_in().await);
    assert_eq!(site.sessions_of("aino").await, 0);
    let devices = site.office.store.devices_of(account.id).await.unwrap();
    assert!(devices.is_empty());
    assert_eq!(signs_in(&site, "aino", PASSWORD).await, 422);
    assert_eq!(signs_in(&site, "aino", NEW).await, 303);
    for old in [&before, &link] {
        assert!(is_gone(&open(&mut site.browser(), old).await));
    }
    assert_eq!(site.count("aino", Event::ResetRequested).await, 2);
    assert_eq!(site.count("aino", Event::ResetCompleted).await, 1);
    assert_eq!(site.count("aino", Event::PasswordChanged).await, 1);
    assert_eq!(site.told("aino").await, "password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leaves_the_second_factor_alone() {
    let site = site_with_post(with_mail()).await;
    let phone = site.account_with_app("olga", &[]).await;
    let link = link(&site, "olga").await;
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    let answer = choose(&mut b, &page, NEW).await;
    assert!(
        answer.text().contains("Two-factor authentication stays on"),
        "{}",
        answer.text()
    );
    assert!(site.find("olga").await.totp.is_some());
    let answer = b.password_is("olga", NEW).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    assert!(!b.is_signed_in().await);
    let code = phone.code(site.now());
    let _ = b
        .step("/signin/code", "/signin/code", &[("code", &code)])
        .await;
    assert!(b.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_a_link_spends_nothing() {
    let site = site_with_post(with_mail()).await;
    let link = link(&site, "aino").await;
    for _ in 0..3 {
        let mut scanner = site.browser();
        let page = open(&mut scanner, &link).await;
        assert_eq!(page.status, 200);
        let mut head = scanner.visit(link.as_str());
        head.method = "HEAD";
        let _ = scanner.try_send(&head).await;
    }
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    assert_eq!(choose(&mut b, &page, NEW).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_point_to_the_configured_address_whatever_the_request_says() {
    let site = site_with_post(with_mail()).await;
    let own = site.url(LOGIN, "/password/reset?token=");
    for name in ["X-Forwarded-Host", "X-Host", "X-Original-Host"] {
        let mut b = site.browser();
        let csrf = field(&b.page("/password/forgot").await.text(), "csrf").unwrap();
        let login = format!("user-{}", name.to_lowercase());
        site.account(&login, &[]).await;
        let mut form = b.form("/password/forgot", &[("csrf", &csrf), ("username", &login)]);
        form.more = format!(
            "{name}: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\nForwarded: host=evil.example;proto=http\r\n"
        );
        assert_eq!(b.send(form).await.status, 200);
        let links = site.links_to(&login).await;
        assert_eq!(links.len(), 1);
        assert!(links[0].as_str().starts_with(&own), "{}", links[0]);
    }
    // another host in the request is not the portal
    let mut b = site.browser();
    let csrf = field(&b.page("/password/forgot").await.text(), "csrf").unwrap();
    let body = format!("csrf={csrf}&username=aino");
    let cookie = b.cookie(LOGIN, "__Host-signin").unwrap();
    for host in ["evil.example", "login.test.evil.example", "wiki.test"] {
        let text = format!(
            "POST /password/forgot HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-signin={cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = site.net.raw(LOGIN, "POST", text.as_bytes()).await;
        assert!(answer.is_none_or(|a| a.status >= 400), "{host}");
    }
    assert!(site.links_to("aino").await.is_empty());
}

/// What somebody without an account sees of an answer, the name that was typed taken out.
fn seen(answer: &Answer, name: &str) -> (u16, Vec<String>, String) {
    let head = answer.head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        let new_each_time = ["date:", "content-length:", "x-request-id:"];
        !new_each_time.iter().any(|name| line.starts_with(name))
    });
    (
        answer.status,
        head.map(str::to_owned).collect(),
        answer.text().replace(name, "NAME"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_who_has_an_account() {
    let site = site_with_post(with_mail()).await;
    site.account("gone", &[]).await;
    let gone = site.find("gone").await.id;
    let done = site.office.authn.set_status(gone, Status::Disabled).await;
    done.unwrap();
    let bare = NewAccount {
        login: "bare".into(),
        ..NewAccount::default()
    };
    site.office.authn.add_account(bare).await.unwrap().unwrap();
    site.account_with_app("olga", &[]).await;
    let long = "x".repeat(250);
    let names = [
        "aino",
        "aino@northgate.example",
        "olga",
        "gone",
        "bare",
        "nobody",
        &long,
    ];
    let mut all = Vec::new();
    for name in names {
        let mut b = site.browser();
        // the throttle, too, tells nothing
        for _ in 0..5 {
            all.push(seen(&ask(&mut b, name).await, name));
        }
    }
    for one in &all {
        assert_eq!(one, &all[0]);
    }
    assert_eq!(site.links_to("gone").await.len(), 0);
    assert_eq!(site.links_to("olga").await.len(), 3);
    assert_eq!(site.links_to("aino").await.len(), 3, "both names are one");
    // each request that was let through left one record, known or not
    assert_eq!(site.count("gone", Event::ResetRequested).await, 3);
    assert_eq!(site.count("bare", Event::ResetRequested).await, 3);
    // a name that is missing is an error, and no request
    let mut b = site.browser();
    assert_eq!(ask(&mut b, "  ").await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_do_not_work_all_look_alike() {
    let site = site_with_post(with_mail()).await;
    let first = link(&site, "aino").await;
    let token = first.query().unwrap().strip_prefix("token=").unwrap();
    let mut bad: Vec<Url> = Vec::new();
    for text in [
        "",
        "x",
        &token[1..],
        &format!("{token}A"),
        &token.to_uppercase(),
        &site.env.token().reveal(),
        &"A".repeat(20_000)[..6_000],
    ] {
        bad.push(Url::parse(&site.url(LOGIN, &format!("/password/reset?token={text}"))).unwrap());
    }
    for link in &bad {
        assert!(is_gone(&open(&mut site.browser(), link).await), "{link}");
    }
    // nothing opened, a session's token in its place
    let mut b = site.browser();
    assert!(is_gone(&b.page("/password/reset").await));
    let _ = b.password("aino").await;
    let session = b.cookie(LOGIN, "__Host-vestibule").unwrap().to_owned();
    b.plant(LOGIN, RESET, &session);
    assert!(is_gone(&b.page("/password/reset").await));
    // half an hour, and not a second more
    site.clock.advance(30 * 60 - 1);
    let mut b = site.browser();
    let page = open(&mut b, &first).await;
    assert_eq!(page.status, 200);
    site.clock.advance(1);
    assert!(is_gone(&choose(&mut b, &page, NEW).await));
    assert!(is_gone(&open(&mut b, &first).await));
    assert_eq!(signs_in(&site, "aino", PASSWORD).await, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_account_has_no_links() {
    let site = site_with_post(with_mail()).await;
    let link = link(&site, "aino").await;
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    let account = site.find("aino").await.id;
    let authn = &site.office.authn;
    authn.set_status(account, Status::Disabled).await.unwrap();
    assert!(is_gone(&choose(&mut b, &page, NEW).await));
    assert!(is_gone(&open(&mut b, &link).await));
    let _ = ask(&mut b, "aino").await;
    assert_eq!(site.links_to("aino").await.len(), 1);
    authn.set_status(account, Status::Active).await.unwrap();
    assert_eq!(signs_in(&site, "aino", PASSWORD).await, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_was_not_ours_changes_nothing() {
    let site = site_with_post(with_mail()).await;
    let link = link(&site, "aino").await;
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let other = field(&b.page("/password/forgot").await.text(), "csrf").unwrap();
    let forms: [Ask; 3] = [
        b.form("/password/reset", &[("password", NEW)]),
        b.form("/password/reset", &[("csrf", &other), ("password", NEW)]),
        Ask {
            origin: Some("https://evil.example".into()),
            site: "cross-site",
            ..b.form("/password/reset", &[("csrf", &csrf), ("password", NEW)])
        },
    ];
    for form in forms {
        assert_eq!(b.send(form).await.status, 403);
    }
    // without the cookie that the link has left there is nothing to reset
    let mut stranger = site.browser();
    let form = stranger.form("/password/reset", &[("csrf", &csrf), ("password", NEW)]);
    assert!(is_gone(&stranger.send(form).await));
    assert_eq!(signs_in(&site, "aino", PASSWORD).await, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_one_chooses_the_password() {
    let site = site_with_post(with_mail()).await;
    let link = link(&site, "aino").await;
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let tries = (0..50).map(|n| {
        let mut b = b.clone();
        let password = format!("{NEW} number {n}");
        let form = b.form(
            "/password/reset",
            &[("csrf", &csrf), ("password", &password)],
        );
        tokio::spawn(async move { (b.send(form).await.status, password) })
    });
    let mut winners = Vec::new();
    for done in tries.collect::<Vec<_>>() {
        match done.await.unwrap() {
            (200, password) => winners.push(password),
            (status, _) => assert!(matches!(status, 400 | 429), "{status}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(signs_in(&site, "aino", &winners[0]).await, 303);
    assert_eq!(site.count("aino", Event::PasswordChanged).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobodys_mailbox_is_flooded() {
    let site = site_with_post(with_mail()).await;
    let sent = async || site.links_to("aino").await.len();
    for _ in 0..20 {
        let _ = ask(&mut site.browser(), "AINO").await;
    }
    assert_eq!(sent().await, 3);
    for (minutes, total) in [(14, 3), (1, 4), (29, 4), (1, 5), (59, 5), (1, 6)] {
        site.clock.advance(minutes * 60);
        let _ = ask(&mut site.browser(), "aino@northgate.example").await;
        assert_eq!(sent().await, total, "{minutes}");
    }
    // only the newest works
    let links = site.links_to("aino").await;
    let (newest, older) = links.split_last().unwrap();
    for old in older {
        assert!(is_gone(&open(&mut site.browser(), old).await));
    }
    assert_eq!(open(&mut site.browser(), newest).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_gets_in_again_after_somebody_elses_guesses() {
    let site = site_with_post(with_mail()).await;
    for _ in 0..12 {
        let _ = signs_in(&site, "aino", "wrong").await;
    }
    let mut b = site.browser();
    let paused = b.password("aino").await;
    assert_eq!(paused.status, 429);
    assert!(paused.text().contains("/password/forgot"));
    let link = link(&site, "aino").await;
    let page = open(&mut b, &link).await;
    assert_eq!(choose(&mut b, &page, NEW).await.status, 200);
    assert_eq!(signs_in(&site, "aino", NEW).await, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_works_for_a_week() {
    let site = site_with_post(with_mail()).await;
    let new = NewAccount {
        login: "ester".into(),
        email: Some("ester@northgate.example".into()),
        ..NewAccount::default()
    };
    let authn = &site.office.authn;
    let account = authn.add_account(new).await.unwrap().unwrap();
    let invite = async || {
        let changes = authn.invite(&account).unwrap().unwrap();
        site.commit(&changes).await;
        site.links_to("ester").await.pop().unwrap()
    };
    let late = invite().await;
    site.clock.advance(7 * 86_400);
    assert!(is_gone(&open(&mut site.browser(), &late).await));
    let link = invite().await;
    site.clock.advance(7 * 86_400 - 1);
    let mut b = site.browser();
    let page = open(&mut b, &link).await;
    assert_eq!(choose(&mut b, &page, NEW).await.status, 200);
    assert_eq!(signs_in(&site, "ester", NEW).await, 303);
    assert!(is_gone(&open(&mut b, &link).await));
    // nobody is invited whom no mail can reach
    let bare = NewAccount {
        login: "bare".into(),
        ..NewAccount::default()
    };
    let bare = authn.add_account(bare).await.unwrap().unwrap();
    assert!(authn.invite(&bare).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_there_is_nothing_of_it() {
    let site = Site::with(Plan::default()).await;
    let mut b = site.browser();
    for path in [
        "/password/forgot",
        "/password/reset",
        "/password/reset?token=x",
    ] {
        assert_eq!(b.page(path).await.status, 404, "{path}");
    }
    assert!(!b.page("/signin").await.text().contains("/password/"));
    let with = site_with_post(with_mail()).await;
    let page = with.browser().page("/signin").await.text();
    assert!(page.contains("href=\"/password/forgot\""), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_does_not_outlive_what_the_operator_does_to_the_account() {
    let site = site_with_post(with_mail()).await;
    let account = site.find("aino").await.id;
    let authn = &site.office.authn;
    let taken = link(&site, "aino").await;
    let same = PasswordHash::from_encoded(CHEAP.to_owned());
    authn.set_password(account, same).await.unwrap();
    assert!(is_gone(&open(&mut site.browser(), &taken).await));
    let taken = link(&site, "aino").await;
    for status in [Status::Disabled, Status::Active] {
        authn.set_status(account, status).await.unwrap();
    }
    assert!(is_gone(&open(&mut site.browser(), &taken).await));
}
