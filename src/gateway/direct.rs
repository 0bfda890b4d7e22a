//! The short way to an application, which most requests take: a short body or none, HTTP/1.1 on the upstream's side.
//!
//! Pingora's own way hands each piece of an answer through two channels between two halves of a task, because a body
//! may stream both ways at once, and copies the request's head with the spelling of each name. A body that was read before
//! anything is sent leaves one thing to wait for at a time, and whoever sends it slowly holds no connection of an
//! application's. Parsing, framing and the pool of connections are pingora's here as there, and what
//! is done to heads is done by the same functions ([`super::steps`]).

use super::Gateway;
use super::exchange::Exchange;
use super::inbound;
use super::outgoing::Outgoing;
use super::upstream::{Backend, Trip};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Version};
use pingora::http::ResponseHeader;
use pingora::protocols::Stream;
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::v1::client::HttpSession as Client;
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result, RetryType};
use std::pin::pin;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

/// Most pieces of an answer that are written at once.
const AT_ONCE: usize = 4;
/// The longest body that is read before anything is sent, in bytes: as much as pingora would keep to send it again.
const SHORT: u64 = 64 << 10;
/// What was made for a request is good for one whose body takes no longer.
const SOON: Duration = Duration::from_secs(1);
/// For the answer of an upstream that takes no more of a request.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Whether a request can go this way. One whose connection is somebody's own is found again by pingora's pool only,
/// where those with a long body go.
pub(super) fn fits(session: &mut Session, exchange: &mut Exchange) -> bool {
    let client = session.client_addr().and_then(|a| a.as_inet()).copied();
    let trip = exchange.trip.as_mut().filter(|trip| trip.is_plain_h1());
    let shared = trip.is_some_and(|trip| {
        trip.heed_credentials(&session.req_header().headers, client);
        !trip.is_private()
    });
    // whoever reads an answer's body has to know that it is one to HEAD
    shared && has_short_body(session) && session.req_header().method != Method::HEAD
}

/// A body of known length, or none. One that is held back until it is asked for (RFC 9110 10.1.1) is not read before an
/// application has asked.
fn has_short_body(session: &mut Session) -> bool {
    let headers = &session.req_header().headers;
    let length = inbound::content_length(headers);
    let is_short = length.is_some_and(|l| l <= SHORT) && !headers.contains_key(EXPECT);
    is_short || session.is_body_empty()
}

impl Gateway {
    /// Asks one upstream after another, and passes on the answer of the first that has one.
    pub(super) async fn direct(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let began = Instant::now();
        let body = body(session, exchange).await?;
        let waited = began.elapsed();
        if waited > SOON {
            exchange.renew_assertion()?;
        }
        // what it takes longer now is not the application's fault alone
        exchange.is_late = exchange.time_left().is_some_and(|left| left < waited);
        loop {
            let (backend, silence) = exchange.backend().await?;
            let (stream, reused) = match self.0.idle.take(backend.key) {
                Some(stream) => (stream, true),
                None => match self.0.transport.new_stream(&backend.peer).await {
                    Ok(stream) => (stream, false),
                    Err(fault) => {
                        if exchange.trip.as_mut().is_some_and(Trip::could_not_connect) {
                            continue;
                        }
                        return Err(fault.into_up());
                    }
                },
            };
            let wire = self.wire(session, exchange, &body)?;
            let asked = converse(session, exchange, stream, wire, &backend.peer, silence);
            match asked.await {
                Ok(client) => {
                    if let Some(client) = client {
                        self.give_back(client, &backend).await;
                    }
                    // of chunks, the one that says that there are no more
                    let finished = session.as_mut().finish_body().await;
                    return finished.map(|_| ()).map_err(|e| e.into_down());
                }
                Err(fault) => {
                    let fault = exchange.broke(session, fault, reused);
                    if !fault.retry() {
                        return Err(fault);
                    }
                }
            }
        }
    }

    /// Keeps the connection for the next request, where both sides like.
    async fn give_back(&self, mut client: Client, backend: &Backend) {
        client.respect_keepalive();
        if let Some(stream) = client.reuse().await {
            let idle = backend.peer.options.idle_timeout;
            self.0.idle.put(backend.key, stream, idle);
        }
    }

