//! The access log: one JSON line a request, and no secret in it.

use crate::support::log::lines;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn one_line_a_request_without_secrets() {
    let lines = lines();
    let world = World::start().await;
    let headers = "Authorization: Bearer sesame\r\nCookie: app=cookie-secret\r\n";
    let answer = world
        .signed_in("GET /logged?token=query-secret", headers)
        .await;
    assert_eq!(answer.status, 200);
    let entry = loop {
        let text = lines.text();
        if let Some(line) = text.lines().find(|l| l.contains("\"/logged\"")) {
            break line.to_owned();
        }
        tokio::task::yield_now().await;
    };
    let entry: serde_json::Value = serde_json::from_str(&entry).unwrap();
    let fields = &entry["fields"];
    assert_eq!(entry["target"], "vestibule::access");
    assert_eq!(fields["method"], "GET");
    assert_eq!(fields["host"], "wiki.test");
    assert_eq!(fields["path"], "/logged");
    assert_eq!(fields["route.name"], "wiki.test/");
    assert_eq!(fields["outcome"], "forward");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["account.id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(fields["client.address"], "127.0.0.1");
    assert_eq!(fields["request.id"].as_str().unwrap().len(), 16);
    let all = lines.text();
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
