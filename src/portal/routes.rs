//! The whole URL table of our own pages.

use super::steps::{
    account, desk, enrol, launcher, new_password, password, proof, recovery, remind, second_factor,
    sign_in, sign_out,
};
use super::{Portal, api, errors, host_pages};
use axum::Router;
use axum::routing::{any, get, post};
use std::sync::Arc;

/// The portal's host.
pub fn portal(portal: Arc<Portal>) -> Router {
    let by_mail = if portal.authn.rules().mails {
        Router::new()
            .route(
                "/password/forgot",
                get(password::forgot).post(password::submit_forgot),
            )
            .route(
                "/password/reset",
                get(password::reset).post(password::submit_reset),
            )
    } else {
        Router::new()
    };
    Router::new()
        .merge(by_mail)
        .route("/", get(launcher::show))
        .route("/signin", get(sign_in::show).post(sign_in::submit))
        .route(
            "/signin/code",
            get(second_factor::show).post(second_factor::submit),
        )
        .route(
            "/signin/new-password",
            get(new_password::show).post(new_password::submit),
        )
        .route("/signin/second", get(recovery::choose))
        .route(
            "/signin/one-time-code",
            get(recovery::one_time).post(recovery::submit_one_time),
        )
        .route(
            "/signin/emergency-code",
            get(recovery::emergency).post(recovery::submit_emergency),
        )
        .route(
            "/signin/lost",
            get(recovery::lost).post(recovery::submit_lost),
        )
        .route("/remind", get(remind::show).post(remind::submit))
        .route("/remind/app", get(remind::show_app))
        .route("/enrol", get(enrol::why))
        .route("/enrol/proof", get(proof::show).post(proof::submit))
        .route("/enrol/app", get(enrol::app).post(enrol::submit_app))
        .route("/enrol/scan", get(enrol::scan))
        .route(
            "/enrol/confirm",
            get(enrol::confirm).post(enrol::submit_confirm),
        )
        .route("/enrol/codes", get(enrol::codes).post(enrol::submit_codes))
        .route(
            "/account/confirm",
            get(account::confirm::show).post(account::confirm::submit),
        )
        .route("/account/security", get(account::security::show))
        .route(
            "/account/password",
            get(account::password::show).post(account::password::submit),
        )
        .route("/account/2fa", post(account::two_factor::submit))
        .route(
            "/account/2fa/disable",
            get(account::two_factor::ask_disable).post(account::two_factor::disable),
        )
        .route(
            "/account/sessions",
            get(account::sessions::show).post(account::sessions::submit),
        )
        .route(
            "/account/devices",
            get(account::devices::show).post(account::devices::submit),
        )
        .route("/account/activity", get(account::activity::show))
        .route("/desk", get(desk::show))
        .route("/desk/users", get(desk::users::find))
        .route("/desk/users/{id}", get(desk::users::show))
        .route(
            "/desk/users/{id}/{act}",
            get(desk::act::show).post(desk::act::submit),
        )
        .route("/desk/adoption", get(desk::adoption::show))
        .route("/desk/adoption.csv", get(desk::adoption::download))
        .route("/desk/audit", get(desk::trail::show))
        .route("/desk/audit.jsonl", get(desk::trail::export))
        .route(
            "/desk/accounts/new",
            get(desk::accounts::show).post(desk::accounts::submit),
        )
        .route(
            desk::import::PATH,
            get(desk::import::show).post(desk::import::submit),
        )
        .route("/desk/approvals", get(desk::approvals::show))
        .route("/desk/approvals/{id}", post(desk::approvals::submit))
        .route("/signout", get(sign_out::ask).post(sign_out::submit))
        .route("/signed-out", get(sign_out::done))
        .route(
            "/.well-known/change-password",
            get(account::password::well_known),
        )
        .route("/.well-known/jwks.json", get(launcher::jwks))
        .route("/assets/{name}", get(launcher::asset))
        .route("/api/{*rest}", any(api::serve))
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(portal)
}

/// What is ours on an application's host: everything below `/.vestibule/`.
pub fn application_host(portal: Arc<Portal>) -> Router {
    Router::new()
        .route("/.vestibule/callback", get(host_pages::callback))
        .route(
            "/.vestibule/logout",
            get(host_pages::ask_sign_out).post(host_pages::sign_out),
        )
        .route("/.vestibule/assets/{name}", get(launcher::asset))
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(portal)
}
