//! Our own pages, served in-process: one request of a pingora session goes through an axum router.
//!
//! The body is pulled: nothing is read from the client, and no `100 Continue` is sent, before the handler asks.
//! Framing is ours to do (axum leaves it to hyper): `Content-Length`, HEAD, 204 and 304, HTTP/1.0.

use super::respond;
use super::{Exchange, seams};
use axum::body::Body as PageBody;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderName, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorType, Result};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tower::ServiceExt as _;

/// Largest request body a page may read: an import, as a form spells it. Each page has a limit of its own below it.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Longest silence between two chunks of a request body.
const BODY_SILENCE: Duration = Duration::from_secs(10);
/// Longest a handler may take until its response head.
const HANDLER: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Chunk = std::result::Result<Bytes, BoxError>;

/// Serves the request with `router`; afterwards `request_filter` returns `Ok(true)`. An error means a truncated
/// response or none: pingora then closes the connection or resets the stream.
pub(super) async fn serve(
    session: &mut Session,
    exchange: &Exchange,
    router: axum::Router,
    title: Option<&str>,
) -> Result<()> {
    let (request, mut pump) = request(session, exchange, title)?;
    let method = request.method().clone();
    let response = handle(session, &mut pump, router, request).await?;
    let (parts, body) = response.into_parts();
    if !pump.is_open() {
        respond::drain(session).await;
    }
    let silent = method == Method::HEAD
        || matches!(
            parts.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    let head = head(session, exchange, &parts, &body, silent)?;
    let empty = silent || body.is_end_stream();
    let down = |e: Box<Error>| e.into_down();
    session
        .write_response_header(Box::new(head), empty)
        .await
        .map_err(down)?;
    if !silent {
        copy(session, &mut pump, body).await?;
    }
    session.write_response_body(None, true).await.map_err(down)
}

fn request(
    session: &mut Session,
    exchange: &Exchange,
    title: Option<&str>,
) -> Result<(Request<PageBody>, Pump)> {
    let bodiless = session.is_body_empty();
    let head = session.req_header();
    let inbound = exchange.inbound.as_ref();
    let inbound = inbound.ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let mut parts = head.as_owned_parts();
    parts.uri = inbound
        .path_and_query()
        .parse()
        .map_err(|_| Error::new_in(ErrorType::InternalError))?;
    parts.extensions.insert(seams::Conn {
        client: exchange.client,
        host: inbound.host.clone(),
    });
    let reference = Arc::clone(&exchange.reference);
    parts.extensions.insert(seams::Reference(reference));
    if let Some(title) = title {
        parts.extensions.insert(seams::RouteTitle(title.into()));
    }
    let expect = parts.headers.get(header::EXPECT);
    let expect_continue = parts.version == Version::HTTP_11
        && expect.is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let want = Arc::new(Notify::new());
    let (sender, chunks) = mpsc::channel(1);
    let body = PulledBody {
        chunks,
        want: Arc::clone(&want),
        length: if bodiless {
            Some(0)
        } else {
            inbound.content_length
        },
        done: bodiless,
    };
    let pump = Pump {
        sender: (!bodiless).then_some(sender),
        want,
        expect_continue,
    };
    let body = PageBody::new(Limited::new(body, MAX_BODY));
    Ok((Request::from_parts(parts, body), pump))
}

/// Runs the handler; a panic becomes a 500, and does not end the process.
async fn handle(
    session: &mut Session,
    pump: &mut Pump,
    router: axum::Router,
    request: Request<PageBody>,
) -> Result<Response<PageBody>> {
    let mut call = pin!(AssertUnwindSafe(router.oneshot(request)).catch_unwind());
    let mut deadline = pin!(tokio::time::sleep(HANDLER));
    loop {
        tokio::select! {
            biased;
            done = &mut call => return match done {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(never)) => match never {},
                Err(_) => Error::e_explain(ErrorType::InternalError, "a page panicked"),
            },
            () = pump.wanted(), if pump.is_open() => pump.step(session).await?,
            () = &mut deadline => {
                return Error::e_explain(ErrorType::HTTPStatus(503), "a page took too long");
            }
        }
    }
}

