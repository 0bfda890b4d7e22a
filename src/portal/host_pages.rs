//! What is ours on an application's host: the callback that turns a ticket into a session, and sign-out.

use super::Portal;
use super::cookie;
use super::errors;
use super::pages::{Panel, SignOut};
use super::respond::Reply;
use super::steps::sign_out::farewell;
use super::steps::{Desk, Get, Outcome, Post};
use axum::response::Response;
use http::StatusCode;

/// `GET /.vestibule/callback?ticket=…`: single use, 30 seconds, this browser, this host.
pub async fn callback(Get(desk): Get) -> Response {
    let outcome = redeem(&desk).await;
    desk.finish(outcome)
}

async fn redeem(desk: &Desk) -> Outcome {
    let host = &desk.visit.conn.host;
    let Some(pre_session) = desk.visit.cookie(cookie::PRE_SESSION) else {
        return errors::cookies_blocked(desk);
    };
    let ticket = desk.visit.query("ticket").unwrap_or_default();
    let admitted = desk
        .portal
        .authn
        .redeem_ticket(ticket, host, pre_session)
        .await?;
    match admitted {
        Some(admitted) => Ok(Reply::found(admitted.return_to).cookie(cookie::set(
            cookie::SESSION,
            admitted.token.reveal(),
            None,
        ))),
        None => errors::expired(desk),
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
                shown_as: view.account.shown_as(),
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
