//! Who gets what: each decision as the client meets it.

use crate::support::upstream::value;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_request_is_forwarded_with_its_identity() {
    let world = World::start().await;
    let answer = world.signed_in("GET /page?q=1", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = world.upstream.only();
    assert!(seen.starts_with("GET /page?q=1 HTTP/1.1\r\n"), "{seen}");
    assert_eq!(value(&seen, "remote-user"), Some("aino"));
    assert_eq!(value(&seen, "remote-groups"), Some("staff"));
    assert_eq!(value(&seen, "x-employee"), Some("E7"));
    assert_eq!(value(&seen, "x-vestibule-assertion"), Some("signed.aino.https://wiki.test"));
    assert_eq!(value(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(value(&seen, "x-forwarded-host"), Some("wiki.test"));
    assert_eq!(value(&seen, "host"), Some("wiki.test"));
    assert_eq!(value(&seen, "cookie"), None);
    assert_eq!(value(&seen, "x-request-id").map(str::len), Some(16));
}
