//! How requests get to the upstreams: what is written arrives, and mistakes are told where they are.

use super::{BASE, Folder};
use std::time::Duration;
use vestibule::config::Severity;
use vestibule::domain::route::{Route, Upstream};
use vestibule::domain::upstream::{Balance, Protocol};

/// The base with these lines in place of the first route's upstream.
fn with(lines: &str) -> String {
    let indented: String = lines.lines().map(|l| format!("    {l}\n")).collect();
    BASE.replace("    upstream: http://10.0.0.5:3000\n", &indented)
}

fn route(folder: &Folder, lines: &str) -> Route {
    folder.settings(&with(lines)).routes.routes()[0].clone()
}

#[test]
fn what_is_written_about_upstreams_arrives() {
    let folder = Folder::new();
    let plain = route(&folder, "upstream: http://10.0.0.5:3000");
    assert_eq!(plain.delivery, Default::default());
    assert_eq!(plain.timeouts, Default::default());

    let all = route(
        &folder,
        "upstream: [ https://wiki.internal, unix:/run/wiki.sock ]
balance: least_connections
protocol: auto
health: { path: /ping, interval: 10s, timeout: 1s, expect: 204, healthy: 4, unhealthy: 1, host: health.internal }
timeouts: { connect: 1s, read: 5m, idle: 30s }
upstream_tls:
  ca: ../certs/site.pem
  client_certificate: ../certs/site.pem
  client_key: ../certs/site.key
  name: app.internal",
    );
    assert_eq!(all.upstreams[1], Upstream::Unix("/run/wiki.sock".into()));
    assert_eq!(all.delivery.balance, Balance::LeastConnections);
    assert_eq!(all.delivery.protocol, Protocol::Auto);
    let health = all.delivery.health.unwrap();
    assert_eq!(health.path.as_deref(), Some("/ping"));
    assert_eq!(health.host.as_deref(), Some("health.internal"));
    assert_eq!(
        (health.expect, health.healthy, health.unhealthy),
        (204, 4, 1)
    );
    assert_eq!(
        (health.interval.as_secs(), health.timeout.as_secs()),
        (10, 1)
    );
    let seconds = Duration::from_secs;
    assert_eq!(
        (all.timeouts.connect, all.timeouts.idle),
        (seconds(1), seconds(30))
    );
    assert_eq!(
        (all.timeouts.read, all.timeouts.write),
        (seconds(300), seconds(300))
    );
    let tls = all.delivery.tls;
    let certs = folder.path().join("config/../certs");
    assert_eq!(tls.ca, Some(certs.join("site.pem")));
    assert_eq!(tls.client.unwrap().key, certs.join("site.key"));
    assert_eq!(tls.name.as_deref(), Some("app.internal"));
    assert!(tls.verify);

    let old = route(
        &folder,
        "upstream: https://wiki.internal\nupstream_ca: ../certs/site.pem",
    );
    assert_eq!(old.delivery.tls.ca, Some(certs.join("site.pem")));
    let health = route(&folder, "upstream: http://wiki.internal\nhealth: {}")
        .delivery
        .health;
    let health = health.unwrap();
    assert_eq!(
        (health.path, health.interval),
        (None, Duration::from_secs(5))
    );
}

#[test]
fn mistakes_about_upstreams_have_their_place_and_their_remedy() {
    let folder = Folder::new();
    let check = |lines: &str, severity: Severity, path: &str, says: &str, help: &str| {
        let (_, report) = folder.examine(&with(lines));
        let found = report.problems.iter().any(|p| {
            p.severity == severity
                && p.path == format!("routes[0].{path}")
                && p.message.contains(says)
                && p.help.contains(help)
        });
        assert!(found, "{lines}\n{report}");
    };
    let (http, https) = (
        "upstream: http://10.0.0.5:3000\n",
        "upstream: https://wiki.internal\n",
    );
    let error = |lines: &str, path: &str, says: &str, help: &str| {
        check(lines, Severity::Error, path, says, help);
    };
    let warning = |lines: &str, path: &str, says: &str, help: &str| {
        check(lines, Severity::Warning, path, says, help);
    };
    error(
        "upstream: unix:run/wiki.sock",
        "upstream",
        "not the full path",
        "unix:/run/",
    );
    error(
        &format!("{http}balance: random"),
        "balance",
        "random",
        "round_robin",
    );
    error(&format!("{http}protocol: h3"), "protocol", "h3", "h2");
    error(
        &format!("{http}health: {{ expect: 99, path: /x }}"),
        "health.expect",
        "not the status",
        "200",
    );
    error(
        &format!("{http}health: {{ healthy: 0 }}"),
        "health.healthy",
        "0 is not",
        "1 to 100",
    );
    error(
        &format!("{http}health: {{ unhealthy: 101 }}"),
        "health.unhealthy",
        "101",
        "1 to 100",
    );
    error(
        &format!("{http}health: {{ interval: 0s }}"),
        "health.interval",
        "longer than nothing",
        "1s",
    );
    error(
        &format!("{http}health: {{ path: /a?b }}"),
        "health.path",
        "not a path",
        "no queries",
    );
    error(
        &format!("{http}timeouts: {{ idle: 0s }}"),
        "timeouts.idle",
        "longer than nothing",
        "1s",
    );
    let tls = |line: &str| format!("{https}upstream_tls: {{ {line} }}");
    error(
        &tls("client_certificate: ../certs/site.pem"),
        "upstream_tls.client_certificate",
        "key is missing",
        "client_key",
    );
    error(
        &tls("client_key: ../certs/site.key"),
        "upstream_tls.client_key",
        "certificate is missing",
        "client_certificate",
    );
    error(
        &tls("client_certificate: ../certs/none.pem, client_key: ../certs/site.key"),
        "upstream_tls.client_certificate",
        "cannot be read",
        "",
    );
    error(
        &tls("ca: ../certs/site.key"),
        "upstream_tls.ca",
        "no certificate",
        "PEM",
    );
    error(
        &tls("verify: false, ca: ../certs/site.pem"),
        "upstream_tls.verify",
        "nothing is verified",
        "remove",
    );
    error(
        &format!(
            "{}\nupstream_ca: ../certs/site.pem",
            tls("ca: ../certs/site.pem")
        ),
        "upstream_ca",
        "written twice",
        "upstream_tls.ca",
    );
    warning(
        &tls("verify: false"),
        "upstream_tls.verify",
        "NOT verified",
        "`ca`",
    );
    warning(
        &format!("{http}upstream_tls: {{ name: a.internal }}"),
        "upstream_tls",
        "no upstream is https",
        "https://",
    );
    warning(
        &format!("{http}upstream_ca: ../certs/site.pem"),
        "upstream_ca",
        "no upstream is https",
        "https://",
    );
    warning(
        &format!("{http}balance: sticky"),
        "balance",
        "one upstream",
        "name more",
    );
    warning(
        &format!("{http}protocol: auto"),
        "protocol",
        "without https",
        "h2",
    );
    warning(
        &format!("{http}health: {{ expect: 204 }}"),
        "health.expect",
        "without `path`",
        "write `path`",
    );
    // a name may have many addresses, and plain HTTP/2 is a matter of knowing
    let (_, report) = folder.examine(&with(
        "upstream: http://wiki.internal\nbalance: sticky\nprotocol: h2\nhealth: { path: /ping }",
    ));
    assert_eq!(report.to_string(), "");
}
