//! The second door.

use super::sign_in::WRONG;
use super::{Desk, Get, Outcome, Post, elsewhere, in_session};
use crate::authn::progress::{Position, Underway};
use crate::authn::second_factor::CodeOutcome;
use crate::domain::login::{AwaitCode, Began, State as Step};
use crate::domain::timestamp::{Timestamp, minutes_rounded_up};
use crate::domain::verifier::code_text::{self, Malformed};
use crate::portal::form::Form;
use crate::portal::pages::{Code, CodeError, CodeLocked};
use crate::portal::{Happening, cookie};
use axum::response::Response;
use http::{StatusCode, header};
use std::time::Duration;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = async {
        let Underway { at, state } = desk.must_be_underway().await?;
        match state {
            Step::Code(_) => code_page(&desk, &at, StatusCode::OK, None),
            other => elsewhere(&other),
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn code_page(desk: &Desk, at: &Position, status: StatusCode, error: Option<CodeError>) -> Outcome {
    let page = Code {
        shown_as: &at.frame.shown_as,
        trust_days: offered(desk, at).map(days),
        error,
        action: "/signin/code",
        second: !in_session(at),
        switch: way_out(at.frame.began),
    };
    desk.step_page(at, status, &page)
}

/// For how long this browser can be trusted; `None`: that is not offered here.
fn offered(desk: &Desk, at: &Position) -> Option<Duration> {
    let route = desk.portal.route_of(at.frame.destination.as_ref());
    desk.portal
        .authn
        .trust_offered(at)
        .filter(|_| route.is_none_or(|(_, route)| route.trusted_devices))
}

const fn days(span: Duration) -> u64 {
    span.as_secs().div_ceil(86_400)
}

/// Where somebody goes who has no app at hand: in a live session recovery codes do not count, so it has to be
/// left before one can be used.
const fn way_out(began: Began) -> &'static str {
    match began {
        Began::SignIn => "/signin",
        Began::Session(_) => "/signout",
    }
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let Underway { at, state } = desk.must_be_underway().await?;
    let waiting: AwaitCode = match state {
        Step::Code(waiting) => waiting,
        other => return elsewhere(&other),
    };
    let digits = match code_text::six_digits(form.field("code")) {
        Ok(digits) => digits,
        Err(Malformed::Empty) => return code_page(desk, &at, WRONG, Some(CodeError::Empty)),
        Err(Malformed::NotACode) => return code_page(desk, &at, WRONG, Some(CodeError::Format)),
    };
    let place = desk.visit.place();
    let shown = at.frame.clone();
    let offered = offered(desk, &at);
    let trust = offered.filter(|_| form.field("trust") == "1");
    let outcome = desk
        .portal
        .authn
        .enter_code(at, waiting, (&digits, trust), &place)
        .await?;
    match outcome {
        CodeOutcome::Wrong => {
            desk.portal.happened(Happening::CodeRefused);
            let page = Code {
                shown_as: &shown.shown_as,
                trust_days: offered.map(days),
                error: Some(CodeError::Wrong),
                action: "/signin/code",
                second: shown.began == crate::domain::login::Began::SignIn,
                switch: way_out(shown.began),
            };
            let destination = shown.destination.as_ref();
            let reply = desk.page(WRONG, desk.panel_to(destination), &page, None)?;
            Ok(reply.form_target(desk.target(destination)))
        }
        CodeOutcome::Paused { until, mailed } => locked(desk, until, mailed),
        CodeOutcome::Progress(progress) => {
            desk.note(&progress);
            desk.after(progress).await
        }
    }
}

/// Codes are paused and the sign-in has ended.
pub(super) fn locked(desk: &Desk, until: Timestamp, mailed: bool) -> Outcome {
    desk.portal.happened(Happening::CodesPaused);
    let wait = until.since(desk.portal.env.now());
    let page = CodeLocked {
        minutes: minutes_rounded_up(wait),
        mailed,
    };
    let reply = desk.page(
        StatusCode::TOO_MANY_REQUESTS,
        crate::portal::pages::Panel::Tagline,
        &page,
        None,
    )?;
    Ok(reply
        .header(header::RETRY_AFTER, wait.as_secs().max(1).to_string())
        .cookie(cookie::clear(cookie::SIGN_IN)))
}
