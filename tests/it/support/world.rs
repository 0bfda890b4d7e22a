//! The gateway with everything around it.

use super::client::{Answer, Wire, tls};
use super::upstream::Upstream;
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use vestibule::domain::account::{Account, Status};
use vestibule::domain::assurance::Factors;
use vestibule::domain::headers::HeaderRules;
use vestibule::domain::host::{Host, Origin};
use vestibule::domain::id::{AccountId, SessionId};
use vestibule::domain::logged::Logged;
use vestibule::domain::policy::{TwoFactor, TwoFactorRules};
use vestibule::domain::reminder;
use vestibule::domain::request::Path;
use vestibule::domain::route::{
    Access, AssertionSpec, Delivery, IdentitySpec, Preset, PublicPath, Route, RouteIndex, Table,
    Template, Timeouts, Upstream as Target,
};
use vestibule::domain::secret::Token;
use vestibule::domain::session::{Rules, Session, View};
use vestibule::domain::subject::Subject;
use vestibule::domain::timestamp::Timestamp;
use vestibule::env::{Clock, Entropy, Env};
use vestibule::gateway::seams::{
    Assertions, Conn, Door, ErrorKind, Observer, PageRequest, Pages, RouteTitle, Seams, Sessions,
    Unavailable, UpstreamEvent,
};
use vestibule::gateway::{
    CertificateFiles, Certificates, Gateway, Inherited, Listener, Role, Running, Snapshot,
};
use vestibule::telemetry::line::{LineFormat, line};

pub(crate) const NOW: i64 = 1_800_000_000;

/// A CA that issues certificates.
pub(crate) struct Ca(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        Self(rcgen::CertifiedIssuer::self_signed(params, key).unwrap())
    }
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }
    pub(crate) fn roots(&self) -> rustls::RootCertStore {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
    pub(crate) fn issue(&self, names: &[&str]) -> (rcgen::Certificate, rcgen::KeyPair) {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let params = rcgen::CertificateParams::new(names).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
    pub(crate) fn sign(
        &self,
        params: rcgen::CertificateParams,
        key: &rcgen::KeyPair,
    ) -> rcgen::Certificate {
        params.signed_by(key, &self.0).unwrap()
    }
    pub(crate) fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let (certificate, key) = self.issue(names);
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

#[derive(Default)]
pub(crate) struct TestSessions {
    views: Mutex<HashMap<String, Arc<View>>>,
    pub(crate) away: AtomicBool,
    pub(crate) seen: AtomicUsize,
}

impl TestSessions {
    pub(crate) fn open(&self, byte: u8, change: impl FnOnce(&mut View)) -> String {
        let token = Token::from_random([byte; 32]).reveal();
        let mut view = view();
        change(&mut view);
        self.views.lock().insert(token.clone(), Arc::new(view));
        token
    }
    pub(crate) fn revoke(&self, token: &str) {
        self.views.lock().remove(token);
    }
    pub(crate) fn revoke_all(&self) {
        self.views.lock().clear();
    }
}

#[async_trait]
impl Sessions for TestSessions {
    async fn find(&self, token: &str, host: &Host) -> Result<Option<Arc<View>>, Unavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Unavailable("the store is down".into()));
        }
        let view = self.views.lock().get(token).cloned();
        Ok(view.filter(|v| v.host.as_ref().is_none_or(|h| h == host)))
    }
    fn seen(&self, _view: &View) {
        self.seen.fetch_add(1, Ordering::SeqCst);
    }
    async fn end(&self, view: &View) -> Result<(), Unavailable> {
        self.views
            .lock()
            .retain(|_, v| v.session.id != view.session.id);
        Ok(())
    }
}

fn account() -> Account {
    Account {
        id: AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        login: "aino".into(),
        email: Some("aino@example.com".into()),
        name: "Åino".into(),
        groups: BTreeSet::from(["staff".to_owned()]).into(),
        attributes: BTreeMap::from([("employee_id".to_owned(), "E7".to_owned())]).into(),
        language: None,
        status: Status::Active,
        created_at: Timestamp::from_seconds(NOW),
        password: None,
        totp: None,
        reminder: reminder::Record::default(),
        history: vestibule::domain::account::History::default(),
    }
}

/// The session is of somebody else in this.
pub(crate) fn changed(view: &mut View, change: impl FnOnce(&mut Account)) {
    let mut account = account();
    change(&mut account);
    view.subject = Arc::new(Subject::of(&account));
}

