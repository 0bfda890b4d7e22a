//! The pieces of a request, each as something to be done again and again: `hot_path` takes their time, `counted` is run by
//! `benches/instructions`, which counts.

use futures_util::FutureExt as _;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;
use vestibule::app::Office;
use vestibule::domain::account::{Account, Attributes, History, Status};
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::host::{Host, Origin};
use vestibule::domain::id::{AccountId, SessionId};
use vestibule::domain::policy::{self, Decision, TwoFactor, TwoFactorRules};
use vestibule::domain::reminder;
use vestibule::domain::request::{Facts, Mode, Path};
use vestibule::domain::return_to::ReturnTo;
use vestibule::domain::route::{
    Access, AssertionSpec, Delivery, IdentitySpec, Preset, Route, Table, Timeouts, Upstream,
};
use vestibule::domain::secret::{Token, TotpSecret};
use vestibule::domain::session::{Beginning, Record, Rules, Session, View};
use vestibule::domain::subject::Subject;
use vestibule::domain::timestamp::Timestamp;
use vestibule::domain::verifier::totp;
use vestibule::env::{Entropy, Env, ManualClock};
use vestibule::portal::cookie::{self, Jar};
use vestibule::signer::Signer;
use vestibule::store::{Change, Commit};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOST: &str = "app0.example.com";

/// What is done once.
pub type Piece = Box<dyn FnMut()>;

/// What is counted: the same number of instructions each time.
pub const COUNTED: &[&str] = &[
    "find_route/10",
    "find_route/1000",
    "find_route/10000",
    "find_session/1000",
    "find_session/10000",
    "decide",
    "decide/rules",
    "decide/reminder",
    "parse_path",
    "find_cookie",
    "check_totp",
    "assertion/cached",
    "assertion/fresh",
];

/// What takes long to prepare, or is done by several threads.
#[allow(dead_code, reason = "hot_path has them, counted has not")]
pub const TIMED_ONLY: &[&str] = &["find_session/100000", "ticket"];

/// Makes a piece ready. `None` for a name that is not one.
pub fn prepare(name: &str) -> Option<Piece> {
    let (kind, more) = name.split_once('/').unwrap_or((name, ""));
    Some(match (kind, more) {
        ("find_route", count) => find_route(count.parse().ok()?),
        ("find_session", count) => find_session(count.parse().ok()?),
        ("decide", "") => decide(route(3), view(), TwoFactor::Required),
        ("decide", "rules") => decide(strict(route(3)), view(), TwoFactor::Required),
        ("decide", "reminder") => {
            let route = Route {
                two_factor: TwoFactor::Optional,
                max_age: None,
                ..route(3)
            };
            decide(route, reminded(), TwoFactor::Recommended)
        }
        ("parse_path", "") => Box::new(|| {
            black_box(Path::parse(black_box(b"/wiki/caf%c3%a9/100%25/page.html")));
        }),
        ("find_cookie", "") => find_cookie(),
        ("check_totp", "") => {
            let secret = TotpSecret::from_random([3; 20]);
            Box::new(move || {
                black_box(totp::verify_pending(black_box("000000"), &secret, NOW));
            })
        }
        ("assertion", "cached") => assertion(0),
        ("assertion", "fresh") => assertion(300),
        ("ticket", "") => ticket(),
        _ => return None,
    })
}

fn route(number: usize) -> Route {
    Route {
        name: format!("route-{number}"),
        title: String::new(),
        origin: Origin::new(
            Host::parse(&format!("app{}.example.com", number / 10)).unwrap(),
            443,
        ),
        prefix: Path::parse(format!("/part{}", number % 10).as_bytes()).unwrap(),
        access: Access::default(),
        public: Vec::new(),
        two_factor: TwoFactor::Required,
        max_age: Some(Duration::from_secs(900)),
        trusted_devices: true,
        identity: IdentitySpec {
            basic_auth: None,
            message_signature: None,
            preset: Preset::RemoteUser,
            headers: Vec::new(),
            assertion: None,
        },
        upstreams: vec![Upstream::Inet {
            tls: false,
            host: "127.0.0.1".into(),
            port: 80,
        }],
        forward_auth: false,
        headers: vestibule::domain::headers::HeaderRules::default(),
        rewrite: None,
        delivery: Delivery::default(),
        timeouts: Timeouts::default(),
        body_limit: None,
        limits: vestibule::domain::limits::RouteLimits::default(),
        logout_paths: Vec::new(),
        answers: Default::default(),
    }
}

