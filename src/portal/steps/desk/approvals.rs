//! What waits for a second agent, and the second agent's word.

use super::super::{Desk, Get, Outcome, Post};
use super::page_of;
use crate::authn::desk::{Asked, Denied, Pending};
use crate::domain::id::ApprovalId;
use crate::domain::timestamp::{Timestamp, minutes_rounded_up};
use crate::portal::errors;
use crate::portal::form::Form;
use crate::portal::pages::desk as view;
use crate::portal::respond::Reply;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;

/// GET `/desk/approvals`
pub async fn show(Get(desk): Get) -> Response {
    let outcome = list(&desk).await;
    desk.finish(outcome)
}

async fn list(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let pending = desk
        .portal
        .authn
        .desk_approvals(&console.agent, &place)
        .await?;
    let pending = match pending {
        Ok(pending) => pending,
        Err(denied) => return console.denied(denied, None).await,
    };
    let now = desk.portal.env.now();
    let ids: Vec<(String, String)> = pending
        .iter()
        .map(|p| (p.approval.id.to_string(), p.target.id.to_string()))
        .collect();
    let requests: Vec<view::Request<'_>> = pending
        .iter()
        .zip(&ids)
        .filter_map(|(pending, ids)| request(pending, ids, now))
        .collect();
    let page = view::Approvals {
        desk: console.frame(view::Section::Approvals).await?,
        requests: &requests,
        decided: match desk.visit.query("done") {
            Some("approved") => Some(view::Decided::Approved),
            Some("declined") => Some(view::Decided::Declined),
            Some("gone") => Some(view::Decided::Gone),
            Some(_) | None => None,
        },
    };
    console.page(StatusCode::OK, &page)
}

fn request<'p>(
    pending: &'p Pending,
    (id, account): &'p (String, String),
    now: Timestamp,
) -> Option<view::Request<'p>> {
    let approval = &pending.approval;
    Some(view::Request {
        id,
        act: page_of(approval.act)?,
        asked_by: pending.requested_by.shown_as(),
        asked_at: approval.requested_at.seconds(),
        account_id: account,
        account_name: &pending.target.name,
        case: &approval.case,
        check: approval.check,
        until: pending.parameters.until.map(Timestamp::seconds),
        groups: pending.parameters.groups.as_ref().map(|groups| {
            let names: Vec<&str> = groups.iter().map(String::as_str).collect();
            names.join(", ")
        }),
        minutes_left: minutes_rounded_up(approval.expires_at.since(now)),
        own: pending.may_approve.is_err(),
    })
}

/// POST `/desk/approvals/{id}`: `do` is `approve` or `decline`.
pub async fn submit(Path(id): Path<String>, Post(desk, form): Post) -> Response {
    let Some(id) = ApprovalId::parse(&id) else {
        return errors::not_found(Get(desk)).await;
    };
    let outcome = match form {
        Ok(form) => submitted(&desk, id, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, id: ApprovalId, form: &Form) -> Outcome {
    let console = desk.console().await?;
    let (asked, done) = match form.field("do") {
        "approve" => (Asked::Approve, "approved"),
        "decline" => (Asked::Decline, "declined"),
        _ => return Ok(Reply::see_other("/desk/approvals")),
    };
    let place = desk.visit.place();
    let settled = desk
        .portal
        .authn
        .desk_settle(&console.agent, id, asked, &place)
        .await?;
    let done = match settled {
        Ok(_) => done,
        Err(Denied::NotFound | Denied::Overtaken | Denied::Missing(_) | Denied::Cannot(_)) => {
            "gone"
        }
        Err(denied) => return console.denied(denied, None).await,
    };
    Ok(Reply::see_other(format!("/desk/approvals?done={done}")))
}
