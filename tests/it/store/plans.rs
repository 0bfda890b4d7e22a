//! What the database server does for each statement of the store, on tables that are not small: as the server itself
//! logs it (`auto_explain`), while the store's own methods are used. Nothing that is asked all the time reads a table
//! from end to end.
//!
//! `PLANS_ACCOUNTS=1000000 cargo test --test it plans -- --nocapture` is the measurement of `docs/scale.md`.

use super::sample::{
    account_id, attempt, binding, emergency_code, one_time_code, opening, record, session, ticket,
};
use crate::support::cluster::Cluster;
use crate::support::postgres::{PASSWORD, USER};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;
use vestibule::domain::account::{Account, NameKey};
use vestibule::domain::audit::{Actor, Event};
use vestibule::domain::id::{AuthenticatorId, DeviceId, MailId, SessionId};
use vestibule::domain::secret::TokenHash;
use vestibule::domain::throttle::{Bucket, Kind};
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::postgres::PostgresStore;
use vestibule::store::{AuditFilter, Change, Commit, Link, LinkPurpose, QueuedMail, Store as _};

/// Tables that grow with people. The others have a few rows.
const HOT: [&str; 15] = [
    "accounts",
    "account_names",
    "account_groups",
    "application_sessions",
    "attempts",
    "audit",
    "devices",
    "emergency_codes",
    "links",
    "marks",
    "notices",
    "outbox",
    "portal_sessions",
    "throttle",
    "tickets",
];
/// A prepared statement gets a plan for any value, where that is no worse, from the sixth time on.
const TIMES: usize = 8;

fn accounts() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test takes is no setting"
    )]
    let given = std::env::var("PLANS_ACCOUNTS").ok();
    given.map_or(20_000, |n| n.parse().unwrap())
}

fn is_measured() -> bool {
    accounts() > 20_000
}

/// A store with so many accounts and sessions, whose server logs every plan.
async fn filled(server: &Cluster) -> PostgresStore {
    let store = PostgresStore::open(&server.at(server.port)).await.unwrap();
    store.close().await;
    let n = accounts().to_string();
    let fill = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fill");
    let mut command = tokio::process::Command::new("python3");
    command
        .arg(fill)
        .arg("--psql")
        .arg(format!(
            "postgresql://{USER}@127.0.0.1:{}/vestibule",
            server.port
        ))
        .args(["--accounts", &n, "--sessions", &n])
        .args(["--host", "app.example.com", "--rest"])
        .env("PGPASSWORD", PASSWORD);
    let done = command.output().await.unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_buffers = on",
        "auto_explain.log_format = json",
        // what foreign keys do as well
        "auto_explain.log_nested_statements = on",
    ] {
        let sql = format!("ALTER DATABASE vestibule SET {setting}");
        server.run(&sql).await.unwrap();
    }
    PostgresStore::open(&server.at(server.port)).await.unwrap()
}

fn now() -> Timestamp {
    vestibule::env::Env::system().now()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().unwrap()
}

/// The cookie of a session of `benches/fill`.
fn cookie(n: usize) -> TokenHash {
    TokenHash::from_bytes(sha256(&sha256(format!("bench {n}").as_bytes())))
}

fn fresh(what: &str, n: usize) -> TokenHash {
    TokenHash::from_bytes(sha256(format!("{what} {n}").as_bytes()))
}

async fn did(store: &PostgresStore, changes: &[Change]) {
    let end = store.commit(changes).await.unwrap();
    assert_eq!(end, Commit::Done, "{changes:?}");
}

/// What people's requests ask.
async fn ask(store: &PostgresStore, all: &[Account], now: Timestamp) {
    for (n, account) in all.iter().enumerate() {
        let id = account.id;
        for name in [account.login.as_str(), account.email.as_deref().unwrap()] {
            let key = NameKey::new(name).unwrap();
            assert!(store.account_by_name(&key).await.unwrap().is_some());
        }
        store.account(id).await.unwrap().unwrap();
        store.session(&cookie(n), now).await.unwrap().unwrap();
        store.sessions_of(Some(id), now, 50).await.unwrap();
        store.hosts_opened(id).await.unwrap();
        store.emergency_codes(id).await.unwrap();
        store.one_time_code(id).await.unwrap();
        let token = TokenHash::from_bytes(sha256(id.uuid().as_bytes()));
        store.attempt(&token).await.unwrap();
        store.ticket(&token).await.unwrap();
        store.link(&token).await.unwrap();
        store.device(id, &token).await.unwrap();
        store.devices_of(id).await.unwrap();
        store.has_mark(id, "reminder:1:7").await.unwrap();
        let bucket = Bucket::new(Kind::Password, id.uuid().as_bytes());
        store.counter(&bucket).await.unwrap();
        let rules = [(bucket, super::throttle::RULE)];
        let _ = store.count_try(&rules, now).await.unwrap();
        let since = now.minus(Duration::from_secs(86_400));
        store
            .audit_count(id, Event::PasswordRefused, since)
            .await
            .unwrap();
    }
}

