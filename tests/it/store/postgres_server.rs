//! What is particular to the store on a server: the way there, what happens when it is gone, many nodes at once.

use super::sample::*;
use crate::support::postgres::{Database, PASSWORD, server};
use crate::support::world::Ca;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use vestibule::domain::audit::Event;
use vestibule::domain::database::{Place, Protection, Server};
use vestibule::store::postgres::PostgresStore;
use vestibule::store::{Change, Commit, Fault, Notice, SharedStore, Store as _};
use zeroize::Zeroizing;

/// An empty store and two handles on it, as two nodes have them.
pub async fn fresh() -> (Database, SharedStore, SharedStore) {
    let place = Database::with_tables().await;
    let (one, other) = (place.store().await, place.store().await);
    (place, Arc::new(one), Arc::new(other))
}

async fn why_not(server: &Server) -> String {
    match PostgresStore::open(server).await {
        Err(Fault::Open(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_the_tables_once() {
    let place = Database::empty().await;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let server = place.server();
            tokio::spawn(async move {
                let store = PostgresStore::open(&server).await.unwrap();
                store.commit(&[add(n)]).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Commit::Done);
    }
    let store = place.store().await;
    assert_eq!(store.accounts(None, 99).await.unwrap().len(), 8);
    assert!(store.is_used().await.unwrap());
}

#[tokio::test]
async fn a_store_that_must_be_there_is_not_made() {
    let place = Database::empty().await;
    let refused = PostgresStore::open_existing(&place.server()).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("there is no store"), "{why}");
    let store = place.store().await;
    assert!(!store.is_used().await.unwrap());
    store.close().await;
    PostgresStore::open_existing(&place.server()).await.unwrap();
}

#[tokio::test]
async fn a_newer_program_s_store_is_not_touched() {
    let place = Database::with_tables().await;
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'from the future', true, '\\x00', 0)";
    place.run(newer).await.unwrap();
    let why = why_not(&place.server()).await;
    assert!(why.contains("9999"), "{why}");
}

/// As docs/postgresql.md has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statements_for_a_database_that_was_put_back_do_what_a_restore_does() {
    let (place, store, _) = fresh().await;
    crate::store::every_row::fill(&*store).await;
    let page = include_str!("../../../docs/postgresql.md");
    let (_, block) = page.split_once("```sql\nBEGIN;").unwrap();
    let (statements, _) = block.split_once("```").unwrap();
    let counted = async |sql: &str| place.text(&format!("SELECT ({sql})::text")).await;
    let live = "SELECT count(*) FROM portal_sessions";
    assert_ne!(counted(live).await, "0");
    place.run(&format!("BEGIN;{statements}")).await.unwrap();
    for gone in [
        "attempts",
        "one_time_codes",
        "portal_sessions",
        "application_sessions",
        "tickets",
        "links",
        "approvals",
        "outbox",
        "emergency_codes",
        "signing_keys",
        "devices WHERE trusted_until IS NOT NULL",
    ] {
        let rows = counted(&format!("SELECT count(*) FROM {gone}")).await;
        assert_eq!(rows, "0", "{gone}");
    }
    assert_ne!(counted("SELECT count(*) FROM accounts").await, "0");
}

#[tokio::test]
async fn the_audit_trail_is_append_only() {
    let (place, store, _) = fresh().await;
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    done(store.as_ref(), [audit]).await;
    for sql in [
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit (id, at, event, actor, detail) OVERRIDING SYSTEM VALUE
         SELECT id, 0, event, actor, '' FROM audit ON CONFLICT (id) DO UPDATE SET detail = ''",
    ] {
        let error = place.run(sql).await.unwrap_err();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    let want = record(Event::SignedIn, Some(1), NOW);
    assert_eq!(trail(store.as_ref()).await, [want]);
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_a_fault() {
    let (place, store, _) = fresh().await;
    done(store.as_ref(), [add(1), open(1, 1, 1)]).await;
    let sql = "UPDATE accounts SET attributes = '[1]'";
    place.run(sql).await.unwrap();
    let view = store.session(&token(1), NOW).await;
    assert!(matches!(view, Err(Fault::Corrupt(_))));
    place
        .run("ALTER TABLE throttle RENAME TO gone")
        .await
        .unwrap();
    let swept = store.sweep(NOW).await;
    assert!(
        matches!(&swept, Err(Fault::Query(why)) if why.contains("does not exist")),
        "{swept:?}"
    );
    // The connection goes on working.
    done(store.as_ref(), [add(2)]).await;
}

/// Its server takes no text with a 0 in it; nobody's browser may make faults of that.
#[tokio::test]
async fn texts_may_hold_anything() {
    let (_place, store, _) = fresh().await;
    let mut odd = account(1);
    odd.name = "Nu\0ll".to_owned();
    let mut seen = record(Event::SignedIn, Some(1), NOW);
    seen.detail = "\0'; DROP TABLE accounts; --".to_owned();
    seen.place.user_agent = Some("\0".to_owned());
    let add = Change::AddAccount(Box::new(odd));
    done(store.as_ref(), [add, Change::Audit(seen)]).await;
    assert_eq!(get(store.as_ref(), 1).await.name, "Nu\u{fffd}ll");
    let trail = trail(store.as_ref()).await;
    assert_eq!(trail[0].detail, "\u{fffd}'; DROP TABLE accounts; --");
    assert_eq!(store.search_accounts("\0", 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_acknowledged_is_on_disk() {
    let place = Database::with_tables().await;
    let name = &place.name;
    let off = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    place.run(&off).await.unwrap();
    let serializable =
        format!("ALTER DATABASE {name} SET default_transaction_isolation = serializable");
    place.run(&serializable).await.unwrap();
    place
        .run(
            "CREATE TABLE seen (settings text);
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO seen VALUES (concat_ws(' ', current_setting('synchronous_commit'),
                     current_setting('transaction_isolation'), current_setting('statement_timeout'),
                     current_setting('idle_in_transaction_session_timeout')));
                 RETURN NEW;
             END $$;
             CREATE TRIGGER see AFTER INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION see();
             CREATE TRIGGER see AFTER UPDATE ON portal_sessions FOR EACH ROW EXECUTE FUNCTION see()",
        )
        .await
        .unwrap();
    let store = place.store().await;
    done(&store, [add(1), open(1, 1, 1)]).await;
    store.touch(&[(session_id(1), later(5))]).await.unwrap();
    let seen = place.text("SELECT string_agg(DISTINCT settings, ' and ') FROM seen");
    assert_eq!(seen.await, "local read committed 4s 5s");
    let count = place.text("SELECT count(*)::text FROM seen");
    assert_eq!(count.await, "3");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let place = Database::with_tables().await;
    let mut server = place.server();
    server.password = Some(Zeroizing::new("swordfish".to_owned()));
    let why = why_not(&server).await;
    assert!(why.contains("password authentication failed"), "{why}");
    assert!(
        !why.contains("swordfish") && !why.contains(PASSWORD),
        "{why}"
    );
    server.database = "nowhere".to_owned();
    server.password = place.server().password;
    let why = why_not(&server).await;
    assert!(why.contains("\"nowhere\" does not exist"), "{why}");
}

#[tokio::test]
async fn a_unix_socket_leads_there() {
    let place = Database::with_tables().await;
    let mut here = place.server();
    here.place = Place::Socket {
        folder: server().socket(),
        port: server().port,
    };
    let store = PostgresStore::open(&here).await.unwrap();
    done(&store, [add(1)]).await;
}

/// What the server says of a store's connections.
async fn encrypted(place: &Database, server: &Server) -> String {
    let store = PostgresStore::open(server).await.unwrap();
    done(&store, [Change::Audit(record(Event::SignedIn, None, NOW))]).await;
    let said = place
        .text(
            "SELECT string_agg(DISTINCT s.ssl::text, ' and ') FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
             WHERE a.datname = current_database() AND a.application_name = 'vestibule'",
        )
        .await;
    store.close().await;
    said
}

#[tokio::test]
async fn the_server_is_known_by_its_certificate() {
    let place = Database::with_tables().await;
    let folder = tempfile::tempdir().unwrap();
    let other_ca = folder.path().join("other.pem");
    std::fs::write(&other_ca, Ca::new("somebody else").pem()).unwrap();
    let own_ca = server().ca_file.clone();
    let at = |host: &str, protection, authorities: Option<&std::path::PathBuf>| {
        let mut server = place.server();
        server.place = Place::Tcp {
            host: host.to_owned(),
            port: crate::support::postgres::server().port,
        };
        server.protection = protection;
        server.authorities = authorities.cloned();
        server
    };
    use Protection::{Authority, Encrypted, Host, IfOffered};
    for good in [
        at("localhost", Host, Some(&own_ca)),
        // the certificate is for localhost, not for the address
        at("127.0.0.1", Authority, Some(&own_ca)),
        at("127.0.0.1", Encrypted, None),
        at("127.0.0.1", IfOffered, None),
    ] {
        assert_eq!(encrypted(&place, &good).await, "true", "{good}");
    }
    let plain = at("127.0.0.1", Protection::None, None);
    assert_eq!(encrypted(&place, &plain).await, "false");
    for bad in [
        at("127.0.0.1", Host, Some(&own_ca)),
        at("localhost", Host, Some(&other_ca)),
        at("localhost", Host, None),
        at("localhost", Authority, Some(&other_ca)),
    ] {
        let why = why_not(&bad).await;
        assert!(why.contains("certificate"), "{why}");
    }
}

/// A way to the server that somebody can cut: bytes stop, connections stay.
async fn way(stopped: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stopped = Arc::clone(stopped);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let stopped = Arc::clone(&stopped);
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", server().port)).await;
                let (mut from, mut to) = client.into_split();
                let (mut back, mut forth) = server.unwrap().into_split();
                let there = drip(&mut from, &mut forth, &stopped);
                let and_back = drip(&mut back, &mut to, &stopped);
                tokio::join!(there, and_back)
            });
        }
    });
    port
}

async fn drip(
    from: &mut tokio::net::tcp::OwnedReadHalf,
    to: &mut tokio::net::tcp::OwnedWriteHalf,
    stopped: &AtomicBool,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut bytes = vec![0; 65536];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        while stopped.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Each kind of access, once; all are faults, soon.
async fn everything_is_a_fault(store: &PostgresStore) {
    let rules = [(
        super::throttle::bucket(vestibule::domain::throttle::Kind::Code, 1),
        super::throttle::RULE,
    )];
    let began = Instant::now();
    let seen = [(session_id(1), NOW)];
    let (token, changes) = (token(1), [add(5)]);
    let faults = tokio::join!(
        async { store.commit(&changes).await.err() },
        async { store.session(&token, NOW).await.err() },
        async { store.count_try(&rules, NOW).await.err() },
        async { store.touch(&seen).await.err() },
        async { store.last_notice().await.err() },
        async { store.notices(0).await.err() },
    );
    let faults: [Option<Fault>; 6] = faults.into();
    for (i, fault) in faults.into_iter().enumerate() {
        assert!(
            matches!(fault, Some(Fault::Away(_) | Fault::Query(_))),
            "{i}: {fault:?}"
        );
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{began:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_a_fault() {
    let place = Database::with_tables().await;
    let stopped = Arc::new(AtomicBool::new(false));
    let mut server = place.server();
    server.place = Place::Tcp {
        host: "127.0.0.1".to_owned(),
        port: way(&stopped).await,
    };
    let store = PostgresStore::open(&server).await.unwrap();
    done(&store, [add(1), open(1, 1, 1)]).await;
    stopped.store(true, Ordering::SeqCst);
    everything_is_a_fault(&store).await;
    let began = Instant::now();
    assert!(why_not(&server).await.contains("no answer"));
    assert!(began.elapsed() < Duration::from_secs(6));
    stopped.store(false, Ordering::SeqCst);
    works_again(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_away_is_a_fault_until_it_is_back() {
    let place = Database::with_tables().await;
    let store = place.store().await;
    done(&store, [add(1), open(1, 1, 1)]).await;
    // connections that were ended are replaced without a word
    for n in 2..6 {
        place.cut().await;
        done(&store, [add(n)]).await;
    }
    place.shut().await;
    everything_is_a_fault(&store).await;
    place.open().await;
    works_again(&store).await;
}

async fn works_again(store: &PostgresStore) {
    for _ in 0..100 {
        if store
            .session(&token(1), NOW)
            .await
            .is_ok_and(|view| view.is_some())
        {
            return done(store, [add(9)]).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not come back");
}

/// Looking every second alone would take ten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_calls_the_other_node() {
    let (place, one, other) = fresh().await;
    done(one.as_ref(), [add(1)]).await;
    // until it listens
    other.wait_for_notices(Duration::ZERO).await;
    let account = account_id(1);
    let groups = |n: usize| Change::SetGroups {
        account,
        groups: [format!("g{n}")].into(),
    };
    let mut after = other.last_notice().await.unwrap();
    let mut hears = async |n: usize| {
        let began = Instant::now();
        done(one.as_ref(), [groups(n)]).await;
        loop {
            other.wait_for_notices(Duration::ZERO).await;
            let (next, told) = other.notices(after).await.unwrap();
            after = next;
            if told == [Notice::Account(account)] {
                return began.elapsed();
            }
            assert_eq!(told, []);
        }
    };
    let mut all = Duration::ZERO;
    for n in 0..10 {
        all += hears(n).await;
    }
    assert!(all < Duration::from_secs(5), "{all:?}");
    // a lost connection costs a second, and no notice
    place.cut().await;
    assert!(hears(10).await < Duration::from_secs(10));
}

/// Everybody at everything about two accounts, from two nodes: nobody is stopped by a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_wait_for_each_other() {
    let (place, one, other) = fresh().await;
    let nodes = [one, other];
    done(nodes[0].as_ref(), [add(1), add(2)]).await;
    let tasks: Vec<_> = (0..120u8)
        .map(|n| {
            let store = nodes[usize::from(n % 2)].clone();
            let (here, there) = if n % 3 == 0 { (1, 2) } else { (2, 1) };
            let group = |account| Change::SetGroups {
                account: account_id(account),
                groups: [format!("g{n}")].into(),
            };
            let changes = match n % 4 {
                0 => vec![open(n, here, n), group(here), group(there)],
                1 => vec![
                    group(there),
                    Change::EndSessionsOf {
                        account: account_id(here),
                        except: None,
                    },
                ],
                2 => vec![
                    Change::ForgiveAll(super::throttle::bucket(
                        vestibule::domain::throttle::Kind::Code,
                        n % 8,
                    )),
                    bind(there, n),
                    group(here),
                ],
                _ => vec![
                    Change::EndSession {
                        session: session_id(n - 3),
                    },
                    group(there),
                ],
            };
            tokio::spawn(async move {
                let rules = [1, 0].map(|b| {
                    let kind = vestibule::domain::throttle::Kind::Code;
                    (super::throttle::bucket(kind, b), super::throttle::RULE)
                });
                let _ = store.count_try(&rules, NOW).await.unwrap();
                store
                    .touch(&[(session_id(n), later(5)), (session_id(n - n % 4), later(6))])
                    .await
                    .unwrap();
                store.commit(&changes).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Commit::Done);
    }
    assert_eq!(place.deadlocks().await, "0");
}

/// Makes one step of a transaction take half a second.
async fn slow(place: &Database, trigger: &str) {
    let function = "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$";
    place.run(function).await.unwrap();
    let sql = format!("CREATE {trigger} EXECUTE FUNCTION linger()");
    place.run(&sql).await.unwrap();
}

/// A number is given out, and the transaction takes its time: a later number must not be seen first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_notice_of_a_slow_commit_is_not_passed_by() {
    let (place, one, other) = fresh().await;
    done(one.as_ref(), [add(1), add(2)]).await;
    // at the commit itself, and only of what is told of account 1
    let at_commit = format!(
        "CONSTRAINT TRIGGER linger AFTER INSERT ON notices DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.subject = '{}')",
        account_id(1)
    );
    slow(&place, &at_commit).await;
    let groups = |n| Change::SetGroups {
        account: account_id(n),
        groups: [].into(),
    };
    let mut after = other.last_notice().await.unwrap();
    let mut heard = Vec::new();
    let slow_one = {
        let (store, changes) = (one.clone(), [groups(1)]);
        tokio::spawn(async move { store.commit(&changes).await.unwrap() })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let quick_one = {
        let (store, changes) = (other.clone(), [groups(2)]);
        tokio::spawn(async move { store.commit(&changes).await.unwrap() })
    };
    for _ in 0..100 {
        let (next, told) = other.notices(after).await.unwrap();
        after = next;
        heard.extend(told);
        if heard.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(slow_one.await.unwrap(), Commit::Done);
    assert_eq!(quick_one.await.unwrap(), Commit::Done);
    assert_eq!(heard, [1, 2].map(|n| Notice::Account(account_id(n))));
}

/// Each rotation retires what it sees; they must see each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_at_the_same_time_leave_one_key() {
    let (place, one, other) = fresh().await;
    let trigger = "TRIGGER linger AFTER UPDATE ON signing_keys FOR EACH STATEMENT";
    slow(&place, trigger).await;
    let rotate = |store: &SharedStore, n| {
        let store = store.clone();
        let changes = [
            Change::AddSigningKey(signing_key(n, 0)),
            Change::RetireOtherKeys {
                current: signing_key(n, 0).id,
                published_until: later(100),
            },
        ];
        tokio::spawn(async move { store.commit(&changes).await.unwrap() })
    };
    for rotated in [rotate(&one, 1), rotate(&other, 2)] {
        assert_eq!(rotated.await.unwrap(), Commit::Done);
    }
    let keys = one.signing_keys(NOW).await.unwrap();
    let in_use = keys.iter().filter(|key| key.retired_until.is_none());
    assert_eq!(in_use.count(), 1);
}

/// What was allowed because of an account's groups is not done while they change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_expected_still_holds_at_the_commit() {
    let (place, one, other) = fresh().await;
    let mut agent = account(1);
    agent.groups = BTreeSet::from(["support".to_owned()]).into();
    let agent_is_there = Change::AddAccount(Box::new(agent));
    done(one.as_ref(), [agent_is_there, add(2)]).await;
    let trigger = "TRIGGER linger AFTER DELETE ON account_groups FOR EACH STATEMENT";
    slow(&place, trigger).await;
    let account = account_id(1);
    let dismissed = {
        let (store, groups) = (one.clone(), [].into());
        let changes = [Change::SetGroups { account, groups }];
        tokio::spawn(async move { store.commit(&changes).await.unwrap() })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    // as if the agent was one still, until the other transaction is done
    let groups = BTreeSet::from(["support".to_owned()]).into();
    let expected = Change::ExpectGroups { account, groups };
    let act = Change::RemoveSecondFactor {
        account: account_id(2),
    };
    lost(other.as_ref(), 0, [expected, act]).await;
    assert_eq!(dismissed.await.unwrap(), Commit::Done);
}

/// Each of them reads a counter and writes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_on_two_nodes_are_both_counted() {
    use vestibule::domain::throttle::Kind;
    let (place, one, other) = fresh().await;
    let trigger = "TRIGGER linger AFTER INSERT OR UPDATE ON throttle FOR EACH STATEMENT";
    slow(&place, trigger).await;
    let (first, second) = (
        super::throttle::bucket(Kind::Code, 1),
        super::throttle::bucket(Kind::Network, 1),
    );
    let tries = |buckets: [_; 2], store: &SharedStore| {
        let store = store.clone();
        let rules = buckets.map(|bucket| (bucket, super::throttle::RULE));
        tokio::spawn(async move { store.count_try(&rules, NOW).await.unwrap() })
    };
    // in either order
    let both = [tries([first, second], &one), tries([second, first], &other)];
    for task in both {
        let _ = task.await.unwrap();
    }
    for bucket in [first, second] {
        assert_eq!(one.counter(&bucket).await.unwrap().tries, 2);
    }
    // a success comes after the try that is being counted, not past it
    let bucket = super::throttle::bucket(Kind::Password, 2);
    let counted = tries([bucket, second], &one);
    tokio::time::sleep(Duration::from_millis(200)).await;
    done(other.as_ref(), [Change::ForgiveAll(bucket)]).await;
    let _ = counted.await.unwrap();
    assert_eq!(one.counter(&bucket).await.unwrap().tries, 0);
}
