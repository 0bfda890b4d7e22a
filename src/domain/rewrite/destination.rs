//! The `Destination` of WebDAV (RFC 4918 10.3): a second path in one request, to be decided on like the first.

use crate::domain::host::Host;
use crate::domain::request::Path;

/// Why a `Destination` leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Astray {
    /// Neither an absolute http or https address nor an absolute path, or one that can be read in two ways.
    Malformed,
    /// Another host.
    Elsewhere,
}

/// The canonical path of a `Destination` on `host`. Scheme and port decide nothing and go no further, as with
/// requests.
pub fn destination(value: &[u8], host: &Host) -> Result<Path, Astray> {
    let text = std::str::from_utf8(value).map_err(|_| Astray::Malformed)?;
    let path = if text.starts_with('/') {
        text
    } else {
        let rest = ["http://", "https://"].iter().find_map(|scheme| {
            let (head, rest) = text.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        });
        let rest = rest.ok_or(Astray::Malformed)?;
        let end = rest.find('/').ok_or(Astray::Malformed)?;
        let (authority, path) = rest.split_at_checked(end).ok_or(Astray::Malformed)?;
        let (named, _) = Host::parse_authority(authority).ok_or(Astray::Malformed)?;
        if named != *host {
            return Err(Astray::Elsewhere);
        }
        path
    };
    Path::parse(path.as_bytes()).ok_or(Astray::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_path_of_this_host() {
        let host = Host::parse("dav.test").unwrap();
        let check = |given: &str, want: Result<&str, Astray>| {
            let got = destination(given.as_bytes(), &host);
            let got = got.as_ref().map(Path::as_str).map_err(|e| *e);
            assert_eq!(got, want, "{given}");
        };
        check("https://dav.test/a/b", Ok("/a/b"));
        check("http://DAV.test.:8443/%61", Ok("/a"));
        check("HTTPS://dav.test/", Ok("/"));
        check("/a%20b", Ok("/a%20b"));
        for bad in [
            "",
            "a/b",
            "../a",
            "*",
            "//dav.test/a",
            "https://dav.test",
            "https://user@dav.test/a",
            "https://dav.test@evil.test/a",
            "https://dav.test\\@evil.test/a",
            "https://dav.test/a/../b",
            "https://dav.test/a/%2e%2e/b",
            "https://dav.test//a",
            "https://dav.test/a%2fb",
            "https://dav.test/a?q",
            "https://dav.test/a#f",
            "https://dav.test/a, https://dav.test/b c",
            "ftp://dav.test/a",
            "https:/dav.test/a",
            "/a b",
            "/a/..;/b",
        ] {
            check(bad, Err(Astray::Malformed));
        }
        check("https://evil.test/a", Err(Astray::Elsewhere));
        check("https://dav.test.evil.test/a", Err(Astray::Elsewhere));
        check("https://127.0.0.1/a", Err(Astray::Elsewhere));
    }
}
