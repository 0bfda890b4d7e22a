//! The head of the request to the upstream: one function for proxied requests and for WebSockets.
//!
//! Called after the hop-by-hop fields are gone, so that a client cannot nominate what is set here
//! (CVE-2026-105299). Whatever looks like a header of ours is removed first, on every route, public ones too;
//! then the headers of the [`Permit`] are set. Trailers are never merged into the head (RFC 9110 6.5.1).

use super::cookies;
use super::outgoing::Outgoing;
use super::rewriting::Course;
use crate::domain::credentials::BasicAuth;
use crate::domain::policy::Permit;
use crate::domain::route::{IdentitySpec, Part, Preset, Route, RouteIndex, Table, Template};
use crate::domain::subject::Subject;
use crate::domain::trace::Trace;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::HeaderName;
use pingora::{Error, ErrorType, OrErr as _, Result};
use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

// names are compared as a careless application might (CGI turns `-` into `_`, others do so with every other
// character; CVE-2026-88011)
pub(super) use crate::domain::headers::fold;

/// Whether a name folds to `folded`.
pub(super) fn folds_to(name: impl AsRef<[u8]>, folded: &str) -> bool {
    let letters = name.as_ref().iter().copied();
    let letters = letters.filter(u8::is_ascii_alphanumeric);
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
#[derive(Clone, Debug)]
pub(super) struct Protected {
    names: HashSet<String>,
    /// For each first letter or digit, a bit for each length that a name with it has: most of what clients send is
    /// none of these and is told by that.
    shapes: Shapes,
    /// What all upstreams of a route are told, by its place in the table.
    plates: Vec<Option<Plate>>,
}

type Shapes = [u64; 256];

/// What is the same for all requests to a route.
#[derive(Clone, Debug)]
struct Plate {
    authority: HeaderValue,
    port: HeaderValue,
    /// Those of [`OWN`] that the route sets.
    own: Vec<&'static str>,
}

impl Protected {
    pub(super) fn of(routes: &Table) -> Self {
        let presets = [Preset::RemoteUser, Preset::Oauth2Proxy, Preset::None];
        let fixed = presets.iter().flat_map(|p| p.headers()).map(|(n, _)| *n);
        let configured = routes.routes().iter().flat_map(|r| names(&r.identity));
        // what one route tells an application of a person, another route to it lets nobody say
        let rules = routes.routes().iter().map(|r| &r.headers);
        let told = rules.flat_map(super::rewriting::told_names);
        let all = RESERVED
            .into_iter()
            .chain(fixed)
            .chain(configured)
            .chain(told);
        // an application's own credentials pass where no route sets them, see `remove_look_alikes`
        let own = |name: &String| OWN.contains(&name.as_str());
        let taken: HashSet<String> = all.map(fold).filter(|name| !own(name)).collect();
        let mut shapes: Shapes = [0; 256];
        for name in &taken {
            if let Some(slot) = name
                .bytes()
                .next()
                .and_then(|first| shapes.get_mut(usize::from(first)))
            {
                *slot |= length_bit(name.len());
            }
        }
        let plate = |route: &Route| {
            let value = |text: String| HeaderValue::try_from(text).ok();
            let sets = |own: &&str| names(&route.identity).any(|n| folds_to(n, own));
            Some(Plate {
                authority: value(route.origin.authority())?,
                port: route.origin.port().into(),
                own: OWN.into_iter().filter(sets).collect(),
            })
        };
        Self {
            names: taken,
            shapes,
            plates: routes.routes().iter().map(plate).collect(),
        }
    }

    fn contains(&self, name: &[u8]) -> bool {
        with_folded(name, |folded| {
            let first = folded.bytes().next().unwrap_or_default();
            let lengths = self
                .shapes
                .get(usize::from(first))
                .copied()
                .unwrap_or_default();
            (lengths & length_bit(folded.len()) != 0 && self.names.contains(folded))
                || (first == b'x' && RESERVED_PREFIXES.iter().any(|p| folded.starts_with(p)))
        })
    }

    fn plate(&self, route: RouteIndex) -> Option<&Plate> {
        self.plates.get(route.position())?.as_ref()
    }
}

/// Names of 63 letters and more share a bit.
const fn length_bit(length: usize) -> u64 {
    1 << (if length < 63 { length } else { 63 })
}

/// [`fold`] without an allocation for names of usual length: this runs for each header of each request.
fn with_folded<T>(name: &[u8], then: impl FnOnce(&str) -> T) -> T {
    let mut folded = [0u8; 64];
    let mut length = 0;
    for byte in name.iter().filter(|b| b.is_ascii_alphanumeric()) {
        let Some(slot) = folded.get_mut(length) else {
            return then(&fold(&String::from_utf8_lossy(name)));
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let text = folded.get(..length).map(std::str::from_utf8);
    then(text.and_then(std::result::Result::ok).unwrap_or_default())
}

/// The names by which an application is told of a person.
pub(super) fn told_names(spec: &IdentitySpec) -> impl Iterator<Item = &str> {
    let preset = spec.preset.headers().iter().map(|(name, _)| *name);
    preset.chain(names(spec))
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
pub(super) fn upstream_head<'a>(
    head: &mut Outgoing<'a>,
    route: &'a Route,
    protected: &'a Protected,
    forwarding: &'a Forwarding,
) -> Result<()> {
    let plate = protected.plate(forwarding.permit.route());
    let plate = plate.ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let trace = &forwarding.trace;
    head.remove(|name| {
        protected.contains(name)
            || plate.own.iter().any(|own| folds_to(name, own))
            // what it says belongs to another trace, or to none
            || (trace.parent.is_none() && name.eq_ignore_ascii_case(b"tracestate"))
    });
    if forwarding.permit.is_preflight() {
        // it carries nothing that a browser keeps of the person (Fetch 3.2.2)
        head.remove(|name| folds_to(name, "authorization") || folds_to(name, "cookie"));
    }
    cut_cookies(head)?;
    if let Some(view) = forwarding.permit.person() {
        identity(head, &route.identity, &view.subject)?;
        if let (Some(spec), Some(token)) = (&route.identity.assertion, &forwarding.assertion) {
            head.insert_shared(&spec.header, token);
        }
    }
    let proto = if forwarding.https { "https" } else { "http" };
    head.insert("X-Forwarded-For", address(forwarding.client)?);
    // never as the client spells it: applications make links and cache keys from it
    head.insert_shared("Host", &plate.authority);
    head.insert_shared("X-Forwarded-Host", &plate.authority);
    head.insert("X-Forwarded-Proto", HeaderValue::from_static(proto));
    head.insert_shared("X-Forwarded-Port", &plate.port);
    head.insert("X-Request-Id", header(forwarding.reference.as_bytes())?);
    head.insert("Traceparent", header(&trace.header()[..])?);
    Ok(())
}

/// As `Display` has it, without its machinery for the usual case.
fn address(client: IpAddr) -> Result<HeaderValue> {
    let text = match client {
        IpAddr::V6(_) => return header(client.to_string().as_bytes()),
        IpAddr::V4(ip) => ip.octets(),
    };
    let mut out = [0u8; 15];
    let mut digits = text.iter().enumerate().flat_map(|(n, octet)| {
        let digit = |value: u8| b'0' + value % 10;
        [
            (n > 0).then_some(b'.'),
            (*octet > 99).then(|| digit(octet / 100)),
            (*octet > 9).then(|| digit(octet / 10)),
            Some(digit(*octet)),
        ]
        .into_iter()
        .flatten()
    });
    let mut length = 0;
    for (slot, byte) in out.iter_mut().zip(&mut digits) {
        *slot = byte;
        length += 1;
    }
    header(out.get(..length).unwrap_or_default())
}

pub(super) fn header(bytes: &[u8]) -> Result<HeaderValue> {
    HeaderValue::from_bytes(bytes).or_err(ErrorType::InternalError, "no header value")
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
    let mut told = Outgoing::blank();
    if let Some(view) = permit.person() {
        identity(&mut told, spec, &view.subject)?;
        if let (Some(spec), Some(token)) = (&spec.assertion, assertion) {
            told.insert(&spec.header, token);
        }
    }
    let all = told_names(spec).filter_map(|name| {
        let value = told.get(name).cloned();
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, value.unwrap_or_else(|| HeaderValue::from_static(""))))
    });
    Ok(all.collect())
}

fn cut_cookies(head: &mut Outgoing<'_>) -> Result<()> {
    const COOKIE: &str = "Cookie";
    if head.get(COOKIE).is_none() {
        return Ok(());
    }
    let lines = head.all(COOKIE).map(HeaderValue::as_bytes);
    match cookies::without_ours(lines) {
        // bytes that came in a header can go out in one
        Some(left) => head.insert(COOKIE, header(&left)?),
        None => head.remove(|name| name.eq_ignore_ascii_case(COOKIE.as_bytes())),
    }
    Ok(())
}

fn identity<'a>(head: &mut Outgoing<'a>, spec: &'a IdentitySpec, subject: &Subject) -> Result<()> {
    for (name, part) in spec.preset.headers() {
        if let Some(value) = value(&text(subject, part)) {
            head.insert(name, value);
        }
    }
    for (name, template) in &spec.headers {
        let parts = template.parts().iter();
        let value: String = parts.map(|p| text(subject, p)).collect();
        set(head, name, &value);
    }
    if let Some(basic) = &spec.basic_auth {
        head.insert("Authorization", credentials(basic, subject)?);
    }
    Ok(())
}

