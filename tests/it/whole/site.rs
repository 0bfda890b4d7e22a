//! The whole of it: gateway, portal and store as configured by a real file, behind real HTTPS.

use crate::support::client::{Answer, Wire, tls};
use crate::support::upstream::Upstream;
use crate::support::world::{Ca, NOW, write_pair};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vestibule::app::{self, Office};
use vestibule::authn::accounts::NewAccount;
use vestibule::config::{self, Settings};
use vestibule::domain::account::{Account, PasswordHash};
use vestibule::domain::audit::{Event, Record};
use vestibule::domain::authenticator::TotpBinding;
use vestibule::domain::id::AuthenticatorId;
use vestibule::env::{Entropy, Env, ManualClock};
use vestibule::store::{AuditFilter, Change, Commit};
use vestibule::vault::Purpose;

use super::browser::Browser;
use super::phone::Phone;

/// Everybody's password, and a hash of it that costs next to nothing.
pub(crate) const PASSWORD: &str = "password";
pub(crate) const CHEAP: &str =
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0$XGwudrQyZpM5r6bE+JPXm0bWMi+cf+YpxNyyObVISL8";

pub(crate) struct Dice;
impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        use ring::rand::SecureRandom as _;
        ring::rand::SystemRandom::new().fill(bytes).unwrap();
    }
}

/// What a test changes in the configuration.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) policy: &'static str,
    pub(crate) proof: &'static str,
    pub(crate) more: &'static str,
    /// Further routes; WIKI and PAYROLL stand for the addresses of the applications.
    pub(crate) routes: &'static str,
    pub(crate) wiki_policy: &'static str,
    /// Of the section `storage`.
    pub(crate) storage: String,
}

impl Default for Plan {
    /// Nobody is reminded; payroll requires a second factor; nothing but the password for a first enrolment.
    fn default() -> Self {
        Self {
            policy: "policy: optional",
            proof: "none",
            more: "",
            routes: "",
            wiki_policy: "optional",
            storage: "url: \"sqlite:vestibule.db\"".to_owned(),
        }
    }
}

pub(crate) struct Site {
    /// Gone with the site.
    _dir: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Env,
    /// Another process's handle on the same store.
    pub(crate) office: Office,
    pub(crate) running: app::Running,
    pub(crate) wiki: Upstream,
    pub(crate) payroll: Upstream,
    pub(crate) net: Net,
    ca: Ca,
}

/// How to get there: what every browser shares.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) address: SocketAddr,
    pub(crate) roots: Arc<rustls::RootCertStore>,
}

impl Net {
    /// Sends bytes as they are, on a connection of their own.
    pub(crate) async fn raw(&self, host: &str, method: &str, bytes: &[u8]) -> Option<Answer> {
        let stream = tls(self.address, host, &self.roots, &[b"http/1.1"]).await;
        let mut wire = Wire::over(Box::new(stream.ok()?));
        wire.send(bytes).await;
        wire.answer_to(method).await
    }
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.address.port())
    }
}

pub(crate) const LOGIN: &str = "login.test";
pub(crate) const WIKI: &str = "wiki.test";
pub(crate) const PAYROLL: &str = "payroll.example";

