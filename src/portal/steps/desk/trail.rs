//! The audit trail: a page at a time, and as JSON Lines.

use super::super::{Desk, Get, Outcome, Stop};
use crate::authn::Authn;
use crate::authn::desk::{Export, Question, Shown};
use crate::domain::audit::{Actor, Event};
use crate::domain::timestamp::{DAY, Timestamp};
use crate::domain::user_agent;
use crate::portal::pages::{desk as view, trail_text_id};
use crate::portal::respond::secure;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

/// What stands in the address.
struct Asked<'a> {
    filter: view::TrailFilter<'a>,
    question: Question<'a>,
    bad_dates: bool,
}

fn asked(desk: &Desk) -> Asked<'_> {
    let typed = |name: &str| desk.visit.query(name).unwrap_or_default();
    let filter = view::TrailFilter {
        account: typed("account"),
        event: typed("event"),
        actor: typed("actor"),
        from: typed("from"),
        to: typed("to"),
    };
    let from = start_of(filter.from);
    // through the last day
    let to = start_of(filter.to).map(|at| at.map(|at| Timestamp::from_seconds(at.seconds() + DAY)));
    let bad_dates = match (from, to) {
        (Ok(Some(from)), Ok(Some(to))) => to <= from,
        (Ok(_), Ok(_)) => false,
        (Err(NotADay), _) | (_, Err(NotADay)) => true,
    };
    let question = Question {
        account: filter.account,
        actor: filter.actor,
        event: Event::parse(filter.event),
        since: from.unwrap_or_default(),
        until: to.unwrap_or_default(),
        before: desk.visit.query("before").and_then(|n| n.parse().ok()),
    };
    Asked {
        filter,
        question,
        bad_dates,
    }
}

#[derive(Clone, Copy)]
struct NotADay;

/// The first moment of a day written `2026-11-26`; nothing where nothing is written.
fn start_of(text: &str) -> Result<Option<Timestamp>, NotADay> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let format = time::format_description::well_known::Iso8601::DATE;
    let day = time::Date::parse(text.trim(), &format).map_err(|_| NotADay)?;
    let start = day.midnight().assume_utc().unix_timestamp();
    Ok(Some(Timestamp::from_seconds(start)))
}

/// GET `/desk/audit`
pub async fn show(Get(desk): Get) -> Response {
    let outcome = page(&desk).await;
    desk.finish(outcome)
}

async fn page(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let mut asked = asked(desk);
    if asked.bad_dates {
        asked.question = Question {
            since: None,
            until: None,
            ..asked.question
        };
    }
    let found = desk
        .portal
        .authn
        .desk_trail(&console.agent, asked.question, &place)
        .await?;
    let found = match found {
        Ok(found) => found,
        Err(denied) => return console.denied(denied, None).await,
    };
    let texts = desk.portal.texts.in_language(desk.visit.language);
    let words = |event: &Event| match trail_text_id(event) {
        Some(id) => texts.text(id),
        None => event.code().to_owned(),
    };
    let events: Vec<(&str, String)> = Event::ALL.iter().map(|e| (e.code(), words(e))).collect();
    let ids: Vec<String> = found
        .entries
        .iter()
        .map(|shown| shown.logged.record.account.map(|id| id.to_string()))
        .map(Option::unwrap_or_default)
        .collect();
    let entries: Vec<view::Entry<'_>> = found
        .entries
        .iter()
        .zip(&ids)
        .map(|(shown, id)| entry(shown, id, words(&shown.logged.record.event)))
        .collect();
    let older = found.older.map(|n| n.to_string());
    let page = view::Trail {
        desk: console.frame(view::Section::Trail).await?,
        filter: asked.filter,
        events: &events,
        entries: &entries,
        older: older.as_deref(),
        paged: asked.question.before.is_some(),
        bad_dates: asked.bad_dates,
        people: true,
    };
    console.page(StatusCode::OK, &page)
}

fn entry<'e>(shown: &'e Shown, id: &'e str, event: String) -> view::Entry<'e> {
    let record = &shown.logged.record;
    let described = record.place.user_agent.as_deref().map(user_agent::describe);
    let from = [
        described.and_then(|d| d.browser).map(str::to_owned),
        described.and_then(|d| d.system).map(str::to_owned),
        record.place.address.map(|a| a.to_string()),
    ];
    let account = shown.account.as_deref();
    let actor = match (&record.actor, &shown.actor, account) {
        (_, Some(name), _) => name.clone(),
        (Actor::Person, None, Some(name)) => name.to_owned(),
        (other, None, _) => other.code().into_owned(),
    };
    view::Entry {
        at: record.at.seconds(),
        event,
        code: record.event.code(),
        actor,
        account: account.map(|name| (id, name)),
        from: from.into_iter().flatten().collect::<Vec<_>>().join(", "),
        detail: &record.detail,
    }
}

/// GET `/desk/audit.jsonl`
pub async fn export(Get(desk): Get) -> Response {
    match begun(&desk).await {
        Ok(response) => response,
        Err(outcome) => desk.finish(outcome),
    }
}

async fn begun(desk: &Desk) -> Result<Response, Outcome> {
    let stopped = |stop: Stop| Err(stop);
    let console = desk.console().await.map_err(stopped)?;
    let place = desk.visit.place();
    let asked = asked(desk);
    if asked.bad_dates {
        return Err(page(desk).await);
    }
    let authn = &desk.portal.authn;
    let begun = authn
        .desk_export(&console.agent, asked.question, &place)
        .await
        .map_err(|fault| Err(fault.into()))?;
    match begun {
        Ok(export) => Ok(streamed(Arc::clone(authn), export)),
        Err(denied) => Err(console.denied(denied, None).await),
    }
}

/// A piece at a time: however long the trail is, a piece of it is in memory. A store that fails on the way breaks the
/// answer off, so that half a trail is not taken for a whole one.
fn streamed(authn: Arc<Authn>, export: Export) -> Response {
    let pieces = futures_util::stream::try_unfold((authn, export), async |(authn, mut export)| {
        let piece = authn.continue_export(&mut export).await?;
        if piece.is_empty() {
            return Ok::<_, crate::authn::Fault>(None);
        }
        let lines: String = piece.iter().map(json_line).collect();
        Ok(Some((Bytes::from(lines), (authn, export))))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jsonl; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"audit.jsonl\""),
    );
    secure(headers, "default-src 'none'; frame-ancestors 'none'");
    response
}

fn json_line(shown: &Shown) -> String {
    let record = &shown.logged.record;
    let line = serde_json::json!({
        "number": shown.logged.number,
        "at": rfc_3339(record.at),
        "event": record.event.code(),
        "account": record.account.map(|id| id.to_string()),
        "account_name": shown.account.as_deref().filter(|_| record.account.is_some()),
        "actor": record.actor.code(),
        "actor_name": shown.actor,
        "address": record.place.address,
        "user_agent": record.place.user_agent,
        "detail": record.detail,
    });
    plain(&format!("{line}\n"))
}

/// What reorders, hides or breaks lines on a terminal stands as an escape: in JSON it can only be within a string.
fn plain(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let hostile = matches!(c,
            '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hostile {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn rfc_3339(at: Timestamp) -> String {
    use time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}
