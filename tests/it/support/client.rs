//! A client that sends exactly the bytes it is given, over TLS or plain TCP.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

pub(crate) struct Wire {
    pub(crate) io: Box<dyn Io>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .filter_map(|l| l.split_once(':'))
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.trim())
            .collect()
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Wire {
    pub(crate) async fn plain(address: std::net::SocketAddr) -> Self {
        let io = TcpStream::connect(address).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self::over(Box::new(io))
    }

    pub(crate) fn over(io: Box<dyn Io>) -> Self {
        Self {
            io,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // the gateway may have closed already, which the answer shows
        let _ = self.io.write_all(bytes.as_ref()).await;
        let _ = self.io.flush().await;
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.io.read_buf(&mut self.buffer)).await;
        matches!(read.expect("no answer in time"), Ok(n) if n > 0)
    }

    /// The next response; `None` when the connection was closed before its end.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answer_to("GET").await
    }

    pub(crate) async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at,
                None if self.more().await => {}
                None => return None,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
            return Some(answer);
        }
        answer.body = if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.buffer.len() < length {
                if !self.more().await {
                    return None;
                }
            }
            self.buffer.drain(..length).collect()
        } else if answer.header("transfer-encoding").is_some() {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await {
                body.extend(chunk);
            }
            body
        } else {
            while self.more().await {}
            std::mem::take(&mut self.buffer)
        };
        Some(answer)
    }

    /// The next chunk of a chunked body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = loop {
            match find(&self.buffer, b"\r\n") {
                Some(at) => break at,
                None => assert!(self.more().await, "chunk cut short"),
            }
        };
        let size = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).expect("chunk size");
        while self.buffer.len() < line + 2 + size + 2 {
            assert!(self.more().await, "chunk cut short");
        }
        let chunk = self.buffer[line + 2..line + 2 + size].to_vec();
        self.buffer.drain(..line + 2 + size + 2);
        (size > 0).then_some(chunk)
    }

    /// Only the head of the next response.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 4);
                return head;
            }
            assert!(self.more().await, "head cut short");
        }
    }

    /// Reads and forgets, until the connection ends or the time is over: how much came, and whether it ended.
    pub(crate) async fn drained(&mut self, span: Duration) -> (usize, bool) {
        let mut all = std::mem::take(&mut self.buffer).len();
        let end = timeout(span, async {
            let mut sink = vec![0; 64 * 1024];
            while let Ok(n) = self.io.read(&mut sink).await {
                if n == 0 {
                    break;
                }
                all += n;
            }
        });
        let ended = end.await.is_ok();
        (all, ended)
    }

    /// Exactly so many raw bytes.
    pub(crate) async fn exactly(&mut self, n: usize) -> Vec<u8> {
        while self.buffer.len() < n {
            assert!(
                self.more().await,
                "closed after {} of {n}",
                self.buffer.len()
            );
        }
        self.buffer.drain(..n).collect()
    }

    /// Whether the other side closes within the time.
    pub(crate) async fn closes_within(&mut self, span: Duration) -> bool {
        timeout(span, async {
            let mut sink = [0; 1024];
            while matches!(self.io.read(&mut sink).await, Ok(n) if n > 0) {}
        })
        .await
        .is_ok()
    }
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

pub(crate) async fn tls(
    address: std::net::SocketAddr,
    sni: &str,
    roots: &rustls::RootCertStore,
    alpn: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|a| a.to_vec()).collect();
    let io = TcpStream::connect(address).await?;
    let name = rustls::pki_types::ServerName::try_from(sni.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, io)
        .await
}
