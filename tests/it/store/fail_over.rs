//! Database servers that end, freeze, fill up and are replaced by another one: what nodes make of it, and that they are
//! well again by themselves.

use super::sample::*;
use crate::support::cluster::Cluster;
use crate::support::road::Road;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::audit::Event;
use vestibule::store::postgres::PostgresStore;
use vestibule::store::{Change, Commit, Fault, FaultKind, Notice, Store as _};

/// Within this all is well again when the server is back.
const SOON: Duration = Duration::from_secs(5);

/// What a question and a change come to.
async fn kinds(store: &PostgresStore) -> [Option<FaultKind>; 2] {
    let changes = [Change::Audit(record(Event::SignedIn, None, NOW))];
    let token = token(1);
    let (read, written) = tokio::join!(store.session(&token, NOW), store.commit(&changes));
    [
        read.err().map(|fault| fault.kind()),
        written.err().map(|fault| fault.kind()),
    ]
}

const AWAY: [Option<FaultKind>; 2] = [Some(FaultKind::Away); 2];
const WELL: [Option<FaultKind>; 2] = [None; 2];

async fn is_well_soon(store: &PostgresStore, after: &str) {
    let began = Instant::now();
    while kinds(store).await != WELL {
        assert!(began.elapsed() < SOON, "not well after {after}");
    }
    assert!(
        began.elapsed() < SOON,
        "after {after}: {:?}",
        began.elapsed()
    );
}

/// Everything that a node does at a time, so that all of its connections are somewhere in the midst of something.
async fn is_away(store: &PostgresStore, because: &str) {
    let asked = (0..10).map(|_| kinds(store));
    for kinds in futures_util::future::join_all(asked).await {
        assert_eq!(kinds, AWAY, "{because}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_or_freezes_is_away_until_it_is_back() {
    let server = Cluster::start().await;
    let store = PostgresStore::open(&server.at(server.port)).await.unwrap();
    done(&store, [add(1), open(1, 1, 1)]).await;
    for _ in 0..2 {
        server.kill().await;
        is_away(&store, "killed").await;
        server.begin().await;
        is_well_soon(&store, "a kill").await;

        server.stop().await;
        is_away(&store, "stopped").await;
        server.begin().await;
        is_well_soon(&store, "a stop").await;

        server.freeze();
        is_away(&store, "frozen").await;
        server.thaw();
        is_well_soon(&store, "a freeze").await;
    }
    let view = store.session(&token(1), NOW).await.unwrap();
    assert!(view.is_some());
}

/// An address that moves to another machine leaves connections that nobody answers and nobody ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_fell_into_a_hole_are_given_up() {
    let server = Cluster::start().await;
    let road = Road::to(server.port).await;
    let store = PostgresStore::open(&server.at(road.port)).await.unwrap();
    done(&store, [add(1), open(1, 1, 1)]).await;
    let slow = "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
                CREATE TRIGGER linger AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION linger()";
    server.run_in("vestibule", slow).await.unwrap();
    // all connections are there; first they are idle, then in the midst of an answer
    for in_the_midst in [false, true] {
        let busy = || async { futures_util::future::join_all((0..5).map(|_| kinds(&store))).await };
        assert_eq!(busy().await, [WELL; 5]);
        if in_the_midst {
            let cut = async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                road.close();
            };
            let (kinds, ()) = tokio::join!(busy(), cut);
            assert!(kinds.iter().any(|k| *k != WELL), "{kinds:?}");
        } else {
            road.close();
        }
        is_away(&store, "the road leads nowhere").await;
        road.lead_to(server.port);
        is_well_soon(&store, "the hole").await;
    }
}

