//! Who gets what: each decision as the client meets it.

use crate::support::upstream::value;
use crate::support::world::{World, path};

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
    assert_eq!(
        value(&seen, "x-vestibule-assertion"),
        Some("signed.aino.https://wiki.test")
    );
    assert_eq!(value(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(value(&seen, "x-forwarded-host"), Some("wiki.test"));
    assert_eq!(value(&seen, "host"), Some("wiki.test"));
    assert_eq!(value(&seen, "cookie"), None);
    assert_eq!(value(&seen, "x-request-id").map(str::len), Some(16));
}

const BROWSER: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
const HTML: &str = "Accept: text/html,application/xhtml+xml\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_to_the_door_and_a_program_is_told() {
    let world = World::start().await;
    for headers in [BROWSER, HTML, "Sec-Fetch-Mode: navigate\r\n"] {
        for method in ["GET", "HEAD"] {
            let answer = world.ask(&format!("{method} /page?q=1"), headers).await;
            assert_eq!(answer.status, 302, "{method} {headers}");
            let to = "https://login.test/signin?to=https://wiki.test/page?q=1";
            assert_eq!(answer.header("location"), Some(to));
            assert!(
                answer
                    .header("set-cookie")
                    .unwrap()
                    .starts_with("__Host-vestibule-pre=")
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("server"), None);
        }
    }
    let again = format!("{BROWSER}Cookie: __Host-vestibule-pre=x\r\n");
    assert_eq!(
        world.ask("GET /page", &again).await.header("set-cookie"),
        None
    );
    for headers in [
        "",
        "Accept: */*\r\n",
        "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nAccept: text/html\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nAccept: text/html\r\n",
    ] {
        let answer = world.ask("GET /page", headers).await;
        assert_eq!(answer.status, 401, "{headers}");
        let realm = "Bearer realm=\"https://login.test\"";
        assert_eq!(answer.header("www-authenticate"), Some(realm));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["error"], "login_required");
        assert_eq!(body["sign_in"], "https://login.test/signin");
    }
    let answer = world.ask("DELETE /page", HTML).await;
    assert_eq!(answer.status, 401);
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_a_page_that_outlived_its_session_keeps_its_page() {
    let world = World::start().await;
    let answer = world
        .ask(
            "POST /page",
            &format!("{BROWSER}{FORM}\r\na=b").replace("\r\n\r\na=b", "\r\n"),
        )
        .await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").is_some());
    assert!(answer.text().contains("FormExpired"), "{}", answer.text());
    let json = "Content-Type: application/json\r\nContent-Length: 0\r\n";
    let answer = world.ask("POST /page", &format!("{BROWSER}{json}")).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_decides_the_answer() {
    let world = World::start().await;
    let check = |line: &'static str, headers: &'static str, want: u16, says: &'static str| {
        let world = &world;
        async move {
            let answer = world.signed_in(line, headers).await;
            assert_eq!(answer.status, want, "{line} {headers} {answer:?}");
            let all = format!("{}\n{}", answer.head, answer.text());
            assert!(all.contains(says), "{line}: {all}");
            assert_eq!(answer.header("server"), None);
        }
    };
    check("GET /admin", "", 403, "\"forbidden\"").await;
    check("GET /admin/x", HTML, 403, "Forbidden").await;
    check(
        "GET /admin",
        "Accept: text/plain\r\n",
        403,
        "You do not have access",
    )
    .await;
    check("GET /secret", "", 401, "enrolment_required").await;
    check(
        "GET /secret",
        HTML,
        302,
        "https://login.test/signin?to=https://wiki.test/secret",
    )
    .await;
    check("DELETE /readonly", "", 405, "GET, HEAD").await;
    check("POST /small", "Content-Length: 1001\r\n", 413, "too_large").await;
    assert!(world.upstream.take().is_empty());
    // a request is counted after its answer was sent
    let mut outcomes: Vec<_> = world.counts.outcomes.lock().iter().map(|o| o.0).collect();
    outcomes.sort_unstable();
    let want = [
        "deny_group",
        "deny_group",
        "deny_group",
        "deny_method",
        "enrol",
        "enrol",
        "too_large",
    ];
    assert_eq!(outcomes, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_up_is_asked_for_in_the_words_of_rfc_9470() {
    use std::time::Duration;
    use vestibule::domain::assurance::{Factors, SecondFactor};
    use vestibule::domain::timestamp::Timestamp;
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        routes[0].max_age = Some(Duration::from_secs(900));
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    let token = world.sessions.open(9, |view| {
        view.session.factors = Factors::with(SecondFactor::Totp);
        let proven = crate::support::world::NOW - 1200;
        view.session.second_factor_at = Some(Timestamp::from_seconds(proven));
    });
    let answer = world
        .ask("GET /x", &format!("Cookie: __Host-vestibule={token}\r\n"))
        .await;
    assert_eq!(answer.status, 401);
    let asked = answer.header("www-authenticate").unwrap();
    for part in [
        "error=\"insufficient_user_authentication\"",
        "acr_values=\"aal2\"",
        "max_age=\"900\"",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_has_a_way_of_its_own() {
    let world = World::start().await;
    for (line, headers) in [
        (
            "OPTIONS /page",
            "Origin: https://evil.test\r\nAccess-Control-Request-Method: GET\r\n",
        ),
        ("GET /page", "User-Agent: GoogleHC/1.0\r\n"),
        ("GET /page", "User-Agent: kube-probe/1.30\r\n"),
        (
            "GET /page",
            "X-Forwarded-Uri: /public/x\r\nX-Original-URL: /public/x\r\n",
        ),
        ("GET /page?path=/public/x", ""),
        (
            "GET /page",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        ),
        (
            "GET /page",
            "X-Forwarded-For: 127.0.0.1\r\nX-HTTP-Method-Override: OPTIONS\r\n",
        ),
        ("PROPFIND /page", ""),
    ] {
        let answer = world.ask(line, headers).await;
        assert_eq!(answer.status, 401, "{line} {headers}");
    }
    for path in ["/page", "/admin", "/secret", "/admin/ws", "/"] {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n";
        let answer = world.ask(&format!("GET {path}"), upgrade).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_closes_all_but_public_doors() {
    let world = World::start().await;
    world
        .sessions
        .away
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let answer = world.signed_in("GET /page", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("unavailable"));
    assert!(world.upstream.take().is_empty());
    assert_eq!(world.signed_in("GET /public/x", "").await.status, 200);
    // nobody is signed in without a cookie, store or no store
    assert_eq!(world.ask("GET /page", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_silence_and_revocation() {
    use std::sync::atomic::Ordering;
    let world = World::start().await;
    assert_eq!(world.signed_in("GET /page", "").await.status, 200);
    assert_eq!(world.sessions.seen.load(Ordering::SeqCst), 1);
    world.clock.fetch_add(3600, Ordering::SeqCst);
    assert_eq!(world.signed_in("GET /page", "").await.status, 401);
    world.clock.fetch_sub(3600, Ordering::SeqCst);
    world.sessions.revoke_all();
    assert_eq!(world.signed_in("GET /page", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_address_is_the_peers_unless_a_proxy_is_trusted() {
    let world = World::start().await;
    for forged in [
        "X-Forwarded-For: 10.9.9.9\r\n",
        "X-Real-IP: 10.9.9.9\r\n",
        "Forwarded: for=10.9.9.9\r\n",
    ] {
        assert_eq!(world.signed_in("GET /page", forged).await.status, 200);
        let seen = world.upstream.only();
        assert!(!seen.contains("10.9.9.9"), "{seen}");
    }
    let world = World::with(|s, _| s.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let headers = "X-Forwarded-For: 1.1.1.1, 10.9.9.9\r\nX-Forwarded-Proto: https\r\n";
    assert_eq!(world.signed_in("GET /page", headers).await.status, 200);
    let seen = world.upstream.only();
    assert_eq!(value(&seen, "x-forwarded-for"), Some("10.9.9.9"));
    assert_eq!(value(&seen, "x-forwarded-proto"), Some("https"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_holds_from_the_next_request_on() {
    let world = World::start().await;
    let mut wire = world.plain().await;
    let request = format!(
        "GET /page HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n\r\n",
        world.token
    );
    wire.send(&request).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    let none = crate::support::world::snapshot(Vec::new());
    world.install(none);
    wire.send(&request).await;
    assert_eq!(wire.answer().await.unwrap().status, 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_own_sign_out_is_forwarded_and_ends_everything() {
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        routes[0].logout_paths = vec![vestibule::domain::route::PublicPath::new(path("/logout"))];
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    assert_eq!(world.signed_in("GET /logout/not", "").await.status, 200);
    assert_eq!(world.signed_in("GET /logout", "").await.status, 200);
    let seen = world.upstream.take();
    assert_eq!(value(seen.last().unwrap(), "remote-user"), Some("aino"));
    assert_eq!(world.signed_in("GET /page", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_to_prove_more_to_sign_out() {
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering;
    use vestibule::domain::policy::TwoFactor;
    use vestibule::domain::route::PublicPath;
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        routes[0].two_factor = TwoFactor::Required;
        routes[0].logout_paths = vec![PublicPath::new(path("/logout"))];
        routes[0]
            .logout_paths
            .push(PublicPath::new(path("/public/logout")));
        let mut group = routes[0].clone();
        group.prefix = path("/group");
        group.name = "group".to_owned();
        group.access.groups = BTreeSet::from(["admins".to_owned()]);
        group.logout_paths = vec![PublicPath::new(path("/group/logout"))];
        routes.push(group);
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    let form = format!("{HTML}{}", FORM.replace("3", "0"));
    let signed_out = Some("https://login.test/signed-out");
    for (line, headers, want, location) in [
        ("GET /logout", HTML, 303, signed_out),
        ("POST /logout", form.as_str(), 303, signed_out),
        ("GET /group/logout", HTML, 303, signed_out),
        ("POST /logout", "Content-Length: 0\r\n", 401, None),
        ("GET /public/logout", HTML, 200, None),
    ] {
        assert_eq!(world.sessions.open(1, |_| {}), world.token);
        let public = world.signed_in("GET /public/x", "").await;
        assert_eq!(public.status, 200);
        // still live: what is missing is the second factor
        let answer = world.signed_in("GET /page", "").await;
        assert!(answer.text().contains("enrolment_required"), "{line}");
        let answer = world.signed_in(line, headers).await;
        assert_eq!(answer.status, want, "{line}: {}", answer.head);
        assert_eq!(answer.header("location"), location, "{line}");
        let answer = world.signed_in("GET /page", "").await;
        assert!(answer.text().contains("login_required"), "{line}");
    }
    // nobody is signed in: as everywhere else
    let answer = world.ask("GET /logout", HTML).await;
    assert_eq!(answer.status, 302);
    // a session that cannot be ended is not said to have ended
    world.sessions.away.store(true, Ordering::SeqCst);
    let answer = world.signed_in("GET /public/logout", HTML).await;
    assert_eq!(answer.status, 503);
    let paths: Vec<String> = world.upstream.take();
    assert!(paths.iter().all(|seen| seen.starts_with("GET /public/")));
}
