//! The gateway: every request walks one line, and only the holder of a permit gets to an application.
//!
//! ```text
//! parse (inbound) -> find the route -> find the session -> policy::decide
//!     -> Portal | HostPage | Challenge | Redirect | Deny | Forward(permit)
//! ```
//!
//! There is no way round: `OPTIONS`, upgrades and health checks walk the same line. [`Gateway::walk`] is all of
//! it up to the decision, `through` what follows a permit; the other files are its steps. Pingora calls the
//! phases in [`phases`].

mod bridge;
mod client;
mod connection;
mod cookies;
mod course;
mod exchange;
mod forward;
mod inbound;
mod listener;
mod phases;
mod question;
mod respond;
mod response;
mod rewriting;
mod role;
pub mod seams;
mod through;
mod tls;
mod tunnel;
mod upstream;
mod verify;
mod wire;

pub use listener::{Inherited, ListenFault, Listener, Prepared, Replaced, Running};
pub use role::Role;
pub use tls::{CertificateFault, CertificateFiles, Certificates};
pub use upstream::CaFault;

use crate::domain::host::{Host, Origin};
use crate::domain::policy::{self, Decision, Denial, TwoFactorRules};
use crate::domain::request::Mode;
use crate::domain::route::{RouteIndex, Table};
use crate::domain::secret::Token;
use crate::domain::session::{self, View};
use crate::env::Env;
use arc_swap::ArcSwap;
use exchange::Exchange;
use forward::Protected;
use inbound::Inbound;
use ipnet::IpNet;
use pingora::Result;
use pingora::connectors::TransportConnector;
use pingora::http::RequestHeader;
use pingora::proxy::Session as Request;
use respond::Challenge;
use rewriting::Rewriting;
use seams::{ErrorKind, Seams, Unavailable};
use std::sync::Arc;
use upstream::{Names, Pools};

/// What is configured: one generation, replaced as a whole.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub portal: Origin,
    pub routes: Table,
    pub two_factor: TwoFactorRules,
    pub sessions: session::Rules,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may ask whether a request is to be let through.
    pub askers: Vec<IpNet>,
}

/// A snapshot with what is derived from it.
struct Live {
    snapshot: Snapshot,
    seams: Arc<Seams>,
    portal: axum::Router,
    host_pages: axum::Router,
    protected: Protected,
    pools: Pools,
    rewriting: Rewriting,
    portal_url: String,
    sign_in_url: String,
}

impl Live {
    fn new(snapshot: Snapshot, seams: Seams, names: &Arc<Names>) -> Result<Self, CaFault> {
        let portal_url = snapshot.portal.to_string();
        Ok(Self {
            portal: seams.pages.portal(),
            host_pages: seams.pages.host_pages(),
            seams: Arc::new(seams),
            protected: Protected::of(&snapshot.routes),
            rewriting: Rewriting::of(&snapshot.routes),
            pools: Pools::new(&snapshot.routes, Arc::clone(names))?,
            sign_in_url: format!("{portal_url}/signin"),
            portal_url,
            snapshot,
        })
    }

    fn rules(&self) -> policy::Rules<'_> {
        policy::Rules {
            two_factor: &self.snapshot.two_factor,
            sessions: &self.snapshot.sessions,
        }
    }
}

/// The gateway. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    live: ArcSwap<Live>,
    names: Arc<Names>,
    env: Env,
    websockets: TransportConnector,
}

/// See [`Gateway::prepare`].
pub struct Generation(Live);