pub(crate) fn view() -> View {
    let now = Timestamp::from_seconds(NOW);
    let account = account();
    let session = Session {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(2)),
        factors: Factors::PASSWORD,
        auth_time: now,
        password_at: now,
        second_factor_at: None,
        expires_at: now.plus(Duration::from_secs(36_000)),
        last_seen_at: now,
        trusted_device: None,
    };
    View {
        session,
        subject: Arc::new(Subject::of(&account)),
        host: None,
    }
}

struct TestPages;

impl Pages for TestPages {
    fn portal(&self) -> axum::Router {
        use axum::extract::Extension;
        use axum::routing::{get, post};
        async fn boom() -> &'static str {
            panic!("a page that panics")
        }
        axum::Router::new()
            .route("/", get(|| async { "portal" }))
            .route("/echo", post(|body: Bytes| async move { body }))
            .route("/ignore", post(|| async { "ignored" }))
            .route("/panic", get(boom))
            .route(
                "/conn",
                get(|Extension(c): Extension<Conn>| async move {
                    format!("{} {}", c.client, c.host)
                }),
            )
            .route("/empty", get(|| async { http::StatusCode::NO_CONTENT }))
    }
    fn host_pages(&self) -> axum::Router {
        use axum::extract::Extension;
        let title = |t: Option<Extension<RouteTitle>>| async move {
            format!(
                "callback {}",
                t.map(|t| t.0.0.to_string()).unwrap_or_default()
            )
        };
        axum::Router::new().route("/.vestibule/callback", axum::routing::get(title))
    }
    fn door(&self, origin: &Origin, path_and_query: &str, pre: Option<&str>) -> Door {
        Door {
            location: format!("https://login.test/signin?to={origin}{path_and_query}"),
            set_cookie: pre
                .is_none()
                .then(|| "__Host-vestibule-pre=p; Path=/; Secure; HttpOnly".to_owned()),
        }
    }
    fn error_page(&self, kind: ErrorKind, request: &PageRequest<'_>) -> http::Response<Bytes> {
        let body = format!("<h1>{kind:?}</h1> {}", request.reference);
        let mut response = http::Response::new(Bytes::from(body));
        let html = http::HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert("content-type", html);
        response
    }
}

struct TestAssertions(Arc<Counts>);

impl Assertions for TestAssertions {
    fn assertion(
        &self,
        view: &View,
        spec: &AssertionSpec,
    ) -> Result<http::HeaderValue, Unavailable> {
        self.0.assertions.fetch_add(1, Ordering::Relaxed);
        let token = format!("signed.{}.{}", view.subject.login(), spec.audience);
        Ok(http::HeaderValue::from_str(&token).unwrap())
    }
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) outcomes: Mutex<Vec<(&'static str, u16)>>,
    told: Mutex<Vec<serde_json::Value>>,
    pub(crate) websockets: AtomicI64,
    pub(crate) upstreams: Mutex<Vec<String>>,
    /// How often one was asked for.
    pub(crate) assertions: AtomicUsize,
}

impl Counts {
    /// What was told of the first request for a path, when it is over.
    pub(crate) async fn told_of(&self, path: &str) -> serde_json::Value {
        for _ in 0..400 {
            let all = self.told.lock().clone();
            if let Some(line) = all.iter().find(|line| line["path"] == path) {
                return line.clone();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("nothing was told of {path}: {:?}", self.told.lock())
    }
}

impl Observer for Counts {
    fn request(&self, _: Option<RouteIndex>, request: &Logged<'_>) {
        self.outcomes.lock().push((request.outcome, request.status));
        let line = line(LineFormat::Json, request);
        self.told
            .lock()
            .push(serde_json::from_slice(&line).unwrap());
    }
    fn upstream(&self, event: UpstreamEvent<'_>) {
        self.upstreams.lock().push(format!("{event:?}"));
    }
    fn websocket(&self, delta: i64) {
        self.websockets.fetch_add(delta, Ordering::SeqCst);
    }
}

struct FixedClock(Arc<AtomicI64>);
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}
struct CountingEntropy(AtomicUsize);
impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::SeqCst);
        for piece in bytes.rchunks_mut(8) {
            for (byte, from) in piece.iter_mut().rev().zip(n.to_be_bytes().iter().rev()) {
                *byte = *from;
            }
        }
    }
}

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) seams: Seams,
    pub(crate) running: Running,
    pub(crate) https: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) redirecting: SocketAddr,
    pub(crate) behind_proxy: SocketAddr,
    pub(crate) asked: SocketAddr,
    pub(crate) ca: Ca,
    pub(crate) upstream: Upstream,
    pub(crate) tls_upstream: Upstream,
    pub(crate) sessions: Arc<TestSessions>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) dir: tempfile::TempDir,
    /// A live session of somebody in `staff`, AAL1.
    pub(crate) token: String,
}

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text.as_bytes()).unwrap()
}

