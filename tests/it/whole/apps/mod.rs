//! Applications that others wrote, behind the gateway, with the settings that `docs/upstreams.md` gives for them.

mod django;
mod dokuwiki;
mod flask;
mod grpc;
mod jupyter;
mod node_red;
mod radicale;
mod socket;

use super::browser::Browser;
use super::site::{CHEAP, Dice, Net, Plan, WIKI, free_port, give_app, write_site};
use crate::support::world::{Ca, NOW};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use vestibule::app::{self, Office};
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::account::{Account, PasswordHash};
use vestibule::env::{Env, ManualClock};

const RECIPES: &str = include_str!("../../../../docs/upstreams.md");

/// The blocks of a language in a recipe.
fn blocks(recipe: &str, language: &str) -> Vec<&'static str> {
    let (_, text) = RECIPES.split_once(&format!("\n## {recipe}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let fence = format!("\n```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|b| b.split("\n```").next().unwrap()).collect()
}

/// The gateway with the route of a recipe, in front of an application that is running.
struct Behind {
    running: app::Running,
    office: Office,
    env: Env,
    net: Net,
    /// Whom clients trust.
    ca: String,
    _dir: tempfile::TempDir,
}

impl Behind {
    /// The recipe's route as it stands in the document, but for the application's host and address.
    async fn start(recipe: &str, application: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let port = free_port();
        let file = write_site(dir.path(), &ca, &Plan::default(), port, [application; 2]);
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, _) = text.split_once("routes:\n").unwrap();
        let route: Vec<String> = blocks(recipe, "yaml")[0]
            .lines()
            .map(|line| {
                let key = line.split(':').next().unwrap();
                match key.trim() {
                    "host" => format!("{key}: {WIKI}"),
                    "upstream" => format!("{key}: http://{application}"),
                    _ => line.to_owned(),
                }
            })
            .collect();
        std::fs::write(&file, format!("{before}{}\n", route.join("\n"))).unwrap();
        let settings = config::load(&file).unwrap_or_else(|report| panic!("{report}"));
        let env = Env::new(Arc::new(ManualClock::at(NOW)), Arc::new(Dice));
        let running = app::start(settings.clone(), env.clone()).await.unwrap();
        let office = Office::open(settings, env.clone()).await.unwrap();
        let net = Net {
            address: running.addresses()[0],
            roots: Arc::new(ca.roots()),
        };
        Self {
            running,
            office,
            env,
            net,
            ca: ca.pem(),
            _dir: dir,
        }
    }

    async fn account(&self, login: &str, name: &str, groups: &[&str]) -> Account {
        let new = NewAccount {
            login: login.to_owned(),
            email: Some(format!("{login}@northgate.example")),
            name: name.to_owned(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
            ..NewAccount::default()
        };
        self.office.authn.add_account(new).await.unwrap().unwrap()
    }

    /// Somebody new who has given the password and a code.
    async fn person(&self, login: &str, name: &str, groups: &[&str]) -> (Account, Browser) {
        let account = self.account(login, name, groups).await;
        let phone = give_app(&self.office, &self.env, &account).await;
        let mut browser = Browser::new(self.net.clone());
        let answer = browser.both(login, &phone, self.env.now().seconds()).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        (account, browser)
    }

    /// The gateway has heard that the sessions of this person are over.
    async fn until_signed_out(&self, browser: &mut Browser) {
        for _ in 0..100 {
            if browser.get(&self.url("/")).await.status == 302 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("still signed in");
    }

    fn url(&self, path: &str) -> String {
        self.net.url(WIKI, path)
    }
}

/// A program of another project's, which `tools/prepare test` has installed; ended with the test.
struct Application {
    address: SocketAddr,
    child: Child,
}

impl Application {
    /// A program in Python, with what was installed for it.
    async fn start(dir: &Path, arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let port = free_port();
        let mut python = Command::new(tools("apps/bin/python"));
        Self::run(dir, python.args(arguments(port)), port).await
    }

    /// Any program that listens on this port after a while.
    async fn run(dir: &Path, program: &mut Command, port: u16) -> Self {
        let mut started = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child: spawn(dir, program, "application.log"),
        };
        for _ in 0..600 {
            let gone = started.child.try_wait().unwrap().is_some();
            if gone {
                break;
            }
            if tokio::net::TcpStream::connect(started.address)
                .await
                .is_ok()
            {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "{}",
            std::fs::read_to_string(dir.join("application.log")).unwrap()
        );
    }
}

/// What `tools/prepare test` puts into its own folder.
fn tools(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/test-tools")
        .join(path)
}

fn spawn(dir: &Path, program: &mut Command, log: &str) -> Child {
    let log = std::fs::File::create(dir.join(log)).unwrap();
    let name = program.get_program().to_owned();
    let child = program
        .current_dir(dir)
        .env("HOME", dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    child.unwrap_or_else(|e| panic!("{name:?}: {e}; tools/prepare test installs it"))
}

impl Drop for Application {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Asks it to end, so that it ends what it has started, and does not wait for ever.
fn end(child: &mut Child) {
    let id = i32::try_from(child.id()).unwrap();
    if let Some(id) = rustix::process::Pid::from_raw(id) {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    for _ in 0..100 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// Every route of the document is accepted by `check`, alone.
#[test]
fn every_recipe_has_a_route_without_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let file = write_site(dir.path(), &ca, &Plan::default(), 8443, [nobody; 2]);
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, _) = text.split_once("routes:\n").unwrap();
    let key = dir.path().join("site.key");
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut seen = 0;
    for block in RECIPES.split("\n```yaml\n").skip(1) {
        let route = block.split("\n```").next().unwrap();
        assert!(route.starts_with("routes:\n"), "{route}");
        let host = route.split("host: ").nth(1).unwrap();
        let host = host.split_whitespace().next().unwrap();
        let known = route.replacen(host, WIKI, 1);
        let (settings, report) = config::examine_text(
            "recipe",
            format!("{before}{known}\n"),
            dir.path(),
            &|_: &str| None,
        );
        assert!(settings.is_some(), "{report}\n{route}");
        assert_eq!(report.to_string(), "", "{route}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}