/// What the console, the API and housekeeping ask.
async fn look(store: &PostgresStore, all: &[Account], now: Timestamp) {
    for (n, account) in all.iter().enumerate() {
        let after = &account.login;
        assert_eq!(store.accounts(Some(after), 50).await.unwrap().len(), 50);
        if is_measured() {
            store.accounts(Some(after), 500).await.unwrap();
        }
        store.accounts(None, 50).await.unwrap();
        store.sessions_of(None, now, 50).await.unwrap();
        // one, some, and everybody
        for text in [
            after.as_str(),
            "virtan",
            "korhonen",
            "corp.example",
            "nobody at all",
        ] {
            match store.search_accounts(text, 50).await {
                Ok(found) => assert_eq!(found.is_empty(), text == "nobody at all", "{text}"),
                // a measurement goes on, and says so
                Err(fault) if is_measured() => println!("{text}: {fault}"),
                Err(fault) => panic!("{text}: {fault}"),
            }
        }
        store.deletions_due(now, 100).await.unwrap();
        store.census(now).await.unwrap();
        store.outbox().await.unwrap();
        store.adoption(0, None).await.unwrap();
        let page = AuditFilter {
            limit: 50,
            ..AuditFilter::default()
        };
        let before = store.audit(&page).await.unwrap().last().unwrap().number;
        for filter in [
            AuditFilter {
                before: Some(before),
                ..page.clone()
            },
            AuditFilter {
                account: Some(account.id),
                ..page.clone()
            },
            AuditFilter {
                actor: Some(Actor::Agent(account.id)),
                ..page.clone()
            },
            AuditFilter {
                since: Some(now.minus(Duration::from_secs(2_000_000))),
                until: Some(now.minus(Duration::from_secs(1_990_000))),
                ..page.clone()
            },
            AuditFilter {
                account: Some(account.id),
                events: [Event::PasswordRefused].into(),
                ..page.clone()
            },
            AuditFilter {
                events: [Event::PasswordAccepted].into(),
                ..page.clone()
            },
            // there is none
            AuditFilter {
                events: [Event::AccountDeleted].into(),
                ..page.clone()
            },
        ] {
            store.audit(&filter).await.unwrap();
        }
        let newest = store.last_notice().await.unwrap();
        store.notices(newest - 100).await.unwrap();
        let lease = now.plus(Duration::from_secs(60));
        store.claim_mail(now, lease, 20).await.unwrap();
        let seen: Vec<_> = store
            .sessions_of(None, now, if is_measured() { 500 } else { 20 })
            .await
            .unwrap()
            .iter()
            .map(|s| (s.session.id, now.plus(Duration::from_secs(n as u64))))
            .collect();
        store.touch(&seen).await.unwrap();
    }
}