pub(crate) fn route(host: &str, prefix: &str, upstream: Target) -> Route {
    Route {
        name: format!("{host}{prefix}"),
        title: format!("The {host}"),
        origin: Origin::new(Host::parse(host).unwrap(), 443),
        prefix: path(prefix),
        access: Access::default(),
        public: Vec::new(),
        two_factor: TwoFactor::Optional,
        max_age: None,
        trusted_devices: true,
        identity: IdentitySpec {
            basic_auth: None,
            message_signature: None,
            preset: Preset::RemoteUser,
            headers: Vec::new(),
            assertion: None,
        },
        upstreams: vec![upstream],
        forward_auth: false,
        delivery: Delivery::default(),
        timeouts: Timeouts {
            connect: Duration::from_secs(2),
            read: Duration::from_secs(2),
            ..Timeouts::default()
        },
        body_limit: None,
        limits: vestibule::domain::limits::RouteLimits::default(),
        logout_paths: Vec::new(),
        answers: Default::default(),
        rewrite: None,
        headers: HeaderRules::default(),
    }
}

pub(crate) fn at(address: SocketAddr, tls: bool) -> Target {
    Target::Inet {
        tls,
        host: if tls {
            "localhost".into()
        } else {
            address.ip().to_string()
        },
        port: address.port(),
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// `change` may add to the routes; it is given the directory for files.
    pub(crate) async fn with(change: impl FnOnce(&mut Snapshot, &std::path::Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (upstream, plain) = Upstream::start(None).await;
        let (tls_upstream, secure) = Upstream::start(Some(ca.server(&["localhost"]))).await;
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, ca.pem()).unwrap();
        let mut snapshot = snapshot(routes(plain, secure, &ca_file));
        change(&mut snapshot, dir.path());

        let sessions = Arc::new(TestSessions::default());
        let token = sessions.open(1, |_| {});
        let counts = Arc::new(Counts::default());
        let clock = Arc::new(AtomicI64::new(NOW));
        let env = Env::new(
            Arc::new(FixedClock(clock.clone())),
            Arc::new(CountingEntropy(AtomicUsize::new(1))),
        );
        let seams = Seams {
            sessions: sessions.clone(),
            pages: Arc::new(TestPages),
            assertions: Arc::new(TestAssertions(Arc::clone(&counts))),
            observer: counts.clone(),
            issued: None,
        };
        let gateway = Gateway::new(snapshot, seams.clone(), env).unwrap();
        let main = [
            "wiki.test",
            "login.test",
            "tls.test",
            "down.test",
            "*.wild.test",
        ];
        let files = [
            write_pair(&ca, dir.path(), "main", &main),
            write_pair(&ca, dir.path(), "other", &["other.test"]),
        ];
        let certificates = Arc::new(Certificates::load(&files).unwrap());
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = |tls, role| Listener {
            address: local,
            tls,
            role,
        };
        let running = gateway
            .serve(
                vec![
                    listener(Some(certificates.clone()), Role::Browsers),
                    listener(None, Role::Browsers),
                    listener(None, Role::RedirectToHttps),
                    listener(None, Role::BehindProxy),
                    listener(None, Role::ForwardAuth),
                ],
                &mut Inherited::default(),
            )
            .unwrap();
        let addresses = running.addresses();
        let &[https, http, redirecting, behind_proxy, asked] = addresses.as_slice() else {
            panic!("five listeners");
        };
        Self {
            gateway,
            seams,
            running,
            https,
            http,
            redirecting,
            behind_proxy,
            asked,
            ca,
            upstream,
            tls_upstream,
            sessions,
            counts,
            clock,
            certificates,
            dir,
            token,
        }
    }

    pub(crate) fn prepare(
        &self,
        snapshot: Snapshot,
    ) -> Result<vestibule::gateway::Generation, vestibule::gateway::Unfit> {
        self.gateway.prepare(snapshot, self.seams.clone())
    }
    /// Puts another configuration in force.
    pub(crate) fn install(&self, snapshot: Snapshot) {
        let generation = self.gateway.prepare(snapshot, self.seams.clone());
        self.gateway.install(generation.unwrap());
    }
    pub(crate) async fn tls(&self, sni: &str) -> Wire {
        let stream = tls(self.https, sni, &self.ca.roots(), &[b"http/1.1"]).await;
        Wire::over(Box::new(stream.unwrap()))
    }
    pub(crate) async fn plain(&self) -> Wire {
        Wire::plain(self.http).await
    }
    /// Sends raw bytes on a connection of its own.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let mut wire = self.plain().await;
        wire.send(bytes).await;
        wire.answer().await
    }
    /// A request to wiki.test with the session cookie and more header lines (each ending in CRLF).
    pub(crate) async fn signed_in(&self, line: &str, headers: &str) -> Answer {
        let cookie = format!("Cookie: __Host-vestibule={}\r\n", self.token);
        self.ask(line, &format!("{cookie}{headers}")).await
    }
    pub(crate) async fn ask(&self, line: &str, headers: &str) -> Answer {
        let request = format!("{line} HTTP/1.1\r\nHost: wiki.test\r\n{headers}\r\n");
        let mut wire = self.plain().await;
        wire.send(&request).await;
        let method = line.split(' ').next().unwrap();
        let answer = wire.answer_to(method).await;
        answer.unwrap_or_else(|| panic!("closed without an answer: {line:?}"))
    }
}

