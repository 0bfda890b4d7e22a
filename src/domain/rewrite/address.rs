//! Addresses in answers: `Location`, `Content-Location`, `Refresh` (RFC 9110 10.2.2, 8.7).

use super::{Outward, PathMap, Rewrite, UpstreamHost};
use crate::domain::host::{Host, Origin};
use crate::domain::route::{Route, Upstream};

/// By which addresses an application is known, and where it is for browsers.
#[derive(Clone, Debug)]
pub struct Addresses {
    public: Origin,
    path: Option<PathMap>,
    /// Hosts and ports that are the application itself.
    own: Vec<(Host, u16)>,
}

impl Addresses {
    pub fn of(route: &Route, rewrite: &Rewrite) -> Self {
        let upstreams: Vec<(Host, u16)> = route
            .upstreams
            .iter()
            .filter_map(|u| match u {
                Upstream::Inet { host, port, .. } => Some((Host::parse(host)?, *port)),
                Upstream::Unix(_) => None,
            })
            .collect();
        let mut own = [upstreams.as_slice(), &rewrite.addresses].concat();
        let mut name = |host: &Host, port: Option<u16>| {
            // an application puts no port, that of its listener, or the one it was asked with
            let ports = upstreams.iter().map(|(_, port)| *port);
            let ports = ports.chain([80, 443]).chain(port);
            own.extend(ports.map(|port| (host.clone(), port)));
        };
        name(route.origin.host(), Some(route.origin.port()));
        if let Some(UpstreamHost::Named(host, port)) = &rewrite.host {
            name(host, *port);
        }
        Self {
            public: route.origin.clone(),
            path: rewrite.path.clone(),
            own,
        }
    }

    /// The public spelling of an address that the application gave for itself; `None`: to be left as it is.
    pub fn outward(&self, reference: &str) -> Option<String> {
        // browsers take blanks out and read `\` as `/`: not to be looked through by us
        if reference
            .bytes()
            .any(|b| b <= 0x20 || b == 0x7f || b == b'\\')
        {
            return None;
        }
        let Some((host, ports, rest)) = absolute(reference) else {
            let path = self
                .path
                .as_ref()
                .filter(|_| reference.starts_with('/') && !reference.starts_with("//"))?;
            return match path.outward(reference) {
                Outward::Mapped(public) => Some(public),
                Outward::Public | Outward::Outside => None,
            };
        };
        let is_own = |(name, port): &(Host, u16)| *name == host && ports.contains(port);
        if !self.own.iter().any(is_own) {
            return None;
        }
        let rest = if rest.starts_with('/') {
            rest.to_owned()
        } else {
            format!("/{rest}")
        };
        let rest = match self.path.as_ref().map(|p| p.outward(&rest)) {
            Some(Outward::Mapped(public)) => public,
            Some(Outward::Public) | None => rest,
            Some(Outward::Outside) => return None,
        };
        let public = format!("{}{rest}", self.public);
        (public != reference).then_some(public)
    }

    /// The value of a `Refresh` field: seconds, then an address, with or without `url=` and quotes.
    pub fn refresh(&self, value: &str) -> Option<String> {
        let at = value.find([';', ','])?;
        let mut start = at + 1;
        start += blanks(value.get(start..)?);
        let word = value.get(start..start + 3);
        if word.is_some_and(|w| w.eq_ignore_ascii_case("url")) {
            let sign = start + 3 + blanks(value.get(start + 3..)?);
            if value.get(sign..)?.starts_with('=') {
                start = sign + 1 + blanks(value.get(sign + 1..)?);
            }
        }
        let given = value.get(start..)?.trim_end();
        let quote = given.chars().next().filter(|c| matches!(c, '"' | '\''));
        let bare = match quote {
            Some(quote) => given.strip_prefix(quote)?.strip_suffix(quote)?,
            None => given,
        };
        let public = self.outward(bare)?;
        let quote = quote.map(String::from).unwrap_or_default();
        Some(format!("{}{quote}{public}{quote}", value.get(..start)?))
    }

    /// Whether a cookie's `Domain` is a host that only the application knows.
    pub(super) fn is_inner(&self, domain: &Host) -> bool {
        domain != self.public.host() && self.own.iter().any(|(host, _)| host == domain)
    }

