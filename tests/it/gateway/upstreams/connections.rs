//! Connections that are somebody's (NTLM, Negotiate), and those that belong to nobody.

use super::{app_route, ask_as, on_wire, session, until, world_for};
use crate::support::app::{Act, App, Hit};
use crate::support::world::{World, snapshot};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// An application that knows people by their connections, as NTLM has it: a challenge, an answer to it on the
/// same connection, and from then on whatever comes on that connection is theirs.
async fn windows() -> App {
    let people: Arc<Mutex<HashMap<usize, String>>> = Arc::default();
    App::start(move |hit: &Hit| {
        let mut people = people.lock();
        match hit.header("authorization").and_then(|a| a.split_once(' ')) {
            Some(("NTLM", "hello")) => Act::Head("401 No\r\nWWW-Authenticate: NTLM challenge\r\n"),
            Some(("NTLM" | "Negotiate", name)) => {
                people.insert(hit.connection, name.to_owned());
                Act::Answer(name.to_owned())
            }
            _ => match people.get(&hit.connection) {
                Some(name) => Act::Answer(name.clone()),
                None if hit.path().starts_with("/open") => Act::Answer("nobody".to_owned()),
                None => {
                    Act::Head("401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n")
                }
            },
        }
    })
    .await
}

async fn world() -> (App, World) {
    let app = windows().await;
    let world = world_for(&[&app], |_| {}).await;
    (app, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_never_meet_on_one_connection() {
    let (app, world) = world().await;
    let (aino, bo) = (session(&world, 11), session(&world, 12));
    let mut wire = world.plain().await;
    assert_eq!(
        on_wire(&mut wire, &aino, "GET /", "", b"").await.status,
        401
    );
    let hello = on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM hello\r\n",
        b"",
    )
    .await;
    assert_eq!(hello.header("www-authenticate"), Some("NTLM challenge"));
    let answer = on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM aino\r\n",
        b"",
    )
    .await;
    assert_eq!(answer.text(), "aino");
    let hits = app.take();
    assert_eq!(
        hits[1].connection, hits[2].connection,
        "a handshake is one conversation"
    );
    // browsers send nothing more once the connection is theirs
    for _ in 0..3 {
        assert_eq!(
            on_wire(&mut wire, &aino, "GET /", "", b"").await.text(),
            "aino"
        );
        assert_eq!(ask_as(&world, &bo, "GET /", "").await.status, 401);
        assert_eq!(ask_as(&world, &bo, "GET /open", "").await.text(), "nobody");
        assert_eq!(ask_as(&world, "", "GET /public/x", "").await.status, 401);
    }
    // bo's turn; aino is still aino
    let mut theirs = world.plain().await;
    let negotiate = "Authorization: Negotiate bo\r\n";
    assert_eq!(
        on_wire(&mut theirs, &bo, "GET /", negotiate, b"")
            .await
            .text(),
        "bo"
    );
    assert_eq!(
        on_wire(&mut wire, &aino, "GET /", "", b"").await.text(),
        "aino"
    );
    assert_eq!(
        on_wire(&mut theirs, &bo, "GET /", "", b"").await.text(),
        "bo"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_nobody_asked_for_keep_a_connection_apart_as_well() {
    let (_app, world) = world().await;
    let (aino, bo) = (session(&world, 11), session(&world, 12));
    // no challenge before: the upstream was never seen to ask
    for scheme in ["NTLM", "Negotiate"] {
        let credentials = format!("Authorization: {scheme} aino\r\n");
        assert_eq!(
            ask_as(&world, &aino, "GET /", &credentials).await.text(),
            "aino"
        );
        assert_eq!(ask_as(&world, &bo, "GET /open", "").await.text(), "nobody");
        let public = format!("Authorization: {scheme} passer-by\r\n");
        assert_eq!(
            ask_as(&world, "", "GET /public/x", &public).await.text(),
            "passer-by"
        );
        assert_eq!(ask_as(&world, "", "GET /public/x", "").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_routes_have_connections_of_their_own() {
    let app = App::named("a").await;
    let world = world_for(&[&app], |_| {}).await;
    let mut second = app_route(&[&app]);
    second.name = "second".into();
    second.prefix = crate::support::world::path("/second");
    world.install(snapshot(vec![app_route(&[&app]), second]));
    // on one connection a request begins when the one before it is over to the last
    let mut wire = world.plain().await;
    for (line, connections) in [
        ("GET /", 1),
        ("GET /", 1),
        ("GET /second", 2),
        ("GET /second", 2),
        ("GET /", 2),
    ] {
        let answer = on_wire(&mut wire, &world.token, line, "", b"").await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.connections(), connections, "{line}");
    }
}

/// A stranger's handshake belongs to nobody: kept, its connections would push everybody else's out of the pool.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_nobody_finds_again_are_not_kept() {
    let (app, world) = world().await;
    for _ in 0..8 {
        let answer = ask_as(
            &world,
            "",
            "GET /public/x",
            "Authorization: NTLM stranger\r\n",
        )
        .await;
        assert_eq!(answer.text(), "stranger");
    }
    until("they are closed", || app.open() == 0).await;
    assert_eq!(app.connections(), 8);
    // those of a session stay for its next step
    let aino = session(&world, 11);
    let mut wire = world.plain().await;
    on_wire(
        &mut wire,
        &aino,
        "GET /",
        "Authorization: NTLM aino\r\n",
        b"",
    )
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(app.open(), 1);
}
