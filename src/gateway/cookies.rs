//! The `Cookie` header (RFC 6265bis): finding our own cookies in it, and cutting them out of what goes on.
//!
//! Names are compared without regard to case, as browsers do for the `__Host-` prefix. A cookie of ours that
//! comes twice was planted by somebody: then there is none.

use super::seams::{LANGUAGE_COOKIE, PRE_SESSION_COOKIE, SESSION_COOKIE, SIGN_IN_COOKIE};
use crate::portal::cookie::Jar;
use http::HeaderMap;

const OURS: [&str; 4] = [
    SESSION_COOKIE,
    PRE_SESSION_COOKIE,
    SIGN_IN_COOKIE,
    LANGUAGE_COOKIE,
];

/// The value of the only cookie of this name, over all `Cookie` lines.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Jar::of(headers).value(name)
}

/// All `Cookie` lines as one, without our cookies, every other byte as it came (RFC 9113 8.2.3 for the merge).
/// `None` when nothing is left.
pub(super) fn without_ours<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::new();
    for line in lines {
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        if !pieces(line).any(is_ours) {
            out.extend_from_slice(line);
            continue;
        }
        let before = out.len();
        for piece in pieces(line).filter(|p| !is_ours(p)) {
            match out.len() == before {
                true => out.extend_from_slice(piece.trim_ascii_start()),
                false => {
                    out.push(b';');
                    out.extend_from_slice(piece);
                }
            }
        }
        if out.len() == before {
            // nothing of this line is left, so neither is the separator before it
            out.truncate(before.saturating_sub(2));
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Whether a `Set-Cookie` of an upstream names a cookie of ours.
pub(super) fn sets_ours(set_cookie: &[u8]) -> bool {
    pieces(set_cookie).next().is_some_and(is_ours)
}

fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b';')
}

fn is_ours(piece: &[u8]) -> bool {
    OURS.iter().any(|name| named(piece, name))
}

fn named(piece: &[u8], name: &str) -> bool {
    let written = piece.split(|b| *b == b'=').next().unwrap_or_default();
    written.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::COOKIE;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        map
    }

    #[test]
    fn one_cookie_of_ours_or_none() {
        let check = |lines: &[&str], want: Option<&str>| {
            assert_eq!(single(&headers(lines), SESSION_COOKIE), want, "{lines:?}");
        };
        check(&["__Host-vestibule=abc"], Some("abc"));
        check(&["a=b; __Host-vestibule=abc ;c=d"], Some("abc"));
        check(&["a=b", "__Host-vestibule=abc"], Some("abc"));
        check(
            &["__Host-vestibule-pre=x; __Host-vestibule=abc"],
            Some("abc"),
        );
        check(&["__Host-vestibule=abc; __Host-vestibule=abc"], None);
        check(&["__Host-vestibule=abc", "__Host-vestibule=def"], None);
        check(&["__Host-vestibule=abc; __host-VESTIBULE=def"], None);
        check(&["__host-vestibule=abc"], None);
        check(&["__Host-vestibule"], None);
        check(&["x__Host-vestibule=abc"], None);
        check(&[";;=; a"], None);
        check(&[&"x; ".repeat(5000)], None);
    }

    #[test]
    fn ours_are_cut_and_nothing_else() {
        let check = |lines: &[&str], want: Option<&str>| {
            let got = without_ours(lines.iter().map(|line| line.as_bytes()));
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{lines:?}");
        };
        check(&["a=b"], Some("a=b"));
        check(&[";;=; a"], Some(";;=; a"));
        check(&["  a=b ;c"], Some("  a=b ;c"));
        check(&["a=b; __Host-vestibule=x"], Some("a=b"));
        check(&["__Host-vestibule=x; a=b;c=d"], Some("a=b;c=d"));
        check(&["a=1; __Host-vestibule=x;b=2"], Some("a=1;b=2"));
        check(&["a=1;__HOST-VESTIBULE=x; b=2;"], Some("a=1; b=2;"));
        check(&["__Host-vestibule=x"], None);
        check(&["__Host-vestibule", "__Host-signin=y"], None);
        check(&["a=1", "__Host-vestibule-pre=x", "b=2"], Some("a=1; b=2"));
        check(&["__Host-vestibule=x", "b=2"], Some("b=2"));
        check(&["a=\"x; __Host-vestibule=y\"; b=2"], Some("a=\"x; b=2"));
        check(&["__Host-vestibule2=x"], Some("__Host-vestibule2=x"));
    }

    #[test]
    fn an_upstream_cannot_set_ours() {
        for bad in [
            "__Host-vestibule=x; Path=/",
            " __host-Signin = y",
            "__Host-vestibule-pre",
        ] {
            assert!(sets_ours(bad.as_bytes()), "{bad}");
        }
        for good in ["sid=1", "a=__Host-vestibule=", "__Host-other=1", ""] {
            assert!(!sets_ours(good.as_bytes()), "{good}");
        }
    }
}
