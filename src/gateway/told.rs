//! What the gateway would make of a client and tell an application, said beforehand: for `vestibule explain`. These
//! are the functions that requests go through, asked without a request.

use super::client;
use super::forward;
use super::rewriting;
use super::tls;
use super::tls::{CertificateFault, ClientCertificates};
use crate::domain::policy::Permit;
use crate::domain::route::Route;
use crate::domain::timestamp::Timestamp;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use std::net::IpAddr;

/// A header that tells an application of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub name: String,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// As it would be sent.
    Known(String),
    /// It holds a password.
    Secret,
    /// Signed anew for each request.
    Signed,
    /// The header is left out: there is nothing to tell.
    Nothing,
}

/// All headers by which a route's application is told of the person that a permit is for; none where it is for
/// nobody. An error is what every such request fails with.
pub fn told(route: &Route, permit: &Permit) -> Result<Vec<Told>, String> {
    let Some(view) = permit.person() else {
        return Ok(Vec::new());
    };
    let wrong = |e: Box<pingora::Error>| match &e.context {
        Some(context) => context.as_str().to_owned(),
        None => e.to_string(),
    };
    let spec = &route.identity;
    let assertion = spec.assertion.as_ref().map(|a| a.header.to_lowercase());
    let signed = |name: &str| {
        let signature =
            spec.message_signature.is_some() && (name == "signature" || name == "signature-input");
        signature || assertion.as_deref() == Some(name)
    };
    let identity = forward::answer(route, permit, None).map_err(wrong)?;
    let identity = identity.into_iter().map(|(name, value)| {
        let value = match shown(&value) {
            _ if signed(name.as_str()) => Value::Signed,
            _ if value.is_sensitive() => Value::Secret,
            text if text.is_empty() => Value::Nothing,
            text => Value::Known(text),
        };
        (name, value)
    });
    let rules = rewriting::told(&route.headers, &view.subject).map_err(wrong)?;
    let rules = rules.into_iter().map(|(name, value)| {
        let value = value.map_or(Value::Nothing, |v| Value::Known(shown(&v)));
        (name, value)
    });
    let mut all: Vec<Told> = Vec::new();
    for (name, value) in identity.chain(rules) {
        let name = name.as_str().to_owned();
        if !all.iter().any(|t| t.name == name) {
            all.push(Told { name, value });
        }
    }
    Ok(all)
}

/// The names of [`told`], whoever it is.
pub fn told_names(route: &Route) -> Vec<String> {
    let mut names: Vec<String> = forward::told_names(&route.identity)
        .chain(rewriting::told_names(&route.headers))
        .map(str::to_ascii_lowercase)
        .collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// In UTF-8, as applications receive it.
fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Whose request it is, where a connection comes from `peer` and `X-Forwarded-For` says this.
pub fn client_address(peer: IpAddr, forwarded_for: Option<&str>, trusted: &[IpNet]) -> IpAddr {
    let mut headers = HeaderMap::new();
    if let Some(value) = forwarded_for.and_then(|f| HeaderValue::from_str(f).ok()) {
        headers.insert("x-forwarded-for", value);
    }
    client::address(peer, &headers, trusted)
}

/// Whether a connection from here may say whose request it brings.
pub fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    client::is_trusted(peer, trusted)
}

/// Whether a listener that asks for client certificates takes this chain (PEM) at this time.
pub fn takes_certificate(
    wanted: &ClientCertificates,
    chain: &[u8],
    now: Timestamp,
) -> Result<(), CertificateFault> {
    tls::takes(wanted, chain, now)
}
