//! What connections are secured with: certificates of both sides, versions, resumption.

use crate::support::client::{Wire, tls};
use crate::support::world::{Ca, NOW, World, write_pair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use vestibule::gateway::{
    CertificateFiles, Certificates, ClientCertificates, Hsts, Inherited, Listener, Role, Running,
    TlsSpec,
};

/// More listeners of a world's gateway, gone with the value.
struct More {
    running: Running,
    certificates: Arc<Certificates>,
    at: SocketAddr,
}

fn listen(world: &World, spec: TlsSpec, address: &str) -> More {
    let certificates = Arc::new(Certificates::open(spec).unwrap());
    let listener = Listener {
        address: address.parse().unwrap(),
        tls: Some(Arc::clone(&certificates)),
        role: Role::Browsers,
    };
    let running = world
        .gateway
        .serve(vec![listener], &mut Inherited::default());
    let running = running.unwrap();
    More {
        at: running.addresses()[0],
        running,
        certificates,
    }
}

fn main_files(world: &World) -> Vec<CertificateFiles> {
    vec![CertificateFiles {
        certificate: world.dir.path().join("main.pem"),
        key: world.dir.path().join("main.key"),
    }]
}

fn asking(world: &World, ca: &Path, required: bool) -> TlsSpec {
    TlsSpec {
        files: main_files(world),
        client_certificates: Some(ClientCertificates {
            ca: ca.to_owned(),
            required,
        }),
        ..TlsSpec::default()
    }
}

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn device(ca: &Ca) -> Identity {
    let (certificate, key) = ca.issue(&["device.test"]);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (certificate.der().clone(), key)
}

fn client(
    roots: RootCertStore,
    identity: Option<&Identity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .unwrap(),
    }
}

async fn connect(
    config: &Arc<ClientConfig>,
    at: SocketAddr,
    sni: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let io = TcpStream::connect(at).await?;
    let name = ServerName::try_from(sni.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::clone(config))
        .connect(name, io)
        .await
}

/// The status of one request; `None` where there is no connection for it. A server that refuses a client's
/// certificate says so after the client thinks that all is well (RFC 8446 4.4.2.4).
async fn ask(
    world: &World,
    at: SocketAddr,
    identity: Option<&Identity>,
    (host, path): (&str, &str),
) -> Option<u16> {
    let config = client(world.ca.roots(), identity, rustls::ALL_VERSIONS);
    let stream = connect(&Arc::new(config), at, host).await.ok()?;
    let mut wire = Wire::over(Box::new(stream));
    wire.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    ))
    .await;
    wire.answer().await.map(|a| a.status)
}

