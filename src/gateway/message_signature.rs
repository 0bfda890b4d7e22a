//! HTTP message signatures (RFC 9421): an application that checks them knows that a request came through here,
//! for whom, and that nobody changed its address on the way.
//!
//! Signed are the method, the authority, the path, the query, every header that says who it is, and the body's
//! digest where the client sent one (RFC 9530). It is the last thing that happens to a head: signed is what is sent.

use super::forward::header;
use super::outgoing::Outgoing;
use crate::domain::route::{Route, RouteIndex, Table};
use crate::domain::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use pingora::{Error, ErrorType, Result};
use ring::hmac;
use std::fmt::Write as _;

/// How long a signature is good, in seconds.
const LIFETIME: i64 = 60;
/// The label of our signature among others.
const LABEL: &str = "vestibule";

/// What differs from one signature to the next, also of a request that is sent again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub created: Timestamp,
    pub nonce: [u8; 16],
}

/// The signers of all routes that have one.
pub(super) struct Signers(Vec<Option<Signer>>);

struct Signer {
    key: hmac::Key,
    id: String,
    /// Headers that are signed where they are there, lower case.
    headers: Vec<String>,
}

impl Signers {
    /// `None` where a route is to sign and has no key: nothing of it may go out unsigned.
    pub(super) fn of(routes: &Table) -> Option<Self> {
        let signer = |route: &Route| match &route.identity.message_signature {
            None => Some(None),
            Some(signature) => {
                let key = signature.key.as_ref()?;
                Some(Some(Signer {
                    key: hmac::Key::new(hmac::HMAC_SHA256, key.reveal()),
                    id: route.name.clone(),
                    headers: signed_headers(route),
                }))
            }
        };
        let signers = routes.routes().iter().map(signer);
        signers.collect::<Option<_>>().map(Self)
    }

    pub(super) fn signs(&self, route: RouteIndex) -> bool {
        self.get(route).is_some()
    }

    fn get(&self, route: RouteIndex) -> Option<&Signer> {
        self.0.get(route.position())?.as_ref()
    }

    /// Signs a head that is ready to be sent, for routes that sign.
    pub(super) fn sign(
        &self,
        head: &mut Outgoing<'_>,
        route: RouteIndex,
        moment: Option<Moment>,
    ) -> Result<()> {
        let Some(signer) = self.get(route) else {
            return Ok(());
        };
        let moment = moment.ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        let components = signer.components(head);
        let created = moment.created.seconds();
        let names: Vec<String> = components.iter().map(|(n, _)| n.clone()).collect();
        let parameters = format!(
            "({});created={created};expires={};nonce=\"{}\";keyid=\"{}\";tag=\"vestibule\"",
            names.join(" "),
            created.saturating_add(LIFETIME),
            URL_SAFE_NO_PAD.encode(moment.nonce),
            signer.id,
        );
        let tag = hmac::sign(&signer.key, base(&components, &parameters).as_bytes());
        head.insert(
            "Signature-Input",
            header(format!("{LABEL}={parameters}").as_bytes())?,
        );
        let signature = format!("{LABEL}=:{}:", STANDARD.encode(tag));
        head.insert("Signature", header(signature.as_bytes())?);
        Ok(())
    }
}

impl Signer {
    /// RFC 9421 section 2: identifiers and values, in the order they are signed.
    fn components(&self, head: &Outgoing<'_>) -> Vec<(String, String)> {
        let target = String::from_utf8_lossy(head.target());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let authority = head.get("Host");
        let authority = authority.and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut all = vec![
            ("\"@method\"".to_owned(), head.method().as_str().to_owned()),
            ("\"@authority\"".to_owned(), authority.to_ascii_lowercase()),
            ("\"@path\"".to_owned(), path.to_owned()),
            ("\"@query\"".to_owned(), format!("?{query}")),
        ];
        for name in &self.headers {
            let values = head.all(name).map(HeaderValue::as_bytes);
            let values: Vec<&[u8]> = values.map(<[u8]>::trim_ascii).collect();
            all.extend(field(name, &values));
        }
        all
    }
}

/// A header as it is signed. One that is not plain ASCII is wrapped (section 2.1.3), because what is signed is.
fn field(name: &str, values: &[&[u8]]) -> Option<(String, String)> {
    let joined = |values: Vec<String>| (!values.is_empty()).then(|| values.join(", "));
    let quoted = format!("\"{name}\"");
    if values.iter().all(|v| v.is_ascii()) {
        let values = values
            .iter()
            .map(|v| String::from_utf8_lossy(v).into_owned());
        return Some((quoted, joined(values.collect())?));
    }
    let wrapped = values.iter().map(|v| format!(":{}:", STANDARD.encode(v)));
    Some((format!("{quoted};bs"), joined(wrapped.collect())?))
}

/// Everything that tells an application who it is, what else is set for it, and the body's digest.
fn signed_headers(route: &Route) -> Vec<String> {
    let identity = &route.identity;
    let preset = identity.preset.headers().iter().map(|(name, _)| *name);
    let own = identity.headers.iter().map(|(name, _)| name.as_str());
    let assertion = identity.assertion.iter().map(|a| a.header.as_str());
    let basic = identity.basic_auth.iter().map(|_| "authorization");
    let set = route
        .headers
        .request
        .set
        .iter()
        .map(|(name, _)| name.as_str());
    let mut all: Vec<String> = Vec::new();
    let digest = ["content-digest"];
    let all_names = preset.chain(own).chain(assertion).chain(basic);
    for name in all_names.chain(set).chain(digest) {
        let name = name.to_ascii_lowercase();
        // a component is named once (2.5)
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// RFC 9421 section 2.5.
fn base(components: &[(String, String)], parameters: &str) -> String {
    let mut base = String::new();
    for (name, value) in components {
        let _ = writeln!(base, "{name}: {value}");
    }
    let _ = write!(base, "\"@signature-params\": {parameters}");
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9421 appendix B.2.5.
    #[test]
    fn the_standards_own_example() {
        let key = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
        let components = [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
        ]
        .map(|(n, v)| (format!("\"{n}\""), v.to_owned()));
        let parameters = "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        let tag = hmac::sign(&key, base(&components, parameters).as_bytes());
        assert_eq!(
            STANDARD.encode(tag),
            "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
        );
    }

    /// RFC 9421 section 2.1.3.
    #[test]
    fn what_is_not_ascii_is_wrapped() {
        let identifier = |values: &[&[u8]]| field("example-header", values);
        let of = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        let plain = identifier(&[b"value, with, lots", b"of, commas"]);
        assert_eq!(
            plain,
            of("\"example-header\"", "value, with, lots, of, commas")
        );
        let name = identifier(&["Åsa".as_bytes()]);
        assert_eq!(name, of("\"example-header\";bs", ":w4VzYQ==:"));
        assert_eq!(identifier(&[]), None);
    }
}
