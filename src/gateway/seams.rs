//! What the gateway needs from the rest of the program, as small traits.
//!
//! The line is written against these; `app` plugs in the sessions, the portal's pages, the signer and the
//! metrics. None of them is asked for a decision: that is `domain::policy`'s alone.

use crate::domain::answer::Maintenance;
use crate::domain::host::{Host, Origin};
use crate::domain::logged::Logged;
use crate::domain::route::{AssertionSpec, RouteIndex};
use crate::domain::session::View;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use std::sync::Arc;

pub use crate::portal::cookie::{
    LANGUAGE as LANGUAGE_COOKIE, PRE_SESSION as PRE_SESSION_COOKIE, SESSION as SESSION_COOKIE,
    SIGN_IN as SIGN_IN_COOKIE,
};
pub use crate::portal::destination::Door;
pub use crate::portal::errors::ErrorKind;
pub use crate::portal::visit::Conn;

/// What was asked cannot be answered now (the store is away): to be met with 503, never with a way in.
#[derive(Debug, thiserror::Error)]
#[error("unavailable: {0}")]
pub struct Unavailable(pub String);

/// The sessions, cached by whoever implements this.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The session this cookie value stands for on `host`; `None` for everything else.
    async fn find(&self, token: &str, host: &Host) -> Result<Option<Arc<View>>, Unavailable>;
    /// Marks activity, for the idle limit. Called for each forwarded request, so it must be cheap.
    fn seen(&self, view: &View);
    /// Ends the session and its siblings on all hosts, at the application's own sign-out.
    async fn end(&self, view: &View) -> Result<(), Unavailable>;
}

/// The portal's pages. The routers are asked for once and cloned for each request.
///
/// Requests to them carry these extensions: [`Conn`], [`Reference`], and on application hosts [`RouteTitle`].
pub trait Pages: Send + Sync {
    /// Everything on the portal's host.
    fn portal(&self) -> axum::Router;
    /// What lies under `/.vestibule/` on application hosts.
    fn host_pages(&self) -> axum::Router;
    /// The address to send a browser to that must sign in (or step up, or enrol) before it may see
    /// `path_and_query` on `origin`.
    fn door(&self, origin: &Origin, path_and_query: &str, pre_session_cookie: Option<&str>)
    -> Door;
    /// A page for a refusal or a fault. Its status is the gateway's to set.
    fn error_page(&self, kind: ErrorKind, request: &PageRequest<'_>) -> http::Response<Bytes>;
}

/// What an error page may show and in which language.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    pub host: Option<&'a Host>,
    pub path_and_query: &'a str,
    pub accept_language: Option<&'a str>,
    pub lang_cookie: Option<&'a str>,
    pub app_title: Option<&'a str>,
    /// What pages call the person by, where somebody is signed in.
    pub person: Option<&'a str>,
    /// The request's id, for the helpdesk to find it in the log.
    pub reference: &'a str,
    /// Where "sign in" leads.
    pub sign_in: &'a str,
    /// What a page about maintenance says.
    pub maintenance: Option<&'a Maintenance>,
}

/// The request's id, in the extensions of requests to the pages.
#[derive(Clone, Debug)]
pub struct Reference(pub Arc<str>);

/// What the application is called, in the extensions of requests to its host's pages.
#[derive(Clone, Debug)]
pub struct RouteTitle(pub Arc<str>);

/// Signs (or finds in a cache) the statement for an upstream, see `domain::assertion::Claims`.
pub trait Assertions: Send + Sync {
    fn assertion(&self, view: &View, spec: &AssertionSpec) -> Result<HeaderValue, Unavailable>;
}

/// Counts what happens.
pub trait Observer: Send + Sync {
    /// One request, when it is over: to be counted, written down, traced. Must not wait: it is called between a
    /// request and the next. The outcome is a stable word of a small set.
    fn request(&self, route: Option<RouteIndex>, request: &Logged<'_>);
    /// A WebSocket opened (1) or ended (-1).
    fn websocket(&self, delta: i64);
    /// Something happened at an upstream.
    fn upstream(&self, event: UpstreamEvent<'_>);
}

/// What happens at upstreams; routes and upstreams as the configuration has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamEvent<'a> {
    /// What the health checks say, after each of them.
    Health {
        route: &'a str,
        upstream: &'a str,
        up: bool,
    },
    /// It is not checked any more.
    Gone { route: &'a str, upstream: &'a str },
    /// It is left out for a while, because requests to it failed.
    Ejected { route: &'a str, upstream: &'a str },
    /// A request is sent to another upstream, or once more.
    Retried { route: &'a str },
}

/// All of them, for [`super::Gateway::new`].
#[derive(Clone)]
pub struct Seams {
    pub sessions: Arc<dyn Sessions>,
    pub pages: Arc<dyn Pages>,
    pub assertions: Arc<dyn Assertions>,
    pub observer: Arc<dyn Observer>,
    /// Answers to servers of certificates; `None`: nobody asks any.
    pub issued: Option<Arc<super::Issued>>,
}

impl std::fmt::Debug for Seams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seams")
    }
}
