//! Signing out of everything at once: asked for by a form, never by an address alone.

use super::sign_in::see;
use super::{Desk, Get, Outcome, Post};
use crate::portal::cookie;
use crate::portal::pages::{Panel, SignOut, SignedOut};
use crate::portal::respond::Reply;
use axum::response::Response;
use http::{StatusCode, header};

pub async fn ask(Get(desk): Get) -> Response {
    let outcome = async {
        match desk.person().await? {
            Some(view) => {
                let page = SignOut {
                    shown_as: view.subject.shown_as(),
                    action: "/signout",
                    back: "/",
                };
                let csrf = desk.visit.cookie(cookie::SESSION);
                desk.page(StatusCode::OK, Panel::Tagline, &page, csrf)
            }
            None => see("/signed-out"),
        }
    };
    let outcome = outcome.await;
    desk.finish(outcome)
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(_) => submitted(&desk).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk) -> Outcome {
    if let Some(view) = desk.person().await? {
        let place = desk.visit.place();
        desk.portal.authn.sign_out(&view, &place).await?;
    }
    // what the browser keeps of our pages; on an application's host it would be the application's own
    Ok(farewell("/signed-out").header(
        header::HeaderName::from_static("clear-site-data"),
        "\"cache\", \"storage\"",
    ))
}

/// The cookies go.
pub fn farewell(location: &str) -> Reply {
    Reply::see_other(location)
        .cookie(cookie::clear(cookie::SESSION))
        .cookie(cookie::clear(cookie::SIGN_IN))
}

pub async fn done(Get(desk): Get) -> Response {
    let outcome = desk.page(StatusCode::OK, Panel::Tagline, &SignedOut, None);
    desk.finish(outcome)
}