/// What the other node did while this one was cut off is in force when it is back, though nobody could call it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_meanwhile_is_read_afterwards() {
    let server = Cluster::start().await;
    let road = Road::to(server.port).await;
    let cut_off = PostgresStore::open(&server.at(road.port)).await.unwrap();
    let other = PostgresStore::open(&server.at(server.port)).await.unwrap();
    done(&other, [add(1), open(1, 1, 1), open(2, 1, 2)]).await;
    // it listens
    cut_off.wait_for_notices(Duration::ZERO).await;
    let after = cut_off.last_notice().await.unwrap();
    for close in [true, false] {
        match close {
            true => road.close(),
            false => server.kill().await,
        }
        assert_eq!(
            cut_off.notices(after).await.unwrap_err().kind(),
            FaultKind::Away
        );
        if !close {
            server.begin().await;
        }
        let session = session_id(if close { 1 } else { 2 });
        let end = [Change::EndSession { session }];
        let began = Instant::now();
        while other.commit(&end).await.is_err() {
            assert!(began.elapsed() < SOON);
        }
        road.lead_to(server.port);
        let began = Instant::now();
        let (next, told) = loop {
            match cut_off.notices(after).await {
                Ok(read) => break read,
                Err(_) => assert!(began.elapsed() < SOON),
            }
        };
        assert_eq!(told.last(), Some(&Notice::Session(session)));
        assert!(next > after);
    }
    // and it is called again, without waiting for the second: of ten calls at least some come sooner
    let began = Instant::now();
    let mut quick = 0;
    while quick < 3 {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it is not called"
        );
        cut_off.wait_for_notices(Duration::ZERO).await;
        let waited = async {
            let began = Instant::now();
            cut_off.wait_for_notices(Duration::ZERO).await;
            began.elapsed()
        };
        let change = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let account = account_id(1);
            let groups = [].into();
            done(&other, [Change::SetGroups { account, groups }]).await;
        };
        let (waited, ()) = tokio::join!(waited, change);
        quick += u32::from(waited < Duration::from_millis(700));
    }
}

