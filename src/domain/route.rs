//! Routes: which protected place a request is for, and what is to be sent there.

use super::answer::Answers;
use super::credentials::{BasicAuth, MessageSignature, SharedSecret};
use super::headers::HeaderRules;
use super::host::{Host, Origin};
use super::limits::RouteLimits;
use super::policy::TwoFactor;
use super::request::Path;
use super::rewrite::Rewrite;
pub use super::upstream::{Delivery, Timeouts, Upstream};
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// One protected place.
#[derive(Clone, Debug)]
pub struct Route {
    /// Short and unique; in logs, metrics and `explain`.
    pub name: String,
    /// What pages call it.
    pub title: String,
    pub origin: Origin,
    /// Canonical path prefix, ends where a segment ends.
    pub prefix: Path,
    pub access: Access,
    pub public: Vec<PublicPath>,
    pub two_factor: TwoFactor,
    /// Step-up: the second factor must be younger than this.
    pub max_age: Option<Duration>,
    /// A browser that the person trusts opens it without a code.
    pub trusted_devices: bool,
    pub identity: IdentitySpec,
    /// None where a proxy in front passes the requests on and only asks about them.
    pub upstreams: Vec<Upstream>,
    /// A proxy in front may ask whether a request is to be let through.
    pub forward_auth: bool,
    /// How requests get to the upstreams.
    pub delivery: Delivery,
    pub timeouts: Timeouts,
    /// Largest request body, in bytes; `None`: no limit.
    pub body_limit: Option<u64>,
    pub limits: RouteLimits,
    /// The application's own sign-out addresses: a request to one of them ends the session too.
    pub logout_paths: Vec<PublicPath>,
    pub answers: Answers,
    /// For an application that believes it lives elsewhere.
    pub rewrite: Option<Rewrite>,
    pub headers: HeaderRules,
}

/// Who may come in at all, beside being signed in. Empty means no restriction.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub groups: BTreeSet<String>,
    pub networks: Vec<IpNet>,
    pub methods: BTreeSet<String>,
    /// Only over connections whose client has shown a certificate that the listener trusts.
    pub client_certificate: bool,
}

/// A path served without sign-in: exact, or everything below it where it ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicPath(Path);

impl PublicPath {
    pub const fn new(path: Path) -> Self {
        Self(path)
    }
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
    /// Case matters here: a public path opens something, so only its very spelling does.
    pub fn matches(&self, path: &Path) -> bool {
        if self.as_str().ends_with('/') {
            path.as_str().starts_with(self.as_str())
        } else {
            path.as_str() == self.as_str()
        }
    }
}

/// What the upstream is told about the person.
#[derive(Clone, Debug)]
pub struct IdentitySpec {
    pub preset: Preset,
    pub headers: Vec<(String, Template)>,
    pub assertion: Option<AssertionSpec>,
    pub basic_auth: Option<BasicAuth>,
    pub message_signature: Option<MessageSignature>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `Remote-User`, `Remote-Email`, `Remote-Name`, `Remote-Groups`.
    RemoteUser,
    /// `X-Forwarded-User`, `-Email`, `-Preferred-Username`, `-Groups`.
    Oauth2Proxy,
    None,
}

impl Preset {
    /// Header names and what they hold.
    pub const fn headers(self) -> &'static [(&'static str, Part)] {
        match self {
            Self::RemoteUser => &[
                ("Remote-User", Part::Login),
                ("Remote-Email", Part::Email),
                ("Remote-Name", Part::Name),
                ("Remote-Groups", Part::Groups),
            ],
            Self::Oauth2Proxy => &[
                ("X-Forwarded-User", Part::Login),
                ("X-Forwarded-Email", Part::Email),
                ("X-Forwarded-Preferred-Username", Part::Login),
                ("X-Forwarded-Groups", Part::Groups),
            ],
            Self::None => &[],
        }
    }
}

/// The signed statement to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionSpec {
    pub header: String,
    pub audience: String,
    pub lifetime: Duration,
}

/// A header's value with places for facts of the account: `{account.attributes.employee_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Id,
    Login,
    Email,
    Name,
    Groups,
    Attribute(String),
}

