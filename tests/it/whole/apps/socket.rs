//! As much of a WebSocket as an application's own page would open (RFC 6455).

use super::super::browser::Browser;
use super::Behind;
use crate::support::client::{Wire, tls};
use crate::whole::site::WIKI;
use std::time::Duration;

pub(super) struct Socket(Wire);

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// What a client sends is masked; with which key is all the same.
const KEY: [u8; 4] = [1, 2, 3, 4];

impl Socket {
    /// From a page of the application, with the cookies of this browser; otherwise the status.
    pub(super) async fn open(behind: &Behind, browser: &Browser, path: &str) -> Result<Self, u16> {
        let port = behind.net.address.port();
        let pairs = browser.jar.get(WIKI).into_iter().flatten();
        let cookies: Vec<String> = pairs.map(|(n, v)| format!("{n}={v}")).collect();
        let stream = tls(behind.net.address, WIKI, &behind.net.roots, &[b"http/1.1"]).await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {WIKI}:{port}\r\nOrigin: https://{WIKI}:{port}\r\n\
             Cookie: {}\r\n{HANDSHAKE}\r\n",
            cookies.join("; ")
        ))
        .await;
        let head = wire.head().await;
        match head.split(' ').nth(1).unwrap().parse().unwrap() {
            101 => Ok(Self(wire)),
            status => Err(status),
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.frame(TEXT, text.as_bytes()).await;
    }

    async fn frame(&mut self, kind: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | kind];
        match u16::try_from(payload.len()).unwrap() {
            short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
            longer => {
                frame.push(0x80 | 126);
                frame.extend(longer.to_be_bytes());
            }
        }
        frame.extend(KEY);
        frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k));
        self.0.send(frame).await;
    }

    /// The next message.
    pub(super) async fn hear(&mut self) -> String {
        loop {
            let head = self.0.exactly(2).await;
            let length = match head[1] {
                126 => self.number(2).await,
                127 => self.number(8).await,
                short => u64::from(short),
            };
            let payload = self.0.exactly(usize::try_from(length).unwrap()).await;
            match (head[0] & 0x80, head[0] & 0x0f) {
                (0x80, TEXT) => return String::from_utf8(payload).unwrap(),
                (0x80, PING) => self.frame(PONG, &payload).await,
                (_, CLOSE) => panic!("the application closes: {payload:?}"),
                (last, kind) => panic!("a frame of kind {kind}, last: {last}"),
            }
        }
    }

    async fn number(&mut self, bytes: usize) -> u64 {
        let bytes = self.0.exactly(bytes).await;
        bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    pub(super) async fn closes_within(&mut self, span: Duration) -> bool {
        self.0.closes_within(span).await
    }
}
