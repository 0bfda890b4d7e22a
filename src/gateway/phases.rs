//! The line, in the phases pingora calls (their order: `early_request_filter`, `request_filter`,
//! `upstream_peer`, `upstream_request_filter`, `request_body_filter`, `upstream_response_filter`,
//! `response_filter`, `logging`). The two upstream phases refuse to run without a permit.

use super::connection::Progress;
use super::exchange::Exchange;
use super::seams::ErrorKind;
use super::upstream::{PeerFault, Trip};
use super::{Gateway, hsts, respond, response};
use crate::domain::limits::Limits;
use async_trait::async_trait;
use bytes::Bytes;
use http::{StatusCode, Version};
use pingora::apps::HttpServerOptions;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora::proxy::{FailToProxy, HttpProxy, ProxyHttp, ProxyWarnLogContext, Session};
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};
use std::sync::Arc;
use std::time::Duration;

/// Idle connections to upstreams that are kept.
const POOL: usize = 1024;

/// The gateway as pingora sees it.
pub(super) struct Line(Gateway);

/// The proxy that connections are handed to.
pub(super) fn proxy(gateway: Gateway, limits: Limits) -> Arc<HttpProxy<Line>> {
    let conf = ServerConf {
        upstream_keepalive_pool_size: POOL,
        ..ServerConf::default()
    };
    let mut proxy = HttpProxy::new(Line(gateway), Arc::new(conf));
    proxy.handle_init_modules();
    let mut h2 = default_h2_options();
    // an upload is not held up by the default window of 64 KiB
    h2.initial_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        // what waits for a client that does not read: a hundred streams a connection hold as much each
        .max_send_buffer_size(64 << 10);
    proxy.h2_options = Some(h2);
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(limits.idle);
    // refused by us, so that the refusal is logged and has no banner
    options.allow_connect_method_proxying = true;
    proxy.server_options = Some(options);
    Arc::new(proxy)
}

