//! Requests two parsers could read differently are refused, and the connection with them.

use crate::support::client::{Answer, Wire};
use crate::support::world::World;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_framing_is_refused_and_the_connection_closed() {
    let world = World::start().await;
    let head = |line: &str, rest: &str| {
        format!(
            "{line}\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n{rest}",
            world.token
        )
    };
    let post = |rest: &str| head("POST /page HTTP/1.1", rest);
    let long = "x".repeat(9000);
    let cases: Vec<(&str, String, u16)> = vec![
        (
            "CL and TE",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "TE and CL",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "gzip, chunked",
            post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "chunked twice",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "TE x and chunked",
            post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "TE identity",
            post("Transfer-Encoding: identity\r\n\r\n"),
            400,
        ),
        (
            "TE chunked, identity",
            post("Transfer-Encoding: chunked, identity\r\n\r\n"),
            400,
        ),
        (
            "TE xchunked",
            post("Transfer-Encoding: xchunked\r\n\r\n"),
            400,
        ),
        (
            "TE with a space",
            post("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "TE with an underscore",
            post("Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc"),
            400,
        ),
        (
            "CL with an underscore",
            post("Content_Length: 3\r\n\r\nabc"),
            400,
        ),
        (
            "TE folded",
            post("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "TE on HTTP/1.0",
            head(
                "POST /page HTTP/1.0",
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "two CL",
            post("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            400,
        ),
        (
            "the same CL twice",
            post("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
            400,
        ),
        ("CL list", post("Content-Length: 3, 3\r\n\r\nabc"), 400),
        ("CL signed", post("Content-Length: +3\r\n\r\nabc"), 400),
        ("CL hex", post("Content-Length: 0x3\r\n\r\nabc"), 400),
        ("CL empty", post("Content-Length: \r\n\r\n"), 400),
        ("CL negative", post("Content-Length: -1\r\n\r\n"), 400),
        (
            "CL huge",
            post("Content-Length: 99999999999999999999\r\n\r\n"),
            400,
        ),
        ("no host", "GET /page HTTP/1.1\r\n\r\n".into(), 400),
        ("no host on 1.0", "GET /page HTTP/1.0\r\n\r\n".into(), 400),
        (
            "empty host",
            "GET /page HTTP/1.1\r\nHost: \r\n\r\n".into(),
            400,
        ),
        (
            "two hosts",
            head("GET /page HTTP/1.1", "Host: wiki.test\r\n\r\n"),
            400,
        ),
        (
            "two other hosts",
            head("GET /page HTTP/1.1", "Host: other.test\r\n\r\n"),
            400,
        ),
        (
            "other absolute host",
            head("GET http://other.test/page HTTP/1.1", "\r\n"),
            400,
        ),
        (
            "user information",
            head("GET http://a@wiki.test/page HTTP/1.1", "\r\n"),
            400,
        ),
        (
            "bad host",
            "GET / HTTP/1.1\r\nHost: wiki.test/x\r\n\r\n".into(),
            400,
        ),
        (
            "header name space",
            head("GET / HTTP/1.1", "A B: c\r\n\r\n"),
            400,
        ),
        ("bare CR", head("GET / HTTP/1.1", "A: b\rc\r\n\r\n"), 400),
        ("NUL", head("GET / HTTP/1.1", "A: b\0c\r\n\r\n"), 400),
        ("HTTP/1.2", head("GET / HTTP/1.2", "\r\n"), 400),
        ("nonsense", "hello\r\n\r\n".into(), 400),
        ("TRACE", head("TRACE / HTTP/1.1", "\r\n"), 405),
        (
            "CONNECT",
            "CONNECT wiki.test:443 HTTP/1.1\r\nHost: wiki.test:443\r\n\r\n".into(),
            405,
        ),
        ("CONNECT path", head("CONNECT /page HTTP/1.1", "\r\n"), 405),
        ("lower case", head("get /page HTTP/1.1", "\r\n"), 405),
        (
            "long target",
            head(&format!("GET /{long} HTTP/1.1"), "\r\n"),
            414,
        ),
        (
            "many fields",
            head("GET / HTTP/1.1", &format!("{}\r\n", "A: b\r\n".repeat(150))),
            431,
        ),
        (
            "large head",
            head(
                "GET / HTTP/1.1",
                &format!("A: {}\r\n\r\n", "x".repeat(40_000)),
            ),
            431,
        ),
        (
            "a name with an underscore",
            head("GET /page HTTP/1.1", "X_Harmless: 1\r\n\r\n"),
            400,
        ),
        (
            "a twin of the host",
            head("GET /page HTTP/1.1", "HOST_: x\r\n\r\n"),
            400,
        ),
        (
            "a folded value",
            head("GET /page HTTP/1.1", "A: b\r\n c\r\n\r\n"),
            400,
        ),
        (
            "no colon",
            head("GET /page HTTP/1.1", "Nonsense\r\n\r\n"),
            400,
        ),
        ("no name", head("GET /page HTTP/1.1", ": a\r\n\r\n"), 400),
        (
            "a space before the first name",
            "GET /page HTTP/1.1\r\n Host: wiki.test\r\n\r\n".into(),
            400,
        ),
        ("asterisk", head("GET * HTTP/1.1", "\r\n"), 400),
        ("no slash", head("GET page HTTP/1.1", "\r\n"), 400),
        ("query alone", head("GET ?a HTTP/1.1", "\r\n"), 400),
        ("a fragment", head("GET /page#x HTTP/1.1", "\r\n"), 400),
        ("no version", "GET /page\r\n\r\n".into(), 400),
        ("HTTP/2.0", head("GET /page HTTP/2.0", "\r\n"), 400),
        (
            "the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            400,
        ),
        (
            "many nominations",
            head(
                "GET /page HTTP/1.1",
                "Connection: a,b,c,d,e,f,g,h,i,j,k\r\n\r\n",
            ),
            400,
        ),
        (
            "a cookie of 33 KiB",
            head(
                "GET /page HTTP/1.1",
                &format!("Cookie: a={}\r\n\r\n", "x".repeat(33 * 1024)),
            ),
            431,
        ),
        ("NUL in target", head("GET /a\0b HTTP/1.1", "\r\n"), 400),
        ("tab in target", head("GET /a\tb HTTP/1.1", "\r\n"), 400),
    ];
    for (door, (name, request, want)) in doors(cases) {
        let mut wire = door.open(&world).await;
        // what follows must not be read as a second request
        wire.send(format!(
            "{request}GET /smuggled HTTP/1.1\r\nHost: wiki.test\r\n\r\n"
        ))
        .await;
        let answer = wire.answer().await;
        let status = answer.as_ref().map(|a| a.status);
        assert!(
            status == Some(want) || status == Some(400),
            "{name} {door:?}: {status:?}"
        );
        if let Some(answer) = answer {
            assert_eq!(answer.header("server"), None, "{name}");
            bears_our_headers(&answer, name);
        }
        assert!(
            wire.closes_within(Duration::from_secs(8)).await,
            "{name} {door:?} stays open"
        );
        let seen = world.upstream.take();
        assert!(seen.is_empty(), "{name}: {seen:?}");
    }
}

/// Where a request may come in.
#[derive(Clone, Copy, Debug)]
enum Door {
    Plain,
    Tls,
    /// Answers with a redirect, and must be no softer for it.
    Redirecting,
}

impl Door {
    async fn open(self, world: &World) -> Wire {
        match self {
            Self::Plain => world.plain().await,
            Self::Tls => world.tls("wiki.test").await,
            Self::Redirecting => Wire::plain(world.redirecting).await,
        }
    }
}

fn doors<T: Clone>(cases: Vec<T>) -> impl Iterator<Item = (Door, T)> {
    let through = |door| cases.clone().into_iter().map(move |case| (door, case));
    let all = [Door::Plain, Door::Tls, Door::Redirecting].map(through);
    all.into_iter().flatten().collect::<Vec<_>>().into_iter()
}

/// What every answer of ours tells a browser, refusals and redirects too.
fn bears_our_headers(answer: &Answer, name: &str) {
    let has = |header: &str, want: &str| {
        let value = answer.header(header).unwrap_or_default();
        assert!(value.contains(want), "{name}: {header}: {value:?}");
    };
    has("cache-control", "no-store");
    has("x-content-type-options", "nosniff");
    has("referrer-policy", "same-origin");
    has("x-frame-options", "DENY");
    has("content-security-policy", "frame-ancestors 'none'");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_ours_bears_our_headers() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for (line, headers, want) in [
        ("GET /page", "", 401),
        ("GET /page", "Accept: text/html\r\n", 302),
        ("GET /page", "Accept: text/plain\r\n", 401),
        ("GET /admin", cookie.as_str(), 403),
        ("POST /readonly", cookie.as_str(), 405),
        (
            "POST /small",
            &format!("{cookie}Content-Length: 2000\r\n"),
            413,
        ),
        ("GET /slow", cookie.as_str(), 504),
        ("TRACE /page", "", 405),
        ("GET /page", "X_Y: 1\r\n", 400),
    ] {
        let answer = world.ask(line, headers).await;
        assert_eq!(answer.status, want, "{line}");
        bears_our_headers(&answer, line);
    }
    for (host, want) in [("down.test", 502), ("nowhere.test", 421)] {
        let request = format!("GET /public/x HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n");
        let answer = world.raw(request).await.unwrap();
        assert_eq!(answer.status, want, "{host}");
        bears_our_headers(&answer, host);
    }
    let mut wire = Wire::plain(world.redirecting).await;
    wire.send("GET / HTTP/1.1\r\nHost: wiki.test\r\n\r\n").await;
    let answer = wire.answer().await.unwrap();
    assert_eq!(answer.status, 308);
    bears_our_headers(&answer, "redirect");
}

/// A body that cannot be read to its end is no request to the application, and nothing in it another.
#[tokio::test(flavor = "multi_thread")]
async fn broken_chunks_end_the_connection() {
    let world = World::start().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: wiki.test\r\n\r\n";
    let cases = vec![
        ("hexadecimal", "0x3\r\nabc\r\n0\r\n\r\n"),
        ("negative", "-3\r\nabc\r\n0\r\n\r\n"),
        ("signed", "+3\r\nabc\r\n0\r\n\r\n"),
        ("no size", "\r\nabc\r\n0\r\n\r\n"),
        ("words", "three\r\nabc\r\n0\r\n\r\n"),
        ("too large", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        ("longer than said", "3\r\nabcd\r\n0\r\n\r\n"),
        ("no end of a chunk", "3\r\nabc0\r\n\r\n"),
    ];
    for (door, (name, body)) in doors(cases) {
        let mut wire = door.open(&world).await;
        wire.send(format!(
            "POST /page HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nTransfer-Encoding: chunked\r\n\r\n{body}{smuggled}",
            world.token
        ))
        .await;
        let status = wire.answer().await.map(|a| a.status);
        // pingora takes a size that is missing for the last chunk's; the connection ends all the same
        assert!(
            name == "no size" || !matches!(status, Some(200..=299)),
            "{name} {door:?}: {status:?}"
        );
        assert!(
            wire.closes_within(Duration::from_secs(8)).await,
            "{name} {door:?} stays open"
        );
        let seen = world.upstream.take().join("");
        assert!(!seen.contains("smuggled"), "{name}: {seen}");
    }
}

/// Nobody pipelines any more. What comes behind a request in its packet is not read as a second one, and not lost
/// silently either: the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_one_and_an_end() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\n");
    for door in [Door::Plain, Door::Tls] {
        let mut wire = door.open(&world).await;
        wire.send(format!("{}{}", get("/one"), get("/two"))).await;
        let answer = wire.answer().await;
        assert!(
            answer
                .as_ref()
                .is_none_or(|a| matches!(a.status, 200 | 400)),
            "{door:?}: {answer:?}"
        );
        assert!(wire.closes_within(Duration::from_secs(8)).await, "{door:?}");
        let seen = world.upstream.take().join("");
        assert!(!seen.contains("/two"), "{door:?}: {seen}");
        // one after the other is another matter
        let mut wire = door.open(&world).await;
        for path in ["/one", "/two", "/three"] {
            wire.send(get(path)).await;
            assert_eq!(wire.answer().await.unwrap().status, 200, "{door:?} {path}");
        }
        assert_eq!(world.upstream.take().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_cookies_are_harmless() {
    let world = World::start().await;
    let ours = format!("__Host-vestibule={}", world.token);
    for (cookies, want) in [
        (format!(";;=; a;{ours};=;;"), 200),
        (format!("{}{ours}", "a=1; ".repeat(4000)), 200),
        (format!("{}{ours}", ";".repeat(30_000)), 200),
        (format!("{}{ours}", "a; ".repeat(20_000)), 431),
        (format!("{ours}; {ours}"), 401),
    ] {
        let answer = world
            .ask("GET /page", &format!("Cookie: {cookies}\r\n"))
            .await;
        assert_eq!(answer.status, want, "{} bytes", cookies.len());
        let seen = world.upstream.take().join("");
        assert!(
            !seen.contains(&world.token),
            "our cookie reaches the application"
        );
    }
    let lines = format!("Cookie: {ours}\r\n{}", "Cookie: a=1\r\n".repeat(200));
    assert_eq!(world.ask("GET /page", &lines).await.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_line_feeds_are_refused() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}", world.token);
    for request in [
        format!("GET /page HTTP/1.1\nHost: wiki.test\n{cookie}\n\n"),
        format!("GET /page HTTP/1.1\r\nHost: wiki.test\nX: y\r\n{cookie}\r\n\r\n"),
        format!(
            "POST /page HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ] {
        let mut wire = world.plain().await;
        wire.send(&request).await;
        let status = wire.answer().await.map(|a| a.status);
        assert_eq!(status, Some(400), "{request:?}");
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_stays_one() {
    let world = World::start().await;
    // the body of a request we answer ourselves is not the next request
    let second = "GET /public/smuggled HTTP/1.1\r\nHost: wiki.test\r\n\r\n";
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /page HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: {}\r\n\r\n{second}",
        second.len()
    ))
    .await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
    // the small body was taken off, so the connection goes on
    wire.send("GET /public/next HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert!(world.upstream.only().starts_with("GET /public/next "));
    // a large one is not: the connection ends
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /page HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 900000\r\n\r\n{second}"
    ))
    .await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
    assert!(wire.closes_within(Duration::from_secs(8)).await);
    // an upgrade with a second request behind it, before any 101
    let mut wire = world.plain().await;
    wire.send(format!("GET /page HTTP/1.1\r\nHost: wiki.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{second}")).await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_gets_what_it_can_read() {
    let world = World::start().await;
    let request = format!(
        "GET /sse HTTP/1.0\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    );
    let answer = world.raw(request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

/// The version is the gateway's own (RFC 9110 2.5); chunks in an answer of HTTP/1.0 would be read as broken.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_speaks_http_1_0_is_passed_on_in_1_1() {
    let world = World::start().await;
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (path, status) in [("/old", 200), ("/old-length", 404)] {
        for more in ["", socket] {
            let answer = world.signed_in(&format!("GET {path}"), more).await;
            assert!(answer.head.starts_with("HTTP/1.1 "), "{}", answer.head);
            assert_eq!((answer.status, &*answer.text()), (status, "old"), "{more}");
        }
        let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
        let request = format!("GET {path} HTTP/1.0\r\nHost: wiki.test\r\n{cookie}\r\n");
        let answer = world.raw(request).await.unwrap();
        assert_eq!((answer.status, &*answer.text()), (status, "old"));
        assert_eq!(answer.header("transfer-encoding"), None);
    }
}
