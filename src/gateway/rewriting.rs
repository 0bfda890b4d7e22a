//! Applications that believe they live elsewhere, and headers that operators add or take out: what
//! [`crate::domain::rewrite`] and [`crate::domain::headers`] say, applied to heads.
//!
//! Requests are written anew after the decision, in the upstream phase, for proxied requests and WebSockets alike;
//! answers before anything of them is sent. A route without such rules pays for a look at an `Option`.

use super::forward::{fill, folds_to, header, set};
use super::outgoing::Outgoing;
use crate::domain::headers::{HeaderRules, SecurityHeaders, fold};
use crate::domain::host::{Host, Origin};
use crate::domain::request::Path;
use crate::domain::rewrite::{Addresses, Destination, Rewrite, UpstreamHost};
use crate::domain::route::{Part, Route, RouteIndex, Table, Template, Upstream};
use crate::domain::subject::Subject;
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, CONTENT_SECURITY_POLICY, EXPIRES, HeaderName, LOCATION,
    PRAGMA, REFERRER_POLICY, REFRESH, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use pingora::Result;
use pingora::http::ResponseHeader;

/// The rules of all routes of one generation of the configuration, by their places in the table.
#[derive(Debug, Default)]
pub(super) struct Rewriting(Vec<Rules>);

#[derive(Debug)]
struct Rules {
    origin: Origin,
    rewrite: Option<(Rewrite, Addresses)>,
    request: Option<RequestRules>,
    response: Option<ResponseRules>,
}

#[derive(Debug)]
struct RequestRules {
    /// Folded: nothing of a client's that looks like one of these goes on.
    taken: Vec<String>,
    set: Vec<(String, Template)>,
}

#[derive(Debug)]
struct ResponseRules {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    security: Security,
}

/// Set where the application says nothing.
#[derive(Debug, Default)]
struct Security {
    plain: Vec<(HeaderName, HeaderValue)>,
    frame_policy: Option<HeaderValue>,
    frame_option: Option<HeaderValue>,
}

/// Where the permitted request goes within the application; found before anything is forwarded.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// The path in place of the public one.
    pub path: Option<Path>,
    /// The public path of a WebDAV `Destination`, decided on like the request's own.
    pub destination: Option<Path>,
}

impl Rewriting {
    pub(super) fn of(routes: &Table) -> Self {
        Self(routes.routes().iter().map(Rules::of).collect())
    }

    fn rules(&self, route: RouteIndex) -> Option<&Rules> {
        self.0.get(route.position())
    }

    /// The request's head, as the application is to have it. Comes after the identity headers, which nothing
    /// configured here can name.
    pub(super) fn request<'a>(
        &'a self,
        head: &mut Outgoing<'a>,
        route: RouteIndex,
        course: &Course,
        upstream: Option<&Upstream>,
        person: Option<&Subject>,
    ) -> Result<()> {
        let Some(rules) = self.rules(route) else {
            return Ok(());
        };
        if let Some((rewrite, _)) = &rules.rewrite {
            rules.move_in(head, rewrite, course, upstream)?;
        }
        if let Some(path) = &course.destination {
            head.insert(
                "Destination",
                header(rules.destination(path, upstream).as_bytes())?,
            );
        }
        if let Some(request) = &rules.request {
            request.apply(head, person);
        }
        Ok(())
    }

    /// The answer's head, as browsers are to have it. `personal`: it was made for somebody who is signed in.
    pub(super) fn answer(
        &self,
        head: &mut ResponseHeader,
        route: RouteIndex,
        personal: bool,
    ) -> Result<()> {
        if let Some(rules) = self.rules(route) {
            if let Some((rewrite, addresses)) = &rules.rewrite {
                move_out(head, rewrite, addresses)?;
            }
            if let Some(response) = &rules.response {
                response.apply(head)?;
            }
        }
        if personal && !head.status.is_informational() {
            keep_private(head)?;
        }
        Ok(())
    }
}

impl Rules {
    fn of(route: &Route) -> Self {
        let rewrite = route.rewrite.as_ref();
        Self {
            origin: route.origin.clone(),
            rewrite: rewrite.map(|r| (r.clone(), Addresses::of(route, r))),
            request: RequestRules::of(&route.headers),
            response: ResponseRules::of(&route.headers),
        }
    }

