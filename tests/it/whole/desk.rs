//! The console, attacked from below: by people without a role, by agents who want more than theirs, by those who hold
//! an agent's session without the agent's phone, and by many at once.

use super::browser::{Browser, field};
use super::phone::Phone;
use super::site::{LOGIN, Plan, Site};
use crate::support::client::Answer;
use crate::support::log::lines;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use vestibule::domain::audit::{Actor, Event, Record};
use vestibule::store::{AuditFilter, Change};

const ROLES: &str =
    "roles: { helpdesk: [ support ], administrator: [ it ], auditor: [ security ] }";

async fn site() -> Site {
    Site::with(Plan {
        more: ROLES,
        ..Plan::default()
    })
    .await
}

/// The same with a mail server that never answers: what is mailed stays in the outbox.
async fn site_with_mail() -> Site {
    Site::with(Plan {
        more: "roles: { helpdesk: [ support ], administrator: [ it ], auditor: [ security ] }\n\
               mail: { smtp: \"smtp://127.0.0.1:9\", from: noreply@northgate.example }",
        ..Plan::default()
    })
    .await
}

/// Somebody signed in with both factors.
async fn inside(site: &Site, login: &str, groups: &[&str]) -> (Browser, Phone) {
    let phone = site.account_with_app(login, groups).await;
    let mut b = site.browser();
    let answer = b.both(login, &phone, site.now()).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    (b, phone)
}

/// Sends a form of the console's with the anti-forgery value of this session.
async fn post(b: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = b.page("/").await;
    b.submit(&page, path, fields).await
}

async fn path_of(site: &Site, login: &str, act: &str) -> String {
    format!("/desk/users/{}/{act}", site.find(login).await.id)
}

/// Issues a code as the page does it.
async fn issue(b: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = b.page(path).await;
    assert_eq!(page.status, 200, "{}", page.head);
    let after = field(&page.text(), "after").expect("a form");
    let mut all = vec![("after", after.as_str())];
    all.extend(fields);
    b.submit(&page, path, &all).await
}

const TOLD: &[(&str, &str)] = &[("check", "callback"), ("send", "show"), ("case", "CS-1")];

fn code_on(answer: &Answer) -> Option<String> {
    let html = answer.text();
    let (_, rest) = html.split_once("<p class=\"big\" translate=\"no\">")?;
    rest.split('<').next().map(str::to_owned)
}

async fn records(site: &Site) -> Vec<Record> {
    let filter = AuditFilter {
        limit: 10_000,
        ..AuditFilter::default()
    };
    let logged = site.office.store.audit(&filter).await.unwrap();
    logged.into_iter().map(|logged| logged.record).collect()
}

async fn counted(site: &Site, event: Event) -> usize {
    records(site)
        .await
        .iter()
        .filter(|r| r.event == event)
        .count()
}