    /// The request as it goes to this attempt's upstream.
    fn wire(&self, session: &Session, exchange: &Exchange, body: &[u8]) -> Result<Vec<u8>> {
        let head = session.req_header();
        let mut outgoing = Outgoing::of(head);
        outgoing.leave_connection(&head.headers);
        self.outgoing(&mut outgoing, exchange)?;
        if !is_told(&outgoing, body.len()) {
            return Error::e_explain(ErrorType::InternalError, "a body without its length");
        }
        let mut wire = outgoing.wire()?;
        wire.extend_from_slice(body);
        Ok(wire)
    }
}

/// Whether the head tells how long the body is. What comes behind a shorter one would be another request.
fn is_told(head: &Outgoing<'_>, length: usize) -> bool {
    let mut lengths = head.all(CONTENT_LENGTH.as_str());
    let told = |value: &HeaderValue| value.to_str().ok()?.parse().ok();
    match (lengths.next().map(told), lengths.next()) {
        (None, _) => length == 0,
        (Some(said), None) => said == Some(length),
        (Some(_), Some(_)) => false,
    }
}

/// All of the request's body.
async fn body(session: &mut Session, exchange: &mut Exchange) -> Result<Vec<u8>> {
    let head = session.req_header();
    let said = inbound::content_length(&head.headers);
    // HTTP/2 tells the end by itself, whatever length was said
    let may_have_more = head.version == Version::HTTP_2 && said.is_some();
    if session.is_body_empty() && !may_have_more {
        return Ok(Vec::new());
    }
    // no longer than SHORT, see `fits`
    let room = said.and_then(|said| said.try_into().ok());
    let mut all = Vec::with_capacity(room.unwrap_or_default());
    while let Some(piece) = piece(session, exchange).await? {
        exchange.body(piece.len(), false)?;
        all.extend_from_slice(&piece);
    }
    exchange.body(0, true)?;
    match said == u64::try_from(all.len()).ok() {
        true => Ok(all),
        false => Err(Error::new_down(ErrorType::HTTPStatus(400))),
    }
}

/// The body's next piece, which is waited for as long as a connection may stand still, and the request has time: pingora
/// keeps none for a stream of HTTP/2.
async fn piece(session: &mut Session, exchange: &Exchange) -> Result<Option<Bytes>> {
    let stall = exchange.live.snapshot.limits.stall;
    let limit = exchange.time_left().map_or(stall, |left| left.min(stall));
    let mut read = pin!(session.read_request_body());
    let read = match read.as_mut().now_or_never() {
        Some(read) => read,
        None => match tokio::time::timeout(limit, read).await {
            Ok(read) => read,
            Err(_) => return Err(Error::new_down(ErrorType::HTTPStatus(408))),
        },
    };
    read.map_err(|e| e.into_down())
}

/// The request, then all of the answer. `None`: the connection to the upstream is of no further use.
async fn converse(
    session: &mut Session,
    exchange: &mut Exchange,
    mut stream: Stream,
    wire: Vec<u8>,
    peer: &HttpPeer,
    silence: Option<Duration>,
) -> Result<Option<Client>> {
    let sent = send(&mut stream, &wire, peer.options.write_timeout).await;
    drop(wire);
    let mut client = Client::new_with_options(stream, peer);
    client.read_timeout = silence;
    let broken = match sent {
        Ok(()) => None,
        // it may have refused the body at its head, and hung up
        Err(fault) if *fault.etype() == ErrorType::WriteError => {
            client.read_timeout = Some(LAST_WORDS);
            Some(fault)
        }
        Err(fault) => return Err(fault),
    };
    let is_whole = broken.is_none();
    let mut first = next(session, &mut client).await;
    if let (Err(fault), Some(broken)) = (&first, broken)
        && *fault.esource() == ErrorSource::Upstream
    {
        first = Err(broken);
    }
    let mut first = Some(first?);
    loop {
        let first = match first.take() {
            Some(first) => first,
            None => next(session, &mut client).await?,
        };
        let mut tasks = Vec::with_capacity(AT_ONCE);
        let mut is_over = first.is_end();
        tasks.push(first);
        // what is there already goes out together
        while !is_over && tasks.len() < AT_ONCE {
            let Some(task) = tokio::task::unconstrained(client.read_response_task()).now_or_never()
            else {
                break;
            };
            // what came before it is passed on before it is told
            let task = task.unwrap_or_else(|fault| HttpTask::Failed(fault.into_up()));
            is_over = task.is_end();
            tasks.push(task);
        }
        if is_over && let Some(trip) = exchange.trip.as_mut() {
            trip.has_answered_all();
        }
        for task in &mut tasks {
            filter(session, exchange, task)?;
        }
        if session.write_response_tasks(tasks).await? || is_over {
            break;
        }
    }
    Ok(is_whole.then_some(client))
}

