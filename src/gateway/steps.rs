//! The steps between a permit and the end of an answer, in their order. Two callers take them: pingora's phases
//! ([`super::phases`]) and the short way ([`super::direct`]).

use super::exchange::Exchange;
use super::outgoing::Outgoing;
use super::through::assertion;
use super::upstream::{Backend, PeerFault};
use super::{Gateway, hsts, response};
use http::{StatusCode, Version};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};
use std::sync::Arc;
use std::time::Duration;

impl Gateway {
    /// The head as it goes to this attempt's upstream.
    pub(super) fn outgoing<'a>(
        &self,
        head: &mut Outgoing<'a>,
        exchange: &'a Exchange,
    ) -> Result<()> {
        let forwarding = exchange.forwarding.as_ref().ok_or_else(no_permit)?;
        let moment = self.moment(exchange, forwarding);
        exchange.upstream_head(head, forwarding, moment)
    }
}

impl Exchange {
    /// The address for the next attempt, and how long its upstream may be silent.
    pub(super) async fn backend(&mut self) -> Result<(Arc<Backend>, Option<Duration>)> {
        let left = self.time_left();
        let trip = self.trip.as_mut().ok_or_else(no_permit)?;
        let backend = trip.next().await;
        let peer = backend.as_ref().ok().map(|backend| &backend.peer);
        self.watch.asked.lock().begin(peer);
        let backend = backend.map_err(no_upstream)?;
        let read = shorter(backend.peer.options.read_timeout, left);
        Ok((backend, read))
    }

    /// The assertion for an application that is asked later than was thought.
    pub(super) fn renew_assertion(&mut self) -> Result<()> {
        let live = Arc::clone(&self.live);
        let forwarding = self.forwarding.as_mut().ok_or_else(no_permit)?;
        let route = live.snapshot.routes.route(forwarding.permit.route());
        let route = route.ok_or_else(no_permit)?;
        forwarding.assertion = assertion(&live.seams, &forwarding.permit, route)
            .map_err(|_| Error::new_down(ErrorType::HTTPStatus(503)))?;
        Ok(())
    }

    /// The same for pingora.
    pub(super) async fn peer(&mut self, session: &Session) -> Result<Box<HttpPeer>> {
        let left = self.time_left();
        // no trip without a permit, see `through`
        let trip = self.trip.as_mut().ok_or_else(no_permit)?;
        let client = session.client_addr().and_then(|a| a.as_inet()).copied();
        trip.heed_credentials(&session.req_header().headers, client);
        let peer = trip.peer().await;
        self.watch.asked.lock().begin(peer.as_deref().ok());
        let mut peer = peer.map_err(no_upstream)?;
        peer.options.read_timeout = shorter(peer.options.read_timeout, left);
        Ok(peer)
    }

    /// The next piece of the request's body.
    pub(super) fn body(&mut self, bytes: usize, end: bool) -> Result<()> {
        if !self.body_moves(bytes, end) {
            return Err(Error::new_down(ErrorType::HTTPStatus(408)));
        }
        let limit = self.route().and_then(|r| r.body_limit);
        if limit.is_some_and(|limit| self.body_bytes > limit) {
            self.outcome = "too_large";
            return Err(Error::new_down(ErrorType::HTTPStatus(413)));
        }
        Ok(())
    }

    /// The upstream's head is here, as it sent it.
    pub(super) fn answered(&mut self, head: &mut ResponseHeader) -> Result<()> {
        // 100 or 103 promise nothing: the upstream may still fail, and the client has still to send
        let is_interim = head.status.is_informational();
        if !is_interim {
            self.watch.asked.lock().answered();
        }
        if let Some(trip) = self.trip.as_mut().filter(|_| !is_interim) {
            let waits = self.watch.body_is_missing();
            trip.answered(head.status.as_u16(), &head.headers, waits);
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // never asked for on this side: what follows would be no HTTP any more
            return Err(Error::new_up(ErrorType::InvalidHTTPHeader));
        }
        let forwarding = self.forwarding.as_ref().ok_or_else(no_permit)?;
        self.client_head(head, forwarding)
    }

    /// The head as it goes to the client.
    pub(super) fn answer(&self, head: &mut ResponseHeader, client: Version) -> Result<()> {
        if !head.status.is_informational() {
            self.watch.answered(head.status.as_u16());
        }
        response::for_version(head, client);
        hsts::application(head, self)
    }

    /// The request has been sent, or a part of it. It is sent again only where pingora's own policy would
    /// (method, body, a connection that had been used before) and no byte of an answer has gone out.
    pub(super) fn broke(
        &mut self,
        session: &Session,
        mut fault: Box<Error>,
        reused: bool,
    ) -> Box<Error> {
        fault.retry.decide_reuse(reused);
        let repeatable = session.req_header().method.is_idempotent()
            && !session.as_ref().retry_buffer_truncated()
            && answered(session).is_none();
        // the application has waited as long as it may, or as it likes, for what the client has not sent, or had little
        // time left; but bytes that it does not take are its own affair
        let waits = match fault.etype() {
            ErrorType::WriteTimedout => false,
            ErrorType::ReadTimedout if self.is_late => true,
            _ => self.watch.body_is_missing(),
        };
        let upstreams = *fault.esource() == ErrorSource::Upstream;
        let again = fault.retry() && repeatable && upstreams;
        let trip = self.trip.as_mut().filter(|_| upstreams);
        fault.set_retry(trip.is_some_and(|t| t.broke(again, waits)));
        fault
    }
}

/// The status that the client was answered with. An interim one is no answer, but for 101.
pub(super) fn answered(session: &Session) -> Option<StatusCode> {
    let status = session.response_written()?.status;
    let is_last = !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS;
    is_last.then_some(status)
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

pub(super) fn no_upstream(fault: PeerFault) -> Box<Error> {
    Error::because(ErrorType::HTTPStatus(502), "no upstream", fault).into_up()
}

/// Only a mistake of ours leads here, and it opens nothing.
fn no_permit() -> Box<Error> {
    Error::explain(
        ErrorType::InternalError,
        "a request without a permit reached the upstream phase",
    )
}
