//! Questions of front proxies, as raw requests in the words of each kind, and a proxy in front of our own pages.

use crate::support::client::{Answer, Wire};
use crate::support::log::lines;
use crate::support::world::World;
use std::net::SocketAddr;

/// May ask, and pass on, whoever is on this machine.
async fn world() -> World {
    World::with(|snapshot, _| {
        let here: ipnet::IpNet = "127.0.0.1/32".parse().unwrap();
        snapshot.askers = vec![here];
        snapshot.trusted_proxies = vec![here];
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            // one that nobody said may be asked about
            route.forward_auth = route.origin.host().as_str() != "other.test";
            if route.prefix.as_str() == "/secret" {
                route.upstreams.clear();
            }
        }
        snapshot.routes = vestibule::domain::route::Table::new(routes).unwrap();
    })
    .await
}

async fn send(to: SocketAddr, text: &str) -> Answer {
    let mut wire = Wire::plain(to).await;
    wire.send(text).await;
    let method = text.split(' ').next().unwrap();
    wire.answer_to(method).await.expect("an answer")
}

/// What a kind of proxy makes of a browser's request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nginx,
    Caddy,
    Envoy,
}
const KINDS: [Kind; 3] = [Kind::Nginx, Kind::Caddy, Kind::Envoy];

fn question(kind: Kind, line: &str, host: &str, more: &str) -> String {
    let (method, target) = line.split_once(' ').unwrap();
    let common = format!("X-Forwarded-For: 192.0.2.7\r\n{more}\r\n");
    match kind {
        Kind::Nginx => format!(
            "GET /.vestibule/verify HTTP/1.0\r\nHost: vestibule\r\nConnection: close\r\n\
             X-Original-URL: https://{host}{target}\r\nX-Original-Method: {method}\r\n{common}"
        ),
        Kind::Caddy => format!(
            "GET /.vestibule/verify HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Method: {method}\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Uri: {target}\r\n{common}"
        ),
        Kind::Envoy => format!(
            "{method} /.vestibule/verify{target} HTTP/1.1\r\nHost: {host}\r\n\
             X-Forwarded-Proto: https\r\nContent-Length: 0\r\n{common}"
        ),
    }
}

const PAGE: &str = "Accept: text/html\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_proxy_is_told_who_it_is() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for kind in KINDS {
        let ask = question(kind, "GET /page?x=1", "wiki.test", &cookie);
        let answer = send(world.asked, &ask).await;
        assert_eq!(answer.status, 200, "{kind:?}: {answer:?}");
        assert_eq!(answer.headers("remote-user"), ["aino"], "{kind:?}");
        assert_eq!(answer.headers("remote-email"), ["aino@example.com"]);
        assert_eq!(answer.headers("remote-groups"), ["staff"]);
        assert_eq!(answer.headers("x-employee"), ["E7"]);
        let assertion = answer.headers("x-vestibule-assertion");
        assert_eq!(assertion, ["signed.aino.https://wiki.test"]);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert!(world.upstream.take().is_empty(), "the proxy passes on");
}