/// With everything that a route can ask of a person.
fn strict(route: Route) -> Route {
    Route {
        access: Access {
            groups: ["staff".to_owned(), "finance".to_owned()].into(),
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            methods: ["GET".to_owned(), "POST".to_owned()].into(),
            client_certificate: false,
        },
        max_age: Some(Duration::from_secs(900)),
        ..route
    }
}

fn account(number: u128) -> Account {
    Account {
        id: AccountId::from_uuid(Uuid::from_u128(number)),
        login: format!("person{number}"),
        email: Some(format!("person{number}@example.com")),
        name: "Aino Virtanen".into(),
        groups: BTreeSet::from(["staff".to_owned()]).into(),
        attributes: Attributes::default(),
        language: None,
        status: Status::Active,
        created_at: NOW,
        password: None,
        totp: None,
        reminder: reminder::Record::default(),
        history: History::default(),
    }
}

fn session(number: u128) -> Session {
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        factors: Factors::with(SecondFactor::Totp),
        auth_time: NOW,
        password_at: NOW,
        second_factor_at: Some(NOW),
        expires_at: NOW.plus(Duration::from_secs(36_000)),
        last_seen_at: NOW,
        trusted_device: None,
    }
}

fn view() -> Arc<View> {
    let account = account(1);
    Arc::new(View {
        session: session(2),
        subject: Arc::new(Subject::of(&account)),
        host: Host::parse(HOST),
    })
}

/// Somebody without a second factor, who was reminded of it and has put it off.
fn reminded() -> Arc<View> {
    let mut account = account(1);
    account.reminder.snoozed_until = Some(NOW.plus(Duration::from_secs(86_400)));
    let mut session = session(2);
    session.factors = Factors::PASSWORD;
    Arc::new(View {
        session,
        subject: Arc::new(Subject::of(&account)),
        host: Host::parse(HOST),
    })
}

/// Finding the route must not depend on how many there are.
fn find_route(count: usize) -> Piece {
    let table = Table::new((0..count).map(route).collect()).unwrap();
    let host = Host::parse(HOST).unwrap();
    let path = Path::parse(b"/part3/a/page.html").unwrap();
    Box::new(move || {
        black_box(table.find(black_box(&host), black_box(&path)).is_some());
    })
}

fn decide(route: Route, view: Arc<View>, policy: TwoFactor) -> Piece {
    let table = Table::new(vec![route]).unwrap();
    let path = Path::parse(b"/part3/x").unwrap();
    let rules = TwoFactorRules::with_policy(policy);
    let sessions = Rules {
        idle: Duration::from_secs(3600),
        lifetime: Duration::from_secs(36_000),
    };
    let host = Host::parse(HOST).unwrap();
    Box::new(move || {
        let facts = Facts {
            method: "GET",
            path: &path,
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            mode: Mode::Navigation,
            preflight_from: None,
            client_certificate: false,
        };
        let found = table.find(&host, &path).unwrap();
        let rules = policy::Rules {
            two_factor: &rules,
            sessions: &sessions,
        };
        let decision = policy::decide(found, &facts, Some(&view), rules, NOW);
        assert!(matches!(black_box(decision), Decision::Forward(_)));
    })
}

fn find_cookie() -> Piece {
    let mut headers = http::HeaderMap::new();
    let token = Token::from_random([7; 32]).reveal();
    let line = format!("theme=dark; _ga=GA1.1.123; __Host-vestibule={token}; lang=fi");
    headers.insert(http::header::COOKIE, line.parse().unwrap());
    Box::new(move || {
        let jar = Jar::of(black_box(&headers));
        let token = jar.value(cookie::SESSION).and_then(Token::parse);
        black_box(token.map(|t| t.hash()));
    })
}

/// Never the same twice, and the same in each run.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed);
            let next = next.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            part.copy_from_slice(&next[..part.len()]);
        }
    }
}

