//! Applications that believe they live elsewhere: below another path, on another host.
//!
//! The canonical public path decides; only what was permitted is mapped, by whole segments, to the application's
//! own. In answers the addresses by which the application names itself are mapped back: those and no others, and
//! in heads only. Bodies are never touched.

mod address;
mod cookie;
mod destination;

pub use address::Addresses;
pub use cookie::{CookieRules, SameSite};
pub use destination::{Astray, destination};

use super::host::Host;
use super::request::Path;

/// What is written anew for one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// Where the application lives upstream, when that is another path.
    pub path: Option<PathMap>,
    /// What the application is called upstream, when that is another host.
    pub host: Option<UpstreamHost>,
    /// Further hosts and ports by which the application calls itself in its answers.
    pub addresses: Vec<(Host, u16)>,
    /// What of a WebDAV `Destination` the application is shown.
    pub destination: Destination,
    /// `Origin` of the public host becomes that of the application's.
    pub origin: bool,
    pub cookies: CookieRules,
}

/// The `Host` that an upstream receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamHost {
    /// Host, and port where one is written.
    Named(Host, Option<u16>),
    /// Host and port of the upstream that gets the request.
    Upstream,
}

/// Which address a WebDAV `Destination` names upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// The application's own: scheme, host and path as it sees requests.
    #[default]
    Inner,
    /// The public one, for applications that know of it (`X-Script-Name`, `X-Forwarded-Prefix`).
    Public,
}

/// A public path prefix and the application's own in place of it, without trailing slashes: `/` is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMap {
    outer: String,
    inner: String,
}

/// What a path of an answer stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outward {
    /// The application knows its public prefix.
    Public,
    /// Below its own prefix: the public path.
    Mapped(String),
    /// Below neither, or two browsers could read it differently.
    Outside,
}

impl PathMap {
    pub fn new(outer: &Path, inner: &Path) -> Self {
        let bare = |path: &Path| path.as_str().trim_end_matches('/').to_owned();
        Self {
            outer: bare(outer),
            inner: bare(inner),
        }
    }

    /// The public prefix, for `X-Forwarded-Prefix`.
    pub fn prefix(&self) -> &str {
        or_root(&self.outer)
    }

    /// The application's own prefix.
    pub fn inner(&self) -> &str {
        or_root(&self.inner)
    }

    /// The application's path for a public one below the prefix, which routes are found by in any case. `None`:
    /// the outcome could be read in two ways (`/wiki;x` without `/wiki` would be `;x`), to be refused.
    pub fn inward(&self, path: &Path) -> Option<Path> {
        let rest = below_in_any_case(path.as_str(), &self.outer)?;
        let mapped = match rest {
            "" => self.inner().to_owned(),
            rest => format!("{}{rest}", self.inner),
        };
        let path = Path::parse(mapped.as_bytes())?;
        (path.as_str() == mapped).then_some(path)
    }

    /// By which public path a path of the application can be reached, whatever it looks like to browsers.
    pub fn reach(&self, own: &str) -> Option<String> {
        let rest = below(own.trim_end_matches('/'), &self.inner)?;
        Some(or_root(&format!("{}{rest}", self.outer)).to_owned())
    }

    /// Whether the path is the prefix itself while the application's is a folder: relative links on its page
    /// would lead beside it.
    pub fn lacks_slash(&self, path: &Path) -> bool {
        self.inner.is_empty() && below_in_any_case(path.as_str(), &self.outer) == Some("")
    }

    /// An absolute path of an answer, with query and fragment, as browsers must write it. Where both prefixes
    /// match, the longer one says which it is.
    pub fn outward(&self, reference: &str) -> Outward {
        let end = reference.find(['?', '#']).unwrap_or(reference.len());
        let Some((path, tail)) = reference.split_at_checked(end) else {
            return Outward::Outside;
        };
        let is_public = below(path, &self.outer).is_some();
        match below(path, &self.inner) {
            Some(rest) if !(is_public && self.outer.len() > self.inner.len()) => {
                let public = match rest {
                    "" => format!("{}{tail}", self.prefix()),
                    _ if self.outer.is_empty() && rest.starts_with(';') => format!("/{rest}{tail}"),
                    _ => format!("{}{rest}{tail}", self.outer),
                };
                // `/app//evil.test` must not become an address of another host
                if public.starts_with("//") || public.starts_with("/\\") {
                    return Outward::Outside;
                }
                Outward::Mapped(public)
            }
            Some(_) | None if is_public => Outward::Public,
            Some(_) | None => Outward::Outside,
        }
    }

    /// The `Path` of a cookie: as above, and one that holds above the application's own prefix is narrowed to
    /// the public one. `None`: left as it is.
    pub fn cookie_path(&self, path: &str) -> Option<String> {
        match self.outward(path) {
            Outward::Mapped(public) => Some(or_root(public.trim_end_matches('/')).to_owned()),
            Outward::Public => None,
            Outward::Outside => {
                let above = below(&self.inner, path.trim_end_matches('/'))?;
                (!above.is_empty()).then(|| self.prefix().to_owned())
            }
        }
    }
}

fn or_root(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// What follows a prefix that ends where a segment ends.
fn below<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with(['/', ';'])).then_some(rest)
}

