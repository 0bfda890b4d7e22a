//! Many accounts at once.

use super::problem::Problem;
use super::request::read;
use super::{Call, Done, Reply};
use crate::authn::desk::{Imported, MOST_BYTES, UnfitImport};
use axum::body::Body;
use serde_json::{Value, json};

/// Says what each line is, and with `preview=false` makes it so. Judged once more by the very same rules before it is
/// done: what a line has become is in the answer.
pub(super) async fn import(call: &Call, body: Body) -> Done {
    call.query.allow(&["preview"])?;
    let words = "write `true` or `false`";
    let preview = call.query.read("preview", words, |text| match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })?;
    let preview = preview.unwrap_or(true);
    call.expect_type(&["text/csv", "application/x-ndjson"])?;
    let bytes = read(body, MOST_BYTES).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::invalid("The body is not text in UTF-8."))?;
    let (authn, agent, place) = (&call.portal.authn, &call.agent, &call.place);
    let shown = authn.desk_preview(agent, text, place).await??;
    if shown.too_many {
        return Err(Problem::TOO_LARGE);
    }
    if preview {
        return Reply::ok(imported(&shown, true));
    }
    let seal = shown.seal.as_deref().unwrap_or_default();
    let done = authn.desk_import(agent, text, seal, place).await??;
    let done = done.ok_or(Problem::INTERNAL)?;
    Reply::ok(imported(&done, false))
}

fn imported(imported: &Imported, preview: bool) -> Value {
    let rows: Vec<Value> = imported
        .rows
        .iter()
        .map(|row| {
            let (outcome, problem) = match &row.outcome {
                Ok(true) => ("new", None),
                Ok(false) => ("exists", None),
                Err(unfit) => ("refused", Some(why(unfit))),
            };
            json!({
                "line": row.number,
                "login": row.login,
                "outcome": outcome,
                "problem": problem,
            })
        })
        .collect();
    let count = |outcome: &str| {
        let is = |row: &&Value| row.get("outcome").is_some_and(|of| of == outcome);
        rows.iter().filter(is).count()
    };
    json!({
        "preview": preview,
        "new": count("new"),
        "exists": count("exists"),
        "refused": count("refused"),
        "lines": rows,
    })
}

fn why(unfit: &UnfitImport) -> String {
    match unfit {
        UnfitImport::Line(problem) => problem.to_string(),
        UnfitImport::EmailTaken => "the e-mail address is taken".to_owned(),
        UnfitImport::Role(group) => format!("the group `{group}` gives a role in the console"),
        UnfitImport::Password => "it brings a password along: leave `password_hash` out".to_owned(),
        UnfitImport::NotText => "it is not text in UTF-8".to_owned(),
    }
}