/// `limit`: how long the upstream may take to accept it.
async fn send(stream: &mut Stream, wire: &[u8], limit: Option<Duration>) -> Result<()> {
    let mut sent = pin!(async {
        stream.write_all(wire).await?;
        stream.flush().await
    });
    // nearly always it fits into the socket's buffer, and no time has to be kept
    let sent = match (sent.as_mut().now_or_never(), limit) {
        (Some(sent), _) => sent,
        (None, None) => sent.await,
        (None, Some(limit)) => match tokio::time::timeout(limit, sent).await {
            Ok(sent) => sent,
            Err(_) => return Err(Error::new_up(ErrorType::WriteTimedout)),
        },
    };
    sent.map_err(|e| {
        let mut fault = Error::because(ErrorType::WriteError, "while writing a request", e);
        // an upstream that had closed it already has not seen this request
        fault.retry = RetryType::ReusedOnly;
        fault.into_up()
    })
}

/// The next piece of the answer, unless the client goes away first.
async fn next(session: &mut Session, client: &mut Client) -> Result<HttpTask> {
    tokio::select! {
        biased;
        task = client.read_response_task() => task.map_err(|e| e.into_up()),
        gone = session.as_mut().read_body_or_idle(true) => match gone {
            Err(fault) => Err(fault.into_down()),
            // it never ends well
            Ok(_) => Err(Error::new_down(ErrorType::ConnectionClosed)),
        },
    }
}

fn filter(session: &mut Session, exchange: &mut Exchange, task: &mut HttpTask) -> Result<()> {
    match task {
        HttpTask::Header(head, end) => {
            exchange.answered(head)?;
            frame(head, *end)?;
            exchange.answer(head, session.req_header().version)
        }
        HttpTask::Body(body, end) | HttpTask::UpgradedBody(body, end) => {
            let bytes = body.as_ref().map_or(0, Bytes::len);
            exchange.watch.answer_moved(bytes, *end);
            Ok(())
        }
        HttpTask::Trailer(_) | HttpTask::Done | HttpTask::Failed(_) => Ok(()),
    }
}

/// A body that ends with the upstream's connection is chunked, so that the client's connection goes on.
fn frame(head: &mut ResponseHeader, end: bool) -> Result<()> {
    let bodiless = matches!(head.status.as_u16(), 204 | 304) || head.status.is_informational();
    let framed =
        head.headers.contains_key(TRANSFER_ENCODING) || head.headers.contains_key(CONTENT_LENGTH);
    if bodiless || framed || end {
        return Ok(());
    }
    head.set_version(Version::HTTP_11);
    head.insert_header(TRANSFER_ENCODING, "chunked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pingora::http::RequestHeader;

    #[test]
    fn a_body_goes_out_with_its_length_only() {
        let told = |lines: &[&'static str], length| {
            let mut head = RequestHeader::build("POST", b"/", None).unwrap();
            for line in lines {
                head.append_header("Content-Length", *line).unwrap();
            }
            is_told(&Outgoing::of(&head), length)
        };
        assert!(told(&[], 0) && told(&["0"], 0) && told(&["5"], 5));
        for (lines, length) in [
            (&[][..], 5),
            (&["4"], 5),
            (&["6"], 5),
            (&["x"], 5),
            (&["5"], 0),
            (&["5", "5"], 5),
        ] {
            assert!(!told(lines, length), "{lines:?} {length}");
        }
    }
}
