//! What the gateway asks of the rest of the program, plugged in: sessions, pages, assertions, metrics.

use super::records::Records;
use crate::authn::Authn;
use crate::config::Settings;
use crate::domain::audit::Place;
use crate::domain::host::{Host, Origin};
use crate::domain::logged::Logged;
use crate::domain::route::{AssertionSpec, RouteIndex};
use crate::domain::session::View;
use crate::gateway::seams::{self, Unavailable};
use crate::portal::errors::ErrorContext;
use crate::portal::{self, Portal};
use crate::signer::Signer;
use crate::telemetry::{self, Metrics, RouteLabel};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;

pub(super) struct SessionSeam {
    pub(super) authn: Arc<Authn>,
}

#[async_trait]
impl seams::Sessions for SessionSeam {
    async fn find(&self, token: &str, host: &Host) -> Result<Option<Arc<View>>, Unavailable> {
        let found = self.authn.sessions().find(token, Some(host)).await;
        found.map_err(|fault| Unavailable(fault.to_string()))
    }

    fn seen(&self, view: &View) {
        self.authn.sessions().seen(view);
    }

    async fn end(&self, view: &View) -> Result<(), Unavailable> {
        let ended = self.authn.sign_out(view, &Place::default()).await;
        ended.map_err(|fault| Unavailable(fault.to_string()))
    }
}

pub(super) struct AssertionSeam(pub(super) Arc<Signer>);

impl seams::Assertions for AssertionSeam {
    fn assertion(
        &self,
        view: &View,
        spec: &AssertionSpec,
    ) -> Result<http::HeaderValue, Unavailable> {
        self.0
            .assertion(view, spec)
            .map_err(|fault| Unavailable(fault.to_string()))
    }
}

pub(super) struct PageSeam(pub(super) Arc<Portal>);

impl seams::Pages for PageSeam {
    fn portal(&self) -> axum::Router {
        portal::routes::portal(Arc::clone(&self.0))
    }

    fn host_pages(&self) -> axum::Router {
        portal::routes::application_host(Arc::clone(&self.0))
    }

    fn door(
        &self,
        origin: &Origin,
        path_and_query: &str,
        pre_session: Option<&str>,
    ) -> seams::Door {
        self.0.door(origin, path_and_query, pre_session)
    }

    fn error_page(
        &self,
        kind: seams::ErrorKind,
        request: &seams::PageRequest<'_>,
    ) -> http::Response<Bytes> {
        let context = ErrorContext {
            host: request.host.cloned(),
            language: request.lang_cookie,
            accept_language: request.accept_language,
            path_and_query: request.path_and_query,
            app: request.app_title,
            shown_as: request.person,
            reference: request.reference,
            maintenance: request.maintenance,
        };
        self.0.error_page(kind, &context)
    }
}

pub(super) struct ObserverSeam {
    metrics: Arc<Metrics>,
    routes: Vec<RouteLabel>,
    portal: RouteLabel,
    none: RouteLabel,
    websockets: Mutex<Vec<telemetry::OpenWebSocket>>,
    records: Records,
}

impl ObserverSeam {
    pub(super) fn new(metrics: &Arc<Metrics>, settings: &Settings, records: Records) -> Self {
        let routes = settings.routes.routes().iter();
        Self {
            routes: routes.map(|r| metrics.route(&r.name)).collect(),
            portal: metrics.route(telemetry::PORTAL),
            none: metrics.route(telemetry::NO_ROUTE),
            metrics: Arc::clone(metrics),
            websockets: Mutex::default(),
            records,
        }
    }
}

impl seams::Observer for ObserverSeam {
    fn request(&self, route: Option<RouteIndex>, request: &Logged<'_>) {
        use telemetry::Outcome;
        let outcome = outcome(request);
        let label = match route.and_then(|index| self.routes.get(index.position())) {
            Some(label) => label,
            None if outcome == Outcome::Portal => &self.portal,
            None => &self.none,
        };
        self.metrics.request(label, outcome, request);
        self.records.take(request);
    }

    fn upstream(&self, event: seams::UpstreamEvent<'_>) {
        use seams::UpstreamEvent::{Ejected, Gone, Health, Retried};
        let upstreams = self.metrics.upstreams();
        match event {
            Health {
                route,
                upstream,
                up,
            } => upstreams.set_up(route, upstream, up),
            Gone { route, upstream } => upstreams.gone(route, upstream),
            Ejected { route, upstream } => upstreams.ejected(route, upstream),
            Retried { route } => upstreams.retried(route),
        }
    }

    fn websocket(&self, delta: i64) {
        let mut open = self.websockets.lock();
        if delta > 0 {
            open.push(self.metrics.websocket());
        } else {
            open.pop();
        }
    }
}

/// How it ended, as metrics have it.
fn outcome(request: &Logged<'_>) -> telemetry::Outcome {
    use telemetry::Outcome;
    match (request.outcome, request.status) {
        ("forward" | "websocket", 502 | 504) => Outcome::UpstreamFailed,
        ("forward" | "websocket", _) => Outcome::Forwarded,
        ("public", _) => Outcome::Public,
        ("portal" | "host_page" | "signed_out", _) => Outcome::Portal,
        ("sign_in", _) => Outcome::Challenged,
        ("step_up" | "enrol" | "enrol_overdue", _) => Outcome::StepUp,
        ("remind", _) => Outcome::Reminded,
        (
            "deny_group"
            | "deny_network"
            | "deny_method"
            | "deny_client_certificate"
            | "foreign_origin",
            _,
        ) => Outcome::Denied,
        ("unavailable", _) => Outcome::Unavailable,
        _ => Outcome::Refused,
    }
}
