//! "Your services", and what the portal serves to anybody: assets and the public keys.

use super::{Desk, Get, Outcome};
use crate::domain::policy::TwoFactor;
use crate::domain::session::View;
use crate::portal::pages::{Launcher, Panel, Service};
use crate::portal::respond::{Reply, secure};
use crate::portal::{Portal, errors};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let Some(view) = desk.person().await? else {
        return Ok(Reply::see_other("/signin"));
    };
    let services = services_of(&desk.portal, &view);
    let page = Launcher {
        nav: desk.nav(&view),
        services: &services,
    };
    desk.page(StatusCode::OK, Panel::Tagline, &page, None)
}

/// Only what the person may open.
fn services_of(portal: &Portal, view: &View) -> Vec<Service> {
    let mut services: Vec<Service> = portal
        .routes
        .routes()
        .iter()
        .filter(|route| {
            let groups = &route.access.groups;
            groups.is_empty() || !groups.is_disjoint(&view.subject.groups)
        })
        .map(|route| Service {
            name: route.title.clone(),
            url: format!("{}{}", route.origin, route.prefix.as_str()),
            host: route.origin.host().to_string(),
            needs_2fa: route.two_factor == TwoFactor::Required || route.max_age.is_some(),
        })
        .collect();
    services.sort_by_key(|service| service.name.to_lowercase());
    services
}

pub async fn jwks(State(portal): State<Arc<Portal>>) -> Response {
    let keys = (portal.jwks)();
    let mut response = Response::new(Body::from(keys.to_string()));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    secure(headers, "default-src 'none'; frame-ancestors 'none'");
    response
}

/// Style, script, logo: named by their content, so a browser may keep them for a year.
pub async fn asset(Path(name): Path<String>, Get(desk): Get) -> Response {
    let found = desk
        .portal
        .assets
        .find(&name)
        .map(|(kind, bytes)| (kind, bytes.clone()));
    match found {
        Some((kind, bytes)) => {
            let mut response = Response::new(Body::from(bytes));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=31536000, immutable"),
            );
            secure(headers, "default-src 'none'; frame-ancestors 'none'");
            response
        }
        None => errors::not_found(Get(desk)).await,
    }
}
