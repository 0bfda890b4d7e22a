//! What is ours on an application's host: the callback that turns a ticket into a session, and sign-out.

use super::Portal;
use super::cookie;
use super::errors;
use super::pages::{Panel, SignOut};
use super::respond::Reply;
use super::steps::sign_out::farewell;
use super::steps::{Desk, Get, Outcome, Post};
use crate::authn::tickets::Redeemed;
use axum::response::Response;
use http::StatusCode;

/// `GET /.vestibule/callback?ticket=…`: single use, 30 seconds, this browser, this host.
pub async fn callback(Get(desk): Get) -> Response {
    let outcome = redeem(&desk).await;
    desk.finish(outcome)
}

/// A browser whose ticket was bound to something else than it shows (another tab replaced its pre-session
/// cookie, or the sign-in page was opened in another browser) is sent back to the portal once, for a ticket
/// of its own; `again` marks the second round, which is the last.
async fn redeem(desk: &Desk) -> Outcome {
    let host = &desk.visit.conn.host;
    let pre_session = desk.visit.cookie(cookie::PRE_SESSION);
    let ticket = desk.visit.query("ticket").unwrap_or_default();
    let is_last = desk.visit.query("again").is_some();
    let redeemed = desk
        .portal
        .authn
        .redeem_ticket(ticket, host, pre_session)
        .await?;
    match redeemed {
        Redeemed::Admitted { token, return_to } => {
            Ok(Reply::found(return_to).cookie(cookie::set(cookie::SESSION, token.reveal(), None)))
        }
        Redeemed::AskAnew { return_to } if !is_last => {
            let door = desk.portal.door_again(return_to, pre_session);
            let reply = Reply::found(door.location);
            Ok(match door.set_cookie {
                Some(cookie) => reply.cookie(cookie),
                None => reply,
            })
        }
        Redeemed::AskAnew { .. } | Redeemed::Nothing if pre_session.is_none() => {
            errors::cookies_blocked(desk)
        }
        Redeemed::AskAnew { .. } | Redeemed::Nothing => errors::expired(desk),
    }
}

pub async fn ask_sign_out(Get(desk): Get) -> Response {
    let outcome = ask(&desk).await;
    desk.finish(outcome)
}

async fn ask(desk: &Desk) -> Outcome {
    let host = desk.visit.conn.host.clone();
    let Some(cookie) = desk.visit.cookie(cookie::SESSION) else {
        return Ok(Reply::see_other(desk.portal.signed_out_url()));
    };
    let sessions = desk.portal.authn.sessions();
    match sessions.find(cookie, Some(&host)).await? {
        Some(view) => {
            let page = SignOut {
                shown_as: view.subject.shown_as(),
                action: "/.vestibule/logout",
                back: "/",
            };
            let reply = desk.page(StatusCode::OK, Panel::Tagline, &page, Some(cookie))?;
            Ok(reply.form_target(Some(desk.portal.own.clone())))
        }
        None => Ok(Reply::see_other(desk.portal.signed_out_url())),
    }
}

pub async fn sign_out(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(_) => end(&desk).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn end(desk: &Desk) -> Outcome {
    let host = desk.visit.conn.host.clone();
    if let Some(cookie) = desk.visit.cookie(cookie::SESSION) {
        let sessions = desk.portal.authn.sessions();
        if let Some(view) = sessions.find(cookie, Some(&host)).await? {
            let place = desk.visit.place();
            desk.portal.authn.sign_out(&view, &place).await?;
        }
    }
    Ok(farewell(&desk.portal.signed_out_url()))
}

impl Portal {
    fn signed_out_url(&self) -> String {
        format!("{}/signed-out", self.own)
    }
}
