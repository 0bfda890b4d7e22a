//! Every answer that is neither the application's nor a page's: the only place with HTTP statuses.
//!
//! One table maps a refusal to a status and an error word. Browsers get a page, programs JSON, text clients
//! one line. A challenge to a program follows RFC 9110 11.6.1 and, for a step-up, RFC 9470.

use super::Exchange;
use super::cookies;
use super::hsts;
use super::inbound::{self, Refusal};
use super::seams::{ErrorKind, LANGUAGE_COOKIE, PageRequest};
use crate::domain::answer::Maintenance;
use crate::domain::host::Host;
use crate::domain::request::Mode;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SERVER,
    SET_COOKIE, TRANSFER_ENCODING, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::ServerSession;
use pingora::proxy::Session;
use pingora::{Error, ErrorSource, ErrorType, Result};
use std::time::Duration;

/// What a program is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    SignIn,
    StepUp { max_age: Option<Duration> },
    Enrol,
}

/// The table: status, error word for programs, plain sentence.
const fn row(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    match kind {
        ErrorKind::Forbidden => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "You do not have access to this service.",
        ),
        ErrorKind::BadGateway => (
            StatusCode::BAD_GATEWAY,
            "bad_gateway",
            "The service behind this address does not answer.",
        ),
        ErrorKind::GatewayTimeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "gateway_timeout",
            "The service behind this address takes too long to answer.",
        ),
        ErrorKind::NotFound => (
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
        ),
        ErrorKind::UnknownHost => (
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "This host name is not served here.",
        ),
        ErrorKind::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This method is not allowed here.",
        ),
        ErrorKind::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "What was sent is larger than this service accepts.",
        ),
        ErrorKind::TargetTooLong => (
            StatusCode::URI_TOO_LONG,
            "bad_request",
            "The address of the request is too long.",
        ),
        ErrorKind::HeadTooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "bad_request",
            "The head of the request is too large.",
        ),
        ErrorKind::TooMany { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "You ask this service too often. Please wait a moment.",
        ),
        ErrorKind::Timeout => (
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The request was not sent in time.",
        ),
        ErrorKind::BadRequest => (
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request was not understood.",
        ),
        ErrorKind::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Signing in is not possible at the moment. Please try again shortly.",
        ),
        ErrorKind::Maintenance => (
            StatusCode::SERVICE_UNAVAILABLE,
            "maintenance",
            "This service is closed for maintenance.",
        ),
        ErrorKind::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side.",
        ),
        ErrorKind::FormExpired => (
            StatusCode::UNAUTHORIZED,
            "login_required",
            "Sign in in another tab, then send the form again.",
        ),
    }
}

const fn challenge_row(challenge: Challenge) -> (&'static str, &'static str) {
    match challenge {
        Challenge::SignIn => ("login_required", "Sign in first."),
        Challenge::StepUp { .. } => (
            "insufficient_user_authentication",
            "A fresh second factor is needed here.",
        ),
        Challenge::Enrol => (
            "enrolment_required",
            "Two-factor authentication must be set up first.",
        ),
    }
}

/// A refusal or fault, as the client can read it.
pub(super) async fn error(
    session: &mut Session,
    exchange: &Exchange,
    kind: ErrorKind,
) -> Result<bool> {
    let (status, _, _) = row(kind);
    let mut answer = error_answer(session, exchange, kind, status);
    if status == StatusCode::UNAUTHORIZED {
        set(answer.headers_mut(), WWW_AUTHENTICATE, &bearer(exchange));
    }
    send(session, exchange, answer).await
}

/// Each 401 says how to do better (RFC 9110 15.5.2).
fn bearer(exchange: &Exchange) -> String {
    format!("Bearer realm=\"{}\"", exchange.live.portal_url)
}

/// The request was not admitted; the connection ends with the answer (RFC 9112 6.1).
pub(super) async fn refusal(
    session: &mut Session,
    exchange: &Exchange,
    refusal: Refusal,
) -> Result<bool> {
    let kind = match refusal {
        Refusal::Malformed(_) => ErrorKind::BadRequest,
        Refusal::TargetTooLong => ErrorKind::TargetTooLong,
        Refusal::HeadTooLarge => ErrorKind::HeadTooLarge,
        Refusal::Method => ErrorKind::MethodNotAllowed,
    };
    let (status, _, _) = row(kind);
    session.set_keepalive(None);
    let mut answer = error_answer(session, exchange, kind, status);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let usual = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        set(answer.headers_mut(), ALLOW, usual);
    }
    send(session, exchange, answer).await
}

