//! What is told of a request when it is over. Never a cookie, a token or a query.

use super::Gateway;
use super::exchange::Exchange;
use super::steps::answered;
use super::watch::{Case, Watch};
use crate::domain::logged::{Logged, LoggedAccount, UpstreamAddress};
use crate::domain::session::View;
use crate::domain::trace::Trace;
use http::header::{HeaderName, REFERER, USER_AGENT};
use http::{HeaderValue, Version};
use pingora::Error;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::proxy::Session;
use pingora::upstreams::peer::{HttpPeer, Peer as _};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Which upstream was asked last, and how long it took to answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    address: Option<SocketAddr>,
    at: Option<Instant>,
    took: Option<Duration>,
}

impl Asked {
    /// An upstream was chosen; `None` where its name has no address.
    pub(super) fn begin(&mut self, peer: Option<&HttpPeer>) {
        *self = Self {
            address: peer.map(|peer| peer.address().clone()),
            at: Some(Instant::now()),
            took: None,
        };
    }

    /// The head of its response is here.
    pub(super) fn answered(&mut self) {
        // an interim response comes before the one that counts
        self.took = self.at.map(|at| at.elapsed());
    }

    fn address(&self) -> Option<UpstreamAddress<'_>> {
        match self.address.as_ref()? {
            SocketAddr::Inet(address) => Some(UpstreamAddress::Tcp(*address)),
            SocketAddr::Unix(address) => address.as_pathname().map(UpstreamAddress::Unix),
        }
    }

    /// How long the request had been running when it was chosen.
    fn after(&self, started: Instant) -> Duration {
        self.at
            .map(|at| at.duration_since(started))
            .unwrap_or_default()
    }
}

/// What is kept of the head of a request that the watchman may end.
#[derive(Debug)]
pub(super) struct Noted {
    protocol: &'static str,
    tls: Option<&'static str>,
    referrer: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
}

impl Noted {
    pub(super) fn of(session: &Session) -> Self {
        let head = session.req_header();
        Self {
            protocol: protocol(head.version),
            tls: tls(session),
            referrer: head.headers.get(REFERER).cloned(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
        }
    }
}

impl Gateway {
    /// A request has come to its end.
    pub(super) fn tell(&self, session: &Session, fault: Option<&Error>, exchange: &Exchange) {
        let head = session.req_header();
        let inbound = exchange.inbound.as_ref();
        let permitted = exchange.forwarding.as_ref().and_then(|f| f.permit.person());
        let header = |name: HeaderName| head.headers.get(name).map(HeaderValue::as_bytes);
        let fault = fault.map(told);
        let asked = exchange.watch.asked.lock();
        let request = Logged {
            time: self.0.env.precisely(),
            id: &exchange.reference,
            trace: exchange.trace,
            client: exchange.client,
            protocol: protocol(head.version),
            tls: tls(session),
            method: inbound.map_or(&head.method, |i| &i.method).as_str(),
            host: inbound.map_or("", |i| i.host.as_str()),
            path: inbound.map_or("", |i| i.path.as_str()),
            route: exchange.route().map_or("", |r| r.name.as_str()),
            outcome: exchange.outcome,
            status: answered(session).map_or(0, |status| status.as_u16()),
            duration: exchange.started.elapsed(),
            bytes_in: count(session.body_bytes_read()),
            bytes_out: count(session.body_bytes_sent()),
            account: permitted.or(exchange.person.as_ref()).map(|v| account(v)),
            upstream: asked.address(),
            upstream_time: asked.took,
            upstream_after: asked.after(exchange.started),
            referrer: header(REFERER),
            user_agent: header(USER_AGENT),
            fault: fault.as_deref(),
        };
        exchange
            .live
            .seams
            .observer
            .request(exchange.route, &request);
    }

    /// The same of one that was ended: it does not come to its own line.
    pub(super) fn tell_of_cut(&self, case: &Case, watch: &Watch, why: &'static str) {
        let live = &case.live;
        let route = live.snapshot.routes.route(case.route);
        let asked = watch.asked.lock();
        let request = Logged {
            time: self.0.env.precisely(),
            id: &case.reference,
            trace: case.trace,
            client: case.client,
            protocol: case.noted.protocol,
            tls: case.noted.tls,
            method: case.inbound.method.as_str(),
            host: case.inbound.host.as_str(),
            path: case.inbound.path.as_str(),
            route: route.map_or("", |r| r.name.as_str()),
            outcome: why,
            status: watch.status(),
            duration: case.started.elapsed(),
            bytes_in: watch.bytes_in(),
            bytes_out: watch.bytes_out(),
            account: case.person.as_ref().map(|v| account(v)),
            upstream: asked.address(),
            upstream_time: asked.took,
            upstream_after: asked.after(case.started),
            referrer: case.noted.referrer.as_ref().map(HeaderValue::as_bytes),
            user_agent: case.noted.user_agent.as_ref().map(HeaderValue::as_bytes),
            fault: Some("cut"),
        };
        live.seams.observer.request(Some(case.route), &request);
    }
}

impl Gateway {
    /// Bytes came that are no request.
    pub(super) fn tell_of_no_request(&self, client: IpAddr) {
        let live = self.0.live.load();
        let (id, seed) = self.seeds();
        let id = super::exchange::reference(id);
        live.seams.observer.request(
            None,
            &Logged {
                time: self.0.env.precisely(),
                id: &id,
                trace: Trace::of(None, false, live.snapshot.sampling, seed),
                client: client.to_canonical(),
                protocol: "HTTP/1.1",
                tls: None,
                method: "",
                host: "",
                path: "",
                route: "",
                outcome: "unreadable",
                status: 400,
                duration: Duration::ZERO,
                bytes_in: 0,
                bytes_out: 0,
                account: None,
                upstream: None,
                upstream_time: None,
                upstream_after: Duration::ZERO,
                referrer: None,
                user_agent: None,
                fault: None,
            },
        );
    }
}

/// What went wrong, without the bytes that pingora puts after it: of a head or a body that cannot be parsed, with
/// the cookies and names in it.
fn told(fault: &Error) -> String {
    let text = fault.to_string();
    match text.split_once("buf:") {
        Some((what, _)) => what.trim_end().to_owned(),
        None => text,
    }
}

fn account(view: &View) -> LoggedAccount<'_> {
    LoggedAccount {
        id: view.subject.id,
        login: view.subject.login(),
    }
}

const fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

fn tls(session: &Session) -> Option<&'static str> {
    let digest = session.digest()?.ssl_digest.as_ref()?;
    match &*digest.version {
        "TLSv1_3" => Some("TLSv1.3"),
        "TLSv1_2" => Some("TLSv1.2"),
        _ => Some("TLS"),
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