/// An answer without a name leaves a client's own header standing in some proxies.
#[tokio::test(flavor = "multi_thread")]
async fn every_name_is_answered_and_empty_where_there_is_nobody() {
    let world = world().await;
    for kind in KINDS {
        for cookie in [
            String::new(),
            format!("Cookie: __Host-vestibule={}\r\n", world.token),
        ] {
            let more = format!("{cookie}Remote-User: evil\r\n");
            let answer = send(
                world.asked,
                &question(kind, "GET /public/x", "wiki.test", &more),
            )
            .await;
            assert_eq!(answer.status, 200, "{kind:?}");
            for name in [
                "remote-user",
                "remote-email",
                "remote-name",
                "remote-groups",
                "x-employee",
                "x-vestibule-assertion",
            ] {
                assert_eq!(answer.headers(name), [""], "{kind:?} {name}");
            }
            assert!(!answer.head.contains("evil"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_answered_as_each_kind_can_pass_it_on() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    // request, headers, status in full, status for a proxy that knows yes, 401 and 403
    let table = [
        ("GET /page?a=b", PAGE.to_owned(), 302, 401),
        ("GET /page", "Accept: */*\r\n".to_owned(), 401, 401),
        ("POST /page", format!("{PAGE}{form}"), 401, 401),
        ("GET /admin", format!("{PAGE}{cookie}"), 403, 403),
        ("GET /secret", format!("{PAGE}{cookie}"), 302, 401),
        ("GET /secret", cookie.clone(), 401, 401),
        ("POST /readonly", cookie.clone(), 405, 403),
        ("GET /.vestibule/callback", cookie.clone(), 404, 403),
        ("GET /.VESTIBULE;x/callback", cookie.clone(), 404, 403),
        ("GET //public/x", cookie.clone(), 400, 400),
        ("GET /public/..%2fadmin", cookie.clone(), 400, 400),
        ("GET /public/x#/admin", cookie.clone(), 400, 400),
        ("GET /admin#/public/x", cookie.clone(), 400, 400),
        ("TRACE /page", cookie.clone(), 405, 405),
    ];
    for (line, headers, whole, verdict) in &table {
        for kind in KINDS {
            let answer = send(world.asked, &question(kind, line, "wiki.test", headers)).await;
            let want = if kind == Kind::Nginx { verdict } else { whole };
            assert_eq!(answer.status, *want, "{kind:?} {line}: {}", answer.head);
            assert_eq!(answer.header("remote-user"), None);
            let to = answer.header("location");
            assert_eq!(to.is_some(), *whole == 302, "{kind:?} {line}: {to:?}");
        }
    }
    for kind in KINDS {
        let ask = question(kind, "GET /page?a=b", "wiki.test", PAGE);
        let answer = send(world.asked, &ask).await;
        let want = "https://login.test/signin?to=https://wiki.test/page?a=b";
        assert_eq!(answer.header("location"), Some(want));
        let planted = answer.header("set-cookie").unwrap();
        assert!(planted.starts_with("__Host-vestibule-pre="), "{planted}");
        // hosts that are not ours, ours that is no application, and a route that does not say so
        for (host, whole) in [("evil.test", 421), ("login.test", 421), ("other.test", 404)] {
            let ask = question(kind, "GET /public/x", host, &format!("{PAGE}{cookie}"));
            let answer = send(world.asked, &ask).await;
            let want = if kind == Kind::Nginx { 403 } else { whole };
            assert_eq!(answer.status, want, "{kind:?} {host}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_good_on_its_own_host_only() {
    let world = world().await;
    let token = world.sessions.open(9, |view| {
        view.host = vestibule::domain::host::Host::parse("wiki.test");
    });
    let cookie = format!("Cookie: __Host-vestibule={token}\r\n");
    for kind in KINDS {
        for (host, want) in [("wiki.test", 200), ("down.test", 401)] {
            let answer = send(world.asked, &question(kind, "GET /", host, &cookie)).await;
            assert_eq!(answer.status, want, "{kind:?} {host}");
        }
    }
    world
        .sessions
        .away
        .store(true, std::sync::atomic::Ordering::SeqCst);
    for kind in KINDS {
        let answer = send(world.asked, &question(kind, "GET /", "wiki.test", &cookie)).await;
        assert_eq!(answer.status, 503, "{kind:?}");
        let answer = send(
            world.asked,
            &question(kind, "GET /public/x", "wiki.test", &cookie),
        )
        .await;
        assert_eq!(answer.status, 200, "{kind:?}");
    }
}

/// CVE-2026-40575: another vocabulary than the proxy's own is the browser's.
#[tokio::test(flavor = "multi_thread")]
async fn two_questions_in_one_are_refused() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for kind in KINDS {
        for forged in [
            "X-Original-URL: https://wiki.test/public/x",
            "X-Original-URL: https://wiki.test/public/x\r\nX-Original-Method: GET",
            "X-Forwarded-Uri: /public/x",
            "X-Forwarded-Host: other.test",
            "X-Forwarded-Method: HEAD",
            "X-Forwarded-Proto: http",
            "x-original-method: HEAD",
        ] {
            let more = format!("{cookie}{forged}\r\n");
            let ask = question(kind, "GET /admin", "wiki.test", &more);
            let answer = send(world.asked, &ask).await;
            assert_eq!(answer.status, 400, "{kind:?} {forged}: {}", answer.head);
        }
    }
    // nothing that only looks like one is read
    for kind in KINDS {
        for odd in [
            "X_Original_URL: /public/x",
            "X-Original-URI: /public/x",
            "X-Rewrite-URL: /public/x",
        ] {
            let ask = question(
                kind,
                "GET /admin",
                "wiki.test",
                &format!("{cookie}{odd}\r\n"),
            );
            assert_eq!(send(world.asked, &ask).await.status, 403, "{kind:?} {odd}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_may_not_ask() {
    let log = lines();
    // by default nobody may
    let world = World::with(|snapshot, _| {
        let here: ipnet::IpNet = "127.0.0.1/32".parse().unwrap();
        snapshot.trusted_proxies = vec![here];
    })
    .await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for kind in KINDS {
        for line in ["GET /public/x", "GET /page"] {
            let answer = send(world.asked, &question(kind, line, "wiki.test", &cookie)).await;
            assert_eq!(answer.status, 403, "{kind:?}");
            assert_eq!(answer.header("remote-user"), None);
        }
    }
    // nor anybody on a listener that is not there for it
    for kind in KINDS {
        let ask = question(kind, "GET /page", "wiki.test", &cookie);
        let answer = send(world.http, &ask).await;
        assert!(
            matches!(answer.status, 404 | 421),
            "{kind:?} {}",
            answer.head
        );
        let answer = send(world.behind_proxy, &ask).await;
        assert_ne!(answer.status, 200, "{kind:?}");
        assert_eq!(answer.header("remote-user"), None);
    }
    assert!(
        log.text()
            .contains("not one of forward_auth.trusted_proxies")
    );
}

/// Without it everybody would have the proxy's own address.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_who_the_proxy_says_and_nobody_else() {
    let world = World::with(|snapshot, _| {
        snapshot.askers = vec!["127.0.0.1/32".parse().unwrap()];
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            route.forward_auth = true;
            route.access.networks = vec!["127.0.0.0/8".parse().unwrap()];
        }
        snapshot.routes = vestibule::domain::route::Table::new(routes).unwrap();
    })
    .await;
    for kind in KINDS {
        let ask = question(kind, "GET /public/x", "wiki.test", "");
        for (said, want) in [
            ("X-Forwarded-For: 192.0.2.7\r\n", 403),
            ("X-Forwarded-For: 127.0.0.9\r\n", 200),
            ("X-Forwarded-For: 127.0.0.9, 192.0.2.7\r\n", 403),
            ("X-Forwarded-For: unknown\r\n", 400),
            ("", 400),
        ] {
            let ask = ask.replace("X-Forwarded-For: 192.0.2.7\r\n", said);
            let answer = send(world.asked, &ask).await;
            assert_eq!(answer.status, want, "{kind:?} {said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_opens_no_socket() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let key = "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n";
    for kind in KINDS {
        for (origin, want) in [
            ("Origin: https://wiki.test\r\n", 200),
            ("Origin: https://evil.test\r\n", 403),
            ("Origin: null\r\n", 403),
            ("", 200),
        ] {
            let more = format!("{cookie}{key}{origin}");
            let answer = send(world.asked, &question(kind, "GET /ws", "wiki.test", &more)).await;
            assert_eq!(answer.status, want, "{kind:?} {origin:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served_where_questions_are_answered() {
    let world = world().await;
    for line in [
        "GET /",
        "GET /.vestibule/callback",
        "GET /.vestibule/verifyx",
        "GET /signin",
    ] {
        for host in ["login.test", "wiki.test"] {
            let text =
                format!("{line} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n\r\n");
            assert_eq!(send(world.asked, &text).await.status, 404, "{line} {host}");
        }
    }
    let plain =
        "GET /.vestibule/verify HTTP/1.1\r\nHost: wiki.test\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    assert_eq!(send(world.asked, plain).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_at_the_proxy_is_sent_to_https() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for kind in KINDS {
        let ask = question(kind, "GET /page?x", "wiki.test", &cookie);
        let ask = ask
            .replace("https://wiki", "http://wiki")
            .replace("Proto: https", "Proto: http");
        let answer = send(world.asked, &ask).await;
        let want = if kind == Kind::Nginx { 401 } else { 308 };
        assert_eq!(answer.status, want, "{kind:?}");
        assert_eq!(answer.header("location"), Some("https://wiki.test/page?x"));
    }
}

/// TLS ends at a proxy in front.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_https_is_what_the_proxy_says() {
    let world = world().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let get = |host: &str, path: &str, proto: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}X-Forwarded-For: 192.0.2.7\r\n{proto}\r\n"
        )
    };
    let https = "X-Forwarded-Proto: https\r\n";
    let answer = send(world.behind_proxy, &get("wiki.test", "/page", https)).await;
    assert_eq!(answer.status, 200);
    let seen = world.upstream.only();
    assert!(seen.contains("X-Forwarded-Proto: https\r\n"), "{seen}");
    assert!(seen.contains("X-Forwarded-For: 192.0.2.7\r\n"), "{seen}");
    let answer = send(world.behind_proxy, &get("login.test", "/", https)).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "portal"));
    assert!(answer.header("strict-transport-security").is_some());
    // over http it is sent to https, and nothing is served
    for host in ["wiki.test", "login.test"] {
        let answer = send(
            world.behind_proxy,
            &get(host, "/x", "X-Forwarded-Proto: http\r\n"),
        )
        .await;
        assert_eq!(answer.status, 308);
        assert_eq!(
            answer.header("location"),
            Some(format!("https://{host}/x").as_str())
        );
    }
    for unclear in [
        "",
        "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n",
        "X-Forwarded-Proto: https, http\r\n",
        "X-Forwarded-Proto: spdy\r\n",
    ] {
        let answer = send(world.behind_proxy, &get("wiki.test", "/x", unclear)).await;
        assert_eq!(answer.status, 400, "{unclear:?}");
    }
    // a route that is only asked about has nothing here
    let answer = send(world.behind_proxy, &get("wiki.test", "/secret", https)).await;
    assert_eq!(answer.status, 404);
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_nobody_else_is_served() {
    let world = World::start().await;
    for host in ["wiki.test", "login.test"] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n\r\n");
        assert_eq!(send(world.behind_proxy, &text).await.status, 403);
    }
    assert!(world.upstream.take().is_empty());
}

/// The second path of a MOVE is a way past other routes, whoever passes the request on.
#[tokio::test(flavor = "multi_thread")]
async fn a_destination_is_decided_on_as_well() {
    let world = world().await;
    for kind in KINDS {
        for (place, status) in [
            ("https://wiki.test/other", 200),
            ("/other", 200),
            ("https://wiki.test/secret/x", 403),
            ("https://wiki.test/admin/x", 403),
            ("https://other.test/x", 403),
            ("https://wiki.test/a/../secret", 403),
            // the whole of it, with the parts of other routes
            ("https://wiki.test/", 403),
        ] {
            let more = format!(
                "Cookie: __Host-vestibule={}\r\nDestination: {place}\r\n",
                world.token
            );
            let ask = question(kind, "MOVE /page", "wiki.test", &more);
            let answer = send(world.asked, &ask).await;
            assert_eq!(answer.status, status, "{kind:?} {place}");
        }
    }
}
