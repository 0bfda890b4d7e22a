//! The mailbox of the demo: takes whatever is mailed, keeps it as files, and shows it on a page. It delivers nothing
//! to anybody and exists for the demo only: on loopback, without a sign-in, as an old-fashioned intranet would.

mod page;
mod read;
mod receive;

use axum::Router;
use axum::extract::{Path as PathOf, Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST};
use http::{HeaderValue, StatusCode};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The newest are kept.
const MOST_MAILS: usize = 500;

/// The mailbox at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    smtp: SocketAddr,
    page: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Running {
    pub const fn smtp(&self) -> SocketAddr {
        self.smtp
    }
    pub const fn page(&self) -> SocketAddr {
        self.page
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts on 127.0.0.1, on the ports of the last start (SMTP, page) where they are free. Mails are kept in `dir`.
pub async fn start(dir: PathBuf, last: Option<(u16, u16)>) -> std::io::Result<Running> {
    let kept = Arc::new(Kept::open(dir)?);
    let receiver = listen(last.map(|(smtp, _)| smtp)).await?;
    let shower = listen(last.map(|(_, page)| page)).await?;
    let (smtp, page) = (receiver.local_addr()?, shower.local_addr()?);
    let router = router(Arc::clone(&kept), page);
    let show = tokio::spawn(async move {
        if let Err(e) = axum::serve(shower, router).await {
            tracing::warn!(error = %e, "the demo's mailbox cannot be shown any more");
        }
    });
    Ok(Running {
        smtp,
        page,
        tasks: [tokio::spawn(receive::accept(receiver, kept)), show],
    })
}

async fn listen(wished: Option<u16>) -> std::io::Result<TcpListener> {
    let on = |port: u16| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)));
    match on(wished.unwrap_or(0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => on(0).await,
    }
}

/// The folder with the mails, `000001.eml` and so on.
#[derive(Debug)]
struct Kept {
    dir: PathBuf,
    writing: Mutex<()>,
}

impl Kept {
    fn open(dir: PathBuf) -> std::io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)?;
        Ok(Self {
            dir,
            writing: Mutex::new(()),
        })
    }

    fn path(&self, number: u32) -> PathBuf {
        self.dir.join(format!("{number:06}.eml"))
    }

    /// Newest first.
    fn numbers(&self) -> Vec<u32> {
        let number = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
        let mut all: Vec<u32> = std::fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "eml"))
            .filter_map(|path| number(&path))
            .collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all
    }

    fn keep(&self, mail: &[u8]) -> Result<(), super::Fault> {
        let _one_at_a_time = self.writing.lock();
        let numbers = self.numbers();
        let next = numbers.first().map_or(1, |newest| newest.saturating_add(1));
        super::layout::write_private(&self.path(next), mail)?;
        for old in numbers.iter().skip(MOST_MAILS - 1) {
            super::layout::remove(&self.path(*old))?;
        }
        Ok(())
    }

    fn mail(&self, number: u32) -> Option<read::Mail> {
        std::fs::read(self.path(number))
            .ok()
            .map(|b| read::mail(&b))
    }
}

fn router(kept: Arc<Kept>, address: SocketAddr) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/{number}", get(one))
        .layer(middleware::from_fn(move |request, next| {
            only_here(address, request, next)
        }))
        .with_state(kept)
}

/// A page elsewhere whose name was made to lead here (DNS rebinding) reads no mail.
async fn only_here(address: SocketAddr, request: Request, next: Next) -> Response {
    let named = [address.to_string(), format!("localhost:{}", address.port())];
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    if !named.iter().any(|name| host == Some(name.as_bytes())) {
        return (StatusCode::FORBIDDEN, "the mailbox is not called this\n").into_response();
    }
    next.run(request).await
}

async fn list(State(kept): State<Arc<Kept>>) -> Response {
    let numbers = kept.numbers().into_iter().take(100);
    let mails = numbers.filter_map(|number| Some((number, kept.mail(number)?)));
    html(page::list(&mails.collect::<Vec<_>>()))
}

async fn one(State(kept): State<Arc<Kept>>, PathOf(number): PathOf<u32>) -> Response {
    match kept.mail(number) {
        Some(mail) => html(page::one(&mail)),
        None => (StatusCode::NOT_FOUND, html(page::none())).into_response(),
    }
}

fn html(page: String) -> Response {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Html(page)).into_response()
}

#[cfg(test)]
mod tests;