/// RFC 7617. A name with a colon would be read as a shorter one: nothing is sent for it at all.
fn credentials(basic: &BasicAuth, subject: &Subject) -> Result<HeaderValue> {
    let name: String = basic
        .username
        .parts()
        .iter()
        .map(|p| text(subject, p))
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
pub(super) fn fill(template: &Template, person: Option<&Subject>) -> Option<String> {
    let mut filled = String::new();
    for part in template.parts() {
        match (part, person) {
            (Part::Text(text), None) => filled.push_str(text),
            (_, None) => return None,
            (part, Some(subject)) => filled.push_str(&text(subject, part)),
        }
    }
    Some(filled)
}

/// An empty value is no header: nothing is better than something to be misread.
pub(super) fn set<'a>(head: &mut Outgoing<'a>, name: &'a str, text: &str) {
    if let Some(value) = value(text) {
        head.insert(name, value);
    }
}

/// The text as a header can carry it: no control characters, no blanks around it.
fn value(text: &str) -> Option<HeaderValue> {
    let plain: Cow<'_, str> = match text.contains(char::is_control) {
        false => text.into(),
        true => text.chars().filter(|c| !c.is_control()).collect(),
    };
    let value = HeaderValue::from_bytes(plain.trim().as_bytes()).ok()?;
    (!value.is_empty()).then_some(value)
}