impl Template {
    pub const fn from_parts(parts: Vec<Part>) -> Self {
        Self(parts)
    }
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Parses the configuration's text. The error says what may stand in braces.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after
                .split_once('}')
                .ok_or_else(|| format!("`{text}` has a `{{` without its `}}`"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::named(name)?);
            rest = tail;
        }
        if rest.contains('}') {
            return Err(format!("`{text}` has a `}}` without its `{{`"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl Part {
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "account.id" => Self::Id,
            "account.login" => Self::Login,
            "account.email" => Self::Email,
            "account.name" => Self::Name,
            "account.groups" => Self::Groups,
            other => match other.strip_prefix("account.attributes.") {
                Some(key) if !key.is_empty() => Self::Attribute(key.to_owned()),
                _ => {
                    return Err(format!(
                        "`{{{other}}}` is not known; write one of {{account.id}}, {{account.login}}, \
                         {{account.email}}, {{account.name}}, {{account.groups}}, {{account.attributes.NAME}}"
                    ));
                }
            },
        })
    }
}

/// A route's place in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteIndex(usize);

impl RouteIndex {
    pub const fn position(self) -> usize {
        self.0
    }
}

/// All routes, found by host and longest path prefix in time that does not depend on their number.
#[derive(Clone, Debug, Default)]
pub struct Table {
    routes: Vec<Route>,
    by_host: HashMap<Host, HashMap<String, RouteIndex>>,
}

/// Two routes for one place: the positions of both.
#[derive(Debug, PartialEq, Eq)]
pub struct SamePlace {
    pub first: usize,
    pub second: usize,
}

impl Table {
    /// Prefixes differ in more than the case of their letters: an application that ignores case must not
    /// be entered by another spelling of a stricter route's path.
    pub fn new(routes: Vec<Route>) -> Result<Self, SamePlace> {
        let mut by_host: HashMap<Host, HashMap<String, RouteIndex>> = HashMap::new();
        for (second, route) in routes.iter().enumerate() {
            let places = by_host.entry(route.origin.host().clone()).or_default();
            if let Some(first) = places.insert(place(&route.prefix), RouteIndex(second)) {
                return Err(SamePlace {
                    first: first.0,
                    second,
                });
            }
        }
        Ok(Self { routes, by_host })
    }

    /// Gives a key of its own to each route that signs requests and names none.
    #[must_use]
    pub fn with_message_keys(mut self, derive: impl Fn(&str) -> SharedSecret) -> Self {
        for route in &mut self.routes {
            if let Some(signature) = &mut route.identity.message_signature {
                let key = || derive(&route.name);
                signature.key.get_or_insert_with(key);
            }
        }
        self
    }

    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    pub fn route(&self, index: RouteIndex) -> Option<&Route> {
        self.routes.get(index.0)
    }

    /// Whether any route lives on this host.
    pub fn knows_host(&self, host: &Host) -> bool {
        self.by_host.contains_key(host)
    }

    /// The first route of a host, whatever its path.
    pub fn first_on(&self, host: &Host) -> Option<&Route> {
        let places = self.by_host.get(host)?;
        let first = places.values().min_by_key(|index| index.0)?;
        self.routes.get(first.0)
    }

    /// Whether another route begins somewhere below this path.
    pub fn others_below(&self, host: &Host, path: &Path, index: RouteIndex) -> bool {
        let start = place(path);
        let below = |prefix: &str| {
            let rest = prefix.strip_prefix(&start);
            rest.is_some_and(|rest| rest.starts_with(['/', ';']))
        };
        let places = self.by_host.get(host).into_iter().flatten();
        let mut others = places.filter(|(_, other)| **other != index);
        others.any(|(prefix, _)| below(prefix))
    }

