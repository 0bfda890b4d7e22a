//! "Active sessions".

use super::super::{Desk, Get, Outcome, Post};
use super::back;
use crate::authn::self_service::sessions::Open;
use crate::domain::confirmation::Purpose;
use crate::domain::host::Host;
use crate::domain::id::SessionId;
use crate::domain::own_page::OwnPage;
use crate::portal::Portal;
use crate::portal::form::Form;
use crate::portal::pages::{Device, Done, SessionRow, Sessions};
use crate::portal::respond::Reply;
use axum::response::Response;
use http::StatusCode;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let view = desk.owner(OwnPage::Sessions).await?;
    let open = desk.portal.authn.own_sessions(&view).await?;
    let rows: Vec<SessionRow> = open
        .iter()
        .map(|open| row(&desk.portal, open, view.session.id))
        .collect();
    let page = Sessions {
        nav: desk.nav(&view),
        done: desk.done(),
        rows: &rows,
    };
    desk.own_page(StatusCode::OK, &page)
}

fn row(portal: &Portal, open: &Open, current: SessionId) -> SessionRow {
    let session = &open.record.session;
    let begun = &open.record.begun;
    let address = begun.address.as_ref().and_then(|a| a.parse().ok());
    SessionRow {
        id: session.id.to_string(),
        device: Device::new(begun.user_agent.as_deref(), address),
        signed_in_at: session.auth_time.seconds(),
        last_active_at: session.last_seen_at.seconds(),
        current: session.id == current,
        services: open.hosts.iter().map(|h| service(portal, h)).collect(),
    }
}

/// What a host is called: its first route's title, or its name where it has no route any more.
fn service(portal: &Portal, host: &Host) -> String {
    let mut routes = portal.routes.routes().iter();
    let found = routes.find(|route| route.origin.host() == host);
    found.map_or_else(|| host.to_string(), |route| route.title.clone())
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let view = desk.owner(OwnPage::Sessions).await?;
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    if form.field("do") == "others" {
        let changed = authn
            .end_other_sessions(&view, desk.attempt_cookie(), &place)
            .await?;
        return desk.changed(changed, Purpose::Sessions, |()| {
            Ok(back(OwnPage::Sessions, Done::OtherSessionsEnded))
        });
    }
    let Some(id) = SessionId::parse(form.field("session")) else {
        return Ok(Reply::see_other(OwnPage::Sessions.path()));
    };
    let changed = authn.end_own_session(&view, id, &place).await?;
    desk.changed(changed, Purpose::Sessions, |ended| {
        Ok(if ended {
            back(OwnPage::Sessions, Done::SessionEnded)
        } else {
            Reply::see_other(OwnPage::Sessions.path())
        })
    })
}