/// What people do, one after the other, each with an account of their own.
async fn act(store: &PostgresStore, all: &[Account], now: Timestamp) {
    for (n, owner) in all.iter().enumerate() {
        let account = owner.id;
        let (started, opened) = (fresh("attempt", n), fresh("session", n));
        let mut begun = attempt(1);
        begun.account = account;
        begun.version = 1;
        begun.expires_at = now.plus(Duration::from_secs(900));
        let mut entry = record(Event::SignedIn, None, now);
        entry.account = Some(account);
        did(
            store,
            &[Change::StartAttempt {
                token: started,
                attempt: begun,
            }],
        )
        .await;
        did(
            store,
            &[Change::MoveAttempt {
                token: started,
                from_version: 1,
                sealed: vec![1],
            }],
        )
        .await;
        let mut own = session(1);
        own.id = SessionId::from_uuid(Uuid::from_u128(0x7000_0000 + n as u128));
        own.auth_time = now;
        own.last_seen_at = now;
        own.expires_at = now.plus(Duration::from_secs(36_000));
        let mut bound = binding(1);
        bound.id = AuthenticatorId::from_uuid(Uuid::from_u128(0x8000_0000 + n as u128));
        let authenticator = bound.id;
        did(
            store,
            &[Change::BindTotp {
                account,
                binding: bound,
                first: false,
            }],
        )
        .await;
        did(
            store,
            &[
                Change::SpendTotpStep {
                    account,
                    authenticator,
                    step: 101,
                },
                Change::EndAttempt {
                    token: started,
                    from_version: 2,
                },
                opening(own.clone(), account, opened),
                Change::ForgiveAll(Bucket::new(Kind::Password, account.uuid().as_bytes())),
                Change::ForgiveOne(Bucket::new(Kind::Network, b"10.0.0.1")),
                Change::Audit(entry),
            ],
        )
        .await;
        let mut way = ticket(1);
        way.session = own.id;
        let token = fresh("ticket", n);
        did(
            store,
            &[Change::IssueTicket {
                token,
                ticket: way.clone(),
            }],
        )
        .await;
        let child = Change::OpenChild {
            parent: own.id,
            host: way.host.clone(),
            token: fresh("child", n),
            created_at: now,
        };
        did(store, &[Change::RedeemTicket { token }, child]).await;
        let raised = fresh("raised", n);
        did(
            store,
            &[Change::RaiseSession {
                account,
                session: Box::new(own.clone()),
                token: raised,
            }],
        )
        .await;
        did(store, &[Change::EndSession { session: own.id }]).await;
        let mut code = one_time_code(1);
        code.id = AuthenticatorId::from_uuid(Uuid::from_u128(0x9000_0000 + n as u128));
        let mut codes: Vec<_> = (0..3).map(emergency_code).collect();
        for (i, code) in codes.iter_mut().enumerate() {
            let number = 0xa000_0000 + (n * 10 + i) as u128;
            code.id = AuthenticatorId::from_uuid(Uuid::from_u128(number));
        }
        let first = codes[0].id;
        did(store, &[Change::ReplaceEmergencyCodes { account, codes }]).await;
        did(
            store,
            &[
                Change::SpendEmergencyCode {
                    account,
                    code: first,
                },
                Change::IssueOneTimeCode {
                    account,
                    code: code.clone(),
                },
                Change::CountWrongOneTimeCode { account },
                Change::ConfirmCodesStored { account },
                Change::SpendOneTimeCode {
                    account,
                    code: code.id,
                },
            ],
        )
        .await;
        let link = Link {
            account,
            purpose: LinkPurpose::Reset,
            expires_at: now.plus(Duration::from_secs(1800)),
        };
        let token = fresh("link", n);
        did(store, &[Change::IssueLink { token, link }]).await;
        did(store, &[Change::SpendLink { token }]).await;
        let mail = MailId::from_uuid(Uuid::from_u128(0xb000_0000 + n as u128));
        let queued = QueuedMail {
            id: mail,
            account: Some(account),
            sealed: vec![1],
            queued_at: now,
        };
        did(store, &[Change::QueueMail(queued)]).await;
        did(store, &[Change::MailDeferred { mail, due_at: now }]).await;
        did(store, &[Change::MailSent { mail }]).await;
        let password = owner.password.clone().unwrap();
        let device = DeviceId::from_uuid(Uuid::from_u128(1));
        did(
            store,
            &[
                Change::ExpectGroups {
                    account,
                    groups: owner.groups.clone(),
                },
                Change::SetGroups {
                    account,
                    groups: (*owner.groups).clone(),
                },
                Change::SetReminder {
                    account,
                    reminder: owner.reminder,
                },
                Change::Mark {
                    account,
                    mark: format!("once {n}"),
                    at: now,
                },
                Change::SetPassword {
                    account,
                    password,
                    at: now,
                    initial_until: None,
                },
                Change::SetContact {
                    account,
                    email: owner.email.clone(),
                    name: owner.name.clone(),
                    language: None,
                    at: now,
                },
                Change::EndSessionsOf {
                    account,
                    except: None,
                },
                Change::DropAttemptsOf {
                    account,
                    except: None,
                },
                Change::DropLinksOf { account },
                Change::UntrustDevicesOf { account },
                Change::UseDevice { device, at: now },
                Change::RemoveDevicesOf { account },
                Change::RemoveSecondFactor { account },
            ],
        )
        .await;
        did(
            store,
            &[Change::PlanDeletion {
                account,
                at: Some(now),
            }],
        )
        .await;
        // everything of theirs goes with it
        did(store, &[Change::DeleteAccount { account, due: now }]).await;
    }
}

/// A statement as the server saw it.
#[derive(Default)]
struct Seen {
    milliseconds: Vec<f64>,
    /// The most that one execution brought together.
    rows: u64,
    steps: BTreeSet<String>,
    whole: BTreeSet<String>,
}

/// All plans in the server's log, by statement.
fn plans(log: &str) -> BTreeMap<String, Seen> {
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, rest)) = line.split_once("duration: ") else {
            continue;
        };
        let Some((milliseconds, _)) = rest.split_once(" ms  plan:") else {
            continue;
        };
        let mut text = String::new();
        while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
            text.push_str(more);
        }
        let plan: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let statement = plan["Query Text"].as_str().unwrap();
        let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let seen = all.entry(statement).or_default();
        seen.milliseconds.push(milliseconds.parse().unwrap());
        walk(&plan["Plan"], seen);
    }
    all
}

