//! Load tests of a gateway: sessions that are made for them, and what they must not be; people who really sign in.

use super::browser::SESSION;
use super::site::{LOGIN, PASSWORD, PAYROLL, Plan, Site, WIKI};
use crate::support::upstream::value;
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::collections::BTreeMap;
use std::time::Duration;
use vestibule::authn::minting::{Minted, Order, Unmade};
use vestibule::domain::account::Status;
use vestibule::domain::audit::{Actor, Event};
use vestibule::domain::authenticator::TotpBinding;
use vestibule::domain::host::Host;
use vestibule::domain::id::AuthenticatorId;
use vestibule::domain::minting::{Allowance, Refusal};
use vestibule::loadtest::client::Protocol;
use vestibule::loadtest::plan::Expected;
use vestibule::loadtest::sessions::Sessions;
use vestibule::loadtest::sign_in::{parse, sign_in};
use vestibule::loadtest::target::{Override, Reach, Weighted};
use vestibule::loadtest::{Loop, Plan as Load, Report, Side, Stop, run};
use vestibule::store::Change;
use vestibule::vault::Purpose;

const MORE: &str = "load_testing: { account_prefix: load- }
roles: { helpdesk: [support], administrator: [it], auditor: [security] }";

async fn site() -> Site {
    Site::with(Plan {
        more: MORE,
        ..Plan::default()
    })
    .await
}

fn allowance(site: &Site, prefix: &str, count: u32) -> Result<Allowance, Refusal> {
    let configured = site.settings.load_testing_prefix.as_deref();
    let hour = Duration::from_secs(3600);
    Allowance::new(configured, prefix, (count, hour), &site.settings.sessions)
}

async fn mint(site: &Site, count: u32) -> Result<Vec<Minted>, Unmade> {
    let hosts = [WIKI, PAYROLL].map(|host| Host::parse(host).unwrap());
    let order = Order {
        count,
        hosts: &hosts,
        by: "uid 1000",
    };
    let allowance = allowance(site, "load-", count).unwrap();
    site.office.authn.mint(&allowance, &order).await
}

/// As `session mint` writes them.
fn lines(minted: &[Minted]) -> String {
    let one = |m: &Minted| {
        format!(
            "{WIKI} {SESSION}={}\t{PAYROLL} {SESSION}={}\t{LOGIN} {SESSION}={}\n",
            m.children[0].reveal(),
            m.children[1].reveal(),
            m.portal.reveal()
        )
    };
    minted.iter().map(one).collect()
}

fn load(site: &Site, urls: &[String], sessions: Sessions) -> Load {
    let port = site.net.address.port();
    Load {
        side: Side {
            targets: urls.iter().map(|u| Weighted::parse(u).unwrap()).collect(),
            watch: Vec::new(),
        },
        compare: None,
        slice: Duration::from_millis(500),
        kind: Loop::Closed {
            think: Duration::ZERO,
            expected: None,
        },
        connections: 4,
        streams: 1,
        threads: 1,
        protocol: Protocol::Http1,
        ramp_up: Duration::ZERO,
        duration: Duration::from_secs(30),
        requests: Some(60),
        method: Method::GET,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(20),
        ca: Some(site.ca_pem().into_bytes()),
        overrides: [LOGIN, WIKI, PAYROLL]
            .iter()
            .map(|host| Override::parse(&format!("{host}:{port}=127.0.0.1")).unwrap())
            .collect(),
        reach: Reach::Loopback,
        expected: Expected::default(),
        sessions,
        conditions: Vec::new(),
    }
}

async fn drive(site: &Site, plan: &Load) -> Report {
    let stop = Stop::default();
    let mut nobody = ();
    run(plan, &site.env, &stop, &mut nobody).await.unwrap()
}

