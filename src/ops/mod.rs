//! The operations listener: is it alive, may it have traffic, how does it do. On an address of its own,
//! never on a public one: none of the three answers asks who wants to know.
//!
//! `/healthz` says that the process runs; `/readyz` that it can serve, and if not why; `/metrics` is
//! OpenMetrics text. A failing store makes a node not ready, but never unhealthy: a restart would not help.

mod readiness;

pub use readiness::Readiness;

use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{Fault, FaultKind, SharedStore};
use crate::telemetry::{CONTENT_TYPE, Metrics};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;

/// Connections at a time; more wait in the operating system's queue.
const CONNECTIONS: usize = 64;
/// For a request's head, and between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// No connection is kept longer, whatever it does.
const CONNECTION_LIFE: Duration = Duration::from_secs(120);
/// How long the store may take to answer before it counts as failing.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// The census reads whole tables: at most once in this time, however often somebody scrapes.
const CENSUS_EVERY: Duration = Duration::from_secs(5);

/// What the answers are made from.
#[derive(Clone)]
pub struct Sources {
    pub metrics: Arc<Metrics>,
    pub store: SharedStore,
    pub env: Env,
    pub readiness: Arc<Readiness>,
}

/// The listener at work; it ends with [`Listening::stop`] or when this is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    socket: Arc<TcpListener>,
    task: JoinHandle<()>,
}

impl Listening {
    /// With the real port where port 0 was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For a process that takes over.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn stop(self) {}
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Binds and serves in the background. Fails where the address cannot be bound.
pub async fn serve(address: SocketAddr, sources: Sources) -> std::io::Result<Listening> {
    start(TcpListener::bind(address).await?, sources)
}

/// The same on a socket that listens already.
pub fn serve_on(socket: std::net::TcpListener, sources: Sources) -> std::io::Result<Listening> {
    socket.set_nonblocking(true)?;
    start(TcpListener::from_std(socket)?, sources)
}

fn start(listener: TcpListener, sources: Sources) -> std::io::Result<Listening> {
    let address = listener.local_addr()?;
    let socket = Arc::new(listener);
    let answers = Arc::new(Answers {
        sources,
        census_at: Mutex::new(None),
    });
    let task = tokio::spawn(accept(Arc::clone(&socket), answers));
    Ok(Listening {
        address,
        socket,
        task,
    })
}

async fn accept(listener: Arc<TcpListener>, answers: Arc<Answers>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    // the semaphore is never closed
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = Arc::clone(&answers);
                connections.spawn(async move {
                    let _ = tokio::time::timeout(CONNECTION_LIFE, converse(stream, answers)).await;
                    drop(place);
                });
            }
            Err(e) => {
                tracing::warn!(error = %e, "the operations listener cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, answers: Arc<Answers>) {
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.answer(&request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(e) = served {
        tracing::debug!(error = %e, "a connection to the operations listener ended early");
    }
}

struct Answers {
    sources: Sources,
    /// When the census was last asked for, whether it came or not.
    census_at: Mutex<Option<Timestamp>>,
}

type Answer = Response<Full<Bytes>>;

impl Answers {
    async fn answer<B>(&self, request: &Request<B>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return text(StatusCode::NOT_FOUND, "not found\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refused.headers_mut().insert(ALLOW, allowed);
            return refused;
        }
        match path {
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.ready().await,
            _ => self.metrics().await,
        }
    }

    async fn ready(&self) -> Answer {
        let mut reasons = self.sources.readiness.reasons();
        let read = tokio::time::timeout(STORE_TIMEOUT, self.sources.store.last_notice()).await;
        match read {
            Ok(Ok(_)) => {}
            // what exactly is wrong with it is for the log, not for a listener without a sign-in
            Ok(Err(_)) => reasons.push("the store fails; see the log".to_owned()),
            Err(_) => {
                self.sources.metrics.store_fault(FaultKind::Away.code());
                reasons.push(format!(
                    "the store did not answer within {} s",
                    STORE_TIMEOUT.as_secs()
                ));
            }
        }
        let ready = reasons.is_empty();
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let body = serde_json::json!({ "ready": ready, "reasons": reasons });
        respond(status, "application/json", body.to_string())
    }

    async fn metrics(&self) -> Answer {
        self.refresh_census().await;
        match self.sources.metrics.encode() {
            Ok(body) => respond(StatusCode::OK, CONTENT_TYPE, body),
            Err(e) => {
                tracing::error!(error = %e, "the metrics cannot be written");
                text(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n")
            }
        }
    }

    /// Where the store fails the last numbers stand.
    async fn refresh_census(&self) {
        let now = self.sources.env.now();
        let mut last = self.census_at.lock().await;
        if last.is_some_and(|at| at <= now && now.since(at) < CENSUS_EVERY) {
            return;
        }
        *last = Some(now);
        let metrics = &self.sources.metrics;
        let store = &self.sources.store;
        let Some(c) = self.counted(store.census(now)).await else {
            return;
        };
        metrics.set_sessions(c.sessions);
        let without = c.active_accounts.saturating_sub(c.with_second_factor);
        metrics.set_accounts(c.with_second_factor, without);
        if let Some(outbox) = self.counted(store.outbox()).await {
            let oldest = outbox
                .oldest_queued_at
                .map_or(0, |at| now.since(at).as_secs());
            metrics.set_mails(outbox.waiting, oldest);
        }
    }

    async fn counted<T>(&self, reading: impl Future<Output = Result<T, Fault>>) -> Option<T> {
        match tokio::time::timeout(STORE_TIMEOUT, reading).await {
            Ok(Ok(counted)) => return Some(counted),
            Ok(Err(_)) => {}
            Err(_) => self.sources.metrics.store_fault(FaultKind::Away.code()),
        }
        None
    }
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    respond(status, "text/plain; charset=utf-8", body.to_owned())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
