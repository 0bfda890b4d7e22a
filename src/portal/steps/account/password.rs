//! "Change password".

use super::super::sign_in::WRONG;
use super::super::{Desk, Get, Outcome, Post};
use super::{back, confirm_first, under};
use crate::authn::self_service::password::Received;
use crate::domain::confirmation::Purpose;
use crate::domain::own_page::OwnPage;
use crate::domain::password_rules::Refusal;
use crate::portal::form::Form;
use crate::portal::pages::{ChangePassword, Done, NewPassword, NewPasswordError};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use axum::response::Response;
use http::StatusCode;

/// Where password managers look for it (W3C, A Well-Known URL for Changing Passwords).
pub async fn well_known(Get(desk): Get) -> Response {
    desk.finish(Ok(Reply::see_other(OwnPage::Password.path())))
}

pub async fn show(Get(desk): Get) -> Response {
    let outcome = async {
        let view = desk.owner(OwnPage::Password).await?;
        if desk.portal.authn.owes(&view, Purpose::Password) {
            return Err(confirm_first(Purpose::Password));
        }
        form_page(&desk, &view, StatusCode::OK, None)
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn form_page(
    desk: &Desk,
    view: &Person,
    status: StatusCode,
    error: Option<NewPasswordError>,
) -> Outcome {
    let length = desk.portal.authn.rules().password.minimum.length;
    let page = ChangePassword {
        shown_as: view.subject.shown_as(),
        password: NewPassword {
            minimum_length: u64::try_from(length).unwrap_or(u64::MAX),
            error,
        },
    };
    desk.own_page(status, &page)
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let view = desk.owner(OwnPage::Password).await?;
    let typed = form.field("new");
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    let changed = authn.change_password(&view, typed, &place).await?;
    desk.changed(changed, Purpose::Password, |received| match received {
        Received::Taken(token) => {
            let reply = back(OwnPage::Security, Done::PasswordChanged);
            Ok(under(&token, reply))
        }
        Received::Refused(refusal) => {
            let error = Some(said(&refusal, typed));
            form_page(desk, &view, WRONG, error)
        }
        Received::Same => form_page(desk, &view, WRONG, Some(NewPasswordError::Same)),
    })
}

/// A refusal in the words of the page.
pub(in crate::portal::steps) fn said(refusal: &Refusal, typed: &str) -> NewPasswordError {
    match refusal {
        Refusal::TooShort(_) => NewPasswordError::TooShort,
        Refusal::EmptyOrTooLong if typed.is_empty() => NewPasswordError::Empty,
        Refusal::EmptyOrTooLong => NewPasswordError::TooLong,
        Refusal::Common | Refusal::Breached => NewPasswordError::Known,
        Refusal::Context(_) => NewPasswordError::Context,
        Refusal::Guessable => NewPasswordError::Guessable,
    }
}
