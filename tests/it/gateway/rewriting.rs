//! Applications that believe they live elsewhere: what they receive, and what of their answers arrives.

use crate::support::client::Answer;
use crate::support::upstream::{value, values};
use crate::support::world::{World, changed, path, route};
use std::collections::BTreeSet;
use vestibule::domain::headers::{Frames, SecurityHeaders};
use vestibule::domain::host::Host;
use vestibule::domain::rewrite::{
    CookieRules, Destination, PathMap, Rewrite, SameSite, UpstreamHost,
};
use vestibule::domain::route::{PublicPath, Route, Template};

const BROWSER: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

fn mapped(outer: &str, inner: &str) -> Rewrite {
    Rewrite {
        path: Some(PathMap::new(&path(outer), &path(inner))),
        ..Rewrite::default()
    }
}

/// Routes of wiki.test, all to the same application:
/// `/strip` at its `/`, `/moved` at `/app`, `/named` as intranet.local, `/own` as the upstream's own address,
/// `/dressed` with headers of the operator, and besides them those of [`World`].
async fn world() -> World {
    World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        let upstream = routes[0].upstreams[0].clone();
        let mut add = |prefix: &str, change: &dyn Fn(&mut Route)| {
            let mut route = route("wiki.test", prefix, upstream.clone());
            change(&mut route);
            routes.push(route);
        };
        add("/strip", &|r| {
            r.rewrite = Some(Rewrite {
                cookies: CookieRules {
                    secure: true,
                    same_site: Some(SameSite::Lax),
                    host_only: false,
                },
                ..mapped("/strip", "/")
            });
            r.public = vec![PublicPath::new(path("/strip/public/"))];
        });
        add("/strip/admin", &|r| {
            r.rewrite = Some(mapped("/strip/admin", "/admin"));
            r.access.groups = BTreeSet::from(["admins".to_owned()]);
        });
        add("/moved", &|r| r.rewrite = Some(mapped("/moved", "/app")));
        add("/aware", &|r| {
            r.rewrite = Some(Rewrite {
                destination: Destination::Public,
                ..mapped("/aware", "/")
            });
        });
        add("/named", &|r| {
            r.rewrite = Some(Rewrite {
                host: Some(UpstreamHost::Named(
                    Host::parse("intranet.local").unwrap(),
                    None,
                )),
                origin: true,
                cookies: CookieRules {
                    host_only: true,
                    ..CookieRules::default()
                },
                ..Rewrite::default()
            });
        });
        add("/own", &|r| {
            r.rewrite = Some(Rewrite {
                host: Some(UpstreamHost::Upstream),
                ..mapped("/own", "/")
            });
        });
        add("/dressed", &|r| {
            let template = |text: &str| Template::parse(text).unwrap();
            r.headers.request.set = vec![
                ("X-Script-Name".into(), template("/dressed")),
                ("X-Who".into(), template("<{account.name}>")),
            ];
            r.headers.request.remove = vec!["Accept-Language".into()];
            r.headers.response.remove = vec!["Server".into(), "X-Powered-By".into()];
            r.headers.response.set = vec![("X-Frame-Options".into(), "DENY".into())];
            r.headers.response.add = vec![("Vary".into(), "Accept".into())];
            r.public = vec![PublicPath::new(path("/dressed/public/"))];
        });
        add("/framed", &|r| {
            r.headers.security = Some(SecurityHeaders {
                nosniff: true,
                frames: Some(Frames::Own),
                referrer: Some("same-origin".into()),
            });
        });
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await
}

