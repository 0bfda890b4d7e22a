//! What is sent again, and what never.

use super::{on_wire, world_for};
use crate::support::app::{Act, App, Hit};
use crate::support::client::Answer;
use crate::support::world::{World, at};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use vestibule::domain::route::Upstream;

/// Answers the first request of each connection, and closes at the second without a word.
fn tired(hit: &Hit) -> Act {
    match hit.nth {
        0 => Act::Answer(String::from_utf8_lossy(&hit.body).into_owned()),
        _ => Act::Die,
    }
}

/// One request that leaves a connection behind, then this one, which meets its end.
async fn after_another(world: &World, line: &str, body: &[u8]) -> Answer {
    let mut wire = world.plain().await;
    // with a long body or not, as that one has: the two have pools of their own
    let (before, sent) = match body.len() {
        0..=65_536 => ("GET /first", &b""[..]),
        _ => ("PUT /first", body),
    };
    let first = on_wire(&mut wire, &world.token, before, "", sent).await;
    assert_eq!(first.status, 200);
    // on one connection a request begins when the one before it is over to the last
    on_wire(&mut wire, &world.token, line, "", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_twice_that_may_not_be() {
    let app = App::start(tired).await;
    let world = world_for(&[&app], |_| {}).await;
    let small = vec![b'x'; 1000];
    let large = vec![b'x'; 100_000];
    for (line, body, status, times) in [
        ("GET /it", &b""[..], 200, 2),
        ("PUT /it", &small, 200, 2),
        ("DELETE /it", b"", 200, 2),
        ("POST /it", b"", 502, 1),
        ("POST /it", &small, 502, 1),
        ("PATCH /it", &small, 502, 1),
        ("PUT /it", &large, 502, 1),
    ] {
        let answer = after_another(&world, line, body).await;
        let hits = app.take();
        let sent: Vec<&Hit> = hits.iter().filter(|h| h.path() == "/it").collect();
        assert_eq!(
            (answer.status, sent.len()),
            (status, times),
            "{line} {}",
            body.len()
        );
        assert!(
            sent.iter().all(|h| h.body == body),
            "{line}: the body went out whole"
        );
        if status == 200 {
            assert_eq!(answer.body, body);
        }
        // the connection of the last one may stand: it must not serve the next round
        app.stop().await;
        app.restart().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_fresh_connection_nothing_is_sent_again() {
    let (a, b) = (
        App::start(|_| Act::Die).await,
        App::start(|_| Act::Die).await,
    );
    let world = world_for(&[&a, &b], |_| {}).await;
    for line in ["GET /", "PUT /", "POST /"] {
        let mut wire = world.plain().await;
        let answer = on_wire(&mut wire, &world.token, line, "", b"").await;
        assert_eq!(answer.status, 502);
        assert_eq!(a.take().len() + b.take().len(), 1, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_any_method_goes_to_another() {
    let (a, b) = (App::named("a").await, App::named("b").await);
    let world = world_for(&[&a, &b], |_| {}).await;
    a.stop().await;
    for _ in 0..4 {
        let mut wire = world.plain().await;
        let answer = on_wire(&mut wire, &world.token, "POST /", "", &[b'x'; 100_000]).await;
        assert_eq!(answer.text(), "b");
    }
    let hits = b.take();
    assert_eq!(hits.len(), 4);
    assert!(hits.iter().all(|h| h.body.len() == 100_000));
    let retried = "Retried { route: \"app.test/\" }";
    let events = world.counts.upstreams.lock().clone();
    assert!(events.iter().any(|e| e == retried), "{events:?}");
}

/// Whoever begins uploads and falls silent must not get an upstream left out for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_is_not_the_upstreams_fault() {
    let answer = |_: &Hit| Act::Answer("well".to_owned());
    let (one, two) = (App::start(answer).await, App::start(answer).await);
    let world = world_for(&[&one, &two], |route| {
        route.timeouts.read = std::time::Duration::from_secs(1);
    })
    .await;
    let mut stalled = Vec::new();
    for _ in 0..16 {
        let mut wire = world.plain().await;
        wire.send(format!(
            "POST /upload HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: 100000\r\n\r\nx",
            world.token
        ))
        .await;
        stalled.push(wire);
    }
    for wire in &mut stalled {
        let status = wire.answer().await.map(|a| a.status);
        assert_eq!(status, Some(408));
    }
    let events = world.counts.upstreams.lock().clone();
    assert!(!events.iter().any(|e| e.contains("Ejected")), "{events:?}");
}

/// An application that remembers nonces would take the second attempt for a replay.
#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_signed_anew() {
    use vestibule::domain::credentials::{MessageSignature, SharedSecret};
    let app = App::start(tired).await;
    let world = world_for(&[&app], |route| {
        let key = Some(SharedSecret::new(vec![7; 32]));
        route.identity.message_signature = Some(MessageSignature { key });
    })
    .await;
    assert_eq!(after_another(&world, "GET /it", b"").await.status, 200);
    let hits = app.take();
    let inputs: Vec<_> = hits
        .iter()
        .filter(|h| h.path() == "/it")
        .map(|h| h.header("signature-input").unwrap().to_owned())
        .collect();
    assert_eq!(inputs.len(), 2);
    assert_ne!(inputs[0], inputs[1]);
}

/// Waits a moment for the body, says this, and hangs up.
async fn impatient(answer: &'static str) -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = io.read(&mut head).await;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                let _ = io.write_all(answer.as_bytes()).await;
            });
        }
    });
    at(address, false)
}