fn walk(node: &Value, seen: &mut Seen) {
    let kind = node["Node Type"].as_str().unwrap();
    if kind == "Limit" {
        seen.rows = seen.rows.max(node["Actual Rows"].as_f64().unwrap() as u64);
    }
    let table = node["Relation Name"].as_str().unwrap_or_default();
    // never executed: a branch that this value did not need
    if kind == "Seq Scan" && HOT.contains(&table) && node["Actual Loops"] != 0 {
        seen.whole.insert(table.to_owned());
    }
    if kind.contains("Scan")
        && !matches!(
            kind,
            "CTE Scan" | "Subquery Scan" | "Function Scan" | "Values Scan"
        )
    {
        let index = node["Index Name"].as_str().unwrap_or(table);
        seen.steps.insert(format!("{kind} {index}"));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, seen);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_asked_all_the_time_reads_a_whole_table() {
    let server = Cluster::start().await;
    let store = filled(&server).await;
    let now = now();
    let all = store.accounts(None, TIMES as u32).await.unwrap();
    ask(&store, &all, now).await;
    look(&store, &all, now).await;
    act(&store, &all, now).await;
    // what has run out a quarter of an hour and a day from now
    for seconds in [0, 0, 0, 0, 0, 0, 1500, 86_400] {
        store
            .sweep(now.plus(Duration::from_secs(seconds)))
            .await
            .unwrap();
    }
    let plans = plans(&server.log());
    let statements = |needle: &str| plans.keys().filter(|s| s.contains(needle)).count();
    assert!(plans.len() > 80, "{} statements", plans.len());
    assert!(statements("FROM ONLY") > 5, "those of foreign keys");
    // what is swept goes by batches, so that nobody waits for long
    let swept = plans.iter().filter(|(s, _)| s.contains("SKIP LOCKED"));
    let most = swept.map(|(_, seen)| seen.rows).max().unwrap();
    assert!((400..=500).contains(&most), "{most} rows at once");
    let mut wrong = String::new();
    // counted as a whole on purpose: it is empty but for what waits
    let counted = "SELECT count(*) AS waiting";
    for (statement, seen) in &plans {
        let steps: Vec<_> = seen.steps.iter().map(String::as_str).collect();
        if !seen.whole.is_empty() && !statement.starts_with(counted) {
            wrong.push_str(&format!("{statement}\n    {}\n", steps.join(", ")));
        }
        if is_measured() {
            let mut times = seen.milliseconds.clone();
            times.sort_by(f64::total_cmp);
            let (middle, most) = (times[times.len() / 2], times[times.len() - 1]);
            println!(
                "| `{statement}` | {} | {middle:.2} | {most:.2} |",
                steps.join(", ")
            );
        }
    }
    assert!(wrong.is_empty(), "whole tables are read:\n{wrong}");
}

/// A hundred thousand sessions end at a time; who works meanwhile waits for a batch of them at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_sweep_lets_others_through() {
    let place = crate::support::postgres::Database::with_tables().await;
    let store = std::sync::Arc::new(place.store().await);
    let other = place.store().await;
    super::sample::done(&*store, [super::sample::add(1)]).await;
    let expired = format!(
        "INSERT INTO portal_sessions (id, token, account_id, auth_time, password_at, expires_at, last_seen_at)
         SELECT gen_random_uuid(), sha256(n::text::bytea), '{}', 0, 0, 1000 + n % 100, 0
         FROM generate_series(1, 100000) n",
        account_id(1)
    );
    place.run(&expired).await.unwrap();
    place.run("ANALYZE").await.unwrap();
    let sweeper = {
        let store = store.clone();
        tokio::spawn(async move {
            // each does its share and leaves the rest to the next
            for _ in 0..11 {
                store.sweep(super::sample::NOW).await.unwrap();
            }
        })
    };
    let mut longest = Duration::ZERO;
    let mut n = 0_u8;
    while !sweeper.is_finished() {
        n = n.wrapping_add(1);
        let began = tokio::time::Instant::now();
        let own = opening(session(n), account_id(1), fresh("own", n.into()));
        let end = Change::EndSession {
            session: session(n).id,
        };
        did(&other, &[own, end]).await;
        longest = longest.max(began.elapsed());
    }
    sweeper.await.unwrap();
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    let left = place
        .text("SELECT count(*)::text FROM portal_sessions")
        .await;
    assert_eq!(left, "0");
}
