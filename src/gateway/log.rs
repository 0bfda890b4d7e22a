//! What is written down of a request when it is over: into the access log, or without one into the program's own.

use super::exchange::Exchange;
use crate::domain::logged::{Logged, LoggedAccount};
use crate::domain::timestamp::Timestamp;
use http::Version;
use http::header::{HeaderName, REFERER, USER_AGENT};
use pingora::Error;
use pingora::proxy::Session;
use pingora::upstreams::peer::{HttpPeer, Peer as _};
use std::time::Duration;
use tokio::time::Instant;

/// Which upstream was asked last, and how long it took to answer.
#[derive(Debug, Default)]
pub(super) struct Asked {
    address: Option<String>,
    at: Option<Instant>,
    took: Option<Duration>,
}

impl Asked {
    /// An upstream was chosen; `None` where its name has no address.
    pub(super) fn begin(&mut self, peer: Option<&HttpPeer>) {
        *self = Self {
            address: peer.map(|peer| peer.address().to_string()),
            at: Some(Instant::now()),
            took: None,
        };
    }

    /// The head of its response is here.
    pub(super) fn answered(&mut self) {
        // an interim response comes before the one that counts
        self.took = self.at.map(|at| at.elapsed());
    }
}

/// Never a cookie, a token or a query.
pub(super) fn write(
    session: &Session,
    fault: Option<&Error>,
    exchange: &Exchange,
    duration: Duration,
    now: Timestamp,
) {
    let head = session.req_header();
    let status = session.response_written().map_or(0, |r| r.status.as_u16());
    let inbound = exchange.inbound.as_ref();
    let person = exchange.forwarding.as_ref().and_then(|f| f.permit.person());
    let person = person.or(exchange.person.as_ref());
    let Some(log) = exchange.seams.observer.access_log() else {
        tracing::info!(
            target: "vestibule::access",
            method = inbound.map_or(&head.method, |i| &i.method).as_str(),
            host = inbound.map_or("", |i| i.host.as_str()),
            path = inbound.map_or("", |i| i.path.as_str()),
            route.name = exchange.route().map_or("", |r| r.name.as_str()),
            outcome = exchange.outcome,
            status,
            account.id = person.map(|v| v.account.id.to_string()).unwrap_or_default(),
            client.address = %exchange.client,
            duration_ms = duration.as_secs_f64() * 1000.0,
            request.id = &*exchange.reference,
            fault = fault.map(ToString::to_string).unwrap_or_default(),
            "request"
        );
        return;
    };
    let tls = session.digest().and_then(|d| d.ssl_digest.as_ref());
    let header = |name: HeaderName| head.headers.get(name).map(http::HeaderValue::as_bytes);
    let fault = fault.map(ToString::to_string);
    let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    log.write(&Logged {
        time: now,
        id: &exchange.reference,
        client: exchange.client,
        protocol: match head.version {
            Version::HTTP_2 => "HTTP/2.0",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        },
        tls: tls.map(|tls| match &*tls.version {
            "TLSv1_3" => "TLSv1.3",
            "TLSv1_2" => "TLSv1.2",
            other => other,
        }),
        method: inbound.map_or(&head.method, |i| &i.method).as_str(),
        host: inbound.map_or("", |i| i.host.as_str()),
        path: inbound.map_or("", |i| i.path.as_str()),
        route: exchange.route().map_or("", |r| r.name.as_str()),
        outcome: exchange.outcome,
        status,
        duration,
        bytes_in: bytes(session.body_bytes_read()),
        bytes_out: bytes(session.body_bytes_sent()),
        account: person.map(|view| LoggedAccount {
            id: view.account.id,
            login: &view.account.login,
        }),
        upstream: exchange.asked.address.as_deref(),
        upstream_time: exchange.asked.took,
        referrer: header(REFERER),
        user_agent: header(USER_AGENT),
        fault: fault.as_deref(),
    });
}
