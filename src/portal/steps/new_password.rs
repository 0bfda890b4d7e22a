//! A password that somebody else gave is changed first of all.

use super::account::password::said;
use super::sign_in::WRONG;
use super::{Desk, Get, Outcome, Post, elsewhere};
use crate::authn::new_password::ChosenOutcome;
use crate::authn::progress::{Position, Underway};
use crate::domain::login::State as Step;
use crate::portal::form::Form;
use crate::portal::pages::{NewPassword, NewPasswordError, SetInitialPassword};
use axum::response::Response;
use http::StatusCode;

const PATH: &str = "/signin/new-password";

pub async fn show(Get(desk): Get) -> Response {
    let outcome = async {
        let Underway { at, state } = desk.must_be_underway().await?;
        match state {
            Step::NewPassword(_) => form_page(&desk, &at, StatusCode::OK, None),
            other => elsewhere(&other),
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn form_page(
    desk: &Desk,
    at: &Position,
    status: StatusCode,
    error: Option<NewPasswordError>,
) -> Outcome {
    let length = desk.portal.authn.rules().password.minimum.length;
    let page = SetInitialPassword {
        shown_as: &at.frame.shown_as,
        password: NewPassword {
            minimum_length: u64::try_from(length).unwrap_or(u64::MAX),
            error,
        },
        action: PATH,
    };
    desk.step_page(at, status, &page)
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
    let Step::NewPassword(waiting) = state else {
        return elsewhere(&state);
    };
    let typed = form.field("password");
    let place = desk.visit.place();
    let route = desk.portal.route_of(at.frame.destination.as_ref());
    let route_policy = route.map(|(_, route)| route.two_factor);
    let authn = &desk.portal.authn;
    let error = match authn
        .choose_password(at, waiting, (typed, route_policy), &place)
        .await?
    {
        ChosenOutcome::Refused(refusal) => said(&refusal, typed),
        ChosenOutcome::Same => NewPasswordError::Same,
        ChosenOutcome::Progress(progress) => {
            desk.note(&progress);
            return desk.after(progress).await;
        }
    };
    let Underway { at, .. } = desk.must_be_underway().await?;
    form_page(desk, &at, WRONG, Some(error))
}
