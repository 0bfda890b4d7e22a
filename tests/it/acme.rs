//! Certificates from a real ACME server: gotten, kept, renewed, and what happens while there is none.

use crate::support::client::{Wire, tls};
use crate::support::pebble::{Pebble, Wish};
use crate::support::port::free;
use crate::support::upstream::Upstream;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use vestibule::app::{self, Running};
use vestibule::config;
use vestibule::env::{Entropy, Env, ManualClock};

const LOGIN: &str = "login.test";
const WIKI: &str = "wiki.test";
/// Two looks at what is due.
const TWO_ROUNDS: Duration = Duration::from_secs(22);

struct Dice;
impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        use ring::rand::SecureRandom as _;
        ring::rand::SystemRandom::new().fill(bytes).unwrap();
    }
}

/// A gateway that may be started again and again on the same files.
struct Place {
    dir: tempfile::TempDir,
    config: PathBuf,
    clock: Arc<ManualClock>,
    https: SocketAddr,
    http: SocketAddr,
    operations: SocketAddr,
    upstream: SocketAddr,
    _upstream: Upstream,
}

impl Place {
    async fn new() -> Self {
        let (upstream, at) = Upstream::start(None).await;
        let dir = tempfile::tempdir().unwrap();
        let address = || SocketAddr::from(([127, 0, 0, 1], free()));
        Self {
            config: dir.path().join("vestibule.yaml"),
            dir,
            clock: Arc::new(ManualClock::at(Env::system().now().seconds())),
            https: address(),
            http: address(),
            operations: address(),
            upstream: at,
            _upstream: upstream,
        }
    }

    fn write(&self, acme: &str, pebble: &Pebble) {
        let Self {
            https,
            http,
            operations,
            upstream,
            ..
        } = self;
        let (directory, ca) = (&pebble.directory, pebble.ca_file.display());
        let port = https.port();
        let text = format!(
            r#"listen:
  - {{ address: "{https}", tls: {{ acme: true }} }}
  - {{ address: "{http}", redirect_to_https: true }}
operations: {{ address: "{operations}" }}
acme:
  directory: {directory}
  ca: {ca}
  email: operations@northgate.example
  agree_to_terms: true
  {acme}
portal: {{ url: "https://{LOGIN}:{port}" }}
storage: {{ url: "sqlite:vestibule.db" }}
secrets: {{ key_file: secret.key }}
routes:
  - {{ name: wiki, host: {WIKI}, upstream: "http://{upstream}" }}
"#
        );
        std::fs::write(&self.config, text).unwrap();
    }

    async fn start(&self) -> Running {
        let settings = config::load(&self.config).unwrap_or_else(|report| panic!("{report}"));
        let env = Env::new(self.clock.clone(), Arc::new(Dice));
        app::start(settings, env).await.unwrap()
    }

    /// The certificate that is shown for a name, trusted or not; `None` where the handshake fails.
    async fn shown(&self, name: &str, alpn: &[&[u8]]) -> Option<CertificateDer<'static>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|a| a.to_vec()).collect();
        let io = TcpStream::connect(self.https).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, io);
        let stream = stream.await.ok()?;
        let (_, session) = stream.get_ref();
        session.peer_certificates()?.first().cloned()
    }

    async fn trusted(&self, name: &str, roots: &rustls::RootCertStore) -> bool {
        tls(self.https, name, roots, &[b"http/1.1"]).await.is_ok()
    }

    async fn becomes_trusted(&self, name: &str, roots: &rustls::RootCertStore, pebble: &Pebble) {
        for _ in 0..200 {
            if self.trusted(name, roots).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no certificate for {name}: {}", pebble.log());
    }

    /// The operators' own listener, as text.
    async fn metrics(&self) -> String {
        let mut wire = Wire::plain(self.operations).await;
        wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        wire.answer().await.unwrap().text()
    }

    async fn metric(&self, start: &str) -> Option<i64> {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(start))?;
        line.trim().parse().ok()
    }

    async fn failures(&self) -> i64 {
        let name = r#"vestibule_certificate_failures_total{source="acme"}"#;
        self.metric(name).await.unwrap()
    }
}

