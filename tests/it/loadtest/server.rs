//! Something to drive: answers as its path says, over HTTP/1 and HTTP/2, with and without TLS.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) requests: AtomicUsize,
    pub(super) connections: AtomicUsize,
    /// Requests by path.
    pub(super) paths: Mutex<BTreeMap<String, usize>>,
    /// Requests by cookie.
    pub(super) cookies: Mutex<BTreeMap<String, usize>>,
    /// The last request: method, header lines and how long its body was.
    pub(super) last: Mutex<Option<(String, http::HeaderMap, u64)>>,
    stalled: AtomicUsize,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&seen)));
        Self {
            address,
            seen,
            task,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn count(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(super) fn of(&self, path: &str) -> usize {
        self.seen.paths.lock().get(path).copied().unwrap_or(0)
    }
}

async fn accept(listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>, seen: Arc<Seen>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&seen);
        match tls.clone() {
            None => drop(tokio::spawn(serve(stream, seen))),
            Some(tls) => drop(tokio::spawn(async move {
                let acceptor = tokio_rustls::TlsAcceptor::from(tls);
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, seen).await;
                }
            })),
        }
    }
}

async fn serve<S>(stream: S, seen: Arc<Seen>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| answer(request, Arc::clone(&seen)));
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    use http_body_util::BodyExt as _;
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().to_owned();
    *seen.paths.lock().entry(path.clone()).or_default() += 1;
    let cookie = request.headers().get("cookie");
    if let Some(cookie) = cookie.and_then(|c| c.to_str().ok()) {
        *seen.cookies.lock().entry(cookie.to_owned()).or_default() += 1;
    }
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_or(0, |b| b.to_bytes().len() as u64);
    *seen.last.lock() = Some((parts.method.to_string(), parts.headers, body));
    let mut parts = path.split('/').skip(1);
    let (kind, value) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let mut response = Response::builder();
    match kind {
        "wait" => tokio::time::sleep(Duration::from_millis(value.parse().unwrap())).await,
        // everything waits for a second, once, after so many requests
        "stall" => {
            let nth = seen.stalled.fetch_add(1, Ordering::SeqCst);
            if nth == value.parse::<usize>().unwrap() {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        "status" => response = response.status(value.parse::<u16>().unwrap()),
        "signin-needed" => {
            let to = "https://login.example.com/signin?to=sealed";
            response = response.status(302).header("location", to);
        }
        "elsewhere" => response = response.status(302).header("location", "/hello"),
        "close" => return Err(std::io::Error::other("closed without an answer")),
        "once" => response = response.header("connection", "close"),
        "hang" => std::future::pending().await,
        _ => {}
    }
    Ok(response
        .body(Full::new(Bytes::from_static(b"hello")))
        .unwrap())
}

/// Resets every connection after its first request.
pub(super) async fn resetting() -> (SocketAddr, JoinHandle<()>) {
    use tokio::io::AsyncReadExt as _;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reset = |mut stream: TcpStream| async move {
        let mut some = [0; 16];
        // what is left unread makes a reset of the close
        let _ = stream.read(&mut some).await;
        drop(stream);
    };
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(reset(stream));
        }
    });
    (address, task)
}
