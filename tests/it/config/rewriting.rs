//! `rewrite`, `headers` and `security_headers` of a route.

use super::{BASE, Folder};
use std::fmt::Write as _;
use vestibule::domain::headers::Frames;
use vestibule::domain::rewrite::{Destination, SameSite, UpstreamHost};

/// A second route on payroll's host, with more lines in it.
fn with(path: &str, lines: &str) -> String {
    format!(
        "{BASE}  - name: wiki-elsewhere\n    host: payroll.example.com\n    path: {path}\n    \
         upstream: http://10.0.0.5:3000\n{lines}"
    )
}

#[test]
fn what_is_written_arrives() {
    let folder = Folder::new();
    let s = folder.settings(&with(
        "/wiki",
        "    rewrite:\n      path: /mediawiki/\n      host: Intranet.local:8080\n      addresses: [ \"http://old.example.com\" ]\n      \
         destination: public\n      origin: true\n      cookies: { secure: true, same_site: none, host_only: true }\n    \
         headers:\n      request: { set: { X-Who: \"{account.login}\" }, remove: [ Accept-Language, authorization ] }\n      \
         response: { set: { X-A: b }, add: { Vary: Cookie }, remove: [ Server, Set-Cookie ] }\n    \
         security_headers: { frame_ancestors: [ \"https://portal.example.com/\" ], content_type_options: false, referrer_policy: same-origin }\n",
    ));
    let route = &s.routes.routes()[2];
    let rewrite = route.rewrite.as_ref().unwrap();
    let map = rewrite.path.as_ref().unwrap();
    assert_eq!((map.prefix(), map.inner()), ("/wiki", "/mediawiki"));
    let Some(UpstreamHost::Named(host, Some(8080))) = &rewrite.host else {
        panic!("{rewrite:?}");
    };
    assert_eq!(host.as_str(), "intranet.local");
    assert_eq!(rewrite.addresses[0].1, 80);
    assert_eq!(rewrite.destination, Destination::Public);
    assert!(rewrite.origin && rewrite.cookies.secure && rewrite.cookies.host_only);
    assert_eq!(rewrite.cookies.same_site, Some(SameSite::None));
    let headers = &route.headers;
    assert_eq!(headers.request.set[0].0, "X-Who");
    assert_eq!(headers.request.remove, ["Accept-Language", "authorization"]);
    assert_eq!(headers.response.set, [("X-A".to_owned(), "b".to_owned())]);
    assert_eq!(headers.response.remove, ["Server", "Set-Cookie"]);
    let security = headers.security.as_ref().unwrap();
    assert_eq!(
        security.frames,
        Some(Frames::Listed(vec!["https://portal.example.com".into()]))
    );
    assert!(!security.nosniff);

    let defaults = |lines: &str| folder.settings(&with("/wiki", lines)).routes.routes()[2].clone();
    let plain = defaults("");
    assert!(plain.rewrite.is_none() && plain.headers.security.is_none());
    let route = defaults("    rewrite: {}\n    security_headers: true\n");
    assert_eq!(route.rewrite, Some(Default::default()));
    let security = route.headers.security.unwrap();
    assert_eq!(
        (security.nosniff, security.frames),
        (true, Some(Frames::Own))
    );
    assert_eq!(
        security.referrer.as_deref(),
        Some("strict-origin-when-cross-origin")
    );
    let route = defaults(
        "    rewrite: { strip_prefix: true, host: upstream }\n    security_headers: false\n",
    );
    let rewrite = route.rewrite.unwrap();
    assert_eq!(rewrite.path.unwrap().inner(), "/");
    assert_eq!(rewrite.host, Some(UpstreamHost::Upstream));
    assert!(route.headers.security.is_none());
}

