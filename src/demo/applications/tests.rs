use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn connect() -> (Running, TcpStream) {
    let running = start(WIKI, None).await.unwrap();
    let stream = TcpStream::connect(running.address()).await.unwrap();
    (running, stream)
}

/// Sends bytes, reads until the other side ends.
async fn exchange(bytes: &str) -> String {
    let (_running, mut stream) = connect().await;
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).await.unwrap();
    String::from_utf8_lossy(&out).into_owned()
}

/// One `Connection: close` request with further header lines and a body.
async fn ask(request_line: &str, lines: &str, body: &str) -> (u16, String) {
    let answer = exchange(&format!(
        "{request_line} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n{lines}\r\n{body}"
    ))
    .await;
    (answer[9..12].parse().unwrap(), answer)
}

fn body_json(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn json_shows_every_line_in_its_order_and_case() {
    let lines = "remote-USER: aino\r\nX-A: 1\r\nREMOTE-user: evil\r\nx-a: 2\r\n";
    let (_, answer) = ask("GET /headers.json?q=%41", lines, "").await;
    let json = body_json(&answer);
    assert_eq!(json["application"], "wiki");
    assert_eq!(json["method"], "GET");
    assert_eq!(json["target"], "/headers.json?q=%41");
    let want = serde_json::json!([
        ["Host", "w"],
        ["Connection", "close"],
        ["remote-USER", "aino"],
        ["X-A", "1"],
        ["REMOTE-user", "evil"],
        ["x-a", "2"]
    ]);
    assert_eq!(json["headers"], want);
}

#[tokio::test]
async fn any_path_shows_the_request_as_a_page_or_as_json() {
    let (status, page) = ask("GET /some?'&", "X: <i>\"\r\n", "").await;
    assert_eq!(status, 200);
    assert!(page.contains("<td>&lt;i&gt;&quot;</td>"), "{page}");
    assert!(page.contains("GET /some?&#39;&amp; HTTP/1.1"));
    assert!(page.contains("Nobody is signed in"));
    let (_, page) = ask(
        "GET /",
        "Accept: text/html,application/json\r\nRemote-User: <u>\r\n",
        "",
    )
    .await;
    assert!(page.contains("Welcome back, <b>&lt;u&gt;</b>"), "{page}");
    let (_, json) = ask("DELETE /x", "Accept: application/json\r\n", "").await;
    assert_eq!(body_json(&json)["method"], "DELETE");
}

#[tokio::test]
async fn a_form_comes_back_and_long_bodies_are_cut_but_counted() {
    let (_, page) = ask("GET /form", "", "").await;
    assert!(page.contains("<form method=post action=/form>"));
    let (_, page) = ask("POST /form", "Content-Length: 16\r\n", "subject=a%26b&x=").await;
    assert!(page.contains("subject=a%26b&amp;x="), "{page}");
    let long = "x".repeat(BODY_SHOWN + 5);
    let lines = format!("Content-Length: {}\r\n", long.len());
    let (_, answer) = ask("PUT /headers.json", &lines, &long).await;
    let json = body_json(&answer);
    assert_eq!(json["body_bytes"], BODY_SHOWN + 5);
    assert_eq!(json["body"].as_str().map(str::len), Some(BODY_SHOWN));
}

#[tokio::test]
async fn requests_on_one_connection_each_show_their_own_head() {
    let first =
        "POST /headers.json HTTP/1.1\r\nHost: w\r\nA-One: 1\r\nContent-Length: 3\r\n\r\nabc";
    let second = "GET /headers.json HTTP/1.1\r\nHost: w\r\na-TWO: 2\r\nConnection: close\r\n\r\n";
    let answer = exchange(&format!("{first}{second}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(answer.matches("A-One").count(), 1);
    assert_eq!(answer.matches("a-TWO").count(), 1);
}

#[tokio::test]
async fn chunked_bodies_and_trailers_are_shown_and_end_the_connection() {
    let answer = exchange(
        "POST /headers.json HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\nTrailer: Remote-User\r\n\r\n\
         3\r\nabc\r\n0\r\nRemote-User: evil\r\n\r\nGET /second HTTP/1.1\r\nHost: w\r\n\r\n",
    )
    .await;
    let json = body_json(&answer);
    assert_eq!(json["body"], "abc");
    assert_eq!(
        json["trailers"],
        serde_json::json!([["remote-user", "evil"]])
    );
    assert!(answer.to_ascii_lowercase().contains("connection: close"));
}

#[tokio::test]
async fn a_websocket_echoes_and_tells_the_origin() {
    let (_running, mut stream) = connect().await;
    let upgrade = "GET /ws HTTP/1.1\r\nHost: w\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Origin: https://wiki.localhost\r\nRemote-User: aino\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    // a masked text frame "hi" (RFC 6455 5.2), then a close frame
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i', 0x88, 0x80, 0, 0, 0, 0])
        .await
        .unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).await.unwrap();
    let text = String::from_utf8_lossy(&out);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(
        text.contains(r#""origin":"https://wiki.localhost""#),
        "{text}"
    );
    assert!(text.contains(r#""remote_user":"aino""#));
    assert!(text.contains("\u{2}hi"), "{text}");
    let (_, page) = ask("GET /socket", "", "").await;
    assert!(page.contains("src=/socket.js"));
    let (status, script) = ask("GET /socket.js", "", "").await;
    assert!(status == 200 && script.contains("new WebSocket"));
}

#[tokio::test]
async fn the_download_is_what_the_page_says() {
    let (_running, mut stream) = connect().await;
    let request = "GET /download HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).await.unwrap();
    let end = out.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(out.len() - end, DOWNLOAD_BYTES);
    let hash = ring::digest::digest(&ring::digest::SHA256, &out[end..]);
    let hash: String = hash.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hash, download_sha256());
    let (_, page) = ask("GET /", "", "").await;
    assert!(page.contains(&hash));
}

#[tokio::test]
async fn slow_failing_and_streaming_answers() {
    let (_, answer) = ask("GET /slow?ms=5", "", "").await;
    assert!(answer.ends_with("waited 5 ms\n"), "{answer}");
    for (path, want) in [
        ("404", 404),
        ("503", 503),
        ("204", 204),
        ("100", 400),
        ("x", 400),
    ] {
        let (status, answer) = ask(&format!("GET /status/{path}"), "", "").await;
        assert_eq!(status, want, "{answer}");
    }
    let (_, answer) = ask("GET /events?ms=1", "", "").await;
    assert!(answer.contains("content-type: text/event-stream"));
    for tick in 1..=5 {
        assert!(answer.contains(&format!("data: {tick} of 5")), "{answer}");
    }
}

#[tokio::test]
async fn a_port_is_taken_again_where_it_is_free() {
    let first = start(WIKI, None).await.unwrap();
    let port = first.address().port();
    let second = start(PAYROLL, Some(port)).await.unwrap();
    assert_ne!(second.address().port(), port);
    drop(first);
    // the listener goes with its task
    for _ in 0..100 {
        let again = start(WIKI, Some(port)).await.unwrap();
        if again.address().port() == port {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("port {port} is still taken");
}