pub(crate) fn write_pair(
    ca: &Ca,
    dir: &std::path::Path,
    name: &str,
    hosts: &[&str],
) -> CertificateFiles {
    let (certificate, key) = ca.issue(hosts);
    let files = CertificateFiles {
        certificate: dir.join(format!("{name}.pem")),
        key: dir.join(format!("{name}.key")),
    };
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&files.key, private).unwrap();
    files
}

pub(crate) fn snapshot(routes: Vec<Route>) -> Snapshot {
    Snapshot {
        portal: Origin::new(Host::parse("login.test").unwrap(), 443),
        routes: Table::new(routes).unwrap(),
        two_factor: TwoFactorRules::with_policy(TwoFactor::Optional),
        sessions: Rules {
            idle: Duration::from_secs(3600),
            lifetime: Duration::from_secs(36_000),
        },
        trusted_proxies: Vec::new(),
        askers: Vec::new(),
        hsts: vestibule::gateway::Hsts::default(),
        limits: vestibule::domain::limits::Limits::default(),
        sampling: vestibule::domain::trace::Sampling::ALL,
    }
}

fn routes(plain: SocketAddr, secure: SocketAddr, ca_file: &std::path::Path) -> Vec<Route> {
    let with = |mut route: Route, change: &dyn Fn(&mut Route)| {
        change(&mut route);
        route
    };
    let wiki = |prefix: &str| route("wiki.test", prefix, at(plain, false));
    let dead: SocketAddr = ([127, 0, 0, 1], 1).into();
    vec![
        with(wiki("/"), &|r| {
            r.public = vec![
                PublicPath::new(path("/public/")),
                PublicPath::new(path("/ws/public")),
            ];
            r.identity.headers = vec![(
                "X-Employee".into(),
                Template::parse("{account.attributes.employee_id}").unwrap(),
            )];
            r.identity.assertion = Some(AssertionSpec {
                header: "X-Vestibule-Assertion".into(),
                audience: "https://wiki.test".into(),
                lifetime: Duration::from_secs(60),
            });
        }),
        with(wiki("/admin"), &|r| {
            r.access.groups = BTreeSet::from(["admins".to_owned()]);
        }),
        with(wiki("/secret"), &|r| r.two_factor = TwoFactor::Required),
        with(wiki("/readonly"), &|r| {
            r.access.methods = BTreeSet::from(["GET".to_owned(), "HEAD".to_owned()]);
        }),
        with(wiki("/small"), &|r| r.body_limit = Some(1000)),
        with(route("tls.test", "/", at(secure, true)), &|r| {
            r.delivery.tls.ca = Some(PathBuf::from(ca_file));
        }),
        route("down.test", "/", at(dead, false)),
        route("other.test", "/", at(plain, false)),
        route("a.wild.test", "/", at(plain, false)),
    ]
}
