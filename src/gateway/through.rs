//! Past the decision: with a permit in hand, on to the application.

use super::Gateway;
use super::course::OffCourse;
use super::exchange::Exchange;
use super::forward::Forwarding;
use super::inbound::{Inbound, Refusal};
use super::log::Noted;
use super::message_signature::Moment;
use super::seams::{ErrorKind, Seams, Unavailable};
use super::steps::no_upstream;
use super::watch::Case;
use super::{answers, course, direct, respond, tunnel};
use crate::domain::policy::{Decision, Permit};
use crate::domain::route::Route;
use pingora::http::ResponseHeader;
use pingora::protocols::Stream;
use pingora::proxy::Session as Request;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a live WebSocket is decided on anew.
const AGAIN: Duration = Duration::from_secs(1);

impl Gateway {
    /// With a permit in hand: the limits, the assertion, then pingora's proxying or the WebSocket relay.
    pub(super) async fn forward(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        inbound: Inbound,
        permit: Permit,
    ) -> Result<bool> {
        let live = Arc::clone(&exchange.live);
        let Some(route) = exchange.route_in(&live) else {
            return respond::error(request, exchange, ErrorKind::Internal).await;
        };
        if let Some(own) = &route.answers.own {
            return answers::own(request, exchange, &inbound, own).await;
        }
        if too_large(route, inbound.content_length) {
            exchange.outcome = "too_large";
            return respond::error(request, exchange, ErrorKind::TooLarge).await;
        }
        if inbound.websocket && !tunnel::origin_is_own(request.req_header(), &route.origin) {
            exchange.outcome = "foreign_origin";
            return respond::error(request, exchange, ErrorKind::Forbidden).await;
        }
        if let Err(wait) = live.rates.take(permit.route(), &permit, exchange.client) {
            exchange.outcome = "too_many";
            return respond::too_many(request, exchange, wait).await;
        }
        let place = (permit.route(), route);
        let now = self.0.env.now();
        let course = match course::of(exchange, request.req_header(), &inbound, place, now) {
            Ok(course) => course,
            Err(off) => return off_course(request, exchange, off).await,
        };
        let assertion = match assertion(&exchange.live.seams, &permit, route) {
            Ok(assertion) => assertion,
            Err(unavailable) => return self.unavailable(request, exchange, &unavailable).await,
        };
        // after the application's own sign-out it still hears of it, everything else has ended
        if let Some(view) = permit.person().filter(|_| !exchange.signed_out) {
            exchange.live.seams.sessions.seen(view);
        }
        let forwarding = Forwarding {
            permit,
            client: exchange.client,
            https: exchange.https,
            assertion,
            reference: Arc::clone(&exchange.reference),
            trace: exchange.trace,
            course,
        };
        exchange.trip = exchange.trip(&forwarding.permit);
        if inbound.websocket {
            exchange.outcome = "websocket";
            let case = case(request, exchange, inbound, &forwarding.permit, route);
            self.websocket(request, exchange, &case, forwarding).await?;
            return Ok(true);
        }
        let case = case(request, exchange, inbound, &forwarding.permit, route);
        exchange.watch.begin(case, !request.is_body_empty());
        exchange.forwarding = Some(forwarding);
        if direct::fits(request, exchange) {
            return self.direct(request, exchange).await.map(|()| true);
        }
        Ok(false)
    }

    /// For routes that sign: another for each attempt, so that none looks like a replay of the one before.
    pub(super) fn moment(&self, exchange: &Exchange, forwarding: &Forwarding) -> Option<Moment> {
        let signs = exchange.live.signers.signs(forwarding.permit.route());
        signs.then(|| Moment {
            created: self.0.env.now(),
            nonce: self.0.env.random(),
        })
    }

