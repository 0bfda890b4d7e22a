//! Past the decision: with a permit in hand, on to the application.

use super::Gateway;
use super::course::OffCourse;
use super::exchange::Exchange;
use super::forward::Forwarding;
use super::inbound::{Inbound, Refusal};
use super::message_signature::Moment;
use super::seams::{ErrorKind, Seams, Unavailable};
use super::{answers, course, respond, tunnel};
use crate::domain::policy::{self, Decision, Permit};
use crate::domain::route::{Route, RouteIndex};
use pingora::Result;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Stream;
use pingora::proxy::Session as Request;
use pingora::upstreams::peer::HttpPeer;
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
        let place = (permit.route(), route);
        let now = self.0.env.now();
        let course = match course::of(exchange, request.req_header(), &inbound, place, now) {
            Ok(course) => course,
            Err(off) => return off_course(request, exchange, off).await,
        };
        let assertion = match assertion(&exchange.seams, &permit, route) {
            Ok(assertion) => assertion,
            Err(unavailable) => return self.unavailable(request, exchange, &unavailable).await,
        };
        // after the application's own sign-out it still hears of it, everything else has ended
        if let Some(view) = permit.person().filter(|_| !exchange.signed_out) {
            exchange.seams.sessions.seen(view);
        }
        let signs = live.signers.signs(permit.route());
        let moment = signs.then(|| Moment {
            created: now,
            nonce: self.0.env.random(),
        });
        let forwarding = Forwarding {
            permit,
            client: exchange.client,
            https: exchange.https,
            assertion,
            reference: Arc::clone(&exchange.reference),
            course,
            moment,
        };
        exchange.turn = live.pools.turn(forwarding.permit.route());
        if inbound.websocket {
            exchange.outcome = "websocket";
            self.websocket(request, exchange, &inbound, forwarding)
                .await?;
            return Ok(true);
        }
        exchange.forwarding = Some(forwarding);
        Ok(false)
    }

    async fn websocket(
        &self,
        request: &mut Request,
        exchange: &Exchange,
        inbound: &Inbound,
        forwarding: Forwarding,
    ) -> Result<()> {
        let client_head = request.req_header().clone();
        let (peer, upstream, attempt) = self.connect(exchange, forwarding.permit.route()).await?;
        let head = tunnel::handshake(request, exchange, &forwarding, attempt)?;
        let active = AtomicBool::new(false);
        let ended = self.ended(&client_head, exchange, inbound, &active);
        let _open = OpenSocket::new(&exchange.seams);
        let mark = || active.store(true, Ordering::Relaxed);
        let tidy = |head: &mut ResponseHeader| exchange.client_head(head, &forwarding);
        tunnel::relay(request, upstream, &peer, head, tidy, ended, mark).await
    }

    /// A connection to the first upstream that takes one, and at which attempt that was.
    async fn connect(
        &self,
        exchange: &Exchange,
        route: RouteIndex,
    ) -> Result<(HttpPeer, Stream, usize)> {
        let mut attempts = 0;
        loop {
            let connected = match exchange.peer(route, attempts).await {
                Ok(peer) => {
                    let stream = self.0.websockets.new_stream(&peer).await;
                    stream.map(|s| (peer, s, attempts)).map_err(|e| e.into_up())
                }
                Err(fault) => Err(fault),
            };
            attempts += 1;
            if connected.is_ok() || !exchange.may_try_again(attempts) {
                return connected;
            }
        }
    }

    /// Resolves when the request that opened the socket would no longer be let through: signed out, expired,
    /// out of the group, or the route is gone. Asked every second, under the configuration of that second.
    async fn ended(
        &self,
        head: &RequestHeader,
        exchange: &Exchange,
        inbound: &Inbound,
        active: &AtomicBool,
    ) {
        let mut tick = tokio::time::interval(AGAIN);
        loop {
            tick.tick().await;
            let live = self.0.live.load_full();
            let Some(found) = live.snapshot.routes.find(&inbound.host, &inbound.path) else {
                return;
            };
            let Ok(view) = self.session(&live.seams, head, &inbound.host).await else {
                return;
            };
            let facts = exchange.facts(inbound);
            let now = self.0.env.now();
            match policy::decide(found, &facts, view.as_ref(), live.rules(), now) {
                Decision::Forward(_) => {}
                _ => return,
            }
            if let Some(view) = view.filter(|_| active.swap(false, Ordering::Relaxed)) {
                live.seams.sessions.seen(&view);
            }
        }
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
