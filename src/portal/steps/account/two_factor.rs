//! Enable, replace, new emergency codes, turn off.

use super::super::{Desk, Get, Outcome, Post};
use super::{back, confirm_first, under};
use crate::authn::self_service::second_factor::Disabling;
use crate::domain::confirmation::Purpose;
use crate::domain::own_page::OwnPage;
use crate::domain::return_to::Destination;
use crate::portal::form::Form;
use crate::portal::pages::{DisableTwoFactor, Done};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use axum::response::Response;
use http::StatusCode;

/// The buttons of "Password & 2FA".
pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let view = desk.owner(OwnPage::Security).await?;
    let on = view.subject.has_second_factor();
    let progress = match form.field("do") {
        "enrol" if !on => {
            let destination = Some(Destination::Own(OwnPage::Enabled));
            let place = desk.visit.place();
            desk.portal
                .authn
                .enrol_in_session(&view, destination, desk.attempt_cookie(), &place)
                .await?
        }
        "replace" if on => desk.begin_change(&view, Purpose::Replace).await?,
        "codes" if on => desk.begin_change(&view, Purpose::NewCodes).await?,
        // another tab was first
        _ => return Ok(Reply::see_other(OwnPage::Security.path())),
    };
    desk.after(progress).await
}

pub async fn ask_disable(Get(desk): Get) -> Response {
    let outcome = async {
        let view = desk.owner(OwnPage::Disable).await?;
        if !may_disable(&desk, &view) {
            return Ok(Reply::see_other(OwnPage::Security.path()));
        }
        if desk.portal.authn.owes(&view, Purpose::Disable) {
            return Err(confirm_first(Purpose::Disable));
        }
        let page = DisableTwoFactor {
            shown_as: view.subject.shown_as(),
        };
        desk.own_page(StatusCode::OK, &page)
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn may_disable(desk: &Desk, view: &Person) -> bool {
    view.subject.has_second_factor()
        && desk.portal.authn.disabling(&view.subject.groups) == Disabling::Allowed
}

pub async fn disable(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(_) => disabled(&desk).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn disabled(desk: &Desk) -> Outcome {
    let view = desk.owner(OwnPage::Disable).await?;
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    let changed = authn.disable_second_factor(&view, &place).await?;
    desk.changed(changed, Purpose::Disable, |token| {
        Ok(match token {
            Some(token) => under(&token, back(OwnPage::Security, Done::TwoFactorDisabled)),
            None => Reply::see_other(OwnPage::Security.path()),
        })
    })
}
