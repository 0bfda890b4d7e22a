//! `vestibule restore`: a copy takes the place of the store, and nothing in it is good a second time.

use super::backup::{count, names, refused, run};
use super::browser::{Browser, SESSION};
use super::phone::Phone;
use super::site::{CHEAP, Dice, LOGIN, Net, Plan, free_port, give_app, write_site};
use crate::store::every_row::fill;
use crate::storm::nodes::Node;
use crate::support::sqlite;
use crate::support::upstream::Upstream;
use crate::support::world::{Ca, NOW};
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vestibule::app::upkeep::backup::backup;
use vestibule::app::upkeep::restore::{Restored, Wishes, restore};
use vestibule::app::{self, Office};
use vestibule::authn::accounts::NewAccount;
use vestibule::config::{self, Settings};
use vestibule::domain::account::{PasswordHash, Status};
use vestibule::domain::api_token::Scope;
use vestibule::domain::audit::Event;
use vestibule::env::{Env, ManualClock};
use vestibule::store::sqlite::SqliteStore;
use vestibule::store::{AuditFilter, Change, Commit};

/// A machine on which the gateway is started and stopped.
struct Machine {
    dir: tempfile::TempDir,
    _wiki: Upstream,
    config: PathBuf,
    settings: Settings,
    clock: Arc<ManualClock>,
    env: Env,
    net: Net,
}

impl Machine {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (wiki, at) = Upstream::start(None).await;
        let port = free_port();
        let plan = Plan {
            more: "throttle: { code: { free: 100 }, password: { free: 100 } }",
            storage: "url: \"sqlite:data/vestibule.db\"".to_owned(),
            ..Plan::default()
        };
        let config = write_site(dir.path(), &ca, &plan, port, [at, at]);
        let settings = config::load(&config).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        Self {
            _wiki: wiki,
            env: Env::new(clock.clone(), Arc::new(Dice)),
            clock,
            net: Net {
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                roots: Arc::new(ca.roots()),
            },
            dir,
            config,
            settings,
        }
    }

    fn store(&self) -> &Path {
        self.settings.storage.file().unwrap()
    }

    async fn office(&self) -> Office {
        let office = Office::open(self.settings.clone(), self.env.clone()).await;
        office.unwrap()
    }

    async fn start(&self) -> app::Running {
        let running = app::start(self.settings.clone(), self.env.clone()).await;
        running.unwrap()
    }

    fn now(&self) -> i64 {
        self.env.now().seconds()
    }

    fn browser(&self) -> Browser {
        Browser::new(self.net.clone())
    }

    /// Tasks that have the store open take a moment to end.
    async fn restore(&self, from: &Path, wishes: Wishes) -> Restored {
        for _ in 0..100 {
            match restore(&self.settings, &self.env, from, wishes).await {
                Ok(restored) => return restored,
                Err(e) if format!("{e:#}").contains("is in use") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(e) => panic!("{e:#}"),
            }
        }
        panic!("the store is in use for ever");
    }
}

async fn add(office: &Office, login: &str) -> vestibule::domain::account::Account {
    let new = NewAccount {
        login: login.to_owned(),
        groups: ["staff".to_owned()].into(),
        password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
        ..NewAccount::default()
    };
    office.authn.add_account(new).await.unwrap().unwrap()
}

/// With an app and emergency codes, as people get them.
async fn enrolled(machine: &Machine, login: &str) -> (Browser, Phone, Vec<String>) {
    let mut b = machine.browser();
    let answer = b.password(login).await;
    assert_eq!(answer.header("location"), Some("/remind"), "{answer:?}");
    let page = b.page("/remind").await;
    let _ = b.submit(&page, "/remind", &[("do", "enrol")]).await;
    let (phone, codes) = b.bind(machine.now()).await;
    assert_eq!(b.finish().await.status, 303);
    assert!(b.is_signed_in().await);
    (b, phone, codes)
}

