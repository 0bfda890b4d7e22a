//! What one client may cost: how often, how slowly, how long.

use crate::support::client::Wire;
use crate::support::h2;
use crate::support::world::World;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::Instant;
use vestibule::domain::limits::{Limits, Rate, RouteLimits};
use vestibule::domain::route::Table;
use vestibule::gateway::Snapshot;

const SECOND: Duration = Duration::from_secs(1);

/// The limits of all, and those of every route.
async fn world(all: impl FnOnce(&mut Limits), route: RouteLimits) -> World {
    World::with(|snapshot, _| {
        all(&mut snapshot.limits);
        limit_routes(snapshot, route);
    })
    .await
}

fn limit_routes(snapshot: &mut Snapshot, limits: RouteLimits) {
    let mut routes = snapshot.routes.routes().to_vec();
    for route in &mut routes {
        route.limits = limits;
    }
    snapshot.routes = Table::new(routes).unwrap();
}

fn rate(requests: u32, seconds: u64) -> RouteLimits {
    RouteLimits {
        rate: Some(Rate {
            requests,
            span: SECOND * u32::try_from(seconds).unwrap(),
        }),
        ..RouteLimits::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_has_a_rate_and_strangers_share_that_of_their_network() {
    let world = world(|_| {}, rate(120, 60)).await;
    for _ in 0..2 {
        assert_eq!(world.signed_in("GET /page", "").await.status, 200);
    }
    let over = world.signed_in("GET /page", "").await;
    assert_eq!(over.status, 429);
    assert_eq!(over.header("retry-after"), Some("1"));
    assert!(
        over.text().contains("\"too_many_requests\""),
        "{}",
        over.text()
    );
    let page = world.signed_in("GET /page", "Accept: text/html\r\n").await;
    assert_eq!(page.status, 429);
    assert!(page.text().contains("<h1>"), "{}", page.text());
    // by the person, not by the session: a second browser gives no second rate
    let again = world.sessions.open(2, |_| {});
    let cookie = format!("Cookie: __Host-vestibule={again}\r\n");
    assert_eq!(world.ask("GET /page", &cookie).await.status, 429);
    // another person, and another place, are not concerned
    let other = world.sessions.open(3, |view| {
        let mut account = (*view.subject).clone();
        account.id = vestibule::domain::id::AccountId::from_uuid(uuid::Uuid::from_u128(77));
        view.subject = account.into();
    });
    let cookie = format!("Cookie: __Host-vestibule={other}\r\n");
    assert_eq!(world.ask("GET /page", &cookie).await.status, 200);
    assert_eq!(world.signed_in("GET /small", "").await.status, 200);
    world.upstream.take();
    // public paths by network; what a client says about its address does not matter
    let said = |n: usize| format!("X-Forwarded-For: 192.0.2.{n}\r\n");
    let mut answers = Vec::new();
    for n in 0..4 {
        answers.push(world.ask("GET /public/x", &said(n)).await.status);
    }
    assert_eq!(answers, [200, 200, 429, 429]);
    assert_eq!(
        world.upstream.take().len(),
        2,
        "nothing over the rate arrives"
    );
    // nor are those who have no session at all: they are asked to sign in, whatever the rate
    assert_eq!(world.ask("GET /page", "").await.status, 401);
    tokio::time::sleep(SECOND).await;
    assert_eq!(world.signed_in("GET /page", "").await.status, 200);
    let limited = ("too_many", 429);
    assert!(world.counts.outcomes.lock().contains(&limited));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_counts_all_protocols_together_and_a_reload_forgets_nothing() {
    let limits = rate(2, 3600);
    let mut snapshot = None;
    let world = World::with(|s, _| {
        limit_routes(s, limits);
        snapshot = Some(s.clone());
    })
    .await;
    assert_eq!(world.signed_in("GET /page", "").await.status, 200);
    world.install(snapshot.unwrap());
    let cookie = format!("__Host-vestibule={}", world.token);
    let mut client = h2::connect(&world, "wiki.test").await;
    let cookies = [("cookie", cookie.as_str())];
    let answer = h2::get(&mut client, "https://wiki.test/page", &cookies).await;
    assert_eq!(answer.unwrap().status(), 429);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(world.signed_in("GET /ws", upgrade).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_answered_408_and_one_at_a_pace_is_taken() {
    let world = world(
        |l| {
            l.body_rate = Some(1000);
            l.body_grace = SECOND;
        },
        RouteLimits::default(),
    )
    .await;
    let head = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: {length}\r\n\r\n",
            world.token
        )
    };
    // patience is the grace and the application's two seconds; what was sent at first buys no more of it
    let mut wire = world.plain().await;
    let began = Instant::now();
    wire.send(head("/upload", 10_000_000)).await;
    wire.send(vec![b'x'; 1_000_000]).await;
    while !wire.closes_within(Duration::from_millis(200)).await {
        wire.send("x").await;
        assert!(began.elapsed() < SECOND * 12, "still open");
    }
    assert!(began.elapsed() > SECOND * 2, "{:?}", began.elapsed());
    let mut wire = world.plain().await;
    wire.send(head("/upload", 1000)).await;
    let drip = async {
        let mut wire = wire;
        for _ in 0..60 {
            wire.send("x").await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        wire.answer().await
    };
    assert_eq!(drip.await.unwrap().status, 408);
    // nor does an application's invitation to send buy any
    let mut wire = world.plain().await;
    wire.send(head("/expect", 100_000)).await;
    assert_eq!(wire.answer().await.unwrap().status, 100);
    for _ in 0..60 {
        wire.send("x").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(wire.answer().await.unwrap().status, 408);
    // slow, but not as slow
    let mut wire = world.plain().await;
    wire.send(head("/upload", 10_000)).await;
    for _ in 0..20 {
        wire.send(vec![b'x'; 500]).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(wire.answer().await.unwrap().text(), "received 10000");
    // an application that talks both ways has no pace
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /both-ways HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nTransfer-Encoding: chunked\r\n\r\n",
        world.token
    ))
    .await;
    wire.head().await;
    assert_eq!(wire.chunk().await.unwrap(), b"hi");
    for _ in 0..25 {
        wire.send("1\r\nx\r\n").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.chunk().await.unwrap(), b"bye");
    assert!(
        world
            .counts
            .outcomes
            .lock()
            .contains(&("request_timeout", 408))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_in_a_body_is_answered_408() {
    let world = world(|l| l.stall = SECOND * 2, RouteLimits::default()).await;
    // read before it is sent, or sent as it comes
    for length in [10, 100_000] {
        let mut wire = world.plain().await;
        wire.send(format!(
            "POST /upload HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: {length}\r\n\r\nabc",
            world.token
        ))
        .await;
        assert_eq!(wire.answer().await.unwrap().status, 408);
        assert!(wire.closes_within(SECOND * 5).await);
    }
    // a page's form, too
    let mut wire = world.tls("login.test").await;
    wire.send("POST /echo HTTP/1.1\r\nHost: login.test\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    assert_eq!(wire.answer().await.unwrap().status, 408);

    let mut client = h2::connect(&world, "wiki.test").await;
    let request = http::Request::post("https://wiki.test/upload")
        .header("cookie", format!("__Host-vestibule={}", world.token))
        .body(())
        .unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    body.send_data("abc".into(), false).unwrap();
    let answer = tokio::time::timeout(SECOND * 12, answer).await;
    assert_eq!(answer.expect("still waiting").unwrap().status(), 408);
    // the connection and its other streams go on
    let answer = h2::get(&mut client, "https://wiki.test/public/x", &[]).await;
    assert_eq!(answer.unwrap().status(), 200);
}

/// 40 MiB, and a client that takes a byte now and then.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let world = world(|l| l.stall = SECOND * 2, RouteLimits::default()).await;
    let request = format!(
        "GET /bytes?41943040 HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    );
    let aborted = || {
        let outcomes = world.counts.outcomes.lock();
        outcomes.iter().filter(|(o, _)| *o == "aborted").count()
    };
    let began = Instant::now();
    let mut plain = world.plain().await;
    plain.send(&request).await;
    let mut secure = world.tls("wiki.test").await;
    secure.send(&request).await;
    while aborted() < 2 {
        plain.exactly(1).await;
        secure.exactly(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(began.elapsed() < SECOND * 15, "still being sent");
    }
    // who reads on gets what was in the sockets, not the whole
    let (read, ended) = plain.drained(SECOND * 5).await;
    assert!(ended && read < 41_943_040, "{read}");
    // a stream whose window stays shut
    let mut client = h2::connect(&world, "wiki.test").await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let uri = "https://wiki.test/bytes?41943040";
    let answer = h2::get(&mut client, uri, &[("cookie", &cookie)])
        .await
        .unwrap();
    let mut body = answer.into_body();
    let ended = async {
        // nothing is given back to the window
        while let Some(Ok(_)) = body.data().await {}
    };
    tokio::time::timeout(SECOND * 10, ended)
        .await
        .expect("still being sent");
    // and the connection serves others
    let answer = h2::get(&mut client, "https://wiki.test/public/x", &[]).await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routes_time_ends_a_request_whatever_it_waits_for() {
    let limits = RouteLimits {
        time: Some(SECOND * 2),
        ..RouteLimits::default()
    };
    let world = World::with(|snapshot, _| {
        limit_routes(snapshot, limits);
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            route.timeouts.read = SECOND * 60;
        }
        snapshot.routes = Table::new(routes).unwrap();
    })
    .await;
    // nothing came yet: the application is too slow, and that is said
    let began = Instant::now();
    assert_eq!(world.signed_in("GET /slow", "").await.status, 504);
    assert!(began.elapsed() < SECOND * 6, "{:?}", began.elapsed());
    // an answer that has begun ends
    for path in ["/events", "/quiet"] {
        let mut wire = world.tls("wiki.test").await;
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
            world.token
        ))
        .await;
        wire.head().await;
        assert!(wire.closes_within(SECOND * 8).await, "{path}");
    }
    let mut client = h2::connect(&world, "wiki.test").await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let uri = "https://wiki.test/events";
    let answer = h2::get(&mut client, uri, &[("cookie", &cookie)])
        .await
        .unwrap();
    let ended = tokio::time::timeout(SECOND * 8, h2::body(answer)).await;
    assert!(ended.expect("still open").is_err());
    assert_eq!(world.signed_in("GET /page", "").await.status, 200);
}

/// A body that comes when there is no time left is no request, and is told so before it is cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_routes_time_is_a_short_bodys_time() {
    let limits = RouteLimits {
        time: Some(SECOND * 2),
        ..RouteLimits::default()
    };
    let world = world(|_| {}, limits).await;
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /page HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: 2\r\n\r\nx",
        world.token
    ))
    .await;
    assert_eq!(wire.answer().await.unwrap().status, 408);
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed() {
    let world = world(|l| l.idle = SECOND * 2, RouteLimits::default()).await;
    let mut wire = world.plain().await;
    wire.send("GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert!(wire.closes_within(SECOND * 8).await);
    let mut frames = h2::Frames::open(&world, "wiki.test").await;
    let began = Instant::now();
    while frames.next(SECOND * 20).await.is_some() {}
    assert!(began.elapsed() < SECOND * 10, "{:?}", began.elapsed());
    // pings are no reason to stay
    let mut frames = h2::Frames::open(&world, "wiki.test").await;
    let began = Instant::now();
    while frames.send(h2::PING, 0, 0, &[0; 8]).await && began.elapsed() < SECOND * 12 {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(began.elapsed() < SECOND * 12, "kept by pings");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_handshakes_have_their_time() {
    let world = world(
        |l| {
            l.header = SECOND * 2;
            l.handshake = SECOND * 2;
        },
        RouteLimits::default(),
    )
    .await;
    for warm in [false, true] {
        let mut wire = world.plain().await;
        if warm {
            wire.send("GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
                .await;
            assert_eq!(wire.answer().await.unwrap().status, 200);
        }
        let began = Instant::now();
        wire.send("GET / HTTP/1.1\r\n").await;
        while !wire.closes_within(Duration::from_millis(300)).await {
            wire.send("A: b\r\n").await;
            assert!(began.elapsed() < SECOND * 8, "still open");
        }
        assert!(began.elapsed() > SECOND, "{:?}", began.elapsed());
    }
    // a hello that does not come, or comes a byte at a time
    for hello in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut io = tokio::net::TcpStream::connect(world.https).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut io, hello)
            .await
            .unwrap();
        let mut wire = crate::support::client::Wire::over(Box::new(io));
        assert!(wire.closes_within(SECOND * 8).await, "{hello:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_end_soon_after_their_session() {
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            route.timeouts.read = SECOND * 60;
        }
        snapshot.routes = Table::new(routes).unwrap();
    })
    .await;
    let other = world.sessions.open(9, |view| {
        let mut account = (*view.subject).clone();
        account.id = vestibule::domain::id::AccountId::from_uuid(uuid::Uuid::from_u128(99));
        view.subject = account.into();
        view.session.id = vestibule::domain::id::SessionId::from_uuid(uuid::Uuid::from_u128(98));
    });
    let get = |path: &str, token: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        )
    };
    // one of each: events, silence, a download, an upload, and the same on HTTP/2
    let mut wires = Vec::new();
    for path in ["/events", "/bytes?100000000000"] {
        for secure in [false, true] {
            let mut wire = match secure {
                true => world.tls("wiki.test").await,
                false => world.plain().await,
            };
            wire.send(get(path, &world.token)).await;
            wire.head().await;
            wires.push((path, wire));
        }
    }
    let mut client = h2::connect(&world, "wiki.test").await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let uri = "https://wiki.test/events";
    let events = h2::get(&mut client, uri, &[("cookie", &cookie)])
        .await
        .unwrap();
    let mut staying = world.plain().await;
    staying.send(get("/events", &other)).await;
    staying.head().await;
    let mut public = world.plain().await;
    public
        .send("POST /public/upload HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 1000000\r\n\r\n")
        .await;
    let mut upload = world.plain().await;
    upload
        .send(format!(
            "POST /upload HTTP/1.1\r\nHost: wiki.test\r\nCookie: {cookie}\r\nContent-Length: 1000000\r\n\r\n"
        ))
        .await;
    let reading: Vec<_> = wires
        .into_iter()
        .map(|(path, mut wire)| {
            tokio::spawn(async move { (path, wire.drained(SECOND * 20).await) })
        })
        .collect();
    let sending = tokio::spawn(async move {
        for _ in 0..100 {
            upload.send(vec![b'x'; 1000]).await;
            if upload.closes_within(Duration::from_millis(100)).await {
                return true;
            }
        }
        false
    });
    tokio::time::sleep(SECOND * 4).await;
    assert!(
        reading.iter().all(|task| !task.is_finished()),
        "ended before"
    );
    assert!(!sending.is_finished());
    let revoked = Instant::now();
    world.sessions.revoke(&world.token);
    let ended = tokio::time::timeout(SECOND * 6, h2::body(events)).await;
    assert!(ended.expect("HTTP/2 goes on").is_err());
    for task in reading {
        let (path, (read, ended)) = task.await.unwrap();
        assert!(ended && read > 0, "{path} goes on");
    }
    assert!(sending.await.unwrap(), "the upload goes on");
    assert!(revoked.elapsed() < SECOND * 6, "{:?}", revoked.elapsed());
    // the HTTP/2 connection itself, somebody else's answer and a stranger's upload are untouched
    let answer = h2::get(&mut client, "https://wiki.test/public/x", &[]).await;
    assert_eq!(answer.unwrap().status(), 200);
    assert!(!staying.drained(SECOND).await.1);
    public.send(vec![b'x'; 1_000_000]).await;
    assert_eq!(public.answer().await.unwrap().text(), "received 1000000");
    let outcomes = world.counts.outcomes.lock().clone();
    let ended = outcomes
        .iter()
        .filter(|(o, _)| *o == "session_ended")
        .count();
    assert_eq!(ended, 6, "{outcomes:?}");
    // what is cut short is written down like the rest
    for path in ["/bytes", "/upload"] {
        let told = world.counts.told_of(path).await;
        assert_eq!(told["outcome"], "session_ended", "{told}");
        assert_eq!(told["fault"], "cut");
        assert_eq!(told["login"], "aino");
        assert!(told["upstream"].is_string(), "{told}");
    }
    assert_eq!(world.counts.websockets.load(Ordering::SeqCst), 0);
}

/// The session runs out, the person leaves the group, the route goes: the answer ends. A reminder that comes due does
/// not tear a download.
#[tokio::test(flavor = "multi_thread")]
async fn answers_end_when_they_would_be_denied_and_not_when_more_is_asked() {
    let mut snapshot = None;
    let world = World::with(|s, _| snapshot = Some(s.clone())).await;
    let events = async || {
        let mut wire = world.plain().await;
        let token = world.sessions.open(5, |_| {});
        wire.send(format!(
            "GET /events HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        ))
        .await;
        wire.head().await;
        wire
    };
    let mut wire = events().await;
    let mut stricter = snapshot.clone().unwrap();
    stricter.two_factor.policy = vestibule::domain::policy::TwoFactor::Required;
    world.install(stricter);
    assert!(!wire.drained(SECOND * 5).await.1, "torn by a question");
    let mut without = snapshot.clone().unwrap();
    let mut routes = without.routes.routes().to_vec();
    routes[0].access.groups = ["admins".to_owned()].into();
    without.routes = Table::new(routes).unwrap();
    world.install(without);
    assert!(
        wire.drained(SECOND * 5).await.1,
        "goes on without the group"
    );
    world.install(snapshot.unwrap());
    let mut wire = events().await;
    world.clock.fetch_add(3601, Ordering::SeqCst);
    assert!(
        wire.drained(SECOND * 8).await.1,
        "goes on after the idle limit"
    );
}

/// The status of a request to a public path, asked from this address.
async fn from(world: &World, address: &str, headers: &str) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::new(address.parse().unwrap(), 0))
        .unwrap();
    let mut wire = Wire::over(Box::new(socket.connect(world.http).await.unwrap()));
    wire.send(format!(
        "GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n{headers}\r\n"
    ))
    .await;
    wire.answer().await.unwrap().status
}

/// A request that is under way until its body comes.
async fn under_way(world: &World, headers: &str) -> Wire {
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /public/x HTTP/1.1\r\nHost: wiki.test\r\n{headers}Content-Length: 2\r\n\r\nx"
    ))
    .await;
    // counted before anybody else asks: whoever does takes a place as well
    tokio::time::sleep(SECOND / 2).await;
    wire
}

async fn until_it_is(status: u16, ask: impl AsyncFn() -> u16) {
    for _ in 0..200 {
        if ask().await == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_requests_under_way_on_all_its_connections() {
    let world = world(|l| l.requests_per_address = 3, RouteLimits::default()).await;
    let mut open = vec![under_way(&world, "").await, under_way(&world, "").await];
    // a stream counts like a connection, and what a client says about its address changes nothing
    let mut client = h2::connect(&world, "wiki.test").await;
    let request = http::Request::post("https://wiki.test/public/x")
        .body(())
        .unwrap();
    let (_answer, body) = client.send_request(request, false).unwrap();
    tokio::time::sleep(SECOND / 2).await;
    until_it_is(429, async || {
        from(&world, "127.0.0.1", "X-Forwarded-For: 192.0.2.9\r\n").await
    })
    .await;
    let over = h2::get(&mut client, "https://wiki.test/public/x", &[]).await;
    assert_eq!(over.unwrap().status(), 429);
    assert_eq!(from(&world, "127.0.0.2", "").await, 200, "another address");
    // a place is free again when a request is answered, or its client goes away
    let mut first = open.remove(0);
    first.send("y").await;
    assert_eq!(first.answer().await.unwrap().status, 200);
    until_it_is(200, async || from(&world, "127.0.0.1", "").await).await;
    let _again = under_way(&world, "").await;
    until_it_is(429, async || from(&world, "127.0.0.1", "").await).await;
    drop((open, body));
    until_it_is(200, async || from(&world, "127.0.0.1", "").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_client_has_its_own() {
    let world = World::with(|s, _| {
        s.limits.requests_per_address = 1;
        s.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let named = |n: u8| format!("X-Forwarded-For: 192.0.2.{n}\r\n");
    let _open = under_way(&world, &named(1)).await;
    until_it_is(429, async || from(&world, "127.0.0.1", &named(1)).await).await;
    assert_eq!(from(&world, "127.0.0.1", &named(2)).await, 200);
    // the proxy itself asks for many
    let _own = (under_way(&world, "").await, under_way(&world, "").await);
    assert_eq!(from(&world, "127.0.0.1", "").await, 200);
}
