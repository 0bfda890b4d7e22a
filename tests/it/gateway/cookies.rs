//! Cookies: hostile ones harm nobody, ours stays here, the rest arrives byte for byte.

use crate::support::upstream::values;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_doubled_cookies_open_nothing() {
    let world = World::start().await;
    let ours = format!("__Host-vestibule={}", world.token);
    let other = world.sessions.open(2, |_| {});
    for cookie in [
        ";;=; a".to_owned(),
        "x; ".repeat(5000),
        "x".repeat(16_000),
        format!("__Host-vestibule={}", "A".repeat(16_000)),
        format!("__Host-vestibule={}", &world.token[..42]),
        format!("__Host-vestibule={}x", world.token),
        format!("__Host-vestibule=\"{}\"", world.token),
        "__Host-vestibule=!!!!".to_owned(),
        "__Host-vestibule=".to_owned(),
        "__Host-vestibule".to_owned(),
        format!("{ours}; {ours}"),
        format!("{ours}; __Host-vestibule={other}"),
        format!("{ours}\r\nCookie: {ours}"),
        format!("{ours}; __HOST-Vestibule=x"),
        format!("__host-vestibule={}", world.token),
        format!("__Host-vestibule%3d={}", world.token),
    ] {
        let answer = world
            .ask("GET /page", &format!("Cookie: {cookie}\r\n"))
            .await;
        assert!(
            matches!(answer.status, 401 | 431),
            "{} {}",
            &cookie[..30.min(cookie.len())],
            answer.status
        );
    }
    let nul = format!("GET /page HTTP/1.1\r\nHost: wiki.test\r\nCookie: {ours}\0\r\n\r\n");
    assert_eq!(world.raw(nul).await.unwrap().status, 400);
    assert!(world.upstream.take().is_empty());
    assert_eq!(
        world
            .ask("GET /page", &format!("Cookie: {ours}\r\n"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_cookies_are_cut() {
    let world = World::start().await;
    let ours = format!("__Host-vestibule={}", world.token);
    for (sent, want) in [
        (format!("Cookie: {ours}"), vec![]),
        (
            format!("Cookie: a=b;c=\"d e\"; {ours};;f"),
            vec!["a=b;c=\"d e\";;f"],
        ),
        (format!("Cookie: {ours}; a=1"), vec!["a=1"]),
        (
            format!("Cookie: a=1\r\nCookie: {ours}\r\nCookie: b=2; __Host-signin=x"),
            vec!["a=1; b=2"],
        ),
        (
            format!("Cookie: __HOST-VESTIBULE-PRE=1; {ours}; a=\u{e9}"),
            vec!["a=\u{c3}\u{a9}"],
        ),
    ] {
        let answer = world.ask("GET /page", &format!("{sent}\r\n")).await;
        assert_eq!(answer.status, 200, "{sent}");
        let seen = world.upstream.only();
        assert_eq!(values(&seen, "cookie"), want, "{sent}");
        assert!(!seen.contains(&world.token));
    }
    for (sent, want) in [
        (";;=; a", ";;=; a"),
        ("a=b", "a=b"),
        ("__Host-vestibule2=x", "__Host-vestibule2=x"),
    ] {
        world
            .ask("GET /public/x", &format!("Cookie: {sent}\r\n"))
            .await;
        assert_eq!(values(&world.upstream.only(), "cookie"), [want]);
    }
    world.signed_in("GET /public/x", "Cookie: a=b\r\n").await;
    assert_eq!(values(&world.upstream.only(), "cookie"), ["a=b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_cannot_set_ours() {
    let world = World::start().await;
    let answer = world.signed_in("GET /evil", "").await;
    assert_eq!(answer.headers("set-cookie"), ["sid=1"]);
    assert_eq!(answer.header("x-internal"), None);
    assert_eq!(answer.header("keep-alive"), None);
    assert_eq!(answer.header("server"), Some("app"));
    assert_eq!(answer.header("strict-transport-security"), None);
}