/// Where an emergency code leads.
async fn spends(machine: &Machine, login: &str, code: &str) -> Option<String> {
    let mut b = machine.browser();
    let _ = b.password(login).await;
    let path = "/signin/emergency-code";
    let answer = b.step(path, path, &[("emergency", code)]).await;
    answer.header("location").map(str::to_owned)
}

async fn token(office: &Office, name: &str) {
    let life = Duration::from_secs(86_400);
    let made = office
        .authn
        .add_api_token(name, Scope::ALL.into(), life)
        .await;
    assert!(made.unwrap().is_ok());
}

const LOST: Option<&str> = Some("/signin/lost");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_good_once_is_not_good_again() {
    let machine = Machine::new().await;
    let running = machine.start().await;
    let office = machine.office().await;
    for login in ["mikael", "liisa", "leaver", "carol"] {
        add(&office, login).await;
    }
    let groups = ["finance".to_owned()].into();
    let mikael = office.authn.find_account("mikael").await.unwrap().unwrap();
    office
        .authn
        .set_groups(mikael.id, groups)
        .await
        .unwrap()
        .unwrap();
    let (mut inside, phone, codes) = enrolled(&machine, "mikael").await;
    machine.clock.advance(90);
    for name in ["stays", "leaked"] {
        token(&office, name).await;
    }
    let copy = machine.dir.path().join("copy.db");
    let _ = backup(&machine.settings, &machine.env, &copy)
        .await
        .unwrap();

    // what happens after the copy
    let code = phone.code(machine.now());
    let ahead = phone.code(machine.now() + 30);
    let mut b = machine.browser();
    let _ = b.password("mikael").await;
    assert_eq!(b.code(&code).await.status, 303);
    assert_eq!(spends(&machine, "mikael", &codes[0]).await.as_deref(), LOST);
    let find = async |login| office.authn.find_account(login).await.unwrap().unwrap().id;
    let changes = [
        Change::SetStatus {
            account: find("liisa").await,
            status: Status::Disabled,
        },
        Change::SetPassword {
            account: find("carol").await,
            password: PasswordHash::from_encoded("$argon2id$x".to_owned()),
            at: machine.env.now(),
            initial_until: None,
        },
        Change::SetGroups {
            account: find("carol").await,
            groups: ["admins".to_owned()].into(),
        },
        Change::PlanDeletion {
            account: find("leaver").await,
            at: Some(machine.env.now()),
        },
        Change::DeleteAccount {
            account: find("leaver").await,
            due: machine.env.now(),
        },
    ];
    assert_eq!(office.store.commit(&changes).await.unwrap(), Commit::Done);
    let _ = office
        .authn
        .revoke_api_token("leaked")
        .await
        .unwrap()
        .unwrap();
    add(&office, "late").await;
    let before = office.authn.find_account("mikael").await.unwrap().unwrap();
    drop(office);
    running.stop().await;

    let restored = machine.restore(&copy, Wishes::default()).await;
    assert_eq!(restored.unknown, None);
    let disarmed = &restored.disarmed;
    assert_eq!(disarmed.tokens_removed, ["leaked"]);
    assert_eq!(disarmed.disabled, ["liisa"]);
    assert_eq!(disarmed.emergency_codes_removed, 1);
    assert_eq!(disarmed.signing_keys_removed, 0);
    assert!(disarmed.trail_carried_over > 3);
    let since = &disarmed.differences;
    assert_eq!(since.deleted_since, ["leaver"]);
    assert_eq!(since.added_since, ["late"]);
    assert_eq!(since.passwords_changed_since, ["carol"]);
    assert_eq!(since.groups_changed_since, ["carol"]);
    assert_eq!(since.authenticators_changed_since, [""; 0]);
    let aside = restored.aside.unwrap();
    assert_eq!(sqlite::damage(&aside).await, None);
    assert_eq!(sqlite::damage(machine.store()).await, None);
    assert_eq!(
        count(&aside, "SELECT COUNT(*) FROM accounts WHERE login = 'late'").await,
        1
    );

    let running = machine.start().await;
    assert!(!inside.is_signed_in().await, "a session came back");
    // a code that was used, and one that a phone ahead of time would have shown
    let mut b = machine.browser();
    let _ = b.password("mikael").await;
    for old in [&code, &ahead] {
        assert_eq!(b.code(old).await.status, 422, "a code twice");
    }
    let office = machine.office().await;
    let mikael = office.authn.find_account("mikael").await.unwrap().unwrap();
    assert!(mikael.totp.unwrap().last_step >= before.totp.unwrap().last_step);
    assert_ne!(spends(&machine, "mikael", &codes[0]).await.as_deref(), LOST);
    assert_eq!(spends(&machine, "mikael", &codes[1]).await.as_deref(), LOST);
    let tokens = office.authn.api_tokens().await.unwrap();
    let names: Vec<&str> = tokens.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["stays"]);
    let mut liisa = machine.browser();
    assert_eq!(liisa.password("liisa").await.status, 422);
    // everybody else comes in as ever
    machine.clock.advance(61);
    let mut b = machine.browser();
    assert_eq!(b.both("mikael", &phone, machine.now()).await.status, 303);
    assert!(b.is_signed_in().await);
    // the trail goes on: from before the copy, after it, and the restore itself
    let all = AuditFilter {
        limit: 1000,
        ..AuditFilter::default()
    };
    let trail = office.store.audit(&all).await.unwrap();
    let has = |event| trail.iter().filter(|l| l.record.event == event).count();
    assert_eq!(has(Event::StoreRestored), 1);
    assert_eq!(has(Event::StoreBackedUp), 1, "made after the copy");
    assert_eq!(has(Event::TokenRevoked), 1, "made after the copy");
    assert!(has(Event::AuthenticatorBound) > 0, "made before the copy");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_given_anew_is_emptied() {
    let machine = Machine::new().await;
    let office = machine.office().await;
    let copy = machine.dir.path().join("copy.db");
    // secrets that belong to the key file
    let mikael = add(&office, "mikael").await;
    let _phone = give_app(&office, &machine.env, &mikael).await;
    let foreign = machine.dir.path().join("every.db");
    let every = SqliteStore::open(&foreign).await.unwrap();
    fill(&every).await;
    drop((office, every));
    // the sample's sealed bytes open with no key
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&foreign);
    let mut db = options.connect().await.unwrap();
    for sql in [
        "UPDATE accounts SET totp_id = NULL, totp_sealed_secret = NULL, totp_bound_at = NULL, totp_last_step = NULL,
         totp_codes_unconfirmed = NULL",
        "DELETE FROM signing_keys",
    ] {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
    let settings = Settings {
        storage: config::StorageSettings::File(foreign.clone()),
        ..machine.settings.clone()
    };
    let _ = backup(&settings, &machine.env, &copy).await.unwrap();
    let restored = machine.restore(&copy, Wishes::default()).await;
    for (table, rows) in &restored.disarmed.emptied {
        assert!(*rows > 0, "{table} was empty before");
        let left = restored.rows.iter().find(|(name, _)| name == table);
        assert_eq!(left.unwrap().1, 0, "{table}");
    }
    assert_eq!(restored.disarmed.emptied.len(), 8);
    assert_eq!(restored.disarmed.devices_untrusted, 2);
    let trusted = "SELECT COUNT(*) FROM devices WHERE trusted_until IS NOT NULL";
    assert_eq!(count(machine.store(), trusted).await, 0);
    let known = "SELECT COUNT(*) FROM devices";
    assert_eq!(
        count(machine.store(), known).await,
        2,
        "they are known still"
    );
    // the replaced store is another one: nothing of what could be withdrawn is in it
    assert_eq!(restored.disarmed.tokens_removed, ["Inventory"]);
    assert_eq!(restored.disarmed.emergency_codes_removed, 2);
    assert_eq!(restored.disarmed.trail_carried_over, 0);
    assert_eq!(restored.disarmed.differences.added_since, ["mikael"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_known_nothing_that_may_be_void_comes_back() {
    let machine = Machine::new().await;
    let running = machine.start().await;
    let office = machine.office().await;
    let mikael = add(&office, "mikael").await;
    let groups = ["finance".to_owned()].into();
    office
        .authn
        .set_groups(mikael.id, groups)
        .await
        .unwrap()
        .unwrap();
    let (_, phone, codes) = enrolled(&machine, "mikael").await;
    token(&office, "stays").await;
    let copy = machine.dir.path().join("copy.db");
    let _ = backup(&machine.settings, &machine.env, &copy)
        .await
        .unwrap();
    drop(office);
    running.stop().await;

    // the reason for most restores; then one that is there and not believed; then a new machine
    let mut aside = Vec::new();
    for how in ["damaged", "distrusted", "gone"] {
        let mut wishes = Wishes::default();
        // two within one second would have the same name
        machine.clock.advance(61);
        match how {
            "damaged" => {
                // wait for the last task that has it open
                let _ = machine.restore(&copy, Wishes::default()).await;
                machine.clock.advance(1);
                std::fs::write(machine.store(), vec![7; 50_000]).unwrap();
                std::fs::write(machine.store().with_extension("db-wal"), "left behind").unwrap();
            }
            "distrusted" => wishes.distrust_replaced = true,
            _ => std::fs::remove_file(machine.store()).unwrap(),
        }
        let restored = machine.restore(&copy, wishes).await;
        assert!(restored.unknown.is_some(), "{how}");
        assert_eq!(restored.disarmed.tokens_removed, ["stays"], "{how}");
        assert_eq!(restored.disarmed.emergency_codes_removed, 3, "{how}");
        assert_eq!(restored.disarmed.signing_keys_removed, 1, "{how}");
        assert_eq!(restored.aside.is_some(), how != "gone", "{how}");
        aside.extend(restored.aside);
        assert_eq!(sqlite::damage(machine.store()).await, None);
    }
    assert_eq!(std::fs::read(&aside[0]).unwrap(), vec![7; 50_000]);
    // a log of the replaced store would be taken for the restored one's
    let left = names(machine.store().parent().unwrap());
    assert!(!left.contains(&"vestibule.db-wal".to_owned()), "{left:?}");

    machine.clock.advance(61);
    let running = machine.start().await;
    assert_ne!(spends(&machine, "mikael", &codes[1]).await.as_deref(), LOST);
    // the app works, and new codes are given
    let mut b = machine.browser();
    let answer = b.both("mikael", &phone, machine.now()).await;
    assert_eq!(
        answer.header("location"),
        Some("/enrol/codes"),
        "{answer:?}"
    );
    let new = super::browser::codes_on(&b.page("/enrol/codes").await.text());
    assert_eq!(new.len(), 3);
    assert!(codes.iter().all(|old| !new.contains(old)));
    assert_eq!(b.finish().await.status, 303);
    assert!(b.cookie(LOGIN, SESSION).is_some());
    running.stop().await;
}

/// Every byte of the folder of the store.
fn bytes(machine: &Machine) -> Vec<(String, Vec<u8>)> {
    let folder = machine.store().parent().unwrap();
    let all = names(folder).into_iter();
    all.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

async fn change(file: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_take_the_place_does_not() {
    let machine = Machine::new().await;
    let office = Office::open(machine.settings.clone(), Env::system())
        .await
        .unwrap();
    let aino = add(&office, "aino").await;
    let _ = give_app(&office, &machine.env, &aino).await;
    drop(office);
    let copy = machine.dir.path().join("copy.db");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let attempt = async |file: &Path| run(&["restore", &text(file)], &machine.config).await;

    // while the gateway runs
    let mut node = Node::new(&machine.config, machine.net.clone());
    node.start().await;
    let said = run(&["backup", &text(&copy)], &machine.config).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    refused(&attempt(&copy).await, "is in use: stop the gateway");
    let mut b = machine.browser();
    let answer = b.password("aino").await;
    assert_eq!(
        answer.header("location"),
        Some("/signin/code"),
        "it goes on"
    );
    node.kill().await;
    assert_eq!(sqlite::damage(machine.store()).await, None);
    let before = bytes(&machine);

    // while another program has it open, which knows nothing of our lock
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(machine.store());
    let mut other = options.connect().await.unwrap();
    sqlx::query("SELECT * FROM accounts")
        .fetch_all(&mut other)
        .await
        .unwrap();
    refused(&attempt(&copy).await, "is in use");
    other.close().await.unwrap();

    let file = |name: &str| machine.dir.path().join(name);
    std::fs::write(file("text.db"), "no store\n".repeat(1000)).unwrap();
    refused(&attempt(&file("text.db")).await, "is no Vestibule store");
    std::fs::write(file("empty.db"), "").unwrap();
    refused(&attempt(&file("empty.db")).await, "is no Vestibule store");
    refused(&attempt(&file("missing.db")).await, "there is no file");
    refused(&attempt(machine.store()).await, "is the store itself");

    let spoiled = |name: &str| {
        std::fs::copy(&copy, file(name)).unwrap();
        file(name)
    };
    let damaged = spoiled("damaged.db");
    let mut content = std::fs::read(&damaged).unwrap();
    let middle = content.len() / 2;
    content[middle..middle + 8192].fill(0x5a);
    std::fs::write(&damaged, content).unwrap();
    let said = attempt(&damaged).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("damaged") || said.err.contains("malformed"),
        "{}",
        said.err
    );
    let cut = spoiled("cut.db");
    let half = std::fs::OpenOptions::new().write(true).open(&cut).unwrap();
    half.set_len(20_480).unwrap();
    assert_eq!(attempt(&cut).await.code, Some(1));

    let newer = spoiled("newer.db");
    change(
        &newer,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (900, 'x', 1, x'00', 1)",
    )
    .await;
    refused(&attempt(&newer).await, "made by a newer version");
    for (name, sql) in [
        (
            "trigger.db",
            "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM devices; END",
        ),
        ("unguarded.db", "DROP TRIGGER audit_is_not_changed"),
        ("column.db", "ALTER TABLE accounts ADD COLUMN more TEXT"),
    ] {
        let changed = spoiled(name);
        change(&changed, sql).await;
        refused(&attempt(&changed).await, "somebody changed them");
    }
    // an app's secret of somebody else in the place of aino's
    let moved = spoiled("moved.db");
    change(
        &moved,
        "UPDATE accounts SET totp_sealed_secret = zeroblob(60)",
    )
    .await;
    refused(&attempt(&moved).await, "opens 1 of the 2 secrets");

    let key = &machine.settings.key_file;
    let own = std::fs::read(key).unwrap();
    std::fs::write(key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    refused(&attempt(&copy).await, "opens 0 of the 2 secrets");
    std::fs::remove_file(key).unwrap();
    refused(&attempt(&copy).await, "without the key file");
    assert!(!key.exists());
    std::fs::write(key, own).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();

    assert!(
        bytes(&machine) == before,
        "something changed: {:?}",
        names(machine.store().parent().unwrap())
    );
    let said = run(&["restore", &text(&copy), "--json"], &machine.config).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["secrets"], serde_json::json!({ "opened": 2, "of": 2 }));
    assert_eq!(told["rows"]["portal_sessions"], 0);
    let mut node = Node::new(&machine.config, machine.net.clone());
    node.start().await;
    let mut b = machine.browser();
    let answer = b.password("aino").await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    node.kill().await;
}
