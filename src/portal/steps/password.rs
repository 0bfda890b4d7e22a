//! A new password by a link in a mail. The pages exist only where there is a mail server.

use super::sign_in::WRONG;
use super::{Desk, Get, Outcome, Post, Stop, Unchecked};
use crate::authn::reset::{OpenLink, RESET_LIFETIME, ResetOutcome};
use crate::domain::password_rules::Refusal;
use crate::domain::secret::Token;
use crate::domain::timestamp::minutes_rounded_up;
use crate::portal::cookie;
use crate::portal::form::Form;
use crate::portal::pages::{
    Forgot, ForgotSent, NewPassword, NewPasswordError, Panel, ResetDone, ResetExpired, ResetNew,
};
use crate::portal::respond::Reply;
use axum::response::Response;
use http::StatusCode;

/// Characters of what was typed that the answer repeats: an address has no more.
const SHOWN_CHARS: usize = 254;

pub async fn forgot(Get(desk): Get) -> Response {
    let outcome = forgot_page(&desk, StatusCode::OK, false);
    desk.finish(outcome)
}

/// The form, with a pre-session cookie for its anti-forgery value where the browser has none.
fn forgot_page(desk: &Desk, status: StatusCode, error: bool) -> Outcome {
    let page = Forgot {
        username: "",
        error,
        by_login: true,
    };
    let known = desk.visit.cookie(cookie::SIGN_IN);
    let known = known.filter(|cookie| Token::parse(cookie).is_some());
    let fresh = known.is_none().then(|| desk.portal.env.token().reveal());
    let reply = desk.page(status, Panel::Tagline, &page, known.or(fresh.as_deref()))?;
    Ok(match fresh {
        Some(token) => reply.cookie(cookie::set(cookie::SIGN_IN, token, None)),
        None => reply,
    })
}

pub async fn submit_forgot(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => forgot_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn forgot_submitted(desk: &Desk, form: &Form) -> Outcome {
    let typed = form.field("username").trim();
    if typed.is_empty() {
        return forgot_page(desk, WRONG, true);
    }
    let place = desk.visit.place();
    desk.portal.authn.request_reset(typed, &place).await?;
    let shown: String = typed.chars().take(SHOWN_CHARS).collect();
    let page = ForgotSent {
        typed: &shown,
        minutes: minutes_rounded_up(RESET_LIFETIME),
    };
    desk.page(StatusCode::OK, Panel::Tagline, &page, None)
}

/// The address in the mail. The token moves into a cookie, out of the address bar, the history and the pages that are
/// asked for from there. Nothing is looked up and nothing spent: whoever scans mails opens this as well.
pub async fn reset(Get(desk): Get) -> Response {
    let outcome = match desk.visit.query("token") {
        Some(token) => Ok(keep(token)),
        None => reset_page(&desk).await,
    };
    desk.finish(outcome)
}

/// The cookie is `Lax` as all of ours: the browser comes from the person's mail, and a `Strict` one would stay behind
/// on the very redirect that is to bring it.
fn keep(token: &str) -> Reply {
    let reply = Reply::see_other("/password/reset");
    match Token::parse(token) {
        Some(token) => reply.cookie(cookie::set(
            cookie::RESET,
            token.reveal(),
            Some(RESET_LIFETIME),
        )),
        None => reply.cookie(cookie::clear(cookie::RESET)),
    }
}

async fn reset_page(desk: &Desk) -> Outcome {
    let Some(cookie) = desk.visit.cookie(cookie::RESET) else {
        return gone(desk);
    };
    match desk.portal.authn.open_link(cookie).await? {
        Some(link) => new_page(desk, &link, StatusCode::OK, None),
        None => gone(desk),
    }
}

fn new_page(
    desk: &Desk,
    link: &OpenLink,
    status: StatusCode,
    error: Option<NewPasswordError>,
) -> Outcome {
    let minimum = desk.portal.authn.rules().password.minimum.length;
    let page = ResetNew {
        shown_as: Some(link.account.shown_as()),
        password: NewPassword {
            minimum_length: u64::try_from(minimum).unwrap_or(u64::MAX),
            error,
        },
        token: None,
    };
    let token = desk.visit.cookie(cookie::RESET);
    desk.page(status, Panel::Tagline, &page, token)
}

/// Run out, used, replaced, cut off or never issued: one page for all.
fn gone(desk: &Desk) -> Outcome {
    let reply = desk.page(StatusCode::BAD_REQUEST, Panel::Tagline, &ResetExpired, None)?;
    Ok(reply.cookie(cookie::clear(cookie::RESET)))
}

pub async fn submit_reset(Unchecked(desk, form): Unchecked) -> Response {
    let outcome = match form {
        Ok(form) => reset_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn reset_submitted(desk: &Desk, form: &Form) -> Outcome {
    // the cookie runs out with the link
    let Some(cookie) = desk.visit.cookie(cookie::RESET) else {
        return gone(desk);
    };
    if !desk.portal.vault.csrf_matches(cookie, form.field("csrf")) {
        return Err(Stop::Forged);
    }
    let authn = &desk.portal.authn;
    let Some(link) = authn.open_link(cookie).await? else {
        return gone(desk);
    };
    let typed = form.field("password");
    if typed.is_empty() {
        return new_page(desk, &link, WRONG, Some(NewPasswordError::Empty));
    }
    let place = desk.visit.place();
    match authn.reset_password(cookie, typed, &place).await? {
        ResetOutcome::Refused(refusal) => {
            let error = error_of(&refusal);
            new_page(desk, &link, WRONG, Some(error))
        }
        ResetOutcome::Gone => gone(desk),
        ResetOutcome::Changed { two_factor } => {
            let page = ResetDone { two_factor };
            let reply = desk.page(StatusCode::OK, Panel::Tagline, &page, None)?;
            Ok(reply.cookie(cookie::clear(cookie::RESET)))
        }
    }
}

const fn error_of(refusal: &Refusal) -> NewPasswordError {
    match refusal {
        Refusal::TooShort(_) => NewPasswordError::TooShort,
        Refusal::EmptyOrTooLong => NewPasswordError::TooLong,
        Refusal::Common | Refusal::Breached => NewPasswordError::Known,
        Refusal::Context(_) => NewPasswordError::Context,
        Refusal::Guessable => NewPasswordError::Guessable,
    }
}
