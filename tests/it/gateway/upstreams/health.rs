//! Upstreams that are found to be ill, by checks and by the requests they are given.

use super::{app_route, ask_as, until, world_for};
use crate::support::app::{Act, App, Hit};
use crate::support::world::{World, snapshot};
use std::time::Duration;
use vestibule::domain::route::Route;
use vestibule::domain::upstream::HealthCheck;

fn check(path: Option<&str>) -> HealthCheck {
    HealthCheck {
        path: path.map(str::to_owned),
        host: None,
        expect: 200,
        interval: Duration::from_millis(50),
        timeout: Duration::from_secs(2),
        healthy: 2,
        unhealthy: 2,
    }
}

fn ill(hit: &Hit) -> Act {
    match hit.path() {
        "/ping" => Act::Head("500 Ill\r\n"),
        _ => Act::Answer("ill".to_owned()),
    }
}

fn well(_: &Hit) -> Act {
    Act::Answer("well".to_owned())
}

fn says(world: &World, app: &App, up: bool) -> bool {
    let upstream = app.target().to_string();
    let event = format!("Health {{ route: \"app.test/\", upstream: \"{upstream}\", up: {up} }}");
    world.counts.upstreams.lock().contains(&event)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_fails_its_check_is_not_used_until_it_is_well() {
    let (a, b) = (App::start(well).await, App::start(ill).await);
    let health = |r: &mut Route| r.delivery.health = Some(check(Some("/ping")));
    let world = world_for(&[&a, &b], health).await;
    until("b is down", || says(&world, &b, false)).await;
    assert!(says(&world, &a, true));
    for _ in 0..6 {
        assert_eq!(
            ask_as(&world, &world.token, "GET /", "").await.text(),
            "well"
        );
    }
    // the check tells the upstream nothing of anybody
    let pings = b.take();
    assert!(pings.iter().all(|p| p.path() == "/ping"));
    let ping = &pings[0];
    assert_eq!(ping.header("host"), Some("app.test"));
    for header in [
        "cookie",
        "authorization",
        "remote-user",
        "x-forwarded-for",
        "x-vestibule-assertion",
    ] {
        assert_eq!(ping.header(header), None, "{}", ping.head);
    }
    world.counts.upstreams.lock().clear();
    b.behave(well);
    until("b is up", || says(&world, &b, true)).await;
    b.take();
    for _ in 0..4 {
        ask_as(&world, &world.token, "GET /", "").await;
    }
    assert!(b.take().iter().any(|hit| hit.path() == "/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_path_a_connection_is_enough() {
    let (a, b) = (App::start(ill).await, App::start(ill).await);
    let world = world_for(&[&a, &b], |r| r.delivery.health = Some(check(None))).await;
    until("both are up", || {
        says(&world, &a, true) && says(&world, &b, true)
    })
    .await;
    b.stop().await;
    until("b is down", || says(&world, &b, false)).await;
    assert!(a.take().is_empty(), "nothing is asked of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_are_ill_they_are_asked_all_the_same() {
    let (a, b) = (App::start(ill).await, App::start(ill).await);
    let health = |r: &mut Route| r.delivery.health = Some(check(Some("/ping")));
    let world = world_for(&[&a, &b], health).await;
    until("both are down", || {
        says(&world, &a, false) && says(&world, &b, false)
    })
    .await;
    for _ in 0..4 {
        let answer = ask_as(&world, &world.token, "GET /", "").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ill"));
    }
    // and only when none answers there is a page that says so
    a.stop().await;
    b.stop().await;
    let answer = ask_as(&world, &world.token, "GET /", "Accept: text/html\r\n").await;
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("BadGateway"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_keeps_what_is_known_and_ends_the_checks_of_the_old() {
    let (a, b) = (App::start(well).await, App::start(ill).await);
    let health = |r: &mut Route| r.delivery.health = Some(check(Some("/ping")));
    let world = world_for(&[&a, &b], health).await;
    until("b is down", || says(&world, &b, false)).await;

    // the very same route: the same checks go on. Another limit: what is known stays, with new checks
    for connect in [2, 3] {
        let mut route = app_route(&[&a, &b]);
        health(&mut route);
        route.timeouts.connect = Duration::from_secs(connect);
        world.install(snapshot(vec![route]));
        b.take();
        for _ in 0..4 {
            assert_eq!(
                ask_as(&world, &world.token, "GET /", "").await.text(),
                "well"
            );
        }
        until("checks go on", || b.count() > 1).await;
    }

    // b is gone from the configuration
    world.counts.upstreams.lock().clear();
    let mut route = app_route(&[&a]);
    health(&mut route);
    world.install(snapshot(vec![route]));
    let gone = format!(
        "Gone {{ route: \"app.test/\", upstream: \"{}\" }}",
        b.target()
    );
    assert!(world.counts.upstreams.lock().contains(&gone));
    // a check may have been on its way
    tokio::time::sleep(Duration::from_millis(200)).await;
    b.take();
    a.take();
    until("checks of a go on", || a.count() > 3).await;
    assert!(b.take().is_empty(), "nobody checks what is not configured");
}

fn ejections(world: &World, app: &App) -> usize {
    let upstream = app.target().to_string();
    let event = format!("Ejected {{ route: \"app.test/\", upstream: \"{upstream}\" }}");
    world
        .counts
        .upstreams
        .lock()
        .iter()
        .filter(|e| **e == event)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_whose_requests_fail_is_left_out_but_never_the_last() {
    let (a, b) = (
        App::start(well).await,
        App::start(|_| Act::Head("503 Busy\r\n")).await,
    );
    let world = world_for(&[&a, &b], |_| {}).await;
    let mut refused = 0;
    for _ in 0..30 {
        let answer = ask_as(&world, &world.token, "GET /", "").await;
        refused += usize::from(answer.status == 503);
    }
    assert_eq!(refused, 6, "after six in a row it is left out");
    assert_eq!(ejections(&world, &b), 1);
    // now the other one fails: it is the last, and goes on being asked
    a.behave(|_| Act::Head("503 Busy\r\n"));
    a.take();
    for _ in 0..20 {
        assert_eq!(ask_as(&world, &world.token, "GET /", "").await.status, 503);
    }
    assert_eq!(a.take().len(), 20);
    assert_eq!(ejections(&world, &a), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_application_itself_leave_nobody_out() {
    let (a, b) = (
        App::start(well).await,
        App::start(|_| Act::Head("500 Bug\r\n")).await,
    );
    let world = world_for(&[&a, &b], |_| {}).await;
    for _ in 0..30 {
        ask_as(&world, &world.token, "GET /", "").await;
    }
    assert_eq!(b.take().len(), 15);
    assert_eq!(ejections(&world, &b), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_away_leave_nobody_out() {
    let (a, b) = (
        App::start(|_| Act::Hang).await,
        App::start(|_| Act::Hang).await,
    );
    let world = world_for(&[&a, &b], |r| r.timeouts.read = Duration::from_secs(60)).await;
    for n in 1..=20 {
        let mut wire = world.plain().await;
        let token = &world.token;
        wire.send(format!(
            "GET / HTTP/1.1\r\nHost: app.test\r\nCookie: __Host-vestibule={token}\r\n\r\n"
        ))
        .await;
        until("the request arrives", || {
            a.connections() + b.connections() == n
        })
        .await;
        drop(wire);
    }
    until("all are over", || world.counts.outcomes.lock().len() == 20).await;
    assert_eq!(ejections(&world, &a) + ejections(&world, &b), 0);
}
