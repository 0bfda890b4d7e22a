//! `Set-Cookie` of an application (RFC 6265bis 5.5), as bytes: whatever is not rewritten stays as it came.

use super::Addresses;
use crate::domain::host::Host;

/// What is done to an application's cookies beside mapping them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CookieRules {
    /// `Secure` is added: browsers come by https only, the application may not know.
    pub secure: bool,
    /// Added where the application says nothing.
    pub same_site: Option<SameSite>,
    /// `Domain` is taken off: the cookie stays with this host.
    pub host_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    Lax,
    Strict,
    None,
}

impl SameSite {
    const fn attribute(self) -> &'static [u8] {
        match self {
            Self::Lax => b"; SameSite=Lax",
            Self::Strict => b"; SameSite=Strict",
            Self::None => b"; SameSite=None",
        }
    }
}

impl CookieRules {
    /// One `Set-Cookie` line with `Path` and `Domain` as browsers must have them. `None`: nothing to change.
    pub fn apply(self, line: &[u8], addresses: &Addresses) -> Option<Vec<u8>> {
        let mut pieces = line.split(|b| *b == b';');
        let pair = pieces.next().unwrap_or_default();
        // bound to this host and to `Path=/` by their names
        let bound = pair
            .trim_ascii_start()
            .get(..7)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"__Host-"));
        let mut out = pair.to_vec();
        let (mut secure, mut same_site) = (false, false);
        for piece in pieces {
            let (name, value) = attribute(piece);
            secure |= name.eq_ignore_ascii_case(b"secure");
            same_site |= name.eq_ignore_ascii_case(b"samesite");
            if name.eq_ignore_ascii_case(b"domain") && self.drops(value, addresses) {
                continue;
            }
            let path = name.eq_ignore_ascii_case(b"path") && !bound;
            match path.then(|| public_path(value, addresses)).flatten() {
                Some(public) => out.extend_from_slice(format!("; Path={public}").as_bytes()),
                None => {
                    out.push(b';');
                    out.extend_from_slice(piece);
                }
            }
        }
        if self.secure && !secure {
            out.extend_from_slice(b"; Secure");
        }
        if let Some(word) = self.same_site.filter(|_| !same_site) {
            out.extend_from_slice(word.attribute());
        }
        (out != line).then_some(out)
    }

    /// A name that only the application knows is refused by browsers, and the cookie with it.
    fn drops(self, domain: &[u8], addresses: &Addresses) -> bool {
        let name = std::str::from_utf8(domain).unwrap_or_default();
        let host = Host::parse(name.strip_prefix('.').unwrap_or(name));
        self.host_only || host.is_some_and(|host| addresses.is_inner(&host))
    }
}

fn attribute(piece: &[u8]) -> (&[u8], &[u8]) {
    let end = piece.iter().position(|b| *b == b'=').unwrap_or(piece.len());
    let (name, value) = piece.split_at_checked(end).unwrap_or((piece, b""));
    (
        name.trim_ascii(),
        value.get(1..).unwrap_or_default().trim_ascii(),
    )
}

fn public_path(value: &[u8], addresses: &Addresses) -> Option<String> {
    let path = std::str::from_utf8(value).ok()?;
    addresses
        .path()?
        .cookie_path(path.starts_with('/').then_some(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rewrite::tests::map;
    use crate::domain::rewrite::{Rewrite, UpstreamHost};
    use crate::domain::route::Upstream;
    use crate::domain::route::tests::route;

    fn addresses() -> Addresses {
        let mut route = route("wiki.example.test", "/wiki");
        route.upstreams = vec![Upstream::Inet {
            tls: false,
            host: "app.internal".into(),
            port: 1,
        }];
        let rewrite = Rewrite {
            path: Some(map("/wiki", "/app")),
            host: Some(UpstreamHost::Named(
                Host::parse("intranet.local").unwrap(),
                None,
            )),
            ..Rewrite::default()
        };
        Addresses::of(&route, &rewrite)
    }

    #[test]
    fn paths_and_domains_are_mapped_back() {
        let check = |given: &str, want: Option<&str>| {
            let got = CookieRules::default().apply(given.as_bytes(), &addresses());
            let got = got.map(|g| String::from_utf8(g).unwrap());
            assert_eq!(got.as_deref(), want, "{given}");
        };
        check("a=b", None);
        check("a=b; HttpOnly;Max-Age=3", None);
        check(
            "a=b; Path=/app; HttpOnly",
            Some("a=b; Path=/wiki; HttpOnly"),
        );
        check("a=b;path = /app/x", Some("a=b; Path=/wiki/x"));
        check("a=b; Path=/", Some("a=b; Path=/wiki"));
        check("a=b; Path=/other", None);
        check("a=b; Path=\"/app\"", None);
        check("a=b; Path", None);
        check(
            "a=b; Domain=intranet.local; Path=/wiki",
            Some("a=b; Path=/wiki"),
        );
        check("a=b; domain=.Intranet.Local", Some("a=b"));
        check("a=b; Domain=app.internal", Some("a=b"));
        // the host's own name and its parents are the application's decision
        check("a=b; Domain=wiki.example.test", None);
        check("a=b; Domain=.example.test", None);
        check("__Host-a=b; Path=/; Secure", None);
    }

    #[test]
    fn what_the_application_leaves_out() {
        let rules = CookieRules {
            secure: true,
            same_site: Some(SameSite::Lax),
            host_only: true,
        };
        let check = |given: &[u8], want: Option<&[u8]>| {
            let got = rules.apply(given, &addresses());
            assert_eq!(got.as_deref(), want);
        };
        check(b"a=b", Some(b"a=b; Secure; SameSite=Lax"));
        check(b"a=\xff", Some(b"a=\xff; Secure; SameSite=Lax"));
        check(b"a=b; secure; samesite=None", None);
        check(b"a=b; Secure; SameSite=Strict", None);
        check(
            b"a=Secure; SameSite=Strict",
            Some(b"a=Secure; SameSite=Strict; Secure"),
        );
        check(
            b"a=b; Domain=example.test; Secure",
            Some(b"a=b; Secure; SameSite=Lax"),
        );
        check(b"", Some(b"; Secure; SameSite=Lax"));
    }
}
