//! Routes that answer by themselves, and what the guide says about checking the signature of requests.

use crate::support::client::Answer;
use crate::support::upstream::{value, values};
use crate::support::world::{NOW, World, changed, path, route};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::time::Duration;
use vestibule::domain::answer::{Fixed, Maintenance, Own, PreflightAnswer, Preflights, Redirect};
use vestibule::domain::credentials::{MessageSignature, SharedSecret};
use vestibule::domain::rewrite::{PathMap, Rewrite};
use vestibule::domain::route::{PublicPath, Route};
use vestibule::domain::timestamp::Timestamp;

const BROWSER: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
const APP: &str = "https://app.test";

fn redirect(status: u16, keep: bool) -> Option<Own> {
    Some(Own::Redirect(Redirect {
        status,
        origin: "https://new.example.com".into(),
        target: "/x".into(),
        kept_path: keep.then(|| PathMap::new(&path("/kept"), &path("/x"))),
        keep_query: keep,
    }))
}

/// Routes of wiki.test besides those of [`World`].
async fn world() -> World {
    World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        let upstream = routes[0].upstreams[0].clone();
        let mut add = |prefix: &str, change: &dyn Fn(&mut Route)| {
            let mut route = route("wiki.test", prefix, upstream.clone());
            change(&mut route);
            routes.push(route);
        };
        let nothing = |r: &mut Route, own: Option<Own>| {
            r.upstreams.clear();
            r.answers.own = own;
        };
        add("/moved", &|r| nothing(r, redirect(301, false)));
        add("/kept", &|r| {
            nothing(r, redirect(308, true));
            r.public = vec![PublicPath::new(path("/"))];
        });
        add("/text", &|r| {
            nothing(
                r,
                Some(Own::Fixed(Fixed {
                    status: 410,
                    content_type: "text/plain; charset=utf-8".into(),
                    body: b"gone".as_slice().into(),
                    headers: vec![("Cache-Control".into(), "max-age=60".into())],
                })),
            );
        });
        add("/closed", &|r| {
            r.answers.maintenance = Some(Maintenance {
                message: Some("Back after \"lunch\" <b>".into()),
                until: Some(Timestamp::from_seconds(NOW + 600)),
                networks: vec!["192.0.2.0/24".parse().unwrap()],
                groups: BTreeSet::new(),
            });
        });
        add("/operators", &|r| {
            r.answers.maintenance = Some(Maintenance {
                groups: BTreeSet::from(["staff".to_owned()]),
                ..Maintenance::default()
            });
        });
        let origins = || BTreeSet::from([APP.to_owned()]);
        add("/api", &|r| {
            r.answers.preflights = Some(Preflights {
                origins: origins(),
                answer: None,
            });
        });
        add("/own-api", &|r| {
            r.answers.preflights = Some(Preflights {
                origins: origins(),
                answer: Some(PreflightAnswer {
                    methods: vec!["GET".into(), "PUT".into()],
                    headers: vec!["X-Asked".into()],
                    credentials: true,
                    max_age: Some(Duration::from_secs(600)),
                }),
            });
        });
        add("/signed", &|r| {
            r.name = "signed".into();
            r.identity.message_signature = Some(MessageSignature {
                key: Some(SharedSecret::new(KEY.as_bytes().to_vec())),
            });
            r.rewrite = Some(Rewrite {
                path: Some(PathMap::new(&path("/signed"), &path("/app"))),
                ..Rewrite::default()
            });
        });
        snapshot.routes = vestibule::domain::route::Table::new(routes).unwrap();
    })
    .await
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn redirects_need_a_session_and_lead_where_configured() {
    let world = world().await;
    let location = |a: &Answer| (a.status, a.header("location").map(str::to_owned));
    let want = |status, to: &str| (status, Some(to.to_owned()));
    let answer = world.ask("GET /moved/a", BROWSER).await;
    assert_eq!(answer.status, 302, "to sign in");
    assert!(
        answer
            .header("location")
            .unwrap()
            .starts_with("https://login.test/")
    );
    assert_eq!(world.ask("GET /moved/a", "").await.status, 401);
    let answer = world.signed_in("GET /moved/a?token=1", BROWSER).await;
    assert_eq!(location(&answer), want(301, "https://new.example.com/x"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for (asked, to) in [
        ("/kept", "/x"),
        ("/kept/a%2Db?q=//evil.test", "/x/a-b?q=//evil.test"),
        ("/kept/@evil.test", "/x/@evil.test"),
        ("/KEPT/.evil.test", "/x/.evil.test"),
    ] {
        let answer = world
            .ask(&format!("GET {asked}"), "X-Forwarded-Host: evil.test\r\n")
            .await;
        let to = format!("https://new.example.com{to}");
        // the public path is compared to the letter
        if asked.starts_with("/kept") {
            assert_eq!(location(&answer), want(308, &to), "{asked}");
        }
        let answer = world
            .signed_in(&format!("POST {asked}"), "Content-Length: 0\r\n")
            .await;
        assert_eq!(location(&answer), want(308, &to), "{asked}");
    }
    for ambiguous in ["/kept//evil.test", "/kept/..%2f", "/kept/%5cevil.test"] {
        let answer = world.ask(&format!("GET {ambiguous}"), "").await;
        assert_eq!(answer.status, 400, "{ambiguous}");
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_answers() {
    let world = world().await;
    assert_eq!(world.ask("GET /text", "").await.status, 401);
    let answer = world.signed_in("GET /text/any", "").await;
    assert_eq!((answer.status, answer.text().as_str()), (410, "gone"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.headers("cache-control"), ["max-age=60"]);
    let answer = world.signed_in("HEAD /text", "").await;
    assert_eq!((answer.status, answer.body.len()), (410, 0));
    // a WebSocket handshake finds no application either
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    assert_eq!(world.signed_in("GET /text", upgrade).await.status, 410);
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_closes_but_for_operators() {
    let world = world().await;
    let answer = world.signed_in("GET /closed", BROWSER).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("600"))
    );
    assert!(answer.text().contains("Maintenance"), "{}", answer.text());
    let answer = world
        .ask(
            "POST /closed",
            "Accept: application/json\r\nContent-Length: 0\r\n",
        )
        .await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("600"))
    );
    let json: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(json["error"], "maintenance");
    assert_eq!(json["message"], "Back after \"lunch\" <b>");
    // an address that only the client speaks of
    let forged = "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n";
    assert_eq!(world.signed_in("GET /closed", forged).await.status, 503);
    assert!(world.upstream.take().is_empty());
    assert_eq!(world.ask("GET /operators", BROWSER).await.status, 302);
    assert_eq!(world.ask("GET /operators", "").await.status, 503);
    assert_eq!(world.signed_in("GET /operators", "").await.status, 200);
    assert_eq!(value(&world.upstream.only(), "remote-user"), Some("aino"));
}

/// All of it is in the one thing that a browser sends.
fn preflight(origin: &str) -> String {
    format!("Origin: {origin}\r\nAccess-Control-Request-Method: PUT\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn preflights_pass_bare_and_nothing_else_does() {
    let world = world().await;
    let more = "Cookie: other=1\r\nAuthorization: Basic eA==\r\nAUTHORIZATION.: y\r\nRemote-User: evil\r\n";
    let asked = format!("{}{more}", preflight(APP));
    for signed_in in [false, true] {
        let answer = match signed_in {
            true => {
                world
                    .signed_in("OPTIONS /api/x", &asked.replace("Cookie: other=1\r\n", ""))
                    .await
            }
            false => world.ask("OPTIONS /api/x", &asked).await,
        };
        assert_eq!(answer.status, 200);
        let seen = world.upstream.only();
        for gone in ["cookie", "authorization", "remote-user", "remote-groups"] {
            assert!(values(&seen, gone).is_empty(), "{gone}: {seen}");
        }
        assert_eq!(value(&seen, "origin"), Some(APP));
    }
    let refused = [
        ("GET /api/x", preflight(APP)),
        (
            "POST /api/x",
            format!("{}Content-Length: 0\r\n", preflight(APP)),
        ),
        ("OPTIONS /api/x", String::new()),
        ("OPTIONS /api/x", format!("Origin: {APP}\r\n")),
        (
            "OPTIONS /api/x",
            "Access-Control-Request-Method: PUT\r\n".into(),
        ),
        (
            "OPTIONS /api/x",
            format!("Origin: {APP}\r\nAccess-Control-Request-Method:\r\n"),
        ),
        ("OPTIONS /api/x", preflight("null")),
        ("OPTIONS /api/x", preflight("*")),
        ("OPTIONS /api/x", preflight("https://evil.test")),
        ("OPTIONS /api/x", preflight("https://app.test.evil.test")),
        (
            "OPTIONS /api/x",
            format!("{}Origin: https://evil.test\r\n", preflight(APP)),
        ),
        (
            "OPTIONS /api/x",
            format!("{}Content-Length: 5\r\n\r\nhello", preflight(APP)),
        ),
        (
            "OPTIONS /api/x",
            format!("{}Transfer-Encoding: chunked\r\n\r\n0\r\n", preflight(APP)),
        ),
        ("OPTIONS /page", preflight(APP)),
        ("OPTIONS /own-api", preflight("null")),
    ];
    for (line, headers) in refused {
        let answer = world.ask(line, &headers).await;
        assert!(
            matches!(answer.status, 400 | 401),
            "{line} {headers}: {}",
            answer.status
        );
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert!(world.upstream.take().is_empty(), "{line} {headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn preflights_are_answered_here_where_configured() {
    let world = world().await;
    let answer = world.ask("OPTIONS /own-api/x", &preflight(APP)).await;
    assert_eq!(answer.status, 204);
    for (name, want) in [
        ("access-control-allow-origin", APP),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "X-Asked"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "600"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.headers(name), [want], "{name}");
    }
    assert_eq!(
        world
            .ask("PUT /own-api/x", &format!("Origin: {APP}\r\n"))
            .await
            .status,
        401
    );
    assert!(world.upstream.take().is_empty());
}

const GUIDE: &str = include_str!("../../../docs/verify-assertions.md");

const PYTHON_LOOP: &str = r#"
import sys
for head in open(sys.argv[1], newline="", encoding="latin-1").read().split("\r\n\r\n"):
    if head:
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip(" \t") for name, value in (l.split(":", 1) for l in lines[1:])}
        try:
            print("good " + verified(method, target, headers)["remote-user"])
        except ValueError as e:
            print("refused", e)
"#;

const NODE_LOOP: &str = r#"
import { readFileSync } from 'node:fs';
for (const head of readFileSync(process.argv[2], 'latin1').split('\r\n\r\n').filter(Boolean)) {
  const [first, ...lines] = head.split('\r\n');
  const [method, target] = first.split(' ');
  const headers = Object.fromEntries(lines.map((l) => {
    const at = l.indexOf(':');
    return [l.slice(0, at).toLowerCase(), l.slice(at + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  }));
  try {
    console.log('good ' + verified(method, target, headers).get('remote-user'));
  } catch (e) {
    console.log('refused', e.message);
  }
}
"#;

/// The guide keeps its word: what it says accepts what was signed, and nothing that was changed or is old.
#[tokio::test(flavor = "multi_thread")]
async fn the_guides_snippets_verify_signatures() {
    let world = world().await;
    let named = world.sessions.open(1, |view| {
        changed(view, |account| account.name = "Åsa Là".into());
    });
    let cookie = format!("Cookie: __Host-vestibule={named}\r\n");
    world.ask("GET /signed/a?x=1", &cookie).await;
    let good = world.upstream.only().trim_end().to_owned();
    assert!(good.contains("\"remote-name\";bs"), "{good}");
    let unsigned = good.replace("vestibule=:", "vestibule=:A");
    let heads = [
        good.clone(),
        good.replace("aino", "evil"),
        good.replace("x=1", "x=2"),
        good.replace(" \"remote-user\"", ""),
        unsigned,
        "GET / HTTP/1.1\r\nhost: a\r\nremote-user: evil".to_owned(),
    ];
    let file = world.dir.path().join("heads");
    let bytes: Vec<u8> = heads
        .join("\r\n\r\n")
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect();
    std::fs::write(&file, bytes).unwrap();
    let (_, section) = GUIDE.split_once("## Signed requests").unwrap();
    let snippet = |language: &str| {
        let (_, rest) = section.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("\n```").unwrap().0
    };
    let venv = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/venv/bin/python");
    for (program, end, now, script) in [
        (
            venv.as_path(),
            "py",
            "time.time()",
            format!("{}\n{PYTHON_LOOP}", snippet("python")),
        ),
        (
            FilePath::new("node"),
            "mjs",
            "Date.now() / 1000",
            format!("{}\n{NODE_LOOP}", snippet("javascript")),
        ),
    ] {
        for (when, want) in [(NOW + 1, "good aino"), (NOW + 60, "refused too old")] {
            let path = world.dir.path().join(format!("verify.{end}"));
            assert!(script.contains(now));
            std::fs::write(&path, script.replace(now, &when.to_string())).unwrap();
            let out = std::process::Command::new(program)
                .arg(&path)
                .arg(&file)
                .env("VESTIBULE_KEY", STANDARD.encode(KEY))
                .output()
                .expect("run tools/prepare test");
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let errors = String::from_utf8_lossy(&out.stderr);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), heads.len(), "{end}: {text}{errors}");
            assert_eq!(lines[0], want, "{end}: {good}");
            for line in &lines[1..] {
                assert!(line.starts_with("refused "), "{end}: {text}");
            }
        }
    }
}