/// wiki.test asks for a certificate, everything else does not.
async fn world_with_a_demanding_route() -> World {
    World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            if route.origin.host().as_str() == "wiki.test" {
                route.access.client_certificate = true;
            }
        }
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_may_take_only_clients_with_a_certificate() {
    let world = World::start().await;
    let devices = Ca::new("devices");
    let ca = world.dir.path().join("devices.pem");
    std::fs::write(&ca, devices.pem()).unwrap();
    let more = listen(&world, asking(&world, &ca, true), "127.0.0.1:0");
    let page = ("wiki.test", "/page");
    let ours = device(&devices);
    assert_eq!(ask(&world, more.at, Some(&ours), page).await, Some(200));
    assert_eq!(ask(&world, more.at, None, page).await, None);
    let foreign = device(&Ca::new("devices"));
    assert_eq!(ask(&world, more.at, Some(&foreign), page).await, None);
    // one that has run out
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["device.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let expired = devices.sign(params, &key);
    let expired = (
        expired.der().clone(),
        PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    );
    assert_eq!(ask(&world, more.at, Some(&expired), page).await, None);
    assert_eq!(world.upstream.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_demands_a_certificate_however_it_is_reached() {
    let world = world_with_a_demanding_route().await;
    let devices = Ca::new("devices");
    let ca = world.dir.path().join("devices.pem");
    std::fs::write(&ca, devices.pem()).unwrap();
    let more = listen(&world, asking(&world, &ca, false), "127.0.0.1:0");
    let ours = device(&devices);
    for (path, with, without) in [
        ("/page", 200, 403),
        ("/public/x", 200, 403),
        ("/.vestibule/callback", 200, 200),
    ] {
        let there = ("wiki.test", path);
        assert_eq!(ask(&world, more.at, Some(&ours), there).await, Some(with));
        assert_eq!(ask(&world, more.at, None, there).await, Some(without));
        // a listener that asks for none has seen none
        let seen = ask(&world, world.https, Some(&ours), there).await;
        assert_eq!(seen, Some(without), "{path}");
    }
    // what is not from an authority of ours ends the connection, asked for or not
    let foreign = device(&Ca::new("devices"));
    let page = ("wiki.test", "/page");
    assert_eq!(ask(&world, more.at, Some(&foreign), page).await, None);
    let reached = world.upstream.take().len();
    assert_eq!(reached, 2);

    // over plain HTTP, and by another name on one connection
    assert_eq!(world.signed_in("GET /page", "").await.status, 403);
    for header in ["X-Client-Cert", "X-SSL-Client-Verify", "Client-Cert"] {
        let line = format!("{header}: SUCCESS\r\n");
        assert_eq!(world.signed_in("GET /page", &line).await.status, 403);
    }
    let config = client(world.ca.roots(), None, rustls::ALL_VERSIONS);
    let stream = connect(&Arc::new(config), more.at, "login.test").await;
    let mut wire = Wire::over(Box::new(stream.unwrap()));
    for (host, want) in [("login.test", 200), ("wiki.test", 403), ("login.test", 200)] {
        let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
        wire.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n"))
            .await;
        assert_eq!(wire.answer().await.unwrap().status, want, "{host}");
    }
    // a WebSocket walks the same line
    let config = client(world.ca.roots(), None, rustls::ALL_VERSIONS);
    let stream = connect(&Arc::new(config), more.at, "wiki.test").await;
    let mut wire = Wire::over(Box::new(stream.unwrap()));
    wire.send(format!(
        "GET /ws HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.token
    ))
    .await;
    assert!(wire.head().await.starts_with("HTTP/1.1 403 "));
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_counts_at_once() {
    let world = World::start().await;
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let ca = world.dir.path().join("devices.pem");
    std::fs::write(&ca, old.pem()).unwrap();
    let more = listen(&world, asking(&world, &ca, true), "127.0.0.1:0");
    let (before, after) = (device(&old), device(&new));
    let page = ("wiki.test", "/page");

    // nothing is resumed here: each connection shows its certificate
    let config = Arc::new(client(
        world.ca.roots(),
        Some(&before),
        rustls::ALL_VERSIONS,
    ));
    let mut kept = None;
    for _ in 0..2 {
        let stream = connect(&config, more.at, "wiki.test").await.unwrap();
        assert_eq!(
            stream.get_ref().1.handshake_kind(),
            Some(HandshakeKind::Full)
        );
        let mut wire = Wire::over(Box::new(stream));
        wire.send("GET / HTTP/1.1\r\nHost: login.test\r\n\r\n")
            .await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        kept = Some(wire);
    }

    // one that is left open, and a WebSocket
    let mut lasting = Vec::new();
    for (path, upgrade) in [
        ("/events", ""),
        (
            "/ws",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
    ] {
        let stream = connect(&config, more.at, "wiki.test").await.unwrap();
        let mut wire = Wire::over(Box::new(stream));
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n{upgrade}\r\n",
            world.token
        ))
        .await;
        let head = wire.head().await;
        assert!(
            head.starts_with("HTTP/1.1 200 ") || head.starts_with("HTTP/1.1 101 "),
            "{head}"
        );
        lasting.push((path, wire));
    }

    std::fs::write(&ca, "no authority at all").unwrap();
    assert!(more.certificates.check().unwrap().is_err());
    assert_eq!(ask(&world, more.at, Some(&before), page).await, Some(200));
    std::fs::write(&ca, new.pem()).unwrap();
    more.certificates.check().unwrap().unwrap();
    assert_eq!(ask(&world, more.at, Some(&before), page).await, None);
    assert_eq!(ask(&world, more.at, Some(&after), page).await, Some(200));
    let mut kept = kept.unwrap();
    kept.send("GET / HTTP/1.1\r\nHost: login.test\r\n\r\n")
        .await;
    // what was verified against the old authority is believed no longer
    assert_eq!(kept.answer().await.unwrap().status, 421);
    for (path, mut wire) in lasting {
        let (_, ended) = wire.drained(std::time::Duration::from_secs(8)).await;
        assert!(ended, "{path} goes on");
    }

    let missing = world.dir.path().join("none.pem");
    let fault = Certificates::open(asking(&world, &missing, false)).unwrap_err();
    assert!(fault.to_string().contains("none.pem"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed_and_nothing_comes_early() {
    let world = World::start().await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut config = client(world.ca.roots(), None, &[version]);
        config.enable_early_data = true;
        let config = Arc::new(config);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = connect(&config, world.https, "wiki.test").await.unwrap();
            let session = stream.get_mut().1;
            kinds.push(session.handshake_kind().unwrap());
            assert_eq!(session.protocol_version(), Some(version.version));
            assert!(!session.is_early_data_accepted());
            assert!(session.early_data().is_none());
            // only suites with forward secrecy and authenticated encryption
            let suite = format!("{:?}", session.negotiated_cipher_suite().unwrap().suite());
            let modern = suite.starts_with("TLS13_") || suite.starts_with("TLS_ECDHE_");
            let sealed = suite.contains("GCM") || suite.contains("CHACHA20_POLY1305");
            assert!(modern && sealed, "{suite}");
            // tickets come with the first answer
            let mut wire = Wire::over(Box::new(stream));
            wire.send("GET / HTTP/1.1\r\nHost: wiki.test\r\n\r\n").await;
            assert_eq!(wire.answer().await.unwrap().status, 401);
        }
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
        // another name begins anew
        let stream = connect(&config, world.https, "other.test").await.unwrap();
        assert_eq!(
            stream.get_ref().1.handshake_kind(),
            Some(HandshakeKind::Full)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_can_be_switched_off() {
    let world = World::start().await;
    let spec = TlsSpec {
        files: main_files(&world),
        only_tls13: true,
        ..TlsSpec::default()
    };
    let more = listen(&world, spec, "127.0.0.1:0");
    let connect = async |at, version| {
        let config = Arc::new(client(world.ca.roots(), None, &[version]));
        let stream = connect(&config, at, "wiki.test").await.ok()?;
        stream.get_ref().1.protocol_version()
    };
    let (old, new) = (&rustls::version::TLS12, &rustls::version::TLS13);
    assert_eq!(connect(more.at, old).await, None);
    assert_eq!(connect(more.at, new).await, Some(ProtocolVersion::TLSv1_3));
    assert_eq!(
        connect(world.https, old).await,
        Some(ProtocolVersion::TLSv1_2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_is_not_taken_up_and_ipv6_is_served() {
    let world = World::start().await;
    let wild = write_pair(&world.ca, world.dir.path(), "wild", &["*.wild.test"]);
    let exact = write_pair(&world.ca, world.dir.path(), "exact", &["a.wild.test"]);
    let spec = TlsSpec {
        files: vec![wild, exact.clone()],
        ..TlsSpec::default()
    };
    let more = listen(&world, spec, "[::1]:0");
    assert!(more.at.is_ipv6());
    let shown = async |name: &str| {
        let stream = tls(more.at, name, &world.ca.roots(), &[b"http/1.1"]).await;
        let stream = stream.unwrap();
        let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        (leaf, Wire::over(Box::new(stream)))
    };
    // the very name before the wildcard, whatever the order of the files
    let (a, mut kept) = shown("a.wild.test").await;
    let (b, _) = shown("b.wild.test").await;
    assert_ne!(a, b);
    let ask = "GET / HTTP/1.1\r\nHost: a.wild.test\r\n\r\n";
    kept.send(ask).await;
    assert_eq!(kept.answer().await.unwrap().status, 401);

    let key = std::fs::read(&exact.key).unwrap();
    std::fs::copy(world.dir.path().join("main.key"), &exact.key).unwrap();
    let fault = more.certificates.check().unwrap().unwrap_err().to_string();
    assert!(
        fault.contains("exact.key") && fault.contains("does not belong"),
        "{fault}"
    );
    assert_eq!(shown("a.wild.test").await.0, a);
    std::fs::write(&exact.key, key).unwrap();
    let _ = more.certificates.check();
    write_pair(&world.ca, world.dir.path(), "exact", &["a.wild.test"]);
    more.certificates.check().unwrap().unwrap();
    assert_ne!(shown("a.wild.test").await.0, a);
    // the connection of before goes on
    kept.send(ask).await;
    assert_eq!(kept.answer().await.unwrap().status, 401);
    let expiries = more.certificates.expiries();
    assert_eq!(expiries.len(), 2);
    assert!(expiries.iter().all(|e| e.not_after > NOW));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_about_https_as_configured() {
    for (hsts, portal, ours, applications) in [
        (
            Hsts::default(),
            Some("max-age=31536000; includeSubDomains"),
            Some("max-age=31536000"),
            None,
        ),
        (
            Hsts {
                portal: Some("max-age=1".into()),
                elsewhere: Some("max-age=2".into()),
                applications: true,
            },
            Some("max-age=1"),
            Some("max-age=2"),
            Some("max-age=2"),
        ),
        (
            Hsts {
                portal: None,
                elsewhere: None,
                applications: true,
            },
            None,
            None,
            None,
        ),
    ] {
        let world = World::with(|snapshot, _| snapshot.hsts = hsts).await;
        let ask = async |host: &str, cookie: &str| {
            let mut wire = world.tls("wiki.test").await;
            wire.send(format!(
                "GET /page HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"
            ))
            .await;
            let answer = wire.answer().await.unwrap();
            let value = answer.headers("strict-transport-security").join(" & ");
            (!value.is_empty()).then_some(value)
        };
        let session = format!("__Host-vestibule={}", world.token);
        assert_eq!(ask("login.test", "").await.as_deref(), portal);
        assert_eq!(ask("wiki.test", "").await.as_deref(), ours);
        assert_eq!(ask("wiki.test", &session).await.as_deref(), applications);
        // it means nothing over plain HTTP
        let plain = world.signed_in("GET /page", "").await;
        assert_eq!(plain.header("strict-transport-security"), None);
        assert_eq!(world.upstream.take().len(), 2);
    }
}

/// Everything to `to`, a byte at a time.
async fn in_pieces(to: SocketAddr) -> SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(to).await.unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from, mut back) = client.into_split();
            let (mut answers, mut there) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            tokio::spawn(async move {
                while let Ok(byte) = from.read_u8().await {
                    if there.write_u8(byte).await.is_err() || there.flush().await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_in_pieces_says_the_same() {
    let world = world_with_a_demanding_route().await;
    let devices = Ca::new("devices");
    let ca = world.dir.path().join("devices.pem");
    std::fs::write(&ca, devices.pem()).unwrap();
    let more = listen(&world, asking(&world, &ca, false), "127.0.0.1:0");
    let at = in_pieces(more.at).await;
    let ours = device(&devices);
    let page = ("wiki.test", "/page");
    assert_eq!(ask(&world, at, None, page).await, Some(403));
    assert_eq!(ask(&world, at, Some(&ours), page).await, Some(200));
    let at = in_pieces(world.https).await;
    assert_eq!(ask(&world, at, Some(&ours), page).await, Some(403));
}

/// A configuration that is put in force makes all listeners anew: the same authorities go on being believed, others
/// and none do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_ends_beliefs_with_their_authorities_and_no_others() {
    let world = World::start().await;
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let ca = world.dir.path().join("devices.pem");
    std::fs::write(&ca, old.pem()).unwrap();
    let mut more = listen(&world, asking(&world, &ca, false), "127.0.0.1:0");
    let config = client(world.ca.roots(), Some(&device(&old)), rustls::ALL_VERSIONS);
    let stream = connect(&Arc::new(config), more.at, "wiki.test").await;
    let mut wire = Wire::over(Box::new(stream.unwrap()));
    let reload = |more: &mut More, spec: TlsSpec| {
        let listener = Listener {
            // as it was written, not as it was bound
            address: "127.0.0.1:0".parse().unwrap(),
            tls: Some(Arc::new(Certificates::open(spec).unwrap())),
            role: Role::Browsers,
        };
        let prepared = more
            .running
            .prepare(vec![listener], &mut Inherited::default());
        let replaced = more.running.install(prepared.unwrap());
        assert!(replaced.added.is_empty() && replaced.removed.is_empty());
    };
    let mut then = async |want: u16| {
        wire.send("GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
            .await;
        assert_eq!(wire.answer().await.unwrap().status, want);
    };
    then(200).await;
    reload(&mut more, asking(&world, &ca, false));
    then(200).await;
    reload(&mut more, asking(&world, &ca, true));
    then(200).await;
    std::fs::write(&ca, new.pem()).unwrap();
    reload(&mut more, asking(&world, &ca, true));
    then(421).await;
}