/// The same for a canonical path, in the spellings by which [`super::route::Table`] finds a route: any case, and
/// an escaped `;` ends a segment, too.
fn below_in_any_case<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let (head, rest) = path.split_at_checked(prefix.len())?;
    let ends = rest.is_empty()
        || rest.starts_with(['/', ';'])
        || rest.get(..3).is_some_and(|e| e.eq_ignore_ascii_case("%3b"));
    (head.eq_ignore_ascii_case(prefix) && ends).then_some(rest)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn map(outer: &str, inner: &str) -> PathMap {
        let path = |p: &str| Path::parse(p.as_bytes()).unwrap();
        PathMap::new(&path(outer), &path(inner))
    }

    #[test]
    fn paths_are_mapped_by_whole_segments() {
        let check = |outer: &str, inner: &str, path: &str, want: Option<&str>| {
            let path = Path::parse(path.as_bytes()).unwrap();
            let got = map(outer, inner).inward(&path);
            let got = got.as_ref().map(Path::as_str);
            assert_eq!(got, want, "{outer} -> {inner}: {path:?}");
        };
        check("/wiki", "/", "/wiki", Some("/"));
        check("/wiki", "/", "/wiki/", Some("/"));
        check("/wiki/", "/", "/wiki/a/b", Some("/a/b"));
        check("/wiki", "/mediawiki", "/wiki", Some("/mediawiki"));
        check(
            "/wiki",
            "/mediawiki/",
            "/wiki/a%20b",
            Some("/mediawiki/a%20b"),
        );
        check("/wiki", "/mediawiki", "/WiKi/Page", Some("/mediawiki/Page"));
        check("/", "/app", "/", Some("/app/"));
        check("/", "/app", "/x;v=1/y", Some("/app/x;v=1/y"));
        check("/wiki", "/app", "/wiki;v=1/x", Some("/app;v=1/x"));
        check("/wiki", "/app", "/wiki%3Bv=1", Some("/app%3Bv=1"));
        // to a servlet container `/;/x` is `//x`
        check("/wiki", "/", "/wiki;/admin", None);
        check("/wiki", "/", "/wiki%3Bx", None);
        check("/wiki", "/", "/wikis", None);
        check("/wiki", "/", "/", None);
    }

    #[test]
    fn paths_of_answers() {
        let check = |outer: &str, inner: &str, path: &str, want: &str| {
            let got = match map(outer, inner).outward(path) {
                Outward::Public => "public".to_owned(),
                Outward::Outside => "outside".to_owned(),
                Outward::Mapped(path) => path,
            };
            assert_eq!(got, want, "{outer} <- {inner}: {path}");
        };
        check("/wiki", "/", "/", "/wiki/");
        check("/wiki", "/", "/a?b=/c#d", "/wiki/a?b=/c#d");
        check("/wiki", "/", "/wiki/a", "public");
        check("/wiki", "/", "/wikis", "/wiki/wikis");
        check("/wiki", "/app", "/app", "/wiki");
        check("/wiki", "/app", "/app?x", "/wiki?x");
        check("/wiki", "/app", "/app;j=1", "/wiki;j=1");
        check("/wiki", "/app", "/apples", "outside");
        check("/wiki", "/app", "/login", "outside");
        check("/wiki", "/app", "/wiki/x", "public");
        check("/", "/app", "/app", "/");
        check("/", "/app", "/app;j=1", "/;j=1");
        check("/", "/app", "/app/x", "/x");
        check("/", "/app", "/x", "public");
        check("/wiki", "/wiki/app", "/wiki/app/x", "/wiki/x");
        check("/wiki/app", "/wiki", "/wiki/app/x", "public");
        check("/wiki/app", "/wiki", "/wiki/x", "/wiki/app/x");
        // never an address of another host
        check("/", "/app", "/app//evil.test", "outside");
        check("/", "/app", "/app/\\evil.test", "outside");
    }

    #[test]
    fn paths_of_cookies() {
        let check = |outer: &str, inner: &str, path: &str, want: Option<&str>| {
            let got = map(outer, inner).cookie_path(path);
            assert_eq!(got.as_deref(), want, "{outer} <- {inner}: {path}");
        };
        check("/wiki", "/", "/", Some("/wiki"));
        check("/wiki", "/", "/admin/", Some("/wiki/admin"));
        check("/wiki", "/", "/wiki", None);
        check("/wiki", "/app", "/", Some("/wiki"));
        check("/wiki", "/app/one", "/app/", Some("/wiki"));
        check("/wiki", "/app", "/ap", None);
        check("/wiki", "/app", "/other", None);
        check("/", "/app", "/app/", Some("/"));
        check("/", "/app", "/", None);
    }

    proptest! {
        /// There and back again, for every path that is mapped at all.
        #[test]
        fn outward_undoes_inward(
            outer in "(/[a-c]{1,2}){0,2}/?",
            inner in "(/[x-z]{1,2}){0,2}/?",
            rest in "(/[a-z]{1,3}){0,3}",
        ) {
            let map = map(&format!("/{outer}").replace("//", "/"), &format!("/{inner}").replace("//", "/"));
            let public = format!("{}{rest}", map.outer);
            let public = Path::parse(or_root(&public).as_bytes()).unwrap();
            let own = map.inward(&public).unwrap();
            match map.outward(own.as_str()) {
                Outward::Mapped(back) => prop_assert_eq!(
                    back.trim_end_matches('/'), public.as_str().trim_end_matches('/')),
                // its own path looks like a public one: left alone
                Outward::Public => prop_assert!(below(own.as_str(), &map.outer).is_some()),
                Outward::Outside => prop_assert!(false, "{:?} {}", map, own.as_str()),
            }
        }
    }
}