/// Many requests at once, until the last is over.
async fn at_once(world: &World, line: &str, more: &str) {
    let ask = async || {
        let mut wire = world.plain().await;
        wire.send(format!(
            "{line} HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={}\r\n{more}\r\n",
            world.token
        ))
        .await;
        let (_, closed) = wire.drained(std::time::Duration::from_secs(5)).await;
        assert!(closed, "neither answered nor given up");
    };
    futures_util::future::join_all((0..32).map(|_| ask())).await;
}

/// Failures in a row would have it left out: neither a client that reads nothing, so that an answer breaks off,
/// nor one that sends nothing, so that the upstream hangs up, may bring them about.
#[tokio::test(flavor = "multi_thread")]
async fn what_clients_provoke_is_not_the_upstreams_fault() {
    let ejected = |world: &World| {
        let events = world.counts.upstreams.lock();
        events.iter().any(|e| e.contains("Ejected"))
    };
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    let upstreams = vec![impatient(half).await, impatient(half).await];
    let world = world_for(&[], |route| route.upstreams = upstreams).await;
    at_once(&world, "GET /", "").await;
    assert!(!ejected(&world));

    let upstreams = vec![impatient("").await, impatient("").await];
    let world = world_for(&[], |route| route.upstreams = upstreams).await;
    at_once(&world, "POST /", "Content-Length: 100000\r\n").await;
    assert!(!ejected(&world), "a part of the request was missing");
    at_once(&world, "POST /", "Content-Length: 0\r\n").await;
    assert!(ejected(&world), "it had all of the request");
}

/// Nor may clients that send their body when the request has hardly any time left.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_is_not_the_upstreams_fault() {
    let second = std::time::Duration::from_secs(1);
    let upstreams = vec![impatient("").await, impatient("").await];
    let world = world_for(&[], |route| {
        route.upstreams = upstreams;
        route.limits.time = Some(second * 2);
    })
    .await;
    let ask = async || {
        let mut wire = world.plain().await;
        wire.send(format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: 2\r\n\r\nx",
            world.token
        ))
        .await;
        tokio::time::sleep(second * 19 / 10).await;
        wire.send("x").await;
        wire.answer().await.unwrap().status
    };
    let answers = futures_util::future::join_all((0..16).map(|_| ask())).await;
    let late = |status: &u16| matches!(status, 408 | 504);
    assert!(answers.iter().all(late), "{answers:?}");
    let events = world.counts.upstreams.lock();
    assert!(!events.iter().any(|e| e.contains("Ejected")), "{events:?}");
}

/// Reads a head only, refuses, and hangs up on the rest. Takes so little at a time that the rest is still being sent.
async fn curt() -> Upstream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = socket.listen(64).unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 1024];
                let _ = io.read(&mut head).await;
                let answer = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
                let _ = io.write_all(answer.as_bytes()).await;
            });
        }
    });
    at(address, false)
}

/// With a body of either length, and it is nobody's fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_head_is_passed_on() {
    let upstreams = vec![curt().await, curt().await];
    let world = world_for(&[], |route| route.upstreams = upstreams).await;
    for (method, length) in [("POST", 65_536), ("PUT", 65_536), ("POST", 200_000)] {
        let body = vec![b'x'; length];
        for turn in 0..24 {
            let mut wire = world.plain().await;
            let line = format!("{method} /");
            let answer = on_wire(&mut wire, &world.token, &line, "", &body).await;
            let is_theirs = (answer.status, answer.text().as_str()) == (413, "big");
            assert!(is_theirs, "{line} {length} {turn}: {answer:?}");
        }
    }
    let events = world.counts.upstreams.lock();
    assert!(!events.iter().any(|e| e.contains("Ejected")), "{events:?}");
}