pub(crate) fn write_site(
    dir: &Path,
    ca: &Ca,
    plan: &Plan,
    port: u16,
    upstreams: [SocketAddr; 2],
) -> PathBuf {
    write_pair(ca, dir, "site", &[LOGIN, WIKI, PAYROLL]);
    let [wiki, payroll] = upstreams;
    let Plan {
        policy,
        proof,
        more,
        routes,
        wiki_policy,
        storage,
    } = plan;
    let routes = routes
        .replace("WIKI", &wiki.to_string())
        .replace("PAYROLL", &payroll.to_string());
    let text = format!(
        r#"listen:
  - address: 127.0.0.1:{port}
    tls: {{ certificates: [ {{ certificate: site.pem, key: site.key }} ] }}
portal: {{ url: "https://{LOGIN}:{port}" }}
brand:
  name: Northgate
  support: {{ email: help@northgate.example }}
  languages: [en, fi]
storage: {{ {storage} }}
secrets: {{ key_file: secret.key }}
sessions: {{ idle: 1h, lifetime: 10h }}
two_factor:
  {policy}
  enrolment_proof: {proof}
  emergency_codes: 3
  apps: [ {{ name: Authenticator, own: true, ios: "https://apps.example/i", android: "https://apps.example/a" }} ]
password: {{ minimum_length: 15 }}
groups:
  finance: {{ two_factor: {{ policy: required }} }}
{more}
routes:
  - name: wiki
    title: Wiki
    host: {WIKI}
    upstream: [ "http://{wiki}" ]
    two_factor: {{ policy: {wiki_policy} }}
    identity: {{ preset: remote-user }}
  - name: wiki-admin
    title: Wiki admin
    host: {WIKI}
    path: /admin
    upstream: [ "http://{wiki}" ]
    access: {{ groups: [admins] }}
    two_factor: {{ policy: required, max_age: 15m }}
    identity: {{ preset: remote-user }}
  - name: payroll
    title: Payroll
    host: {PAYROLL}
    upstream: [ "http://{payroll}" ]
    two_factor: {{ policy: required }}
    identity:
      preset: remote-user
      assertion: {{ header: X-Vestibule-Assertion, audience: "https://{PAYROLL}", lifetime: 1m }}
{routes}"#
    );
    let file = dir.join("vestibule.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

pub(crate) use crate::support::port::free as free_port;

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(Plan::default()).await
    }

    pub(crate) async fn with(plan: Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (wiki, wiki_at) = Upstream::start(None).await;
        let (payroll, payroll_at) = Upstream::start(None).await;
        let port = free_port();
        let config = write_site(dir.path(), &ca, &plan, port, [wiki_at, payroll_at]);
        Self::of((dir, ca), &config, (wiki, payroll), None).await
    }

    /// A site of a configuration that stands in `dir`; browsers connect to `front` where it is given.
    pub(crate) async fn of(
        (dir, ca): (tempfile::TempDir, Ca),
        config: &Path,
        (wiki, payroll): (Upstream, Upstream),
        front: Option<SocketAddr>,
    ) -> Self {
        let settings = match config::load(config) {
            Ok(settings) => settings,
            Err(report) => panic!("{report}"),
        };
        let clock = Arc::new(ManualClock::at(NOW));
        let env = Env::new(clock.clone(), Arc::new(Dice));
        let running = app::start(settings.clone(), env.clone()).await.unwrap();
        let office = Office::open(settings.clone(), env.clone()).await.unwrap();
        let net = Net {
            address: front.unwrap_or(running.addresses()[0]),
            roots: Arc::new(ca.roots()),
        };
        let site = Self {
            _dir: dir,
            settings,
            clock,
            env,
            office,
            running,
            wiki,
            payroll,
            net,
            ca,
        };
        site.account("aino", &["staff"]).await;
        site
    }

    /// Whom clients trust.
    pub(crate) fn ca_pem(&self) -> String {
        self.ca.pem()
    }
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.net.clone())
    }
    /// A browser that holds what another one holds, but for its session.
    pub(crate) fn browser_with(&self, other: &Browser) -> Browser {
        let mut b = other.clone();
        if let Some(jar) = b.jar.get_mut(LOGIN) {
            jar.remove(super::browser::SESSION);
        }
        b
    }
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        self.net.url(host, path)
    }
    pub(crate) fn now(&self) -> i64 {
        self.env.now().seconds()
    }
    /// Lets real time pass for what runs in the background: notices of other processes.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(700)).await;
    }

    /// Somebody with the cheap password, `<login>@northgate.example`.
    pub(crate) async fn account(&self, login: &str, groups: &[&str]) -> Account {
        let new = NewAccount {
            login: login.to_owned(),
            email: Some(format!("{login}@northgate.example")),
            name: login.to_owned(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
            ..NewAccount::default()
        };
        self.office.authn.add_account(new).await.unwrap().unwrap()
    }

    pub(crate) async fn find(&self, login: &str) -> Account {
        let found = self.office.authn.find_account(login).await.unwrap();
        found.unwrap()
    }

    /// Somebody who has an app already.
    pub(crate) async fn account_with_app(&self, login: &str, groups: &[&str]) -> Phone {
        let account = self.account(login, groups).await;
        self.give_app(&account).await
    }

    pub(crate) async fn give_app(&self, account: &Account) -> Phone {
        give_app(&self.office, &self.env, account).await
    }

    pub(crate) async fn commit(&self, changes: &[Change]) {
        let done = self.office.store.commit(changes).await.unwrap();
        assert_eq!(done, Commit::Done);
    }

    pub(crate) async fn helpdesk_code(&self, login: &str) -> String {
        let account = self.find(login).await;
        let issued = self.office.authn.issue_one_time_code(&account).await;
        issued.unwrap().unwrap().code
    }

    pub(crate) async fn audit(&self, login: &str) -> Vec<Record> {
        let filter = AuditFilter {
            account: Some(self.find(login).await.id),
            limit: 10_000,
            ..AuditFilter::default()
        };
        let logged = self.office.store.audit(&filter).await.unwrap();
        logged.into_iter().map(|logged| logged.record).collect()
    }
    pub(crate) async fn count(&self, login: &str, event: Event) -> usize {
        let records = self.audit(login).await;
        records.iter().filter(|r| r.event == event).count()
    }
    pub(crate) async fn sessions_of(&self, login: &str) -> usize {
        let id = self.find(login).await.id;
        let now = self.env.now();
        let found = self.office.store.sessions_of(Some(id), now, 1000).await;
        found.unwrap().len()
    }
    pub(crate) async fn set_groups(&self, login: &str, groups: &[&str]) {
        let account = self.find(login).await;
        let groups: BTreeSet<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        let done = self.office.authn.set_groups(account.id, groups).await;
        done.unwrap().unwrap();
    }

    /// Nothing has reached an application.
    #[track_caller]
    pub(crate) fn untouched(&self) {
        assert_eq!(
            self.wiki.take(),
            Vec::<String>::new(),
            "the wiki was reached"
        );
        assert_eq!(
            self.payroll.take(),
            Vec::<String>::new(),
            "payroll was reached"
        );
    }
}

/// An app on somebody's phone, bound as their first one.
pub(crate) async fn give_app(office: &Office, env: &Env, account: &Account) -> Phone {
    let secret: [u8; 20] = env.random();
    let owner = account.id.uuid();
    let binding = TotpBinding {
        id: AuthenticatorId::from_uuid(env.uuid()),
        sealed_secret: office
            .vault
            .seal(Purpose::TotpSecret, owner.as_bytes(), &secret),
        bound_at: env.now(),
        last_step: 0,
        codes_unconfirmed: false,
    };
    let change = Change::BindTotp {
        first: true,
        account: account.id,
        binding,
    };
    let done = office.store.commit(&[change]).await.unwrap();
    assert_eq!(done, Commit::Done);
    Phone::with(&secret)
}
