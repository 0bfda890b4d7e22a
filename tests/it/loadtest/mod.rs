//! The load tester against servers whose behaviour is known. Times are asserted in one direction only where a server
//! makes sure of it: a machine that is busy makes everything slower and nothing faster.

mod command;
mod server;

use crate::support::world::Ca;
use bytes::Bytes;
use http::{HeaderMap, Method};
use server::{Server, resetting};
use std::sync::atomic::Ordering;
use std::time::Duration;
use vestibule::env::Env;
use vestibule::loadtest::client::Protocol;
use vestibule::loadtest::fail_if::Condition;
use vestibule::loadtest::plan::Expected;
use vestibule::loadtest::sessions::Sessions;
use vestibule::loadtest::target::{Override, Reach, Weighted};
use vestibule::loadtest::{Loop, Plan, Report, Side, Stop, Wrong, run};

const CLOSED: Loop = Loop::Closed {
    think: Duration::ZERO,
    expected: None,
};

fn plan(urls: &[&str]) -> Plan {
    Plan {
        side: Side {
            targets: urls.iter().map(|u| Weighted::parse(u).unwrap()).collect(),
            watch: Vec::new(),
        },
        compare: None,
        slice: Duration::from_millis(200),
        kind: CLOSED,
        connections: 4,
        streams: 1,
        threads: 2,
        protocol: Protocol::Http1,
        ramp_up: Duration::ZERO,
        duration: Duration::from_secs(1),
        requests: None,
        method: Method::GET,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(10),
        ca: None,
        overrides: Vec::new(),
        reach: Reach::Loopback,
        expected: Expected::default(),
        sessions: Sessions::default(),
        conditions: Vec::new(),
    }
}

