//! Connections that are somebody's (NTLM, Negotiate), and those that belong to nobody.

use super::{app_route, ask_as, on_wire, session, until, world_for};
use crate::support::app::{Act, App, Hit};
use crate::support::upstream::value;
use crate::support::world::{World, at, snapshot};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An application that knows people by their connections, as NTLM has it: a challenge, an answer to it on the
/// same connection, and from then on whatever comes on that connection is theirs.
async fn windows() -> App {
    let people: Arc<Mutex<HashMap<usize, String>>> = Arc::default();
    App::start(move |hit: &Hit| {
        let mut people = people.lock();
        match hit.header("authorization").and_then(|a| a.split_once(' ')) {
            Some(("NTLM", "hello")) => Act::Head("401 No\r\nWWW-Authenticate: NTLM challenge\r\n"),
            Some(("NTLM" | "Negotiate", name)) => {
                people.insert(hit.connection, name.to_owned());
                Act::Answer(name.to_owned())
            }
            _ => match people.get(&hit.connection) {
                Some(name) => Act::Answer(name.clone()),
                None if hit.path().starts_with("/open") => Act::Answer("nobody".to_owned()),
                None => {
                    Act::Head("401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n")
                }
            },
        }
    })
    .await
}

async fn world() -> (App, World) {
    let app = windows().await;
    let world = world_for(&[&app], |_| {}).await;
    (app, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_never_meet_on_one_connection() {
    let (app, world) = world().await;
    let (aino, bo) = (session(&world, 11), session(&world, 12));
    let mut wire = world.plain().await;
    assert_eq!(
        on_wire(&mut wire, &aino, "GET /", "", b"").await.status,
        401
    );
    let hello = on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM hello\r\n",
        b"",
    )
    .await;
    assert_eq!(hello.header("www-authenticate"), Some("NTLM challenge"));
    let answer = on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM aino\r\n",
        b"",
    )
    .await;
    assert_eq!(answer.text(), "aino");
    let hits = app.take();
    assert_eq!(
        hits[1].connection, hits[2].connection,
        "a handshake is one conversation"
    );
    // browsers send nothing more once the connection is theirs
    for _ in 0..3 {
        assert_eq!(
            on_wire(&mut wire, &aino, "GET /", "", b"").await.text(),
            "aino"
        );
        assert_eq!(ask_as(&world, &bo, "GET /", "").await.status, 401);
        assert_eq!(ask_as(&world, &bo, "GET /open", "").await.text(), "nobody");
        assert_eq!(ask_as(&world, "", "GET /public/x", "").await.status, 401);
    }
    // bo's turn; aino is still aino
    let mut theirs = world.plain().await;
    let negotiate = "Authorization: Negotiate bo\r\n";
    assert_eq!(
        on_wire(&mut theirs, &bo, "GET /", negotiate, b"")
            .await
            .text(),
        "bo"
    );
    assert_eq!(
        on_wire(&mut wire, &aino, "GET /", "", b"").await.text(),
        "aino"
    );
    assert_eq!(
        on_wire(&mut theirs, &bo, "GET /", "", b"").await.text(),
        "bo"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_nobody_asked_for_keep_a_connection_apart_as_well() {
    let (_app, world) = world().await;
    let (aino, bo) = (session(&world, 11), session(&world, 12));
    // no challenge before: the upstream was never seen to ask
    for scheme in ["NTLM", "Negotiate"] {
        let credentials = format!("Authorization: {scheme} aino\r\n");
        assert_eq!(
            ask_as(&world, &aino, "GET /", &credentials).await.text(),
            "aino"
        );
        assert_eq!(ask_as(&world, &bo, "GET /open", "").await.text(), "nobody");
        let public = format!("Authorization: {scheme} passer-by\r\n");
        assert_eq!(
            ask_as(&world, "", "GET /public/x", &public).await.text(),
            "passer-by"
        );
        assert_eq!(ask_as(&world, "", "GET /public/x", "").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_routes_have_connections_of_their_own() {
    let app = App::named("a").await;
    let world = world_for(&[&app], |_| {}).await;
    let mut second = app_route(&[&app]);
    second.name = "second".into();
    second.prefix = crate::support::world::path("/second");
    world.install(snapshot(vec![app_route(&[&app]), second]));
    // on one connection a request begins when the one before it is over to the last
    let mut wire = world.plain().await;
    for (line, connections) in [
        ("GET /", 1),
        ("GET /", 1),
        ("GET /second", 2),
        ("GET /second", 2),
        ("GET /", 2),
    ] {
        let answer = on_wire(&mut wire, &world.token, line, "", b"").await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.connections(), connections, "{line}");
    }
}

/// A stranger's handshake belongs to nobody: kept, its connections would push everybody else's out of the pool.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_nobody_finds_again_are_not_kept() {
    let (app, world) = world().await;
    for _ in 0..8 {
        let answer = ask_as(
            &world,
            "",
            "GET /public/x",
            "Authorization: NTLM stranger\r\n",
        )
        .await;
        assert_eq!(answer.text(), "stranger");
    }
    until("they are closed", || app.open() == 0).await;
    assert_eq!(app.connections(), 8);
    // those of a session stay for its next step
    let aino = session(&world, 11);
    let mut wire = world.plain().await;
    on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM aino\r\n",
        b"",
    )
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(app.open(), 1);
}

/// An application that keeps every connection open, and says when the other side closes one.
async fn patient() -> (std::net::SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, closed) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let (mut head, mut buffer) = (String::new(), [0; 4096]);
                while let Ok(n @ 1..) = io.read(&mut buffer).await {
                    head.push_str(&String::from_utf8_lossy(&buffer[..n]));
                    if head.ends_with("\r\n\r\n") {
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                        io.write_all(answer).await.unwrap();
                    }
                }
                let _ = told.send(head).await;
            });
        }
    });
    (address, closed)
}

