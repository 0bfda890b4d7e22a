//! Connections and single exchanges: hyper, one connection at a time, nothing pooled behind our back.

use super::Wrong;
use super::target::Origin;
use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No TCP connection.
    Connect,
    /// No TLS on it, or not with a certificate that is trusted.
    Tls,
    /// Longer than `--timeout`, connecting included.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the answer was complete.
    Closed,
    /// What came was not HTTP of the kind that was asked for.
    Protocol,
}

impl Failure {
    pub const ALL: [Self; 6] = [
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Closed,
        Self::Protocol,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
        }
    }
}

/// A failure with what the system said of it.
#[derive(Debug)]
pub struct Failed {
    pub failure: Failure,
    pub why: String,
    /// Nothing was sent yet: an idle connection was closed in the moment it was to be used.
    pub unsent: bool,
}

impl Failed {
    fn new(failure: Failure, why: impl ToString) -> Self {
        Self {
            failure,
            why: why.to_string(),
            unsent: false,
        }
    }

    fn of(error: &hyper::Error) -> Self {
        let mut failed = Self::new(kind(error), error);
        let mut source = error.source();
        while let Some(deeper) = source {
            failed.why = format!("{}: {deeper}", failed.why);
            source = deeper.source();
        }
        failed.unsent = error.is_canceled();
        failed
    }
}

fn kind(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Failure::Closed;
    }
    let mut source = error.source();
    while let Some(deeper) = source {
        if let Some(io) = deeper.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Failure::Reset,
                io::ErrorKind::UnexpectedEof => Failure::Closed,
                _ => Failure::Protocol,
            };
        }
        source = deeper.source();
    }
    Failure::Protocol
}

pub type Body = Full<Bytes>;

/// One end of a connection.
#[derive(Debug)]
pub enum Line {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

impl Line {
    pub fn is_closed(&self) -> bool {
        match self {
            Self::One(line) => line.is_closed(),
            Self::Two(line) => line.is_closed(),
        }
    }

    /// Another end of the same connection, where the protocol has such a thing.
    pub fn share(&self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Two(line) => Some(Self::Two(line.clone())),
        }
    }

    pub async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>, Failed> {
        let answer = match self {
            Self::One(line) => {
                line.ready().await.map_err(|e| Failed::of(&e))?;
                line.send_request(request).await
            }
            Self::Two(line) => {
                line.ready().await.map_err(|e| Failed::of(&e))?;
                line.send_request(request).await
            }
        };
        answer.map_err(|e| Failed::of(&e))
    }
}

/// Reads an answer to its end; how many bytes its body had.
pub async fn drain(body: &mut Incoming) -> Result<u64, Failed> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Failed::of(&e))?;
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}

/// Whether an answer sends its reader to a sign-in page, ours or that of another product.
pub fn asks_to_sign_in(status: u16, headers: &HeaderMap) -> bool {
    if status == 401 {
        return true;
    }
    if !(300..400).contains(&status) {
        return false;
    }
    let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok()) else {
        return false;
    };
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let path = path.split('#').next().unwrap_or_default();
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let named = [
        "signin",
        "sign-in",
        "sign_in",
        "login",
        "log-in",
        "authorize",
    ];
    named.iter().any(|name| last.eq_ignore_ascii_case(name))
        || path.contains("/oauth2/start")
        || query.split('&').any(|pair| pair.starts_with("rd="))
}

/// Opens connections.
#[derive(Clone, Debug)]
pub struct Dialer {
    tls: Arc<rustls::ClientConfig>,
    protocol: Protocol,
    timeout: Duration,
}

impl Dialer {
    /// `ca`: certificates in PEM that are trusted in place of the system's.
    pub fn new(protocol: Protocol, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, Wrong> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Wrong::new(format!("TLS cannot be set up: {e}")))?;
        let mut tls = match ca {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => {
                use hyper_rustls::ConfigBuilderExt as _;
                builder.with_native_roots().map_err(|e| {
                    Wrong::new(format!(
                        "the system's certificates: {e}; name your own with --ca"
                    ))
                })?
            }
        }
        .with_no_client_auth();
        tls.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        Ok(Self {
            tls: Arc::new(tls),
            protocol,
            timeout,
        })
    }

    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// A connection, ready for requests.
    pub async fn dial(&self, origin: &Origin) -> Result<Line, Failed> {
        let opening = self.open(origin);
        match tokio::time::timeout(self.timeout, opening).await {
            Ok(done) => done,
            Err(_) => Err(Failed::new(Failure::Timeout, "no connection in time")),
        }
    }

    async fn open(&self, origin: &Origin) -> Result<Line, Failed> {
        let stream = tcp(origin).await?;
        if !origin.tls {
            return self.handshake(stream).await;
        }
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector
            .connect(origin.server_name.clone(), stream)
            .await
            .map_err(|e| Failed::new(Failure::Tls, e))?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if self.protocol == Protocol::Http2 && agreed != Some(b"h2") {
            return Err(Failed::new(
                Failure::Tls,
                "the server does not offer HTTP/2",
            ));
        }
        self.handshake(stream).await
    }

    async fn handshake<S>(&self, stream: S) -> Result<Line, Failed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        // a connection ends with an error where its last request did, and that is counted there
        match self.protocol {
            Protocol::Http1 => {
                let (line, connection) = http1::handshake(io).await.map_err(|e| Failed::of(&e))?;
                tokio::spawn(async move { drop(connection.await) });
                Ok(Line::One(line))
            }
            Protocol::Http2 => {
                let (line, connection) = http2::Builder::new(TokioExecutor::new())
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(1 << 24)
                    .handshake(io)
                    .await
                    .map_err(|e| Failed::of(&e))?;
                tokio::spawn(async move { drop(connection.await) });
                Ok(Line::Two(line))
            }
        }
    }
}

async fn tcp(origin: &Origin) -> Result<TcpStream, Failed> {
    let mut last = Failed::new(Failure::Connect, "no address");
    for (at, address) in origin.addresses() {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                origin.prefer(at);
                stream
                    .set_nodelay(true)
                    .map_err(|e| Failed::new(Failure::Connect, e))?;
                return Ok(stream);
            }
            Err(e) => last = Failed::new(Failure::Connect, format!("{address}: {e}")),
        }
    }
    Err(last)
}

fn roots(pem: &[u8]) -> Result<rustls::RootCertStore, Wrong> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| Wrong::new(format!("--ca: not PEM: {e}")))?;
        roots
            .add(certificate)
            .map_err(|e| Wrong::new(format!("--ca: {e}")))?;
    }
    if roots.is_empty() {
        return Err(Wrong::new("--ca: no certificate in the file"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_sent_to_sign_in() {
        let check = |status: u16, to: &str, want: bool| {
            let mut headers = HeaderMap::new();
            if !to.is_empty() {
                headers.insert(LOCATION, to.parse().unwrap());
            }
            assert_eq!(asks_to_sign_in(status, &headers), want, "{status} {to}");
        };
        check(401, "", true);
        check(302, "https://login.example.com/signin?to=abc", true);
        check(303, "/signin/", true);
        check(302, "/oauth2/start?rd=%2F", true);
        check(302, "https://auth.example.com/?rd=https%3A%2F%2Fwiki", true);
        check(302, "/wiki/Signin-sheets", false);
        check(302, "/pages/home?from=/signin", false);
        check(302, "", false);
        check(200, "/signin", false);
        check(403, "", false);
    }
}
