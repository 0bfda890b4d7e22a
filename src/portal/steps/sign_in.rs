//! The first door.

use super::{Desk, Get, Outcome, Unchecked};
use crate::authn::sign_in::{Context, Credentials, PasswordOutcome};
use crate::domain::account::NameKey;
use crate::domain::return_to::Destination;
use crate::domain::timestamp::minutes_rounded_up;
use crate::portal::form::Form;
use crate::portal::pages::{SignIn, SignInError, Throttled};
use crate::portal::respond::Reply;
use crate::portal::{Happening, cookie};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, header};
use std::time::Duration;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let destination = desk.portal.open_destination(desk.visit.query("to"));
    if let Some(view) = desk.person().await? {
        return desk.go_on(&view, destination).await;
    }
    let expired = desk.visit.query("expired").map(|_| SignInError::Expired);
    let name = remembered(desk).unwrap_or_default();
    form_page(desk, StatusCode::OK, &name, destination.as_ref(), expired)
}

/// The name that last signed in with this browser, where the configuration wants it remembered.
fn remembered(desk: &Desk) -> Option<String> {
    let cookie = desk.visit.cookie(cookie::ACCOUNT)?;
    let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let name = String::from_utf8(bytes).ok()?;
    let wanted = desk.portal.remember_account && NameKey::new(&name).is_some();
    wanted.then_some(name)
}

fn remember(desk: &Desk, name: &str, reply: Reply) -> Reply {
    if !desk.portal.remember_account {
        return reply;
    }
    let value = URL_SAFE_NO_PAD.encode(name.trim());
    let year = Duration::from_secs(365 * 86_400);
    reply.cookie(cookie::set(cookie::ACCOUNT, value, Some(year)))
}

/// The form, with a pre-session cookie for its anti-forgery value where the browser has none.
fn form_page(
    desk: &Desk,
    status: StatusCode,
    username: &str,
    destination: Option<&Destination>,
    error: Option<SignInError>,
) -> Outcome {
    let sealed = destination.map(|d| desk.portal.reseal(d));
    let page = SignIn {
        username,
        to: sealed.as_deref(),
        error,
        by_login: true,
        forgot: desk.portal.authn.rules().mails,
    };
    let known = desk
        .visit
        .cookie(cookie::SIGN_IN)
        .filter(|c| crate::domain::secret::Token::parse(c).is_some());
    let fresh = known.is_none().then(|| desk.portal.env.token().reveal());
    let token = known.or(fresh.as_deref());
    let reply = desk
        .page(status, desk.panel_to(destination), &page, token)?
        .form_target(desk.target(destination));
    Ok(match fresh {
        Some(token) => reply.cookie(cookie::set(cookie::SIGN_IN, token, None)),
        None => reply,
    })
}

pub async fn submit(Unchecked(desk, form): Unchecked) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let destination = desk.portal.open_destination(Some(form.field("to")));
    let (username, password) = (form.field("username"), form.field("password"));
    if !desk.is_genuine(form) {
        // a page that was left open: somebody signed in meanwhile in another tab goes on, others start anew
        if let Some(view) = desk.person().await? {
            return desk.go_on(&view, destination).await;
        }
        let expired = Some(SignInError::Expired);
        let forbidden = StatusCode::FORBIDDEN;
        return form_page(desk, forbidden, username, destination.as_ref(), expired);
    }
    let missing = match (username.trim().is_empty(), password.is_empty()) {
        (true, true) => Some(SignInError::EmptyBoth),
        (true, false) => Some(SignInError::EmptyUsername),
        (false, true) => Some(SignInError::EmptyPassword),
        (false, false) => None,
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    if missing.is_some() {
        return form_page(desk, unprocessable, username, destination.as_ref(), missing);
    }
    let place = desk.visit.place();
    let credentials = Credentials {
        name: username,
        password,
        place: &place,
    };
    let context = Context {
        route_policy: desk
            .portal
            .route_of(destination.as_ref())
            .map(|(_, route)| route.two_factor),
        earlier_attempt: desk.attempt_cookie(),
        earlier_session: desk.person().await?.map(|view| view.session.id),
        destination: destination.clone(),
    };
    match desk.portal.authn.sign_in(credentials, context).await? {
        PasswordOutcome::Refused => {
            desk.portal.happened(Happening::PasswordRefused);
            let error = Some(SignInError::Credentials);
            form_page(desk, unprocessable, username, destination.as_ref(), error)
        }
        PasswordOutcome::Paused { until } => paused(desk, until, destination.as_ref()),
        PasswordOutcome::Progress(progress) => {
            desk.note(&progress);
            let reply = desk.after(progress).await?;
            Ok(remember(desk, username, reply))
        }
    }
}

/// Too many tries: says how long to wait, never which limit was hit.
pub(super) fn paused(
    desk: &Desk,
    until: crate::domain::timestamp::Timestamp,
    destination: Option<&Destination>,
) -> Outcome {
    desk.portal.happened(Happening::PasswordPaused);
    let wait = until.since(desk.portal.env.now());
    let page = Throttled {
        minutes: minutes_rounded_up(wait),
        forgot: desk.portal.authn.rules().mails,
    };
    let reply = desk.page(
        StatusCode::TOO_MANY_REQUESTS,
        desk.panel_to(destination),
        &page,
        None,
    )?;
    Ok(reply.header(header::RETRY_AFTER, wait.as_secs().max(1).to_string()))
}

/// The page for a wrong step: 422 with the page, everything but secrets kept.
pub(super) const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// On to another page.
pub(super) fn see(path: &str) -> Outcome {
    Ok(Reply::see_other(path))
}
