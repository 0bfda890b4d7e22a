//! Which trace and which id a request has on its way: W3C Trace Context, and the word of proxies in front.

use crate::support::upstream::{value, values};
use crate::support::world::World;
use vestibule::domain::trace::Sampling;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn parent(flags: &str) -> String {
    format!("Traceparent: 00-{TRACE}-{CALLER}-{flags}\r\n")
}

async fn sent(world: &World, headers: &str) -> String {
    assert_eq!(world.signed_in("GET /page", headers).await.status, 200);
    world.upstream.only()
}

/// Trace, caller and flags of the `traceparent` that the application got.
fn traced(seen: &str) -> (String, String, String) {
    let all = values(seen, "traceparent");
    let [one] = all[..] else {
        panic!("{all:?} in {seen}");
    };
    let parts: Vec<&str> = one.split('-').collect();
    let [version, trace, span, flags] = parts[..] else {
        panic!("{one}");
    };
    assert_eq!((version, trace.len(), span.len()), ("00", 32, 16), "{one}");
    assert!(!trace.bytes().all(|b| b == b'0') && !span.bytes().all(|b| b == b'0'));
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_begun_or_goes_on() {
    let world = World::start().await;
    let (first, _, flags) = traced(&sent(&world, "").await);
    assert_eq!(flags, "01");
    let (second, ..) = traced(&sent(&world, "Tracestate: vendor=1\r\n").await);
    assert_ne!(first, second);
    let state = "Tracestate: vendor=1\r\nTracestate: other=2\r\n";
    let seen = sent(&world, &format!("{}{state}", parent("01"))).await;
    let (trace, span, _) = traced(&seen);
    assert_eq!(trace, TRACE);
    assert_ne!(span, CALLER, "the caller of the application is the gateway");
    assert_eq!(values(&seen, "tracestate"), ["vendor=1", "other=2"]);
    // what is no trace is not passed on, and what belongs to it neither
    let twice = parent("01").repeat(2);
    for wrong in ["Traceparent: 00-0-0-0\r\n", twice.as_str(), ""] {
        let seen = sent(&world, &format!("{wrong}{state}")).await;
        assert_ne!(traced(&seen).0, TRACE, "{wrong}");
        assert_eq!(value(&seen, "tracestate"), None, "{wrong}");
    }
}

/// A client that sends "recorded" with each request would have us, and all behind us, record everything.
#[tokio::test(flavor = "multi_thread")]
async fn clients_decide_neither_ids_nor_what_is_recorded() {
    let none = Sampling::share(0.0).unwrap();
    let world = World::with(|s, _| s.sampling = none).await;
    let forged = format!("{}X-Request-Id: mine\r\n", parent("01"));
    let seen = sent(&world, &forged).await;
    let (trace, _, flags) = traced(&seen);
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "00"));
    let id = value(&seen, "x-request-id").unwrap();
    assert!(
        id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_operators_is_heeded() {
    let world = World::with(|snapshot, _| {
        snapshot.sampling = Sampling::share(0.0).unwrap();
        snapshot.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let named = format!("{}X-Request-Id: edge-7.a:b_1\r\n", parent("01"));
    let answer = world.signed_in("GET /named", &named).await;
    assert_eq!(answer.header("x-request-id"), Some("edge-7.a:b_1"));
    let seen = world.upstream.only();
    assert_eq!(value(&seen, "x-request-id"), Some("edge-7.a:b_1"));
    assert_eq!(traced(&seen).2, "01");
    let told = world.counts.told_of("/named").await;
    assert_eq!(told["request_id"], "edge-7.a:b_1");
    assert_eq!(told["trace_id"], TRACE);
    // not everything can be an id
    let long = "x".repeat(65);
    for odd in [
        "",
        "a b",
        "<script>",
        "a\"b",
        "\u{e4}",
        &long,
        "one\r\nX-Request-Id: two",
    ] {
        let seen = sent(&world, &format!("X-Request-Id: {odd}\r\n")).await;
        let id = value(&seen, "x-request-id").unwrap();
        assert!(
            id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{odd}: {id}"
        );
    }
}
