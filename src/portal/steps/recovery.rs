//! "Second method": back in without the phone.

use super::second_factor::locked;
use super::sign_in::{WRONG, see};
use super::{Desk, Get, Outcome, Post, Stop, elsewhere, in_session};
use crate::authn::progress::{Position, Underway};
use crate::authn::second_factor::CodeOutcome;
use crate::domain::login::{AwaitCode, State as Step};
use crate::domain::verifier::RecoveryKind;
use crate::domain::verifier::code_text::{self, Malformed};
use crate::portal::Happening;
use crate::portal::form::Form;
use crate::portal::pages::{EmergencyCode, Lost, OneTimeCode, RecoveryError, SecondMethod};
use axum::response::Response;
use http::StatusCode;

/// The sign-in that waits for a code and takes a recovery code instead: one that began with the password. In a
/// live session the password may be hours old, and a recovery code counts only together with it.
async fn with_password(desk: &Desk) -> Result<(Position, AwaitCode), Stop> {
    let Underway { at, state } = desk.must_be_underway().await?;
    match state {
        Step::Code(waiting) if !in_session(&at) => Ok((at, waiting)),
        other => elsewhere(&other),
    }
}

/// Shows a page to a sign-in that waits for a code.
async fn at_code(desk: Desk, page: impl FnOnce(&Desk, &Position) -> Outcome) -> Response {
    let outcome = async {
        let (at, _) = with_password(&desk).await?;
        page(&desk, &at)
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

pub async fn choose(Get(desk): Get) -> Response {
    at_code(desk, |desk, at| {
        desk.step_page(at, StatusCode::OK, &SecondMethod)
    })
    .await
}

pub async fn one_time(Get(desk): Get) -> Response {
    at_code(desk, |desk, at| {
        code_page(desk, at, RecoveryKind::OneTimeCode, StatusCode::OK, None)
    })
    .await
}

pub async fn emergency(Get(desk): Get) -> Response {
    at_code(desk, |desk, at| {
        code_page(desk, at, RecoveryKind::EmergencyCode, StatusCode::OK, None)
    })
    .await
}

fn code_page(
    desk: &Desk,
    at: &Position,
    kind: RecoveryKind,
    status: StatusCode,
    error: Option<RecoveryError>,
) -> Outcome {
    match kind {
        RecoveryKind::OneTimeCode => {
            let page = OneTimeCode {
                error,
                enrolment: false,
            };
            desk.step_page(at, status, &page)
        }
        RecoveryKind::EmergencyCode => desk.step_page(at, status, &EmergencyCode { error }),
    }
}

pub async fn submit_one_time(post: Post) -> Response {
    submit(post, RecoveryKind::OneTimeCode).await
}

pub async fn submit_emergency(post: Post) -> Response {
    submit(post, RecoveryKind::EmergencyCode).await
}

async fn submit(Post(desk, form): Post, kind: RecoveryKind) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form, kind).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form, kind: RecoveryKind) -> Outcome {
    let (at, waiting) = with_password(desk).await?;
    let typed = match kind {
        RecoveryKind::OneTimeCode => {
            code_text::crockford(form.field("otc"), code_text::ONE_TIME_CHARS)
        }
        RecoveryKind::EmergencyCode => {
            code_text::crockford(form.field("emergency"), code_text::EMERGENCY_CHARS)
        }
    };
    let canonical = match typed {
        Ok(canonical) => canonical,
        Err(Malformed::Empty) => {
            return code_page(desk, &at, kind, WRONG, Some(RecoveryError::Empty));
        }
        // not a try: it cannot be a code
        Err(Malformed::NotACode) => {
            return code_page(desk, &at, kind, WRONG, Some(RecoveryError::Wrong));
        }
    };
    let place = desk.visit.place();
    let outcome = desk
        .portal
        .authn
        .enter_recovery_code(at, waiting, (kind, &canonical), &place)
        .await?;
    match outcome {
        CodeOutcome::Wrong => {
            desk.portal.happened(Happening::CodeRefused);
            let Underway { at, .. } = desk.must_be_underway().await?;
            code_page(desk, &at, kind, WRONG, Some(RecoveryError::Wrong))
        }
        CodeOutcome::Paused { until, mailed } => locked(desk, until, mailed),
        CodeOutcome::Progress(progress) => desk.after(progress).await,
    }
}

pub async fn lost(Get(desk): Get) -> Response {
    let outcome = async {
        let Underway { at, state } = desk.must_be_underway().await?;
        match state {
            Step::Lost(lost) => {
                let page = Lost {
                    temporary_allowed: lost.temporary_allowed(),
                    error: false,
                };
                desk.step_page(&at, StatusCode::OK, &page)
            }
            other => elsewhere(&other),
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

pub async fn submit_lost(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => lost_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn lost_submitted(desk: &Desk, form: &Form) -> Outcome {
    let Underway { at, state } = desk.must_be_underway().await?;
    let lost = match state {
        Step::Lost(lost) => lost,
        other => return elsewhere(&other),
    };
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    match form.field("lost") {
        "permanent" => {
            let progress = authn.lost_permanently(at, lost, &place).await?;
            desk.after(progress).await
        }
        "temporary" => match authn.lost_temporarily(at, lost, &place).await? {
            Some(progress) => {
                desk.portal.happened(Happening::Recovered);
                desk.after(progress).await
            }
            None => see("/signin/lost"),
        },
        _ => {
            let page = Lost {
                temporary_allowed: lost.temporary_allowed(),
                error: true,
            };
            desk.step_page(&at, WRONG, &page)
        }
    }
}
