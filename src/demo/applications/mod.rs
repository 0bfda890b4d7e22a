//! Two applications of the old kind: no sign-in of their own, no notion of two-factor authentication; they
//! believe the headers that come in. Each shows exactly the request it has received, and has what a proxy must
//! carry: forms, downloads, WebSockets, server-sent events, slow and failing answers.

mod page;
mod record;

pub(in crate::demo) use page::{Escaped, STYLE};

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, Request, State};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use record::{Head, Recorded, Recording};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

/// Of a body this much is shown; all of it is read and counted.
const BODY_SHOWN: usize = 64 * 1024;
/// Connections at a time.
const CONNECTIONS: usize = 1024;
/// Size of the download.
pub const DOWNLOAD_BYTES: usize = 5 * 1024 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Which application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    pub name: &'static str,
    pub title: &'static str,
    pub motto: &'static str,
}

pub const WIKI: Application = Application {
    name: "wiki",
    title: "Northgate Wiki",
    motto: "Knowledge base of all departments, since 1998",
};

pub const PAYROLL: Application = Application {
    name: "payroll",
    title: "Northgate Payroll",
    motto: "Wages and pay slips. Authorised persons only",
};

/// An application at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    application: Application,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    pub const fn application(&self) -> Application {
        self.application
    }
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts it on 127.0.0.1: on `port` where that is free, else on any.
pub async fn start(application: Application, port: Option<u16>) -> std::io::Result<Running> {
    let on = |port: u16| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)));
    let wished = match port {
        Some(port) => on(port).await.ok(),
        None => None,
    };
    let listener = match wished {
        Some(listener) => listener,
        None => on(0).await?,
    };
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, router(application)));
    Ok(Running {
        application,
        address,
        task,
    })
}

async fn accept(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    // the semaphore is never closed
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    converse(stream, router).await;
                    drop(place);
                });
            }
            Err(e) => {
                tracing::warn!(error = %e, "a demo application cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // small answers at once: this is what load tests look at
    let _ = stream.set_nodelay(true);
    let (stream, recording) = Recorded::new(stream);
    let service = service_fn(move |request| answer(&router, &recording, request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(e) = served {
        tracing::debug!(error = %e, "a connection to a demo application ended early");
    }
}

/// The head is taken before anything is awaited: the next bytes read may be another request's.
fn answer(
    router: &Router,
    recording: &Mutex<Recording>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let head = recording.lock().take().unwrap_or_default();
    let is_last = head.is_last;
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::new(head));
    let handled = router.clone().oneshot(request);
    async move {
        let mut response = handled.await?;
        if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response)
    }
}

fn router(application: Application) -> Router {
    Router::new()
        .route("/headers.json", any(show_json))
        .route("/form", get(form).post(show))
        .route("/socket", get(socket_page))
        .route("/socket.js", get(socket_script))
        .route("/ws", any(socket))
        .route("/download", get(download))
        .route("/slow", any(slow))
        .route("/status/{code}", any(status))
        .route("/events", get(events))
        .fallback(any(show))
        .with_state(application)
}

/// What `/headers.json` tells.
#[derive(Serialize)]
struct Received<'a> {
    application: &'static str,
    #[serde(flatten)]
    head: &'a Head,
    /// Its first 64 KiB as text; bytes that are not UTF-8 are replaced.
    body: String,
    body_bytes: usize,
    trailers: Vec<(String, String)>,
}

impl<'a> Received<'a> {
    async fn read(application: Application, head: &'a Head, mut body: Body) -> Self {
        let mut shown = Vec::new();
        let mut body_bytes: usize = 0;
        let mut trailers = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            match frame.into_data() {
                Ok(data) => {
                    body_bytes = body_bytes.saturating_add(data.len());
                    let room = BODY_SHOWN.saturating_sub(shown.len()).min(data.len());
                    shown.extend_from_slice(data.get(..room).unwrap_or_default());
                }
                Err(frame) => trailers = frame.into_trailers().map(listed).unwrap_or_default(),
            }
        }
        Self {
            application: application.name,
            head,
            body: String::from_utf8_lossy(&shown).into_owned(),
            body_bytes,
            trailers,
        }
    }
}

