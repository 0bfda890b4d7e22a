//! Many accounts at once: pasted, shown, confirmed.

use super::super::{Desk, Get, Outcome, Post};
use super::Console;
use crate::authn::accounts::Refusal;
use crate::authn::desk::{ImportRow, Imported, MOST_BYTES, MOST_LINES, UnfitImport};
use crate::authn::import::Problem;
use crate::domain::desk::Act;
use crate::portal::form::Form;
use crate::portal::pages::desk as view;
use crate::portal::steps::sign_in::WRONG;
use axum::response::Response;
use http::StatusCode;

/// Its address: forms that are sent here may be large.
pub const PATH: &str = "/desk/accounts/import";

/// GET `/desk/accounts/import`
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
        .desk_authorise(&console.agent, Act::Import, None, &place);
    match may.await? {
        Ok(_) => paste(&console, "", None).await,
        Err(denied) => console.denied(denied, None).await,
    }
}

/// The form, with what is wrong.
async fn paste(console: &Console<'_>, data: &str, error: Option<(&str, &str)>) -> Outcome {
    let status = if error.is_some() {
        WRONG
    } else {
        StatusCode::OK
    };
    let error = error.map(|(id, value)| console.text(id, value));
    let step = view::ImportStep::Paste { data, error };
    let desk = console.frame(view::Section::Import).await?;
    console.page(status, &view::Import { desk, step })
}

/// POST `/desk/accounts/import`
pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    let may = authn.desk_authorise(&console.agent, Act::Import, None, &place);
    if let Err(denied) = may.await? {
        return console.denied(denied, None).await;
    }
    let data = form.field("data");
    if data.len() > MOST_BYTES {
        return paste(&console, "", Some(("desk-import-err-large", ""))).await;
    }
    let imports = form.field("do") == "import";
    let answer = if imports {
        let seal = form.field("seal");
        authn
            .desk_import(&console.agent, data, seal, &place)
            .await?
    } else {
        let shown = authn.desk_preview(&console.agent, data, &place).await?;
        shown.map(Some)
    };
    let imported = match answer {
        Err(denied) => return console.denied(denied, None).await,
        Ok(None) => return paste(&console, data, Some(("desk-import-err-stale", ""))).await,
        Ok(Some(imported)) => imported,
    };
    if imported.too_many {
        let most = MOST_LINES.to_string();
        return paste(&console, data, Some(("desk-import-err-many", &most))).await;
    }
    if imported.rows.is_empty() {
        return paste(&console, data, Some(("desk-import-err-empty", ""))).await;
    }
    report(&console, data, &imported).await
}

async fn report(console: &Console<'_>, data: &str, imported: &Imported) -> Outcome {
    let lines: Vec<view::ImportLine<'_>> =
        imported.rows.iter().map(|row| line(console, row)).collect();
    let count = |state| lines.iter().filter(|line| line.state == state).count() as u64;
    let counts = view::ImportCounts {
        new: count(view::LineState::New),
        exists: count(view::LineState::Exists),
        problems: count(view::LineState::Problem),
    };
    let lines = &lines[..];
    let step = match &imported.seal {
        Some(seal) => view::ImportStep::Preview {
            data,
            seal,
            counts,
            lines,
        },
        None => view::ImportStep::Result { counts, lines },
    };
    let desk = console.frame(view::Section::Import).await?;
    console.page(StatusCode::OK, &view::Import { desk, step })
}

fn line<'r>(console: &Console<'_>, row: &'r ImportRow) -> view::ImportLine<'r> {
    let (state, reason) = match &row.outcome {
        Ok(true) => (view::LineState::New, String::new()),
        Ok(false) => (view::LineState::Exists, String::new()),
        Err(unfit) => (view::LineState::Problem, reason(console, unfit)),
    };
    view::ImportLine {
        number: row.number as u64,
        who: &row.login,
        state,
        reason,
    }
}

fn reason(console: &Console<'_>, unfit: &UnfitImport) -> String {
    let first: String;
    let (id, value) = match unfit {
        UnfitImport::Line(Problem::Unreadable(why)) => ("line", why.as_str()),
        UnfitImport::Line(Problem::Account(Refusal::Login(_))) => ("login", ""),
        UnfitImport::Line(Problem::Account(Refusal::Email(_))) => ("email", ""),
        UnfitImport::Line(Problem::Account(Refusal::Group(group))) => ("group", group.as_str()),
        UnfitImport::Line(Problem::Twice(line)) => {
            first = line.to_string();
            ("twice", first.as_str())
        }
        UnfitImport::Line(Problem::Account(Refusal::Taken(_))) | UnfitImport::EmailTaken => {
            ("taken", "")
        }
        UnfitImport::Line(Problem::Hash(_)) | UnfitImport::Password => ("password", ""),
        UnfitImport::Role(group) => ("role", group.as_str()),
        UnfitImport::NotText => ("text", ""),
    };
    console.text(&format!("desk-import-err-{id}"), value)
}
