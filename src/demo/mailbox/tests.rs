use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn said(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn page(address: SocketAddr, path: &str, host: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    said(address, &request).await
}

fn handed(mail: &str) -> String {
    format!(
        "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n{mail}\r\n.\r\nQUIT\r\n"
    )
}

const MAIL: &str = "From: =?utf-8?b?w4RpbsO2?= <a@example.com>\r\nTo: b@example.com\r\n\
Subject: =?utf-8?b?S8OkeXR0w7Y=?=\r\n =?utf-8?q?_<b>?=\r\nDate: Mon, 14 Dec 2026 14:32:00 +0000\r\n\
Content-Type: multipart/alternative;\r\n boundary=\"xyz\"\r\n\r\n--xyz\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\nK=C3=A4ytt=C3=B6 <i> one li=\r\nne\r\n..dot\r\n\
https://login.localhost/x?a=3D1\r\n--xyz\r\nContent-Type: text/html\r\n\r\n<p>no\r\n--xyz--";

#[tokio::test]
async fn what_is_mailed_is_kept_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path().join("mail"), None).await.unwrap();
    let own = running.page().to_string();
    assert!(
        page(running.page(), "/", &own)
            .await
            .contains("No mail yet")
    );
    let answer = said(running.smtp(), &handed(MAIL)).await;
    assert!(answer.ends_with("250 kept\r\n221 bye\r\n"), "{answer}");
    said(running.smtp(), &handed("Subject: second\r\n\r\nx")).await;
    let list = page(running.page(), "/", &own).await;
    let at = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
    assert!(at("second") < at("Käyttö &lt;b&gt;"), "newest first");
    let one = page(running.page(), "/1", &own).await;
    for want in [
        "Äinö &lt;a@example.com&gt;",
        "Käyttö &lt;i&gt; one line\n.dot\n",
        "<a href=\"https://login.localhost/x?a=1\">",
    ] {
        assert!(one.contains(want), "{want}: {one}");
    }
    assert!(!one.contains("<p>no"));
    assert!(
        page(running.page(), "/3", &own)
            .await
            .starts_with("HTTP/1.1 404")
    );
    let rebound = page(running.page(), "/1", "evil.example").await;
    assert!(rebound.starts_with("HTTP/1.1 403") && !rebound.contains("ytt"));
    // and they are there after another start
    drop(running);
    let running = start(dir.path().join("mail"), None).await.unwrap();
    let own = running.page().to_string();
    assert!(page(running.page(), "/2", &own).await.contains("second"));
}

#[tokio::test]
async fn sizes_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path().join("mail"), None).await.unwrap();
    let long = handed(&"0123456789abcdef\r\n".repeat(20_000));
    assert!(said(running.smtp(), &long).await.contains("552 too large"));
    assert!(said(running.smtp(), &"x".repeat(4096)).await.len() < 100);
    let kept = Kept::open(dir.path().join("mail")).unwrap();
    assert!(kept.numbers().is_empty());
    for number in 1..=MOST_MAILS as u32 {
        std::fs::write(kept.path(number), "x").unwrap();
    }
    kept.keep(b"new").unwrap();
    let numbers = kept.numbers();
    assert_eq!((numbers.len(), numbers[0]), (MOST_MAILS, 501));
    assert_eq!(*numbers.last().unwrap(), 2);
}
