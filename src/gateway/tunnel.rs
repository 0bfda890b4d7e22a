//! The WebSocket relay.
//!
//! Our own for two reasons: pingora-proxy 0.9.1 cuts upgraded connections at random (a `101` that overtakes the
//! empty request body ends them), and a live socket must end with the session that opened it.

use super::Exchange;
use super::forward::Forwarding;
use super::message_signature::Moment;
use super::outgoing::Outgoing;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Stream;
use pingora::protocols::http::v1::client::HttpSession as Client;
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

/// Longest silence of both sides.
const IDLE: Duration = Duration::from_secs(600);
/// Longest a side may take to accept bytes.
const WRITE: Duration = Duration::from_secs(30);

/// Browsers name the page that opens a WebSocket, and cookies go along whatever page that is: only the
/// application's own may (RFC 6455 10.2). Programs send none.
pub(super) fn origin_is_own(head: &RequestHeader, origin: &crate::domain::host::Origin) -> bool {
    let mut given = head.headers.get_all(ORIGIN).iter();
    let own = origin.to_string();
    match (given.next(), given.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(own.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// The handshake for the upstream: the client's hop-by-hop fields gone, then what every request gets.
pub(super) fn handshake(
    session: &Session,
    exchange: &Exchange,
    forwarding: &Forwarding,
    moment: Option<Moment>,
) -> Result<RequestHeader> {
    let client = session.req_header();
    let mut head = Outgoing::of(client);
    head.leave_connection(&client.headers);
    exchange.upstream_head(&mut head, forwarding, moment)?;
    head.insert("Connection", HeaderValue::from_static("Upgrade"));
    head.insert("Upgrade", HeaderValue::from_static("websocket"));
    head.header()
}

/// Relays until a side closes, both are silent too long, or `ended` resolves. `tidy` makes the answer's head
/// the client's; `active` is called when the client has sent something.
pub(super) async fn relay(
    session: &mut Session,
    upstream: Stream,
    peer: &HttpPeer,
    head: RequestHeader,
    tidy: impl Fn(&mut ResponseHeader) -> Result<()>,
    ended: impl Future<Output = ()>,
    active: impl Fn(),
) -> Result<()> {
    let mut upstream = Client::new_with_options(upstream, peer);
    upstream.read_timeout = peer.options.read_timeout;
    upstream.write_timeout = Some(WRITE);
    upstream
        .write_request_header(Box::new(head))
        .await
        .map_err(|e| e.into_up())?;
    let answer = final_head(&mut upstream).await?;
    let mut answer = answer;
    tidy(&mut answer)?;
    if answer.status != StatusCode::SWITCHING_PROTOCOLS {
        return refused(session, upstream, answer).await;
    }
    session.set_write_timeout(Some(WRITE));
    // from here on the session reads and writes raw bytes
    session
        .write_response_header(Box::new(answer), false)
        .await
        .map_err(|e| e.into_down())?;
    // what came in one packet with the head is handed out without another read
    if let Some(Ok(Some(early))) = upstream.read_body_bytes().now_or_never() {
        session.write_response_body(Some(early), false).await?;
    }
    session.set_read_timeout(None);
    copy(session, upstream.into_inner(), ended, active).await;
    session.set_keepalive(None);
    session.write_response_body(None, true).await
}

/// The response head, past at most a few interim ones.
async fn final_head(upstream: &mut Client) -> Result<ResponseHeader> {
    for _ in 0..4 {
        upstream.read_response().await.map_err(|e| e.into_up())?;
        let head = upstream.resp_header().cloned();
        let head = head.ok_or_else(|| Error::new_up(ErrorType::InvalidHTTPHeader))?;
        if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(head);
        }
    }
    Err(Error::new_up(ErrorType::InvalidHTTPHeader))
}

/// The application does not want to: an ordinary response, after which both connections are closed.
async fn refused(session: &mut Session, mut upstream: Client, head: ResponseHeader) -> Result<()> {
    let mut head = head;
    session.set_keepalive(None);
    let bodiless = matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if !head.headers.contains_key(CONTENT_LENGTH) && !bodiless {
        head.insert_header(TRANSFER_ENCODING, "chunked")?;
    }
    session
        .write_response_header(Box::new(head), bodiless)
        .await
        .map_err(|e| e.into_down())?;
    while let Some(chunk) = upstream.read_body_bytes().await.map_err(|e| e.into_up())? {
        session
            .write_response_body(Some(chunk), false)
            .await
            .map_err(|e| e.into_down())?;
    }
    session.write_response_body(None, true).await
}

enum Event {
    FromClient(Bytes),
    FromUpstream(usize),
    Written(usize),
    End,
}

/// Both directions at once: while the upstream does not take bytes, its own are still read.
async fn copy(
    session: &mut Session,
    upstream: Stream,
    ended: impl Future<Output = ()>,
    active: impl Fn(),
) {
    let (mut reader, mut writer) = tokio::io::split(upstream);
    let mut ended = pin!(ended);
    let mut idle = pin!(tokio::time::sleep(IDLE));
    let mut pending = Bytes::new();
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let event = tokio::select! {
            chunk = session.read_request_body(), if pending.is_empty() => match chunk {
                Ok(Some(bytes)) => Event::FromClient(bytes),
                Ok(None) | Err(_) => Event::End,
            },
            sent = writer.write(&pending), if !pending.is_empty() => match sent {
                Ok(n) if n > 0 => Event::Written(n),
                Ok(_) | Err(_) => Event::End,
            },
            read = reader.read_buf(&mut buffer) => match read {
                Ok(n) if n > 0 => Event::FromUpstream(n),
                Ok(_) | Err(_) => Event::End,
            },
            () = &mut ended => Event::End,
            () = &mut idle => Event::End,
        };
        idle.as_mut().reset(Instant::now() + IDLE);
        match event {
            Event::FromClient(bytes) => {
                active();
                pending = bytes;
            }
            Event::Written(n) => {
                pending = pending.slice(n.min(pending.len())..);
                if pending.is_empty() && writer.flush().await.is_err() {
                    break;
                }
            }
            Event::FromUpstream(n) => {
                let chunk = buffer.split_to(n).freeze();
                buffer.reserve(16 * 1024);
                if session
                    .write_response_body(Some(chunk), false)
                    .await
                    .is_err()
                {
                    break;
                }
            }
            Event::End => break,
        }
    }
    // the other side may be gone
    let _ = writer.shutdown().await;
}
