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

mod answers;
mod bridge;
mod client;
mod connection;
mod cookies;
mod course;
mod crowd;
mod direct;
mod exchange;
mod forward;
mod hsts;
mod inbound;
mod listener;
mod log;
mod message_signature;
mod outgoing;
mod phases;
mod question;
mod rates;
mod respond;
mod response;
mod rewriting;
mod role;
pub mod seams;
mod steps;
mod through;
mod tls;
mod told;
mod tunnel;
mod upstream;
mod verify;
mod watch;
mod wire;

pub use hsts::Hsts;
pub use listener::{Inherited, ListenFault, Listener, Prepared, Replaced, Running};
pub use role::Role;
pub use tls::{
    CertificateFault, CertificateFiles, Certificates, ClientCertificates, Expiry, Issued, TlsSpec,
};
pub use told::{Told, Value, client_address, is_trusted, takes_certificate, told, told_names};
pub use upstream::UpstreamFault;

use crate::domain::host::{Host, Origin};
use crate::domain::limits::Limits;
use crate::domain::policy::{self, Decision, Denial, TwoFactorRules};
use crate::domain::request::Mode;
use crate::domain::route::{RouteIndex, Table};
use crate::domain::session::{self, View};
use crate::domain::trace::{self, Sampling};
use crate::env::Env;
use arc_swap::ArcSwap;
use crowd::Crowd;
use exchange::Exchange;
use forward::Protected;
use http::Method;
use inbound::Inbound;
use ipnet::IpNet;
use message_signature::Signers;
use pingora::Result;
use pingora::connectors::TransportConnector;
use pingora::proxy::Session as Request;
use rates::Rates;
use respond::Challenge;
use rewriting::Rewriting;
use seams::{ErrorKind, Seams, Unavailable};
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;
use upstream::Idle;
use upstream::{Common, Pools};
use watch::Watched;

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
    pub hsts: Hsts,
    /// How many of the traces that begin here are recorded.
    pub sampling: Sampling,
    /// What one client may cost. The total of connections is that of the start.
    pub limits: Limits,
}

/// A snapshot with what is derived from it.
struct Live {
    snapshot: Snapshot,
    seams: Arc<Seams>,
    portal: axum::Router,
    host_pages: axum::Router,
    protected: Protected,
    pools: Pools,
    rates: Rates,
    rewriting: Rewriting,
    signers: Signers,
    portal_url: String,
    sign_in_url: String,
}

