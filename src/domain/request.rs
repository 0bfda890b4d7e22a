//! The facts of a request that decisions are made on, already parsed and canonical.

use std::net::IpAddr;

/// A canonical request path: starts with `/`, unreserved characters decoded, escapes in upper case, no
/// dot segments, no empty segments, nothing that a second decoding would change. Decided on **and** forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(String);

impl Path {
    /// `None`: ambiguous (two parsers could read it differently), to be refused with 400.
    /// RFC 3986 section 6.2.2 says which spellings are equivalent.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        if raw.first() != Some(&b'/') {
            return None;
        }
        let mut out = String::with_capacity(raw.len());
        let mut bytes = raw.iter().copied();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' => push_decoded(&mut out, hex(bytes.next()?, bytes.next()?)?, &bytes)?,
                0..=0x20 | 0x7f | b'\\' | b'#' | b'?' => return None,
                b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                    push_escaped(&mut out, byte);
                }
                _ => out.push(char::from(byte)),
            }
        }
        let ambiguous = out.contains("//") || out.split('/').any(is_dot_segment);
        (!ambiguous).then_some(Self(out))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Everything under `/.vestibule/` on an application's host is ours, in any spelling an application might
    /// take for it.
    pub fn is_host_page(&self) -> bool {
        let first = self.0.trim_start_matches('/').split(['/', ';']).next();
        let first = first.unwrap_or_default().to_ascii_lowercase();
        first == ".vestibule" || first.starts_with(".vestibule%3b")
    }
}

/// Decodes one escape. `rest` is looked at for a second layer: `%252e` is refused, `100%25` is not.
fn push_decoded(
    out: &mut String,
    value: u8,
    rest: &(impl Iterator<Item = u8> + Clone),
) -> Option<()> {
    match value {
        0..0x20 | 0x7f | b'/' | b'\\' => return None,
        b'%' => {
            let mut ahead = rest.clone();
            let second = ahead.next().zip(ahead.next()).and_then(|(a, b)| hex(a, b));
            if second.is_some_and(|v| {
                !(0x20..0x7f).contains(&v) || matches!(v, b'/' | b'\\' | b'.' | b'%' | b';')
            }) {
                return None;
            }
            push_escaped(out, value);
        }
        b'-' | b'.' | b'_' | b'~' => out.push(char::from(value)),
        v if v.is_ascii_alphanumeric() => out.push(char::from(v)),
        v => push_escaped(out, v),
    }
    Some(())
}

fn push_escaped(out: &mut String, value: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).map_or('0', |b| char::from(*b));
    out.push('%');
    out.push(digit(value >> 4));
    out.push(digit(value & 15));
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let nibble = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    Some(nibble(high)? << 4 | nibble(low)?)
}

/// `.` and `..`, also with path parameters (`..;x` is `..` to servlet containers), escaped or not.
fn is_dot_segment(segment: &str) -> bool {
    let bare = segment.split_once(';').map_or(segment, |(bare, _)| bare);
    let bare = bare.split_once("%3B").map_or(bare, |(bare, _)| bare);
    bare == "." || bare == ".."
}

/// How a browser (or program) asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A top-level GET or HEAD by a browser: may be redirected to a page.
    Navigation,
    /// A form sent from a page, to be answered with a page that loses nothing.
    FormPost,
    /// Everything else: fetch, WebSocket, sub-resources, programs.
    Programmatic,
}

/// What [`super::policy::decide`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub method: &'a str,
    pub path: &'a Path,
    pub client: IpAddr,
    pub mode: Mode,
    /// The origin of a CORS preflight: one that has no body and is nothing else.
    pub preflight_from: Option<&'a str>,
    /// The client has shown a certificate that the listener trusts.
    pub client_certificate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(raw: &[u8]) -> Option<String> {
        Path::parse(raw).map(|p| p.as_str().to_owned())
    }

    #[test]
    fn equivalent_spellings_become_one() {
        let check = |raw: &str, want: &str| {
            assert_eq!(canonical(raw.as_bytes()).as_deref(), Some(want), "{raw}");
        };
        check("/", "/");
        check("/a%2Dx/b", "/a-x/b");
        check("/%61dmin", "/admin");
        check("/caf%c3%a9", "/caf%C3%A9");
        check("/café", "/caf%C3%A9");
        check("/a;v=1/b", "/a;v=1/b");
        check("/100%25", "/100%25");
        check("/100%25_sure", "/100%25_sure");
        check("/a%20b", "/a%20b");
        check("/a%3Fb", "/a%3Fb");
        check("/a|b", "/a%7Cb");
        check("/...", "/...");
    }

    #[test]
    fn host_pages_in_any_spelling() {
        let check = |raw: &str, want: bool| {
            let path = Path::parse(raw.as_bytes()).unwrap();
            assert_eq!(path.is_host_page(), want, "{raw}");
        };
        for ours in [
            "/.vestibule",
            "/.vestibule/",
            "/.Vestibule/callback",
            "/%2evestibule/x",
            "/.vestibule;v=1/x",
            "/.vestibule%3bv/x",
        ] {
            check(ours, true);
        }
        for theirs in ["/", "/vestibule", "/.vestibules/x", "/a/.vestibule/"] {
            check(theirs, false);
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for raw in [
            "",
            "foo",
            "*",
            "?x",
            "%20/x",
            "//evil/x",
            "/a//b",
            "/a/../b",
            "/..",
            "/.",
            "/a/%2e%2e/b",
            "/a/.%2E;x/b",
            "/a/..;/b",
            "/a/..%3bx/b",
            "/a%2fb",
            "/a%5cb",
            "/a%00b",
            "/a\\b",
            "/a%2",
            "/a%",
            "/a%zz",
            "/%252e%252e/",
            "/%252f",
            "/%25252e",
            "/a b",
            "/a\tb",
            "/a#b",
            "/%0d%0a",
            "/%7f",
            "http://x/",
            "/%255c",
        ] {
            assert_eq!(canonical(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!(canonical(b"/a\0b"), None);
    }

    proptest! {
        /// What is decided on is a fixed point: parsing the forwarded form changes nothing.
        #[test]
        fn canonical_is_stable(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut with_slash = vec![b'/'];
            with_slash.extend(raw);
            if let Some(once) = canonical(&with_slash) {
                prop_assert_eq!(canonical(once.as_bytes()), Some(once.clone()));
                prop_assert!(once.is_ascii());
                prop_assert!(!once.split('/').any(|s| s == ".." || s == "."));
            }
        }
    }
}
