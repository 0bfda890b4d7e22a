//! What is told of a request: all of it, and no secret.

use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn one_line_a_request_without_secrets() {
    let world = World::start().await;
    let headers = "Authorization: Bearer sesame\r\nCookie: app=cookie-secret\r\n\
                   Referer: https://wiki.test/a?code=query-secret\r\nUser-Agent: probe\r\n";
    let answer = world
        .signed_in("GET /logged?token=query-secret", headers)
        .await;
    assert_eq!(answer.status, 200);
    let told = world.counts.told_of("/logged").await;
    assert_eq!(told["method"], "GET");
    assert_eq!(told["host"], "wiki.test");
    assert_eq!(told["route"], "wiki.test/");
    assert_eq!(told["outcome"], "forward");
    assert_eq!(told["status"], 200);
    assert_eq!(told["account_id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(told["client"], "127.0.0.1");
    assert_eq!(told["user_agent"], "probe");
    assert_eq!(told["request_id"].as_str().unwrap().len(), 16);
    assert_eq!(told["request_id"], *answer.header("x-request-id").unwrap());
    assert!(told["upstream"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(told["upstream_ms"].as_f64().unwrap() <= told["duration_ms"].as_f64().unwrap());
    let all = told.to_string();
    for secret in [
        world.token.as_str(),
        "sesame",
        "cookie-secret",
        "query-secret",
        "signed.aino",
    ] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
}

/// What cannot be parsed is not written down: an application's cookies are in its head.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_told_without_its_bytes() {
    let world = World::start().await;
    let answer = world.signed_in("GET /broken-head", "").await;
    assert_eq!(answer.status, 502);
    let told = world.counts.told_of("/broken-head").await;
    let fault = told["fault"].as_str().unwrap();
    assert!(fault.contains("InvalidHTTPHeader"), "{fault}");
    let all = told.to_string();
    assert!(
        !all.contains("application-secret") && !all.contains("sid"),
        "{all}"
    );
}