    pub(super) fn path(&self) -> Option<&PathMap> {
        self.path.as_ref()
    }
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// Host, the ports it may mean, and what follows the authority. `None`: no absolute http or https address, or
/// one with a user name.
fn absolute(reference: &str) -> Option<(Host, Vec<u16>, &str)> {
    let schemes: [(&str, &[u16]); 3] =
        [("http://", &[80]), ("https://", &[443]), ("//", &[80, 443])];
    let (rest, usual) = schemes.iter().find_map(|(scheme, usual)| {
        let (head, rest) = reference.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((rest, *usual))
    })?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let (host, port) = Host::parse_authority(authority)?;
    let ports = port.map_or_else(|| usual.to_vec(), |port| vec![port]);
    Some((host, ports, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::Path;
    use crate::domain::rewrite::tests::map;
    use crate::domain::route::tests::route;

    fn addresses(outer: &str, inner: &str) -> Addresses {
        let mut route = route("wiki.test", outer);
        route.upstreams = vec![Upstream::Inet {
            tls: false,
            host: "10.0.0.5".into(),
            port: 3000,
        }];
        let rewrite = Rewrite {
            path: (outer != inner).then(|| map(outer, inner)),
            host: Some(UpstreamHost::Named(
                Host::parse("intranet.local").unwrap(),
                None,
            )),
            addresses: vec![(Host::parse("old.test").unwrap(), 8080)],
            ..Rewrite::default()
        };
        Addresses::of(&route, &rewrite)
    }

    #[test]
    fn own_addresses_become_public() {
        let check = |outer: &str, inner: &str, given: &str, want: Option<&str>| {
            let got = addresses(outer, inner).outward(given);
            assert_eq!(got.as_deref(), want, "{outer} <- {inner}: {given}");
        };
        for own in [
            "http://10.0.0.5:3000",
            "https://10.0.0.5:3000",
            "HTTP://10.0.0.5:3000",
            "//10.0.0.5:3000",
            "http://intranet.local",
            "https://Intranet.Local.",
            "http://intranet.local:3000",
            "//intranet.local",
            "http://old.test:8080",
            "http://wiki.test",
            "http://wiki.test:3000",
        ] {
            let given = format!("{own}/app/x?u=http://10.0.0.5:3000/#f");
            let want = "https://wiki.test/wiki/x?u=http://10.0.0.5:3000/#f";
            check("/wiki", "/app", &given, Some(want));
            check("/wiki", "/app", &format!("{own}/other"), None);
            check("/", "/", own, Some("https://wiki.test/"));
            check("/", "/", &format!("{own}?q"), Some("https://wiki.test/?q"));
            check("/wiki", "/", own, Some("https://wiki.test/wiki/"));
        }
        check("/wiki", "/app", "/app/x", Some("/wiki/x"));
        check("/wiki", "/app", "https://wiki.test/wiki/x", None);
        check("/wiki", "/", "https://wiki.test/wiki/x", None);
        check("/", "/", "/x", None);
    }

    #[test]
    fn everything_else_is_left_alone() {
        for given in [
            "https://evil.test/app/x",
            "//evil.test/app",
            "http://10.0.0.5/app",
            "http://10.0.0.5:3001/app",
            "http://old.test/app",
            "http://user@10.0.0.5:3000/app",
            "http://10.0.0.5:3000@evil.test/app",
            "http://10.0.0.5:3000\\@evil.test/app",
            "http://10.0.0.50:3000/app",
            "http://intranet.local.evil.test/app",
            "http:/10.0.0.5:3000/app",
            "http:10.0.0.5:3000",
            "https:///app",
            "/app\\x",
            "/app/\t/evil.test",
            "/app x",
            "page",
            "?q",
            "",
            "mailto:a@10.0.0.5",
            "javascript:alert(1)",
        ] {
            assert_eq!(addresses("/wiki", "/app").outward(given), None, "{given}");
        }
        // taking a prefix away never makes another host of what is left
        for given in ["/app//evil.test", "http://10.0.0.5:3000/app//evil.test"] {
            assert_eq!(addresses("/", "/app").outward(given), None, "{given}");
        }
    }

    #[test]
    fn refresh() {
        let check = |given: &str, want: Option<&str>| {
            let got = addresses("/wiki", "/").refresh(given);
            assert_eq!(got.as_deref(), want, "{given}");
        };
        check("5; url=/x", Some("5; url=/wiki/x"));
        check(
            "0;URL='http://10.0.0.5:3000/x'",
            Some("0;URL='https://wiki.test/wiki/x'"),
        );
        check("0, url = \"/x\" ", Some("0, url = \"/wiki/x\""));
        check("3;/x", Some("3;/wiki/x"));
        check("3; /url", Some("3; /wiki/url"));
        check("5", None);
        check("5; url=https://evil.test/", None);
        check("5; url='/x", None);
        check(";", None);
        check("5; é", None);
    }

    #[test]
    fn the_ways_in_and_out_agree() {
        let map = map("/wiki", "/app");
        let own = map.inward(&Path::parse(b"/wiki/a").unwrap()).unwrap();
        let public = addresses("/wiki", "/app").outward(own.as_str());
        assert_eq!(public.as_deref(), Some("/wiki/a"));
    }
}