#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_gotten_over_http_kept_sealed_and_renewed() {
    let place = Place::new().await;
    let wish = Wish {
        http: place.http.port(),
        tls: 1,
        external: None,
    };
    let pebble = Pebble::start(place.dir.path(), &wish).await;
    let roots = pebble.roots().await;
    place.write("", &pebble);
    let running = place.start().await;

    // something is shown at once
    assert!(place.shown(WIKI, &[]).await.is_some());
    for name in [LOGIN, WIKI] {
        place.becomes_trusted(name, &roots, &pebble).await;
    }
    assert_eq!(pebble.orders(), 2);
    let first = place.shown(WIKI, &[]).await.unwrap();
    assert_ne!(place.shown(LOGIN, &[]).await.unwrap(), first);
    // each host has a certificate of its own: none serves the other
    let stream = tls(place.https, WIKI, &roots, &[b"http/1.1"])
        .await
        .unwrap();
    let mut kept = Wire::over(Box::new(stream));
    kept.send(format!("GET / HTTP/1.1\r\nHost: {LOGIN}\r\n\r\n"))
        .await;
    assert_eq!(kept.answer().await.unwrap().status, 421);

    // nothing but the question is answered over plain HTTP
    for path in ["token", "", "../x", "token/x"] {
        let mut wire = Wire::plain(place.http).await;
        let target = format!("/.well-known/acme-challenge/{path}");
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: {WIKI}\r\n\r\n"))
            .await;
        let status = wire.answer().await.unwrap().status;
        assert!(matches!(status, 308 | 400), "{path}: {status}");
    }

    // no key in clear, in PEM or in its encodings
    for file in std::fs::read_dir(place.dir.path()).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("vestibule.db") {
            let bytes = std::fs::read(&file).unwrap();
            // how a P-256 key begins in PKCS#8, as it is and in base64
            let der = [0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13];
            for needle in [&b"PRIVATE KEY"[..], b"key_pkcs8", b"MIGHAgEAMBM", &der] {
                let found = crate::support::client::find(&bytes, needle);
                assert!(found.is_none(), "{name}: {needle:?}");
            }
        }
    }

    // another start orders nothing
    drop(kept);
    running.stop().await;
    let running = place.start().await;
    assert_eq!(place.shown(WIKI, &[]).await.unwrap(), first);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(pebble.orders(), 2);
    let name = format!(r#"vestibule_certificate_expiry_seconds{{name="{WIKI}",source="acme"}}"#);
    let expiry = place.metric(&name).await.unwrap();
    let now = Env::system().now().seconds();
    assert!(expiry > now, "{expiry}");

    // two thirds of its life later another one is there, and connections went on
    let stream = tls(place.https, WIKI, &roots, &[b"http/1.1"])
        .await
        .unwrap();
    let mut kept = Wire::over(Box::new(stream));
    let ask = format!("GET / HTTP/1.1\r\nHost: {WIKI}\r\n\r\n");
    kept.send(&ask).await;
    assert_eq!(kept.answer().await.unwrap().status, 401);
    place.clock.advance((expiry - now) / 10 * 7);
    for _ in 0..200 {
        if pebble.orders() == 4 && place.shown(WIKI, &[]).await.unwrap() != first {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_ne!(place.shown(WIKI, &[]).await.unwrap(), first);
    assert!(place.trusted(WIKI, &roots).await);
    kept.send(&ask).await;
    assert_eq!(kept.answer().await.unwrap().status, 401);
    // by this clock the new ones have little life left, too; still none is ordered again at once
    tokio::time::sleep(TWO_ROUNDS).await;
    assert_eq!(pebble.orders(), 4);
    assert_eq!(place.failures().await, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_gotten_in_the_handshake_with_an_external_account() {
    let place = Place::new().await;
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let wish = Wish {
        http: 1,
        tls: place.https.port(),
        external: Some(("kid-1", key)),
    };
    let pebble = Pebble::start(place.dir.path(), &wish).await;
    let roots = pebble.roots().await;
    std::fs::write(place.dir.path().join("eab.key"), key).unwrap();
    let acme = format!(
        "challenge: tls-alpn-01\n  hosts: [ {LOGIN} ]\n  external_account: {{ key_id: kid-1, key_file: eab.key }}"
    );
    place.write(&acme, &pebble);
    let running = place.start().await;
    place.becomes_trusted(LOGIN, &roots, &pebble).await;
    assert_eq!(pebble.orders(), 1);
    // only what was named is ordered
    assert!(!place.trusted(WIKI, &roots).await);
    // nobody is asking any more: there is no answer
    for name in [LOGIN, WIKI] {
        assert!(place.shown(name, &[b"acme-tls/1"]).await.is_none());
    }
    // and beside another protocol it is never spoken
    let both = tls(place.https, LOGIN, &roots, &[b"acme-tls/1", b"http/1.1"]).await;
    assert_eq!(
        both.unwrap().get_ref().1.alpn_protocol(),
        Some(&b"http/1.1"[..])
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_order_waits_over_a_restart_and_everything_else_goes_on() {
    let place = Place::new().await;
    // nobody answers there
    let wish = Wish {
        http: free(),
        tls: 1,
        external: None,
    };
    let pebble = Pebble::start(place.dir.path(), &wish).await;
    place.write(&format!("hosts: [ {WIKI} ]"), &pebble);
    let running = place.start().await;
    for _ in 0..200 {
        if place.failures().await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((place.failures().await, pebble.orders()), (1, 1));
    tokio::time::sleep(TWO_ROUNDS).await;
    assert_eq!(pebble.orders(), 1, "it is tried again too soon");
    running.stop().await;
    let running = place.start().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pebble.orders(), 1, "a start forgets the failure");
    assert!(place.shown(WIKI, &[]).await.is_some());
    place.clock.advance(301);
    for _ in 0..200 {
        if place.failures().await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((place.failures().await, pebble.orders()), (1, 2));
    // twice as long now
    place.clock.advance(301);
    tokio::time::sleep(TWO_ROUNDS).await;
    assert_eq!(pebble.orders(), 2);
    // a server that is away is no reason for anything else to fail
    drop(pebble);
    place.clock.advance(301);
    for _ in 0..200 {
        if place.failures().await > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(place.failures().await, 2);
    let mut wire = Wire::plain(place.operations).await;
    wire.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    running.stop().await;
}