/// Whom an application was told of, and how often.
fn told(heads: &[String]) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for head in heads {
        let who = value(head, "remote-user").unwrap_or("nobody").to_owned();
        *told.entry(who).or_default() += 1;
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn minted_sessions_open_applications_at_once_and_are_ended_as_others_are() {
    let site = site().await;
    for n in 1..=3 {
        site.account(&format!("load-{n}"), &["staff"]).await;
    }
    site.account("load-9", &["staff"]).await;
    let disabled = site.find("load-9").await.id;
    let done = site.office.authn.set_status(disabled, Status::Disabled);
    done.await.unwrap();

    let minted = mint(&site, 7).await.unwrap();
    let logins: Vec<&str> = minted.iter().map(|m| m.login.as_str()).collect();
    let turns = [
        "load-1", "load-2", "load-3", "load-1", "load-2", "load-3", "load-1",
    ];
    assert_eq!(logins, turns);
    let sessions = || Sessions::parse(&lines(&minted)).unwrap();
    // payroll asks for two factors, and none of these accounts has an app
    let urls = [site.url(WIKI, "/a"), site.url(PAYROLL, "/b")];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let plan = Load {
            protocol,
            ..load(&site, &urls, sessions())
        };
        let report = drive(&site, &plan).await;
        assert_eq!(
            report.measured.errors.total, 0,
            "{:?}",
            report.measured.errors
        );
        assert_eq!(report.measured.statuses[&200], 60);
        for app in [&site.wiki, &site.payroll] {
            let told = told(&app.take());
            assert!(
                (20..=40).contains(&told.values().sum::<usize>()),
                "{told:?}"
            );
            assert!(told.keys().all(|who| who.starts_with("load-")), "{told:?}");
            assert_eq!(told.len(), 3);
        }
    }
    // who made them is in the trail, once for each account
    for login in ["load-1", "load-2", "load-3"] {
        let trail = site.audit(login).await;
        let minted: Vec<_> = trail
            .iter()
            .filter(|r| r.event == Event::SessionsMinted)
            .collect();
        assert_eq!(minted.len(), 1);
        assert_eq!(minted[0].actor, Actor::Operator);
        assert!(
            minted[0].detail.ends_with("by uid 1000"),
            "{}",
            minted[0].detail
        );
        assert_eq!(site.count(login, Event::SignedIn).await, 0);
    }
    assert_eq!(site.sessions_of("load-1").await, 3);
    assert_eq!(site.sessions_of("load-9").await, 0);

    // ended like any other, one by its id and others by their account
    let first = site.find("load-1").await.id;
    let revoked = site.office.authn.revoke_session(first, minted[0].id);
    revoked.await.unwrap();
    for login in ["load-2", "load-3"] {
        let account = site.find(login).await.id;
        site.office.authn.revoke_sessions(account).await.unwrap();
    }
    site.settle().await;
    let report = drive(&site, &load(&site, &urls[..1], sessions())).await;
    let told = told(&site.wiki.take());
    assert_eq!(told.keys().collect::<Vec<_>>(), ["load-1"]);
    let refused = report.measured.errors.not_signed_in;
    assert_eq!(refused + report.measured.statuses[&200], 60);
    assert!(refused >= 30, "{refused}");

    // and when their time is over
    site.clock.advance(3601);
    let report = drive(&site, &load(&site, &urls, sessions())).await;
    assert_eq!(report.measured.errors.not_signed_in, 60);
    assert!(report.has_failed());
    site.untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_minted_for_whoever_has_a_role() {
    let site = site().await;
    site.account("load-1", &["staff"]).await;
    for (login, group) in [
        ("load-admin", "it"),
        ("load-helper", "support"),
        ("load-looks", "security"),
    ] {
        // a name with the prefix is easily chosen
        site.account(login, &["staff", group]).await;
        let refused = mint(&site, 2).await.unwrap_err();
        assert!(
            matches!(&refused, Unmade::Refused(Refusal::Role(who)) if who == login),
            "{refused}"
        );
        assert_eq!(site.sessions_of(login).await, 0);
        assert_eq!(site.sessions_of("load-1").await, 0);
        site.set_groups(login, &["staff"]).await;
    }
    assert_eq!(mint(&site, 4).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_for_the_prefix_and_only_where_it_is_configured() {
    let site = site().await;
    assert!(matches!(
        mint(&site, 1).await.unwrap_err(),
        Unmade::Refused(Refusal::Nobody(_))
    ));
    for prefix in ["", "l", "aino", "LOAD-"] {
        assert!(allowance(&site, prefix, 1).is_err(), "{prefix}");
    }
    site.account("load-1", &["staff"]).await;
    site.account("LOAD-2", &["staff"]).await;
    site.account("reload-3", &["staff"]).await;
    let minted = mint(&site, 3).await.unwrap();
    assert!(minted.iter().all(|m| m.login == "load-1"));

    let closed = Site::start().await;
    closed.account("load-1", &["staff"]).await;
    assert_eq!(allowance(&closed, "load-", 1).unwrap_err(), Refusal::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minted_session_opens_neither_the_console_nor_the_persons_settings() {
    let site = site().await;
    site.account("load-1", &["staff"]).await;
    let minted = mint(&site, 1).await.unwrap();
    let mut browser = site.browser();
    browser.plant(LOGIN, SESSION, &minted[0].portal.reveal());
    assert!(browser.is_signed_in().await);
    // a password that nobody has typed is too old for a first app, which would make the session somebody's own
    for path in ["/account/password", "/account/sessions"] {
        let answer = browser
            .step("/account/security", path, &[("do", "all")])
            .await;
        assert_ne!(answer.status, 200, "{path} {answer:?}");
    }
    let enrol = [("do", "enrol")];
    let answer = browser
        .step("/account/security", "/account/2fa", &enrol)
        .await;
    assert_eq!(
        answer.header("location"),
        Some("/account/confirm"),
        "{answer:?}"
    );

    // a role that comes later finds a session without the app's code
    site.set_groups("load-1", &["staff", "it"]).await;
    site.settle().await;
    for path in [
        "/desk",
        "/desk/users",
        "/desk/users?q=aino",
        "/desk/adoption",
    ] {
        let answer = browser.page(path).await;
        assert_ne!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.text().contains("aino"), "{path}");
    }
    // nor does it become one of the console by the tickets of the applications' hosts
    let mut other = site.browser();
    other.plant(LOGIN, SESSION, &minted[0].children[0].reveal());
    assert!(!other.is_signed_in().await);
}

/// Somebody with an app whose key stands in a file.
async fn with_app(site: &Site, login: &str) -> String {
    const KEY: &[u8; 20] = b"12345678901234567890";
    let account = site.account(login, &["staff"]).await;
    let sealed = site
        .office
        .vault
        .seal(Purpose::TotpSecret, account.id.uuid().as_bytes(), KEY);
    let binding = TotpBinding {
        id: AuthenticatorId::from_uuid(site.env.uuid()),
        sealed_secret: sealed,
        bound_at: site.env.now(),
        last_step: 0,
        codes_unconfirmed: false,
    };
    site.commit(&[Change::BindTotp {
        first: true,
        account: account.id,
        binding,
    }])
    .await;
    format!("{login},{PASSWORD},GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_through_the_pages_and_then_load_comes() {
    let site = site().await;
    let mut people = String::from("login,password,totp\n");
    for n in 0..6 {
        people.push_str(&with_app(&site, &format!("person-{n}")).await);
    }
    let urls = [site.url(WIKI, "/a?b=c"), site.url(PAYROLL, "/b")];
    let mut plan = load(&site, &urls, Sessions::default());
    let stop = Stop::default();
    let people = parse(&people).unwrap();
    let signing_in = sign_in(people, &plan, None, &site.env, &stop);
    let (sessions, how) = signing_in.await.unwrap();
    assert_eq!((how.succeeded, how.failed), (6, 0), "{how:?}");
    assert_eq!(how.latency.count, 6);
    for n in 0..6 {
        let login = format!("person-{n}");
        assert_eq!(site.count(&login, Event::CodeAccepted).await, 1, "{login}");
        assert_eq!(site.sessions_of(&login).await, 1);
    }
    site.wiki.take();
    site.payroll.take();
    plan.sessions = sessions;
    let report = drive(&site, &plan).await;
    assert_eq!(
        report.measured.errors.total, 0,
        "{:?}",
        report.measured.errors
    );
    for app in [&site.wiki, &site.payroll] {
        let told = told(&app.take());
        assert_eq!(told.len(), 6, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_sign_in_is_said_and_why() {
    let site = Site::with(Plan {
        policy: "policy: recommended",
        more: "",
        ..Plan::default()
    })
    .await;
    let right = with_app(&site, "right").await;
    site.account("later", &["staff"]).await;
    let plan = load(&site, &[site.url(WIKI, "/")], Sessions::default());
    let stop = Stop::default();
    let try_with = async |rows: &str| {
        let people = parse(&format!("login,password,totp\n{rows}")).unwrap();
        sign_in(people, &plan, Some(100.0), &site.env, &stop).await
    };
    let wrong = try_with("nobody,secret words,\n").await.unwrap_err();
    assert!(
        wrong
            .to_string()
            .contains("nobody: name or password are not correct"),
        "{wrong}"
    );
    let wrong = try_with("right,password,\n").await.unwrap_err();
    assert!(wrong.to_string().contains("no `totp` is given"), "{wrong}");
    // a reminder is put off, as people do
    let (sessions, how) = try_with("later,password,\n").await.unwrap();
    assert_eq!((sessions.len(), how.failed), (1, 0));
    // one of two
    let (_, how) = try_with(&format!("{right}nobody,x,\n")).await.unwrap();
    assert_eq!((how.succeeded, how.failed), (1, 1));
    assert!(how.first_failure.unwrap().starts_with("nobody: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_go_nowhere_but_to_this_machine() {
    let site = Site::start().await;
    let far = Override {
        address: "192.0.2.1".parse().unwrap(),
        ..Override::parse(&format!("{LOGIN}:{}=127.0.0.1", site.net.address.port())).unwrap()
    };
    let mut plan = load(&site, &[site.url(WIKI, "/")], Sessions::default());
    plan.overrides.retain(|o| o.host != LOGIN);
    plan.overrides.push(far);
    let people = parse("login,password\naino,password\n").unwrap();
    let stop = Stop::default();
    let wrong = sign_in(people, &plan, None, &site.env, &stop).await;
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("--i-own-this-host"), "{wrong}");
    assert_eq!(site.count("aino", Event::PasswordAccepted).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sessions_it_is_said_that_nobody_is_signed_in() {
    let site = Site::start().await;
    for accept in ["text/html", "*/*"] {
        let mut plan = load(&site, &[site.url(WIKI, "/")], Sessions::default());
        plan.headers.insert("accept", accept.parse().unwrap());
        let report = drive(&site, &plan).await;
        assert_eq!(report.measured.errors.not_signed_in, 60, "{accept}");
        assert!(
            report.notes.iter().any(|n| n.starts_with("not signed in")),
            "{:?}",
            report.notes
        );
        assert!(report.has_failed());
    }
    site.untouched();
}
