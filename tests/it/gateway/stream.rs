//! Bodies pass as they come, in both directions.

use crate::support::world::World;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// An application sees a short body when it is whole, or nothing of the request; a long one as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_body_is_sent_when_it_is_whole() {
    let world = World::start().await;
    for (length, early) in [(2, false), (65_536, false), (65_537, true)] {
        for whole in [true, false] {
            let mut wire = world.plain().await;
            wire.send(format!(
                "POST /upload HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: {length}\r\n\r\n",
                world.token
            ))
            .await;
            wire.send(vec![b'x'; length - 1]).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            let seen = world.upstream.take().len();
            assert_eq!(seen == 1, early, "{length}: {seen}");
            if whole {
                wire.send("x").await;
                let answer = wire.answer().await.unwrap();
                assert_eq!(answer.text(), format!("received {length}"));
                // and the connection goes on
                wire.send(format!(
                    "GET /public/next HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
                    world.token
                ))
                .await;
                assert_eq!(wire.answer().await.unwrap().status, 200);
                let _ = world.upstream.take();
            } else {
                drop(wire);
                tokio::time::sleep(Duration::from_millis(300)).await;
                assert!(world.upstream.take().is_empty());
            }
        }
    }
}

/// What was signed when the head came may have run out by the time that the body is there.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_slow_body_the_assertion_is_a_new_one() {
    let world = World::start().await;
    for (pause, asked) in [(0, 1), (1_200, 2)] {
        let mut wire = world.plain().await;
        wire.send(format!(
            "POST /page HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nContent-Length: 1\r\n\r\n",
            world.token
        ))
        .await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        wire.send("x").await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        let count = world.counts.assertions.swap(0, Ordering::Relaxed);
        assert_eq!(count, asked, "{pause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_megabytes_each_way() {
    let world = World::start().await;
    let answer = world.signed_in("GET /download", "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 20_000_000));

    let mut wire = world.tls("wiki.test").await;
    let cookie = format!("Cookie: __Host-vestibule={}", world.token);
    wire.send(format!(
        "PUT /upload HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\nContent-Length: 20000000\r\n\r\n"
    ))
    .await;
    wire.send(vec![b'x'; 20_000_000]).await;
    assert_eq!(wire.answer().await.unwrap().text(), "received 20000000");
    wire.send(format!(
        "POST /upload HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ))
    .await;
    for _ in 0..20 {
        wire.send("186a0\r\n").await;
        wire.send(vec![b'x'; 100_000]).await;
        wire.send("\r\n").await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().text(), "received 2000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_at_once() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    wire.send(format!(
        "GET /events HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    ))
    .await;
    // they have no end: collected until some kilobytes are there, they would take minutes
    let events = async {
        wire.head().await;
        for _ in 0..3 {
            assert_eq!(wire.chunk().await.unwrap(), b"data: \n");
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(10), events).await;
    assert!(arrived.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_cut_while_it_streams() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /small HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\nTransfer-Encoding: chunked\r\n\r\n",
        world.token
    ))
    .await;
    for _ in 0..3 {
        wire.send(format!("1f4\r\n{}\r\n", "x".repeat(500))).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn continue_comes_from_the_application() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    let cookie = format!("Cookie: __Host-vestibule={}", world.token);
    wire.send(format!("POST /expect HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")).await;
    assert_eq!(wire.answer().await.unwrap().status, 100);
    wire.send("ok").await;
    assert_eq!(wire.answer().await.unwrap().text(), "received 2");
    // and is not given where the request is refused
    let mut wire = world.plain().await;
    wire.send("POST /page HTTP/1.1\r\nHost: wiki.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_answer_is_not_the_answer() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}", world.token);
    // the application dies after it, on either way
    let long = "x".repeat(100_000);
    for (line, body) in [("GET /hints", ""), ("POST /hints", &long)] {
        for (version, before) in [("1.1", Some(103)), ("1.0", None)] {
            let mut wire = world.plain().await;
            let length = body.len();
            wire.send(format!(
                "{line} HTTP/{version}\r\nHost: wiki.test\r\n{cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
            ))
            .await;
            if let Some(interim) = before {
                assert_eq!(wire.answer().await.unwrap().status, interim, "{line}");
            }
            let answer = wire.answer().await.unwrap();
            assert_eq!(answer.status, 502, "{line} {version}");
        }
    }
    // the last one is counted when its answer is out
    let bad = || {
        let outcomes = world.counts.outcomes.lock();
        outcomes.iter().filter(|o| o.1 == 502).count()
    };
    for _ in 0..100 {
        if bad() == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bad(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_come_before_the_whole_request() {
    let world = World::with(|s, _| s.limits.stall = Duration::from_secs(2)).await;
    let cookie = format!("Cookie: __Host-vestibule={}", world.token);
    // the application refuses at once, and the client is still sending
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /early HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\nContent-Length: 100000000\r\n\r\n{}",
        "x".repeat(10_000)
    ))
    .await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
    // what is left of the body is no request, so the connection ends
    assert!(wire.closes_within(Duration::from_secs(8)).await);
    assert_eq!(world.upstream.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_expects_to_be_asked_for_a_body_is_told_at_once_where_it_is_not_wanted() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for (path, headers, want) in [
        ("/small", cookie.as_str(), 413),
        ("/page", "Accept: text/html\r\n", 401),
        ("/admin", cookie.as_str(), 403),
    ] {
        let mut wire = world.plain().await;
        wire.send(format!(
            "POST {path} HTTP/1.1\r\nHost: wiki.test\r\n{headers}Content-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.answer().await.unwrap().status, want, "{path}");
        assert!(world.upstream.take().is_empty());
    }
    let mut wire = world.plain().await;
    wire.send("GET /page HTTP/1.1\r\nHost: wiki.test\r\nAccept: text/html\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 302);
}

/// Nothing in an application's head ends it early or begins another answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stays_one() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    wire.send(format!(
        "GET /split HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    ))
    .await;
    if let Some(answer) = wire.answer().await {
        assert!(answer.header("x-evil").is_none(), "{answer:?}");
        assert!(matches!(answer.status, 200 | 502), "{answer:?}");
        assert!(!answer.text().contains("evil"), "{answer:?}");
    }
    // what came behind it is nobody's
    let answer = world.signed_in("GET /page", "").await;
    assert_eq!(answer.text(), "received 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_over_http_2_are_not_held_up_by_windows() {
    let world = World::start().await;
    let mut client = crate::support::h2::connect(&world, "wiki.test").await;
    let request = http::Request::post("https://wiki.test/upload")
        .header("cookie", format!("__Host-vestibule={}", world.token))
        .body(())
        .unwrap();
    let began = tokio::time::Instant::now();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    let mut left = 20_000_000;
    while left > 0 {
        body.reserve_capacity(left.min(1 << 20));
        let granted = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
        let piece = granted.unwrap().unwrap().min(left);
        left -= piece;
        body.send_data(vec![b'x'; piece].into(), left == 0).unwrap();
    }
    let answer = answer.await.unwrap();
    let text = crate::support::h2::body(answer).await.unwrap();
    assert_eq!(text, b"received 20000000");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}