fn text<'a>(subject: &'a Subject, part: &'a Part) -> Cow<'a, str> {
    match part {
        Part::Text(text) => text.into(),
        Part::Id => subject.id.to_string().into(),
        Part::Login => subject.login().into(),
        Part::Email => subject.email().unwrap_or_default().into(),
        Part::Name => subject.name().into(),
        Part::Groups => groups(subject).into(),
        Part::Attribute(key) => subject.attribute(key).unwrap_or_default().into(),
    }
}

/// Joined by commas. A group whose name could be read as two is left out: less access, never more.
fn groups(subject: &Subject) -> String {
    let plain =
        |g: &&String| !g.chars().any(|c| c == ',' || c.is_control()) && g.trim() == g.as_str();
    let names: Vec<&str> = subject
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
    fn addresses_are_written_as_everywhere() {
        for text in [
            "0.0.0.0",
            "1.2.3.4",
            "10.20.30.40",
            "127.0.0.1",
            "192.168.100.255",
            "255.255.255.255",
            "::1",
            "2001:db8::7",
        ] {
            assert_eq!(address(text.parse().unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn look_alikes_of_every_protected_name() {
        let protected = protected();
        let check = |name: &str, want: bool| {
            assert_eq!(protected.contains(name.as_bytes()), want, "{name}");
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
        let groups = ["staff", "a,admin", "b\nadmin", " admin", "admin\u{a0}"];
        person.groups = Arc::new(groups.map(str::to_owned).into());
        person.email = None;
        let mut head = Outgoing::blank();
        let spec = route("a.test", "/").identity;
        identity(&mut head, &spec, &Subject::of(&person)).unwrap();
        let value = |n: &str| head.get(n).map(|v| v.as_bytes().to_vec());
        assert_eq!(value("remote-user"), Some(b"aino".to_vec()));
        assert_eq!(value("remote-email"), None);
        assert_eq!(value("remote-groups"), Some(b"staff".to_vec()));
        let name = "ÅsaRemote-Groups: admin".as_bytes().to_vec();
        assert_eq!(value("remote-name"), Some(name));
    }
}
