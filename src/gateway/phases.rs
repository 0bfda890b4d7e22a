//! The line, in the phases pingora calls (their order: `early_request_filter`, `request_filter`,
//! `upstream_peer`, `upstream_request_filter`, `request_body_filter`, `upstream_response_filter`,
//! `response_filter`, `logging`). The two upstream phases refuse to run without a permit.

use super::connection::Progress;
use super::exchange::Exchange;
use super::outgoing::Outgoing;
use super::seams::ErrorKind;
use super::steps::answered;
use super::upstream::Trip;
use super::{Gateway, respond};
use crate::domain::limits::Limits;
use async_trait::async_trait;
use bytes::Bytes;
use http::Version;
use pingora::apps::HttpServerOptions;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora::proxy::{FailToProxy, HttpProxy, ProxyHttp, ProxyWarnLogContext, Session};
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Idle connections to upstreams that are kept.
pub(super) const POOL: usize = 1024;

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
        if session.req_header().version == Version::HTTP_10
            && let ServerSession::H1(client) = session.as_mut()
        {
            // to which an interim answer is the whole answer (RFC 9110 15.2)
            client.set_ignore_info_resp(true);
        }
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
        exchange.peer(session).await
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        head: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let from = head.clone();
        let mut outgoing = Outgoing::of(&from);
        self.0.outgoing(&mut outgoing, exchange)?;
        outgoing.write_to(head)?;
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
        exchange.body(body.as_ref().map_or(0, Bytes::len), end)
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange.answered(head)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange.answer(head, session.req_header().version)
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

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        fault: Box<Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<Error> {
        exchange.broke(session, fault, reused)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        fault: &Error,
        exchange: &mut Exchange,
    ) -> FailToProxy {
        let written = answered(session).map(|status| status.as_u16());
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
            code = answered(session).map_or(0, |status| status.as_u16());
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
