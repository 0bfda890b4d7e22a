//! The claims of the assertion, the signed statement an upstream receives (OpenID Connect Core names,
//! RFC 8176 `amr`). Signing is `crate::signer`'s.

use super::session::View;
use super::timestamp::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// The JOSE `typ` of our assertions, explicit so that no other token of ours can pass for one (RFC 8725 3.11).
pub const TYPE: &str = "vestibule-assertion+jwt";

#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    /// The portal's URL.
    pub iss: &'a str,
    /// The route's audience: one application.
    pub aud: &'a str,
    /// The account's stable id.
    pub sub: String,
    pub login: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    pub name: &'a str,
    pub groups: Vec<&'a str>,
    pub acr: &'static str,
    pub amr: &'static [&'static str],
    pub auth_time: i64,
    pub sid: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: String,
}

impl<'a> Claims<'a> {
    pub fn new(
        issuer: &'a str,
        audience: &'a str,
        view: &'a View,
        lifetime: Duration,
        token_id: String,
        now: Timestamp,
    ) -> Self {
        let session = &view.session;
        Self {
            iss: issuer,
            aud: audience,
            sub: view.subject.id.to_string(),
            login: view.subject.login(),
            email: view.subject.email(),
            name: view.subject.name(),
            groups: view.subject.groups.iter().map(String::as_str).collect(),
            acr: session.assurance().acr(),
            amr: session.factors.amr(),
            auth_time: session.auth_time.seconds(),
            sid: session.id.to_string(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.plus(lifetime).seconds(),
            jti: token_id,
        }
    }
}