/// A store of its own, with a clock that stands still.
struct World {
    office: Office,
    env: Env,
    clock: Arc<ManualClock>,
    runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vestibule.yaml");
        let text = "
listen: [ { address: \"127.0.0.1:1\", behind_proxy: true } ]
trusted_proxies: [ 127.0.0.1/32 ]
portal: { url: \"https://login.example.com\" }
storage: { url: \"sqlite:vestibule.db\" }
secrets: { key_file: secret.key }
two_factor: { policy: optional, enrolment_proof: none }
routes: [ { name: app, host: app0.example.com, upstream: \"http://127.0.0.1:2\" } ]
";
        std::fs::write(&file, text).unwrap();
        let settings = vestibule::config::load(&file).map_err(|e| e.to_string());
        let clock = Arc::new(ManualClock::at(NOW.seconds()));
        let env = Env::new(clock.clone(), Arc::new(Counting(AtomicU64::new(1))));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let office = runtime.block_on(Office::open(settings.unwrap(), env.clone()));
        Self {
            office: office.unwrap(),
            env,
            clock,
            runtime,
            _dir: dir,
        }
    }

    /// So many sessions, ten of each person; their cookies.
    fn sessions(&self, count: usize) -> Vec<String> {
        let mut cookies = Vec::new();
        let mut changes = Vec::new();
        for number in 0..count {
            let person = account(1 + number as u128 / 10);
            let record = Record {
                account: person.id,
                session: session(1 + number as u128),
                begun: Beginning::default(),
            };
            if number % 10 == 0 {
                changes.push(Change::AddAccount(Box::new(person)));
            }
            let token = self.env.token();
            cookies.push(token.reveal());
            changes.push(Change::OpenSession {
                record: Box::new(record),
                token: token.hash(),
            });
            if changes.len() > 1000 || number + 1 == count {
                let commit = self.office.store.commit(&changes);
                assert_eq!(self.runtime.block_on(commit).unwrap(), Commit::Done);
                changes.clear();
            }
        }
        cookies
    }
}

/// A live session that is cached, any of so many.
fn find_session(count: usize) -> Piece {
    let world = World::new();
    let cookies = world.sessions(count);
    let sessions = Arc::clone(world.office.authn.sessions());
    for cookie in &cookies {
        let found = world.runtime.block_on(sessions.find(cookie, None));
        assert!(found.unwrap().is_some());
    }
    let mut number = 0;
    Box::new(move || {
        // far from the one before
        number = (number + 7_919) % cookies.len();
        let found = sessions.find(black_box(&cookies[number]), None);
        // what is cached is found without waiting
        let view = found.now_or_never().unwrap().unwrap().unwrap();
        sessions.seen(&view);
        let _ = &world;
    })
}

/// `older`: seconds that pass between two requests, so that the token at hand is too old.
fn assertion(older: i64) -> Piece {
    let world = World::new();
    let office = &world.office;
    let signer = Signer::load(
        Arc::clone(&office.store),
        Arc::clone(&office.vault),
        world.env.clone(),
        "https://login.example.com".into(),
    );
    let signer = world.runtime.block_on(signer).unwrap();
    let spec = AssertionSpec {
        header: "X-Vestibule-Assertion".into(),
        audience: "https://app0.example.com".into(),
        lifetime: Duration::from_secs(300),
    };
    let view = view();
    Box::new(move || {
        world.clock.advance(older);
        black_box(signer.assertion(&view, &spec).unwrap());
        let _ = &world;
    })
}

/// From the portal to an application's host: issued, redeemed, a session opened. Two transactions.
fn ticket() -> Piece {
    let world = World::new();
    let cookies = world.sessions(1);
    let authn = Arc::clone(&world.office.authn);
    let found = world
        .runtime
        .block_on(authn.sessions().find(&cookies[0], None));
    let view = found.unwrap().unwrap();
    let host = Host::parse(HOST).unwrap();
    let to = ReturnTo::of_request(Origin::new(host.clone(), 443), "/page").unwrap();
    let browser = Token::from_random([9; 32]);
    Box::new(move || {
        world.runtime.block_on(async {
            let ticket = authn
                .issue_ticket(&view, &to, browser.hash())
                .await
                .unwrap();
            let redeemed = authn
                .redeem_ticket(&ticket.reveal(), &host, Some(&browser.reveal()))
                .await;
            black_box(redeemed.unwrap());
        });
        // its files are there for as long as it is
        let _ = &world;
    })
}
