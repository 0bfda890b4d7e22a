//! The head of the request to the upstream: one function for proxied requests and for WebSockets.
//!
//! Called after the hop-by-hop fields are gone, so that a client cannot nominate what is set here
//! (CVE-2026-105299). Whatever looks like a header of ours is removed first, on every route, public ones too;
//! then the headers of the [`Permit`] are set. Trailers are never merged into the head (RFC 9110 6.5.1).

use super::cookies;
use super::rewriting::Course;
use crate::domain::account::Account;
use crate::domain::credentials::BasicAuth;
use crate::domain::policy::Permit;
use crate::domain::route::{IdentitySpec, Part, Preset, Route, Table, Template};
use crate::domain::trace::Trace;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{COOKIE, HeaderName};
use pingora::http::RequestHeader;
use pingora::{Error, ErrorType, OrErr as _, Result};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

// names are compared as a careless application might (CGI turns `-` into `_`, others do so with every other
// character; CVE-2026-88011)
pub(super) use crate::domain::headers::fold;

/// Whether a name folds to `folded`.
pub(super) fn folds_to(name: &str, folded: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|b| b.to_ascii_lowercase()).eq(folded.bytes())
}

/// Always removed, whatever is configured.
const RESERVED: [&str; 20] = [
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Original-URL",
    "X-Original-URI",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-HTTP-Method",
    "X-Script-Name",
    "X-Original-Method",
    "Script-Name",
    "Path-Info",
    "X-Cluster-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Envoy-External-Address",
    "Proxy",
    "X-Request-Id",
];

/// An application's own, unless its route sets them; folded.
const OWN: [&str; 3] = ["authorization", "signature", "signatureinput"];

/// Removed with everything that begins like them.
const RESERVED_PREFIXES: [&str; 2] = ["xforwarded", "xvestibule"];

/// The names no client may send to any upstream, folded.
#[derive(Clone, Debug, Default)]
pub(super) struct Protected(HashSet<String>);

impl Protected {
    pub(super) fn of(routes: &Table) -> Self {
        let presets = [Preset::RemoteUser, Preset::Oauth2Proxy, Preset::None];
        let fixed = presets.iter().flat_map(|p| p.headers()).map(|(n, _)| *n);
        let configured = routes.routes().iter().flat_map(|r| names(&r.identity));
        // what one route tells an application of a person, another route to it lets nobody say
        let rules = routes.routes().iter().flat_map(|r| &r.headers.request.set);
        let told =
            rules.filter(|(_, value)| value.parts().iter().any(|p| !matches!(p, Part::Text(_))));
        let told = told.map(|(name, _)| name.as_str());
        let all = RESERVED
            .into_iter()
            .chain(fixed)
            .chain(configured)
            .chain(told);
        // an application's own credentials pass where no route sets them, see `remove_look_alikes`
        let own = |name: &String| OWN.contains(&name.as_str());
        Self(all.map(fold).filter(|name| !own(name)).collect())
    }

    fn contains(&self, name: &HeaderName) -> bool {
        with_folded(name.as_str(), |folded| {
            self.0.contains(folded) || RESERVED_PREFIXES.iter().any(|p| folded.starts_with(p))
        })
    }
}

