//! An application that keeps the raw bytes of every request, and answers by path.

use super::client::{Io, find};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Clone, Default)]
pub(crate) struct Upstream {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<AtomicUsize>,
    address: Arc<OnceLock<SocketAddr>>,
}

impl Upstream {
    pub(crate) async fn start(tls: Option<Arc<rustls::ServerConfig>>) -> (Self, SocketAddr) {
        let upstream = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        upstream.address.set(address).unwrap();
        let this = upstream.clone();
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tcp.set_nodelay(true).unwrap();
                let (this, tls) = (this.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => this.serve(Box::new(tcp)).await,
                        Some(config) => {
                            let acceptor = tokio_rustls::TlsAcceptor::from(config);
                            if let Ok(stream) = acceptor.accept(tcp).await {
                                this.serve(Box::new(stream)).await;
                            }
                        }
                    }
                });
            }
        });
        (upstream, address)
    }

    /// The heads received since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        let seen = std::mem::take(&mut *self.seen.lock());
        seen.iter()
            .map(|raw| raw.iter().map(|b| char::from(*b)).collect())
            .collect()
    }
    /// The one request received since the last call.
    #[track_caller]
    pub(crate) fn only(&self) -> String {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
    /// `http://127.0.0.1:PORT`, as the application would call itself.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address.get().unwrap())
    }
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn serve(&self, mut io: Box<dyn Io>) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let mut buffer = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = find(&buffer, b"\r\n\r\n") {
                    break end + 4;
                }
                match io.read_buf(&mut buffer).await {
                    Ok(n) if n > 0 => {}
                    _ => return,
                }
            };
            let head = buffer.drain(..end).collect::<Vec<_>>();
            self.seen.lock().push(head.clone());
            let head = String::from_utf8_lossy(&head).into_owned();
            if respond(&mut *io, &head, &mut buffer).await.is_none() {
                return;
            }
        }
    }
}

pub(crate) fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    values(head, name).into_iter().next()
}

pub(crate) fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.split("\r\n")
        .filter_map(|l| l.split_once(':'))
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
        .collect()
}

