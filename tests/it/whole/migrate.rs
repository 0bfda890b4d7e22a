//! `vestibule migrate-store`: every row into another store, and back, and people notice nothing.

use super::backup::{Said, command, count, names, refused, run};
use super::browser::Browser;
use super::site::{CHEAP, Dice, Net, Plan, free_port, give_app, write_site};
use crate::store::every_row::fill;
use crate::support::postgres::{Database, PASSWORD};
use crate::support::upstream::Upstream;
use crate::support::world::{Ca, NOW};
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use vestibule::app::{self, Office};
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::account::PasswordHash;
use vestibule::env::{Env, ManualClock};

async fn change(file: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_goes_to_a_server_and_back() {
    let database = Database::empty().await;
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (_wiki, at) = Upstream::start(None).await;
    let port = free_port();
    let config_file = write_site(dir.path(), &ca, &Plan::default(), port, [at, at]);
    let settings = config::load(&config_file).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let env = Env::new(clock.clone(), Arc::new(Dice));
    let office = Office::open(settings.clone(), env.clone()).await.unwrap();
    fill(office.store.as_ref()).await;
    let new = NewAccount {
        login: "mikael".to_owned(),
        password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
        ..NewAccount::default()
    };
    let mikael = office.authn.add_account(new).await.unwrap().unwrap();
    let phone = give_app(&office, &env, &mikael).await;
    let source = settings.storage.file().unwrap().to_owned();
    let password = dir.path().join("database.password");
    std::fs::write(&password, PASSWORD).unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let from = format!("sqlite:{}", source.display());
    let to = database.url();
    let there = [
        "migrate-store",
        "--from",
        &from,
        "--to",
        &to,
        "--to-password-file",
        password.to_str().unwrap(),
    ];
    let migrate =
        async |more: &[&str]| -> Said { run(&[&there, more].concat(), &config_file).await };

    // in use; of somebody else's key; a password where everybody reads it
    refused(&migrate(&[]).await, "is in use: stop the gateway");
    drop(office);
    refused(&migrate(&[]).await, "the key file opens 1 of the 4 secrets");
    let open = to.replace('@', ":hunter2@");
    let said = run(
        &["migrate-store", "--from", &from, "--to", &open],
        &config_file,
    )
    .await;
    refused(&said, "--to-password-file or PGPASSWORD");
    assert!(!said.err.contains("hunter2"), "{}", said.err);
    // the sample's secrets are nobody's; what is left is mikael's
    change(
        &source,
        "UPDATE accounts SET totp_id = NULL, totp_sealed_secret = NULL, totp_bound_at = NULL, totp_last_step = NULL,
         totp_codes_unconfirmed = NULL WHERE login <> 'mikael';
         DELETE FROM signing_keys",
    )
    .await;
    // a key of our own, and numbers that were given out and are gone
    let said = run(&["keys", "rotate"], &config_file).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    change(
        &source,
        "DELETE FROM notices WHERE id = (SELECT MAX(id) FROM notices)",
    )
    .await;
    let last_notice = count(
        &source,
        "SELECT seq FROM sqlite_sequence WHERE name = 'notices'",
    )
    .await;

    // a database that changes what is written to it is found, and empty again
    let spoil = "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.name := NEW.name || '!'; RETURN NEW; END $$";
    database.run(spoil).await.unwrap();
    let trigger =
        "CREATE TRIGGER spoil BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION spoil()";
    database.run(trigger).await.unwrap();
    refused(&migrate(&[]).await, "accounts: `name` of the row");
    assert_eq!(
        database.text("SELECT COUNT(*)::text FROM accounts").await,
        "0"
    );
    database
        .run("DROP TRIGGER spoil ON accounts")
        .await
        .unwrap();
    // killed in the midst of it: nothing half
    let mut child = command(&there, &config_file).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    child.start_kill().unwrap();
    child.wait().await.unwrap();

    let said = migrate(&["--json"]).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["secrets"], serde_json::json!({ "opened": 2, "of": 2 }));
    for (table, rows) in told["verified"].as_object().unwrap() {
        assert!(rows.as_u64().unwrap() > 0, "{table} was empty");
    }
    assert_eq!(told["verified"].as_object().unwrap().len(), 22);
    assert!(!(said.out + &said.err).contains(PASSWORD));

    // not a second time, and every change is found afterwards
    refused(&migrate(&[]).await, "is not empty");
    let said = migrate(&["--verify-only"]).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    for (spoil, undo, because) in [
        (
            "UPDATE devices SET last_used_at = last_used_at + 1 WHERE token = decode(repeat('01', 32), 'hex')",
            "UPDATE devices SET last_used_at = last_used_at - 1 WHERE token = decode(repeat('01', 32), 'hex')",
            "devices: `last_used_at` of the row",
        ),
        (
            "INSERT INTO account_groups VALUES ('00000000-0000-0000-0000-00000000a001', 'a')",
            "DELETE FROM account_groups WHERE group_name = 'a'",
            "account_groups: the row 00000000-0000-0000-0000-00000000a001 a is in the target only",
        ),
        (
            "DELETE FROM adoption",
            "INSERT INTO adoption VALUES (20000, 'staff', 1, 2, 3, 4)",
            "adoption: the row 20000 staff is missing",
        ),
    ] {
        assert_eq!(database.run(spoil).await.unwrap(), 1, "{spoil}");
        refused(&migrate(&["--verify-only"]).await, because);
        assert_eq!(database.run(undo).await.unwrap(), 1, "{undo}");
    }

    // and back into a file, which gives the same file again
    let back = dir.path().join("back.db");
    let target = format!("sqlite:{}", back.display());
    let returns = [
        "migrate-store",
        "--from",
        &to,
        "--from-password-file",
        password.to_str().unwrap(),
        "--to",
        &target,
    ];
    let said = run(&returns, &config_file).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    super::kill::is_whole(&back).await;
    let seq = "SELECT seq FROM sqlite_sequence WHERE name = 'notices'";
    assert_eq!(count(&back, seq).await, last_notice);
    refused(&run(&returns, &config_file).await, "is there already");
    let left = names(dir.path());
    assert!(!left.iter().any(|name| name.ends_with(".part")), "{left:?}");
    let verify = [&returns[..], &["--verify-only"]].concat();
    let said = run(&verify, &config_file).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    // the way back is in the trail that came back, and not in the first file
    refused(&migrate(&["--verify-only"]).await, "audit: the row");

    // the gateway on the server: the same password, the same app, and numbers go on
    let on_server = Plan {
        storage: format!("url: \"{to}\", password_file: database.password"),
        ..Plan::default()
    };
    let file = write_site(dir.path(), &ca, &on_server, port, [at, at]);
    let running = app::start(config::load(&file).unwrap(), env.clone())
        .await
        .unwrap();
    let mut b = Browser::new(Net {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        roots: Arc::new(ca.roots()),
    });
    assert_eq!(
        b.both("mikael", &phone, env.now().seconds()).await.status,
        303
    );
    assert!(b.is_signed_in().await);
    let new = NewAccount {
        login: "late".to_owned(),
        ..NewAccount::default()
    };
    let late = Office::open(config::load(&file).unwrap(), env.clone())
        .await
        .unwrap();
    let late_id = late.authn.add_account(new).await.unwrap().unwrap().id;
    let groups = ["late".to_owned()].into();
    late.authn
        .set_groups(late_id, groups)
        .await
        .unwrap()
        .unwrap();
    let newest = database.text("SELECT MAX(id)::text FROM notices").await;
    assert!(newest.parse::<i64>().unwrap() > last_notice, "{newest}");
    let said = migrate(&["--verify-only"]).await;
    refused(&said, "is in use by a gateway or a command");
    running.stop().await;
}