/// The route allows other methods only.
pub(super) async fn method_not_allowed(
    session: &mut Session,
    exchange: &Exchange,
    allowed: &[&str],
) -> Result<bool> {
    let (status, _, _) = row(ErrorKind::MethodNotAllowed);
    let mut answer = error_answer(session, exchange, ErrorKind::MethodNotAllowed, status);
    set(answer.headers_mut(), ALLOW, &allowed.join(", "));
    send(session, exchange, answer).await
}

/// Over the route's rate; the wait is told in whole seconds.
pub(super) async fn too_many(
    session: &mut Session,
    exchange: &Exchange,
    wait: Duration,
) -> Result<bool> {
    let seconds = wait.as_secs().saturating_add(1);
    let kind = ErrorKind::TooMany { seconds };
    let (status, _, _) = row(kind);
    let mut answer = error_answer(session, exchange, kind, status);
    set(answer.headers_mut(), RETRY_AFTER, &seconds.to_string());
    send(session, exchange, answer).await
}

/// A browser goes to the portal.
pub(super) async fn to_door(
    session: &mut Session,
    exchange: &Exchange,
    door: &super::seams::Door,
) -> Result<bool> {
    let mut answer = redirect(StatusCode::FOUND, &door.location);
    if let Some(cookie) = &door.set_cookie {
        set(answer.headers_mut(), SET_COOKIE, cookie);
    }
    send(session, exchange, answer).await
}

/// The portal's page that says so; a form is not sent again (RFC 9110 15.4.4).
pub(super) async fn to_signed_out(session: &mut Session, exchange: &Exchange) -> Result<bool> {
    let location = format!("{}/signed-out", exchange.live.portal_url);
    let answer = redirect(StatusCode::SEE_OTHER, &location);
    send(session, exchange, answer).await
}

/// The same address over HTTPS; method and body are kept (RFC 9110 15.4.9).
pub(super) async fn to_https(
    session: &mut Session,
    exchange: &Exchange,
    location: &str,
) -> Result<bool> {
    let answer = redirect(StatusCode::PERMANENT_REDIRECT, location);
    send(session, exchange, answer).await
}

/// A line for a program that asked for nothing else.
pub(super) async fn plain(session: &mut Session, exchange: &Exchange, text: &str) -> Result<bool> {
    let mut answer = Response::new(Bytes::copy_from_slice(text.as_bytes()));
    set(
        answer.headers_mut(),
        CONTENT_TYPE,
        "application/octet-stream",
    );
    send(session, exchange, answer).await
}

/// A program is told what is missing.
pub(super) async fn challenge(
    session: &mut Session,
    exchange: &Exchange,
    challenge: Challenge,
) -> Result<bool> {
    let (word, message) = challenge_row(challenge);
    let headers = &session.req_header().headers;
    let mut answer = machine(headers, exchange, StatusCode::UNAUTHORIZED, word, message);
    let mut bearer = bearer(exchange);
    match challenge {
        Challenge::SignIn => {}
        Challenge::StepUp { .. } | Challenge::Enrol => {
            bearer.push_str(", error=\"insufficient_user_authentication\"");
            bearer
                .push_str(", error_description=\"a second factor is needed\", acr_values=\"aal2\"");
        }
    }
    if let Challenge::StepUp { max_age: Some(age) } = challenge {
        bearer.push_str(&format!(", max_age=\"{}\"", age.as_secs()));
    }
    set(answer.headers_mut(), WWW_AUTHENTICATE, &bearer);
    send(session, exchange, answer).await
}

/// A fault met while proxying: what to tell the client; `None` where it is gone.
pub(super) fn kind_of_fault(fault: &Error) -> Option<ErrorKind> {
    use ErrorType::{
        ConnectTimedout, ConnectionClosed, HTTPStatus, InvalidHTTPHeader, ReadError, ReadTimedout,
        TLSHandshakeTimedout, WriteError, WriteTimedout,
    };
    let timed_out = matches!(
        fault.etype(),
        ConnectTimedout | ReadTimedout | WriteTimedout | TLSHandshakeTimedout
    );
    match (fault.etype(), fault.esource()) {
        (HTTPStatus(413), _) => Some(ErrorKind::TooLarge),
        (HTTPStatus(408), _) | (ReadTimedout, ErrorSource::Downstream) => Some(ErrorKind::Timeout),
        (HTTPStatus(502), _) => Some(ErrorKind::BadGateway),
        (HTTPStatus(503), _) => Some(ErrorKind::Unavailable),
        (_, ErrorSource::Upstream) if timed_out => Some(ErrorKind::GatewayTimeout),
        (_, ErrorSource::Upstream) => Some(ErrorKind::BadGateway),
        (WriteError | ReadError | ConnectionClosed, ErrorSource::Downstream) => None,
        (_, ErrorSource::Downstream) if timed_out => None,
        (InvalidHTTPHeader, ErrorSource::Downstream) => Some(ErrorKind::BadRequest),
        (_, ErrorSource::Downstream) => Some(ErrorKind::BadRequest),
        (_, ErrorSource::Internal | ErrorSource::Unset) => Some(ErrorKind::Internal),
    }
}

