//! HTTP/2 and gRPC upstreams, and sockets of this machine.

use super::{app_route, ask_as, on_wire};
use crate::support::app::{Act, App};
use crate::support::client::tls;
use crate::support::world::{Ca, World, at, route, snapshot};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use vestibule::domain::route::{Route, Upstream};
use vestibule::domain::upstream::{HealthCheck, Protocol};

/// Speaks HTTP/2 and nothing else; echoes every body as gRPC does, with the status in the trailers.
#[derive(Clone, Default)]
struct Grpc {
    heads: Arc<Mutex<Vec<http::request::Parts>>>,
    connections: Arc<AtomicUsize>,
}

impl Grpc {
    async fn start(tls: Option<Arc<rustls::ServerConfig>>) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let grpc = Self::default();
        let this = grpc.clone();
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (this, tls) = (this.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => this.serve(tcp).await,
                        Some(config) => {
                            let acceptor = tokio_rustls::TlsAcceptor::from(config);
                            if let Ok(stream) = acceptor.accept(tcp).await {
                                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                                this.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        (grpc, address)
    }

    async fn serve(self, io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
        let Ok(mut connection) = h2::server::handshake(io).await else {
            return;
        };
        self.connections.fetch_add(1, Ordering::SeqCst);
        while let Some(Ok((request, respond))) = connection.accept().await {
            let heads = Arc::clone(&self.heads);
            tokio::spawn(async move {
                let _ = echo(request, respond, &heads).await;
            });
        }
    }
}

async fn echo(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    heads: &Mutex<Vec<http::request::Parts>>,
) -> Result<(), h2::Error> {
    let (parts, mut body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    heads.lock().push(parts);
    if path == "/slow" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let head = Response::builder().header("content-type", "application/grpc");
    let mut answer = respond.send_response(head.body(()).unwrap(), false)?;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        answer.send_data(chunk, false)?;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    trailers.insert("grpc-message", http::HeaderValue::from_static("done"));
    answer.send_trailers(trailers)
}

async fn world_with(target: Upstream, change: impl FnOnce(&mut Route)) -> World {
    World::with(|world, _| {
        let mut routes = world.routes.routes().to_vec();
        let mut app = route("grpc.wild.test", "/", target);
        change(&mut app);
        routes.push(app);
        *world = snapshot(routes);
    })
    .await
}

/// A call over HTTP/2 and TLS: the messages come back one by one, then the trailers.
async fn call(
    world: &World,
    path: &str,
    messages: &[&str],
) -> (Vec<String>, HeaderMap, Response<()>) {
    let io = tls(world.https, "grpc.wild.test", &world.ca.roots(), &[b"h2"])
        .await
        .unwrap();
    let (mut client, connection) = h2::client::handshake(io).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::post(format!("https://grpc.wild.test{path}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header("remote-user", "root")
        .header("cookie", format!("__Host-vestibule={}", world.token))
        .body(())
        .unwrap();
    let (response, mut stream) = client.send_request(request, false).unwrap();
    let mut messages = messages.iter();
    let first = messages.next().unwrap();
    stream
        .send_data(Bytes::copy_from_slice(first.as_bytes()), false)
        .unwrap();
    let response = tokio::time::timeout(Duration::from_secs(20), response).await;
    let (parts, mut body) = response.expect("no answer").unwrap().into_parts();
    let mut echoed = Vec::new();
    loop {
        // each message is answered before the next is sent: nothing waits for the end of the request
        let chunk = tokio::time::timeout(Duration::from_secs(20), body.data()).await;
        let Some(chunk) = chunk.expect("no message") else {
            break;
        };
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        if !chunk.is_empty() {
            echoed.push(String::from_utf8(chunk.to_vec()).unwrap());
            match messages.next() {
                Some(message) => {
                    stream
                        .send_data(Bytes::copy_from_slice(message.as_bytes()), false)
                        .unwrap();
                }
                None => stream.send_data(Bytes::new(), true).unwrap(),
            }
        }
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    driver.abort();
    (echoed, trailers, Response::from_parts(parts, ()))
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_streams_both_ways_with_its_trailers() {
    let (grpc, address) = Grpc::start(None).await;
    let world = world_with(at(address, false), |r| r.delivery.protocol = Protocol::H2).await;
    let (echoed, trailers, response) =
        call(&world, "/echo.Echo/All", &["one", "two", "three"]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(echoed, ["one", "two", "three"]);
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(trailers["grpc-message"], "done");
    let heads = grpc.heads.lock();
    let head = &heads[0];
    assert_eq!(head.headers["te"], "trailers");
    assert_eq!(head.headers["remote-user"], "aino");
    assert!(!head.headers.contains_key("cookie"));
    assert_eq!(head.uri.authority().unwrap(), "grpc.wild.test");
    assert_eq!(head.uri.path(), "/echo.Echo/All");
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_by_agreement_where_https_offers_it() {
    let ca = Ca::new("upstreams");
    let mut config = Arc::try_unwrap(ca.server(&["localhost"])).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (grpc, address) = Grpc::start(Some(Arc::new(config))).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, ca.pem()).unwrap();
    let world = world_with(at(address, true), |r| {
        r.delivery.protocol = Protocol::Auto;
        r.delivery.tls.ca = Some(file);
    })
    .await;
    let (echoed, trailers, _) = call(&world, "/x", &["one"]).await;
    assert_eq!(
        (echoed.as_slice(), &trailers["grpc-status"]),
        (&["one".to_owned()][..], &"0".parse().unwrap())
    );
    assert_eq!(grpc.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_speaks_http1_with_those_that_know_no_other() {
    let world = World::with(|world, _| {
        let mut routes = world.routes.routes().to_vec();
        for route in &mut routes {
            route.delivery.protocol = Protocol::Auto;
        }
        *world = snapshot(routes);
    })
    .await;
    for host in ["tls.test", "wiki.test"] {
        let mut wire = world.plain().await;
        let token = &world.token;
        wire.send(format!(
            "GET /page HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.answer().await.unwrap().status, 200, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_one_http2_connection() {
    let (grpc, address) = Grpc::start(None).await;
    let world = world_with(at(address, false), |r| {
        r.delivery.protocol = Protocol::H2;
        r.delivery.health = Some(HealthCheck {
            path: Some("/health".into()),
            host: None,
            expect: 200,
            interval: Duration::from_secs(3600),
            timeout: Duration::from_secs(5),
            healthy: 1,
            unhealthy: 1,
        });
    })
    .await;
    let up = |e: &String| e.starts_with("Health") && e.ends_with("up: true }");
    super::until("it is checked over HTTP/2", || {
        world.counts.upstreams.lock().iter().any(up)
    })
    .await;
    let (before, checks) = (
        grpc.connections.load(Ordering::SeqCst),
        grpc.heads.lock().len(),
    );
    let mut wires = Vec::new();
    for n in 1..=20 {
        let mut wire = world.plain().await;
        let token = &world.token;
        wire.send(format!(
            "GET /slow HTTP/1.1\r\nHost: grpc.wild.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        ))
        .await;
        wires.push(wire);
        // one after the other: those that come in the same moment may open connections of their own
        super::until("the request arrives", || {
            grpc.heads.lock().len() == checks + n
        })
        .await;
    }
    for mut wire in wires {
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    assert_eq!(grpc.connections.load(Ordering::SeqCst), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let app = App::on_socket(&path, |hit| match hit.header("upgrade") {
        Some(_) => Act::Echo,
        None => Act::Answer(format!("received {}", hit.body.len())),
    });
    let world = World::with(|world, _| {
        let mut route = app_route(&[]);
        route.upstreams = vec![Upstream::Unix(path.clone())];
        *world = snapshot(vec![route]);
    })
    .await;
    let mut wire = world.plain().await;
    for _ in 0..3 {
        let answer = on_wire(&mut wire, &world.token, "POST /", "", &[b'x'; 70_000]).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "received 70000")
        );
    }
    assert_eq!(app.connections(), 1, "the connection is used again");
    let hits = app.take();
    assert_eq!(hits[0].header("host"), Some("app.test"));
    assert_eq!(hits[0].header("remote-user"), Some("aino"));

    let mut wire = world.plain().await;
    let token = &world.token;
    wire.send(format!(
        "GET /ws HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping"
    ))
    .await;
    assert!(wire.head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(wire.exactly(4).await, b"ping");

    app.stop().await;
    assert_eq!(ask_as(&world, &world.token, "GET /", "").await.status, 502);
}
