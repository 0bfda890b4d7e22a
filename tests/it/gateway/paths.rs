//! Path confusion: what is decided on is what is forwarded, or nothing is.

use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_under_a_protected_prefix_arrives_undecided() {
    let world = World::start().await;
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/%252e%252e/admin",
        "//admin",
        "/public//admin",
        "/admin;x",
        "/admin%3bx",
        "/%61dmin",
        "/ADMIN",
        "/Admin/x",
        "/admin/",
        "/\\admin",
        "/public\\..\\admin",
        "/public/%5c../admin",
        "/admin%00",
        "/admin%23/public",
        "/public/..;/admin",
        "/public/.;x/../admin",
        "/public/x/../../admin",
        "/./admin",
        "/admin/.",
        "/public/%2E%2E;/admin",
        "/admin%2f",
        "/%2fadmin",
        "/public/..%5cadmin",
        "/admin%0d%0a",
        "*",
        "admin",
        "?/public/x",
        "http://wiki.test/admin",
        "http://wiki.test//admin",
        "http://wiki.test/public/../admin",
        "/public/%c0%ae%c0%ae/admin/",
        "/public#/admin",
        "/admin#/public/x",
        "/public/%2e%2e%2fadmin",
        "/public/..%00/admin",
        "/public/%u002e%u002e/admin",
        "/public/.%2e/admin",
    ] {
        for token in [None, Some(world.token.clone())] {
            let cookie = token
                .map(|t| format!("Cookie: __Host-vestibule={t}\r\n"))
                .unwrap_or_default();
            let request = format!("GET {path} HTTP/1.1\r\nHost: wiki.test\r\n{cookie}\r\n");
            let status = world.raw(request).await.map_or(0, |a| a.status);
            for seen in world.upstream.take() {
                let target = seen.split(' ').nth(1).unwrap().to_ascii_lowercase();
                let first = target.trim_start_matches('/').replace("%3b", ";");
                let odd = first.split(['/', ';', '?']).next() == Some("admin");
                assert!(
                    !odd && !target.contains(".."),
                    "{path} was forwarded as {target} ({status})"
                );
            }
            assert!(matches!(status, 400 | 401 | 403 | 200), "{path}: {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canonical_path_and_the_query_are_forwarded() {
    let world = World::start().await;
    for (sent, want) in [
        ("/a%2Dx/b?c=/../d&e=%2e%2E", "/a-x/b?c=/../d&e=%2e%2E"),
        ("/%7euser", "/~user"),
        ("/caf%c3%a9?q=%c3%a9", "/caf%C3%A9?q=%c3%a9"),
        ("/a;v=1/b?", "/a;v=1/b?"),
        ("/a?b?c", "/a?b?c"),
        ("/q?a=[1]&b={2}|3^`\\", "/q?a=[1]&b={2}|3^`\\"),
        ("/q?é", "/q?%C3%A9"),
        ("/a b?c d", "/a%20b?c%20d"),
        ("http://wiki.test/abs?x", "/abs?x"),
        ("http://wiki.test", "/"),
        ("/q?\x01", "/q?%01"),
    ] {
        let answer = world.signed_in(&format!("GET {sent}"), "").await;
        assert_eq!(answer.status, 200, "{sent}");
        let seen = world.upstream.only();
        assert!(
            seen.starts_with(&format!("GET {want} HTTP/1.1\r\n")),
            "{sent}: {seen}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_prefix_never_goes_upstream() {
    let world = World::start().await;
    for (path, want) in [
        ("/.vestibule/callback", 200),
        ("/.vestibule/unknown", 404),
        ("/.vestibule", 404),
        ("/.VESTIBULE/callback", 404),
        ("/.vestibule;x/callback", 404),
        ("/%2evestibule/callback", 200),
        ("/.vestibule/public/x", 404),
    ] {
        let answer = world
            .signed_in(&format!("GET {path}"), "Remote-User: evil\r\n")
            .await;
        assert_eq!(answer.status, want, "{path}");
        assert_eq!(answer.header("server"), None);
    }
    let answer = world.ask("GET /.vestibule/callback", "").await;
    assert_eq!(answer.text(), "callback The wiki.test");
    assert!(world.upstream.take().is_empty());
}