/// The proxy may let the request through, and copies these to the application.
pub(super) async fn permitted(
    session: &mut Session,
    exchange: &Exchange,
    told: Vec<(HeaderName, HeaderValue)>,
) -> Result<bool> {
    let mut answer = Response::new(Bytes::new());
    answer.headers_mut().extend(told);
    send(session, exchange, answer).await
}

/// For whoever takes 2xx, 401 and 403 for an answer and everything else for a fault (nginx): the way to the portal
/// stands in `Location` all the same. What was not understood, and what failed, stay faults.
fn verdict(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::BAD_REQUEST => status,
        _ if status.is_redirection() => StatusCode::UNAUTHORIZED,
        StatusCode::UNAUTHORIZED => status,
        _ if status.is_client_error() => StatusCode::FORBIDDEN,
        _ => status,
    }
}

fn redirect(status: StatusCode, location: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    set(answer.headers_mut(), LOCATION, location);
    show_nothing(answer.headers_mut());
    answer
}

/// What [`error`] sends, for those who add to it.
pub(super) fn answer(session: &Session, exchange: &Exchange, kind: ErrorKind) -> Response<Bytes> {
    error_answer(session, exchange, kind, row(kind).0)
}

fn error_answer(
    session: &Session,
    exchange: &Exchange,
    kind: ErrorKind,
    status: StatusCode,
) -> Response<Bytes> {
    let headers = &session.req_header().headers;
    let mode = exchange.inbound.as_ref().map(|i| i.mode);
    let browser = match mode {
        Some(Mode::Navigation | Mode::FormPost) => true,
        Some(Mode::Programmatic) => false,
        None => accepts(headers, "text/html"),
    };
    if browser {
        let host = match &exchange.inbound {
            Some(inbound) => Some(inbound.host.clone()),
            // its page's style lies elsewhere on an application's host than on the portal's
            None => inbound::host_of(session.req_header())
                .filter(|host| exchange.live.snapshot.routes.knows_host(host)),
        };
        return page((headers, host.as_ref()), exchange, kind, status);
    }
    let (_, word, mut message) = row(kind);
    if let Some(own) = maintenance(exchange, kind).and_then(|m| m.message.as_deref()) {
        message = own;
    }
    machine(headers, exchange, status, word, message)
}

fn maintenance(exchange: &Exchange, kind: ErrorKind) -> Option<&Maintenance> {
    let route = exchange.route().filter(|_| kind == ErrorKind::Maintenance);
    route.and_then(|r| r.answers.maintenance.as_ref())
}

fn page(
    (headers, host): (&HeaderMap, Option<&Host>),
    exchange: &Exchange,
    kind: ErrorKind,
    status: StatusCode,
) -> Response<Bytes> {
    let inbound = exchange.inbound.as_ref();
    let path_and_query = inbound.map_or("/".to_owned(), |i| i.path_and_query());
    let request = PageRequest {
        host,
        path_and_query: &path_and_query,
        accept_language: headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()),
        lang_cookie: cookies::single(headers, LANGUAGE_COOKIE),
        app_title: exchange.route().map(|r| r.title.as_str()),
        person: exchange.person.as_ref().map(|v| v.subject.shown_as()),
        reference: &exchange.reference,
        sign_in: &exchange.live.sign_in_url,
        maintenance: maintenance(exchange, kind),
    };
    let mut answer = exchange.live.seams.pages.error_page(kind, &request);
    *answer.status_mut() = status;
    answer
}

fn machine(
    headers: &HeaderMap,
    exchange: &Exchange,
    status: StatusCode,
    word: &str,
    message: &str,
) -> Response<Bytes> {
    let text = accepts(headers, "text/plain") && !accepts(headers, "json");
    let (kind, body) = if text {
        ("text/plain; charset=utf-8", format!("{message}\n"))
    } else {
        let body = serde_json::json!({
            "error": word,
            "message": message,
            "sign_in": exchange.live.sign_in_url,
            "reference": &*exchange.reference,
        });
        ("application/json", body.to_string())
    };
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    set(answer.headers_mut(), CONTENT_TYPE, kind);
    show_nothing(answer.headers_mut());
    answer
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let mut lines = headers.get_all(ACCEPT).iter();
    lines.any(|v| {
        v.to_str()
            .is_ok_and(|a| a.to_ascii_lowercase().contains(kind))
    })
}