async fn drive(plan: &Plan) -> Result<Report, Wrong> {
    run(plan, &Env::system(), &Stop::default(), &mut ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_counts_what_the_server_has_seen() {
    let server = Server::start(None).await;
    let report = drive(&plan(&[&server.url("/wait/20")])).await.unwrap();
    let side = &report.measured;
    assert_eq!(side.requests + side.warm_up, server.count() as u64);
    assert_eq!((side.errors.total, side.answers), (0, side.requests));
    assert_eq!(side.statuses[&200], side.answers);
    assert_eq!(side.bytes, side.answers * 5);
    // four users who wait for 20 ms each time
    assert!((4..=220).contains(&side.requests), "{}", side.requests);
    assert!(side.latency.min_us >= 19_900.0, "{:?}", side.latency);
    assert!(side.throughput <= 201.0 + 4.0, "{}", side.throughput);
    assert_eq!(side.latency.count, side.answers);
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 4);
    assert_eq!((side.connecting.count, side.reconnects), (4, 0));
    assert!(!report.has_failed());
    let points: f64 = side.timeline.iter().map(|m| m.per_second).sum();
    assert!(
        points > 0.0 && side.timeline.len() <= 4,
        "{:?}",
        side.timeline
    );
    assert!(side.spectrum.windows(2).all(|two| two[0].us <= two[1].us));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_requests_as_asked_for() {
    let server = Server::start(None).await;
    for (kind, protocol, streams) in [
        (CLOSED, Protocol::Http1, 1),
        (CLOSED, Protocol::Http2, 5),
        (Loop::Open { rate: 5000.0 }, Protocol::Http1, 1),
        (Loop::Open { rate: 5000.0 }, Protocol::Http2, 5),
    ] {
        let before = server.count();
        let connections = server.seen.connections.load(Ordering::SeqCst);
        let report = drive(&Plan {
            requests: Some(500),
            duration: Duration::from_secs(30),
            kind,
            protocol,
            streams,
            ..plan(&[&server.url("/")])
        })
        .await
        .unwrap();
        let side = &report.measured;
        assert_eq!(server.count() - before, 500, "{kind:?} {protocol:?}");
        assert_eq!(side.answers + side.warm_up, 500, "{kind:?} {protocol:?}");
        assert_eq!(side.errors.total, 0, "{:?}", side.errors);
        assert!(side.seconds < 20.0, "{}", side.seconds);
        // however many streams, one connection each
        let opened = server.seen.connections.load(Ordering::SeqCst) - connections;
        assert_eq!(opened, 4, "{kind:?} {protocol:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_in_the_latencies_of_a_fixed_rate() {
    // one user, so that a stall stops everything
    let base = Plan {
        connections: 1,
        duration: Duration::from_secs(3),
        ..plan(&[])
    };
    let stalling = async |kind: Loop| {
        let server = Server::start(None).await;
        let plan = Plan {
            kind,
            side: plan(&[&server.url("/stall/20")]).side,
            ..base.clone()
        };
        drive(&plan).await.unwrap()
    };
    let open = stalling(Loop::Open { rate: 100.0 }).await;
    let latency = open.measured.latency;
    // a hundred of three hundred were due while nothing was answered
    assert!(latency.p90_us > 300_000.0, "{latency:?}");
    assert!(latency.max_us >= 990_000.0, "{latency:?}");
    let side = &open.measured;
    assert!((290..=302).contains(&side.requests), "{}", side.requests);
    // counted from sent, only the one that met the stall was slow
    let service = side.service.unwrap();
    assert!(service.count + side.errors.unsent == side.requests);
    assert!(service.p50_us <= latency.p50_us, "{service:?} {latency:?}");
    // what --expected-interval puts back is about the same
    let plain = stalling(CLOSED).await;
    let corrected = stalling(Loop::Closed {
        think: Duration::ZERO,
        expected: Some(Duration::from_millis(1)),
    })
    .await;
    let count = |report: &Report| report.measured.latency.count - report.measured.answers;
    assert_eq!(count(&plain), 0);
    assert!(count(&corrected) >= 900, "{}", count(&corrected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_is_not_reached_is_said() {
    let server = Server::start(None).await;
    let report = drive(&Plan {
        connections: 1,
        kind: Loop::Open { rate: 1000.0 },
        conditions: vec![Condition::parse("p50<100ms").unwrap()],
        ..plan(&[&server.url("/wait/100")])
    })
    .await
    .unwrap();
    let side = &report.measured;
    // ten of a thousand at most
    assert!(side.errors.unsent >= 980, "{:?}", side.errors);
    assert!((990..=1002).contains(&side.requests), "{}", side.requests);
    assert!(side.latency.p50_us > 100_000.0, "{:?}", side.latency);
    assert!(
        report
            .notes
            .iter()
            .any(|n| n.contains("the rate was not reached"))
    );
    assert!(!report.conditions[0].failed);
    assert!(!report.has_failed(), "something was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ramp_up_is_not_measured() {
    let server = Server::start(None).await;
    for kind in [CLOSED, Loop::Open { rate: 400.0 }] {
        let before = server.count();
        let report = drive(&Plan {
            kind,
            ramp_up: Duration::from_secs(1),
            duration: Duration::from_millis(500),
            ..plan(&[&server.url("/wait/5")])
        })
        .await
        .unwrap();
        let side = &report.measured;
        assert!(side.warm_up > 0 && side.requests > 0, "{kind:?}");
        let seen = (server.count() - before) as u64;
        assert_eq!(side.warm_up + side.answers, seen, "{kind:?}");
        if kind != CLOSED {
            // half of the rate on average, then all of it
            assert!((190..=202).contains(&side.warm_up), "{}", side.warm_up);
            assert!((195..=202).contains(&side.requests), "{}", side.requests);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_failure_by_its_name() {
    let server = Server::start(None).await;
    let (resetting, task) = resetting().await;
    let closed = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let base = plan(&[
        &server.url("/status/503"),
        &server.url("/status/404"),
        &server.url("/elsewhere"),
        &server.url("/signin-needed"),
        &server.url("/status/401"),
        &server.url("/close"),
        &server.url("/hang"),
        &format!("http://{resetting}/{}", "x".repeat(100)),
        &format!("http://{closed}/"),
        &server.url("/hello"),
    ]);
    let report = drive(&Plan {
        timeout: Duration::from_millis(300),
        duration: Duration::from_secs(3),
        ..base
    })
    .await
    .unwrap();
    task.abort();
    let side = &report.measured;
    let check = |at: usize, what: &str| {
        let target = &side.urls[at];
        let errors = &target.errors;
        let all = target.answers + errors.failures.values().sum::<u64>();
        assert!(all > 0, "{}", target.url);
        let found = match what {
            "fine" => all - errors.total,
            "unexpected" => errors.unexpected_status,
            "not signed in" => errors.not_signed_in,
            failure => errors.failures.get(failure).copied().unwrap_or(0),
        };
        assert_eq!(found, all, "{}: {errors:?}", target.url);
    };
    check(0, "unexpected");
    check(1, "unexpected");
    check(2, "fine");
    check(3, "not signed in");
    check(4, "not signed in");
    check(5, "closed");
    check(6, "timeout");
    check(7, "reset");
    check(8, "connect");
    check(9, "fine");
    // a timeout has taken as long, a refused connection has no latency
    assert!(side.urls[6].latency.min_us >= 299_000.0);
    assert_eq!(side.urls[8].latency.count, 0);
    assert!(report.notes.iter().any(|n| n.starts_with("not signed in")));
    assert!(!report.has_failed());
    let text = vestibule::loadtest::report::text(&report);
    for words in [
        "not signed in",
        "unexpected status",
        "timed out",
        "reset",
        "closed early",
        "no connection",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_closed_politely_is_opened_anew() {
    let server = Server::start(None).await;
    let report = drive(&Plan {
        requests: Some(50),
        ..plan(&[&server.url("/once")])
    })
    .await
    .unwrap();
    assert_eq!(
        report.measured.errors.total, 0,
        "{:?}",
        report.measured.errors
    );
    assert!(server.seen.connections.load(Ordering::SeqCst) >= 50);
    assert!(
        report.measured.reconnects >= 40,
        "{}",
        report.measured.reconnects
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_in_both_protocols_and_only_with_a_certificate_that_is_trusted() {
    let ca = Ca::new("test root");
    let mut tls = (*ca.server(&["wiki.test"])).clone();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = Server::start(Some(std::sync::Arc::new(tls))).await;
    let port = server.address.port();
    let at = |name: &str| Override::parse(&format!("{name}:{port}=127.0.0.1")).unwrap();
    let base = Plan {
        overrides: vec![at("wiki.test"), at("other.test")],
        ca: Some(ca.pem().into_bytes()),
        requests: Some(100),
        ..plan(&[&format!("https://wiki.test:{port}/hello")])
    };
    for (protocol, streams) in [
        (Protocol::Http1, 1),
        (Protocol::Http2, 1),
        (Protocol::Http2, 10),
    ] {
        let report = drive(&Plan {
            protocol,
            streams,
            ..base.clone()
        })
        .await
        .unwrap();
        assert_eq!(
            report.measured.statuses.get(&200),
            Some(&report.measured.answers)
        );
        let (_, headers, _) = server.seen.last.lock().clone().unwrap();
        let host = headers.get("host").map(|h| h.to_str().unwrap().to_owned());
        let by_header = (protocol == Protocol::Http1).then(|| format!("wiki.test:{port}"));
        assert_eq!(host, by_header);
    }
    let refused = async |plan: Plan| drive(&plan).await.unwrap_err().to_string();
    let stranger = Plan {
        ca: Some(Ca::new("somebody else").pem().into_bytes()),
        ..base.clone()
    };
    assert!(refused(stranger).await.contains("invalid peer certificate"));
    let other = Plan {
        side: plan(&[&format!("https://other.test:{port}/")]).side,
        ..base.clone()
    };
    assert!(refused(other).await.contains("certificate"));
    let garbage = Plan {
        ca: Some(b"no certificate".to_vec()),
        ..base.clone()
    };
    assert!(
        refused(garbage)
            .await
            .contains("no certificate in the file")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_url_as_often_as_it_weighs_with_what_was_asked_for() {
    let server = Server::start(None).await;
    let mut headers = HeaderMap::new();
    headers.insert("x-test", "yes".parse().unwrap());
    let report = drive(&Plan {
        requests: Some(700),
        method: Method::POST,
        body: Bytes::from_static(b"0123456789"),
        headers,
        connections: 1,
        duration: Duration::from_secs(20),
        ..plan(&[
            &server.url("/a=5"),
            &server.url("/b"),
            &server.url("/c?x=y=1"),
        ])
    })
    .await
    .unwrap();
    assert_eq!(
        (server.of("/a"), server.of("/b"), server.of("/c")),
        (500, 100, 100)
    );
    let (method, headers, body) = server.seen.last.lock().clone().unwrap();
    assert_eq!((method.as_str(), body), ("POST", 10));
    assert_eq!(headers["x-test"], "yes");
    let answers: u64 = report.measured.urls.iter().map(|u| u.answers).sum();
    assert_eq!(answers, report.measured.answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_take_turns_and_go_to_their_hosts_only() {
    let (one, other) = (Server::start(None).await, Server::start(None).await);
    let ports = (one.address.port(), other.address.port());
    let lines: String = (0..10)
        .map(|n| format!("one.test sid=one-{n}\tother.test sid=other-{n}\n"))
        .collect();
    let at = |name: &str, port| Override::parse(&format!("{name}:{port}=127.0.0.1")).unwrap();
    let base = Plan {
        sessions: Sessions::parse(&lines).unwrap(),
        overrides: vec![at("one.test", ports.0), at("other.test", ports.1)],
        requests: Some(400),
        duration: Duration::from_secs(20),
        ..plan(&[
            &format!("http://one.test:{}/", ports.0),
            &format!("http://other.test:{}/", ports.1),
        ])
    };
    drive(&base).await.unwrap();
    for (server, name) in [(&one, "one"), (&other, "other")] {
        let cookies = server.seen.cookies.lock().clone();
        let cookies: Vec<&String> = cookies.keys().collect();
        let want: Vec<String> = (0..10).map(|n| format!("sid={name}-{n}")).collect();
        assert_eq!(cookies, want.iter().collect::<Vec<_>>());
    }
    // sessions that none of the hosts knows are a mistake
    let stranger = Plan {
        sessions: Sessions::parse("third.test a=b").unwrap(),
        ..base
    };
    let refused = drive(&stranger).await.unwrap_err().to_string();
    assert!(
        refused.contains("none of the sessions has a cookie for one.test"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_differ_are_told_apart_and_two_that_do_not_are_not() {
    let (fast, slow) = (Server::start(None).await, Server::start(None).await);
    let other = |url: &str| Side {
        targets: vec![Weighted::parse(url).unwrap()],
        watch: vec![std::process::id()],
    };
    let base = Plan {
        compare: Some(other(&slow.url("/wait/50"))),
        duration: Duration::from_secs(4),
        conditions: vec![Condition::parse("ratio<1.5").unwrap()],
        ..plan(&[&fast.url("/wait/2")])
    };
    let base = Plan {
        side: Side {
            watch: vec![std::process::id()],
            ..base.side.clone()
        },
        ..base
    };
    let report = drive(&base).await.unwrap();
    let comparison = report.comparison.as_ref().unwrap();
    assert_eq!(comparison.pairs.len(), 10);
    let throughput = comparison.throughput.unwrap();
    assert!(
        throughput.differs() && throughput.median > 1.5,
        "{throughput:?}"
    );
    let p50 = comparison.p50.unwrap();
    assert!(p50.differs() && p50.median < 0.9, "{p50:?}");
    assert!(!report.has_failed());
    // nobody is driven while the other is, and both by all users
    let other = report.compare.as_ref().unwrap();
    assert_eq!(
        fast.count() as u64,
        report.measured.answers + report.measured.warm_up
    );
    assert_eq!(slow.count() as u64, other.answers + other.warm_up);
    // this very process was watched: it has done something on both sides
    for side in [&report.measured, other] {
        let watched = side.watched.unwrap();
        assert!(watched.cpu_us_per_request.unwrap() > 0.0 && watched.memory_bytes > 0);
    }
    assert!(comparison.cpu_per_request.is_some());
    let csv = vestibule::loadtest::report::csv(&report);
    assert_eq!(csv.lines().count(), 11);

    // the other way round it fails
    let turned = Plan {
        side: base.compare.clone().unwrap(),
        compare: Some(base.side.clone()),
        ..base.clone()
    };
    assert!(drive(&turned).await.unwrap().has_failed());

    // with a fixed rate both are asked the same
    let even = Plan {
        kind: Loop::Open { rate: 200.0 },
        compare: Some(Side {
            watch: Vec::new(),
            ..base.side.clone()
        }),
        conditions: Vec::new(),
        duration: Duration::from_secs(3),
        ..base
    };
    let report = drive(&even).await.unwrap();
    let throughput = report.comparison.unwrap().throughput.unwrap();
    assert!((0.8..1.25).contains(&throughput.median), "{throughput:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_before_anything_is_sent() {
    let server = Server::start(None).await;
    let url = server.url("/");
    let refused = async |plan: Plan, because: &str| {
        let wrong = drive(&plan).await.unwrap_err().to_string();
        assert!(wrong.contains(because), "{because}: {wrong}");
    };
    let base = plan(&[&url]);
    let p = || base.clone();
    refused(
        Plan {
            connections: 0,
            ..p()
        },
        "--connections",
    )
    .await;
    refused(
        Plan {
            connections: 10_001,
            ..p()
        },
        "--connections",
    )
    .await;
    refused(Plan { streams: 2, ..p() }, "--http 2").await;
    let many = Plan {
        protocol: Protocol::Http2,
        streams: 1000,
        connections: 11,
        ..p()
    };
    refused(many, "times --streams").await;
    refused(
        Plan {
            duration: Duration::from_secs(90_000),
            ..p()
        },
        "--duration",
    )
    .await;
    refused(Plan { threads: 33, ..p() }, "--threads").await;
    refused(
        Plan {
            timeout: Duration::from_secs(601),
            ..p()
        },
        "--timeout",
    )
    .await;
    refused(
        Plan {
            kind: Loop::Open { rate: 2e6 },
            ..p()
        },
        "--rate",
    )
    .await;
    refused(
        Plan {
            requests: Some(0),
            ..p()
        },
        "--requests",
    )
    .await;
    refused(plan(&[]), "URLs").await;
    let compare = Some(base.side.clone());
    let short = Plan {
        compare: compare.clone(),
        slice: Duration::from_secs(1),
        ..p()
    };
    refused(short, "--duration").await;
    let ramped = Plan {
        compare,
        ramp_up: Duration::from_secs(1),
        ..p()
    };
    refused(ramped, "--ramp-up").await;
    for (condition, because) in [("ratio<1", "--compare"), ("cpu>1us", "--watch")] {
        let conditions = vec![Condition::parse(condition).unwrap()];
        refused(Plan { conditions, ..p() }, because).await;
    }
    let nobody = Side {
        watch: vec![u32::MAX],
        ..base.side.clone()
    };
    refused(
        Plan {
            side: nobody,
            ..p()
        },
        "no process",
    )
    .await;
    refused(plan(&["http://192.0.2.1/"]), "--i-own-this-host").await;
    refused(plan(&[&url, "http://192.0.2.1/"]), "--i-own-this-host").await;
    let other = plan(&["http://0.0.0.0/"]).side;
    refused(
        Plan {
            compare: Some(other),
            ..p()
        },
        "--i-own-this-host",
    )
    .await;
    assert_eq!(server.count(), 0);
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_it_with_what_was_seen() {
    let server = Server::start(None).await;
    for (path, kind) in [
        ("/", CLOSED),
        ("/hang", CLOSED),
        ("/", Loop::Open { rate: 50.0 }),
        (
            "/",
            Loop::Closed {
                think: Duration::from_secs(600),
                expected: None,
            },
        ),
    ] {
        let stop = Stop::default();
        let plan = Plan {
            kind,
            duration: Duration::from_secs(3600),
            timeout: Duration::from_secs(600),
            ..plan(&[&server.url(path)])
        };
        let stopper = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stopper.stop();
        });
        let env = Env::system();
        let mut nobody = ();
        let running = run(&plan, &env, &stop, &mut nobody);
        let report = tokio::time::timeout(Duration::from_secs(20), running).await;
        let report = report.expect("it goes on").unwrap();
        assert!(
            report.interrupted && report.measured.seconds < 15.0,
            "{path}"
        );
        assert_eq!(report.measured.answers > 0, path == "/", "{path} {kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_everything_and_believes_nobody() {
    let server = Server::start(None).await;
    let url = server.url("/a?<script>alert(1)</script>&b='\"");
    let report = drive(&Plan {
        kind: Loop::Open { rate: 200.0 },
        conditions: vec![
            Condition::parse("p99>1h").unwrap(),
            Condition::parse("errors>1").unwrap(),
        ],
        ..plan(&[&url, &server.url("/status/500")])
    })
    .await
    .unwrap();
    assert!(report.has_failed());
    let page = vestibule::loadtest::report::html(&report);
    for part in [
        "<svg",
        "Latency by percentile",
        "Latency over time",
        "unexpected status",
        "Failed",
        "Fine",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for part in [
        "<script",
        "NaN",
        "inf ",
        "http-equiv=\"refresh",
        "url(",
        "<img",
        "<link",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["format"], 1);
    for key in [
        "throughput",
        "latency",
        "urls",
        "client",
        "plan",
        "conditions",
        "timeline",
        "spectrum",
        "errors",
    ] {
        assert!(!json[key].is_null(), "{key}");
    }
    assert!(json["latency"]["p99.99_us"].as_f64().unwrap() > 0.0);
    assert!(json["client"]["cpu_us_per_request"].as_f64().unwrap() > 0.0);
    let csv = vestibule::loadtest::report::csv(&report);
    assert!(
        csv.starts_with("seconds,per_second,errors,p50_us") && csv.lines().count() >= 3,
        "{csv}"
    );
}
