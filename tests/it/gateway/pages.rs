//! Our own pages, in-process.

use crate::support::world::World;

async fn portal(world: &World, line: &str, rest: &str) -> crate::support::client::Answer {
    let mut wire = world.tls("login.test").await;
    wire.send(format!("{line} HTTP/1.1\r\nHost: login.test\r\n{rest}"))
        .await;
    let method = line.split(' ').next().unwrap();
    wire.answer_to(method).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_framed_and_carry_our_headers() {
    let world = World::start().await;
    let answer = portal(&world, "GET /", "\r\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "portal"));
    assert_eq!(answer.header("content-length"), Some("6"));
    assert_eq!(answer.header("server"), None);
    let hsts = Some("max-age=31536000; includeSubDomains");
    assert_eq!(answer.header("strict-transport-security"), hsts);
    let answer = portal(&world, "HEAD /", "\r\n").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let answer = portal(&world, "GET /empty", "\r\n").await;
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (204, None)
    );
    let answer = portal(&world, "GET /conn", "X-Forwarded-For: 9.9.9.9\r\n\r\n").await;
    assert_eq!(answer.text(), "127.0.0.1 login.test");
    assert_eq!(portal(&world, "GET /nowhere", "\r\n").await.status, 404);
    let answer = portal(&world, "GET /panic", "\r\n").await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("internal"), "{}", answer.text());
    assert_eq!(portal(&world, "GET /", "\r\n").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_read_bodies_within_bounds() {
    let world = World::start().await;
    let answer = portal(&world, "POST /echo", "Content-Length: 5\r\n\r\nhello").await;
    assert_eq!(answer.text(), "hello");
    let chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(portal(&world, "POST /echo", chunked).await.text(), "hello");
    let large = format!("Content-Length: 5000000\r\n\r\n{}", "x".repeat(5_000_000));
    assert_eq!(portal(&world, "POST /echo", &large).await.status, 413);

    let mut wire = world.tls("login.test").await;
    wire.send("POST /echo HTTP/1.1\r\nHost: login.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 100);
    wire.send("ok").await;
    assert_eq!(wire.answer().await.unwrap().text(), "ok");
    // the connection goes on after pages, also after one that ignored its body
    for _ in 0..3 {
        wire.send("POST /ignore HTTP/1.1\r\nHost: login.test\r\nContent-Length: 3\r\n\r\nabc")
            .await;
        assert_eq!(wire.answer().await.unwrap().text(), "ignored");
    }
}
