//! Bodies pass as they come, in both directions.

use crate::support::world::World;
use std::time::Duration;

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
    let started = tokio::time::Instant::now();
    wire.send(format!(
        "GET /sse HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    ))
    .await;
    wire.head().await;
    assert_eq!(wire.chunk().await.unwrap(), b"data: 0\n\n");
    assert!(
        started.elapsed() < Duration::from_millis(300),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(wire.chunk().await.unwrap(), b"data: 1\n\n");
    assert!(
        started.elapsed() < Duration::from_millis(700),
        "{:?}",
        started.elapsed()
    );
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
