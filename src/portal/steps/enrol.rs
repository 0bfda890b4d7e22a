//! Enrolment, five steps: why, which app, scan, confirm, store the emergency codes.

use super::sign_in::{WRONG, see};
use super::{Desk, Get, Outcome, Post, elsewhere};
use crate::authn::enrolment::ConfirmOutcome;
use crate::authn::progress::{Position, Underway};
use crate::domain::binding::{App, Enrolment};
use crate::domain::login::State as Step;
use crate::domain::own_page::OwnPage;
use crate::domain::return_to::Destination;
use crate::domain::verifier::code_text::{self, Malformed};
use crate::domain::verifier::totp;
use crate::portal::Happening;
use crate::portal::form::Form;
use crate::portal::pages::{
    Chosen, CodesFor, ConfirmError, EnrolApp, EnrolCodes, EnrolConfirm, EnrolScan, EnrolWhy, Page,
    Panel,
};
use crate::portal::respond::Reply;
use axum::response::Response;
use http::StatusCode;

impl Desk {
    pub(super) fn wizard(
        &self,
        at: &Position,
        step: u8,
        status: StatusCode,
        page: &impl Page,
    ) -> Outcome {
        let panel = Panel::Steps {
            current: step,
            codes_plural: self.portal.authn.rules().emergency_codes > 1,
        };
        let reply = self.page(status, panel, page, None)?;
        Ok(reply.form_target(self.target(at.frame.destination.as_ref())))
    }

    pub(super) async fn enrolment(&self) -> Result<(Position, Enrolment), super::Stop> {
        let Underway { at, state } = self.must_be_underway().await?;
        match state {
            Step::Enrolment(enrolment) => Ok((at, enrolment)),
            other => elsewhere(&other),
        }
    }
}

