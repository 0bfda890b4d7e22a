//! `vestibule backup`: a whole copy while people sign in, and nothing else under its name.

use super::browser::{Browser, SESSION};
use super::kill::{is_whole, serve};
use super::site::{CHEAP, Net, Plan, free_port, write_site};
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::process::{Child, Command};
use vestibule::app::Office;
use vestibule::authn::accounts::NewAccount;
use vestibule::config::{self, Settings};
use vestibule::domain::account::PasswordHash;
use vestibule::domain::audit::Event;
use vestibule::env::Env;
use vestibule::store::AuditFilter;

/// What a command said and how it ended.
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) fn command(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(arguments).arg("--config").arg(config);
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    command
}

pub(super) async fn run(arguments: &[&str], config: &Path) -> Said {
    let output = command(arguments, config).output().await.unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// It is refused, and says why.
#[track_caller]
pub(super) fn refused(said: &Said, because: &str) {
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains(because), "{because}: {}", said.err);
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(super) async fn count(file: &Path, sql: &'static str) -> i64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = options.connect().await.unwrap();
    let n = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    n
}

/// A real process on a store with these people.
struct Served {
    _upstream: Upstream,
    dir: tempfile::TempDir,
    config: PathBuf,
    settings: Settings,
    office: Office,
    net: Net,
    child: Child,
}

impl Served {
    async fn start(people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (upstream, at) = Upstream::start(None).await;
        let port = free_port();
        let config = write_site(dir.path(), &ca, &Plan::default(), port, [at, at]);
        let settings = config::load(&config).unwrap();
        let office = Office::open(settings.clone(), Env::system()).await.unwrap();
        for n in 0..people {
            let new = NewAccount {
                login: format!("person{n}"),
                password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
                ..NewAccount::default()
            };
            office.authn.add_account(new).await.unwrap().unwrap();
        }
        let net = Net {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            roots: Arc::new(ca.roots()),
        };
        let child = serve(&config, &net).await;
        Self {
            _upstream: upstream,
            dir,
            config,
            settings,
            office,
            net,
            child,
        }
    }

    fn store(&self) -> &Path {
        self.settings.storage.file().unwrap()
    }

    async fn stop(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_people_sign_in_is_whole() {
    const PEOPLE: usize = 6;
    let served = Served::start(PEOPLE).await;
    let (stop, signed_in) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let people: Vec<_> = (0..PEOPLE)
        .map(|n| {
            let (net, stop, signed_in) = (served.net.clone(), stop.clone(), signed_in.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let mut b = Browser::new(net.clone());
                    let answer = b.password(&format!("person{n}")).await;
                    assert_eq!(answer.status, 303, "{answer:?}");
                    assert!(b.cookie(super::site::LOGIN, SESSION).is_some());
                    signed_in.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            })
        })
        .collect();
    let folder = served.dir.path().join("copies");
    std::fs::create_dir(&folder).unwrap();
    let mut seen = 0;
    for n in 0..4 {
        while signed_in.load(Ordering::SeqCst) < (n + 1) * PEOPLE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let acknowledged = signed_in.load(Ordering::SeqCst);
        let file = folder.join(format!("{n}.db"));
        let said = run(
            &["backup", file.to_str().unwrap(), "--json"],
            &served.config,
        )
        .await;
        assert_eq!(said.code, Some(0), "{}", said.err);
        let told: Value = serde_json::from_str(&said.out).unwrap();
        is_whole(&file).await;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // whoever was told "you are in" before is in it, and the numbers are those of the file
        let sessions = count(&file, "SELECT COUNT(*) FROM portal_sessions").await;
        assert!(
            sessions >= i64::try_from(acknowledged).unwrap(),
            "{sessions}"
        );
        assert_eq!(told["rows"]["portal_sessions"], sessions);
        assert_eq!(told["rows"]["accounts"], PEOPLE);
        assert_eq!(told["key_file_is_in_it"], false);
        assert_eq!(told["secrets"], serde_json::json!({ "opened": 1, "of": 1 }));
        assert_eq!(told["bytes"], std::fs::metadata(&file).unwrap().len());
        assert!(sessions > seen);
        seen = sessions;
    }
    // a folder takes a name of the time; nothing is left of the work
    let said = run(&["backup", folder.to_str().unwrap()], &served.config).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("opens 1 of 1 secrets"), "{}", said.out);
    assert!(said.out.contains("key file is not in it"), "{}", said.out);
    let names = names(&folder);
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names[4].starts_with("vestibule-2"), "{names:?}");
    stop.store(true, Ordering::SeqCst);
    for task in people {
        task.await.unwrap();
    }
    let filter = AuditFilter {
        events: vec![Event::StoreBackedUp],
        limit: 99,
        ..AuditFilter::default()
    };
    assert_eq!(served.office.store.audit(&filter).await.unwrap().len(), 5);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_of_a_backup_is_told() {
    let served = Served::start(1).await;
    let there = served.dir.path().join("there.db");
    std::fs::write(&there, "precious").unwrap();
    let said = run(&["backup", there.to_str().unwrap()], &served.config).await;
    refused(&said, "is there already");
    assert_eq!(std::fs::read(&there).unwrap(), b"precious");
    // a link to nowhere is not followed
    let link = served.dir.path().join("link.db");
    std::os::unix::fs::symlink(served.dir.path().join("elsewhere"), &link).unwrap();
    let said = run(&["backup", link.to_str().unwrap()], &served.config).await;
    refused(&said, "is there already");
    let said = run(&["backup", "/nowhere/x.db"], &served.config).await;
    refused(&said, "/nowhere");
    let text = std::fs::read_to_string(&served.config).unwrap();
    let config = served.dir.path().join("other.yaml");
    let server = "url: \"postgres://v@127.0.0.1/v\"";
    std::fs::write(
        &config,
        text.replace("url: \"sqlite:vestibule.db\"", server),
    )
    .unwrap();
    let file = served.dir.path().join("copy.db");
    let said = run(&["backup", file.to_str().unwrap()], &config).await;
    refused(&said, "pg_dump");
    // another store's key opens nothing: the copy stays, and the command says so
    let key = &served.settings.key_file;
    let own = std::fs::read(key).unwrap();
    std::fs::write(key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let said = run(&["backup", file.to_str().unwrap()], &served.config).await;
    refused(&said, "does not open every secret");
    std::fs::remove_file(&file).unwrap();
    // whoever makes copies need not have the key
    std::fs::remove_file(key).unwrap();
    let said = run(&["backup", file.to_str().unwrap()], &served.config).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("secrets were not tried"), "{}", said.out);
    std::fs::write(key, own).unwrap();
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_killed_leaves_no_copy() {
    let served = Served::start(1).await;
    let fill = "INSERT INTO audit (at, event, actor, detail)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
        SELECT 1, 'signed_in', 'system', hex(zeroblob(150)) FROM n RETURNING 1";
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(served.store());
    let mut db = options.connect().await.unwrap();
    sqlx::query(fill).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let folder = served.dir.path().join("copies");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("copy.db");
    let mut cut_off = 0;
    for milliseconds in [5, 40, 80, 120, 200, 300, 450] {
        let mut child = command(&["backup", file.to_str().unwrap()], &served.config)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        match file.exists() {
            false => cut_off += 1,
            true => {
                is_whole(&file).await;
                let all = count(&file, "SELECT COUNT(*) FROM audit").await;
                assert!(all >= 150_000, "{all}");
                std::fs::remove_file(&file).unwrap();
            }
        }
    }
    assert!(cut_off > 0, "every copy was done before it was killed");
    // what was left behind stands in nobody's way
    let said = run(&["backup", file.to_str().unwrap()], &served.config).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    served.stop().await;
}