/// An answer of the application, as a browser receives it.
async fn answered(world: &World, place: &str, answer: &str) -> Answer {
    let origin = &world.upstream.origin();
    let answer = answer.replace("ORIGIN", origin);
    let headers = format!("X-Answer: {answer}\r\n");
    world.signed_in(&format!("GET {place}"), &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_mapped_after_the_decision() {
    let world = world().await;
    for (sent, want, prefix) in [
        ("/strip/", "/", Some("/strip")),
        ("/strip/a/b?c=/strip/d", "/a/b?c=/strip/d", Some("/strip")),
        ("/STRIP/%61", "/a", Some("/strip")),
        ("/strip/strip/x", "/strip/x", Some("/strip")),
        ("/strip?q", "/?q", Some("/strip")),
        ("/moved/x", "/app/x", Some("/moved")),
        ("/moved", "/app", Some("/moved")),
        ("/moved;v=1/x", "/app;v=1/x", Some("/moved")),
        ("/stripped/x", "/stripped/x", None),
        ("/named/x", "/named/x", None),
    ] {
        let forged =
            "X-Forwarded-Prefix: /evil\r\nx.forwarded.prefix: /evil\r\nX-Script-Name: /evil\r\n";
        let answer = world.signed_in(&format!("GET {sent}"), forged).await;
        assert_eq!(answer.status, 200, "{sent}");
        let seen = world.upstream.only();
        assert!(
            seen.starts_with(&format!("GET {want} HTTP/1.1\r\n")),
            "{sent}: {seen}"
        );
        assert_eq!(value(&seen, "x-forwarded-prefix"), prefix, "{sent}");
        assert!(!seen.contains("evil"), "{seen}");
        assert_eq!(value(&seen, "remote-user"), Some("aino"));
    }
    // nothing is decided on what comes out of the mapping
    for (sent, want) in [
        ("/strip/admin/x", 403),
        ("/STRIP/%61dmin", 403),
        ("/strip/admin;x", 403),
        ("/strip/../admin", 400),
        ("/strip/%2e%2e/x", 400),
        ("/strip/..%2fx", 400),
        ("/strip//admin", 400),
        ("/strip/%2fadmin", 400),
        ("/strip\\admin", 400),
        ("/strip;/admin", 404),
        ("/strip%3b/admin", 404),
        ("/strip;/x", 400),
        ("/strip;x", 400),
    ] {
        let answer = world.signed_in(&format!("GET {sent}"), "").await;
        assert_eq!(answer.status, want, "{sent}");
    }
    assert!(world.upstream.take().is_empty());
    // `/admin` within the application is not `/admin` of the host: the route that leads there decides
    assert_eq!(world.ask("GET /strip/x", "").await.status, 401);
    assert_eq!(world.ask("GET /strip/public/x", "").await.status, 200);
    assert!(world.upstream.only().starts_with("GET /public/x "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_at_the_prefix_itself_is_sent_to_the_folder() {
    let world = world().await;
    let answer = world.signed_in("GET /strip?a=b", BROWSER).await;
    assert_eq!(answer.status, 308);
    assert_eq!(
        answer.header("location"),
        Some("https://wiki.test/strip/?a=b")
    );
    assert!(world.upstream.take().is_empty());
    assert_eq!(world.signed_in("GET /moved", BROWSER).await.status, 200);
    let asked = world.ask("GET /strip", BROWSER).await;
    assert_eq!(asked.status, 302, "nobody is told before the decision");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_is_called_what_it_believes_to_be() {
    let world = world().await;
    let address = world.upstream.origin();
    let address = address.strip_prefix("http://").unwrap();
    for (place, want) in [
        ("/named/x", "intranet.local"),
        ("/own/x", address),
        ("/x", "wiki.test"),
    ] {
        world
            .signed_in(&format!("GET {place}"), "X-Forwarded-Host: evil\r\n")
            .await;
        let seen = world.upstream.only();
        assert_eq!(values(&seen, "host"), [want], "{place}");
        assert_eq!(values(&seen, "x-forwarded-host"), ["wiki.test"], "{place}");
    }
    for (sent, want) in [
        ("https://wiki.test", "http://intranet.local"),
        ("https://evil.test", "https://evil.test"),
        ("https://wiki.test.evil.test", "https://wiki.test.evil.test"),
        ("null", "null"),
    ] {
        world
            .signed_in(
                "POST /named/x",
                &format!("Origin: {sent}\r\nContent-Length: 0\r\n"),
            )
            .await;
        assert_eq!(values(&world.upstream.only(), "origin"), [want]);
    }
    world
        .signed_in("GET /own/x", "Origin: https://wiki.test\r\n")
        .await;
    assert_eq!(
        values(&world.upstream.only(), "origin"),
        ["https://wiki.test"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_mapped_the_same() {
    let world = world().await;
    let forged = format!("{UPGRADE}X-Forwarded-Prefix: /evil\r\nOrigin: https://wiki.test\r\n");
    let answer = world.signed_in("GET /strip/ws", &forged).await;
    assert_eq!(answer.status, 101);
    let seen = world.upstream.only();
    assert!(seen.starts_with("GET /ws HTTP/1.1\r\n"), "{seen}");
    assert_eq!(values(&seen, "x-forwarded-prefix"), ["/strip"]);
    assert_eq!(
        world.signed_in("GET /strip;x/ws", UPGRADE).await.status,
        400
    );
    // an application that does not want to: its answer is rewritten, too
    let headers = format!("{UPGRADE}X-Answer: 302 Found | Location: /login\r\n");
    let answer = world.signed_in("GET /strip/x", &headers).await;
    assert_eq!(answer.header("location"), Some("/strip/login"));
    assert_eq!(answer.header("cache-control"), Some("private"));
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_in_answers_are_mapped_back() {
    let world = world().await;
    for (place, field, given, want) in [
        (
            "/strip/x",
            "Location",
            "/login?next=/x",
            "/strip/login?next=/x",
        ),
        (
            "/strip/x",
            "Location",
            "ORIGIN/login",
            "https://wiki.test/strip/login",
        ),
        (
            "/strip/x",
            "Location",
            "http://wiki.test/strip/y",
            "https://wiki.test/strip/y",
        ),
        ("/strip/x", "Location", "/strip/y", "/strip/y"),
        ("/strip/x", "Location", "page", "page"),
        (
            "/moved/x",
            "Location",
            "ORIGIN/app/y",
            "https://wiki.test/moved/y",
        ),
        ("/moved/x", "Location", "/app", "/moved"),
        ("/moved/x", "Location", "/elsewhere", "/elsewhere"),
        (
            "/named/x",
            "Location",
            "http://intranet.local/named/y",
            "https://wiki.test/named/y",
        ),
        (
            "/named/x",
            "Content-Location",
            "http://intranet.local/named/y",
            "https://wiki.test/named/y",
        ),
        ("/strip/x", "Content-Location", "/y", "/strip/y"),
        ("/strip/x", "Refresh", "5; url=/y", "5; url=/strip/y"),
        (
            "/strip/x",
            "Refresh",
            "5; url=ORIGIN/y",
            "5; url=https://wiki.test/strip/y",
        ),
        // foreign ones, and what only looks like its own
        (
            "/strip/x",
            "Location",
            "https://evil.test/x",
            "https://evil.test/x",
        ),
        ("/strip/x", "Location", "//evil.test/x", "//evil.test/x"),
        (
            "/strip/x",
            "Location",
            "http://u@intranet.local/x",
            "http://u@intranet.local/x",
        ),
        (
            "/named/x",
            "Location",
            "http://intranet.local.evil.test/",
            "http://intranet.local.evil.test/",
        ),
        (
            "/named/x",
            "Location",
            "http://intranet.local@evil.test/",
            "http://intranet.local@evil.test/",
        ),
        ("/strip/x", "Link", "</y>; rel=next", "</y>; rel=next"),
        // a route without rewriting passes on what the application says
        ("/x", "Location", "http://wiki.test/y", "http://wiki.test/y"),
    ] {
        for status in [
            "201 Created",
            "302 Found",
            "308 Permanent Redirect",
            "200 OK",
        ] {
            let answer = answered(&world, place, &format!("{status} | {field}: {given}")).await;
            assert_eq!(answer.headers(field), [want], "{place} {status} {given}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_mapped_back() {
    let world = world().await;
    let cookies = "200 OK | Set-Cookie: a=1; Path=/; HttpOnly | Set-Cookie: b=2; Path=/strip/x; Secure; SameSite=None \
                   | Set-Cookie: __Host-vestibule=stolen; Path=/ | Set-Cookie: c=3; Domain=127.0.0.1";
    let answer = answered(&world, "/strip/x", cookies).await;
    assert_eq!(
        answer.headers("set-cookie"),
        [
            "a=1; Path=/strip; HttpOnly; Secure; SameSite=Lax",
            "b=2; Path=/strip/x; Secure; SameSite=None",
            "c=3; Secure; SameSite=Lax",
        ]
    );
    let cookies = "200 OK | Set-Cookie: a=1; Domain=intranet.local | Set-Cookie: b=2; Domain=.test; Path=/ \
                   | Set-Cookie: __host-vestibule=; Domain=test; Max-Age=0";
    let answer = answered(&world, "/named/x", cookies).await;
    assert_eq!(answer.headers("set-cookie"), ["a=1", "b=2; Path=/"]);
    // a domain above the host is the application's decision where nothing else is configured
    let answer = answered(&world, "/moved/x", "200 OK | Set-Cookie: b=2; Domain=.test").await;
    assert_eq!(answer.headers("set-cookie"), ["b=2; Domain=.test"]);
    world.upstream.take();
    // and the client's cookies of the application arrive as ever
    world.signed_in("GET /strip/x", "Cookie: a=1\r\n").await;
    assert_eq!(value(&world.upstream.only(), "cookie"), Some("a=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_is_mapped() {
    let world = world().await;
    let origin = world.upstream.origin();
    for (line, destination, want) in [
        (
            "MOVE /strip/a",
            "https://wiki.test/strip/b%20c",
            "http://wiki.test/b%20c".to_owned(),
        ),
        (
            "MOVE /strip/a",
            "/STRIP/%62",
            "http://wiki.test/b".to_owned(),
        ),
        (
            "COPY /moved/a",
            "http://WIKI.test:8443/moved/b",
            "http://wiki.test/app/b".to_owned(),
        ),
        (
            "COPY /own/a",
            "https://wiki.test/own/b",
            format!("{origin}/b"),
        ),
        (
            "MOVE /named/a",
            "https://wiki.test/named/b",
            "http://intranet.local/named/b".to_owned(),
        ),
        (
            "MOVE /aware/a",
            "https://wiki.test/aware/b",
            "https://wiki.test/aware/b".to_owned(),
        ),
        ("MOVE /a", "/%62", "https://wiki.test/b".to_owned()),
        // what is no COPY or MOVE means nothing by it
        (
            "PUT /strip/a",
            "https://evil.test/",
            "https://evil.test/".to_owned(),
        ),
    ] {
        let headers = format!("Destination: {destination}\r\nContent-Length: 0\r\n");
        let answer = world.signed_in(line, &headers).await;
        assert_eq!(answer.status, 200, "{line} {destination}");
        assert_eq!(
            values(&world.upstream.only(), "destination"),
            [want.as_str()],
            "{line}"
        );
    }
    assert_eq!(world.signed_in("MOVE /strip/a", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_the_request_could_not_be_for_is_refused() {
    let world = world().await;
    for (line, destination, want) in [
        // other hosts, also those of other applications here
        ("MOVE /strip/a", "https://evil.test/strip/b", 403),
        ("MOVE /strip/a", "https://other.test/strip/b", 403),
        ("MOVE /a", "https://login.test/b", 403),
        // the places of other routes, stricter ones above all, in any spelling
        ("MOVE /strip/a", "https://wiki.test/strip/admin/b", 403),
        ("MOVE /strip/a", "/strip/%61dmin/b", 403),
        ("MOVE /strip/a", "/STRIP/ADMIN;x/b", 403),
        ("MOVE /strip/a", "/strip;/admin", 403),
        ("MOVE /strip/a", "/b", 403),
        ("MOVE /strip/a", "/moved/b", 403),
        ("COPY /a", "/admin/b", 403),
        ("COPY /a", "/secret/b", 403),
        ("MOVE /a", "/.vestibule/callback", 403),
        // what two parsers could read differently
        ("MOVE /strip/a", "https://u@wiki.test/strip/b", 400),
        ("MOVE /strip/a", "https://wiki.test@evil.test/strip/b", 400),
        ("MOVE /strip/a", "//wiki.test/strip/b", 400),
        ("MOVE /strip/a", "/strip/../admin/b", 400),
        ("MOVE /strip/a", "/strip/%2e%2e/admin", 400),
        ("MOVE /strip/a", "/strip/..%2fadmin", 400),
        ("MOVE /strip/a", "/strip//admin", 400),
        ("MOVE /strip/a", "/strip;/x", 400),
        ("MOVE /strip/a", "strip/b", 400),
        ("MOVE /strip/a", "/strip/b?c", 400),
        ("MOVE /strip/a", "/strip/b\r\nDestination: /strip/c", 400),
        ("MOVE /strip/a", "", 400),
    ] {
        let headers = format!("Destination: {destination}\r\nContent-Length: 0\r\n");
        let answer = world.signed_in(line, &headers).await;
        assert_eq!(answer.status, want, "{line} {destination}");
    }
    // from a public path nobody who is not signed in gets to another one
    let to = |path: &str| format!("Destination: {path}\r\nContent-Length: 0\r\n");
    let answer = world.ask("MOVE /strip/public/a", &to("/strip/b")).await;
    assert_eq!(answer.status, 403);
    assert!(world.upstream.take().is_empty());
    let answer = world
        .ask("MOVE /strip/public/a", &to("/strip/public/b"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_operator() {
    let world = world().await;
    let forged = "X-Script-Name: /evil\r\nx.script.name: evil\r\nXScriptName: evil\r\nX-Who: evil\r\nX.Who: evil\r\n\
                  Accept-Language: evil\r\nAccept.Language: evil\r\nAccept: text/html\r\n";
    let line =
        "200 OK | Server: app | X-Powered-By: PHP | X-Frame-Options: SAMEORIGIN | Vary: Cookie";
    let headers = format!("{forged}X-Answer: {line}\r\n");
    let answer = world.signed_in("GET /dressed/x", &headers).await;
    let seen = world.upstream.only();
    assert!(!seen.contains("evil"), "{seen}");
    assert_eq!(values(&seen, "x-script-name"), ["/dressed"]);
    assert_eq!(values(&seen, "x-who"), ["<\u{c3}\u{85}ino>"]);
    assert_eq!(values(&seen, "accept"), ["text/html"]);
    assert_eq!(answer.header("server"), None);
    assert_eq!(answer.header("x-powered-by"), None);
    assert_eq!(answer.headers("x-frame-options"), ["DENY"]);
    assert_eq!(answer.headers("vary"), ["Cookie", "Accept"]);
    // where nobody is signed in, what needs a person is not sent
    let answer = world.ask("GET /dressed/public/x", forged).await;
    assert_eq!(answer.status, 200);
    let seen = world.upstream.only();
    assert!(!seen.contains("evil"), "{seen}");
    assert_eq!(values(&seen, "x-script-name"), ["/dressed"]);
    assert!(values(&seen, "x-who").is_empty(), "{seen}");
    // elsewhere the same names are the clients' own, but for those that tell of a person, and the prefix
    world
        .signed_in(
            "GET /x",
            "X-Who: me\r\nX.Who: me\r\nX-Script-Name: /evil\r\nAccept-Language: fi\r\n",
        )
        .await;
    let seen = world.upstream.only();
    assert!(values(&seen, "x-who").is_empty());
    assert!(values(&seen, "x-script-name").is_empty());
    assert_eq!(values(&seen, "accept-language"), ["fi"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_cannot_break_out_of_a_header() {
    let world = world().await;
    let token = world.sessions.open(7, |view| {
        changed(view, |account| {
            account.name = "x>\r\nRemote-Groups: admins\r\nX-Who: y".into();
        });
    });
    let headers = format!("Cookie: __Host-vestibule={token}\r\n");
    world.ask("GET /dressed/x", &headers).await;
    let seen = world.upstream.only();
    assert_eq!(values(&seen, "x-who").len(), 1, "{seen}");
    assert_eq!(values(&seen, "remote-groups"), ["staff"], "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn security_headers_where_the_application_has_none() {
    let world = world().await;
    let answer = answered(&world, "/framed/x", "200 OK").await;
    assert_eq!(answer.headers("x-content-type-options"), ["nosniff"]);
    assert_eq!(answer.headers("x-frame-options"), ["SAMEORIGIN"]);
    assert_eq!(
        answer.headers("content-security-policy"),
        ["frame-ancestors 'self'"]
    );
    assert_eq!(answer.headers("referrer-policy"), ["same-origin"]);
    assert_eq!(answer.header("strict-transport-security"), None);
    let own = "200 OK | Content-Security-Policy: default-src 'self'; Frame-Ancestors https://a.test | Referrer-Policy: origin";
    let answer = answered(&world, "/framed/x", own).await;
    assert_eq!(answer.header("x-frame-options"), None);
    assert_eq!(answer.headers("content-security-policy").len(), 1);
    assert_eq!(answer.headers("referrer-policy"), ["origin"]);
    let answer = answered(
        &world,
        "/framed/x",
        "200 OK | Content-Security-Policy: default-src 'self'",
    )
    .await;
    assert_eq!(
        answer.headers("content-security-policy"),
        ["default-src 'self'", "frame-ancestors 'self'"]
    );
    let answer = answered(&world, "/framed/x", "200 OK | X-Frame-Options: DENY").await;
    assert_eq!(answer.headers("x-frame-options"), ["DENY"]);
    assert_eq!(answer.header("content-security-policy"), None);
    // without the section nothing is added
    assert_eq!(
        answered(&world, "/x", "200 OK")
            .await
            .header("x-frame-options"),
        None
    );
}

/// Web cache deception: `/account/x.css` is a person's page to the application and a file of everybody's to a cache.
#[tokio::test(flavor = "multi_thread")]
async fn answers_for_a_person_are_private_unless_the_application_says_more() {
    let world = world().await;
    for (answer, want) in [
        ("200 OK", Some("private")),
        ("304 Not Modified", Some("private")),
        ("302 Found | Location: /x", Some("private")),
        (
            "200 OK | Cache-Control: public, max-age=60",
            Some("public, max-age=60"),
        ),
        ("200 OK | Cache-Control: no-store", Some("no-store")),
        ("200 OK | Expires: 0", None),
        ("200 OK | Pragma: no-cache", None),
    ] {
        for place in ["/account/x.css", "/strip/account/x.css"] {
            let got = answered(&world, place, answer).await;
            assert_eq!(got.header("cache-control"), want, "{place} {answer}");
        }
    }
    // nobody's answers are the application's to say
    let answer = world.ask("GET /public/x", "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, None));
    let answer = world.signed_in("GET /public/x", "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, None));
}

/// A folder's deletion, and a listing or a lock of all that is below, are as well of what is below.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_into_another_routes_place_from_above() {
    let world = world().await;
    for (line, depth, want) in [
        // /admin and /secret are other routes'
        ("DELETE /", "", 403),
        ("DELETE /%2e/", "", 400),
        ("DELETE /a", "", 200),
        ("DELETE /strip", "", 403),
        ("DELETE /strip/a", "", 200),
        ("PROPFIND /", "", 403),
        ("PROPFIND /", "Depth: infinity\r\n", 403),
        ("PROPFIND /", "Depth: Infinity\r\n", 403),
        ("PROPFIND /", "Depth: 2\r\n", 403),
        ("PROPFIND /", "Depth: 1\r\nDepth: infinity\r\n", 403),
        ("PROPFIND /", "Depth: 1, infinity\r\n", 403),
        ("PROPFIND /", "Depth: 0\r\n", 200),
        ("PROPFIND /", "Depth: 1\r\n", 200),
        ("PROPFIND /a", "Depth: infinity\r\n", 200),
        ("LOCK /", "", 403),
        ("REPORT /", "Depth: infinity\r\n", 403),
        ("REPORT /", "", 403),
        ("REPORT /", "Depth: 0\r\n", 403),
        ("REPORT /a", "", 200),
        ("SEARCH /", "", 403),
        ("SEARCH /a", "", 200),
        ("GET /", "Depth: infinity\r\n", 200),
    ] {
        let headers = format!("{depth}Content-Length: 0\r\n");
        let answer = world.signed_in(line, &headers).await;
        assert_eq!(answer.status, want, "{line} {depth}");
    }
}
