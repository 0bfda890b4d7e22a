//! Two nodes on one PostgreSQL database, behind a load balancer that sends people to either of them.

use super::browser::Browser;
use super::site::{PAYROLL, Plan, Site, WIKI, free_port, write_site};
use crate::support::postgres::{Database, PASSWORD};
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use vestibule::{app, config};

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;
const IN_TURN: usize = 2;

/// Sends each connection to the node that is chosen at that moment, or to one after the other.
pub(super) struct Balancer {
    address: SocketAddr,
    chosen: Arc<AtomicUsize>,
}

impl Balancer {
    async fn start(nodes: [u16; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let chosen = Arc::new(AtomicUsize::new(A));
        let choice = Arc::clone(&chosen);
        tokio::spawn(async move {
            let mut turn = A;
            while let Ok((mut client, _)) = listener.accept().await {
                turn = 1 - turn;
                let port = match choice.load(Ordering::SeqCst) {
                    IN_TURN => nodes[turn],
                    chosen => nodes[chosen],
                };
                tokio::spawn(async move {
                    let mut node = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                });
            }
        });
        Self { address, chosen }
    }

    pub(super) fn choose_in_turn(&self) {
        self.choose(IN_TURN);
    }

    pub(super) fn choose(&self, node: usize) {
        self.chosen.store(node, Ordering::SeqCst);
    }
}

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Both nodes, and the balancer in front.
pub(super) async fn start(database: &Database) -> (Site, app::Running, Balancer) {
    start_with(database, Plan::default()).await
}

pub(super) async fn start_with(database: &Database, plan: Plan) -> (Site, app::Running, Balancer) {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (wiki, wiki_at) = Upstream::start(None).await;
    let (payroll, payroll_at) = Upstream::start(None).await;
    let ports = [free_port(), free_port()];
    let balancer = Balancer::start(ports).await;
    secret(&dir.path().join("database.password"), PASSWORD);
    let plan = Plan {
        storage: format!(
            "url: \"{}\", password_file: database.password, pool: 8",
            database.url()
        ),
        ..plan
    };
    let portal = balancer.address.port();
    let file = write_site(dir.path(), &ca, &plan, portal, [wiki_at, payroll_at]);
    let text = std::fs::read_to_string(&file).unwrap();
    let [a, b] = ports.map(|port| {
        let path = dir.path().join(format!("node-{port}.yaml"));
        let listen = format!("address: 127.0.0.1:{portal}");
        let own = text.replace(&listen, &format!("address: 127.0.0.1:{port}"));
        assert_ne!(own, text);
        std::fs::write(&path, own).unwrap();
        path
    });
    let site = Site::of((dir, ca), &a, (wiki, payroll), Some(balancer.address)).await;
    let settings = config::load(&b).unwrap_or_else(|report| panic!("{report}"));
    let other = app::start(settings, site.env.clone()).await.unwrap();
    (site, other, balancer)
}

/// Whether this session still opens the wiki.
pub(super) async fn is_inside(b: &mut Browser, site: &Site) -> bool {
    let status = b.get(&site.url(WIKI, "/")).await.status;
    assert!([200, 302, 303].contains(&status), "{status}");
    status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_good_on_both_nodes_and_ends_on_both() {
    let database = Database::with_tables().await;
    let (site, other, balancer) = start(&database).await;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    // each door on another node
    let mut b = site.browser();
    let answer = b.password("mikael").await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    balancer.choose(B);
    assert_eq!(b.code(&phone.code(site.now())).await.status, 303);
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    assert!(site.wiki.only().contains("Remote-User: mikael"));
    balancer.choose(A);
    assert!(is_inside(&mut b, &site).await);
    assert!(b.is_signed_in().await);
    // either node's keys are both nodes' keys
    assert_eq!(b.open(&site.url(PAYROLL, "/")).await.status, 200);
    balancer.choose(B);
    assert_eq!(b.open(&site.url(PAYROLL, "/")).await.status, 200);
    // a code is spent on all nodes
    let mut thief = site.browser();
    let _ = thief.password("mikael").await;
    assert_eq!(thief.code(&phone.code(site.now())).await.status, 422);
    assert!(!thief.is_signed_in().await);

    // B has seen the session a moment ago; it ends on A
    let mut stolen = b.clone();
    assert!(is_inside(&mut stolen, &site).await);
    balancer.choose(A);
    let page = b.page("/signout").await;
    assert_eq!(b.submit(&page, "/signout", &[]).await.status, 303);
    balancer.choose(B);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!is_inside(&mut stolen, &site).await);
    assert!(!stolen.is_signed_in().await);
    other.stop().await;
    site.running.stop().await;
}

/// The server is gone: who is in goes on for a while, nobody gets in, and all is well when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_nobody_gets_in() {
    let database = Database::with_tables().await;
    let (site, other, balancer) = start(&database).await;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    // what the sign-in itself changed has been heard of
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(is_inside(&mut b, &site).await);

    database.shut().await;
    assert!(is_inside(&mut b, &site).await);
    balancer.choose(B);
    let answer = b.get(&site.url(WIKI, "/")).await;
    assert_eq!(answer.status, 503, "this node has never seen the session");
    let mut stranger = site.browser();
    let page = stranger.page("/signin").await;
    let page = stranger.follow(page).await;
    let fields = [("username", "mikael"), ("password", "password")];
    assert_eq!(stranger.submit(&page, "/signin", &fields).await.status, 503);

    database.open().await;
    assert!(is_inside(&mut b, &site).await);
    site.clock.advance(60);
    assert_eq!(
        stranger.both("mikael", &phone, site.now()).await.status,
        303
    );
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_database_gets_no_second_key() {
    let database = Database::with_tables().await;
    let (site, other, _balancer) = start(&database).await;
    let mut settings = site.settings.clone();
    settings.key_file = settings.key_file.with_file_name("another.key");
    let refused = app::start(settings.clone(), site.env.clone()).await;
    let message = format!("{:#}", refused.err().unwrap());
    assert!(
        message.contains("is missing") && message.contains("copy the key file"),
        "{message}"
    );
    assert!(!message.contains(PASSWORD), "{message}");
    assert!(!settings.key_file.exists());
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_run_on_the_same_database() {
    let database = Database::with_tables().await;
    let (site, other, _balancer) = start(&database).await;
    let folder = site.settings.key_file.parent().unwrap();
    let text = std::fs::read_to_string(folder.join("vestibule.yaml")).unwrap();
    let run = async |config: &str| {
        let file = folder.join("command.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(["account", "list", "--config"]).arg(&file);
        let output = command.output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = run(&text).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("aino@northgate.example"), "{said}");
    // what does not work is said without the password
    secret(&folder.join("database.password"), "swordfish");
    let (code, said) = run(&text).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("swordfish"), "{said}");
    let (code, said) = run(&text.replace(&database.name, "nowhere")).await;
    assert_eq!(code, Some(1), "{said}");
    other.stop().await;
}
