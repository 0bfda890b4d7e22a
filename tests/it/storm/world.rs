//! A site of one node on SQLite, or of several on PostgreSQL, each with a cable of its own; and its people.

use super::balancer;
use super::cable::{Cable, State};
use super::database::Database;
use super::nodes::Node;
use super::walker::{Counts, Walker};
use crate::support::port::free as free_port;
use crate::support::postgres::PASSWORD as DATABASE_PASSWORD;
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use crate::whole::browser::{Browser, SESSION};
use crate::whole::phone::Phone;
use crate::whole::site::{LOGIN, Net, PASSWORD, Plan, WIKI, give_app, write_site};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use vestibule::app::Office;
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::account::{Account, PasswordHash};
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::id::SessionId;
use vestibule::domain::secret::Password;
use vestibule::domain::session::{Beginning, Record, Session};
use vestibule::env::Env;
use vestibule::store::{Change, Commit};

pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    /// None with SQLite.
    pub(super) database: Option<Database>,
    pub(super) cables: Vec<Cable>,
    /// A handle on the store that harm does not reach.
    pub(super) office: Arc<Office>,
    pub(super) counts: Arc<Counts>,
    /// To the balancer.
    net: Net,
    password: PasswordHash,
    _dir: tempfile::TempDir,
}

/// Somebody of a round.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) login: String,
    pub(super) account: Account,
    pub(super) had_app: bool,
    /// Has a session that nobody signed in for.
    pub(super) was_inside: bool,
}

const GENEROUS: &str = "roles: { administrator: [ it ] }\n\
    throttle: { code: { free: 100 }, password: { free: 100 }, network: { free: 1000000 } }";

impl World {
    /// On SQLite there is one node and no database.
    pub(super) async fn new(nodes: usize, database: Option<Database>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (_, wiki) = Upstream::start(None).await;
        let port = free_port();
        let plan = Plan {
            policy: "policy: recommended",
            more: GENEROUS,
            ..Plan::default()
        };
        let file = write_site(dir.path(), &ca, &plan, port, [wiki, wiki]);
        let secret = dir.path().join("database.password");
        std::fs::write(&secret, DATABASE_PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let with_storage = |storage: &str| text.replace(&plan.storage, storage);
        if let Some(database) = &database {
            std::fs::write(&file, with_storage(&Database::storage(database.port))).unwrap();
        }
        let office = Office::open(config::load(&file).unwrap(), Env::system()).await;
        let office = office.unwrap();
        let roots = Arc::new(ca.roots());
        let net = |ip: [u8; 4]| Net {
            address: SocketAddr::from((ip, port)),
            roots: Arc::clone(&roots),
        };
        let mut this = Self {
            nodes: Vec::new(),
            cables: Vec::new(),
            counts: Arc::default(),
            net: net([127, 0, 0, 1]),
            password: office
                .authn
                .hash_password(Password::new(PASSWORD).unwrap())
                .await
                .unwrap(),
            database,
            office: Arc::new(office),
            _dir: dir,
        };
        for n in 0..nodes {
            // of its own, so that the same port leads straight to it
            let net = net([127, 0, 1, u8::try_from(n + 1).unwrap()]);
            let mut own = text.clone();
            if let Some(database) = &this.database {
                let cable = Cable::to(database.port).await;
                own = with_storage(&Database::storage(cable.port));
                this.cables.push(cable);
            }
            let listen = format!("address: 127.0.0.1:{port}");
            let own = own.replace(&listen, &format!("address: {}", net.address));
            let path = this._dir.path().join(format!("node-{n}.yaml"));
            std::fs::write(&path, own).unwrap();
            let mut node = Node::new(&path, net);
            node.start().await;
            this.nodes.push(node);
        }
        let addresses = this.nodes.iter().map(|node| node.net.address).collect();
        let listener = TcpListener::bind(this.net.address).await.unwrap();
        tokio::spawn(balancer::start(listener, addresses));
        this
    }

    pub(super) fn file(&self) -> Option<PathBuf> {
        self.office.settings.storage.file().map(PathBuf::from)
    }

    /// All cables, or that of one node.
    pub(super) fn set_cables(&self, which: Option<usize>, state: State) {
        for (n, cable) in self.cables.iter().enumerate() {
            if which.is_none_or(|one| one == n) {
                cable.set(state);
            }
        }
    }

    /// A fresh browser that goes through the balancer.
    pub(super) fn walker(&self) -> Walker {
        let browser = Browser::new(self.net.clone());
        Walker::new(browser, Arc::clone(&self.counts))
    }

    pub(super) async fn person(&self, login: String, groups: &[&str]) -> Person {
        let new = NewAccount {
            login: login.clone(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            password: Some(self.password.clone()),
            ..NewAccount::default()
        };
        let account = self.office.authn.add_account(new).await.unwrap().unwrap();
        Person {
            login,
            account,
            had_app: false,
            was_inside: false,
        }
    }

    pub(super) async fn with_app(&self, login: String, groups: &[&str]) -> (Person, Phone) {
        let mut person = self.person(login, groups).await;
        person.had_app = true;
        let phone = give_app(&self.office, &self.office.env, &person.account).await;
        (person, phone)
    }

    /// As the store has them now.
    pub(super) async fn find(&self, person: &Person) -> Account {
        let found = self.office.authn.find_account(&person.login).await;
        found.unwrap().unwrap()
    }

    /// A browser that is inside already, and has opened the wiki.
    pub(super) async fn inside(&self, person: &Person, second: Option<SecondFactor>) -> Walker {
        let env = &self.office.env;
        let (token, now) = (env.token(), env.now());
        let session = Session {
            id: SessionId::from_uuid(env.uuid()),
            factors: Factors { second },
            auth_time: now,
            password_at: now,
            second_factor_at: second.map(|_| now),
            expires_at: now.plus(self.office.settings.sessions.lifetime),
            last_seen_at: now,
            trusted_device: None,
        };
        let open = Change::OpenSession {
            record: Box::new(Record {
                account: person.account.id,
                session,
                begun: Beginning::default(),
            }),
            token: token.hash(),
        };
        assert_eq!(
            self.office.store.commit(&[open]).await.unwrap(),
            Commit::Done
        );
        let mut walker = self.walker();
        walker.browser.plant(LOGIN, SESSION, &token.reveal());
        let wiki = walker.browser.net.url(WIKI, "/");
        let answer = walker.browser.open(&wiki).await;
        assert_eq!(answer.status, 200, "{}", answer.head);
        walker
    }
}
