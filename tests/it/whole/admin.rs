//! Administrators and auditors, and those who would like to be: roles, accounts, imports, the trail, the adoption.

use super::browser::{Browser, field};
use super::phone::Phone;
use super::site::{CHEAP, LOGIN, Plan, Site};
use crate::support::client::Answer;
use std::collections::BTreeSet;
use vestibule::authn::desk::{Agent, Denied, Order, Parameters};
use vestibule::domain::account::Status;
use vestibule::domain::audit::{Actor, Event, Place, Record};
use vestibule::domain::desk::{Act, Refusal};
use vestibule::store::{AuditFilter, Change};

const DAY: i64 = 86_400;

async fn site() -> Site {
    Site::with(Plan {
        more: "roles: { helpdesk: [ support ], administrator: [ it ], auditor: [ security ] }",
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
    let page = b.page("/signout").await;
    b.submit(&page, path, fields).await
}

async fn act(
    b: &mut Browser,
    site: &Site,
    login: &str,
    act: &str,
    more: &[(&str, &str)],
) -> Answer {
    let path = format!("/desk/users/{}/{act}", site.find(login).await.id);
    let fields = [&[("case", "CS-1")][..], more].concat();
    post(b, &path, &fields).await
}

async fn count(site: &Site, event: Event) -> usize {
    let filter = AuditFilter {
        events: vec![event],
        limit: 10_000,
        ..AuditFilter::default()
    };
    site.office.store.audit(&filter).await.unwrap().len()
}

// --- who may

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_and_verb_asks_for_the_role() {
    let site = site().await;
    let mut nobody = site.browser();
    let (mut person, _) = inside(&site, "liisa", &["staff"]).await;
    let (mut agent, _) = inside(&site, "sanna", &["support"]).await;
    let (mut auditor, _) = inside(&site, "axel", &["security"]).await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    let id = site.find("aino").await.id;
    let user = |act: &str| format!("/desk/users/{id}/{act}");
    let pages = [
        ("/desk/adoption".to_owned(), [303, 404, 403, 200, 200]),
        ("/desk/adoption.csv".to_owned(), [303, 404, 403, 200, 200]),
        (
            "/desk/adoption.csv?state=due".to_owned(),
            [303, 404, 403, 200, 200],
        ),
        ("/desk/audit".to_owned(), [303, 404, 403, 200, 200]),
        ("/desk/audit.jsonl".to_owned(), [303, 404, 403, 200, 200]),
        ("/desk/accounts/new".to_owned(), [303, 404, 403, 403, 200]),
        (
            "/desk/accounts/import".to_owned(),
            [303, 404, 403, 403, 200],
        ),
        (user("disable"), [303, 404, 403, 403, 200]),
        (user("groups"), [303, 404, 403, 403, 200]),
        (user("delete"), [303, 404, 403, 403, 200]),
    ];
    for (path, want) in &pages {
        let mut got = Vec::new();
        for b in [
            &mut nobody,
            &mut person,
            &mut agent,
            &mut auditor,
            &mut admin,
        ] {
            got.push(b.page(path).await.status);
        }
        assert_eq!(got, want, "GET {path}");
    }
    // a refused verb changes nothing, an allowed one with nothing in it is sent back
    let verbs = [
        ("/desk/accounts/new".to_owned(), [404, 403, 403, 422]),
        ("/desk/accounts/import".to_owned(), [404, 403, 403, 422]),
        (user("disable"), [404, 403, 403, 422]),
        (user("enable"), [404, 403, 403, 422]),
        (user("groups"), [404, 403, 403, 422]),
        (user("delete"), [404, 403, 403, 422]),
    ];
    for (path, want) in &verbs {
        let mut got = Vec::new();
        for b in [&mut person, &mut agent, &mut auditor, &mut admin] {
            got.push(post(b, path, &[]).await.status);
        }
        assert_eq!(got, want, "POST {path}");
        let fields = [("csrf", "x"), ("case", "1")];
        let ask = nobody.form(path, &fields);
        assert_eq!(nobody.send(ask).await.status, 403, "POST {path} by nobody");
        // the right person, and a form from elsewhere
        let ask = admin.form(path, &fields);
        assert_eq!(admin.send(ask).await.status, 403, "forged POST {path}");
    }
    for path in ["/desk/adoption", "/desk/audit", "/desk/audit.jsonl"] {
        assert_eq!(post(&mut admin, path, &[]).await.status, 405, "POST {path}");
    }
    assert!(site.find("aino").await.is_active());
    assert!(count(&site, Event::DeskRefused).await > 20);
}

// --- accounts

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabling_and_deleting_end_sessions_and_can_be_taken_back() {
    let site = site().await;
    let (mut admin, phone) = inside(&site, "ilse", &["it"]).await;
    let mut aino = site.browser();
    let _ = aino.password("aino").await;
    assert!(aino.is_signed_in().await);
    let answer = act(&mut admin, &site, "aino", "disable", &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(!aino.is_signed_in().await);
    assert_eq!(site.sessions_of("aino").await, 0);
    assert_eq!(site.browser().password("aino").await.status, 422);
    let audit = site.audit("aino").await;
    let record = audit
        .iter()
        .find(|r| r.event == Event::AccountDisabled)
        .unwrap();
    let by = Actor::Agent(site.find("ilse").await.id);
    assert_eq!(record.actor, by);
    assert!(record.detail.contains("case CS-1"), "{}", record.detail);

    assert_eq!(
        act(&mut admin, &site, "aino", "enable", &[]).await.status,
        303
    );
    let _ = aino.password("aino").await;
    assert!(aino.is_signed_in().await);
    assert_eq!(
        act(&mut admin, &site, "aino", "delete", &[]).await.status,
        303
    );
    assert!(!aino.is_signed_in().await);
    // not before its time
    site.office.authn.delete_due().await.unwrap();
    site.clock.advance(30 * DAY - 1);
    site.office.authn.delete_due().await.unwrap();
    assert!(site.find("aino").await.history.delete_at.is_some());
    let mut admin = site.browser();
    let _ = admin.both("ilse", &phone, site.now()).await;
    assert_eq!(
        act(&mut admin, &site, "aino", "keep", &[]).await.status,
        303
    );
    site.clock.advance(2);
    site.office.authn.delete_due().await.unwrap();
    let aino = site.find("aino").await;
    assert_eq!(
        (aino.status, aino.history.delete_at),
        (Status::Active, None)
    );

    assert_eq!(
        act(&mut admin, &site, "aino", "delete", &[]).await.status,
        303
    );
    site.clock.advance(30 * DAY);
    site.office.authn.delete_due().await.unwrap();
    assert!(
        site.office
            .authn
            .find_account("aino")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(count(&site, Event::AccountDeleted).await, 1);
    // what it did is still in the trail, by its number
    let filter = AuditFilter {
        account: Some(aino.id),
        limit: 100,
        ..AuditFilter::default()
    };
    assert!(site.office.store.audit(&filter).await.unwrap().len() > 5);
}

/// Whichever way somebody is let in again, the deletion is off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_enabled_on_the_command_line_is_not_deleted_later() {
    let site = site().await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    assert_eq!(
        act(&mut admin, &site, "aino", "delete", &[]).await.status,
        303
    );
    let aino = site.find("aino").await.id;
    let authn = &site.office.authn;
    authn.set_status(aino, Status::Active).await.unwrap();
    assert_eq!(site.find("aino").await.history.delete_at, None);
    site.clock.advance(31 * DAY);
    authn.delete_due().await.unwrap();
    assert!(site.find("aino").await.is_active());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_given_and_taken_by_two() {
    let site = site().await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    let (mut second, _) = inside(&site, "otto", &["it"]).await;
    let groups = async |site: &Site| site.find("aino").await.groups;
    let set = |names: &'static str| [("groups", names)];
    assert_eq!(
        act(&mut admin, &site, "aino", "groups", &set("a, b"))
            .await
            .status,
        303
    );
    assert_eq!(
        *groups(&site).await,
        BTreeSet::from(["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(
        act(&mut admin, &site, "aino", "groups", &set("a\u{1}"))
            .await
            .status,
        422
    );
    // a role waits for somebody else
    for role in ["support", "it", "security"] {
        let fields = [("groups", role)];
        let answer = act(&mut admin, &site, "aino", "groups", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(groups(&site).await.len(), 2, "{role}");
    }
    let now = site.env.now();
    let waiting = site.office.store.approvals(now).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let path = format!("/desk/approvals/{}", waiting[0].id);
    let answer = post(&mut admin, &path, &[("do", "approve")]).await;
    assert_ne!(answer.status, 200, "{}", answer.head);
    assert_eq!(
        groups(&site).await.len(),
        2,
        "approved by the one who asked"
    );
    let answer = post(&mut second, &path, &[("do", "approve")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(
        *groups(&site).await,
        BTreeSet::from(["security".to_owned()])
    );
    // an auditor now: one administrator alone neither takes that away nor shuts them out
    for (verb, fields) in [("groups", &set("a")[..]), ("disable", &[]), ("delete", &[])] {
        let answer = act(&mut admin, &site, "aino", verb, fields).await;
        assert_eq!(answer.status, 303, "{verb}: {}", answer.text());
        assert!(site.find("aino").await.is_active(), "{verb}");
    }
    assert_eq!(
        *groups(&site).await,
        BTreeSet::from(["security".to_owned()])
    );
    // nobody does it to themselves
    for verb in ["disable", "delete", "groups"] {
        let answer = act(&mut admin, &site, "ilse", verb, &set("it")).await;
        assert_eq!(answer.status, 403, "{verb}");
    }
    // and an administrator does not fall by one alone
    assert_eq!(
        act(&mut admin, &site, "otto", "disable", &[]).await.status,
        303
    );
    assert!(site.find("otto").await.is_active());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_administrator_stays_and_programs_touch_none() {
    use vestibule::domain::api_token::Scope;
    let site = site().await;
    site.account_with_app("ilse", &["it"]).await;
    let authn = &site.office.authn;
    let scopes = BTreeSet::from([Scope::AccountsWrite]);
    let life = std::time::Duration::from_secs(DAY.unsigned_abs());
    let token = authn
        .add_api_token("hr", scopes, life)
        .await
        .unwrap()
        .unwrap();
    let agent = Agent::Token {
        token: token.record,
    };
    let order = |login: &'static str, act, groups: Option<&str>| {
        let found = site.find(login);
        let groups = groups.map(|g| BTreeSet::from([g.to_owned()]));
        async move {
            Order {
                act,
                target: found.await.id,
                case: "HR-1".into(),
                check: None,
                parameters: Parameters {
                    groups,
                    ..Parameters::default()
                },
            }
        }
    };
    for (login, what, groups) in [
        ("ilse", Act::Disable, None),
        ("ilse", Act::Delete, None),
        ("ilse", Act::SetGroups, Some("staff")),
        ("aino", Act::SetGroups, Some("it")),
    ] {
        let order = order(login, what, groups).await;
        let denied = authn
            .desk_act(&agent, order, &Place::default())
            .await
            .unwrap();
        assert!(
            matches!(denied, Err(Denied::Refusal(Refusal::HigherRole))),
            "{login} {what:?}: {denied:?}"
        );
    }
    assert!(site.find("ilse").await.groups.contains("it"));
    let order = order("aino", Act::Disable, None).await;
    assert!(
        authn
            .desk_act(&agent, order, &Place::default())
            .await
            .unwrap()
            .is_ok()
    );
    assert!(!site.find("aino").await.is_active());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initial_password_is_ours_shown_once_and_runs_out() {
    let site = site().await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    let fields = |login: &'static str, groups: &'static str| {
        vec![
            ("name", "Nea Uusi"),
            ("login", login),
            ("email", ""),
            ("groups", groups),
            ("start", "show"),
            // no field of ours: nobody chooses it
            ("password", "chosen by somebody"),
        ]
    };
    for (login, groups) in [
        ("nea", "it"),
        ("nea", "staff, support"),
        ("AINO", ""),
        ("", ""),
    ] {
        let answer = post(&mut admin, "/desk/accounts/new", &fields(login, groups)).await;
        assert_eq!(answer.status, 422, "{login} {groups}");
    }
    assert!(
        site.office
            .authn
            .find_account("nea")
            .await
            .unwrap()
            .is_none()
    );
    let answer = post(&mut admin, "/desk/accounts/new", &fields("nea", "staff")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let html = answer.text();
    let (_, rest) = html.split_once("id=\"secret\" translate=\"no\">").unwrap();
    let secret = rest.split('<').next().unwrap();
    assert_eq!(secret.len(), 24, "{secret}");
    let nea = site.find("nea").await;
    let until = nea.history.initial_password_until.unwrap().seconds();
    assert_eq!(until, site.now() + 7 * DAY);
    assert_eq!(site.count("nea", Event::InitialPasswordSet).await, 1);
    for record in site.audit("nea").await {
        assert!(!record.detail.contains(secret));
    }
    let page = admin.page(&format!("/desk/users/{}", nea.id)).await;
    assert!(page.status == 200 && !page.text().contains(secret));
    let again = post(&mut admin, "/desk/accounts/new", &fields("nea", "staff")).await;
    assert_eq!(again.status, 422);
    assert_eq!(site.browser().password_is("nea", secret).await.status, 303);
    site.clock.advance(7 * DAY);
    assert_eq!(site.browser().password_is("nea", secret).await.status, 422);
}

// --- import

/// The text and its seal, as the preview brings them back.
async fn preview(b: &mut Browser, data: &str) -> (Answer, Option<String>) {
    let fields = [("data", data), ("do", "preview")];
    let answer = post(b, "/desk/accounts/import", &fields).await;
    let seal = field(&answer.text(), "seal");
    (answer, seal)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_is_what_was_shown_and_gives_nobody_rights() {
    let site = site().await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    let (mut other, _) = inside(&site, "otto", &["it"]).await;
    let data = format!(
        "login,email,name,groups,password_hash\n\
         =cmd,n1@northgate.example,\"<script>alert(1)</script>\",staff,\n\
         boss,,,it,\nspy,,,staff;security,\nknown,,,,{CHEAP}\n\
         AINO,,,,\nn2,aino@northgate.example,,,\n=CMD,,,,\n\u{fffd},,,,\nbroken,row\n"
    );
    let (answer, seal) = preview(&mut admin, &data).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains("<script>alert"));
    let seal = seal.unwrap();
    for name in ["=cmd", "boss", "spy", "known", "n2"] {
        assert!(
            site.office
                .authn
                .find_account(name)
                .await
                .unwrap()
                .is_none()
        );
    }
    let import = |data: String, seal: String| {
        vec![
            ("do".to_owned(), "import".to_owned()),
            ("data".to_owned(), data),
            ("seal".to_owned(), seal),
        ]
    };
    let send = async |b: &mut Browser, fields: &[(String, String)]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        post(b, "/desk/accounts/import", &fields).await.status
    };
    let more = format!("{data}extra,,,,\n");
    assert_eq!(send(&mut admin, &import(more, seal.clone())).await, 422);
    assert_eq!(
        send(&mut admin, &import(data.clone(), "1.x".into())).await,
        422
    );
    assert_eq!(
        send(&mut admin, &import(data.clone(), String::new())).await,
        422
    );
    // another administrator was not shown it
    assert_eq!(
        send(&mut other, &import(data.clone(), seal.clone())).await,
        422
    );
    assert_eq!(count(&site, Event::AccountsImported).await, 0);
    // a browser sends its own ends of lines
    let sent = import(data.replace('\n', "\r\n"), seal);
    assert_eq!(send(&mut admin, &sent).await, 200);
    assert!(site.find("=cmd").await.password.is_none());
    for name in ["boss", "spy", "known", "n2", "broken"] {
        assert!(
            site.office
                .authn
                .find_account(name)
                .await
                .unwrap()
                .is_none(),
            "{name}"
        );
    }
    let filter = AuditFilter {
        events: vec![Event::AccountsImported],
        limit: 5,
        ..AuditFilter::default()
    };
    let told = site.office.store.audit(&filter).await.unwrap();
    assert_eq!(
        told[0].record.detail,
        "1 created, 1 there already, 7 refused"
    );
    // once more: it is there already
    let (_, seal) = preview(&mut admin, &data).await;
    assert_eq!(send(&mut admin, &import(data, seal.unwrap())).await, 200);
    assert_eq!(site.count("=cmd", Event::AccountCreated).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_broken_imports_are_turned_away() {
    let site = site().await;
    let (mut admin, _) = inside(&site, "ilse", &["it"]).await;
    let (mut person, _) = inside(&site, "liisa", &["staff"]).await;
    let lines = format!("login\n{}", "a\n".repeat(100_000));
    let (answer, seal) = preview(&mut admin, &lines).await;
    assert_eq!((answer.status, seal), (422, None));
    let large = "x".repeat(1024 * 1024 + 1);
    assert_eq!(preview(&mut admin, &large).await.0.status, 422);
    assert_eq!(preview(&mut admin, "  \n").await.0.status, 422);
    // nobody else has a large form read, and no other form is large
    let status = preview(&mut person, &"x".repeat(70_000)).await.0.status;
    assert_eq!(status, 413);
    let fields = [("name", large.as_str())];
    let answer = post(&mut admin, "/desk/accounts/new", &fields).await;
    assert_eq!(answer.status, 413);
    // bytes that are no text
    let csrf = field(&admin.page("/signout").await.text(), "csrf").unwrap();
    let mut ask = admin.form(
        "/desk/accounts/import",
        &[("csrf", &csrf), ("do", "preview")],
    );
    ask.body = ask
        .body
        .map(|body| format!("{body}&data=%EF%BB%BFlogin%0Aa%FF%0Agood%0A"));
    let answer = admin.send(ask).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("UTF-8"), "{}", answer.text());
    // 1,900 people within the limits
    let many: String = (0..1900)
        .map(|n| format!("p{n},p{n}@northgate.example,Person {n}\n"))
        .collect();
    let data = format!("login,email,name\n{many}");
    let (answer, seal) = preview(&mut admin, &data).await;
    assert_eq!(answer.status, 200);
    let fields = [("do", "import"), ("data", &data), ("seal", &seal.unwrap())];
    let answer = post(&mut admin, "/desk/accounts/import", &fields).await;
    assert_eq!(answer.status, 200);
    assert!(
        site.office
            .authn
            .find_account("p1899")
            .await
            .unwrap()
            .is_some()
    );
}

// --- the trail

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_export_is_json_lines_whatever_stands_in_it() {
    let site = site().await;
    let (mut auditor, _) = inside(&site, "axel", &["security"]).await;
    let hostile = "a\r\n{\"forged\":1}\n\u{202e}txt\u{2028}\u{7f}\u{9b}\"\\ \u{0} ,=cmd";
    let aino = site.find("aino").await.id;
    let record = |n: i64| {
        Change::Audit(Record {
            at: vestibule::domain::timestamp::Timestamp::from_seconds(site.now() + n),
            event: Event::Throttled,
            account: Some(aino),
            actor: Actor::Person,
            place: Place::new(None, Some("agent\u{202e}")),
            detail: hostile.to_owned(),
        })
    };
    let many: Vec<Change> = (0..2500).map(record).collect();
    site.commit(&many).await;
    let answer = auditor
        .page("/desk/audit.jsonl?event=throttled&account=AINO")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = answer.text();
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), 2500);
    let mut last = i64::MAX;
    for line in lines {
        assert!(
            line.chars()
                .all(|c| !c.is_control() && !"\u{202e}\u{2028}".contains(c))
        );
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["detail"], hostile);
        assert_eq!(value["account_name"], "aino");
        assert_eq!(value["event"], "throttled");
        let number = value["number"].as_i64().unwrap();
        assert!(number < last, "each once, newest first");
        last = number;
    }
    assert_eq!(count(&site, Event::AuditExported).await, 1);
    let page = auditor.page("/desk/audit?event=throttled").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("before="), "there is an older page");
    assert!(!page.text().contains("\r\n{\"forged\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_is_narrowed_and_forged_questions_find_nothing() {
    let site = site().await;
    let (mut auditor, _) = inside(&site, "axel", &["security"]).await;
    let _ = site.browser().password_is("aino", "wrong").await;
    let lines = async |b: &mut Browser, query: &str| {
        let answer = b.page(&format!("/desk/audit.jsonl?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        answer.text().lines().count()
    };
    let b = &mut auditor;
    assert_eq!(lines(b, "account=aino&event=password.refused").await, 1);
    assert_eq!(
        lines(b, "account=aino&event=password.refused&actor=person").await,
        1
    );
    assert_eq!(
        lines(b, "account=aino&event=password.refused&actor=operator").await,
        0
    );
    for nothing in [
        "account=nobody",
        "actor=nobody",
        "account=aino%27+OR+1%3D1",
        "actor=agent:x",
        "before=-5",
        "before=0",
        "from=2099-01-01",
        "to=1999-01-01",
    ] {
        assert_eq!(lines(b, nothing).await, 0, "{nothing}");
    }
    // a page number that is none asks for the newest; days that are none say so
    assert!(lines(b, "before=x%27").await > 3);
    for query in ["from=x", "from=2026-02-30", "from=2026-05-02&to=2026-05-01"] {
        let answer = b.page(&format!("/desk/audit?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        assert!(answer.text().contains("dates-err"), "{query}");
    }
}

// --- adoption

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_add_up_and_a_day_is_kept_once() {
    let site = Site::with(Plan {
        policy: "policy: required\n  grace: 7d",
        more: "roles: { helpdesk: [ support ], administrator: [ it ], auditor: [ security ] }",
        ..Plan::default()
    })
    .await;
    let (mut auditor, _) = inside(&site, "axel", &["security"]).await;
    let disabled = site.account("gone", &["staff"]).await.id;
    let set = site.office.authn.set_status(disabled, Status::Disabled);
    set.await.unwrap();
    site.account("=1+1", &["=staff"]).await;
    let answer = auditor.page("/desk/adoption.csv").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/csv")
    );
    let text = answer.text();
    let rows: Vec<Vec<String>> = csv_rows(&text);
    assert_eq!(rows[0], ["group", "users", "on", "grace", "due", "exempt"]);
    // axel, aino and =1+1; somebody who may not sign in does not count
    assert_eq!(rows[1], ["", "3", "1", "2", "0", "0"]);
    for row in &rows[1..] {
        let numbers: Vec<u64> = row[1..].iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{row:?}");
        assert!(!row[0].starts_with(['=', '+', '-', '@']), "{row:?}");
    }
    let people = auditor.page("/desk/adoption.csv?state=grace").await.text();
    let people = csv_rows(&people);
    assert_eq!(people.len(), 3);
    assert!(
        people
            .iter()
            .any(|row| row[0] == "'=1+1" && row[3] == "'=staff"),
        "{people:?}"
    );
    // who was listed is in the trail, like every other search
    let searched = count(&site, Event::DeskSearched).await;
    assert_eq!(searched, 1);
    // believed for a minute
    site.account("new", &[]).await;
    let users =
        async |b: &mut Browser| csv_rows(&b.page("/desk/adoption.csv").await.text())[1][1].clone();
    assert_eq!(users(&mut auditor).await, "3");
    site.clock.advance(60);
    assert_eq!(users(&mut auditor).await, "4");
    // a day is one row, however often it is kept
    let authn = &site.office.authn;
    for _ in 0..3 {
        authn.record_adoption().await.unwrap();
    }
    let days = async || site.office.store.adoption(0, None).await.unwrap().len();
    assert_eq!(days().await, 1);
    site.clock.advance(DAY);
    authn.record_adoption().await.unwrap();
    assert_eq!(days().await, 2);
    assert!(authn.adoption_curve().await.unwrap().len() <= 2);
    let page = site.url(LOGIN, "/desk/adoption");
    assert!(matches!(auditor.get(&page).await.status, 200 | 303));
}

fn csv_rows(text: &str) -> Vec<Vec<String>> {
    text.split_terminator("\r\n")
        .map(|row| {
            let inner = row.strip_prefix('"').and_then(|row| row.strip_suffix('"'));
            let cells = inner.unwrap().split("\",\"");
            cells.map(str::to_owned).collect()
        })
        .collect()
}