fn head(
    session: &Session,
    exchange: &Exchange,
    parts: &http::response::Parts,
    body: &PageBody,
    silent: bool,
) -> Result<ResponseHeader> {
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 4))?;
    for (name, value) in &parts.headers {
        let no_content = parts.status == StatusCode::NO_CONTENT && *name == header::CONTENT_LENGTH;
        if !is_framing(name) && !no_content {
            head.append_header(name, value.clone())?;
        }
    }
    if !silent && !head.headers.contains_key(header::CONTENT_LENGTH) {
        let client = session.req_header().version;
        match body.size_hint().exact() {
            Some(length) => head.insert_header(header::CONTENT_LENGTH, length)?,
            None if client == Version::HTTP_11 => {
                head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
            }
            // HTTP/2 needs nothing, HTTP/1.0 reads to the end of the connection
            None => {}
        }
    }
    respond::finish_head(&mut head, exchange)?;
    Ok(head)
}

fn is_framing(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// The response body, while a handler that streams both ways still gets its request body.
async fn copy(session: &mut Session, pump: &mut Pump, mut body: PageBody) -> Result<()> {
    loop {
        tokio::select! {
            biased;
            frame = body.frame() => match frame.map(|f| f.map(Frame::into_data)) {
                // pages send no trailers
                Some(Ok(Err(_))) => {}
                Some(Ok(Ok(data))) if data.is_empty() => {}
                Some(Ok(Ok(data))) => {
                    let written = session.write_response_body(Some(data), false).await;
                    written.map_err(|e| e.into_down())?;
                }
                Some(Err(e)) => {
                    return Err(Error::because(ErrorType::InternalError, "a page's body failed", e));
                }
                None => return Ok(()),
            },
            () = pump.wanted(), if pump.is_open() => pump.step(session).await?,
        }
    }
}

/// The handler's end of the request body.
struct PulledBody {
    chunks: mpsc::Receiver<Chunk>,
    want: Arc<Notify>,
    length: Option<u64>,
    done: bool,
}

impl Body for PulledBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, BoxError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        match self.chunks.poll_recv(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(Some(Err(e))) => {
                self.done = true;
                Poll::Ready(Some(Err(e)))
            }
            Poll::Ready(None) => {
                self.done = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                self.want.notify_one();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// The session's end of the request body: one read for each time the handler wants more.
struct Pump {
    sender: Option<mpsc::Sender<Chunk>>,
    want: Arc<Notify>,
    expect_continue: bool,
}

impl Pump {
    fn is_open(&self) -> bool {
        self.sender.as_ref().is_some_and(|s| !s.is_closed())
    }

    async fn wanted(&self) {
        self.want.notified().await;
    }

    async fn step(&mut self, session: &mut Session) -> Result<()> {
        if std::mem::take(&mut self.expect_continue) {
            // pingora counts the 100 as a response before the body was read, and would close afterwards
            let keepalive = session.get_keepalive();
            session.downstream_session.write_continue_response().await?;
            session.set_keepalive(keepalive);
        }
        let read = tokio::time::timeout(BODY_SILENCE, session.read_request_body()).await;
        let Some(sender) = self.sender.as_ref() else {
            return Ok(());
        };
        // capacity one, one chunk for each `want`: sending fails only when the handler has let go
        match read {
            Ok(Ok(Some(bytes))) if bytes.is_empty() => self.want.notify_one(),
            Ok(Ok(Some(bytes))) => {
                let _ = sender.try_send(Ok(bytes));
            }
            Ok(Ok(None)) => self.sender = None,
            Ok(Err(e)) => {
                let _ = sender.try_send(Err("the client went away".into()));
                return Err(e.into_down());
            }
            Err(_) => {
                let _ = sender.try_send(Err("the client is too slow".into()));
                return Err(Error::new_down(ErrorType::ReadTimedout));
            }
        }
        Ok(())
    }
}
