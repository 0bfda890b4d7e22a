//! The proof that a first enrolment may ask for: a code from the mail, or one of the helpdesk.

use super::second_factor::locked;
use super::sign_in::{WRONG, see};
use super::{Desk, Get, Outcome, Post};
use crate::authn::progress::Position;
use crate::authn::second_factor::CodeOutcome;
use crate::domain::binding::{Enrolment, MAILED_LIFETIME};
use crate::domain::timestamp::minutes_rounded_up;
use crate::domain::verifier::code_text::{self, Malformed};
use crate::portal::Happening;
use crate::portal::form::Form;
use crate::portal::pages::{EmailProof, OneTimeCode, RecoveryError};
use axum::response::Response;
use http::StatusCode;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = async {
        let (at, enrolment) = desk.enrolment().await?;
        if !enrolment.needs_proof() {
            return see("/enrol/app");
        }
        page(&desk, &at, &enrolment, (StatusCode::OK, None))
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn page(
    desk: &Desk,
    at: &Position,
    enrolment: &Enrolment,
    (status, error): (StatusCode, Option<RecoveryError>),
) -> Outcome {
    let now = desk.portal.env.now();
    let Some(standing) = enrolment.mail(now) else {
        let page = OneTimeCode {
            error,
            enrolment: true,
        };
        return desk.wizard(at, 1, status, &page);
    };
    let left = standing
        .until
        .map_or(MAILED_LIFETIME, |until| until.since(now));
    let page = EmailProof {
        masked: &masked(at.account.email.as_deref().unwrap_or_default()),
        minutes: minutes_rounded_up(left),
        error,
        resent: standing.resent && error.is_none(),
        more: standing.more,
    };
    desk.wizard(at, 1, status, &page)
}

/// Enough of an address to know one's own by: `a…@example.com`.
fn masked(address: &str) -> String {
    let (user, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = user.chars().take(1).collect();
    format!("{first}…@{domain}")
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let (at, enrolment) = desk.enrolment().await?;
    if !enrolment.needs_proof() {
        return see("/enrol/app");
    }
    let authn = &desk.portal.authn;
    let place = desk.visit.place();
    let by_mail = enrolment.mail(desk.portal.env.now()).is_some();
    if form.field("do") == "resend" {
        if by_mail {
            let _ = authn.resend_enrolment_code(at, enrolment, &place).await?;
        }
        return see("/enrol/proof");
    }
    let typed = form.field(if by_mail { "code" } else { "otc" });
    let canonical = match code_text::crockford(typed, code_text::ONE_TIME_CHARS) {
        Ok(canonical) => canonical,
        // not a try: it cannot be a code
        Err(malformed) => {
            let error = match malformed {
                Malformed::Empty => RecoveryError::Empty,
                Malformed::NotACode => RecoveryError::Wrong,
            };
            return page(desk, &at, &enrolment, (WRONG, Some(error)));
        }
    };
    let outcome = authn
        .authorise_enrolment(at, enrolment, &canonical, &place)
        .await?;
    match outcome {
        CodeOutcome::Wrong => {
            desk.portal.happened(Happening::CodeRefused);
            let (at, enrolment) = desk.enrolment().await?;
            if !enrolment.needs_proof() {
                return see("/enrol/app");
            }
            page(desk, &at, &enrolment, (WRONG, Some(RecoveryError::Wrong)))
        }
        CodeOutcome::Paused { until, mailed } => locked(desk, until, mailed),
        CodeOutcome::Progress(_) => see("/enrol/app"),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_keeps_its_first_letter_and_its_domain() {
        assert_eq!(masked("aino@northgate.example"), "a…@northgate.example");
        assert_eq!(masked("\"a@b\"@c.example"), "\"…@c.example");
        assert_eq!(masked("åsa@x.example"), "å…@x.example");
    }
}
