//! Flask under gunicorn, with Werkzeug's own way to believe a proxy.

use super::{Application, Behind, blocks, write};

/// What the recipe's application would go on with.
const PAGES: &str = r#"
from flask import redirect, url_for

@app.get("/")
def home():
    return f"{g.login}|{url_for('home', _external=True)}|{request.remote_addr}|{request.is_secure}"

@app.post("/upload")
def upload():
    return redirect(url_for("home", size=len(request.get_data())))

@app.get("/lines")
def lines():
    return (f"{n}\n" for n in range(10_000)), {"Content-Type": "text/plain"}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flask_application_knows_who_asks_and_where_it_lives() {
    let dir = tempfile::tempdir().unwrap();
    let [recipe] = blocks("Flask", "python")[..] else {
        panic!("the recipe is one application");
    };
    write(dir.path(), "desk.py", &(recipe.to_owned() + PAGES));
    let flask = Application::start(dir.path(), |port| {
        let bind = format!("127.0.0.1:{port}");
        ["-m", "gunicorn", "--bind", &bind, "desk:app"]
            .map(str::to_owned)
            .into()
    })
    .await;
    let behind = Behind::start("Flask", flask.address).await;
    let (_, mut browser) = behind.person("åsa", "Åsa Öberg", &[]).await;
    let home = behind.url("/");
    let wanted = format!("åsa|{home}|127.0.0.1|True");
    assert_eq!(browser.open(&home).await.text(), wanted);

    // gunicorn leaves out names with underscores, Werkzeug takes the last addresses as many times as it is told
    for forged in [
        "Remote-User: root",
        "Remote.User: root",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: http",
        "Forwarded: for=10.0.0.1;host=evil.example;proto=http",
        "X-Forwarded-Prefix: /evil",
        "X-Script-Name: /evil",
        "Script-Name: /evil",
    ] {
        let mut ask = browser.visit(&home);
        ask.more = format!("{forged}\r\n");
        assert_eq!(browser.send(ask).await.text(), wanted, "{forged}");
    }

    let mut ask = browser.visit(&behind.url("/upload"));
    ask.method = "POST";
    ask.kind = "application/octet-stream";
    ask.origin = Some(behind.url(""));
    ask.site = "same-origin";
    ask.body = Some("x".repeat(3_000_000));
    let answer = browser.send(ask).await;
    assert_eq!(
        answer.header("location"),
        Some("/?size=3000000"),
        "{}",
        answer.head
    );
    let answer = browser.get(&behind.url("/lines")).await;
    assert_eq!(answer.text().lines().count(), 10_000);

    // past the gateway it asks for a name, and believes one: hence 127.0.0.1
    let mut direct = crate::support::client::Wire::plain(flask.address).await;
    direct
        .send("GET / HTTP/1.1\r\nHost: desk\r\nRemote_User: root\r\n\r\n")
        .await;
    let answer = direct.answer().await.unwrap();
    assert!(matches!(answer.status, 400 | 401), "{}", answer.head);
    behind.running.stop().await;
}
