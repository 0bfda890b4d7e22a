//! Routes that answer by themselves: redirects, fixed answers, preflights. All but the preflight come after the
//! decision to let the request in.

use super::exchange::Exchange;
use super::inbound::{Inbound, Refusal};
use super::respond;
use super::seams::ErrorKind;
use crate::domain::answer::{Own, PreflightAnswer};
use crate::domain::timestamp::Timestamp;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE, HeaderName, RETRY_AFTER,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use pingora::Result;
use pingora::proxy::Session;

/// The answer of a route without an application.
pub(super) async fn own(
    request: &mut Session,
    exchange: &mut Exchange,
    inbound: &Inbound,
    own: &Own,
) -> Result<bool> {
    let mut answer = Response::new(Bytes::new());
    match own {
        Own::Redirect(redirect) => {
            let query = inbound.query.as_deref();
            let Some(location) = redirect.location(&inbound.path, query) else {
                exchange.outcome = "refused";
                let refusal = Refusal::Malformed("redirected path");
                return respond::refusal(request, exchange, refusal).await;
            };
            exchange.outcome = "redirect";
            *answer.status_mut() = status(redirect.status);
            respond::set(answer.headers_mut(), http::header::LOCATION, &location);
        }
        Own::Fixed(fixed) => {
            exchange.outcome = "respond";
            *answer.status_mut() = status(fixed.status);
            *answer.body_mut() = Bytes::copy_from_slice(&fixed.body);
            if !fixed.body.is_empty() {
                respond::set(answer.headers_mut(), CONTENT_TYPE, &fixed.content_type);
            }
            respond::set(answer.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
            for (name, value) in &fixed.headers {
                // checked with the configuration
                if let (Ok(name), Ok(value)) = (
                    HeaderName::from_bytes(name.as_bytes()),
                    HeaderValue::from_str(value),
                ) {
                    answer.headers_mut().insert(name, value);
                }
            }
        }
    }
    respond::send(request, exchange, answer).await
}

/// Statuses are checked with the configuration.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// To a preflight of a configured origin (Fetch 3.2.3).
pub(super) async fn preflight(request: &mut Session, exchange: &Exchange) -> Result<bool> {
    let route = exchange.route().and_then(|r| r.answers.preflights.as_ref());
    let rules = route.and_then(|p| p.answer.as_ref());
    let origin = exchange
        .inbound
        .as_ref()
        .and_then(|i| i.preflight_from.as_deref());
    let (Some(rules), Some(origin)) = (rules, origin) else {
        return respond::error(request, exchange, ErrorKind::Internal).await;
    };
    let answer = preflight_answer(rules, origin);
    respond::send(request, exchange, answer).await
}

fn preflight_answer(rules: &PreflightAnswer, origin: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    respond::set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    respond::set(headers, VARY, "Origin");
    respond::set(
        headers,
        ACCESS_CONTROL_ALLOW_METHODS,
        &rules.methods.join(", "),
    );
    if !rules.headers.is_empty() {
        respond::set(
            headers,
            ACCESS_CONTROL_ALLOW_HEADERS,
            &rules.headers.join(", "),
        );
    }
    if rules.credentials {
        respond::set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if let Some(age) = rules.max_age {
        respond::set(headers, ACCESS_CONTROL_MAX_AGE, &age.as_secs().to_string());
    }
    answer
}

/// The page, or JSON for programs, that says when to come back.
pub(super) async fn maintenance(
    request: &mut Session,
    exchange: &Exchange,
    now: Timestamp,
) -> Result<bool> {
    let mut answer = respond::answer(request, exchange, ErrorKind::Maintenance);
    let route = exchange
        .route()
        .and_then(|r| r.answers.maintenance.as_ref());
    if let Some(maintenance) = route {
        let seconds = maintenance.retry_after(now).as_secs().to_string();
        respond::set(answer.headers_mut(), RETRY_AFTER, &seconds);
    }
    respond::send(request, exchange, answer).await
}
