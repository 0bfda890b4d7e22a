//! Node-RED: an editor that speaks over a WebSocket, and flows that run what is drawn there.

use super::socket::Socket;
use super::{Application, Behind, blocks, tools, write};
use crate::support::client::Answer;
use crate::whole::browser::Browser;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

async fn node_red(dir: &Path) -> Application {
    let [settings] = blocks("Node-RED", "js")[..] else {
        panic!("the recipe has its settings");
    };
    let settings = write(dir, "settings.js", settings);
    let port = crate::whole::site::free_port();
    let mut program = Command::new("node");
    program
        .arg(tools("node-red/node_modules/node-red/red.js"))
        .args(["--port", &port.to_string()])
        .arg("--userDir")
        .arg(dir)
        .arg("--settings")
        .arg(settings);
    Application::run(dir, &mut program, port).await
}

/// A flow that runs once when it is deployed, and something that answers at `/api/sum`.
const FLOWS: &str = r#"{ "flows": [
  { "id": "tab", "type": "tab", "label": "Sum" },
  { "id": "start", "type": "inject", "z": "tab", "once": true, "onceDelay": 0.1, "repeat": "", "topic": "",
    "props": [{ "p": "payload" }], "payload": "6", "payloadType": "num", "wires": [["sum"]] },
  { "id": "sum", "type": "function", "z": "tab", "func": "msg.payload = msg.payload * 7; return msg;", "outputs": 1,
    "initialize": "", "finalize": "", "libs": [], "wires": [["show"]] },
  { "id": "show", "type": "debug", "z": "tab", "name": "shown", "active": true, "tosidebar": true, "complete": "payload",
    "targetType": "msg", "wires": [] },
  { "id": "in", "type": "http in", "z": "tab", "url": "/sum", "method": "get", "wires": [["who"]] },
  { "id": "who", "type": "function", "z": "tab", "func": "msg.payload = 'asked by ' + Buffer.from(msg.req.headers['remote-user'], 'latin1'); return msg;",
    "outputs": 1, "initialize": "", "finalize": "", "libs": [], "wires": [["out"]] },
  { "id": "out", "type": "http response", "z": "tab", "wires": [] }
] }"#;

async fn deploy(behind: &Behind, browser: &mut Browser) -> Answer {
    let mut ask = browser.visit(&behind.url("/flows"));
    ask.method = "POST";
    ask.kind = "application/json";
    ask.origin = Some(behind.url(""));
    ask.site = "same-origin";
    ask.mode = "cors";
    ask.more = "Node-RED-API-Version: v2\r\nNode-RED-Deployment-Type: full\r\n".to_owned();
    ask.body = Some(FLOWS.to_owned());
    browser.send(ask).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_of_node_red_is_deployed_by_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let node_red = node_red(dir.path()).await;
    let behind = Behind::start("Node-RED", node_red.address).await;
    let (account, mut browser) = behind.person("åsa", "Åsa Öberg", &["automation"]).await;

    let page = browser.open(&behind.url("/")).await;
    assert!(page.text().contains("<title>Node-RED"), "{}", page.head);
    let mut who = browser.visit(&behind.url("/settings"));
    who.more = "Remote.User: root\r\nAuthorization: Bearer root\r\n".to_owned();
    let who = browser.send(who).await;
    let who: serde_json::Value = serde_json::from_str(&who.text()).unwrap();
    assert_eq!(who["user"]["username"], "åsa", "{who}");

    let mut socket = Socket::open(&behind, &browser, "/comms")
        .await
        .ok()
        .unwrap();
    socket.say("{\"subscribe\":\"notification/#\"}").await;
    let answer = deploy(&behind, &mut browser).await;
    assert_eq!(answer.status, 200, "{} {}", answer.head, answer.text());
    let shown = loop {
        let heard = socket.hear().await;
        if heard.contains("\"topic\":\"debug\"") {
            break heard;
        }
    };
    assert!(shown.contains("\"msg\":\"42\""), "{shown}");
    let answer = browser.get(&behind.url("/api/sum")).await;
    assert_eq!(answer.text(), "asked by åsa");

    // nobody, and somebody of another group
    let mut nobody = Browser::new(behind.net.clone());
    let (_, mut other) = behind.person("mikael", "Mikael Holm", &["finance"]).await;
    assert_eq!(nobody.get(&behind.url("/")).await.status, 302);
    assert_eq!(deploy(&behind, &mut nobody).await.status, 401);
    assert_eq!(
        Socket::open(&behind, &nobody, "/comms").await.err(),
        Some(401)
    );
    assert_eq!(other.open(&behind.url("/")).await.status, 403);
    assert_eq!(deploy(&behind, &mut other).await.status, 403);
    assert_eq!(
        Socket::open(&behind, &other, "/comms").await.err(),
        Some(403)
    );

    // the editor's own door is shut
    let mut ask = browser.visit(&behind.url("/auth/token"));
    ask.method = "POST";
    ask.kind = "application/x-www-form-urlencoded";
    let fields =
        "client_id=node-red-editor&grant_type=password&scope=&username=admin&password=password";
    ask.body = Some(fields.to_owned());
    let answer = browser.send(ask).await;
    assert!(
        (400..500).contains(&answer.status),
        "{} {}",
        answer.head,
        answer.text()
    );

    behind
        .office
        .authn
        .revoke_sessions(account.id)
        .await
        .unwrap();
    assert!(socket.closes_within(Duration::from_secs(10)).await);
    assert_eq!(deploy(&behind, &mut browser).await.status, 401);
    behind.running.stop().await;
}