/// Writes one record after the other until told to end; the numbers of those that were acknowledged.
async fn keep_writing(store: Arc<PostgresStore>, from: u32, ended: Arc<AtomicBool>) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    let mut n = from;
    while !ended.load(Ordering::SeqCst) {
        let mut entry = record(Event::SignedIn, None, NOW);
        entry.detail = n.to_string();
        if let Ok(Commit::Done) = store.commit(&[Change::Audit(entry)]).await {
            acknowledged.push(n);
        }
        n += 1;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_over_loses_nothing_that_was_acknowledged() {
    let first = Cluster::start().await;
    let road = Road::to(first.port).await;
    let store = PostgresStore::open(&first.at(road.port)).await.unwrap();
    let store = Arc::new(store);
    let other = PostgresStore::open(&first.at(road.port)).await.unwrap();
    done(&*store, [add(1), open(1, 1, 1)]).await;
    let second = first.standby().await;

    // a standby is not asked, by nobody: neither at a start nor later
    let refused = PostgresStore::open(&second.at(second.port)).await;
    let Err(Fault::Open(why)) = refused else {
        panic!("a standby was opened");
    };
    assert!(why.contains("is a standby"), "{why}");

    let ended = Arc::new(AtomicBool::new(false));
    let other = Arc::new(other);
    let writers = [
        (store.clone(), 0),
        (store.clone(), 100_000),
        (other.clone(), 200_000),
        (other.clone(), 300_000),
    ];
    let writers =
        writers.map(|(store, from)| tokio::spawn(keep_writing(store, from, ended.clone())));
    tokio::time::sleep(Duration::from_secs(1)).await;
    // in the midst of it, its machine is gone
    first.kill().await;
    road.close();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // the address moves before the standby is a primary
    road.lead_to(second.port);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(kinds(&store).await, [Some(FaultKind::ReadOnly); 2]);
    second.promote().await;
    is_well_soon(&store, "the promotion").await;
    is_well_soon(&other, "the promotion").await;
    let promoted = "SELECT coalesce(max(id), 0)::text FROM audit";
    let before: i64 = second.text("vestibule", promoted).await.parse().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    ended.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let after: i64 = second.text("vestibule", promoted).await.parse().unwrap();
    assert!(after > before, "both nodes write to the new primary");
    let kept = "SELECT coalesce(string_agg(detail, ','), '') FROM audit WHERE detail ~ '^[0-9]+$'";
    let kept = second.text("vestibule", kept).await;
    let kept: std::collections::HashSet<u32> = kept.split(',').flat_map(str::parse).collect();
    assert!(acknowledged.len() > 20, "{acknowledged:?}");
    let lost: Vec<_> = acknowledged.iter().filter(|n| !kept.contains(n)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");

    // ended at the new one; the old primary, back as a standby that has not heard of it, would still show it
    let session = session_id(1);
    done(&*store, [Change::EndSession { session }]).await;
    first.demote();
    first.begin().await;
    let shown = "SELECT count(*)::text FROM portal_sessions";
    assert_eq!(first.text("vestibule", shown).await, "1");
    road.lead_to(first.port);
    let seen = store.session(&token(1), NOW).await;
    assert!(!matches!(seen, Ok(Some(_))), "an ended session is shown");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(kinds(&other).await, [Some(FaultKind::ReadOnly); 2]);
    road.lead_to(second.port);
    is_well_soon(&store, "the address was put right").await;
    assert!(store.session(&token(1), NOW).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_changes_is_told_apart() {
    let server = Cluster::start().await;
    let store = PostgresStore::open(&server.at(server.port)).await.unwrap();
    done(&store, [add(1), open(1, 1, 1)]).await;
    let set = async |value: &str| {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        server
            .run_in("postgres", "SET default_transaction_read_only = off")
            .await
            .unwrap();
        server.run(&sql).await.unwrap();
        server.run("SELECT pg_reload_conf()").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    set("on").await;
    // what it holds is true: sessions go on
    assert_eq!(kinds(&store).await, [None, Some(FaultKind::ReadOnly)]);
    set("off").await;
    is_well_soon(&store, "it was made writable").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_apart() {
    let server = Cluster::start().await;
    server.stop().await;
    let (fill, empty) = match server.begin_with_small_disk(32).await {
        Some(disk) => {
            let tablespace = format!("CREATE TABLESPACE small LOCATION '{}'", disk.display());
            server.run(&tablespace).await.unwrap();
            let moved = "ALTER DATABASE vestibule SET TABLESPACE small";
            server.run(moved).await.unwrap();
            (
                "CREATE TABLE filling (a text); ALTER TABLE filling ALTER a SET STORAGE EXTERNAL",
                "DROP TABLE filling",
            )
        }
        // without the right to mount: the server's own error with its code, raised where a row is added
        None => {
            server.begin().await;
            (
                "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
                "DROP TRIGGER full ON audit",
            )
        }
    };
    let store = PostgresStore::open(&server.at(server.port)).await.unwrap();
    done(&store, [add(1), open(1, 1, 1)]).await;
    server.run_in("vestibule", fill).await.unwrap();
    if fill.starts_with("CREATE TABLE") {
        for rows in [1000, 100, 10, 1] {
            let more = format!(
                "INSERT INTO filling SELECT repeat('x', 8000) FROM generate_series(1, {rows})"
            );
            while server.run_in("vestibule", &more).await.is_ok() {}
        }
    } else {
        let trigger =
            "CREATE TRIGGER full BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION full()";
        server.run_in("vestibule", trigger).await.unwrap();
    }
    // what is there is read, and what is to be added has no room
    let began = Instant::now();
    loop {
        let mut entry = record(Event::SignedIn, None, NOW);
        entry.detail = "x".repeat(100_000);
        let written = store.commit(&[Change::Audit(entry)]).await;
        match written.map_err(|fault| fault.kind()) {
            Err(kind) => break assert_eq!(kind, FaultKind::Full),
            // what was left in the last pages
            Ok(_) => assert!(began.elapsed() < Duration::from_secs(60)),
        }
    }
    assert!(store.session(&token(1), NOW).await.unwrap().is_some());
    server.run_in("vestibule", empty).await.unwrap();
    is_well_soon(&store, "there is room").await;
}
