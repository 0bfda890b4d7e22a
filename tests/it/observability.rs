//! What is shown of the gateway elsewhere: the dashboard and the alert rules speak of metrics that are there.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use vestibule::domain::logged::Logged;
use vestibule::domain::trace::{SEED, Sampling, Trace};
use vestibule::telemetry::{CertificateSource, Metrics, Outcome};

const DASHBOARD: &str = include_str!("../../config/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../config/prometheus-alerts.yaml");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Names of our metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    text.split(|c| !plain(c))
        .filter(|word| word.starts_with("vestibule_"))
        .map(str::to_owned)
        .collect()
}

fn request() -> Logged<'static> {
    Logged {
        time: SystemTime::UNIX_EPOCH,
        id: "1",
        trace: Trace::of(None, false, Sampling::ALL, [1; SEED]),
        client: [127, 0, 0, 1].into(),
        protocol: "HTTP/1.1",
        tls: None,
        method: "GET",
        host: "wiki.test",
        path: "/",
        route: "wiki",
        outcome: "forward",
        status: 200,
        duration: Duration::from_millis(2),
        bytes_in: 0,
        bytes_out: 0,
        account: None,
        upstream: None,
        upstream_time: Some(Duration::from_millis(1)),
        upstream_after: Duration::ZERO,
        referrer: None,
        user_agent: None,
        fault: None,
    }
}

/// What a scrape says there is, by the names that queries use.
fn offered() -> BTreeSet<String> {
    let metrics = Metrics::new("0", 0);
    // some appear with their first event
    metrics.store_fault("away");
    metrics.config_reload(true, 0);
    metrics.request(&metrics.route("wiki"), Outcome::Forwarded, &request());
    metrics.set_certificates([("wiki.test", CertificateSource::File, 0)]);
    metrics.upstreams().set_up("wiki", "10.0.0.5:80", true);
    metrics.upstreams().ejected("wiki", "10.0.0.5:80");
    metrics.upstreams().retried("wiki");
    let text = metrics.encode().unwrap();
    let mut all = BTreeSet::new();
    for line in text.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            "info" => &["_info"],
            _ => &[""],
        };
        all.extend(ends.iter().map(|end| format!("{name}{end}")));
    }
    all
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_are_there() {
    let offered = offered();
    assert!(offered.len() > 15, "{offered:?}");
    let asked: BTreeSet<String> = named(DASHBOARD).union(&named(ALERTS)).cloned().collect();
    let missing: Vec<_> = asked.difference(&offered).collect();
    assert!(missing.is_empty(), "{missing:?}\nof {offered:?}");
    // and nothing is left unseen
    let unseen: Vec<_> = offered
        .iter()
        .filter(|n| n.starts_with("vestibule_") && !asked.contains(*n))
        .filter(|n| !n.ends_with("_count") && !n.ends_with("_sum"))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn the_dashboard_is_one() {
    let board: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|p| p["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|p| p["type"] != "row") {
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
    }
}

#[test]
fn each_alert_says_what_to_do() {
    let alerts = ALERTS
        .lines()
        .filter_map(|l| l.trim().strip_prefix("- alert: "));
    let mut count = 0;
    for alert in alerts {
        count += 1;
        assert!(OPERATIONS.contains(&format!("\n### {alert}\n")), "{alert}");
        let runbook = format!("runbook: docs/operations.md#{}\n", alert.to_lowercase());
        assert!(ALERTS.contains(&runbook), "{alert}");
    }
    assert!(count > 10);
}