/// Not for a moment either: where the pool is full, another one would have to go.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_takes_no_place_in_the_pool() {
    let (address, mut closed) = patient().await;
    let world = world_for(&[], |r| r.upstreams = vec![at(address, false)]).await;
    for scheme in ["NTLM", "Negotiate"] {
        let credentials = format!("Authorization: {scheme} passer-by\r\n");
        let answer = ask_as(&world, "", "GET /public/x", &credentials).await;
        assert_eq!(answer.status, 200);
        assert_ne!(
            answer.header("connection"),
            Some("close"),
            "the client's own stays"
        );
        let head = tokio::time::timeout(std::time::Duration::from_secs(5), closed.recv()).await;
        let head = head.expect("left idling").unwrap();
        assert_eq!(value(&head, "connection"), Some("close"), "{head}");
    }
    // everybody else's stay
    assert_eq!(ask_as(&world, "", "GET /public/x", "").await.status, 200);
    assert_eq!(
        ask_as(&world, &world.token, "GET /", "Authorization: NTLM x\r\n")
            .await
            .status,
        200
    );
    let patience = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(patience, closed.recv()).await.is_err());
}

/// An application that says more than it was asked for, in one packet with its answer or a moment later.
async fn talkative() -> vestibule::domain::route::Upstream {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                while let Ok(length @ 1..) = io.read(&mut head).await {
                    let asked = String::from_utf8_lossy(&head[..length]).into_owned();
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    let more = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
                    let _ = match asked.contains("/at-once") {
                        true => io.write_all(&[&answer[..], more].concat()).await,
                        false => {
                            let _ = io.write_all(answer).await;
                            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                            io.write_all(more).await
                        }
                    };
                }
            });
        }
    });
    at(address, false)
}

/// Response queue poisoning: what is left on a connection would be the answer to whoever comes next.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_says_unasked_is_no_answer_to_anybody() {
    let upstream = talkative().await;
    let world = world_for(&[], |route| route.upstreams = vec![upstream]).await;
    let (aino, bo) = (session(&world, 11), session(&world, 12));
    for path in ["/at-once", "/later"] {
        for line in [format!("GET {path}"), format!("POST {path}")] {
            for token in [&aino, &bo, &aino] {
                let mut wire = world.plain().await;
                let body = if line.starts_with("POST") { "x" } else { "" };
                let answer = on_wire(&mut wire, token, &line, "", body.as_bytes()).await;
                assert_eq!(answer.text(), "ok", "{line}");
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            }
        }
    }
}
