//! WebSockets: alive, and no longer than their session.

use crate::support::client::Wire;
use crate::support::world::World;
use std::sync::atomic::Ordering;
use std::time::Duration;

const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn open(world: &World, mut wire: Wire, host: &str, extra: &str) -> Wire {
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    wire.send(format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\n{cookie}{UPGRADE}{extra}\r\nearly"
    ))
    .await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let bytes = wire.exactly(10).await;
    assert_eq!(String::from_utf8_lossy(&bytes), "helloearly");
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_of_forty_stay_alive() {
    let world = World::start().await;
    for n in 0..40 {
        let wire = if n % 2 == 0 {
            world.plain().await
        } else {
            world.tls("wiki.test").await
        };
        let mut wire = open(&world, wire, "wiki.test", "Origin: https://wiki.test\r\n").await;
        wire.send(b"ping").await;
        assert_eq!(wire.exactly(4).await, b"ping", "{n}");
    }
    let mut wire = open(&world, world.tls("tls.test").await, "tls.test", "").await;
    wire.send(b"ping").await;
    assert_eq!(wire.exactly(4).await, b"ping");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_at_once() {
    let world = World::start().await;
    let wire = open(&world, world.plain().await, "wiki.test", "").await;
    let (mut reader, mut writer) = tokio::io::split(wire.io);
    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        writer.write_all(&vec![7; 10_000_000]).await.unwrap();
        writer
    });
    let mut received = 0;
    let mut buffer = vec![0; 65_536];
    while received < 10_000_000 {
        use tokio::io::AsyncReadExt;
        let n = reader.read(&mut buffer).await.unwrap();
        assert!(n > 0, "cut after {received}");
        received += n;
    }
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_opens_none() {
    let world = World::start().await;
    for origin in [
        "https://evil.test",
        "http://wiki.test",
        "https://wiki.test:444",
        "https://other.test",
        "null",
        "https://wiki.test.evil.test",
        "https://login.test",
        "https://wiki.test\r\nOrigin: https://wiki.test",
    ] {
        let answer = world
            .signed_in("GET /ws", &format!("{UPGRADE}Origin: {origin}\r\n"))
            .await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_session() {
    let world = World::start().await;
    let mut wire = open(&world, world.plain().await, "wiki.test", "").await;
    assert_eq!(world.counts.websockets.load(Ordering::SeqCst), 1);
    assert!(!wire.closes_within(Duration::from_millis(1500)).await);
    world.sessions.revoke_all();
    assert!(wire.closes_within(Duration::from_secs(3)).await);
    let gone = async {
        while world.counts.websockets.load(Ordering::SeqCst) != 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .unwrap();

    let token = world.sessions.open(1, |_| {});
    assert_eq!(token, world.token);
    let mut wire = open(&world, world.tls("wiki.test").await, "wiki.test", "").await;
    world.clock.fetch_add(3600, Ordering::SeqCst);
    assert!(wire.closes_within(Duration::from_secs(3)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_want_to_is_relayed() {
    let world = World::start().await;
    let answer = world.signed_in("GET /page", UPGRADE).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "received 0"));
}

/// Whatever else asks for an upgrade is an ordinary request, with its body where it belongs.
#[tokio::test(flavor = "multi_thread")]
async fn other_upgrades_are_ordinary_requests() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let mut wire = world.plain().await;
    for (line, upgrade) in [
        ("POST /upload", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        ("POST /ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        ("PUT /ws", "Upgrade: websocket\r\n"),
        (
            "POST /ws",
            "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
        ),
        (
            "POST /ws",
            "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
        ),
    ] {
        let body = "Content-Length: 3\r\n\r\nabc";
        wire.send(format!(
            "{line} HTTP/1.1\r\nHost: wiki.test\r\n{cookie}{upgrade}{body}"
        ))
        .await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "received 3"),
            "{line} {upgrade}"
        );
        let seen = world.upstream.only().to_lowercase();
        assert!(!seen.contains("upgrade"), "{seen}");
    }
    // a 101 that nobody asked for opens nothing
    let answer = world.signed_in("GET /switch", "").await;
    assert_eq!(answer.status, 502);
    let answer = world
        .signed_in("GET /switch", "Connection: Upgrade\r\nUpgrade: h2c\r\n")
        .await;
    assert_eq!(answer.status, 502);
}
