//! The protected applications.

use super::Check;
use crate::config::list::List;
use crate::config::report::shortened;
use crate::config::scalar::UrlPath;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::headers;
use crate::domain::host::Origin;
use crate::domain::policy::TwoFactor;
use crate::domain::request::Path;
use crate::domain::route::{
    Access, AssertionSpec, IdentitySpec, Preset, PublicPath, Route, Table, Template,
};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Longest life of an assertion, and its default.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(300);

/// Everything below this is Vestibule's own, on every host.
const OURS: &str = "/.vestibule";

/// Headers that mean something to the connection, the body or the gateway itself.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "authority",
    "connection",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Every name that a careless application takes for one of these is taken out of requests, and so would they be.
fn is_reserved(name: &str) -> bool {
    let name = headers::fold(name);
    let is_one = RESERVED
        .iter()
        .any(|reserved| headers::fold(reserved) == name);
    is_one || name.starts_with("content") || name.starts_with("proxy")
}

impl Check<'_> {
    pub(super) fn routes(
        &mut self,
        routes: &[Option<schema::Route>],
        portal: Option<&Origin>,
    ) -> Table {
        let top = self.top.clone();
        self.require(
            &top,
            "routes",
            "[ { name: wiki, host: wiki.example.com, upstream: http://10.0.0.5:3000 } ]",
        );
        let list = self.at(&["routes"]);
        if list.exists() && routes.is_empty() && list.raw().is_none() && list.keys().is_empty() {
            self.error(&list, "there is no route: nothing is protected", "write for example `- { name: wiki, host: wiki.example.com, upstream: http://10.0.0.5:3000 }`");
        }
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut places: HashMap<(String, String), String> = HashMap::new();
        let mut checked = Vec::new();
        for (number, route) in routes.iter().enumerate() {
            let Some(route) = route else {
                continue;
            };
            let at = list.index(number);
            self.unique_name(&at, route, &mut names);
            let Some(route) = self.route(&at, route, portal) else {
                continue;
            };
            let place = (route.origin.host().to_string(), place_of(&route.prefix));
            if let Some(first) = places.insert(place, route.name.clone()) {
                let key = if at.key("path").exists() {
                    "path"
                } else {
                    "host"
                };
                let message = format!(
                    "the route `{}` has the same place: {}{}",
                    shortened(&first, 60),
                    route.origin.host(),
                    route.prefix.as_str()
                );
                self.error(&at.key(key), message, "give one of them another host or path; upper and lower case are the same place");
                continue;
            }
            checked.push(route);
        }
        match Table::new(checked) {
            Ok(table) => {
                self.ways_round(&list, routes, &table);
                table
            }
            Err(_) => {
                self.error(
                    &list,
                    "two routes have the same place",
                    "give one of them another host or path",
                );
                Table::default()
            }
        }
    }

    fn unique_name(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        names: &mut HashMap<String, usize>,
    ) {
        self.require(at, "name", "wiki");
        let Some(name) = &route.name else {
            return;
        };
        let at = at.key("name");
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            self.error(
                &at,
                format!("`{}` is not a short name", shortened(name, 64)),
                "write 1 to 64 letters, digits, `-`, `_` or `.`; what people read is `title`",
            );
        }
        if let Some(line) = names.insert(name.clone(), at.place().mark.line) {
            self.error(
                &at,
                format!("a second route is called `{}`", shortened(name, 64)),
                format!("the first is on line {line}; names are unique"),
            );
        }
    }

    /// `None` where something necessary is missing; that is reported.
    fn route(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        portal: Option<&Origin>,
    ) -> Option<Route> {
        self.require(at, "host", "wiki.example.com");
        let prefix = self.prefix(&at.key("path"), route.path.as_ref());
        let upstreams = self.upstreams(&at.key("upstream"), route);
        let answers = self.answers(at, route, prefix.as_ref());
        let public = self.public(&at.key("public"), route, prefix.as_ref());
        let logout_paths = self.paths(
            &at.key("logout_paths"),
            route.logout_paths.as_ref(),
            prefix.as_ref(),
        );
        let access = self.access(&at.key("access"), route.access.as_ref());
        let port = portal.map_or(443, Origin::port);
        let origin = route
            .host
            .as_ref()
            .map(|host| Origin::new(host.0.clone(), port));
        if let Some((origin, portal)) = origin.as_ref().zip(portal)
            && origin.host() == portal.host()
        {
            self.error(
                &at.key("host"),
                format!("{} is the portal's host", origin.host()),
                "the portal needs a host of its own; give the application another",
            );
        }
        let name = route.name.clone().unwrap_or_default();
        let title = match &route.title {
            Some(title) => self.shown(&at.key("title"), title),
            None => capitalised(&name),
        };
        let identity = self.identity(
            &at.key("identity"),
            route.identity.as_ref(),
            origin.as_ref(),
            prefix.as_ref(),
        );
        let timeouts = self.timeouts(&at.key("timeouts"), route.timeouts.as_ref());
        let delivery = self.delivery(at, route, &upstreams);
        let two_factor = route.two_factor.as_ref();
        let max_age = two_factor.and_then(|t| t.max_age.as_ref()).map(|age| {
            self.span(
                &at.key("two_factor").key("max_age"),
                Some(age),
                Duration::ZERO,
            )
        });
        Some(Route {
            name,
            title,
            access,
            public,
            trusted_devices: two_factor.and_then(|t| t.trusted_devices).unwrap_or(true),
            two_factor: two_factor
                .and_then(|t| t.policy)
                .map_or(TwoFactor::Optional, TwoFactor::from),
            max_age,
            upstreams,
            forward_auth: route.forward_auth == Some(true),
            delivery,
            timeouts,
            body_limit: route
                .limits
                .as_ref()
                .and_then(|l| l.body.as_ref())
                .map(|b| b.0),
            limits: self.route_limits(&at.key("limits"), route.limits.as_ref()),
            logout_paths,
            answers,
            rewrite: self.rewrite(&at.key("rewrite"), route.rewrite.as_ref(), prefix.as_ref()),
            headers: self.header_rules(at, route, &identity),
            origin: origin?,
            prefix: prefix?,
            identity,
        })
    }

    fn prefix(&mut self, at: &At<'_>, path: Option<&UrlPath>) -> Option<Path> {
        match path {
            Some(UrlPath(path)) => {
                self.not_ours(at, path);
                Some(path.clone())
            }
            // written, but not a path: reported already
            None if at.exists() => None,
            None => Path::parse(b"/"),
        }
    }

    fn not_ours(&mut self, at: &At<'_>, path: &Path) {
        let below = path.as_str().to_ascii_lowercase();
        if below == OURS
            || below
                .strip_prefix(OURS)
                .is_some_and(|rest| rest.starts_with(['/', ';']))
        {
            self.error(
                at,
                "everything below /.vestibule/ is Vestibule's own",
                "choose another path",
            );
        }
    }

    fn public(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        prefix: Option<&Path>,
    ) -> Vec<PublicPath> {
        let paths = self.paths(at, route.public.as_ref(), prefix);
        for (number, UrlPath(path)) in route.public.iter().flat_map(List::iter) {
            let everything = prefix.is_some_and(|p| {
                let whole = format!("{}/", place_of(p));
                let public = format!("{}/", place_of(path));
                path.as_str().ends_with('/') && whole.starts_with(&public)
            });
            // what is answered here is no application to protect
            if everything && route.redirect.is_none() && route.respond.is_none() {
                self.error(&at.index(number), "nothing of this route would be protected", "a path that ends in `/` holds for everything below it; name the parts that are to be public");
            }
        }
        paths
    }

    fn paths(
        &mut self,
        at: &At<'_>,
        list: Option<&List<UrlPath>>,
        prefix: Option<&Path>,
    ) -> Vec<PublicPath> {
        let mut paths = Vec::new();
        for (number, UrlPath(path)) in list.into_iter().flat_map(List::iter) {
            let at = at.index(number);
            self.not_ours(&at, path);
            if let Some(prefix) = prefix
                && !reaches(prefix, path)
            {
                let whole = format!("{}{}", prefix.as_str().trim_end_matches('/'), path.as_str());
                self.warning(
                    &at,
                    format!("never matches: the route begins at {}", prefix.as_str()),
                    format!("write the full path: {whole}"),
                );
            }
            paths.push(PublicPath::new(path.clone()));
        }
        paths
    }

    fn access(&mut self, at: &At<'_>, section: Option<&schema::Access>) -> Access {
        let Some(section) = section else {
            return Access::default();
        };
        let empty = "remove the line to let in everybody who is signed in, or name what is allowed";
        if at.keys().is_empty() {
            self.error(at, "nothing is said about who may come in", empty);
        }
        let mut access = Access {
            groups: self.group_list(&at.key("groups"), section.groups.as_ref(), empty),
            client_certificate: section.client_certificate.unwrap_or(false),
            ..Access::default()
        };
        if section.networks.as_ref().is_some_and(List::is_empty) {
            self.error(&at.key("networks"), "the list is empty", empty);
        }
        let networks = section.networks.iter().flat_map(List::iter);
        access.networks = networks.map(|(_, n)| n.0).collect();
        if section.methods.as_ref().is_some_and(List::is_empty) {
            self.error(&at.key("methods"), "the list is empty", empty);
        }
        for (number, method) in section.methods.iter().flat_map(List::iter) {
            let at = at.key("methods").index(number);
            if !is_token(method) {
                self.error(
                    &at,
                    format!("`{}` is not a method", shortened(method, 40)),
                    "write for example GET, HEAD, POST",
                );
            } else if method.to_ascii_uppercase() != *method {
                self.error(
                    &at,
                    format!(
                        "`{}` is not in capitals: no request has this method",
                        shortened(method, 40)
                    ),
                    format!("write {}", shortened(&method.to_ascii_uppercase(), 40)),
                );
            }
            access.methods.insert(method.clone());
        }
        access
    }

    fn identity(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::Identity>,
        origin: Option<&Origin>,
        prefix: Option<&Path>,
    ) -> IdentitySpec {
        let none = schema::Identity::default();
        let section = section.unwrap_or(&none);
        let preset = match section.preset {
            Some(schema::Preset::RemoteUser) | None => Preset::RemoteUser,
            Some(schema::Preset::Oauth2Proxy) => Preset::Oauth2Proxy,
            Some(schema::Preset::None) => Preset::None,
        };
        let basic_auth = self.basic_auth(&at.key("basic_auth"), section.basic_auth.as_ref());
        let message_signature = self.message_signature(at, section);
        let mut taken: BTreeSet<String> = preset
            .headers()
            .iter()
            .map(|(name, _)| folded(name))
            .collect();
        if basic_auth.is_some() {
            taken.insert("authorization".to_owned());
        }
        if message_signature.is_some() {
            taken.extend(["signature".to_owned(), "signature-input".to_owned()]);
        }
        let headers = self.headers(&at.key("headers"), section, &mut taken);
        let at = at.key("assertion");
        let assertion = section
            .assertion
            .as_ref()
            .map(|a| self.assertion(&at, a, &mut taken, origin, prefix));
        IdentitySpec {
            preset,
            headers,
            assertion,
            basic_auth,
            message_signature,
        }
    }

    fn headers(
        &mut self,
        at: &At<'_>,
        section: &schema::Identity,
        taken: &mut BTreeSet<String>,
    ) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        for (name, value) in section.headers.iter().flatten() {
            self.header_name(&at.key(name), name, taken);
            headers.push((name.clone(), value.0.clone()));
        }
        headers
    }

    fn header_name(&mut self, at: &At<'_>, name: &str, taken: &mut BTreeSet<String>) {
        let shown = shortened(name, 60);
        let lower = folded(name);
        let place = at.key_place();
        if !is_token(name) {
            self.problems.error(
                place,
                format!("`{shown}` is not the name of a header"),
                "write letters, digits and `-`, for example X-Employee",
            );
        } else if is_reserved(name) {
            self.problems.error(
                place,
                format!("`{shown}` belongs to the connection or to Vestibule"),
                "choose another name, for example X-Employee",
            );
        } else if !taken.insert(lower) {
            self.problems.error(place, format!("`{shown}` is set already, by the preset or by another line"), "upper and lower case, `-`, `_` and `.` are the same to many applications; choose another name");
        }
    }

    fn assertion(
        &mut self,
        at: &At<'_>,
        section: &schema::Assertion,
        taken: &mut BTreeSet<String>,
        origin: Option<&Origin>,
        prefix: Option<&Path>,
    ) -> AssertionSpec {
        let header = section.header.as_deref().unwrap_or("X-Vestibule-Assertion");
        self.header_name(&at.key("header"), header, taken);
        let lifetime = self.span(
            &at.key("lifetime"),
            section.lifetime.as_ref(),
            ASSERTION_LIFETIME,
        );
        if lifetime > ASSERTION_LIFETIME {
            self.error(
                &at.key("lifetime"),
                "longer than 5m: a stolen assertion would be good for too long",
                "write at most 5m; each request gets a fresh one",
            );
        }
        let here = origin
            .zip(prefix)
            .map_or_else(String::new, |(origin, prefix)| {
                format!("{origin}{}", prefix.as_str().trim_end_matches('/'))
            });
        let audience = section.audience.clone().unwrap_or(here);
        if section.audience.is_some() {
            self.shown(&at.key("audience"), &audience);
        }
        AssertionSpec {
            header: header.to_owned(),
            audience,
            lifetime,
        }
    }
}

/// Two prefixes with the same result are one place to [`Table`].
fn place_of(prefix: &Path) -> String {
    let path = prefix.as_str();
    let bare = path.strip_suffix('/').unwrap_or(path);
    bare.to_ascii_lowercase().replace("%3b", ";")
}

/// Whether requests to `path`, or below it, come to a route that begins at `prefix`.
fn reaches(prefix: &Path, path: &Path) -> bool {
    let prefix = prefix.as_str().trim_end_matches('/').to_ascii_lowercase();
    let path = path.as_str().to_ascii_lowercase();
    let below = |whole: &str, start: &str| {
        whole
            .strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';']))
    };
    below(&path, &prefix) || (path.ends_with('/') && below(&prefix, path.trim_end_matches('/')))
}

pub(super) fn is_token(text: &str) -> bool {
    let extra = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
}

/// What many applications take for the same header.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