/// [`fold`] without an allocation for names of usual length: this runs for each header of each request.
fn with_folded<T>(name: &str, then: impl FnOnce(&str) -> T) -> T {
    let mut folded = [0u8; 64];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        let Some(slot) = folded.get_mut(length) else {
            return then(&fold(name));
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let text = folded.get(..length).map(std::str::from_utf8);
    then(text.and_then(std::result::Result::ok).unwrap_or_default())
}

fn names(identity: &IdentitySpec) -> impl Iterator<Item = &str> {
    let headers = identity.headers.iter().map(|(name, _)| name.as_str());
    let assertion = identity.assertion.iter().map(|a| a.header.as_str());
    let basic = identity.basic_auth.iter().map(|_| "Authorization");
    let signature = identity.message_signature.iter();
    let signature = signature.flat_map(|_| ["Signature", "Signature-Input"]);
    headers.chain(assertion).chain(basic).chain(signature)
}

/// All that the upstream's head is made from. Holding a [`Permit`] is what makes it possible at all.
#[derive(Clone, Debug)]
pub(super) struct Forwarding {
    pub permit: Permit,
    pub client: IpAddr,
    pub https: bool,
    pub assertion: Option<HeaderValue>,
    pub reference: Arc<str>,
    pub trace: Trace,
    pub course: Course,
}

/// Cleans the head and sets what the upstream is told.
pub(super) fn upstream_head(
    head: &mut RequestHeader,
    route: &Route,
    protected: &Protected,
    forwarding: &Forwarding,
) -> Result<()> {
    remove_look_alikes(head, &route.identity, protected);
    if forwarding.permit.is_preflight() {
        bare(head);
    }
    cut_cookies(head)?;
    if let Some(view) = forwarding.permit.person() {
        identity(head, &route.identity, &view.account)?;
        if let (Some(spec), Some(token)) = (&route.identity.assertion, &forwarding.assertion) {
            head.insert_header(spec.header.clone(), token.clone())?;
        }
    }
    let proto = if forwarding.https { "https" } else { "http" };
    head.insert_header("X-Forwarded-For", forwarding.client.to_string())?;
    // never as the client spells it: applications make links and cache keys from it
    let authority = route.origin.authority();
    head.insert_header("Host", authority.as_str())?;
    head.insert_header("X-Forwarded-Host", authority)?;
    head.insert_header("X-Forwarded-Proto", proto)?;
    head.insert_header("X-Forwarded-Port", route.origin.port().to_string())?;
    head.insert_header("X-Request-Id", &*forwarding.reference)?;
    let trace = &forwarding.trace;
    head.insert_header("Traceparent", &trace.header()[..])?;
    if trace.parent.is_none() {
        // what it says belongs to another trace, or to none
        head.remove_header("Tracestate");
    }
    Ok(())
}

/// What a permit tells an application, as the answer to a proxy that copies it: every name of the route, with an
/// empty value where there is nothing to tell. A name that is left out leaves what the client sent standing in some
/// proxies (CVE-2026-30851).
pub(super) fn answer(
    route: &Route,
    permit: &Permit,
    assertion: Option<HeaderValue>,
) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let spec = &route.identity;
    let mut told = RequestHeader::build("GET", b"/", None)?;
    if let Some(view) = permit.person() {
        identity(&mut told, spec, &view.account)?;
        if let (Some(spec), Some(token)) = (&spec.assertion, assertion) {
            told.insert_header(spec.header.clone(), token)?;
        }
    }
    let preset = spec.preset.headers().iter().map(|(name, _)| *name);
    let all = preset.chain(names(spec)).filter_map(|name| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = told.headers.get(&name).cloned();
        Some((name, value.unwrap_or_else(|| HeaderValue::from_static(""))))
    });
    Ok(all.collect())
}

fn remove_look_alikes(head: &mut RequestHeader, identity: &IdentitySpec, protected: &Protected) {
    let set: Vec<&str> = OWN
        .into_iter()
        .filter(|own| names(identity).any(|n| folds_to(n, own)))
        .collect();
    let forged: Vec<HeaderName> = head
        .headers
        .keys()
        .filter(|name| {
            protected.contains(name) || set.iter().any(|own| folds_to(name.as_str(), own))
        })
        .cloned()
        .collect();
    for name in &forged {
        head.remove_header(name);
    }
}

/// A preflight carries nothing that a browser keeps of the person (Fetch 3.2.2).
fn bare(head: &mut RequestHeader) {
    let kept = |name: &&HeaderName| {
        let name = name.as_str();
        folds_to(name, "authorization") || folds_to(name, "cookie")
    };
    let kept: Vec<HeaderName> = head.headers.keys().filter(kept).cloned().collect();
    for name in &kept {
        head.remove_header(name);
    }
}

fn cut_cookies(head: &mut RequestHeader) -> Result<()> {
    if !head.headers.contains_key(COOKIE) {
        return Ok(());
    }
    let left = cookies::without_ours(&head.headers).map(|c| HeaderValue::from_bytes(&c));
    head.remove_header(&COOKIE);
    match left {
        // bytes that came in a header can go out in one
        Some(Ok(value)) => head.insert_header("Cookie", value),
        Some(Err(_)) | None => Ok(()),
    }
}

fn identity(head: &mut RequestHeader, spec: &IdentitySpec, account: &Account) -> Result<()> {
    for (name, part) in spec.preset.headers() {
        set(head, name, &text(account, part))?;
    }
    for (name, template) in &spec.headers {
        let value: String = template.parts().iter().map(|p| text(account, p)).collect();
        set(head, name, &value)?;
    }
    match &spec.basic_auth {
        Some(basic) => head.insert_header("Authorization", credentials(basic, account)?),
        None => Ok(()),
    }
}

/// RFC 7617. A name with a colon would be read as a shorter one: nothing is sent for it at all.
fn credentials(basic: &BasicAuth, account: &Account) -> Result<HeaderValue> {
    let name: String = basic
        .username
        .parts()
        .iter()
        .map(|p| text(account, p))
        .collect();
    if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
        let why = "the account has no name that HTTP Basic could carry";
        return Error::e_explain(ErrorType::InternalError, why);
    }
    let mut plain = Zeroizing::new(format!("{name}:").into_bytes());
    plain.extend_from_slice(basic.password.reveal());
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*plain)));
    let value = HeaderValue::from_str(&encoded);
    let mut value = value.or_err(
        ErrorType::InternalError,
        "no header can hold the credentials",
    )?;
    value.set_sensitive(true);
    Ok(value)
}