fn listed(map: HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn head_of(request: &Request) -> Arc<Head> {
    let head = request.extensions().get::<Arc<Head>>();
    head.cloned().unwrap_or_default()
}

async fn show(State(application): State<Application>, request: Request) -> Response {
    let accept = request.headers().get(ACCEPT).map(HeaderValue::as_bytes);
    let accept = String::from_utf8_lossy(accept.unwrap_or_default()).into_owned();
    if accept.contains("application/json") && !accept.contains("text/html") {
        return show_json(State(application), request).await;
    }
    let head = head_of(&request);
    let received = Received::read(application, &head, request.into_body()).await;
    html(page::received(application, &received))
}

async fn show_json(State(application): State<Application>, request: Request) -> Response {
    let head = head_of(&request);
    let received = Received::read(application, &head, request.into_body()).await;
    ([(CACHE_CONTROL, "no-store")], Json(received)).into_response()
}

async fn form(State(application): State<Application>) -> Response {
    html(page::form(application))
}

async fn socket_page(State(application): State<Application>) -> Response {
    html(page::socket(application))
}

async fn socket_script() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page::SOCKET_SCRIPT).into_response()
}

fn html(page: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; \
                  connect-src 'self'; form-action 'self'; base-uri 'none'";
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Html(page)).into_response()
}

/// First who is there and from which page, then whatever comes in.
async fn socket(upgrade: WebSocketUpgrade, request: Request) -> Response {
    let head = head_of(&request);
    let hello = serde_json::json!({
        "origin": head.header("origin"),
        "remote_user": head.header("remote-user"),
    });
    upgrade
        .max_message_size(BODY_SHOWN)
        .on_upgrade(move |socket| echo(socket, hello.to_string()))
}

async fn echo(mut socket: WebSocket, hello: String) {
    if socket.send(Message::Text(hello.into())).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.recv().await {
        let sent = match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message).await,
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The same bytes each time.
static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| {
    let row = |row| {
        let text = format!("{row:07} Northgate, quarterly figures ");
        format!("{text:.<63}\n").into_bytes()
    };
    (0..DOWNLOAD_BYTES / 64).flat_map(row).collect()
});

/// SHA-256 of the download, in hexadecimal.
pub fn download_sha256() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let hash = ring::digest::digest(&ring::digest::SHA256, &DOWNLOAD);
        hash.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    });
    &HASH
}

async fn download() -> Response {
    let piece = |from: usize| {
        let to = (from + 64 * 1024).min(DOWNLOAD.len());
        (from < to).then(|| (Ok::<_, Infallible>(DOWNLOAD.slice(from..to)), to))
    };
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_LENGTH, DOWNLOAD.len().to_string()),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"figures.txt\"".to_owned(),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = Body::from_stream(stream::unfold(0, move |from| async move { piece(from) }));
    (headers, body).into_response()
}

#[derive(Deserialize)]
struct Wait {
    ms: Option<u64>,
}

impl Wait {
    fn or(&self, default: u64) -> Duration {
        Duration::from_millis(self.ms.unwrap_or(default)).min(LONGEST_WAIT)
    }
}

/// Answers after `ms` milliseconds, at most a minute.
async fn slow(Query(wait): Query<Wait>) -> String {
    let wait = wait.or(1000);
    tokio::time::sleep(wait).await;
    format!("waited {} ms\n", wait.as_millis())
}

async fn status(Path(code): Path<u16>) -> Response {
    match StatusCode::from_u16(code) {
        Ok(status) if (200..600).contains(&code) => {
            if matches!(code, 204 | 205 | 304) {
                status.into_response()
            } else {
                (status, format!("{status}\n")).into_response()
            }
        }
        _ => (StatusCode::BAD_REQUEST, "a status from 200 to 599\n").into_response(),
    }
}

/// Five ticks, one a second or each `ms` milliseconds.
async fn events(Query(wait): Query<Wait>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let wait = wait.or(1000);
    Sse::new(stream::unfold(1, move |tick| async move {
        if tick > 5 {
            return None;
        }
        if tick > 1 {
            tokio::time::sleep(wait).await;
        }
        let event = Event::default().event("tick").data(format!("{tick} of 5"));
        Some((Ok(event), tick + 1))
    }))
}

#[cfg(test)]
mod tests;
