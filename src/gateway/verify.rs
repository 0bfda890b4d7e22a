//! For those who keep their proxy: it asks about each request, and passes on itself what is let through. And for the
//! same proxy in front of our own pages: what it says of the browser's connection.
//!
//! A question walks the same line as a request: one canonical path, the session of that host, `policy::decide`.
//! Questions are answered on listeners of their own only. On an application's host a browser could ask, too: the proxy
//! passes `/.vestibule/` on, and then the browser's headers come from a trusted address.

use super::exchange::Exchange;
use super::inbound;
use super::question::{self, NoQuestion};
use super::respond;
use super::seams::ErrorKind;
use super::{Gateway, client, course, forward, through, tunnel};
use crate::domain::policy::Permit;
use crate::domain::route::RouteIndex;
use pingora::Result;
use pingora::proxy::Session as Request;

impl Gateway {
    /// The whole way of a question.
    pub(super) async fn verify(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
    ) -> Result<bool> {
        if !client::is_trusted(exchange.peer, &exchange.live.snapshot.askers) {
            return stranger(request, exchange, "forward_auth.trusted_proxies").await;
        }
        let question = match read(request, exchange) {
            Ok(question) => question,
            Err(NoQuestion::Elsewhere) => {
                exchange.outcome = "no_route";
                return respond::error(request, exchange, ErrorKind::NotFound).await;
            }
            Err(NoQuestion::Refused(refusal)) => {
                tracing::info!(?refusal, request.id = %exchange.reference, "a proxy's question is refused");
                exchange.outcome = "refused";
                return respond::refusal(request, exchange, refusal).await;
            }
        };
        exchange.https = question.https;
        exchange.verdict_only = question.verdict_only;
        let asked = question.inbound;
        exchange.inbound = Some(asked.clone());
        let index = match self.asked_route(exchange, &asked) {
            Ok(index) => index,
            Err((kind, outcome)) => {
                exchange.outcome = outcome;
                return respond::error(request, exchange, kind).await;
            }
        };
        if !question.https {
            exchange.outcome = "to_https";
            let location = self.https_address(exchange, &asked);
            return respond::to_https(request, exchange, &location).await;
        }
        exchange.route = Some(index);
        let decision = self.decide(request, exchange, &asked, index).await;
        self.act(request, exchange, asked, decision).await
    }

    /// The route that the request would come to. What is ours on an application's host is nobody's to pass on to the
    /// application, and a route has to say that it may be asked about.
    fn asked_route(
        &self,
        exchange: &Exchange,
        asked: &inbound::Inbound,
    ) -> Result<RouteIndex, (ErrorKind, &'static str)> {
        let routes = &exchange.live.snapshot.routes;
        if !routes.knows_host(&asked.host) {
            return Err((ErrorKind::UnknownHost, "unknown_host"));
        }
        match routes.find(&asked.host, &asked.path) {
            Some((index, route)) if route.forward_auth && !asked.path.is_host_page() => Ok(index),
            Some(_) | None => Err((ErrorKind::NotFound, "no_route")),
        }
    }

    /// With a permit in hand: what the application is to be told.
    pub(super) async fn vouch(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        permit: &Permit,
    ) -> Result<bool> {
        let live = std::sync::Arc::clone(&exchange.live);
        let Some(route) = live.snapshot.routes.route(permit.route()) else {
            return respond::error(request, exchange, ErrorKind::Internal).await;
        };
        let is_socket = exchange.inbound.as_ref().is_some_and(|i| i.websocket);
        if is_socket && !tunnel::origin_is_own(request.req_header(), &route.origin) {
            exchange.outcome = "foreign_origin";
            return respond::error(request, exchange, ErrorKind::Forbidden).await;
        }
        let inbound = exchange.inbound.as_ref();
        let now = self.0.env.now();
        let astray = inbound.is_some_and(|inbound| {
            let head = request.req_header();
            course::destination_of(exchange, head, inbound, permit.route(), now).is_err()
        });
        if astray {
            exchange.outcome = "foreign_destination";
            return respond::error(request, exchange, ErrorKind::Forbidden).await;
        }
        let assertion = match through::assertion(&exchange.live.seams, permit, route) {
            Ok(assertion) => assertion,
            Err(unavailable) => return self.unavailable(request, exchange, &unavailable).await,
        };
        // after the application's own sign-out it still hears of it, everything else has ended
        if let Some(view) = permit.person().filter(|_| !exchange.signed_out) {
            exchange.live.seams.sessions.seen(view);
        }
        let told = forward::answer(route, permit, assertion)?;
        respond::permitted(request, exchange, told).await
    }

    /// On a listener for proxies: answers whoever is none, and a proxy that does not say how the browser came.
    pub(super) async fn not_from_the_proxy(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
    ) -> Result<bool> {
        if !client::is_trusted(exchange.peer, &exchange.live.snapshot.trusted_proxies) {
            return stranger(request, exchange, "trusted_proxies").await;
        }
        if client::scheme(&request.req_header().headers).is_some() {
            return Ok(false);
        }
        tracing::warn!(
            peer = %exchange.peer,
            "the proxy does not say in one X-Forwarded-Proto whether the browser came over https; the request is refused"
        );
        exchange.outcome = "refused";
        let refusal = inbound::Refusal::Malformed("x-forwarded-proto");
        respond::refusal(request, exchange, refusal).await
    }
}

/// Nothing of what it sent is looked at.
async fn stranger(request: &mut Request, exchange: &mut Exchange, key: &str) -> Result<bool> {
    tracing::warn!(
        peer = %exchange.peer,
        "a request came to a listener for proxies from an address that is not one of {key}; it is refused"
    );
    exchange.outcome = "untrusted_peer";
    request.set_keepalive(None);
    respond::error(request, exchange, ErrorKind::Forbidden).await
}

fn read(request: &mut Request, exchange: &mut Exchange) -> Result<question::Question, NoQuestion> {
    use inbound::Refusal::Malformed;
    let raw = request.to_h1_raw();
    super::wire::check(&raw)?;
    // pingora cuts a fragment off the target, the application may get it from its proxy
    let line = raw.split(|b| *b == b'\n').next().unwrap_or_default();
    if line.contains(&b'#') {
        return Err(Malformed("target").into());
    }
    let head = request.req_header();
    inbound::admit_question(head)?;
    let question = question::read(head)?;
    let snapshot = &exchange.live.snapshot;
    let is_trusted = |hop| {
        client::is_trusted(hop, &snapshot.askers)
            || client::is_trusted(hop, &snapshot.trusted_proxies)
    };
    // without it each request would come from the proxy's own address, which a rule for networks may well let in
    let client = client::said(&head.headers, is_trusted);
    exchange.client = client.ok_or(Malformed("no x-forwarded-for"))?;
    Ok(question)
}
