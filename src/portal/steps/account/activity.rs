//! "Recent activity".

use super::super::{Desk, Get, Outcome};
use super::nav;
use crate::domain::audit::{Actor, Event, Logged};
use crate::domain::own_page::OwnPage;
use crate::domain::session::View;
use crate::portal::pages::{Activity, Device, Entry, activity_text_id};
use axum::response::Response;
use http::StatusCode;

/// Entries of one page.
const A_PAGE: u32 = 50;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let view = desk.owner(OwnPage::Activity).await?;
    let before = desk.visit.query("before").and_then(|n| n.parse().ok());
    let (entries, before) = entries(desk, &view, before, A_PAGE).await?;
    let older = before.map(|n| format!("{}?before={n}", OwnPage::Activity.path()));
    let page = Activity {
        nav: nav(&view),
        entries: &entries,
        older: older.as_deref(),
    };
    desk.own_page(StatusCode::OK, &page)
}

/// A page of the person's trail, and where the next one begins.
pub(super) async fn entries(
    desk: &Desk,
    view: &View,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Entry>, Option<i64>), super::super::Stop> {
    let mut told = Event::ALL.to_vec();
    told.retain(|event| activity_text_id(event).is_some());
    let authn = &desk.portal.authn;
    let trail = authn.own_activity(view, told, before, limit).await?;
    let entries = trail.records.iter().filter_map(entry).collect();
    Ok((entries, trail.before))
}

/// Who else did something, and from where, is nobody's business but the organisation's.
fn entry(logged: &Logged) -> Option<Entry> {
    let record = &logged.record;
    let place = &record.place;
    let by_person = record.actor == Actor::Person && place.address.is_some();
    Some(Entry {
        at: record.at.seconds(),
        text_id: activity_text_id(&record.event)?,
        device: by_person.then(|| Device::new(place.user_agent.as_deref(), place.address)),
    })
}