    async fn websocket(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        case: &Case,
        forwarding: Forwarding,
    ) -> Result<()> {
        let (peer, upstream) = self.connect(exchange).await?;
        let moment = self.moment(exchange, &forwarding);
        let head = tunnel::handshake(request, exchange, &forwarding, moment)?;
        let active = AtomicBool::new(false);
        let ended = self.ended(case, &active);
        let _open = OpenSocket::new(&exchange.live.seams);
        let mark = || active.store(true, Ordering::Relaxed);
        let tidy = |head: &mut ResponseHeader| {
            exchange.watch.asked.lock().answered();
            exchange.client_head(head, &forwarding)
        };
        tunnel::relay(request, upstream, &peer, head, tidy, ended, mark).await
    }

    /// A connection to the first upstream that takes one. It is nobody else's before or after.
    async fn connect(&self, exchange: &mut Exchange) -> Result<(Box<HttpPeer>, Stream)> {
        let trip = exchange.trip.as_mut();
        let trip = trip.ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        loop {
            let peer = trip.peer().await;
            exchange.watch.asked.lock().begin(peer.as_deref().ok());
            let mut peer = peer.map_err(no_upstream)?;
            // an upgrade is a matter of HTTP/1.1
            peer.options.set_http_version(1, 1);
            match self.0.transport.new_stream(&*peer).await {
                Ok(stream) => return Ok((peer, stream)),
                Err(_) if trip.could_not_connect() => {}
                Err(fault) => return Err(fault.into_up()),
            }
        }
    }

    /// Resolves when the request that opened the socket would no longer be let through: signed out, expired,
    /// out of the group, or the route is gone. Asked every second, under the configuration of that second.
    async fn ended(&self, case: &Case, active: &AtomicBool) {
        let mut tick = tokio::time::interval(AGAIN);
        loop {
            tick.tick().await;
            match self.decide_again(case, active).await {
                Some(Decision::Forward(_)) => {}
                _ => return,
            }
        }
    }
}

/// What the watchman is told of the request.
fn case(
    request: &Request,
    exchange: &mut Exchange,
    inbound: Inbound,
    permit: &Permit,
    route: &Route,
) -> Case {
    Case {
        token: exchange.token.take(),
        client: exchange.client,
        client_certificate: exchange.client_certificate.clone(),
        live: Arc::clone(&exchange.live),
        route: permit.route(),
        person: permit.person().cloned(),
        reference: Arc::clone(&exchange.reference),
        trace: exchange.trace,
        noted: Noted::of(request),
        started: exchange.started,
        time: route.limits.time,
        // the answer to a sign-out outlives the session
        bound: !exchange.signed_out,
        inbound,
    }
}

pub(super) fn assertion(
    seams: &Seams,
    permit: &Permit,
    route: &Route,
) -> Result<Option<http::HeaderValue>, Unavailable> {
    match (permit.person(), &route.identity.assertion) {
        (Some(view), Some(spec)) => seams.assertions.assertion(view, spec).map(Some),
        (Some(_) | None, _) => Ok(None),
    }
}

/// A permitted request that leads nowhere within its application.
async fn off_course(
    request: &mut Request,
    exchange: &mut Exchange,
    off: OffCourse,
) -> Result<bool> {
    match off {
        OffCourse::Ambiguous => {
            exchange.outcome = "refused";
            respond::refusal(request, exchange, Refusal::Malformed("mapped path")).await
        }
        OffCourse::Forbidden => {
            exchange.outcome = "foreign_destination";
            respond::error(request, exchange, ErrorKind::Forbidden).await
        }
        OffCourse::Slash(location) => {
            exchange.outcome = "to_folder";
            respond::to_https(request, exchange, &location).await
        }
    }
}

fn too_large(route: &Route, length: Option<u64>) -> bool {
    matches!((route.body_limit, length), (Some(limit), Some(length)) if length > limit)
}

/// Counts an open WebSocket for as long as it lives.
struct OpenSocket(Arc<Seams>);

impl OpenSocket {
    fn new(seams: &Arc<Seams>) -> Self {
        seams.observer.websocket(1);
        Self(Arc::clone(seams))
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.observer.websocket(-1);
    }
}
