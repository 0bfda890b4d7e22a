//! Forged identity headers: whatever a client sends, the upstream sees ours or none.

use crate::support::upstream::values;
use crate::support::world::World;

/// Header lines a client might try. `NAME` and lower-case `name` are each of the protected names in turn.
const VARIANTS: [&str; 24] = [
    "Remote-User: evil",
    "remote-user: evil",
    "REMOTE-USER: evil",
    "Remote_User: evil",
    "remote_user: evil",
    "Remote.User: evil",
    "Remote--User: evil",
    "RemoteUser: evil",
    "Remote-User: evil\r\nRemote-User: evil2",
    "Remote-User: evil\r\nremote_user: evil2",
    "Remote-Groups: evil",
    "remote_groups: evil",
    "Remote-Email: evil",
    "Remote-Name: evil",
    "X-Forwarded-User: evil",
    "x_forwarded_groups: evil",
    "X-Forwarded-Email: evil",
    "X-Employee: evil",
    "X.Employee: evil",
    "X-Vestibule-Assertion: evil",
    "x_vestibule_assertion: evil",
    "X-Vestibule-Anything: evil",
    "X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Original-URI: /evil",
    "Forwarded: for=evil;host=evil\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: evil\r\nX-Forwarded-Port: evil\r\nX-Forwarded-Prefix: evil\r\nX-Forwarded-Client-Cert: evil\r\nX-Real-IP: evil\r\nX-HTTP-Method-Override: evil\r\nX-Method-Override: evil\r\nProxy: evil",
];

/// Ways to have our own header taken away again.
const NOMINATIONS: [&str; 9] = [
    "Connection: Remote-User",
    "Connection: close, Remote-User, X-Employee",
    "Connection: remote-user\r\nConnection: x-vestibule-assertion",
    "Connection: X-Vestibule-Assertion,Remote-Groups",
    "Connection: keep-alive, remote_user\r\nremote_user: evil",
    "Connection: Remote-User\r\nRemote-User: evil",
    "Keep-Alive: Remote-User\r\nTE: Remote-User",
    "Trailer: Remote-User",
    "Connection: TE, Trailer, X-Request-Id\r\nTE: trailers",
];

fn assert_ours(seen: &str, forged: &str) {
    assert!(
        !seen.contains("evil"),
        "{forged:?} reached the upstream:\n{seen}"
    );
    for (name, want) in [
        ("remote-user", "aino"),
        ("remote-groups", "staff"),
        ("remote-email", "aino@example.com"),
        ("x-employee", "E7"),
        ("x-vestibule-assertion", "signed.aino.https://wiki.test"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(values(seen, name), [want], "{forged:?}: {name}\n{seen}");
    }
    let folded = |l: &str| {
        l.split(':')
            .next()
            .unwrap_or("")
            .replace(['-', '_', '.'], "")
            .to_lowercase()
    };
    let users = seen.lines().filter(|l| folded(l) == "remoteuser").count();
    assert_eq!(users, 1, "{forged:?}\n{seen}");
}

fn assert_nobody(seen: &str, forged: &str) {
    assert!(
        !seen.contains("evil"),
        "{forged:?} reached the upstream:\n{seen}"
    );
    for name in [
        "remote-user",
        "remote-groups",
        "x-employee",
        "x-vestibule-assertion",
    ] {
        assert!(values(seen, name).is_empty(), "{forged:?}: {name}\n{seen}");
    }
}

/// Attempts that are taken for what they are, and whether the request is refused for them: names with `_` are two names.
fn attempts() -> impl Iterator<Item = (&'static str, bool)> {
    let all = VARIANTS.into_iter().chain(NOMINATIONS);
    all.map(|forged| {
        let mut names = forged.lines().filter_map(|line| line.split(':').next());
        (forged, names.any(|name| name.contains('_')))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_names_never_arrive() {
    let world = World::start().await;
    for (forged, refused) in attempts() {
        let headers = format!("{forged}\r\n");
        let answer = world.signed_in("GET /page", &headers).await;
        if refused {
            assert_eq!(answer.status, 400, "{forged:?}");
            assert!(world.upstream.take().is_empty());
            continue;
        }
        assert_eq!(answer.status, 200, "{forged:?}");
        assert_ours(&world.upstream.only(), forged);
        let answer = world.signed_in("OPTIONS /page", &headers).await;
        assert_eq!(answer.status, 200, "{forged:?}");
        assert_ours(&world.upstream.only(), forged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn public_paths_carry_nobody() {
    let world = World::start().await;
    for (forged, refused) in attempts() {
        let headers = format!("{forged}\r\n");
        for method in ["GET", "OPTIONS", "POST"] {
            let answer = world.ask(&format!("{method} /public/x"), &headers).await;
            if refused {
                assert_eq!(answer.status, 400, "{forged:?}");
                continue;
            }
            assert_eq!(answer.status, 200, "{forged:?}");
            assert_nobody(&world.upstream.only(), forged);
        }
        if refused {
            assert!(world.upstream.take().is_empty());
            continue;
        }
        // nor does somebody who is signed in
        world.signed_in("GET /public/x", &headers).await;
        assert_nobody(&world.upstream.only(), forged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_handshake_is_cleaned_the_same() {
    let world = World::start().await;
    for (forged, refused) in attempts() {
        let upgrade = format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{forged}\r\n");
        let answer = world.signed_in("GET /ws", &upgrade).await;
        if refused {
            assert_eq!(answer.status, 400, "{forged:?}");
            assert!(world.upstream.take().is_empty());
            continue;
        }
        assert_eq!(answer.status, 101, "{forged:?}");
        let seen = world.upstream.only();
        assert_ours(&seen, forged);
        assert_eq!(values(&seen, "connection"), ["Upgrade"], "{seen}");
        let answer = world.ask("GET /ws/public", &upgrade).await;
        assert_eq!(answer.status, 101, "{forged:?}");
        assert_nobody(&world.upstream.only(), forged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_nominated_is_refused() {
    let world = World::start().await;
    for forged in [
        "Connection: X-Forwarded-For",
        "Connection: Host",
        "Connection: cookie",
        "Connection: \"Remote-User\"",
        "Connection: Remote User",
        "Connection: a, b, c, d, e, f, g, h, i, j, Remote-User",
        "Connection: content-length",
    ] {
        for upgrade in ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"] {
            let answer = world
                .signed_in("GET /ws", &format!("{upgrade}{forged}\r\n"))
                .await;
            assert_eq!(answer.status, 400, "{forged:?}");
        }
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_carry_nothing() {
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    for path in ["/page", "/public/x"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: wiki.test\r\n{cookie}Trailer: Remote-User\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n0\r\nRemote-User: evil\r\n\r\n"
        );
        let answer = world.raw(request).await.unwrap();
        assert!(matches!(answer.status, 200 | 400), "{answer:?}");
        let seen = world.upstream.take().join("");
        assert!(!seen.contains("evil"), "{seen}");
    }
}
