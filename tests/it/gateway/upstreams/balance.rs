//! Which of several upstreams gets a request.

use super::{ask_as, session, until, world_for};
use crate::support::app::{Act, App};
use std::collections::{BTreeMap, BTreeSet};
use vestibule::domain::upstream::Balance;

#[tokio::test(flavor = "multi_thread")]
async fn in_turn() {
    let apps = [
        App::named("a").await,
        App::named("b").await,
        App::named("c").await,
    ];
    let world = world_for(&[&apps[0], &apps[1], &apps[2]], |_| {}).await;
    for _ in 0..9 {
        assert_eq!(ask_as(&world, &world.token, "GET /", "").await.status, 200);
    }
    assert_eq!(apps.each_ref().map(|a| a.take().len()), [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_one_with_the_fewest_requests() {
    let slow = |name: &'static str| {
        App::start(move |hit| match hit.path() {
            "/hang" => Act::Hang,
            _ => Act::Answer(name.to_owned()),
        })
    };
    let (a, b) = (slow("a").await, slow("b").await);
    let world = world_for(&[&a, &b], |r| {
        r.delivery.balance = Balance::LeastConnections
    })
    .await;
    let mut waiting = Vec::new();
    for n in 1..=4 {
        let mut wire = world.plain().await;
        let token = &world.token;
        wire.send(format!(
            "GET /hang HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        ))
        .await;
        waiting.push(wire);
        until("the request arrives", || {
            a.connections() + b.connections() == n
        })
        .await;
    }
    assert_eq!((a.take().len(), b.take().len()), (2, 2));
    // two more for one of them: the other gets everything that is over at once
    let mut wire = world.plain().await;
    let token = &world.token;
    wire.send(format!(
        "GET /hang HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
    ))
    .await;
    until("the request arrives", || {
        a.connections() + b.connections() == 5
    })
    .await;
    let (busy, free) = if a.take().len() == 1 {
        ("a", "b")
    } else {
        ("b", "a")
    };
    for _ in 0..6 {
        let answer = ask_as(&world, token, "GET /", "").await;
        assert_eq!(
            answer.text(),
            free,
            "{busy} has three requests, {free} has two"
        );
    }
    // those that are gone do not count any more
    drop((wire, waiting));
    let both = async {
        let mut seen = BTreeSet::new();
        while seen.len() < 2 {
            seen.insert(ask_as(&world, token, "GET /", "").await.text());
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, both)
        .await
        .expect("both are used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_session_to_its_own_until_that_one_is_gone() {
    let apps = [
        App::named("a").await,
        App::named("b").await,
        App::named("c").await,
    ];
    let world = world_for(&[&apps[0], &apps[1], &apps[2]], |r| {
        r.delivery.balance = Balance::Sticky;
    })
    .await;
    let tokens: Vec<String> = (10..40).map(|n| session(&world, n)).collect();
    let where_to = async || {
        let mut homes = BTreeMap::new();
        for token in &tokens {
            homes.insert(token, ask_as(&world, token, "POST /", "").await.text());
        }
        homes
    };
    let homes = where_to().await;
    assert_eq!(homes, where_to().await);
    let used: BTreeSet<&String> = homes.values().collect();
    assert_eq!(used.len(), 3, "{homes:?}");
    // another session cookie is another session, but a second browser tab is not; nor does a query matter
    assert_eq!(
        ask_as(&world, &tokens[0], "GET /else?x=1", "").await.text(),
        homes[&tokens[0]]
    );

    apps[1].stop().await;
    let after = where_to().await;
    for (token, home) in &homes {
        match home.as_str() {
            "b" => assert_ne!(after[token], "b"),
            _ => assert_eq!(after[token], *home, "a session moved that had no need to"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn public_requests_stay_by_the_address_of_the_client() {
    let apps = [
        App::named("a").await,
        App::named("b").await,
        App::named("c").await,
    ];
    let world = world_for(&[&apps[0], &apps[1], &apps[2]], |r| {
        r.delivery.balance = Balance::Sticky;
    })
    .await;
    let mut seen = BTreeSet::new();
    for _ in 0..6 {
        seen.insert(ask_as(&world, "", "GET /public/x", "").await.text());
    }
    // what a client says about itself does not choose its upstream
    let forged = "X-Forwarded-For: 10.9.8.7\r\nForwarded: for=10.9.8.7\r\nX-Real-IP: 10.9.8.7\r\n";
    seen.insert(ask_as(&world, "", "GET /public/x", forged).await.text());
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_goes_where_its_session_goes() {
    let app = |name: &'static str| {
        App::start(move |hit| match hit.header("upgrade") {
            Some(_) => Act::Echo,
            None => Act::Answer(name.to_owned()),
        })
    };
    let apps = [app("a").await, app("b").await];
    let world = world_for(&[&apps[0], &apps[1]], |r| {
        r.delivery.balance = Balance::Sticky
    })
    .await;
    for number in 10..18 {
        let token = session(&world, number);
        let home = ask_as(&world, &token, "GET /", "").await.text();
        let _ = apps.each_ref().map(App::take);
        let mut wire = world.plain().await;
        wire.send(format!(
            "GET /ws HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping"
        ))
        .await;
        assert!(wire.head().await.starts_with("HTTP/1.1 101 "));
        assert_eq!(wire.exactly(4).await, b"ping");
        let hits = apps.each_ref().map(|a| a.take().len());
        assert_eq!(hits, if home == "a" { [1, 0] } else { [0, 1] });
    }
}