async fn respond(io: &mut dyn Io, head: &str, buffer: &mut Vec<u8>) -> Option<()> {
    let path = head.split(' ').nth(1).unwrap_or("");
    let path = path.split('?').next().unwrap_or("");
    if value(head, "upgrade").is_some() && path.starts_with("/ws") {
        return websocket(io, value(head, "sec-websocket-key"), buffer).await;
    }
    if path == "/expect" {
        io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    if path == "/hints" {
        // and then nothing more, for ever
        let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
        io.write_all(hints).await.ok()?;
        io.flush().await.ok()?;
        return None;
    }
    if path == "/early" {
        // before anything of the body is read, and then no more of it
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
        io.write_all(answer).await.ok()?;
        io.flush().await.ok()?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        return None;
    }
    if path == "/both-ways" {
        // answers, and echoes what comes piece by piece
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
        io.write_all(head.as_bytes()).await.ok()?;
        io.flush().await.ok()?;
        chunked(io, buffer).await?;
        return io.write_all(b"3\r\nbye\r\n0\r\n\r\n").await.ok();
    }
    let mut received = 0;
    if let Some(length) = value(head, "content-length") {
        let mut left: usize = length.parse().ok()?;
        while left > 0 {
            if buffer.is_empty() && io.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
            let n = left.min(buffer.len());
            buffer.drain(..n);
            left -= n;
            received += n;
        }
    } else if value(head, "transfer-encoding").is_some() {
        received = chunked(io, buffer).await?;
    }
    // `X-Answer: 302 Found | Location: /x` is answered with just that
    if let Some(answer) = value(head, "x-answer") {
        let lines = answer.replace(" | ", "\r\n");
        let answer = format!("HTTP/1.1 {lines}\r\nContent-Length: 0\r\n\r\n");
        return io.write_all(answer.as_bytes()).await.ok();
    }
    match path {
        "/download" => {
            let n = 20_000_000;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n");
            io.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..n / 10_000 {
                io.write_all(&[b'x'; 10_000]).await.ok()?;
            }
            io.flush().await.ok()
        }
        "/sse" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            io.write_all(head.as_bytes()).await.ok()?;
            for n in 0..3 {
                let event = format!("data: {n}\n\n");
                let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                io.write_all(chunk.as_bytes()).await.ok()?;
                io.flush().await.ok()?;
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            io.write_all(b"0\r\n\r\n").await.ok()
        }
        // events without an end
        "/events" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            io.write_all(head.as_bytes()).await.ok()?;
            loop {
                io.write_all(b"7\r\ndata: \n\r\n").await.ok()?;
                io.flush().await.ok()?;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        // a value with line ends, and an answer behind the answer
        "/split" => {
            let answer = "HTTP/1.1 200 OK\r\nX-A: a\rX-Evil: 1\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
            io.write_all(answer.as_bytes()).await.ok()?;
            io.flush().await.ok()
        }
        // a head, and then nothing
        "/quiet" => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            io.write_all(head.as_bytes()).await.ok()?;
            io.flush().await.ok()?;
            io.read_buf(buffer).await.ok()?;
            None
        }
        // as many bytes as the query says
        "/bytes" => {
            let query = head.split(' ').nth(1)?.split('?').nth(1)?;
            let mut left: u64 = query.parse().ok()?;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n");
            io.write_all(head.as_bytes()).await.ok()?;
            let piece = vec![b'x'; 64 * 1024];
            while left > 0 {
                let n = left.min(piece.len() as u64);
                io.write_all(&piece[..usize::try_from(n).ok()?])
                    .await
                    .ok()?;
                left -= n;
            }
            io.flush().await.ok()
        }
        // who asks, as far as we are told
        path if path.ends_with("/whoami") => {
            let told = |name| value(head, name).unwrap_or_default();
            let body = format!(
                "{}|{}|{}|{}",
                told("remote-user"),
                told("remote-email"),
                told("remote-groups"),
                told("x-ask")
            );
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            io.write_all(answer.as_bytes()).await.ok()?;
            io.flush().await.ok()
        }
        // as Python's own server and CGI of old answer
        "/old" => {
            let answer = "HTTP/1.0 200 OK\r\n\r\nold";
            io.write_all(answer.as_bytes()).await.ok()?;
            io.flush().await.ok()?;
            None
        }
        "/old-length" => {
            let answer = "HTTP/1.0 404 Not Found\r\nContent-Length: 3\r\n\r\nold";
            io.write_all(answer.as_bytes()).await.ok()?;
            io.flush().await.ok()?;
            None
        }
        "/switch" => {
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET";
            io.write_all(answer.as_bytes()).await.ok()
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            None
        }
        // a head that cannot be parsed, with what is nobody's business
        "/broken-head" => {
            let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=application-secret\r\nbad name\u{1}: x\r\nContent-Length: 0\r\n\r\n";
            io.write_all(answer.as_bytes()).await.ok()
        }
        "/evil" => {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: __Host-vestibule=stolen; Path=/\r\n\
                Set-Cookie: sid=1\r\nX-Internal: 1\r\nConnection: X-Internal\r\nKeep-Alive: timeout=5\r\nServer: app\r\n\r\nok";
            io.write_all(answer.as_bytes()).await.ok()
        }
        _ => {
            let body = format!("received {received}");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            io.write_all(answer.as_bytes()).await.ok()?;
            io.flush().await.ok()
        }
    }
}

async fn chunked(io: &mut dyn Io, buffer: &mut Vec<u8>) -> Option<usize> {
    let mut total = 0;
    loop {
        let line = loop {
            match find(buffer, b"\r\n") {
                Some(at) => break at,
                None if io.read_buf(buffer).await.ok()? > 0 => {}
                None => return None,
            }
        };
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[..line]).ok()?, 16).ok()?;
        while buffer.len() < line + 2 + size + 2 {
            if io.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        buffer.drain(..line + 2 + size + 2);
        total += size;
        if size == 0 {
            return Some(total);
        }
    }
}

/// Sends bytes together with the `101`, then echoes.
async fn websocket(io: &mut dyn Io, key: Option<&str>, buffer: &mut Vec<u8>) -> Option<()> {
    let accept = key.map_or(String::new(), accept);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{accept}\r\nhello"
    );
    io.write_all(answer.as_bytes()).await.ok()?;
    io.flush().await.ok()?;
    loop {
        if !buffer.is_empty() {
            io.write_all(buffer).await.ok()?;
            io.flush().await.ok()?;
            buffer.clear();
        }
        if io.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// RFC 6455 4.2.2: some proxies look at it.
fn accept(key: &str) -> String {
    use base64::Engine as _;
    let whole = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, whole.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(hash);
    format!("Sec-WebSocket-Accept: {hash}\r\n")
}