/// Every path of the console, for everybody, read and written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_asks_who_is_there() {
    let site = site().await;
    site.account_with_app("mikael", &["staff"]).await;
    let mut people = BTreeMap::new();
    for (login, groups) in [
        ("pia", &["staff"][..]),
        ("aud", &["security"]),
        ("hel", &["support"]),
        ("adm", &["it"]),
    ] {
        people.insert(login, inside(&site, login, groups).await.0);
    }
    let mut nobody = site.browser();
    let id = site.find("mikael").await.id;
    let user = format!("/desk/users/{id}");
    let acts = [
        "one-time-code",
        "sign-out",
        "untrust",
        "reset",
        "exempt",
        "unlock",
    ];
    let mut reads = vec![
        ("/desk/users".to_owned(), [404, 200, 200, 200]),
        ("/desk/users?q=mik".to_owned(), [404, 200, 200, 200]),
        (user.clone(), [404, 200, 200, 200]),
        ("/desk/approvals".to_owned(), [404, 403, 200, 200]),
    ];
    reads.extend(acts.map(|act| (format!("{user}/{act}"), [404, 403, 200, 200])));
    let logins = ["pia", "aud", "hel", "adm"];
    for (path, expected) in &reads {
        for (login, status) in logins.iter().zip(expected) {
            let b = people.get_mut(login).unwrap();
            let answer = b.page(path).await;
            assert_eq!(answer.status, *status, "{login} reads {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        let answer = nobody.page(path).await;
        assert_eq!(answer.status, 303, "{path}");
        let to = answer.header("location").unwrap();
        assert!(to.starts_with("/signin?to="), "{path}: {to}");
        for method in ["PUT", "DELETE", "PATCH"] {
            let b = people.get_mut("adm").unwrap();
            let mut ask = b.visit(&site.url(LOGIN, path));
            ask.method = method;
            assert_eq!(b.send(ask).await.status, 405, "{method} {path}");
        }
    }
    let before = records(&site).await.len();
    for act in acts {
        let path = format!("{user}/{act}");
        let fields = [
            ("check", "id"),
            ("case", "C"),
            ("send", "show"),
            ("after", "0"),
        ];
        assert_eq!(
            post(people.get_mut("pia").unwrap(), &path, &fields)
                .await
                .status,
            404
        );
        assert_eq!(
            post(people.get_mut("aud").unwrap(), &path, &fields)
                .await
                .status,
            403
        );
        let form = nobody.form(&path, &fields);
        assert_eq!(nobody.send(form).await.status, 403);
    }
    let decide = "/desk/approvals/00000000-0000-7000-8000-000000000000";
    assert_eq!(
        post(people.get_mut("pia").unwrap(), decide, &[("do", "approve")])
            .await
            .status,
        404
    );
    assert_eq!(
        post(people.get_mut("aud").unwrap(), decide, &[("do", "approve")])
            .await
            .status,
        403
    );
    let trail = records(&site).await;
    let since = &trail[..trail.len() - before];
    assert_eq!(since.len(), 2 * acts.len() + 2);
    assert!(
        since.iter().all(|r| r.event == Event::DeskRefused),
        "{since:?}"
    );
    // acts without a page yet, and numbers that are none
    for path in ["/desk/users/x", "/desk/users/x/unlock"] {
        assert_eq!(people.get_mut("adm").unwrap().page(path).await.status, 404);
    }
    let (b, url) = (people.get_mut("adm").unwrap(), format!("{user}/look"));
    assert_eq!(b.page(&url).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_acts_on_themselves_or_above_themselves() {
    let site = site().await;
    let (mut agent, _) = inside(&site, "hel", &["support"]).await;
    site.account_with_app("adm", &["it"]).await;
    for login in ["hel", "adm"] {
        for act in [
            "one-time-code",
            "sign-out",
            "untrust",
            "reset",
            "exempt",
            "unlock",
        ] {
            let path = path_of(&site, login, act).await;
            assert_eq!(agent.page(&path).await.status, 403, "{path}");
            let after = [("after", "0")];
            let fields: Vec<_> = TOLD.iter().chain(&after).copied().collect();
            assert_eq!(post(&mut agent, &path, &fields).await.status, 403, "{path}");
        }
    }
    assert!(site.find("hel").await.has_second_factor());
    assert_eq!(counted(&site, Event::OneTimeCodeIssued).await, 0);
}

/// What opens a session is not enough for the console: only the app does, and not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_shows_the_app_and_shows_it_again() {
    let site = site().await;
    site.account_with_app("mikael", &["staff"]).await;
    // a password alone
    site.account("new", &["support"]).await;
    let mut b = site.browser();
    let _ = b.password("new").await;
    let answer = b.page("/desk/users?q=mik").await;
    assert_eq!(
        answer.header("location"),
        Some("/account/security"),
        "{answer:?}"
    );
    // a code of the helpdesk's in place of the app
    let phone = site.account_with_app("lost", &["support"]).await;
    let code = site.helpdesk_code("lost").await;
    let mut b = site.browser();
    let _ = b.password("lost").await;
    let path = "/signin/one-time-code";
    let _ = b.step(path, path, &[("otc", &code)]).await;
    let path = "/signin/lost";
    let _ = b.step(path, path, &[("lost", "temporary")]).await;
    assert!(b.is_signed_in().await);
    let answer = b.page("/desk/users?q=mik").await;
    assert_eq!(
        answer.header("location"),
        Some("/signin/code"),
        "{answer:?}"
    );
    assert_eq!(counted(&site, Event::DeskSearched).await, 0);
    // the app leads back to the console
    let answer = b.code(&phone.code(site.now())).await;
    assert_eq!(answer.header("location"), Some("/desk/users"), "{answer:?}");
    assert_eq!(b.page("/desk/users?q=mik").await.status, 200);
    // an hour later looking is fine, changing asks again, also where the form was open already
    let path = path_of(&site, "mikael", "sign-out").await;
    for _ in 0..2 {
        site.clock.advance(1800);
        assert_eq!(b.page("/desk/users?q=mik").await.status, 200);
    }
    let answer = post(&mut b, &path, &[("case", "C")]).await;
    assert_eq!(
        answer.header("location"),
        Some("/signin/code"),
        "{answer:?}"
    );
    assert_eq!(site.count("mikael", Event::SessionRevoked).await, 0);
    assert_eq!(b.page(&path).await.header("location"), Some("/signin/code"));
    let _ = b.code(&phone.code(site.now())).await;
    assert_eq!(b.page(&path).await.status, 200);
    // after a shift nothing at all
    for _ in 0..16 {
        site.clock.advance(1800);
        let _ = b.page("/").await;
    }
    let answer = b.page("/desk/users?q=mik").await;
    assert_ne!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_bounded_and_written_down() {
    let site = site().await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    for n in 0..60 {
        site.account(&format!("many{n:02}"), &[]).await;
    }
    for short in ["a", "ab", "%20%20a", "%25%25", "%00%00%00%00"] {
        let answer = b.page(&format!("/desk/users?q={short}")).await;
        assert_eq!(answer.status, 422, "{short}");
    }
    assert_eq!(b.page("/desk/users?state=on").await.status, 422);
    let page = b.page("/desk/users?q=many").await.text();
    assert_eq!(page.matches("href=\"/desk/users/").count(), 50);
    // no wildcard of a query language
    for wild in ["%25%25%25", "___", "*any*"] {
        let page = b.page(&format!("/desk/users?q={wild}")).await.text();
        assert_eq!(page.matches("href=\"/desk/users/").count(), 0, "{wild}");
    }
    let found: Vec<String> = records(&site)
        .await
        .into_iter()
        .filter(|r| r.event == Event::DeskSearched)
        .map(|r| r.detail)
        .collect();
    assert_eq!(found, ["*any*", "___", "%%%", "many"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_in_one_answer_and_nowhere_else() {
    let lines = lines();
    let site = site_with_mail().await;
    site.account_with_app("mikael", &["staff"]).await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    let path = path_of(&site, "mikael", "one-time-code").await;
    let page = b.page(&path).await;
    let after = field(&page.text(), "after").unwrap();
    let fields: Vec<_> = TOLD
        .iter()
        .copied()
        .chain([("after", after.as_str())])
        .collect();
    let answer = b.submit(&page, &path, &fields).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let code = code_on(&answer).expect("a code");
    // the page sent once more leads to the person, and issues nothing
    let again = b.submit(&page, &path, &fields).await;
    let user = format!("/desk/users/{}", site.find("mikael").await.id);
    assert_eq!(again.header("location"), Some(user.as_str()));
    assert_eq!(site.count("mikael", Event::OneTimeCodeIssued).await, 1);
    let plain = code.replace('-', "");
    for path in [&user, &path, "/desk/users?q=mik", "/desk/approvals"] {
        let text = b.page(path).await.text();
        assert!(!text.contains(&code) && !text.contains(&plain), "{path}");
    }
    // one that is mailed is not shown at all
    let mailed = [("check", "manager"), ("send", "email"), ("case", "CS-2")];
    let answer = issue(&mut b, &path, &mailed).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(code_on(&answer).is_none());
    for record in records(&site).await {
        assert!(!record.detail.contains(&code) && !record.detail.contains(&plain));
    }
    let log = lines.text();
    assert!(!log.contains(&code) && !log.contains(&plain));
    let issued: Vec<Record> = site
        .audit("mikael")
        .await
        .into_iter()
        .filter(|r| r.event == Event::OneTimeCodeIssued)
        .collect();
    let details: Vec<&str> = issued.iter().map(|r| r.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "case CS-2; checked: manager; code sent by e-mail",
            "case CS-1; checked: callback; code shown to the agent"
        ]
    );
    let me = site.find("hel").await.id;
    assert!(issued.iter().all(|r| r.actor == Actor::Agent(me)));
    // the later one has replaced the earlier
    let mut thief = site.browser();
    let _ = thief.password("mikael").await;
    let door = "/signin/one-time-code";
    let answer = thief.step(door, door, &[("otc", &code)]).await;
    assert_eq!(answer.status, 422, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_is_sent_no_code() {
    let site = site_with_mail().await;
    site.account_with_app("mikael", &["staff"]).await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    let account = site.find("mikael").await;
    site.commit(&[Change::SetContact {
        account: account.id,
        email: Some("thief@evil.example".to_owned()),
        name: account.name.clone(),
        language: None,
        at: site.env.now(),
    }])
    .await;
    let path = path_of(&site, "mikael", "one-time-code").await;
    let mailed = [("check", "id"), ("send", "email"), ("case", "C")];
    assert_eq!(issue(&mut b, &path, &mailed).await.status, 422);
    assert_eq!(site.count("mikael", Event::OneTimeCodeIssued).await, 0);
    let outbox = site.office.store.outbox().await.unwrap();
    assert_eq!(outbox.waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sixth_code_of_an_hour_is_refused() {
    let site = site().await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    for n in 0..7 {
        site.account_with_app(&format!("user{n}"), &[]).await;
    }
    // what is incomplete counts for nothing
    let path = path_of(&site, "user0", "one-time-code").await;
    for _ in 0..6 {
        assert_eq!(issue(&mut b, &path, &[("send", "show")]).await.status, 422);
    }
    for n in 0..5 {
        let path = path_of(&site, &format!("user{n}"), "one-time-code").await;
        assert_eq!(issue(&mut b, &path, TOLD).await.status, 200, "{n}");
    }
    let path = path_of(&site, "user5", "one-time-code").await;
    let answer = issue(&mut b, &path, TOLD).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert!(code_on(&answer).is_none());
    assert_eq!(counted(&site, Event::OneTimeCodeIssued).await, 5);
    // another agent has a quota of their own
    let (mut other, _) = inside(&site, "hilla", &["support"]).await;
    assert_eq!(issue(&mut other, &path, TOLD).await.status, 200);
}

async fn request_reset(site: &Site, b: &mut Browser, login: &str) -> String {
    let path = path_of(site, login, "reset").await;
    let answer = post(b, &path, &[("check", "id"), ("case", "CS-9")]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let waiting = site.office.store.approvals(site.env.now()).await.unwrap();
    format!("/desk/approvals/{}", waiting.last().unwrap().id)
}

const GONE: Option<&str> = Some("/desk/approvals?done=gone");
const APPROVED: Option<&str> = Some("/desk/approvals?done=approved");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_takes_two_agents_and_half_an_hour_at_most() {
    let site = site().await;
    let (mut person, _) = inside(&site, "mikael", &["staff"]).await;
    let (mut one, _) = inside(&site, "hel", &["support"]).await;
    let (mut two, _) = inside(&site, "hilla", &["support"]).await;
    let request = request_reset(&site, &mut one, "mikael").await;
    assert!(site.find("mikael").await.has_second_factor());
    assert_eq!(
        post(&mut one, &request, &[("do", "approve")]).await.status,
        403
    );
    // declined, it is gone
    let answer = post(&mut two, &request, &[("do", "decline")]).await;
    assert_eq!(
        answer.header("location"),
        Some("/desk/approvals?done=declined")
    );
    assert_eq!(
        post(&mut two, &request, &[("do", "approve")])
            .await
            .header("location"),
        GONE
    );
    // too late, it is gone
    let request = request_reset(&site, &mut one, "mikael").await;
    site.clock.advance(1800);
    assert_eq!(
        post(&mut two, &request, &[("do", "approve")])
            .await
            .header("location"),
        GONE
    );
    assert!(site.find("mikael").await.has_second_factor());
    // in time, it is done, and ends what it must end
    assert!(person.is_signed_in().await);
    let request = request_reset(&site, &mut one, "mikael").await;
    let answer = post(&mut two, &request, &[("do", "approve")]).await;
    assert_eq!(answer.header("location"), APPROVED, "{answer:?}");
    assert!(!site.find("mikael").await.has_second_factor());
    assert!(!person.is_signed_in().await);
    let trail = site.audit("mikael").await;
    let of = |event| trail.iter().find(|r| r.event == event).unwrap();
    let hilla = Actor::Agent(site.find("hilla").await.id);
    assert_eq!(of(Event::ApprovalGranted).actor, hilla);
    assert_eq!(
        of(Event::AuthenticatorReset).detail,
        "case CS-9; checked: id; requested by hel"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_judged_by_the_roles_of_its_moment() {
    let site = site().await;
    site.account_with_app("mikael", &["staff"]).await;
    let (mut one, _) = inside(&site, "hel", &["support"]).await;
    let (mut two, _) = inside(&site, "hilla", &["support"]).await;
    let request = request_reset(&site, &mut one, "mikael").await;
    // the target is an administrator meanwhile
    site.set_groups("mikael", &["staff", "it"]).await;
    site.settle().await;
    assert_eq!(
        post(&mut two, &request, &[("do", "approve")]).await.status,
        403
    );
    site.set_groups("mikael", &["staff"]).await;
    // the one who asked is no agent any more
    site.set_groups("hel", &["staff"]).await;
    site.settle().await;
    assert_eq!(
        post(&mut two, &request, &[("do", "approve")]).await.status,
        403
    );
    assert!(site.find("mikael").await.has_second_factor());
    // nor is the one who would approve
    site.set_groups("hel", &["support"]).await;
    site.set_groups("hilla", &["staff"]).await;
    site.settle().await;
    assert_eq!(
        post(&mut two, &request, &[("do", "approve")]).await.status,
        404
    );
    assert!(site.find("mikael").await.has_second_factor());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_approvals_at_once_are_one() {
    let site = site().await;
    site.account_with_app("mikael", &["staff"]).await;
    let (mut one, _) = inside(&site, "hel", &["support"]).await;
    let (mut two, _) = inside(&site, "hilla", &["support"]).await;
    let request = request_reset(&site, &mut one, "mikael").await;
    let page = two.page("/").await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let ask = two.form(&request, &[("csrf", &csrf), ("do", "approve")]);
    let tries = (0..50).map(|_| {
        let (mut b, ask) = (two.clone(), ask.clone());
        async move {
            let answer = b.try_send(&ask).await?;
            answer.header("location").map(str::to_owned)
        }
    });
    let answers: Vec<Option<String>> = join_all(tries).await;
    let won = answers
        .iter()
        .filter(|to| to.as_deref() == APPROVED)
        .count();
    assert_eq!(won, 1, "{answers:?}");
    assert_eq!(site.count("mikael", Event::AuthenticatorReset).await, 1);
    assert_eq!(site.count("mikael", Event::ApprovalGranted).await, 1);
}

/// Somebody with rights here: everything takes two, and a code is mailed and shown to neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_an_agent_takes_two() {
    let site = site_with_mail().await;
    site.account_with_app("colleague", &["support"]).await;
    let (mut one, _) = inside(&site, "hel", &["support"]).await;
    let (mut two, _) = inside(&site, "hilla", &["support"]).await;
    let path = path_of(&site, "colleague", "one-time-code").await;
    assert_eq!(issue(&mut one, &path, TOLD).await.status, 422);
    let mailed = [("check", "id"), ("send", "email"), ("case", "C")];
    assert_eq!(issue(&mut one, &path, &mailed).await.status, 303);
    assert_eq!(site.count("colleague", Event::OneTimeCodeIssued).await, 0);
    let waiting = site.office.store.approvals(site.env.now()).await.unwrap();
    let request = format!("/desk/approvals/{}", waiting[0].id);
    let answer = post(&mut two, &request, &[("do", "approve")]).await;
    assert_eq!(answer.header("location"), APPROVED, "{answer:?}");
    assert!(code_on(&answer).is_none());
    assert_eq!(site.count("colleague", Event::OneTimeCodeIssued).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_from_elsewhere_do_nothing_here() {
    let site = site().await;
    site.account_with_app("mikael", &["staff"]).await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    let path = path_of(&site, "mikael", "sign-out").await;
    let page = b.page("/").await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let mut without = b.form(&path, &[("case", "C")]);
    without.site = "none";
    assert_eq!(b.send(without).await.status, 403);
    let mut foreign = b.form(&path, &[("csrf", &csrf), ("case", "C")]);
    foreign.origin = Some("https://evil.example".to_owned());
    assert_eq!(b.send(foreign).await.status, 403);
    let mut plain = b.form(&path, &[("csrf", &csrf), ("case", "C")]);
    plain.kind = "text/plain";
    assert_eq!(b.send(plain).await.status, 415);
    assert_eq!(site.count("mikael", Event::SessionRevoked).await, 0);
    // nor does an address make a page say that something was done
    let user = format!("/desk/users/{}", site.find("mikael").await.id);
    for done in [
        "sign-out&n=3",
        "untrust",
        "reset",
        "unlock",
        "one-time-code",
    ] {
        let page = b.page(&format!("{user}?done={done}")).await;
        assert!(!page.text().contains("role=\"status\""), "{done}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exemption_has_an_end() {
    let site = site().await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    let path = path_of(&site, "aino", "exempt").await;
    let day = |ahead: i64| {
        let at = time::OffsetDateTime::from_unix_timestamp(site.now() + ahead * 86_400).unwrap();
        let day = at.date();
        format!(
            "{:04}-{:02}-{:02}",
            day.year(),
            u8::from(day.month()),
            day.day()
        )
    };
    for bad in [
        String::new(),
        "soon".to_owned(),
        day(-1),
        day(91),
        day(40_000),
    ] {
        let answer = post(&mut b, &path, &[("case", "C"), ("until", &bad)]).await;
        assert_eq!(answer.status, 422, "{bad}");
    }
    let answer = post(&mut b, &path, &[("case", "C"), ("until", &day(90))]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let reminder = site.find("aino").await.reminder;
    assert!(reminder.is_exempt(site.env.now()));
    assert_eq!(site.count("aino", Event::Exempted).await, 1);
}

/// A list of everybody of one standing, without a search.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_of_a_standing_is_listed_and_the_look_is_in_the_trail() {
    let site = site().await;
    site.account("mikael", &["staff"]).await;
    let (mut b, _) = inside(&site, "hel", &["support"]).await;
    let on = b.page("/desk/users?q=&state=on").await;
    assert_eq!(on.status, 200);
    assert!(on.text().contains("hel@"), "{}", on.text());
    assert!(!on.text().contains("mikael@"), "{}", on.text());
    let reminding = b.page("/desk/users?q=&state=grace").await.text();
    assert!(reminding.contains("mikael@"), "{reminding}");
    assert_eq!(b.page("/desk/users?q=mi&state=all").await.status, 422);
    let filter = AuditFilter {
        events: vec![Event::DeskSearched],
        limit: 9,
        ..AuditFilter::default()
    };
    let searched = site.office.store.audit(&filter).await.unwrap();
    let details: Vec<&str> = searched.iter().map(|l| l.record.detail.as_str()).collect();
    assert_eq!(details, ["everybody: grace", "everybody: on"]);
}

/// An administrator has somebody choose another password, and never chooses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_starts_a_reset_and_chooses_no_password() {
    let site = site_with_mail().await;
    site.account("mikael", &["staff"]).await;
    let before = site.find("mikael").await;
    let path = path_of(&site, "mikael", "password-reset").await;
    let (mut agent, _) = inside(&site, "hel", &["support"]).await;
    let asked = [("case", "CS-1"), ("check", "id")];
    let sent = async |b: &mut Browser| {
        let page = b.page("/signout").await;
        b.submit(&page, &path, &asked).await
    };
    assert_eq!(sent(&mut agent).await.status, 403, "not the helpdesk's");
    let (mut b, _) = inside(&site, "ingrid", &["it"]).await;
    let answer = sent(&mut b).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(site.find("mikael").await.password, before.password);
    assert_eq!(site.count("mikael", Event::ResetRequested).await, 1);
    // the link, and the notice of who started it
    let outbox = site.office.store.outbox().await.unwrap();
    assert_eq!(outbox.waiting, 2);
}
