//! What every request pays for: `cargo bench --bench hot_path`. Compare within one run; the figures of two
//! runs differ by what else the machine was doing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use vestibule::domain::account::{Account, Status};
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::host::{Host, Origin};
use vestibule::domain::id::{AccountId, SessionId};
use vestibule::domain::policy::{self, TwoFactor, TwoFactorRules};
use vestibule::domain::reminder;
use vestibule::domain::request::{Facts, Mode, Path};
use vestibule::domain::route::{
    Access, Delivery, IdentitySpec, Preset, Route, Table, Timeouts, Upstream,
};
use vestibule::domain::secret::{Token, TotpSecret};
use vestibule::domain::session::{Rules, Session, View};
use vestibule::domain::timestamp::Timestamp;
use vestibule::domain::verifier::totp;
use vestibule::portal::cookie::{self, Jar};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn main() {
    divan::main();
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

fn view() -> Arc<View> {
    let id = AccountId::from_uuid(Uuid::from_u128(1));
    Arc::new(View {
        session: Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            account: id,
            factors: Factors::with(SecondFactor::Totp),
            auth_time: NOW,
            password_at: NOW,
            second_factor_at: Some(NOW),
            expires_at: NOW.plus(Duration::from_secs(36_000)),
            last_seen_at: NOW,
            address: None,
            user_agent: None,
            trusted_device: None,
        },
        account: Arc::new(Account {
            id,
            login: "aino".into(),
            email: None,
            name: "Aino".into(),
            groups: BTreeSet::new(),
            attributes: BTreeMap::new(),
            language: None,
            status: Status::Active,
            created_at: NOW,
            password: None,
            totp: None,
            reminder: reminder::Record::default(),
            history: vestibule::domain::account::History::default(),
        }),
        host: Host::parse("app0.example.com"),
    })
}

/// Finding the route must not depend on how many there are.
#[divan::bench(args = [10, 1_000, 10_000])]
fn find_route(bencher: divan::Bencher<'_, '_>, count: usize) {
    let table = Table::new((0..count).map(route).collect()).unwrap();
    let host = Host::parse("app0.example.com").unwrap();
    let path = Path::parse(b"/part3/a/page.html").unwrap();
    bencher.bench(|| {
        table
            .find(divan::black_box(&host), divan::black_box(&path))
            .is_some()
    });
}

#[divan::bench]
fn decide(bencher: divan::Bencher<'_, '_>) {
    let table = Table::new(vec![route(3)]).unwrap();
    let path = Path::parse(b"/part3/x").unwrap();
    let view = view();
    let rules = TwoFactorRules::with_policy(TwoFactor::Required);
    let sessions = Rules {
        idle: Duration::from_secs(3600),
        lifetime: Duration::from_secs(36_000),
    };
    let host = Host::parse("app0.example.com").unwrap();
    bencher.bench(|| {
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
        policy::decide(found, &facts, Some(&view), rules, NOW)
    });
}

#[divan::bench]
fn parse_path() -> Option<Path> {
    Path::parse(divan::black_box(b"/wiki/caf%c3%a9/100%25/page.html"))
}

#[divan::bench]
fn find_cookie(bencher: divan::Bencher<'_, '_>) {
    let mut headers = http::HeaderMap::new();
    let token = Token::from_random([7; 32]).reveal();
    let line = format!("theme=dark; _ga=GA1.1.123; __Host-vestibule={token}; lang=fi");
    headers.insert(http::header::COOKIE, line.parse().unwrap());
    bencher.bench(|| {
        let jar = Jar::of(divan::black_box(&headers));
        jar.value(cookie::SESSION)
            .and_then(Token::parse)
            .map(|t| t.hash())
    });
}

#[divan::bench]
fn check_totp(bencher: divan::Bencher<'_, '_>) {
    let secret = TotpSecret::from_random([3; 20]);
    bencher.bench(|| totp::verify_pending(divan::black_box("000000"), &secret, NOW).is_some());
}
