//! A new account.

use super::super::{Desk, Get, Outcome, Post};
use super::Console;
use super::act::groups_of;
use super::users::INVITED;
use crate::authn::desk::{Begins, Newcomer, Unfit};
use crate::domain::desk::Act;
use crate::i18n::Language;
use crate::portal::form::Form;
use crate::portal::pages::desk as view;
use crate::portal::respond::Reply;
use crate::portal::steps::sign_in::WRONG;
use axum::response::Response;
use http::StatusCode;

/// What stands in the form.
struct Filled {
    name: String,
    login: String,
    email: String,
    groups: String,
    language: Option<Language>,
    start: Option<view::Start>,
}

impl Filled {
    fn of(form: &Form) -> Self {
        let text = |name| form.field(name).trim().to_owned();
        Self {
            name: text("name"),
            login: text("login"),
            email: text("email"),
            groups: text("groups"),
            language: Language::parse(form.field("language")),
            start: view::Start::parse(form.field("start")),
        }
    }
}

/// GET `/desk/accounts/new`
pub async fn show(Get(desk): Get) -> Response {
    let outcome = empty(&desk).await;
    desk.finish(outcome)
}

async fn empty(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let may = desk
        .portal
        .authn
        .desk_authorise(&console.agent, Act::Create, None, &place);
    if let Err(denied) = may.await? {
        return console.denied(denied, None).await;
    }
    let filled = Filled {
        name: String::new(),
        login: String::new(),
        email: String::new(),
        groups: String::new(),
        language: None,
        start: None,
    };
    page(&console, &filled, StatusCode::OK, &[]).await
}

async fn page(
    console: &Console<'_>,
    filled: &Filled,
    status: StatusCode,
    errors: &[view::AccountError],
) -> Outcome {
    let mail = console.desk.portal.authn.rules().mails;
    let page = view::NewAccount {
        desk: console.frame(view::Section::NewAccount).await?,
        name: &filled.name,
        login: &filled.login,
        email: &filled.email,
        groups: &filled.groups,
        language: filled.language,
        start: filled.start.unwrap_or(if mail {
            view::Start::Invite
        } else {
            view::Start::Show
        }),
        mail,
        errors,
    };
    console.page(status, &page)
}

/// POST `/desk/accounts/new`
pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let console = desk.console().await?;
    let filled = Filled::of(form);
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    let begins = match filled.start {
        Some(view::Start::Show) => Some(Begins::Shown),
        Some(view::Start::Invite) if authn.rules().mails => Some(Begins::Invited),
        Some(view::Start::Invite) | None => None,
    };
    let Some(begins) = begins else {
        let may = authn.desk_authorise(&console.agent, Act::Create, None, &place);
        return match may.await? {
            Ok(_) => page(&console, &filled, WRONG, &[view::AccountError::Start]).await,
            Err(denied) => console.denied(denied, None).await,
        };
    };
    let newcomer = Newcomer {
        login: filled.login.clone(),
        email: Some(filled.email.clone()),
        name: filled.name.clone(),
        groups: groups_of(&filled.groups),
        language: filled.language.map(|language| language.tag().to_owned()),
        begins,
    };
    match authn.desk_create(&console.agent, newcomer, &place).await? {
        Err(denied) => console.denied(denied, None).await,
        Ok(Err(unfit)) => {
            let errors: Vec<view::AccountError> = unfit.into_iter().map(error_of).collect();
            page(&console, &filled, WRONG, &errors).await
        }
        Ok(Ok(created)) => {
            let id = created.account.id.to_string();
            let Some(secret) = &created.password else {
                return Ok(Reply::see_other(format!("/desk/users/{id}?done={INVITED}")));
            };
            let page = view::InitialSecret {
                desk: console.frame(view::Section::NewAccount).await?,
                id: &id,
                name: &created.account.name,
                login: &created.account.login,
                secret,
                until: created.until.map(|at| at.seconds()),
            };
            console.page(StatusCode::OK, &page)
        }
    }
}

const fn error_of(unfit: Unfit) -> view::AccountError {
    match unfit {
        Unfit::NameEmpty => view::AccountError::NameEmpty,
        Unfit::LoginEmpty => view::AccountError::LoginEmpty,
        Unfit::Login => view::AccountError::LoginBad,
        Unfit::LoginTaken => view::AccountError::LoginTaken,
        Unfit::Email => view::AccountError::EmailBad,
        Unfit::EmailTaken => view::AccountError::EmailTaken,
        Unfit::NoInvitation => view::AccountError::EmailEmpty,
        Unfit::Groups => view::AccountError::Groups,
        Unfit::Role => view::AccountError::RoleGroups,
    }
}