/// One mistake each: the route's path, and its lines.
const MISTAKES: &[(&str, &str)] = &[
    ("/wiki", "    rewrite: { strip_prefix: true, path: /app }\n"),
    ("/wiki", "    rewrite: { path: /wiki/ }\n"),
    ("\"/;a\"", "    rewrite: { strip_prefix: true }\n"),
    ("/wiki", "    rewrite: { path: /a//b }\n"),
    ("/wiki", "    rewrite: { path: \"/a;b\" }\n"),
    (
        "/wiki",
        "    rewrite: { host: \"http://intranet.local\" }\n",
    ),
    ("/wiki", "    rewrite: { host: \"a b\" }\n"),
    (
        "/wiki",
        "    rewrite: { addresses: [ \"http://u:hunter2@a.test\", \"http://a.test/app\", a.test ] }\n",
    ),
    ("/wiki", "    rewrite: { destination: mine, orign: true }\n"),
    ("/wiki", "    rewrite: { cookies: { same_site: none } }\n"),
    ("/wiki", "    rewrite: { origin: true }\n"),
    ("/wiki", "    rewrite: true\n"),
    (
        "/wiki",
        "    identity: { headers: { X-Own: a }, assertion: { header: X-Told } }\n    headers: { request: { set: { Host: a, Content-Length: \"1\", Transfer_Encoding: chunked, Connection: close, Cookie: a=b, Remote-Name: x, X-Forwarded-For: 127.0.0.1, X-Vestibule-Any: x, X-Own: b, X_Told: c, Authorization: x, \"a b\": c } } }\n",
    ),
    (
        "/wiki",
        "    headers: { request: { remove: [ Remote-User, x_forwarded_proto, Upgrade ] } }\n",
    ),
    (
        "/wiki",
        "    headers: { request: { set: { X-A: b, x_a: c }, remove: [ X.A ] } }\n",
    ),
    (
        "/wiki",
        "    headers: { request: { set: { X-A: \"{account.password}\", X-B: \"a\\nRemote-User: b\" } } }\n",
    ),
    (
        "/wiki",
        "    headers: { response: { set: { Content-Length: \"1\", Set-Cookie: a=b, Connection: close, X-A: \"\", X-B: \"a\\r\\nSet-Cookie: b=c\" } } }\n",
    ),
    (
        "/wiki",
        "    headers: { response: { add: { set-cookie: a=b }, remove: [ Date ] } }\n",
    ),
    ("/wiki", "    security_headers: yes\n"),
    (
        "/wiki",
        "    security_headers: { frame_options: deny, referrer_policy: never }\n",
    ),
    (
        "/wiki",
        "    security_headers: { frame_ancestors: [ self, \"http://a.test\", \"https://b.test/x\" ] }\n",
    ),
    ("/wiki", "    security_headers: { frame_ancestors: [] }\n"),
];

#[test]
fn each_mistake_has_its_place_and_its_remedy() {
    let folder = Folder::new();
    let mut all = String::new();
    for (path, lines) in MISTAKES {
        let shown = folder.rendered(&with(path, lines));
        assert!(shown.contains("error"), "{lines} is not found");
        assert!(!shown.contains("hunter2"), "{lines}");
        let _ = write!(all, "### {}\n\n{shown}\n\n", lines.trim());
    }
    insta::assert_snapshot!(all);
}

/// Two ways into one application: what one of them guards is reached by the other.
#[test]
fn a_way_round_another_route_is_pointed_out() {
    let folder = Folder::new();
    let guarded = "  - name: wiki-admin\n    host: wiki.example.com\n    path: /admin\n    upstream: http://10.0.0.5:3000\n    access: { groups: [ it-admins ] }\n";
    let warned = |more: &str| {
        let text = with(
            "/wiki",
            &format!("    rewrite: {{ strip_prefix: true }}\n{guarded}{more}"),
        );
        let (settings, report) = folder.examine(&text);
        assert!(settings.is_some(), "{report}");
        report.to_string()
    };
    let report = warned("");
    assert!(
        report
            .contains("payroll.example.com/wiki/admin leads to what the route `wiki-admin` guards"),
        "{report}"
    );
    let same = "  - name: again\n    host: payroll.example.com\n    path: /wiki/admin\n    upstream: http://10.0.0.5:3000\n    rewrite: { path: /admin }\n    access: { groups: [ it-admins ] }\n";
    assert_eq!(warned(same), "");
}