impl Live {
    fn new(
        snapshot: Snapshot,
        seams: Seams,
        common: &Arc<Common>,
        previous: Option<&Self>,
    ) -> Result<Self, Unfit> {
        let portal_url = snapshot.portal.to_string();
        Ok(Self {
            portal: seams.pages.portal(),
            host_pages: seams.pages.host_pages(),
            seams: Arc::new(seams),
            protected: Protected::of(&snapshot.routes),
            rewriting: Rewriting::of(&snapshot.routes),
            signers: Signers::of(&snapshot.routes).ok_or(Unfit::NoMessageKey)?,
            pools: Pools::new(&snapshot.routes, common, previous.map(|p| &p.pools))?,
            rates: Rates::of(&snapshot.routes, previous.map(|p| &p.rates)),
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
    upstreams: Arc<Common>,
    env: Env,
    /// Makes connections to upstreams, but for those of pingora's own way.
    transport: TransportConnector,
    idle: Idle,
    /// Requests under way, by client.
    crowd: Crowd,
}

/// A configuration that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(transparent)]
    Upstreams(#[from] UpstreamFault),
    #[error("a route is to sign its requests and has no key to do it with")]
    NoMessageKey,
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
    /// Fails where a file that a route needs for its upstreams cannot be used.
    pub fn new(snapshot: Snapshot, seams: Seams, env: Env) -> Result<Self, Unfit> {
        let upstreams = Common::new(Arc::clone(&seams.observer));
        Ok(Self(Arc::new(Inner {
            live: ArcSwap::from_pointee(Live::new(snapshot, seams, &upstreams, None)?),
            upstreams,
            env,
            transport: TransportConnector::new(None),
            idle: Idle::new(phases::POOL),
            crowd: Crowd::default(),
        })))
    }

    /// Another generation of the configuration, ready to be put in force; what can fail, fails here. What is
    /// known of upstreams that stay is kept.
    pub fn prepare(&self, snapshot: Snapshot, seams: Seams) -> Result<Generation, Unfit> {
        let previous = self.0.live.load();
        Live::new(snapshot, seams, &self.0.upstreams, Some(&previous)).map(Generation)
    }

    /// Puts a generation in force; requests in flight finish under the one they began with. Inside the tokio
    /// runtime that serves: health checks of the old one end, those of the new one begin.
    pub fn install(&self, generation: Generation) {
        let live = Arc::new(generation.0);
        let previous = self.0.live.swap(Arc::clone(&live));
        previous.pools.retire(&live.pools);
        live.pools.watch();
    }

    /// Binds and serves, inside the caller's tokio runtime. Addresses that `inherited` has sockets for are not
    /// bound again.
    pub fn serve(
        &self,
        listeners: Vec<Listener>,
        inherited: &mut Inherited,
    ) -> Result<Running, ListenFault> {
        let inner = Arc::clone(&self.0);
        let limits = self.0.live.load().snapshot.limits;
        let terms = move |peer| {
            let live = inner.live.load();
            let snapshot = &live.snapshot;
            let limits = snapshot.limits;
            let many = client::is_trusted(peer, &snapshot.trusted_proxies)
                || client::is_trusted(peer, &snapshot.askers);
            let most = if many {
                u32::MAX
            } else {
                limits.connections_per_address
            };
            (most, limits)
        };
        self.0.live.load().pools.watch();
        let app = Arc::new(Watched {
            proxy: phases::proxy(self.clone(), limits),
            gateway: self.clone(),
        });
        tokio::spawn(tidy_rates(Arc::downgrade(&self.0)));
        tokio::spawn(tidy_connections(Arc::downgrade(&self.0)));
        Running::start(
            listeners,
            inherited,
            app,
            Arc::new(terms),
            limits.connections,
        )
    }

    /// What a request's id and its place in a trace are made from.
    fn seeds(&self) -> ([u8; 8], [u8; trace::SEED]) {
        const EACH: usize = 8 + trace::SEED;
        const STOCK: usize = 64;
        thread_local! {
            // the system is asked once for so many requests
            static STOCKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let (mut id, mut seed) = ([0; 8], [0; trace::SEED]);
        STOCKED.with_borrow_mut(|stock| {
            if stock.len() < EACH {
                *stock = self.0.env.random::<{ EACH * STOCK }>().to_vec();
            }
            let random = stock.split_off(stock.len().saturating_sub(EACH));
            for (slot, byte) in id.iter_mut().chain(&mut seed).zip(random) {
                *slot = byte;
            }
        });
        (id, seed)
    }

    /// The line. `Ok(true)`: answered. `Ok(false)`: the exchange holds a permit and is to be forwarded.
    async fn walk(&self, request: &mut Request, exchange: &mut Exchange) -> Result<bool> {
        if !self.joins(exchange) {
            exchange.outcome = "too_many";
            return respond::too_many(request, exchange, Duration::ZERO).await;
        }
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
            Place::Challenge(answer) => {
                exchange.outcome = "acme_challenge";
                respond::plain(request, exchange, &answer).await
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

    /// Counts the request among those of its client that are under way; `false`: they are too many. A proxy that
    /// does not say for whom it asks is many clients, and questions are answered at once.
    fn joins(&self, exchange: &mut Exchange) -> bool {
        let snapshot = &exchange.live.snapshot;
        let client = exchange.client;
        if exchange.role == Role::ForwardAuth
            || client::is_trusted(client, &snapshot.trusted_proxies)
        {
            return true;
        }
        let most = snapshot.limits.requests_per_address;
        exchange.member = self.0.crowd.join(client, most);
        exchange.member.is_some()
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
            let issued = exchange.live.seams.issued.as_ref();
            let token = issued.zip(challenge_token(inbound));
            if let Some(answer) = token.and_then(|(i, t)| i.http_answer(&inbound.host, t)) {
                return Place::Challenge(answer);
            }
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
        let headers = &request.req_header().headers;
        exchange.token = cookies::single(headers, seams::SESSION_COOKIE).map(str::to_owned);
        let token = exchange.token.as_deref();
        let found = session_of(&exchange.live.seams, token, &inbound.host).await;
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
                    exchange.live.seams.sessions.end(view).await?;
                    exchange.signed_out = true;
                }
                Ok(decision)
            }
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
            Decision::Maintenance => {
                answers::maintenance(request, exchange, self.0.env.now()).await
            }
            Decision::AnswerPreflight => answers::preflight(request, exchange).await,
            Decision::Deny(Denial::Group | Denial::Network | Denial::ClientCertificate) => {
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
                let pages = &exchange.live.seams.pages;
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

/// The session that a cookie's value stands for.
async fn session_of(
    seams: &Seams,
    token: Option<&str>,
    host: &Host,
) -> Result<Option<Arc<View>>, Unavailable> {
    match token {
        Some(token) => seams.sessions.find(token, host).await,
        None => Ok(None),
    }
}

/// Until the gateway is gone.
async fn tidy_rates(gateway: Weak<Inner>) {
    loop {
        tokio::time::sleep(rates::TIDY).await;
        match gateway.upgrade() {
            Some(inner) => inner.live.load().rates.tidy(),
            None => return,
        }
    }
}

/// Until the gateway is gone.
async fn tidy_connections(gateway: Weak<Inner>) {
    loop {
        tokio::time::sleep(upstream::TIDY).await;
        match gateway.upgrade() {
            Some(inner) => inner.idle.tidy(),
            None => return,
        }
    }
}

/// What a request is addressed to.
enum Place {
    Portal,
    HostPage(Option<String>),
    Route(RouteIndex),
    ToHttps(String),
    /// A server of certificates asks whether the host is ours.
    Challenge(Arc<str>),
    Elsewhere(ErrorKind, &'static str),
}

/// RFC 9110 7.4: a host whose certificate the client was not shown is not answered on this connection.
fn tls_name_covers(request: &Request, host: &Host) -> bool {
    let name = tls::TlsName::of(request);
    name.is_none_or(|n| n.may_serve(host.as_str()))
}

/// The token of an address that a server of certificates asks for (RFC 8555 8.3).
fn challenge_token(inbound: &Inbound) -> Option<&str> {
    let token = inbound
        .path
        .as_str()
        .strip_prefix("/.well-known/acme-challenge/");
    token.filter(|_| matches!(inbound.method, Method::GET | Method::HEAD))
}
