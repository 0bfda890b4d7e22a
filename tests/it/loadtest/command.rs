//! `vestibule loadtest` as it is typed.

use super::server::Server;
use serde_json::Value;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .arg("loadtest")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn said(child: Child) -> (i32, String, String) {
    let done = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output());
    let Output {
        status,
        stdout,
        stderr,
    } = done.await.expect("it goes on").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

async fn loadtest(arguments: &[&str]) -> (i32, String, String) {
    said(command(arguments).spawn().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_for_scripts() {
    let server = Server::start(None).await;
    let url = server.url("/wait/2");
    let base = ["--url", &url, "--duration", "500ms", "--connections", "2"];
    let check = async |more: &[&str], code: i32, words: &str| {
        let (found, out, err) = loadtest(&[&base[..], more].concat()).await;
        assert_eq!(found, code, "{more:?}: {out}{err}");
        assert!(
            out.contains(words) || err.contains(words),
            "{more:?}: {out}{err}"
        );
    };
    check(&[], 0, "no errors").await;
    check(&["--fail-if", "p50>1h", "--fail-if", "errors>0"], 0, "ok ").await;
    check(&["--fail-if", "p50>1us"], 1, "FAILED  p50>1us").await;
    check(&["--fail-if", "throughput<1000000"], 1, "FAILED").await;
    check(&["--fail-if", "p50>>1us"], 2, "--fail-if").await;
    check(&["--rate", "fast"], 2, "500/s").await;
    check(&["--timeout", "10"], 2, "500ms, 10s or 2m").await;
    check(
        &["--rate", "10/s", "--think-time", "1s"],
        2,
        "cannot be used with",
    )
    .await;
    check(
        &["--header", "Transfer-Encoding: chunked"],
        2,
        "protocol itself",
    )
    .await;
    check(
        &["--compare", "http://192.0.2.1/", "--slice", "100ms"],
        1,
        "--i-own-this-host",
    )
    .await;
    check(&["--watch", "4294967295"], 1, "no process").await;
    check(&["--ca", "/nonexistent"], 1, "cannot be read").await;
    check(&["--expect", "404"], 1, "unexpected status").await;
    check(&["--expect", "200,404"], 0, "no errors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_failures_is_a_failure() {
    let server = Server::start(None).await;
    for path in ["/status/500", "/signin-needed", "/close"] {
        let (code, out, _) = loadtest(&["--url", &server.url(path), "--duration", "300ms"]).await;
        assert_eq!(code, 1, "{path}: {out}");
        assert!(out.contains("ERRORS"), "{path}: {out}");
    }
    let (code, _, err) = loadtest(&["--url", "http://127.0.0.1:1/"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("no connection to http://127.0.0.1:1/"),
        "{err}"
    );
    let (code, _, err) = loadtest(&["--url", "http://203.0.113.7/"]).await;
    assert_eq!((code, err.contains("not this machine")), (1, true), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_with_the_report_so_far() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = Server::start(None).await;
    for signal in [Signal::INT, Signal::TERM] {
        let before = server.count();
        let url = server.url("/wait/2");
        let child = command(&["--url", &url, "--duration", "1h", "--json"])
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        for _ in 0..1000 {
            if server.count() > before + 100 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        kill_process(pid, signal).unwrap();
        let (code, out, err) = said(child).await;
        assert_eq!(code, 0, "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["interrupted"], true);
        assert!(report["answers"].as_u64().unwrap() > 50, "{out}");
        // nobody looks at a progress bar here
        assert_eq!(err, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_written_where_they_were_asked_for() {
    let server = Server::start(None).await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (url, pid) = (server.url("/"), std::process::id().to_string());
    let (code, out, err) = loadtest(&[
        "--url",
        &url,
        "--duration",
        "600ms",
        "--rate",
        "200/s",
        "--json",
        "--watch",
        &pid,
        "--csv",
        &at("r.csv"),
        "--html",
        &at("r.html"),
    ])
    .await;
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["plan"]["rate"], 200.0);
    assert!(
        report["watched"]["cpu_us_per_request"].as_f64().unwrap() > 0.0,
        "{out}"
    );
    assert!(
        std::fs::read_to_string(at("r.html"))
            .unwrap()
            .contains("<svg")
    );
    assert!(
        std::fs::read_to_string(at("r.csv"))
            .unwrap()
            .starts_with("seconds,")
    );
}