#[async_trait]
impl ProxyHttp for Line {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        let gateway = &self.0.0;
        let live = gateway.live.load_full();
        let (id, seed) = self.0.seeds();
        Exchange::new(live, id, seed)
    }

    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn early_request_filter(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let progress = Progress::of(session.as_ref());
        if let Some(progress) = &progress {
            progress.head_is_read();
        }
        let limits = &exchange.live.snapshot.limits;
        let stays = !progress.as_ref().is_some_and(|p| p.is_stopping());
        session.set_keepalive(stays.then_some(limits.idle.as_secs()));
        session.set_read_timeout(Some(limits.stall));
        session.set_write_timeout(Some(limits.stall));
        session.set_total_drain_timeout(Some(Duration::from_secs(5)));
        exchange.meet(session, progress.map(|p| p.role()).unwrap_or_default());
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        self.0.walk(session, exchange).await
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<Box<HttpPeer>> {
        let left = exchange.time_left();
        // no trip without a permit, see `through`
        let trip = exchange.trip.as_mut().ok_or_else(no_permit)?;
        let client = session.client_addr().and_then(|a| a.as_inet()).copied();
        trip.heed_credentials(&session.req_header().headers, client);
        let peer = trip.peer().await;
        exchange.watch.asked.lock().begin(peer.as_deref().ok());
        let mut peer = peer.map_err(no_upstream)?;
        if let Some(left) = left {
            let read = &mut peer.options.read_timeout;
            *read = Some(read.map_or(left, |read| read.min(left)));
        }
        Ok(peer)
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        head: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let forwarding = exchange.forwarding.as_ref().ok_or_else(no_permit)?;
        let moment = self.0.moment(exchange, forwarding);
        exchange.upstream_head(head, forwarding, moment)?;
        let single_use = exchange.trip.as_ref().is_some_and(Trip::is_single_use);
        // kept for a moment only, it would still push another one out of the pool
        if single_use && head.version != Version::HTTP_2 {
            head.insert_header("Connection", "close")?;
        }
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> Result<()> {
        if !exchange.body_moves(body.as_ref().map_or(0, Bytes::len), end) {
            return Err(Error::new_down(ErrorType::HTTPStatus(408)));
        }
        let limit = exchange.route().and_then(|r| r.body_limit);
        if limit.is_some_and(|limit| exchange.body_bytes > limit) {
            exchange.outcome = "too_large";
            return Err(Error::new_down(ErrorType::HTTPStatus(413)));
        }
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange.watch.asked.lock().answered();
        if let Some(trip) = exchange.trip.as_mut() {
            let waits = exchange.watch.body_is_missing();
            trip.answered(head.status.as_u16(), &head.headers, waits);
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // never asked for on this side: what follows would be no HTTP any more
            return Err(Error::new_up(ErrorType::InvalidHTTPHeader));
        }
        let forwarding = exchange.forwarding.as_ref().ok_or_else(no_permit)?;
        exchange.client_head(head, forwarding)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange.watch.answered(head.status.as_u16());
        response::for_version(head, session.req_header().version);
        hsts::application(head, exchange)
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> Result<Option<Duration>> {
        let bytes = body.as_ref().map_or(0, Bytes::len);
        exchange.watch.answer_moved(bytes, end);
        Ok(None)
    }

    /// Nothing has been sent yet, so another upstream may have the request, whatever its method.
    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        exchange: &mut Exchange,
        fault: Box<Error>,
    ) -> Box<Error> {
        let mut fault = fault;
        let trip = exchange.trip.as_mut();
        fault.set_retry(trip.is_some_and(Trip::could_not_connect));
        fault
    }

    /// The request has been sent, or a part of it. It is sent again only where pingora's own policy would
    /// (method, body, a connection that had been used before) and no byte of an answer has gone out.
    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        fault: Box<Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<Error> {
        let mut fault = fault;
        fault.retry.decide_reuse(reused);
        let repeatable = session.req_header().method.is_idempotent()
            && !session.as_ref().retry_buffer_truncated()
            && session.response_written().is_none();
        // the application has waited as long as it may, or as it likes, for what the client has not sent; but bytes
        // that it does not take are its own affair
        let waits = exchange.watch.body_is_missing() && *fault.etype() != ErrorType::WriteTimedout;
        let upstreams = *fault.esource() == ErrorSource::Upstream;
        let again = fault.retry() && repeatable && upstreams;
        let trip = exchange.trip.as_mut().filter(|_| upstreams);
        fault.set_retry(trip.is_some_and(|t| t.broke(again, waits)));
        fault
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        fault: &Error,
        exchange: &mut Exchange,
    ) -> FailToProxy {
        let written = session.response_written().map(|r| r.status.as_u16());
        session.set_keepalive(None);
        let mut code = written.unwrap_or(0);
        let kind = match respond::kind_of_fault(fault) {
            // the application waits as well as we do: for the client
            Some(ErrorKind::GatewayTimeout) if exchange.watch.body_is_missing() => {
                Some(ErrorKind::Timeout)
            }
            kind => kind,
        };
        if let (None, Some(kind)) = (written, kind) {
            exchange.outcome = respond::outcome_of(kind);
            // the client may be gone by now
            let _ = respond::error(session, exchange, kind).await;
            code = session.response_written().map_or(0, |r| r.status.as_u16());
        } else if exchange.outcome != "websocket" {
            exchange.outcome = "aborted";
        }
        FailToProxy {
            error_code: code,
            can_reuse_downstream: false,
        }
    }

    /// One line a request: what was asked, how it ended, whose it was. Never a cookie, a token or a query.
    async fn logging(&self, session: &mut Session, fault: Option<&Error>, exchange: &mut Exchange) {
        if let Some(progress) = Progress::of(session.as_ref()) {
            progress.request_is_over();
        }
        self.0.tell(session, fault, exchange);
    }

    fn suppress_error_log(&self, _session: &Session, _exchange: &Exchange, _fault: &Error) -> bool {
        // `logging` has it
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _exchange: &Exchange,
        _fault: &Error,
        _context: ProxyWarnLogContext,
    ) -> bool {
        true
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