    fn move_in(
        &self,
        head: &mut Outgoing<'_>,
        rewrite: &Rewrite,
        course: &Course,
        upstream: Option<&Upstream>,
    ) -> Result<()> {
        if let (Some(map), Some(path)) = (&rewrite.path, &course.path) {
            let mut target = path.as_str().as_bytes().to_vec();
            let raw = head.target();
            let query = raw.iter().position(|b| *b == b'?');
            target.extend_from_slice(query.and_then(|at| raw.get(at..)).unwrap_or_default());
            head.set_target(target);
            head.insert("X-Forwarded-Prefix", header(map.prefix().as_bytes())?);
        }
        if rewrite.host.is_some() {
            head.insert("Host", header(self.host(upstream).as_bytes())?);
        }
        if rewrite.origin {
            let public = self.origin.to_string();
            let is_public = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(public.as_bytes());
            if head.get("Origin").is_some_and(is_public) {
                head.insert("Origin", header(self.inner_origin(upstream).as_bytes())?);
            }
        }
        Ok(())
    }

    /// The `Host` that the upstream receives.
    fn host(&self, upstream: Option<&Upstream>) -> String {
        let rule = self.rewrite.as_ref().and_then(|(r, _)| r.host.as_ref());
        match (rule, upstream) {
            (Some(UpstreamHost::Named(host, port)), _) => named(host, *port),
            (Some(UpstreamHost::Upstream), Some(upstream)) => authority(upstream),
            (Some(UpstreamHost::Upstream), None) | (None, _) => self.origin.authority(),
        }
    }

    fn inner_origin(&self, upstream: Option<&Upstream>) -> String {
        let scheme = match upstream {
            Some(upstream) if upstream.is_tls() => "https",
            Some(_) | None => "http",
        };
        format!("{scheme}://{}", self.host(upstream))
    }

    /// Always our own spelling: what was decided on is what the application reads.
    fn destination(&self, public: &Path, upstream: Option<&Upstream>) -> String {
        let inner = self.rewrite.as_ref().map(|(rewrite, _)| rewrite);
        let inner = inner.filter(|r| r.destination == Destination::Inner);
        let Some(rewrite) = inner else {
            return format!("{}{}", self.origin, public.as_str());
        };
        // `destination_of` has refused what cannot be mapped
        let mapped = rewrite.path.as_ref().and_then(|map| map.inward(public));
        let path = mapped.as_ref().unwrap_or(public);
        format!("{}{}", self.inner_origin(upstream), path.as_str())
    }
}

fn named(host: &Host, port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    }
}

/// Host and port, the port only where it is not that of the scheme. A socket has no name: `localhost`.
fn authority(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Inet { tls, host, port } => match (tls, port) {
            (false, 80) | (true, 443) => host.clone(),
            (_, port) => format!("{host}:{port}"),
        },
        Upstream::Unix(_) => "localhost".to_owned(),
    }
}

/// Every address by which the application names itself, and its cookies.
fn move_out(head: &mut ResponseHeader, rewrite: &Rewrite, addresses: &Addresses) -> Result<()> {
    type Change = fn(&Addresses, &str) -> Option<String>;
    let fields: [(HeaderName, Change); 3] = [
        (LOCATION, Addresses::outward),
        (CONTENT_LOCATION, Addresses::outward),
        (REFRESH, Addresses::refresh),
    ];
    for (name, change) in fields {
        let value = head.headers.get(&name).map(HeaderValue::as_bytes);
        let text = value.and_then(|v| std::str::from_utf8(v).ok());
        let public = text.and_then(|text| change(addresses, text));
        // what holds bytes that no header may hold was none of ours
        if let Some(Ok(value)) = public.map(|p| HeaderValue::from_bytes(p.as_bytes())) {
            head.insert_header(name, value)?;
        }
    }
    if head.headers.contains_key(SET_COOKIE) {
        cookies(head, rewrite, addresses)?;
    }
    Ok(())
}

fn cookies(head: &mut ResponseHeader, rewrite: &Rewrite, addresses: &Addresses) -> Result<()> {
    let lines: Vec<HeaderValue> = head.headers.get_all(SET_COOKIE).iter().cloned().collect();
    head.remove_header(&SET_COOKIE);
    for line in lines {
        let changed = rewrite.cookies.apply(line.as_bytes(), addresses);
        let changed = changed.and_then(|c| HeaderValue::from_bytes(&c).ok());
        head.append_header(SET_COOKIE, changed.unwrap_or(line))?;
    }
    Ok(())
}

/// Web cache deception: an answer for one person that says nothing about caching is taken for everybody's by a
/// cache on the way, which goes by what its address looks like (RFC 9111 3, 5.2.2.7).
fn keep_private(head: &mut ResponseHeader) -> Result<()> {
    let says = [CACHE_CONTROL, EXPIRES, PRAGMA];
    if says.iter().any(|name| head.headers.contains_key(name)) {
        return Ok(());
    }
    head.insert_header(CACHE_CONTROL, "private")
}

