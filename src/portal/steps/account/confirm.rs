//! "Confirm that it is you."

use super::super::second_factor::locked;
use super::super::sign_in::{WRONG, paused};
use super::super::{Desk, Get, Outcome, Post, Stop, elsewhere};
use crate::authn::progress::{Position, Progress, Underway};
use crate::authn::self_service::confirm::{Answer, ConfirmationOutcome};
use crate::domain::confirmation::{Asks, AwaitConfirmation, Purpose};
use crate::domain::login::{Began, State as Step};
use crate::domain::own_page::OwnPage;
use crate::domain::return_to::Destination;
use crate::domain::verifier::code_text::{self, Malformed};
use crate::portal::Happening;
use crate::portal::form::Form;
use crate::portal::pages::{self, Confirm, Panel, ReauthError};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use axum::response::Response;
use http::StatusCode;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = async {
        match desk.visit.query("next") {
            Some(word) => asked_for(&desk, word).await,
            None => under_way(&desk).await,
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

/// A page wants the confirmation: begin with it, unless the session is fresh, or another tab has begun the same.
async fn asked_for(desk: &Desk, word: &str) -> Outcome {
    let Some(purpose) = Purpose::parse(word) else {
        return Ok(Reply::see_other(OwnPage::Security.path()));
    };
    let view = desk.owner(purpose.page()).await?;
    if !desk.portal.authn.owes(&view, purpose) {
        return Ok(Reply::see_other(purpose.page().path()));
    }
    if is_asked_already(desk, &view, purpose).await? {
        return Ok(Reply::see_other("/account/confirm"));
    }
    let progress = desk.begin_change(&view, purpose).await?;
    desk.after(progress).await
}

async fn is_asked_already(desk: &Desk, view: &Person, purpose: Purpose) -> Result<bool, Stop> {
    let found = desk.underway().await?;
    Ok(found.is_some_and(|Underway { at, state }| {
        let same = matches!(&state, Step::Confirmation(waiting) if waiting.purpose() == purpose);
        same && at.frame.began == Began::Session(view.session.id)
    }))
}

async fn under_way(desk: &Desk) -> Outcome {
    let (at, waiting) = desk.confirmation().await?;
    question(desk, &at, &waiting, StatusCode::OK, None)
}

impl Desk {
    /// Begins a change that ends at the purpose's page.
    pub(super) async fn begin_change(
        &self,
        view: &Person,
        purpose: Purpose,
    ) -> Result<Progress, Stop> {
        let destination = Some(Destination::Own(purpose.page()));
        let place = self.visit.place();
        let begun = self
            .portal
            .authn
            .begin_change(view, purpose, destination, self.attempt_cookie(), &place)
            .await?;
        Ok(begun)
    }

    async fn confirmation(&self) -> Result<(Position, AwaitConfirmation), Stop> {
        let Underway { at, state } = self.must_be_underway().await?;
        match state {
            Step::Confirmation(waiting) => Ok((at, waiting)),
            other => elsewhere(&other),
        }
    }
}

fn question(
    desk: &Desk,
    at: &Position,
    waiting: &AwaitConfirmation,
    status: StatusCode,
    error: Option<ReauthError>,
) -> Outcome {
    let page = Confirm {
        shown_as: &at.frame.shown_as,
        asks: match waiting.asks() {
            Asks {
                password: true,
                code: true,
            } => pages::Asks::Both,
            Asks { code: true, .. } => pages::Asks::Code,
            Asks { .. } => pages::Asks::Password,
        },
        error,
        action: "/account/confirm",
        cancel: waiting.purpose().way_back().path(),
    };
    let destination = at.frame.destination.as_ref();
    let reply = desk.page(status, Panel::Account, &page, None)?;
    Ok(reply.form_target(desk.target(destination)))
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let (at, waiting) = desk.confirmation().await?;
    let asks = waiting.asks();
    let password = form.field("password");
    let code = code_text::six_digits(form.field("code"));
    if let Some(error) = incomplete(asks, password, &code) {
        return question(desk, &at, &waiting, WRONG, Some(error));
    }
    let answer = Answer {
        password: asks.password.then_some(password),
        code: code.as_deref().ok().filter(|_| asks.code),
    };
    let place = desk.visit.place();
    let outcome = desk
        .portal
        .authn
        .confirm(at, waiting, answer, &place)
        .await?;
    match outcome {
        ConfirmationOutcome::Refused => {
            desk.portal.happened(if asks.password {
                Happening::PasswordRefused
            } else {
                Happening::CodeRefused
            });
            let (at, waiting) = desk.confirmation().await?;
            let error = match (asks.password, asks.code) {
                (true, true) => ReauthError::Wrong,
                (true, false) => ReauthError::WrongPassword,
                (false, _) => ReauthError::WrongCode,
            };
            question(desk, &at, &waiting, WRONG, Some(error))
        }
        ConfirmationOutcome::PasswordPaused { until } => paused(desk, until, None),
        ConfirmationOutcome::CodesPaused { until, mailed } => locked(desk, until, mailed),
        ConfirmationOutcome::Progress(progress) => desk.after(progress).await,
    }
}

/// What is missing or no code at all; none of it counts as a try.
fn incomplete(
    asks: Asks,
    password: &str,
    code: &Result<impl Sized, Malformed>,
) -> Option<ReauthError> {
    let no_password = asks.password && password.is_empty();
    let malformed = code.as_ref().err().filter(|_| asks.code);
    match (no_password, malformed) {
        (true, Some(Malformed::Empty)) => Some(ReauthError::EmptyBoth),
        (true, _) => Some(ReauthError::EmptyPassword),
        (false, Some(Malformed::Empty)) => Some(ReauthError::EmptyCode),
        (false, Some(Malformed::NotACode)) => Some(ReauthError::CodeFormat),
        (false, None) => None,
    }
}
