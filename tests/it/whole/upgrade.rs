//! The store of the version before: every row is still there, its people sign in, its sessions live.

use super::browser::{Browser, SESSION};
use super::site::{CHEAP, Dice, LOGIN, Net, Plan, free_port, write_site};
use crate::support::upstream::Upstream;
use crate::support::world::{Ca, NOW};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use vestibule::app::{self, Office};
use vestibule::config;
use vestibule::domain::secret::Token;
use vestibule::env::{Env, ManualClock};

/// A row of every table, as the first version wrote them.
const ROWS: &str = "
INSERT INTO accounts VALUES (x'0000000000000000000000000000a001', 'Aino', 'Aino@Example.com', 'Aino Ärlig',
    '{\"employee_id\":\"17\"}', 'fi', 'active', 1799000000, $HASH, NULL, NULL, NULL, NULL, NULL, 1799000000, 1899000000,
    1899000000);
INSERT INTO accounts VALUES (x'0000000000000000000000000000a002', 'bo', NULL, 'Bo', '{}', NULL, 'disabled', 1799000000,
    NULL, x'0000000000000000000000000000c001', x'00ff', 1799000000, 100, 0, NULL, NULL, NULL);
INSERT INTO account_names VALUES ('aino', x'0000000000000000000000000000a001'),
    ('aino@example.com', x'0000000000000000000000000000a001'), ('bo', x'0000000000000000000000000000a002');
INSERT INTO account_groups VALUES (x'0000000000000000000000000000a001', 'staff');
INSERT INTO emergency_codes VALUES (x'0000000000000000000000000000c002', x'0000000000000000000000000000a002', '12', '$argon2id$e');
INSERT INTO one_time_codes VALUES (x'0000000000000000000000000000a002', x'0000000000000000000000000000c003', '$argon2id$o',
    1799999999, 1800009999, 1);
INSERT INTO attempts VALUES (zeroblob(32), x'0000000000000000000000000000a002', x'00', 3, 1800009999);
INSERT INTO portal_sessions VALUES (x'00000000000000000000000000005001', $TOKEN, x'0000000000000000000000000000a001', NULL,
    1799999000, 1799999000, NULL, 1800030000, 1799999900, '192.0.2.1', 'Firefox');
INSERT INTO application_sessions VALUES (zeroblob(32), x'00000000000000000000000000005001', 'wiki.test', 1799999000);
INSERT INTO tickets VALUES (zeroblob(32), x'00000000000000000000000000005001', 'wiki.test', '/', zeroblob(32), 1800009999);
INSERT INTO throttle VALUES ('password', zeroblob(32), 3, 1, 1800000100, 1799999990, 2, 1800090000);
INSERT INTO signing_keys VALUES ('retired', x'00', x'00', 1799000000, 1799900000);
INSERT INTO audit (at, event, account_id, actor, address, user_agent, detail)
    VALUES (1799999000, 'signed_in', x'0000000000000000000000000000a001', 'person', '192.0.2.1', 'Firefox', 'x');
INSERT INTO notices (kind, subject, at) VALUES ('account', x'0000000000000000000000000000a001', NULL);
";

const TABLES: [&str; 13] = [
    "accounts",
    "account_names",
    "account_groups",
    "emergency_codes",
    "one_time_codes",
    "attempts",
    "portal_sessions",
    "application_sessions",
    "tickets",
    "throttle",
    "signing_keys",
    "audit",
    "notices",
];

async fn open(file: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn texts(db: &mut SqliteConnection, sql: String) -> Vec<String> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(db).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The columns of every table of the first version, to be asked for by name later.
async fn columns(db: &mut SqliteConnection) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in TABLES {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        all.insert(table, texts(db, sql).await);
    }
    all
}

/// Every value of those columns, as SQL spells it.
async fn values(
    db: &mut SqliteConnection,
    columns: &BTreeMap<&'static str, Vec<String>>,
) -> Vec<String> {
    let mut all = Vec::new();
    for (table, columns) in columns {
        let quoted: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
        let sql = format!(
            "SELECT '{table}: ' || {} AS row FROM {table} ORDER BY row",
            quoted.join(" || ' ' || ")
        );
        let rows = texts(db, sql).await;
        assert!(!rows.is_empty(), "{table} holds nothing");
        all.extend(rows);
    }
    all
}

async fn is_sound(db: &mut SqliteConnection) {
    let word = texts(db, "PRAGMA integrity_check".to_owned()).await;
    assert_eq!(word, ["ok"]);
    let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(db).await;
    assert!(orphans.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_the_version_before_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (_wiki, wiki) = Upstream::start(None).await;
    let port = free_port();
    let file = write_site(dir.path(), &ca, &Plan::default(), port, [wiki, wiki]);
    let settings = config::load(&file).unwrap();
    let env = Env::new(Arc::new(ManualClock::at(NOW)), Arc::new(Dice));

    // the key file is there, as it would be
    drop(Office::open(settings.clone(), env.clone()).await.unwrap());
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("vestibule.db{end}")));
    }
    let token = Token::from_random([7; 32]);
    let hex: String = token
        .hash()
        .bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let mut db = open(settings.storage.file().unwrap()).await;
    let first = Migration::new(
        1,
        "init".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(include_str!("../../../migrations/sqlite/0001_init.sql")),
        false,
    );
    let migrator = Migrator::with_migrations(vec![first]);
    migrator.run_direct(None, &mut db, false).await.unwrap();
    let rows = ROWS
        .replace("$HASH", &format!("'{CHEAP}'"))
        .replace("$TOKEN", &format!("x'{hex}'"));
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows))
        .execute(&mut db)
        .await
        .unwrap();
    is_sound(&mut db).await;
    let columns = columns(&mut db).await;
    let before = values(&mut db, &columns).await;
    db.close().await.unwrap();

    let office = Office::open(settings.clone(), env.clone()).await.unwrap();
    let mut db = open(settings.storage.file().unwrap()).await;
    assert_eq!(values(&mut db, &columns).await, before);
    is_sound(&mut db).await;
    let aino = office.authn.find_account("aino@example.com").await;
    assert_eq!(aino.unwrap().unwrap().name, "Aino Ärlig");
    let found = office.store.search_accounts("ärlig", 9).await.unwrap();
    assert_eq!(found.len(), 1, "found by a part of the name");

    let running = app::start(settings.clone(), env).await.unwrap();
    let net = Net {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        roots: Arc::new(ca.roots()),
    };
    let mut there = Browser::new(net.clone());
    let jar = there.jar.entry(LOGIN.to_owned()).or_default();
    jar.insert(SESSION.to_owned(), token.reveal());
    assert!(there.is_signed_in().await, "the live session is gone");
    let mut b = Browser::new(net);
    let answer = b.password("aino").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(
        b.is_signed_in().await,
        "the password does not work any more"
    );
    is_sound(&mut db).await;
    running.stop().await;
}