/// A configured value; `None` where it needs facts of a person and there is nobody.
pub(super) fn fill(template: &Template, person: Option<&Account>) -> Option<String> {
    let part = |part: &Part| match (part, person) {
        (Part::Text(text), None) => Some(text.clone()),
        (_, None) => None,
        (part, Some(account)) => Some(text(account, part)),
    };
    template.parts().iter().map(part).collect()
}

/// An empty value is no header: nothing is better than something to be misread.
pub(super) fn set(head: &mut RequestHeader, name: &str, text: &str) -> Result<()> {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    match HeaderValue::from_bytes(text.trim().as_bytes()) {
        Ok(value) if !value.is_empty() => head.insert_header(name.to_owned(), value),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn text(account: &Account, part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Id => account.id.to_string(),
        Part::Login => account.login.clone(),
        Part::Email => account.email.clone().unwrap_or_default(),
        Part::Name => account.name.clone(),
        Part::Groups => groups(account),
        Part::Attribute(key) => account.attributes.get(key).cloned().unwrap_or_default(),
    }
}

/// Joined by commas. A group whose name could be read as two is left out: less access, never more.
fn groups(account: &Account) -> String {
    let plain =
        |g: &&String| !g.chars().any(|c| c == ',' || c.is_control()) && g.trim() == g.as_str();
    let names: Vec<&str> = account
        .groups
        .iter()
        .filter(plain)
        .map(String::as_str)
        .collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::tests::account;
    use crate::domain::route::tests::route;
    use crate::domain::route::{AssertionSpec, Template};

    fn protected() -> Protected {
        let mut with = route("a.test", "/");
        with.identity.headers = vec![
            (
                "X-Employee".into(),
                Template::parse("{account.id}").unwrap(),
            ),
            ("Authorization".into(), Template::parse("x").unwrap()),
        ];
        with.identity.assertion = Some(AssertionSpec {
            header: "X-Signed-By".into(),
            audience: "a".into(),
            lifetime: std::time::Duration::from_secs(60),
        });
        with.headers.request.set = vec![
            ("X-Mail".into(), Template::parse("{account.email}").unwrap()),
            ("X-Mood".into(), Template::parse("good").unwrap()),
        ];
        Protected::of(&Table::new(vec![with]).unwrap())
    }

    #[test]
    fn look_alikes_of_every_protected_name() {
        let protected = protected();
        let check = |name: &str, want: bool| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(protected.contains(&name), want, "{name}");
        };
        for forged in [
            "Remote-User",
            "REMOTE_USER",
            "remote.user",
            "Remote--User",
            "RemoteUser",
            "remote-groups",
            "X-Forwarded-User",
            "x_forwarded_for",
            "X-Forwarded-Anything",
            "Forwarded",
            "X-Real-Ip",
            "X-Employee",
            "x_employee",
            "X-Signed-By",
            "X-Vestibule-Assertion",
            "x-vestibule-x",
            "Proxy",
            "X-Original-Url",
            "X-Rewrite-Url",
            "X-Http-Method-Override",
            "X-Request-Id",
            "x!employee",
            "X-Mail",
            "Script-Name",
            "path.info",
            "Cf-Connecting-Ip",
        ] {
            check(forged, true);
        }
        let long = format!("Remote{}User", "-".repeat(100));
        check(&long, true);
        check(&format!("X-Forwarded-{}", "a".repeat(100)), true);
        for own in [
            "Authorization",
            "X-Requested-With",
            "Accept",
            "X-Csrf-Token",
            "Remote-Users2",
            "X-Mood",
        ] {
            check(own, false);
        }
    }

    #[test]
    fn values_cannot_break_out() {
        let mut person = account();
        person.name = "Åsa\r\nRemote-Groups: admin\u{85}".into();
        person.groups = ["staff", "a,admin", "b\nadmin", " admin", "admin\u{a0}"]
            .map(str::to_owned)
            .into();
        person.email = None;
        let mut head = RequestHeader::build("GET", b"/", None).unwrap();
        let spec = route("a.test", "/").identity;
        identity(&mut head, &spec, &person).unwrap();
        let value = |n: &str| head.headers.get(n).map(|v| v.as_bytes().to_vec());
        assert_eq!(value("remote-user"), Some(b"aino".to_vec()));
        assert_eq!(value("remote-email"), None);
        assert_eq!(value("remote-groups"), Some(b"staff".to_vec()));
        let name = "ÅsaRemote-Groups: admin".as_bytes().to_vec();
        assert_eq!(value("remote-name"), Some(name));
    }
}