    /// The route with the longest prefix. A segment ends at `/` and at `;`. None where an application that
    /// leaves path parameters out (`/a;x/b` is `/a/b` to servlet containers) would be at another route's place.
    pub fn find(&self, host: &Host, path: &Path) -> Option<(RouteIndex, &Route)> {
        let places = self.by_host.get(host)?;
        let folded = fold(path.as_str());
        let index = longest(places, &folded)?;
        if folded.contains(';') && longest(places, &without_parameters(&folded)) != Some(index) {
            return None;
        }
        Some((index, self.routes.get(index.0)?))
    }
}

fn longest(places: &HashMap<String, RouteIndex>, path: &str) -> Option<RouteIndex> {
    let mut prefix = path;
    loop {
        if let Some(index) = places.get(prefix) {
            return Some(*index);
        }
        let end = prefix.rfind(['/', ';'])?;
        prefix = prefix.get(..end)?;
    }
}

fn without_parameters(path: &str) -> String {
    let bare = path.split('/').filter_map(|s| s.split(';').next());
    let kept = bare.filter(|s| !s.is_empty());
    kept.fold(String::new(), |all, segment| all + "/" + segment)
}

/// The key of a prefix: folded, without a trailing slash, so that `/` is the empty string.
fn place(prefix: &Path) -> String {
    fold(prefix.as_str().strip_suffix('/').unwrap_or(prefix.as_str()))
}

/// Lower case, and an escaped `;` counts as one.
fn fold(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    match lower.contains('%') {
        true => lower.replace("%3b", ";"),
        false => lower,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn route(host: &str, prefix: &str) -> Route {
        Route {
            name: format!("{host}{prefix}"),
            title: host.to_owned(),
            origin: Origin::new(Host::parse(host).unwrap(), 443),
            prefix: Path::parse(prefix.as_bytes()).unwrap(),
            access: Access::default(),
            public: Vec::new(),
            two_factor: TwoFactor::Optional,
            max_age: None,
            trusted_devices: true,
            identity: IdentitySpec {
                preset: Preset::RemoteUser,
                headers: Vec::new(),
                assertion: None,
                basic_auth: None,
                message_signature: None,
            },
            upstreams: vec![Upstream::Inet {
                tls: false,
                host: "127.0.0.1".into(),
                port: 1,
            }],
            forward_auth: false,
            delivery: Delivery::default(),
            timeouts: Timeouts::default(),
            body_limit: None,
            limits: RouteLimits::default(),
            logout_paths: Vec::new(),
            answers: Answers::default(),
            rewrite: None,
            headers: HeaderRules::default(),
        }
    }

    #[test]
    fn longest_prefix_by_whole_segments_in_any_case() {
        let table = Table::new(vec![
            route("a.test", "/"),
            route("a.test", "/admin"),
            route("a.test", "/admin/users/"),
            route("b.test", "/only"),
        ])
        .unwrap();
        let check = |host: &str, path: &str, want: Option<&str>| {
            let path = Path::parse(path.as_bytes()).unwrap();
            let got = table.find(&Host::parse(host).unwrap(), &path);
            assert_eq!(got.map(|(_, r)| r.name.as_str()), want, "{host}{path:?}");
        };
        check("a.test", "/", Some("a.test/"));
        check("a.test", "/x/y", Some("a.test/"));
        check("a.test", "/admin", Some("a.test/admin"));
        check("a.test", "/ADMIN/x", Some("a.test/admin"));
        check("a.test", "/%61dmin/x", Some("a.test/admin"));
        check("a.test", "/admin;x=1", Some("a.test/admin"));
        check("a.test", "/admin%3bx", Some("a.test/admin"));
        check("a.test", "/administrator", Some("a.test/"));
        // two places in one, for those who leave parameters out
        check("a.test", "/admin;x/users", None);
        check("a.test", "/;/admin", None);
        check("a.test", "/;x/ADMIN/y", None);
        check("a.test", "/x%3by/admin", Some("a.test/"));
        check("a.test", "/x;v=1/y;w=2", Some("a.test/"));
        check("a.test", "/admin/users;v=1/x", Some("a.test/admin/users/"));
        check("a.test", "/admin/users", Some("a.test/admin/users/"));
        check("a.test", "/admin/users/7", Some("a.test/admin/users/"));
        check("b.test", "/", None);
        check("b.test", "/only/x", Some("b.test/only"));
        check("c.test", "/", None);
        let first = |host| table.first_on(&Host::parse(host).unwrap());
        assert_eq!(first("a.test").map(|r| r.name.as_str()), Some("a.test/"));
        assert!(first("c.test").is_none());
        let below = |path: &str| {
            let host = Host::parse("a.test").unwrap();
            let path = Path::parse(path.as_bytes()).unwrap();
            let (index, _) = table.find(&host, &path).unwrap();
            table.others_below(&host, &path, index)
        };
        assert!(below("/") && below("/ADMIN") && below("/admin/"));
        assert!(!below("/x") && !below("/admin/users") && !below("/adm"));
    }

    #[test]
    fn two_routes_for_one_place() {
        let clash = Table::new(vec![route("a.test", "/x"), route("a.test", "/X/")]);
        assert_eq!(
            clash.err(),
            Some(SamePlace {
                first: 0,
                second: 1
            })
        );
    }

    #[test]
    fn public_paths() {
        let check = |public: &str, path: &str, want: bool| {
            let p = PublicPath::new(Path::parse(public.as_bytes()).unwrap());
            assert_eq!(
                p.matches(&Path::parse(path.as_bytes()).unwrap()),
                want,
                "{public} {path}"
            );
        };
        check("/favicon.ico", "/favicon.ico", true);
        check("/favicon.ico", "/favicon.ico/x", false);
        check("/favicon.ico", "/favicon.icon", false);
        check("/static/", "/static/a", true);
        check("/static/", "/static", false);
        check("/static/", "/STATIC/a", false);
        check("/static/", "/x/static/a", false);
    }

    #[test]
    fn templates() {
        let t = Template::parse("u-{account.login}/{account.attributes.employee_id}").unwrap();
        assert_eq!(
            t.parts(),
            [
                Part::Text("u-".into()),
                Part::Login,
                Part::Text("/".into()),
                Part::Attribute("employee_id".into())
            ]
        );
        for bad in [
            "{",
            "}",
            "{account.password}",
            "{account.attributes.}",
            "a{b",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
