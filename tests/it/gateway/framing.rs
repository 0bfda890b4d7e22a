//! Requests two parsers could read differently are refused, and the connection with them.

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
        ("NUL in target", head("GET /a\0b HTTP/1.1", "\r\n"), 400),
        ("tab in target", head("GET /a\tb HTTP/1.1", "\r\n"), 400),
    ];
    for (name, request, want) in cases {
        let mut wire = world.plain().await;
        // what follows must not be read as a second request
        wire.send(format!(
            "{request}GET /smuggled HTTP/1.1\r\nHost: wiki.test\r\n\r\n"
        ))
        .await;
        let answer = wire.answer().await;
        let status = answer.as_ref().map(|a| a.status);
        assert!(
            status == Some(want) || status == Some(400),
            "{name}: {status:?}"
        );
        if let Some(answer) = answer {
            assert_eq!(answer.header("server"), None, "{name}");
        }
        assert!(
            wire.closes_within(Duration::from_secs(8)).await,
            "{name} stays open"
        );
        let seen = world.upstream.take();
        assert!(seen.is_empty(), "{name}: {seen:?}");
    }
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

/// A byte now and then is no reason to be kept: the whole head has 15 seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 15 seconds of real time"]
async fn a_head_that_drips_is_cut() {
    let world = World::start().await;
    let started = tokio::time::Instant::now();
    for (first, warm) in [("GET / HTTP/1.1\r\n", false), ("GET / HTTP/1.1\r\n", true)] {
        let mut wire = world.plain().await;
        if warm {
            wire.send("GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
                .await;
            assert_eq!(wire.answer().await.unwrap().status, 200);
        }
        let began = tokio::time::Instant::now();
        wire.send(first).await;
        while !wire.closes_within(Duration::from_secs(1)).await {
            wire.send("A: b\r\n").await;
            assert!(began.elapsed() < Duration::from_secs(20), "still open");
        }
        assert!(
            began.elapsed() > Duration::from_secs(13),
            "{:?}",
            began.elapsed()
        );
    }
    assert!(started.elapsed() < Duration::from_secs(45));
}
