//! Applications that others wrote, behind the gateway, with the settings that `docs/upstreams.md` gives for them.

mod django;

use super::browser::Browser;
use super::site::{CHEAP, Dice, Net, Plan, WIKI, free_port, write_site};
use crate::support::world::{Ca, NOW};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use vestibule::app::{self, Office};
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::account::PasswordHash;
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
    net: Net,
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
        let office = Office::open(settings, env).await.unwrap();
        let aino = NewAccount {
            login: "aino".to_owned(),
            email: Some("aino@northgate.example".to_owned()),
            name: "Aino Virtanen".to_owned(),
            password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
            ..NewAccount::default()
        };
        office.authn.add_account(aino).await.unwrap().unwrap();
        let net = Net {
            address: running.addresses()[0],
            roots: Arc::new(ca.roots()),
        };
        Self {
            running,
            net,
            _dir: dir,
        }
    }

    /// Somebody who has given the password.
    async fn signed_in(&self) -> Browser {
        let mut browser = Browser::new(self.net.clone());
        let answer = browser.password("aino").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    fn url(&self, path: &str) -> String {
        self.net.url(WIKI, path)
    }
}

/// A program of another project's, from the folder where `tools/prepare test` puts them; ended with the test.
struct Application {
    address: SocketAddr,
    _child: Child,
}

impl Application {
    async fn start(dir: &Path, arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let python =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/apps/bin/python");
        let port = free_port();
        let log = dir.join("application.log");
        let file = std::fs::File::create(&log).unwrap();
        let child = Command::new(python)
            .args(arguments(port))
            .current_dir(dir)
            .env("HOME", dir)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .expect("tools/prepare test installs the applications");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Self {
                    address,
                    _child: child,
                };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", std::fs::read_to_string(log).unwrap());
    }
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
