//! One request and its answer: what the phases hand on to each other.

use super::crowd::Member;
use super::forward::{self, Forwarding};
use super::inbound::{self, Inbound, Refusal};
use super::message_signature::Moment;
use super::outgoing::Outgoing;
use super::role::Role;
use super::upstream::{Traveller, Trip};
use super::watch::Watch;
use super::{Live, client, response, tls, wire};
use crate::domain::limits::Pace;
use crate::domain::policy::Permit;
use crate::domain::request::Facts;
use crate::domain::route::{Route, RouteIndex};
use crate::domain::session::View;
use crate::domain::trace::{self, Trace};
use http::{HeaderMap, HeaderName, HeaderValue};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorType, Result};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Pingora's context of a request. All phases see one generation of the configuration.
pub(super) struct Exchange {
    pub live: Arc<Live>,
    pub started: Instant,
    /// The request's id.
    pub reference: Arc<str>,
    pub trace: Trace,
    pub client: IpAddr,
    pub https: bool,
    pub role: Role,
    /// Who is at the other end of the connection: the client, or a proxy.
    pub peer: IpAddr,
    /// Whoever asked understands yes, 401 and 403 only.
    pub verdict_only: bool,
    /// The client has shown a certificate that the listener trusts.
    pub client_certificate: Option<tls::Belief>,
    /// Counts this request among those of its client.
    pub member: Option<Member>,
    /// A stable word for logs and metrics.
    pub outcome: &'static str,
    pub inbound: Option<Inbound>,
    pub route: Option<RouteIndex>,
    /// The value of the session's cookie.
    pub token: Option<String>,
    pub person: Option<Arc<View>>,
    /// The request has ended the session it came with.
    pub signed_out: bool,
    /// What was permitted; without it nothing goes upstream.
    pub forwarding: Option<Forwarding>,
    /// The way to an upstream.
    pub trip: Option<Trip>,
    pub body_bytes: u64,
    /// The body took longer than what is left of the route's time.
    pub is_late: bool,
    /// How much slower than it must be the body may still come; `None`: as slow as it likes.
    pub body_pace: Option<BodyPace>,
    pub watch: Arc<Watch>,
    seed: [u8; trace::SEED],
}

/// The pace of a body, and when its last piece came.
pub(super) struct BodyPace {
    pub pace: Pace,
    pub last: Instant,
}

impl Exchange {
    /// `id` and `seed`: this request's own random bytes.
    pub(super) fn new(live: Arc<Live>, id: [u8; 8], seed: [u8; trace::SEED]) -> Self {
        let sampling = live.snapshot.sampling;
        Self {
            trace: Trace::of(None, false, sampling, seed),
            seed,
            live,
            started: Instant::now(),
            reference: reference(id),
            client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            https: false,
            role: Role::Browsers,
            peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            verdict_only: false,
            client_certificate: None,
            outcome: "unfinished",
            member: None,
            inbound: None,
            route: None,
            token: None,
            person: None,
            signed_out: false,
            forwarding: None,
            trip: None,
            body_bytes: 0,
            is_late: false,
            body_pace: None,
            watch: Watch::current(),
        }
    }

    /// What the connection says about the client.
    pub(super) fn meet(&mut self, session: &Session, role: Role) {
        let peer = session.client_addr().and_then(|a| a.as_inet());
        let peer = peer.map_or(self.client, |a| a.ip());
        self.peer = peer;
        let headers = &session.req_header().headers;
        let trusted = &self.live.snapshot.trusted_proxies;
        self.client = client::address(peer, headers, trusted);
        let asks = role == Role::ForwardAuth;
        let ours = client::is_trusted(peer, trusted)
            || (asks && client::is_trusted(peer, &self.live.snapshot.askers));
        if let Some(id) = ours.then(|| named(headers)).flatten() {
            self.reference = id.into();
        }
        if let Some(parent) = traced(headers) {
            let sampling = self.live.snapshot.sampling;
            self.trace = Trace::of(Some(parent), ours, sampling, self.seed);
        }
        self.https = session.digest().is_some_and(|d| d.ssl_digest.is_some())
            || client::was_https(peer, headers, trusted);
        self.role = role;
        let tls = tls::TlsName::of(session);
        self.client_certificate = tls.and_then(|t| t.client_certificate.clone());
    }

    pub(super) fn admit(&mut self, session: &mut Session) -> Result<Inbound, Refusal> {
        if !session.is_http2() {
            wire::check(&session.to_h1_raw())?;
        }
        let portal = self.live.snapshot.portal.host();
        let mut inbound = inbound::admit(session.req_header_mut(), portal)?;
        if inbound.preflight_from.is_some() && !session.is_body_empty() {
            inbound.preflight_from = None;
        }
        self.inbound = Some(inbound.clone());
        Ok(inbound)
    }

