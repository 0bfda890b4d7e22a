//! Applications that believe they live elsewhere.

use super::Check;
use crate::config::list::List;
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::request::Path;
use crate::domain::rewrite::{CookieRules, Destination, PathMap, Rewrite, SameSite, UpstreamHost};
use crate::domain::route::{Route, Table};

impl Check<'_> {
    pub(super) fn rewrite(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::Rewrite>,
        prefix: Option<&Path>,
    ) -> Option<Rewrite> {
        let section = section?;
        let addresses = section.addresses.iter().flat_map(List::iter);
        if section.origin == Some(true) && section.host.is_none() {
            let message = "has no use without `host`: the application receives the public one";
            self.error(
                &at.key("origin"),
                message,
                "write the application's `host` beside it, or remove the line",
            );
        }
        Some(Rewrite {
            path: self.path_map(at, section, prefix),
            host: section.host.as_ref().map(|host| match &host.0 {
                Some((host, port)) => UpstreamHost::Named(host.clone(), *port),
                None => UpstreamHost::Upstream,
            }),
            addresses: addresses.map(|(_, address)| address.0.clone()).collect(),
            destination: match section.destination {
                Some(schema::Destination::Inner) | None => Destination::Inner,
                Some(schema::Destination::Public) => Destination::Public,
            },
            origin: section.origin.unwrap_or(false),
            cookies: self.cookie_rules(&at.key("cookies"), section.cookies.as_ref()),
        })
    }

    fn path_map(
        &mut self,
        at: &At<'_>,
        section: &schema::Rewrite,
        prefix: Option<&Path>,
    ) -> Option<PathMap> {
        let strip = section.strip_prefix == Some(true);
        if strip && at.key("path").exists() {
            let message = "`strip_prefix` and `path` both say where the application lives";
            self.error(
                &at.key("strip_prefix"),
                message,
                "keep `path`, or write `strip_prefix: true` alone, which is `path: /`",
            );
            return None;
        }
        let (key, inner) = match (&section.path, strip) {
            (Some(path), _) => ("path", path.0.clone()),
            (None, true) => ("strip_prefix", Path::parse(b"/")?),
            (None, false) => return None,
        };
        let outer = prefix?;
        let bare = |path: &Path| path.as_str().trim_end_matches('/').to_owned();
        if bare(outer) == bare(&inner) {
            let message = format!("has no effect: the route's path is {}, too", outer.as_str());
            self.error(
                &at.key(key),
                message,
                "give the route a `path` of its own, or remove the line",
            );
            return None;
        }
        // a parameter at the end of a prefix would be one of the segment before, or of none
        if [outer, &inner]
            .iter()
            .any(|p| fold(p.as_str()).contains(';'))
        {
            let help = "use paths without path parameters";
            self.error(&at.key(key), "a path with `;` in it cannot be mapped", help);
            return None;
        }
        Some(PathMap::new(outer, &inner))
    }

    fn cookie_rules(&mut self, at: &At<'_>, section: Option<&schema::Cookies>) -> CookieRules {
        let none = schema::Cookies::default();
        let section = section.unwrap_or(&none);
        let secure = section.secure.unwrap_or(false);
        if section.same_site == Some(schema::SameSite::None) && !secure {
            self.error(
                &at.key("same_site"),
                "browsers refuse cookies with SameSite=None that are not Secure",
                "write `secure: true` beside it",
            );
        }
        CookieRules {
            secure,
            same_site: section.same_site.map(|word| match word {
                schema::SameSite::Lax => SameSite::Lax,
                schema::SameSite::Strict => SameSite::Strict,
                schema::SameSite::None => SameSite::None,
            }),
            host_only: section.host_only.unwrap_or(false),
        }
    }

    /// A mapped route that leads into a place of the same application which another route guards better.
    pub(super) fn ways_round(
        &mut self,
        list: &At<'_>,
        routes: &[Option<schema::Route>],
        table: &Table,
    ) {
        for way in table.routes() {
            let Some(map) = way.rewrite.as_ref().and_then(|r| r.path.as_ref()) else {
                continue;
            };
            for guarded in table.routes().iter().filter(|r| guards_better(r, way)) {
                let Some(public) = map.reach(inner_prefix(guarded)) else {
                    continue;
                };
                let found = Path::parse(public.as_bytes())
                    .and_then(|path| table.find(way.origin.host(), &path));
                if found.is_none_or(|(_, route)| route.name != way.name) {
                    continue;
                }
                let named = |r: &Option<schema::Route>| {
                    r.as_ref().and_then(|r| r.name.as_ref()) == Some(&way.name)
                };
                let number = routes.iter().position(named).unwrap_or_default();
                let message = format!(
                    "{}{public} leads to what the route `{}` guards in another way",
                    way.origin.host(),
                    shortened(&guarded.name, 60)
                );
                let help = format!(
                    "add a route with `path: {public}` and the same rules, or guard this one alike"
                );
                self.warning(&list.index(number).key("rewrite"), message, help);
            }
        }
    }
}

/// As [`Table`] compares prefixes.
fn fold(path: &str) -> String {
    path.to_ascii_lowercase().replace("%3b", ";")
}

fn inner_prefix(route: &Route) -> &str {
    let map = route.rewrite.as_ref().and_then(|r| r.path.as_ref());
    map.map_or(route.prefix.as_str(), PathMap::inner)
}

/// Whether a route of the same application asks for something that the other does not.
fn guards_better(guarded: &Route, way: &Route) -> bool {
    let same_application = guarded.upstreams.iter().any(|u| way.upstreams.contains(u));
    let (a, b) = (&guarded.access, &way.access);
    let access = (!a.groups.is_empty() && a.groups != b.groups)
        || (!a.networks.is_empty() && a.networks != b.networks)
        || (!a.methods.is_empty() && a.methods != b.methods);
    let second_factor = guarded.two_factor > way.two_factor
        || (guarded.max_age.is_some() && guarded.max_age != way.max_age)
        || (!guarded.trusted_devices && way.trusted_devices);
    guarded.name != way.name && same_application && (access || second_factor)
}