/// The headers of these rules that tell an application of a person.
pub(super) fn told_names(rules: &HeaderRules) -> impl Iterator<Item = &str> {
    let of_a_person = |template: &Template| {
        let mut parts = template.parts().iter();
        parts.any(|p| !matches!(p, Part::Text(_)))
    };
    let set = rules.request.set.iter();
    set.filter(move |(_, template)| of_a_person(template))
        .map(|(name, _)| name.as_str())
}

/// What they tell of this one; `None`: nothing, and the header is left out.
pub(super) fn told(
    rules: &HeaderRules,
    subject: &Subject,
) -> Result<Vec<(HeaderName, Option<HeaderValue>)>> {
    let applied = RequestRules::of(rules);
    let mut head = Outgoing::blank();
    if let Some(applied) = &applied {
        applied.apply(&mut head, Some(subject));
    }
    let names = told_names(rules).filter_map(|n| HeaderName::from_bytes(n.as_bytes()).ok());
    let told = names.map(|name| {
        let value = head.get(name.as_str()).cloned();
        (name, value)
    });
    Ok(told.collect())
}

impl RequestRules {
    fn of(rules: &HeaderRules) -> Option<Self> {
        let request = &rules.request;
        let set = request.set.iter().map(|(name, _)| name);
        let taken: Vec<String> = set.chain(&request.remove).map(|n| fold(n)).collect();
        (!taken.is_empty()).then(|| Self {
            taken,
            set: request.set.clone(),
        })
    }

    fn apply<'a>(&'a self, head: &mut Outgoing<'a>, person: Option<&Subject>) {
        head.remove(|name| self.taken.iter().any(|t| folds_to(name, t)));
        for (name, template) in &self.set {
            if let Some(text) = fill(template, person) {
                set(head, name, &text);
            }
        }
    }
}

impl ResponseRules {
    fn of(rules: &HeaderRules) -> Option<Self> {
        let response = &rules.response;
        let none = response.remove.is_empty() && response.set.is_empty() && response.add.is_empty();
        if none && rules.security.is_none() {
            return None;
        }
        let pairs = |all: &[(String, String)]| all.iter().filter_map(|(n, v)| pair(n, v)).collect();
        let name = |n: &String| HeaderName::from_bytes(n.as_bytes()).ok();
        Some(Self {
            remove: response.remove.iter().filter_map(name).collect(),
            set: pairs(&response.set),
            add: pairs(&response.add),
            security: rules
                .security
                .as_ref()
                .map(Security::of)
                .unwrap_or_default(),
        })
    }

    fn apply(&self, head: &mut ResponseHeader) -> Result<()> {
        for name in &self.remove {
            head.remove_header(name);
        }
        for (name, value) in &self.set {
            head.insert_header(name, value.clone())?;
        }
        for (name, value) in &self.add {
            head.append_header(name, value.clone())?;
        }
        self.security.apply(head)
    }
}

/// The configuration's check has made sure that there is one.
fn pair(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

impl Security {
    fn of(rules: &SecurityHeaders) -> Self {
        let nosniff = (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let referrer = rules.referrer.as_deref().map(HeaderValue::from_str);
        let referrer = referrer
            .and_then(std::result::Result::ok)
            .map(|v| (REFERRER_POLICY, v));
        let frames = rules.frames.as_ref();
        Self {
            plain: rules
                .nosniff
                .then_some(nosniff)
                .into_iter()
                .chain(referrer)
                .collect(),
            frame_policy: frames.and_then(|f| HeaderValue::from_str(&f.policy()).ok()),
            frame_option: frames
                .and_then(|f| f.option())
                .map(HeaderValue::from_static),
        }
    }

    fn apply(&self, head: &mut ResponseHeader) -> Result<()> {
        for (name, value) in &self.plain {
            if !head.headers.contains_key(name) {
                head.insert_header(name, value.clone())?;
            }
        }
        let Some(policy) = self
            .frame_policy
            .as_ref()
            .filter(|_| !frames_are_said(head))
        else {
            return Ok(());
        };
        // beside a policy of the application's: browsers keep to both (CSP 3, section 4.2)
        head.append_header(CONTENT_SECURITY_POLICY, policy.clone())?;
        match &self.frame_option {
            Some(option) => head.insert_header(X_FRAME_OPTIONS, option.clone()),
            None => Ok(()),
        }
    }
}

/// Whether the application says itself who may frame it.
fn frames_are_said(head: &ResponseHeader) -> bool {
    let policies = head.headers.get_all(CONTENT_SECURITY_POLICY);
    let mut policies = policies.iter().map(|v| v.as_bytes().to_ascii_lowercase());
    let word = b"frame-ancestors";
    head.headers.contains_key(X_FRAME_OPTIONS)
        || policies.any(|p| p.windows(word.len()).any(|w| w == word))
}