    pub(super) fn facts<'a>(&self, inbound: &'a Inbound) -> Facts<'a> {
        Facts {
            method: inbound.method.as_str(),
            path: &inbound.path,
            client: self.client,
            mode: inbound.mode,
            preflight_from: inbound.preflight_from.as_deref(),
            client_certificate: self
                .client_certificate
                .as_ref()
                .is_some_and(tls::Belief::holds),
        }
    }

    pub(super) fn route(&self) -> Option<&Route> {
        self.route_in(&self.live)
    }

    pub(super) fn route_in<'a>(&self, live: &'a Live) -> Option<&'a Route> {
        live.snapshot.routes.route(self.route?)
    }

    pub(super) fn on_portal(&self) -> bool {
        let portal = self.live.snapshot.portal.host();
        self.inbound.as_ref().is_some_and(|i| i.host == *portal)
    }

    /// The way of a permitted request to an upstream of its route.
    pub(super) fn trip(&self, permit: &Permit) -> Option<Trip> {
        let session = permit.person().map(|v| *v.session.id.uuid().as_bytes());
        let client = self.client;
        let traveller = Traveller { session, client };
        self.live.pools.trip(permit.route(), traveller)
    }

    /// The next piece of the body; `false`: it comes too slowly. Its silence before the first piece does not count:
    /// that may be the application's, which had to be connected to.
    #[must_use]
    pub(super) fn body_moves(&mut self, bytes: usize, end: bool) -> bool {
        self.watch.body_moved(bytes, end);
        if end && bytes == 0 && self.body_bytes == 0 {
            // there is none, as in most requests
            return true;
        }
        let now = Instant::now();
        if self.body_bytes == 0 && self.body_pace.is_none() {
            self.body_pace = self.pace().map(|pace| BodyPace { pace, last: now });
        }
        self.body_bytes = self.body_bytes.saturating_add(bytes as u64);
        // an application that is answering talks both ways, at the pace of the two
        let Some(body) = self
            .body_pace
            .as_mut()
            .filter(|_| !self.watch.is_answering())
        else {
            return true;
        };
        let waited = now.duration_since(body.last);
        body.last = now;
        let enough = body.pace.waited(waited);
        body.pace.moved(bytes);
        enough
    }

    fn pace(&self) -> Option<Pace> {
        let limits = &self.live.snapshot.limits;
        let route = self.route()?;
        let rate = route.limits.body_rate.or(limits.body_rate);
        Pace::new(rate, limits.body_grace.saturating_add(route.timeouts.read))
    }

    /// What is left of the route's time for a request.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let time = self.route()?.limits.time?;
        Some(time.saturating_sub(self.started.elapsed()))
    }

    /// What goes to the upstream of this attempt, see [`forward::upstream_head`].
    pub(super) fn upstream_head<'a>(
        &'a self,
        head: &mut Outgoing<'a>,
        forwarding: &'a Forwarding,
        moment: Option<Moment>,
    ) -> Result<()> {
        let route = self.live.snapshot.routes.route(forwarding.permit.route());
        let route = route.ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        forward::upstream_head(head, route, &self.live.protected, forwarding)?;
        let (live, permit) = (&self.live, &forwarding.permit);
        let upstream = self.trip.as_ref().and_then(Trip::upstream);
        let person = permit.person().map(|view| &*view.subject);
        live.rewriting
            .request(head, permit.route(), &forwarding.course, upstream, person)?;
        live.signers.sign(head, permit.route(), moment)
    }

    /// What goes back to the client.
    pub(super) fn client_head(
        &self,
        head: &mut ResponseHeader,
        forwarding: &Forwarding,
    ) -> Result<()> {
        response::clean(head);
        response::identify(head, &self.reference)?;
        let personal = forwarding.permit.person().is_some();
        let route = forwarding.permit.route();
        self.live.rewriting.answer(head, route, personal)
    }
}

pub(super) fn reference(id: [u8; 8]) -> Arc<str> {
    let mut text = [0; 16];
    trace::hex(&mut text, 0, &id);
    std::str::from_utf8(&text).unwrap_or_default().into()
}

/// The id that a proxy of ours gave the request, if it can stand in a log, in a header and on a page.
fn named(headers: &HeaderMap) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let id = only(headers, &X_REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(fits);
    fits.then_some(id)
}

fn traced(headers: &HeaderMap) -> Option<&[u8]> {
    only(headers, &TRACEPARENT).map(HeaderValue::as_bytes)
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())
}