impl std::fmt::Debug for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Generation")
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// Fails where a route's CA file cannot be used.
    pub fn new(snapshot: Snapshot, seams: Seams, env: Env) -> Result<Self, CaFault> {
        let names = Arc::new(Names::default());
        Ok(Self(Arc::new(Inner {
            live: ArcSwap::from_pointee(Live::new(snapshot, seams, &names)?),
            names,
            env,
            websockets: TransportConnector::new(None),
        })))
    }

    /// Another generation of the configuration, ready to be put in force; what can fail, fails here.
    pub fn prepare(&self, snapshot: Snapshot, seams: Seams) -> Result<Generation, CaFault> {
        Live::new(snapshot, seams, &self.0.names).map(Generation)
    }

    /// Puts a generation in force; requests in flight finish under the one they began with.
    pub fn install(&self, generation: Generation) {
        self.0.live.store(Arc::new(generation.0));
    }

    /// Binds and serves, inside the caller's tokio runtime. Addresses that `inherited` has sockets for are not
    /// bound again.
    pub fn serve(
        &self,
        listeners: Vec<Listener>,
        inherited: &mut Inherited,
    ) -> Result<Running, ListenFault> {
        let inner = Arc::clone(&self.0);
        let is_proxy = move |peer| {
            let snapshot = &inner.live.load().snapshot;
            client::is_trusted(peer, &snapshot.trusted_proxies)
                || client::is_trusted(peer, &snapshot.askers)
        };
        let proxy = phases::proxy(self.clone());
        Running::start(listeners, inherited, proxy, Arc::new(is_proxy))
    }

    /// The line. `Ok(true)`: answered. `Ok(false)`: the exchange holds a permit and is to be forwarded.
    async fn walk(&self, request: &mut Request, exchange: &mut Exchange) -> Result<bool> {
        match exchange.role {
            Role::Browsers | Role::RedirectToHttps => {}
            Role::BehindProxy => {
                if self.not_from_the_proxy(request, exchange).await? {
                    return Ok(true);
                }
            }
            Role::ForwardAuth => return self.verify(request, exchange).await,
        }
        let inbound = match exchange.admit(request) {
            Ok(inbound) => inbound,
            Err(refusal) => {
                exchange.outcome = "refused";
                return respond::refusal(request, exchange, refusal).await;
            }
        };
        match self.place(request, exchange, &inbound) {
            Place::Elsewhere(kind, outcome) => {
                exchange.outcome = outcome;
                respond::error(request, exchange, kind).await
            }
            Place::ToHttps(location) => {
                exchange.outcome = "to_https";
                respond::to_https(request, exchange, &location).await
            }
            Place::Portal => {
                exchange.outcome = "portal";
                bridge::serve(request, exchange, exchange.live.portal.clone(), None).await?;
                Ok(true)
            }
            Place::HostPage(title) => {
                exchange.outcome = "host_page";
                let pages = exchange.live.host_pages.clone();
                bridge::serve(request, exchange, pages, title.as_deref()).await?;
                Ok(true)
            }
            Place::Route(index) => {
                exchange.route = Some(index);
                let decision = self.decide(request, exchange, &inbound, index).await;
                self.act(request, exchange, inbound, decision).await
            }
        }
    }

    /// Whose place the request is for, before anybody asks who sends it.
    fn place(&self, request: &Request, exchange: &Exchange, inbound: &Inbound) -> Place {
        let snapshot = &exchange.live.snapshot;
        let ours = inbound.host == *snapshot.portal.host();
        if !ours && !snapshot.routes.knows_host(&inbound.host) {
            return Place::Elsewhere(ErrorKind::UnknownHost, "unknown_host");
        }
        let over_http = exchange.role == Role::BehindProxy && !exchange.https;
        if exchange.role == Role::RedirectToHttps || over_http {
            return Place::ToHttps(self.https_address(exchange, inbound));
        }
        if !tls_name_covers(request, &inbound.host) {
            return Place::Elsewhere(ErrorKind::UnknownHost, "misdirected");
        }
        if ours {
            return Place::Portal;
        }
        let route = snapshot.routes.find(&inbound.host, &inbound.path);
        if inbound.path.is_host_page() {
            let title = route.map(|(_, r)| r.title.clone());
            return Place::HostPage(title.or_else(|| {
                let first = snapshot.routes.first_on(&inbound.host);
                first.map(|r| r.title.clone())
            }));
        }
        match route {
            Some((_, route)) if route.forward_auth && route.upstreams.is_empty() => {
                // only asked about, see `verify`
                Place::Elsewhere(ErrorKind::NotFound, "no_upstream")
            }
            Some((index, _)) => Place::Route(index),
            None => Place::Elsewhere(ErrorKind::NotFound, "no_route"),
        }
    }

    fn https_address(&self, exchange: &Exchange, inbound: &Inbound) -> String {
        let snapshot = &exchange.live.snapshot;
        let route = snapshot.routes.first_on(&inbound.host);
        let origin = route.map_or(&snapshot.portal, |r| &r.origin);
        format!("{origin}{}", inbound.path_and_query())
    }

    /// Finds the session and decides. A store that is away closes every door but the public ones. The
    /// application's own sign-out ends the session whatever the decision is: nobody has to prove more, or to be
    /// reminded of anything, to leave.
    async fn decide(
        &self,
        request: &Request,
        exchange: &mut Exchange,
        inbound: &Inbound,
        index: RouteIndex,
    ) -> Result<Decision, Unavailable> {
        let found = self
            .session(&exchange.seams, request.req_header(), &inbound.host)
            .await;
        let (view, away) = match found {
            Ok(view) => (view, None),
            Err(unavailable) => (None, Some(unavailable)),
        };
        let live = Arc::clone(&exchange.live);
        let route = live.snapshot.routes.route(index);
        let route = route.ok_or_else(|| Unavailable("no such route".to_owned()))?;
        let facts = exchange.facts(inbound);
        let now = self.0.env.now();
        let decision = policy::decide((index, route), &facts, view.as_ref(), live.rules(), now);
        exchange.person = view.filter(|v| v.is_live(&live.snapshot.sessions, now));
        let signs_out = route.logout_paths.iter().any(|p| p.matches(&inbound.path));
        match (decision, away) {
            (Decision::SignIn, Some(unavailable)) => Err(unavailable),
            // whoever signs out is not told so while the session lives
            (_, Some(unavailable)) if signs_out => Err(unavailable),
            (decision, _) => {
                if let Some(view) = exchange.person.as_ref().filter(|_| signs_out) {
                    exchange.seams.sessions.end(view).await?;
                    exchange.signed_out = true;
                }
                Ok(decision)
            }
        }
    }

    /// The session of the request's only cookie of our name.
    async fn session(
        &self,
        seams: &Seams,
        head: &RequestHeader,
        host: &Host,
    ) -> Result<Option<Arc<View>>, Unavailable> {
        let token = cookies::single(&head.headers, seams::SESSION_COOKIE);
        match token.filter(|t| Token::parse(t).is_some()) {
            Some(token) => seams.sessions.find(token, host).await,
            None => Ok(None),
        }
    }

    async fn act(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        inbound: Inbound,
        decision: Result<Decision, Unavailable>,
    ) -> Result<bool> {
        let decision = match decision {
            Ok(decision) => decision,
            Err(unavailable) => return self.unavailable(request, exchange, &unavailable).await,
        };
        exchange.outcome = decision.code();
        match decision {
            Decision::Forward(permit) if exchange.role == Role::ForwardAuth => {
                self.vouch(request, exchange, &permit).await
            }
            Decision::Forward(permit) => self.forward(request, exchange, inbound, permit).await,
            _ if exchange.signed_out => self.signed_out(request, exchange, inbound.mode).await,
            Decision::SignIn => self.ask(request, exchange, Challenge::SignIn).await,
            Decision::StepUp { max_age } => {
                self.ask(request, exchange, Challenge::StepUp { max_age })
                    .await
            }
            Decision::Enrol | Decision::Remind | Decision::EnrolOverdue => {
                self.ask(request, exchange, Challenge::Enrol).await
            }
            Decision::Deny(Denial::Group | Denial::Network) => {
                respond::error(request, exchange, ErrorKind::Forbidden).await
            }
            Decision::Deny(Denial::Method) => {
                let live = Arc::clone(&exchange.live);
                let methods = exchange.route_in(&live).map(|r| &r.access.methods);
                let allowed: Vec<&str> =
                    methods.into_iter().flatten().map(String::as_str).collect();
                respond::method_not_allowed(request, exchange, &allowed).await
            }
        }
    }

    /// Something is missing: a browser is sent to the portal, a form keeps its page, a program is told.
    async fn ask(
        &self,
        request: &mut Request,
        exchange: &Exchange,
        challenge: Challenge,
    ) -> Result<bool> {
        let (Some(inbound), Some(route)) = (&exchange.inbound, exchange.route()) else {
            return respond::error(request, exchange, ErrorKind::Internal).await;
        };
        match inbound.mode {
            Mode::Navigation => {
                let headers = &request.req_header().headers;
                let pre = cookies::single(headers, seams::PRE_SESSION_COOKIE);
                let pages = &exchange.seams.pages;
                let door = pages.door(&route.origin, &inbound.path_and_query(), pre);
                respond::to_door(request, exchange, &door).await
            }
            Mode::FormPost => respond::error(request, exchange, ErrorKind::FormExpired).await,
            Mode::Programmatic => respond::challenge(request, exchange, challenge).await,
        }
    }

    /// Signed out at an address that the application may not be asked for: nothing is missing any more.
    async fn signed_out(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        mode: Mode,
    ) -> Result<bool> {
        exchange.outcome = "signed_out";
        match mode {
            Mode::Navigation | Mode::FormPost => respond::to_signed_out(request, exchange).await,
            Mode::Programmatic => respond::challenge(request, exchange, Challenge::SignIn).await,
        }
    }

    async fn unavailable(
        &self,
        request: &mut Request,
        exchange: &mut Exchange,
        reason: &Unavailable,
    ) -> Result<bool> {
        tracing::error!(reason = %reason.0, request.id = %exchange.reference, "a request is refused: {reason}");
        exchange.outcome = "unavailable";
        respond::error(request, exchange, ErrorKind::Unavailable).await
    }
}

/// What a request is addressed to.
enum Place {
    Portal,
    HostPage(Option<String>),
    Route(RouteIndex),
    ToHttps(String),
    Elsewhere(ErrorKind, &'static str),
}

/// RFC 9110 7.4: a host whose certificate the client was not shown is not answered on this connection.
fn tls_name_covers(request: &Request, host: &Host) -> bool {
    let digest = request.digest().and_then(|d| d.ssl_digest.as_ref());
    let name = digest.and_then(|d| d.extension.get::<tls::TlsName>());
    name.is_none_or(|n| n.may_serve(host.as_str()))
}
