//! The person's own pages: sessions, devices, activity; and forms that come from elsewhere.

use super::account::{
    NEW, SECURITY, again, device_of, inside, location, next_code, send, state, with_mail,
};
use super::browser::{Ask, Browser, SESSION, field};
use super::site::{LOGIN, PASSWORD, Plan, Site, WIKI};
use vestibule::domain::audit::{Actor, Event, Place, Record};
use vestibule::domain::id::SessionId;
use vestibule::store::Change;

async fn session_ids(site: &Site, login: &str) -> Vec<SessionId> {
    let (id, now) = (site.find(login).await.id, site.env.now());
    let found = site.office.store.sessions_of(Some(id), now, 99).await;
    found.unwrap().iter().map(|s| s.session.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_seen_and_ended_on_the_next_request() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let own = session_ids(&site, "mikael").await[0];
    let mut other = again(&site, "mikael", &phone).await;
    let ids = session_ids(&site, "mikael").await;
    let theirs = *ids.iter().find(|id| **id != own).unwrap();
    let page = b.page("/account/sessions").await.text();
    assert!(page.contains(&theirs.to_string()) && page.contains("Wiki"));
    // the one that asks is ended by signing out only
    assert!(!page.contains(&own.to_string()));
    let answer = send(
        &mut b,
        "/account/sessions",
        &[("session", &own.to_string())],
    )
    .await;
    assert_eq!(location(&answer), "/account/sessions");
    assert!(b.is_signed_in().await);
    let answer = send(
        &mut b,
        "/account/sessions",
        &[("session", &theirs.to_string())],
    )
    .await;
    assert_eq!(location(&answer), "/account/sessions?done=session");
    assert_eq!(other.get(&site.url(WIKI, "/")).await.status, 302);
    assert!(!other.is_signed_in().await);
    site.untouched();
    assert_eq!(site.count("mikael", Event::SessionRevoked).await, 1);
    // all others, and whoever is half-way in
    let mut second = again(&site, "mikael", &phone).await;
    let mut third = again(&site, "mikael", &phone).await;
    let mut half_way = site.browser();
    let _ = half_way.password("mikael").await;
    let answer = send(&mut b, "/account/sessions", &[("do", "others")]).await;
    assert_eq!(location(&answer), "/account/sessions?done=sessions");
    for gone in [&mut second, &mut third] {
        assert_eq!(gone.get(&site.url(WIKI, "/")).await.status, 302);
        assert!(!gone.is_signed_in().await);
    }
    assert_eq!(
        location(&half_way.page("/signin/code").await),
        "/signin?expired"
    );
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    assert_eq!(session_ids(&site, "mikael").await, [own]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_somebody_elses_is_out_of_reach() {
    let site = Site::with(with_mail()).await;
    let (mut b, _) = inside(&site, "mikael").await;
    let (mut victim, _) = inside(&site, "helena").await;
    let session = session_ids(&site, "helena").await[0].to_string();
    let device = device_of(&site, "helena").await.to_string();
    let before = (state(&site, "helena").await, state(&site, "mikael").await);
    let audit = site.audit("mikael").await.len();
    for (path, name, value) in [
        ("/account/sessions", "session", session.as_str()),
        ("/account/devices", "device", &device),
        // one of the right kind, one of the wrong kind, none at all
        ("/account/sessions", "session", &device),
        ("/account/devices", "device", &session),
        ("/account/sessions", "session", "' OR 1=1 --"),
        ("/account/devices", "device", ""),
    ] {
        let answer = send(&mut b, path, &[(name, value)]).await;
        assert_eq!(location(&answer), path, "{value}");
    }
    let after = (state(&site, "helena").await, state(&site, "mikael").await);
    assert_eq!(after, before);
    assert_eq!(site.audit("mikael").await.len(), audit);
    assert!(victim.is_signed_in().await);
    for path in ["/account/sessions", "/account/devices", "/account/activity"] {
        let page = b.page(path).await.text();
        assert!(
            !page.contains(&session) && !page.contains(&device),
            "{path}"
        );
        assert!(!page.contains("helena"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_forgotten_one_by_one_and_all_at_once() {
    let site = Site::start().await;
    let (mut b, _) = inside(&site, "mikael").await;
    let first = device_of(&site, "mikael").await.to_string();
    for _ in 0..2 {
        device_of(&site, "mikael").await;
    }
    let answer = send(&mut b, "/account/devices", &[("device", &first)]).await;
    assert_eq!(location(&answer), "/account/devices?done=device");
    let store = &site.office.store;
    let id = site.find("mikael").await.id;
    // the two others, and the browser that is signed in
    assert_eq!(store.devices_of(id).await.unwrap().len(), 3);
    // once more: gone already, and nothing is written
    let answer = send(&mut b, "/account/devices", &[("device", &first)]).await;
    assert_eq!(location(&answer), "/account/devices");
    assert_eq!(site.count("mikael", Event::DeviceRemoved).await, 1);
    let answer = send(&mut b, "/account/devices", &[("do", "all")]).await;
    assert_eq!(location(&answer), "/account/devices?done=devices");
    assert_eq!(store.devices_of(id).await.unwrap().len(), 0);
    assert_eq!(site.count("mikael", Event::DeviceRemoved).await, 2);
}

/// Every form of the account, with fields that would do something.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/account/password", &[("new", NEW)]),
    ("/account/2fa", &[("do", "replace")]),
    ("/account/2fa", &[("do", "codes")]),
    ("/account/2fa", &[("do", "enrol")]),
    ("/account/2fa/disable", &[]),
    ("/account/sessions", &[("do", "others")]),
    ("/account/devices", &[("do", "all")]),
    ("/account/confirm", &[("password", PASSWORD)]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_from_elsewhere_change_no_account() {
    let site = Site::with(with_mail()).await;
    let (mut b, phone) = inside(&site, "mikael").await;
    let _other = again(&site, "mikael", &phone).await;
    device_of(&site, "mikael").await;
    let mut stranger = site.browser();
    let foreign = field(&stranger.page("/signin").await.text(), "csrf").unwrap();
    let csrf = field(&b.page(SECURITY).await.text(), "csrf").unwrap();
    let before = state(&site, "mikael").await;
    for (path, fields) in FORMS {
        let with = |b: &Browser, csrf: Option<&str>| {
            let mut all: Vec<(&str, &str)> = csrf.map(|c| ("csrf", c)).into_iter().collect();
            all.extend(*fields);
            b.form(path, &all)
        };
        let good = with(&b, Some(&csrf));
        let asks = [
            with(&b, None),
            with(&b, Some("")),
            with(&b, Some(&csrf[1..])),
            Ask {
                origin: Some("https://evil.example".into()),
                ..good.clone()
            },
            Ask {
                origin: Some("null".into()),
                ..good.clone()
            },
            Ask {
                origin: Some(site.url(WIKI, "")),
                site: "same-site",
                ..good.clone()
            },
            Ask {
                origin: None,
                site: "cross-site",
                ..good.clone()
            },
            Ask {
                origin: None,
                site: "",
                ..with(&b, Some(&foreign))
            },
            Ask {
                kind: "text/plain",
                ..good.clone()
            },
        ];
        for (n, ask) in asks.into_iter().enumerate() {
            let answer = b.send(ask).await;
            assert!(
                matches!(answer.status, 400 | 403 | 415),
                "{path} {n}: {}",
                answer.head
            );
        }
        // from our own page, but another one's value: shown again, nothing done
        let ask = with(&b, Some(&foreign));
        let answer = b.send(ask).await;
        assert!(matches!(answer.status, 303 | 403), "{path}");
        // an address alone does nothing either
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(*fields)
            .finish();
        let _ = b.page(&format!("{path}?{query}&csrf={csrf}")).await;
    }
    assert_eq!(state(&site, "mikael").await, before);
    assert_eq!(site.count("mikael", Event::Confirmed).await, 0);
    assert_eq!(site.count("mikael", Event::SessionRevoked).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_a_page_is_kept_for_afterwards() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    for path in [
        "/account/security",
        "/account/sessions",
        "/account/devices",
        "/account/activity",
        "/account/password",
        "/.well-known/change-password",
    ] {
        let mut b = site.browser();
        let code = next_code(&site, &phone);
        let answer = b.page(path).await;
        let page = b.follow(answer).await;
        let fields = [("username", "mikael"), ("password", PASSWORD)];
        let answer = b.submit(&page, "/signin", &fields).await;
        assert_eq!(location(&answer), "/signin/code", "{path}");
        let answer = b.code(&code).await;
        let wanted = path.replace("/.well-known/change-password", "/account/password");
        assert_eq!(location(&answer), wanted);
        assert_eq!(b.page(&wanted).await.status, 200);
    }
    for (path, fields) in FORMS {
        let mut b = site.browser();
        let csrf = field(&b.page("/signin").await.text(), "csrf").unwrap();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(*fields);
        let ask = b.form(path, &all);
        let answer = b.send(ask).await;
        assert!(location(&answer).starts_with("/signin"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_finished_sign_in_opens_no_page_of_the_account() {
    let site = Site::start().await;
    site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let csrf = field(&b.page("/signin/code").await.text(), "csrf").unwrap();
    let before = state(&site, "mikael").await;
    for (path, fields) in FORMS {
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(*fields);
        let ask = b.form(path, &all);
        let answer = b.send(ask).await;
        assert!(location(&answer).starts_with("/signin"), "{path}");
        let answer = b.page(path).await;
        assert!(matches!(answer.status, 303 | 405), "{path}");
    }
    assert_eq!(state(&site, "mikael").await, before);
    assert_eq!(b.cookie(LOGIN, SESSION), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_before_the_session_had_another_name_leads_back_to_its_page() {
    let site = Site::start().await;
    let (mut b, phone) = inside(&site, "mikael").await;
    site.clock.advance(10 * 60);
    let left_open = b.page("/account/sessions").await;
    let left_open_too = b.page(SECURITY).await;
    let _ = b.page("/account/confirm?next=sessions").await;
    let confirm = "/account/confirm";
    let answer = b.step(confirm, confirm, &[("password", PASSWORD)]).await;
    assert_eq!(location(&answer), "/account/sessions");
    let _other = again(&site, "mikael", &phone).await;
    let fields = [("do", "codes")];
    let answer = b.submit(&left_open_too, "/account/2fa", &fields).await;
    assert_eq!(location(&answer), SECURITY);
    assert_eq!(site.count("mikael", Event::EmergencyCodesCreated).await, 0);
    if field(&left_open.text(), "csrf").is_some() {
        let fields = [("do", "others")];
        let answer = b.submit(&left_open, "/account/sessions", &fields).await;
        assert_eq!(location(&answer), "/account/sessions");
        assert_eq!(site.sessions_of("mikael").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_what_happened_to_their_own_account() {
    let site = Site::start().await;
    let (mut b, _) = inside(&site, "mikael").await;
    let agent = site.account("agatha", &[]).await;
    let account = site.find("mikael").await.id;
    let by_agent = Record {
        at: site.env.now(),
        event: Event::OneTimeCodeIssued,
        account: Some(account),
        actor: Actor::Agent(agent.id),
        place: Place::new(Some("203.0.113.77".parse().unwrap()), Some("AgentBrowser")),
        detail: "case 4711 of agatha".into(),
    };
    let mut records = vec![Change::Audit(by_agent.clone())];
    // more than a page
    records.extend((0..60).map(|_| {
        Change::Audit(Record {
            event: Event::PasswordRefused,
            actor: Actor::Person,
            detail: String::new(),
            ..by_agent.clone()
        })
    }));
    let newest = Change::Audit(Record {
        detail: "case 4712 of agatha".into(),
        ..by_agent
    });
    records.push(newest);
    site.commit(&records).await;
    let first = b.page("/account/activity").await.text();
    let older = first.split("href=\"/account/activity?before=").nth(1);
    let number = older.and_then(|rest| rest.split('"').next()).unwrap();
    let second = b
        .page(&format!("/account/activity?before={number}"))
        .await
        .text();
    for page in [&first, &second] {
        for secret in ["agatha", "4711", "4712", &agent.id.to_string()] {
            assert!(!page.contains(secret), "{secret}");
        }
    }
    let issued = "A one-time code was issued for you";
    assert_eq!(first.matches(issued).count(), 1);
    assert_eq!(second.matches(issued).count(), 1);
    assert!(!second.contains("href=\"/account/activity?before="));
    // where the agent sat is not told: the address stands beside the person's own tries only
    assert_eq!(
        first.matches("203.0.113.77").count() + second.matches("203.0.113.77").count(),
        60
    );
    for before in ["x", "-1", "9999999999999999999999", "0"] {
        let answer = b.page(&format!("/account/activity?before={before}")).await;
        assert_eq!(answer.status, 200, "{before}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_speak_the_language_of_the_person() {
    let site = Site::with(Plan::default()).await;
    let (mut b, _) = inside(&site, "mikael").await;
    assert!(b.page(SECURITY).await.text().contains("lang=\"en\""));
    let account = site.find("mikael").await;
    site.commit(&[Change::SetContact {
        account: account.id,
        email: account.email,
        name: account.name,
        language: Some("fi".into()),
        at: site.env.now(),
    }])
    .await;
    site.settle().await;
    let html = |text: String| text.split('>').nth(1).unwrap_or_default().to_owned();
    assert!(html(b.page(SECURITY).await.text()).contains("lang=\"fi\""));
    // what was chosen in this browser comes first
    assert!(html(b.page("/account/security?lang=en").await.text()).contains("lang=\"en\""));
    assert!(html(b.page(SECURITY).await.text()).contains("lang=\"en\""));
}