pub async fn why(Get(desk): Get) -> Response {
    let outcome = async {
        let (at, enrolment) = desk.enrolment().await?;
        let page = EnrolWhy {
            again: enrolment.is_replacement(),
            next: if enrolment.needs_proof() {
                "/enrol/proof"
            } else {
                "/enrol/app"
            },
        };
        desk.wizard(&at, 1, StatusCode::OK, &page)
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

pub async fn app(Get(desk): Get) -> Response {
    let outcome = async {
        let (at, enrolment) = desk.enrolment().await?;
        if enrolment.needs_proof() {
            return see("/enrol/proof");
        }
        app_page(&desk, &at, &enrolment, StatusCode::OK, false)
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn app_page(
    desk: &Desk,
    at: &Position,
    enrolment: &Enrolment,
    status: StatusCode,
    error: bool,
) -> Outcome {
    let chosen = match enrolment.app() {
        Some(App::Other) => Chosen::Other,
        Some(App::Own) | None => Chosen::Own,
    };
    desk.wizard(at, 2, status, &EnrolApp { chosen, error })
}

pub async fn submit_app(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => app_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn app_submitted(desk: &Desk, form: &Form) -> Outcome {
    let (at, enrolment) = desk.enrolment().await?;
    if enrolment.needs_proof() {
        return see("/enrol/proof");
    }
    let app = match form.field("app") {
        "own" if desk.portal.brand.own_app().is_some() => App::Own,
        "other" => App::Other,
        _ => return app_page(desk, &at, &enrolment, WRONG, true),
    };
    let _ = desk.portal.authn.choose_app(at, enrolment, app).await?;
    see("/enrol/scan")
}

pub async fn scan(Get(desk): Get) -> Response {
    let outcome = scan_page(&desk).await;
    desk.finish(outcome)
}

async fn scan_page(desk: &Desk) -> Outcome {
    let (mut at, mut enrolment) = ready_to_scan(desk).await?;
    if enrolment.key(desk.portal.env.now()).is_none() {
        let _ = desk.portal.authn.make_key(at, enrolment).await?;
        (at, enrolment) = ready_to_scan(desk).await?;
    }
    let Some(key) = enrolment.key(desk.portal.env.now()) else {
        return see("/enrol/app");
    };
    let issuer = &desk.portal.brand.name;
    let label = at.account.shown_as();
    let Some(otpauth) = totp::otpauth_url(key.secret(), issuer, label) else {
        return see("/enrol/app");
    };
    let page = EnrolScan {
        otpauth: &otpauth,
        key_groups: &totp::key_groups(key.secret()),
        account_label: &format!("{issuer}: {label}"),
        own_app: desk
            .portal
            .brand
            .own_app()
            .filter(|_| enrolment.app() == Some(App::Own))
            .map(|app| app.name.as_str()),
    };
    desk.wizard(&at, 3, StatusCode::OK, &page)
}

/// Proof given where it is asked, app chosen; else back to the step that is missing.
async fn ready_to_scan(desk: &Desk) -> Result<(Position, Enrolment), super::Stop> {
    let (at, enrolment) = desk.enrolment().await?;
    let missing = match (enrolment.needs_proof(), enrolment.app()) {
        (true, _) => Some("/enrol/proof"),
        (false, None) => Some("/enrol/app"),
        (false, Some(_)) => None,
    };
    match missing {
        Some(path) => Err(super::Stop::Elsewhere(path.to_owned())),
        None => Ok((at, enrolment)),
    }
}

pub async fn confirm(Get(desk): Get) -> Response {
    let outcome = async {
        let (at, enrolment) = ready_to_scan(&desk).await?;
        if enrolment.key(desk.portal.env.now()).is_none() {
            return see("/enrol/scan");
        }
        desk.wizard(&at, 4, StatusCode::OK, &EnrolConfirm { error: None })
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

pub async fn submit_confirm(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => confirm_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn confirm_submitted(desk: &Desk, form: &Form) -> Outcome {
    let (at, enrolment) = ready_to_scan(desk).await?;
    let refuse = |at: &Position, error| {
        let page = EnrolConfirm { error: Some(error) };
        desk.wizard(at, 4, WRONG, &page)
    };
    let digits = match code_text::six_digits(form.field("code")) {
        Ok(digits) => digits,
        Err(Malformed::Empty) => return refuse(&at, ConfirmError::Empty),
        Err(Malformed::NotACode) => return refuse(&at, ConfirmError::Format),
    };
    let place = desk.visit.place();
    let outcome = desk
        .portal
        .authn
        .confirm_enrolment(at, enrolment, &digits, &place)
        .await?;
    match outcome {
        ConfirmOutcome::Wrong => {
            let (at, _) = ready_to_scan(desk).await?;
            refuse(&at, ConfirmError::Wrong)
        }
        ConfirmOutcome::KeyExpired => {
            let (at, _) = ready_to_scan(desk).await?;
            refuse(&at, ConfirmError::Expired)
        }
        ConfirmOutcome::Progress(progress) => {
            desk.portal.happened(Happening::Enrolled);
            desk.after(progress).await
        }
    }
}

pub async fn codes(Get(desk): Get) -> Response {
    let outcome = async {
        let Underway { at, state } = desk.must_be_underway().await?;
        match state {
            Step::Codes(waiting) => codes_page(&desk, &at, waiting.codes(), StatusCode::OK, false),
            other => elsewhere(&other),
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

fn codes_page(
    desk: &Desk,
    at: &Position,
    codes: &[String],
    status: StatusCode,
    error: bool,
) -> Outcome {
    let renewed = at.frame.destination == Some(Destination::Own(OwnPage::NewCodes));
    let page = EnrolCodes {
        codes,
        shown_as: at.account.shown_as(),
        date: desk.portal.env.now().seconds(),
        error,
        purpose: if renewed {
            CodesFor::Replacement
        } else {
            CodesFor::Enrolment
        },
        action: "/enrol/codes",
    };
    if renewed {
        desk.page(status, Panel::Account, &page, None)
    } else {
        desk.wizard(at, 5, status, &page)
    }
}

pub async fn submit_codes(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => codes_submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn codes_submitted(desk: &Desk, form: &Form) -> Outcome {
    let Underway { at, state } = desk.must_be_underway().await?;
    let waiting = match state {
        Step::Codes(waiting) => waiting,
        other => return elsewhere(&other),
    };
    if form.field("do") == "download" {
        return Ok(Reply::download(
            &format!("{}-emergency-codes.txt", file_name(&desk.portal.brand.name)),
            codes_text(desk, &at, waiting.codes()),
        ));
    }
    if form.field("stored").is_empty() {
        return codes_page(desk, &at, waiting.codes(), WRONG, true);
    }
    let place = desk.visit.place();
    let progress = desk.portal.authn.codes_stored(at, waiting, &place).await?;
    desk.note(&progress);
    desk.after(progress).await
}

fn codes_text(desk: &Desk, at: &Position, codes: &[String]) -> String {
    format!(
        "{}\n{}\n\n{}\n",
        desk.portal.brand.name,
        at.account.shown_as(),
        codes.join("\n")
    )
}

/// The brand's name as a file name: letters and digits, lower case.
fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    plain.trim_matches('-').to_owned()
}
