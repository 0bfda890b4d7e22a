//! What applications are shown besides names: HTTP Basic, and signatures over requests.

use crate::support::upstream::{value, values};
use crate::support::world::{World, changed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use vestibule::domain::credentials::{BasicAuth, MessageSignature, SharedSecret};
use vestibule::domain::route::{Route, Table, Template};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

async fn world(change: impl FnOnce(&mut Route)) -> World {
    World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        routes[0].name = "wiki".into();
        change(&mut routes[0]);
        snapshot.routes = Table::new(routes).unwrap();
    })
    .await
}

fn basic(username: &str) -> BasicAuth {
    BasicAuth {
        username: Template::parse(username).unwrap(),
        password: SharedSecret::new(b"s3cret".to_vec()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_knows_only_basic_is_signed_in_to() {
    let world = world(|r| r.identity.basic_auth = Some(basic("{account.login}"))).await;
    let forged = "Authorization: Basic YWRtaW46YWRtaW4=\r\nauthorization: Bearer x\r\n";
    assert_eq!(world.signed_in("GET /page", forged).await.status, 200);
    let head = world.upstream.only();
    let expected = format!("Basic {}", STANDARD.encode("aino:s3cret"));
    assert_eq!(values(&head, "authorization"), [expected.as_str()]);
    // nobody in particular gets nothing, and a client's own is no way in either
    assert_eq!(world.ask("GET /public/x", forged).await.status, 200);
    let head = world.upstream.only();
    assert_eq!(value(&head, "authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_be_read_as_another_is_not_sent() {
    let world = world(|r| r.identity.basic_auth = Some(basic("{account.attributes.nick}"))).await;
    let nick = |nick: &str| {
        let nick = nick.to_owned();
        world.sessions.open(77, move |view| {
            changed(view, |account| {
                account.attributes = BTreeMap::from([("nick".into(), nick)]).into();
            });
        })
    };
    for bad in ["admin:x", ""] {
        let token = nick(bad);
        let cookie = format!("Cookie: __Host-vestibule={token}\r\n");
        assert_eq!(world.ask("GET /page", &cookie).await.status, 500, "{bad}");
        assert!(world.upstream.take().is_empty());
    }
    let token = nick("Zoë");
    let cookie = format!("Cookie: __Host-vestibule={token}\r\n");
    assert_eq!(world.ask("GET /page", &cookie).await.status, 200);
}

/// What an implementation of somebody else's says about a request's signature.
fn verified(head: &str, key: &[u8]) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("target/test-tools/venv/bin/python"))
        .arg(root.join("tests/it/support/verify_signature.py"))
        .arg(STANDARD.encode(key))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`tools/prepare test` installs what this needs");
    let mut input = python.stdin.take().unwrap();
    input.write_all(head.as_bytes()).unwrap();
    drop(input);
    let out = python.wait_with_output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap().trim().to_owned();
    if out.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_as_the_standard_has_it() {
    let key = Some(SharedSecret::new(KEY.to_vec()));
    let world = world(|r| {
        r.identity.message_signature = Some(MessageSignature { key });
        let tenant = Template::parse("acme").unwrap();
        r.headers.request.set = vec![("X-Tenant".to_owned(), tenant)];
    })
    .await;
    let forged = "Signature: vestibule=:AAAA:\r\nsignature.input: vestibule=()\r\nContent-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\r\n";
    let token = world.sessions.open(77, |view| {
        changed(view, |account| account.name = "Aino".into());
    });
    let headers = format!("Cookie: __Host-vestibule={token}\r\n{forged}");
    let answer = world.ask("GET /page/%C3%A4?a=1&b=%20", &headers).await;
    assert_eq!(answer.status, 200);
    let head = world.upstream.only();
    assert_eq!(values(&head, "signature").len(), 1);
    assert_eq!(values(&head, "signature-input").len(), 1);
    let covered = verified(&head, KEY).unwrap();
    for name in [
        "@authority",
        "@method",
        "@path",
        "@query",
        "content-digest",
        "remote-user",
        "remote-groups",
        "x-tenant",
    ] {
        assert!(covered.split(' ').any(|c| c == name), "{name}: {covered}");
    }
    // anything that is changed on the way shows
    let changed = [
        head.replacen("GET", "DELETE", 1),
        head.replacen("/page", "/admin", 1),
        head.replacen("a=1", "a=2", 1),
        head.replace("aino\r\n", "root\r\n"),
        head.replace("wiki.test", "other.test"),
        head.replace("acme", "evil"),
    ];
    for (number, head) in changed.iter().enumerate() {
        assert!(verified(head, KEY).is_err(), "change {number}: {head}");
    }
    assert!(verified(&head, b"another key of thirty-two bytes!").is_err());
    // each has a nonce of its own, and what is nobody's is signed too
    let nonce = |head: &str| value(head, "signature-input").unwrap().to_owned();
    let first = nonce(&head);
    assert_eq!(world.ask("GET /public/x", "").await.status, 200);
    let head = world.upstream.only();
    assert_ne!(nonce(&head), first);
    assert!(!verified(&head, KEY).unwrap().contains("remote-user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_an_applications_own_clients_pass_where_none_is_made() {
    let world = World::start().await;
    let own = "Signature: sig1=:AAAA:\r\nSignature-Input: sig1=()\r\n";
    assert_eq!(world.signed_in("GET /page", own).await.status, 200);
    let head = world.upstream.only();
    assert_eq!(value(&head, "signature"), Some("sig1=:AAAA:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_without_its_key_is_not_served() {
    let world = World::start().await;
    let mut routes = crate::support::world::snapshot(Vec::new());
    let mut route = crate::support::world::route(
        "wiki.test",
        "/",
        crate::support::world::at(world.http, false),
    );
    route.identity.message_signature = Some(MessageSignature { key: None });
    routes.routes = Table::new(vec![route]).unwrap();
    assert!(world.prepare(routes).is_err());
}
