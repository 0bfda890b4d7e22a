//! Jupyter: whoever gets in runs programs there, over a WebSocket.

use super::socket::Socket;
use super::{Application, Behind, blocks, write};
use crate::support::client::Answer;
use crate::whole::browser::Browser;
use crate::whole::site::WIKI;
use std::time::Duration;

/// Without the front end, JupyterLab: the server it runs on, and a kernel.
async fn jupyter(dir: &std::path::Path) -> Application {
    let [config] = blocks("JupyterLab", "python")[..] else {
        panic!("the recipe has one configuration");
    };
    let config = write(dir, "jupyter_server_config.py", config);
    Application::start(dir, |port| {
        let mut all: Vec<String> = ["-m", "jupyter_server", "--no-browser", "--allow-root"]
            .map(str::to_owned)
            .into();
        all.push(format!("--config={}", config.display()));
        all.push(format!("--ServerApp.root_dir={}", dir.display()));
        all.push(format!("--ServerApp.port={port}"));
        all
    })
    .await
}

/// What JupyterLab's page does: a call of the server's API, with its cookie against forgery said again.
async fn call(behind: &Behind, browser: &mut Browser, path: &str, body: &str) -> Answer {
    let mut ask = browser.visit(&behind.url(path));
    ask.method = "POST";
    ask.kind = "application/json";
    ask.origin = Some(behind.url(""));
    ask.site = "same-origin";
    ask.mode = "cors";
    ask.body = Some(body.to_owned());
    let token = browser.cookie(WIKI, "_xsrf").unwrap_or("none");
    ask.more = format!("X-XSRFToken: {token}\r\n");
    browser.send(ask).await
}

/// Runs it and says what it printed.
async fn run(socket: &mut Socket, code: &str) -> String {
    let message = serde_json::json!({
        "channel": "shell", "buffers": [], "metadata": {}, "parent_header": {},
        "header": { "msg_id": "one", "msg_type": "execute_request", "session": "page", "username": "", "version": "5.3" },
        "content": { "code": code, "silent": false, "store_history": true, "user_expressions": {}, "allow_stdin": false },
    });
    socket.say(&message.to_string()).await;
    let mut printed = String::new();
    loop {
        let heard: serde_json::Value = serde_json::from_str(&socket.hear().await).unwrap();
        if heard["parent_header"]["msg_id"] != "one" {
            continue;
        }
        match heard["msg_type"].as_str().unwrap() {
            "stream" => printed.push_str(heard["content"]["text"].as_str().unwrap()),
            "execute_reply" => assert_eq!(heard["content"]["status"], "ok", "{heard}"),
            "status" if heard["content"]["execution_state"] == "idle" => return printed,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kernel_of_jupyter_runs_for_as_long_as_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let jupyter = jupyter(dir.path()).await;
    let behind = Behind::start("JupyterLab", jupyter.address).await;
    let (account, mut browser) = behind.person("åsa", "Åsa Öberg", &["science"]).await;

    let page = browser.open(&behind.url("/")).await;
    assert_eq!(page.status, 200, "{}", page.head);
    let mut who = browser.visit(&behind.url("/api/me"));
    who.more = "Remote.User: root\r\nRemote-Name: Root\r\n".to_owned();
    let who = browser.send(who).await;
    let who: serde_json::Value = serde_json::from_str(&who.text()).unwrap();
    assert_eq!(who["identity"]["username"], "åsa", "{who}");
    assert_eq!(who["identity"]["name"], "Åsa Öberg", "{who}");

    let kernel = call(
        &behind,
        &mut browser,
        "/api/kernels",
        "{\"name\":\"python3\"}",
    )
    .await;
    assert_eq!(kernel.status, 201, "{} {}", kernel.head, kernel.text());
    let kernel: serde_json::Value = serde_json::from_str(&kernel.text()).unwrap();
    let channels = format!(
        "/api/kernels/{}/channels?session_id=page",
        kernel["id"].as_str().unwrap()
    );
    let mut socket = Socket::open(&behind, &browser, &channels)
        .await
        .ok()
        .unwrap();
    assert_eq!(run(&mut socket, "print(6*7)").await, "42\n");
    let long = run(&mut socket, "print('x' * 200_000)").await;
    assert_eq!(long.len(), 200_001);

    // nobody, and somebody of another group
    let mut nobody = Browser::new(behind.net.clone());
    let (_, mut other) = behind.person("mikael", "Mikael Holm", &["finance"]).await;
    let answer = nobody.get(&behind.url("/lab")).await;
    assert_eq!(answer.status, 302, "{}", answer.head);
    let answer = call(&behind, &mut nobody, "/api/kernels", "{}").await;
    assert_eq!(answer.status, 401, "{}", answer.head);
    assert_eq!(
        Socket::open(&behind, &nobody, &channels).await.err(),
        Some(401)
    );
    assert_eq!(other.open(&behind.url("/lab")).await.status, 403);
    assert_eq!(
        Socket::open(&behind, &other, &channels).await.err(),
        Some(403)
    );

    // and nobody any more
    behind
        .office
        .authn
        .revoke_sessions(account.id)
        .await
        .unwrap();
    assert!(socket.closes_within(Duration::from_secs(10)).await);
    assert_eq!(
        Socket::open(&behind, &browser, &channels).await.err(),
        Some(401)
    );
    behind.running.stop().await;
}
