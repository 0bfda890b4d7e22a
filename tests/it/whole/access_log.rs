//! The access log of a whole gateway: what an operator reads after somebody called.

use super::site::{Plan, Site, WIKI};
use std::time::Duration;

const JSON: &str = "logs: { access: { format: json, to: ./access.log } }";
const COMBINED: &str = "logs: { access: { format: combined, to: ./access.log } }";

async fn site(more: &'static str) -> Site {
    Site::with(Plan {
        more,
        ..Plan::default()
    })
    .await
}

/// The lines, when there are so many.
async fn lines(site: &Site, count: usize) -> Vec<String> {
    let path = site
        .settings
        .storage
        .file()
        .unwrap()
        .with_file_name("access.log");
    for _ in 0..400 {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.lines().count() >= count {
            return text.lines().map(str::to_owned).collect();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the access log stays short");
}

async fn get(site: &Site, target: &str, headers: &str) -> crate::support::client::Answer {
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {WIKI}:{}\r\n{headers}\r\n",
        site.net.address.port()
    );
    let answer = site.net.raw(WIKI, "GET", head.as_bytes()).await;
    answer.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_of_an_error_page_finds_one_line() {
    let site = site(JSON).await;
    let hostile = "X-Request-Id: mine\r\nReferer: https://wiki.test/a?code=secret-code\r\n\
                   User-Agent: x\" \\ \u{202e}\u{85}{\"status\":200}\r\nAccept: text/html\r\n";
    let answer = get(&site, "/nothing%2F..?ticket=secret-ticket", hostile).await;
    assert_eq!(answer.status, 400);
    let reference = answer.header("x-request-id").unwrap().to_owned();
    assert_ne!(reference, "mine");
    assert!(answer.text().contains(&reference), "{}", answer.text());
    let other = get(&site, "/page?to=secret-to", "Accept: application/json\r\n").await;
    assert_eq!(other.status, 401);
    let all = lines(&site, 2).await;
    let found: Vec<_> = all.iter().filter(|l| l.contains(&reference)).collect();
    assert_eq!(found.len(), 1, "{all:?}");
    let entry: serde_json::Value = serde_json::from_str(found[0]).unwrap();
    assert_eq!(entry["status"], 400);
    assert_eq!(entry["outcome"], "refused");
    assert_eq!(entry["client"], "127.0.0.1");
    assert_eq!(entry["tls"], "TLSv1.3");
    assert_eq!(entry["referrer"], "https://wiki.test/a");
    let entry = all.iter().find(|l| l.contains("/page")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
    assert_eq!(entry["request_id"], *other.header("x-request-id").unwrap());
    assert_eq!(entry["path"], "/page");
    assert_eq!(entry["route"], "wiki");
    assert_eq!(entry["outcome"], "sign_in");
    assert!(!all.concat().contains("secret-"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_request_has_its_person_and_its_upstream() {
    let site = site(COMBINED).await;
    let mut browser = site.browser();
    let _ = browser.password("aino").await;
    let answer = browser.open(&site.url(WIKI, "/deep/page?q=secret-q")).await;
    assert_eq!(answer.status, 200);
    let mut all = Vec::new();
    for count in 1..100 {
        all = lines(&site, count).await;
        if all
            .iter()
            .any(|l| l.contains(" aino [") && l.contains("\"GET /deep/page HTTP/"))
        {
            break;
        }
    }
    let line = all
        .iter()
        .find(|l| l.contains("/deep/page") && l.contains(" aino ["));
    let line = line.unwrap_or_else(|| panic!("{all:#?}"));
    assert!(line.starts_with("127.0.0.1 - aino ["), "{line}");
    assert!(!all.concat().contains("secret-q"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_has_a_line_too() {
    let site = site(JSON).await;
    let answer = site.net.raw(WIKI, "GET", b"\x16nonsense\r\n\r\n").await;
    assert_eq!(answer.unwrap().status, 400);
    let all = lines(&site, 1).await;
    let entry: serde_json::Value = serde_json::from_str(&all[0]).unwrap();
    assert_eq!(entry["outcome"], "unreadable");
    assert_eq!(entry["status"], 400);
    assert_eq!(entry["client"], "127.0.0.1");
    assert_eq!(entry["path"], "");
    assert!(!all.concat().contains("nonsense"));
}
