//! TLS towards upstreams: client certificates, names, and whom a connection belongs to.

use super::{app_route, ask_as, on_wire};
use crate::support::upstream::Upstream as Recorder;
use crate::support::world::{Ca, World, at, path, snapshot, write_pair};
use std::path::Path;
use std::sync::Arc;
use vestibule::domain::route::{Route, Upstream};
use vestibule::domain::upstream::ClientPair;

/// Takes only clients that show a certificate of this CA.
fn demanding(ca: &Ca, clients: &Ca) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(clients.roots()),
        Arc::clone(&provider),
    );
    let (certificate, key) = ca.issue(&["payroll.internal"]);
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

fn pair(ca: &Ca, dir: &Path, name: &str) -> ClientPair {
    let files = write_pair(ca, dir, name, &["gateway.test"]);
    ClientPair {
        certificate: files.certificate,
        key: files.key,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_and_its_connections_are_nobody_elses() {
    let (ca, clients, others) = (Ca::new("servers"), Ca::new("clients"), Ca::new("others"));
    let (upstream, address) = Recorder::start(Some(demanding(&ca, &clients))).await;
    let world = World::with(|world, dir| {
        let file = dir.join("servers.pem");
        std::fs::write(&file, ca.pem()).unwrap();
        let right = pair(&clients, dir, "right");
        let with = |prefix: &str, change: &dyn Fn(&mut Route)| {
            let mut route = app_route(&[]);
            route.name = prefix.to_owned();
            route.prefix = path(prefix);
            // an address: the certificate is for the name that is written
            route.upstreams = vec![Upstream::Inet {
                tls: true,
                host: "127.0.0.1".into(),
                port: address.port(),
            }];
            route.delivery.tls.ca = Some(file.clone());
            route.delivery.tls.client = Some(right.clone());
            route.delivery.tls.name = Some("payroll.internal".into());
            change(&mut route);
            route
        };
        let (wrong_pair, wrong_ca) = (pair(&others, dir, "wrong"), dir.join("others.pem"));
        std::fs::write(&wrong_ca, others.pem()).unwrap();
        *world = snapshot(vec![
            with("/right", &|_| {}),
            with("/none", &|r| r.delivery.tls.client = None),
            with("/other", &|r| {
                r.delivery.tls.client = Some(wrong_pair.clone())
            }),
            with("/name", &|r| {
                r.delivery.tls.name = Some("wiki.internal".into())
            }),
            with("/noname", &|r| r.delivery.tls.name = None),
            with("/ca", &|r| r.delivery.tls.ca = Some(wrong_ca.clone())),
            with("/blind", &|r| {
                r.delivery.tls.ca = None;
                r.delivery.tls.name = None;
                r.delivery.tls.verify = false;
            }),
        ]);
    })
    .await;
    for _ in 0..2 {
        for (place, status) in [
            ("/right", 200),
            ("/none", 502),
            ("/other", 502),
            ("/name", 502),
            ("/noname", 502),
            ("/ca", 502),
            ("/blind", 200),
        ] {
            let line = format!("GET {place}");
            assert_eq!(
                ask_as(&world, &world.token, &line, "").await.status,
                status,
                "{place}"
            );
        }
    }
    let seen: Vec<String> = upstream.take();
    assert_eq!(seen.len(), 4, "{seen:?}");

    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let mut wire = world.plain().await;
    // WebSockets have connections of their own, made in the same way
    let answer = on_wire(&mut wire, &world.token, "GET /none/ws", upgrade, b"").await;
    assert_eq!(answer.status, 502);
}

/// Why a configuration with this route cannot be put in force.
fn refusal(world: &World, route: Route) -> String {
    let generation = world
        .gateway
        .prepare(snapshot(vec![route]), world.seams.clone());
    generation.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_changes_nothing() {
    let world = World::start().await;
    let dir = world.dir.path();
    let refused = |name: &str, text: &str, says: &str| {
        let file = dir.join(name);
        std::fs::write(&file, text).unwrap();
        let mut route = app_route(&[]);
        route.upstreams = vec![at(([127, 0, 0, 1], 1).into(), true)];
        route.delivery.tls.ca = Some(file.clone());
        let fault = refusal(&world, route.clone());
        assert!(
            fault.contains(name) && fault.contains("app.test/") && fault.contains(says),
            "{fault}"
        );
        route.delivery.tls.ca = None;
        let files = pair(&world.ca, dir, "good");
        route.delivery.tls.client = Some(ClientPair {
            certificate: file,
            key: files.key,
        });
        assert!(refusal(&world, route).contains(says));
    };
    refused("empty.pem", "", "no certificate");
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    refused("bad.pem", bad, "");
    // a key that is another certificate's
    let (one, two) = (pair(&world.ca, dir, "one"), pair(&world.ca, dir, "two"));
    let mut route = app_route(&[]);
    route.delivery.tls.client = Some(ClientPair {
        certificate: one.certificate,
        key: two.key,
    });
    let fault = refusal(&world, route);
    assert!(fault.contains("does not belong"), "{fault}");
    // what was in force is in force
    assert_eq!(world.signed_in("GET /page", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_authority_is_another_one() {
    let (first, second) = (Ca::new("first"), Ca::new("second"));
    let (_, address) = Recorder::start(Some(first.server(&["localhost"]))).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, first.pem()).unwrap();
    let mut route = app_route(&[]);
    route.upstreams = vec![at(address, true)];
    route.delivery.tls.ca = Some(file.clone());
    let world = World::with(|world, _| *world = snapshot(vec![route.clone()])).await;
    assert_eq!(ask_as(&world, &world.token, "GET /", "").await.status, 200);
    // the same path, another content: the connection that stands is not used any more
    std::fs::write(&file, second.pem()).unwrap();
    world.install(snapshot(vec![route]));
    assert_eq!(ask_as(&world, &world.token, "GET /", "").await.status, 502);
}
