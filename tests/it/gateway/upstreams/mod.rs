//! Upstreams that fail, and TLS to them.

mod balance;
mod connections;
mod health;
mod protocols;
mod retries;
mod tls;

use crate::support::app::App;
use crate::support::client::{Answer, Wire};
use crate::support::world::{Ca, World, at, path, route, snapshot};
use vestibule::domain::id::SessionId;
use vestibule::domain::route::{PublicPath, Route};

/// A world with one more route, at app.test; `/public/` is public.
async fn world_for(apps: &[&App], change: impl FnOnce(&mut Route)) -> World {
    let mut app = app_route(apps);
    change(&mut app);
    World::with(|world, _| {
        let mut routes = world.routes.routes().to_vec();
        routes.push(app);
        *world = snapshot(routes);
    })
    .await
}

fn app_route(apps: &[&App]) -> Route {
    let targets: Vec<_> = apps.iter().map(|a| a.target()).collect();
    let first = targets.first().cloned();
    let mut route = route(
        "app.test",
        "/",
        first.unwrap_or_else(|| at(([127, 0, 0, 1], 1).into(), false)),
    );
    if !targets.is_empty() {
        route.upstreams = targets;
    }
    route.public = vec![PublicPath::new(path("/public/"))];
    route
}

/// Somebody else's session.
fn session(world: &World, number: u8) -> String {
    world.sessions.open(number, |view| {
        view.session.id = SessionId::from_uuid(uuid::Uuid::from_u128(u128::from(number) << 64));
    })
}

/// A request to app.test on a connection of its own.
async fn ask_as(world: &World, token: &str, line: &str, headers: &str) -> Answer {
    let mut wire = world.plain().await;
    on_wire(&mut wire, token, line, headers, b"").await
}

async fn on_wire(wire: &mut Wire, token: &str, line: &str, headers: &str, body: &[u8]) -> Answer {
    let length = match body.len() {
        0 => String::new(),
        n => format!("Content-Length: {n}\r\n"),
    };
    wire.send(format!(
        "{line} HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\n{headers}{length}\r\n"
    ))
    .await;
    wire.send(body).await;
    wire.answer().await.expect("closed without an answer")
}

/// Waits for something that happens in the background.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..400 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

async fn ask(
    world: &World,
    host: &str,
    line: &str,
    headers: &str,
) -> crate::support::client::Answer {
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let mut wire = world.plain().await;
    wire.send(format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\n{cookie}{headers}\r\n"
    ))
    .await;
    wire.answer().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_gives_a_page() {
    let world = World::start().await;
    let answer = ask(&world, "down.test", "GET /", "Accept: text/html\r\n").await;
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("BadGateway"), "{}", answer.text());
    assert_eq!(answer.header("server"), None);
    let answer = ask(
        &world,
        "down.test",
        "GET /",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    )
    .await;
    assert_eq!(answer.status, 502);
    let answer = ask(&world, "wiki.test", "GET /slow", "").await;
    assert_eq!(answer.status, 504);
    assert!(answer.text().contains("gateway_timeout"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_upstream_takes_over() {
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        let dead = at(([127, 0, 0, 1], 1).into(), false);
        routes[0].upstreams = vec![dead.clone(), routes[0].upstreams[0].clone(), dead];
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    for _ in 0..6 {
        let post = "Content-Length: 0\r\n";
        assert_eq!(
            ask(&world, "wiki.test", "POST /page", post).await.status,
            200
        );
    }
}

/// A dead upstream first, a live one after it.
async fn half_dead() -> World {
    World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        let dead = at(([127, 0, 0, 1], 1).into(), false);
        routes[0].upstreams.insert(0, dead);
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_do_not_use_up_each_others_turns() {
    let world = half_dead().await;
    for _ in 0..5 {
        let asked = (0..100).map(|_| ask(&world, "wiki.test", "GET /page", ""));
        let answers = futures_util::future::join_all(asked).await;
        let failed = answers.iter().filter(|a| a.status != 200).count();
        assert_eq!(failed, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_too_finds_the_upstream_that_lives() {
    let world = half_dead().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for _ in 0..4 {
        let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
        let mut wire = world.plain().await;
        wire.send(format!(
            "GET /ws HTTP/1.1\r\nHost: wiki.test\r\n{cookie}{upgrade}\r\n"
        ))
        .await;
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_upstreams_are_verified_by_the_routes_own_ca() {
    let wrong = Ca::new("another root");
    let world = World::with(|snapshot, dir| {
        let file = dir.join("wrong.pem");
        std::fs::write(&file, wrong.pem()).unwrap();
        let mut routes = snapshot.routes.routes().to_vec();
        let secure = routes
            .iter()
            .find(|r| r.title == "The tls.test")
            .unwrap()
            .clone();
        for (host, ca) in [("wrong.test", Some(file)), ("system.test", None)] {
            let mut other = route(host, "/", secure.upstreams[0].clone());
            other.delivery.tls.ca = ca;
            routes.push(other);
        }
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    assert_eq!(ask(&world, "wrong.test", "GET /", "").await.status, 502);
    // a good connection is in the pool now, and is nobody else's
    for _ in 0..2 {
        assert_eq!(ask(&world, "tls.test", "GET /", "").await.status, 200);
        assert_eq!(ask(&world, "wrong.test", "GET /", "").await.status, 502);
        assert_eq!(ask(&world, "system.test", "GET /", "").await.status, 502);
    }
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    assert_eq!(
        ask(&world, "wrong.test", "GET /ws", upgrade).await.status,
        502
    );
    assert_eq!(world.tls_upstream.connections(), 1);
    assert_eq!(world.tls_upstream.take().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_lets_requests_finish() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    wire.send(format!(
        "GET /sse HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    ))
    .await;
    wire.head().await;
    let idle = Wire::plain(world.http).await;
    let address = world.http;
    let stopping = tokio::spawn(world.running.shutdown(std::time::Duration::from_secs(30)));
    while let Some(chunk) = wire.chunk().await {
        assert!(chunk.starts_with(b"data: "));
    }
    stopping.await.unwrap();
    drop(idle);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