/// Neither a redirect nor a text for programs is a page.
fn show_nothing(headers: &mut HeaderMap) {
    let nothing = "default-src 'none'; frame-ancestors 'none'";
    set(headers, CONTENT_SECURITY_POLICY, nothing);
    set(headers, X_FRAME_OPTIONS, "DENY");
}

/// A value that cannot stand in a header is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What all our own answers have in common, on pages too.
pub(super) fn finish_head(head: &mut ResponseHeader, exchange: &Exchange) -> Result<()> {
    super::response::identify(head, &exchange.reference)?;
    head.remove_header(&SERVER);
    if !head.headers.contains_key(CACHE_CONTROL) {
        head.insert_header("Cache-Control", "no-store")?;
    }
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        if !head.headers.contains_key(&name) {
            head.insert_header(name, value)?;
        }
    }
    hsts::own(head, exchange)
}

pub(super) async fn send(
    session: &mut Session,
    exchange: &Exchange,
    answer: Response<Bytes>,
) -> Result<bool> {
    let (parts, body) = answer.into_parts();
    match parts.status {
        // who fell silent is not waited for again
        StatusCode::REQUEST_TIMEOUT => session.set_keepalive(None),
        _ => drain(session).await,
    }
    // it reads the status, and takes a page for a message that broke off
    let body = match is_grpc(session.req_header()) {
        true => Bytes::new(),
        false => body,
    };
    let status = match exchange.verdict_only {
        true => verdict(parts.status),
        false => parts.status,
    };
    let mut head = ResponseHeader::build(status, Some(parts.headers.len() + 4))?;
    for (name, value) in &parts.headers {
        if !matches!(*name, CONNECTION | TRANSFER_ENCODING | CONTENT_LENGTH) {
            head.append_header(name, value.clone())?;
        }
    }
    finish_head(&mut head, exchange)?;
    // RFC 9110 8.6
    if parts.status != StatusCode::NO_CONTENT {
        head.insert_header(CONTENT_LENGTH, body.len())?;
    }
    let silent = body.is_empty() || session.req_header().method == Method::HEAD;
    let down = |e: Box<Error>| e.into_down();
    if let (true, ServerSession::H2(client)) = (silent, session.as_mut()) {
        // in one frame: a client of gRPC may take an empty one behind it for a broken stream
        let written = client.write_response_header(Box::new(head), true);
        return written.map(|()| true).map_err(down);
    }
    session
        .write_response_header(Box::new(head), silent)
        .await
        .map_err(down)?;
    if !silent {
        session
            .write_response_body(Some(body), false)
            .await
            .map_err(down)?;
    }
    session
        .write_response_body(None, true)
        .await
        .map_err(down)?;
    Ok(true)
}

/// Whether a request is a call of gRPC ("gRPC over HTTP2", content types).
fn is_grpc(head: &RequestHeader) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// Largest unread body that is taken off the connection so that it can be used again.
const DRAIN_BYTES: usize = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Reads what is left of a small request body. With a larger one pingora closes after the answer, so that no
/// byte of it can be taken for a request.
pub(super) async fn drain(session: &mut Session) {
    let waits = session
        .req_header()
        .headers
        .contains_key(http::header::EXPECT);
    let length = session.req_header().headers.get(CONTENT_LENGTH);
    let length = length.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if waits
        || session.is_http2()
        || session.is_body_done()
        || length.is_some_and(|l| l > DRAIN_BYTES)
    {
        return;
    }
    let read = async {
        let mut left = DRAIN_BYTES;
        loop {
            match session.read_request_body().await {
                Ok(Some(chunk)) if chunk.len() < left => left -= chunk.len(),
                Ok(None) => return true,
                Ok(Some(_)) | Err(_) => return false,
            }
        }
    };
    let read = tokio::time::timeout(DRAIN_TIME, read).await;
    if !matches!(read, Ok(true)) {
        // too much, too slow, or not to be read: nothing behind it is a request
        session.set_keepalive(None);
    }
}

/// The word for logs and metrics.
pub(super) const fn outcome_of(kind: ErrorKind) -> &'static str {
    row(kind).1
}
