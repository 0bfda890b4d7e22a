//! Our cookies: every one `__Host-` (Secure, `Path=/`, no Domain), HttpOnly, `SameSite=Lax`, so that no
//! sibling domain can plant, read or replay one (RFC 6265bis 4.1.3.2).

use cookie::{Cookie, SameSite};
use http::{HeaderMap, header};
use std::borrow::Cow;
use std::time::Duration;

/// The session: the portal's on the portal's host, its child on an application's.
pub const SESSION: &str = "__Host-vestibule";
/// A sign-in under way (portal).
pub const SIGN_IN: &str = "__Host-signin";
/// The link to choose a new password that this browser has opened (portal).
pub const RESET: &str = "__Host-vestibule-reset";
/// Binds a ticket to the browser that asked for it (application hosts).
pub const PRE_SESSION: &str = "__Host-vestibule-pre";
/// The account name that last signed in with this browser.
pub const ACCOUNT: &str = "__Host-vestibule-account";
/// The language that was chosen.
pub const LANGUAGE: &str = "__Host-vestibule-lang";

/// Begins the names of the cookies by which browsers are known, one an account: its tag follows.
pub const DEVICE: &str = "__Host-vestibule-device-";
/// As long as browsers keep a cookie at most (RFC 6265bis 5.5).
pub const DEVICE_AGE: Duration = Duration::from_secs(400 * 86_400);
/// More accounts than this in one browser are not looked at: no browser keeps more cookies of one site. Fewer would
/// make strangers, at every sign-in, of some of the people who share a machine.
const MOST_DEVICES: usize = 200;

/// What a request brought along. Read byte by byte: a legacy application's cookie in some other encoding must
/// not hide ours.
#[derive(Debug)]
pub struct Jar<'a>(&'a HeaderMap);

impl<'a> Jar<'a> {
    pub const fn of(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }

    /// The cookies by which browsers are known: tag and value. A name sent twice, in any spelling, counts as not
    /// sent at all.
    pub fn devices(&self) -> Vec<(&'a str, &'a str)> {
        let mut names: Vec<&str> = self
            .pieces()
            .filter_map(|(name, _)| std::str::from_utf8(name).ok())
            .filter(|name| name.starts_with(DEVICE))
            .collect();
        names.sort_unstable();
        names.dedup();
        let found = names.into_iter().filter_map(|name| {
            let tag = name.strip_prefix(DEVICE)?;
            let tag_ok = tag.len() == 16 && tag.bytes().all(|b| b.is_ascii_hexdigit());
            tag_ok.then_some(())?;
            Some((tag, self.value(name)?))
        });
        found.take(MOST_DEVICES).collect()
    }

    fn pieces(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let lines = self.0.get_all(header::COOKIE).iter();
        lines
            .flat_map(|line| parts(line.as_bytes()))
            .filter_map(|piece| {
                let at = memchr::memchr(b'=', piece)?;
                let (written, value) = piece.split_at_checked(at)?;
                Some((written.trim_ascii(), value.get(1..)?.trim_ascii()))
            })
    }

    /// The value of a cookie of ours, over all `Cookie` lines. Sent twice, in any spelling, it counts as not
    /// sent at all: one of the two is somebody else's.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .pieces()
            .filter(|(written, _)| written.eq_ignore_ascii_case(name.as_bytes()));
        match (found.next(), found.next()) {
            (Some((exact, value)), None) if exact == name.as_bytes() => {
                std::str::from_utf8(value).ok()
            }
            _ => None,
        }
    }
}

/// What is between semicolons.
fn parts(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line).unwrap_or(line.len());
        rest = line.get(end.saturating_add(1)..);
        line.get(..end)
    })
}

/// A `Set-Cookie` value that lasts as long as the browser, or as long as `max_age`.
pub fn set(name: impl Into<Cow<'static, str>>, value: String, max_age: Option<Duration>) -> String {
    let mut cookie = base(name, value);
    if let Some(age) = max_age {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        cookie.set_max_age(cookie::time::Duration::seconds(seconds));
    }
    cookie.to_string()
}

/// A `Set-Cookie` value that removes the cookie.
pub fn clear(name: impl Into<Cow<'static, str>>) -> String {
    let mut cookie = base(name, String::new());
    cookie.set_max_age(cookie::time::Duration::ZERO);
    cookie.to_string()
}

fn base(name: impl Into<Cow<'static, str>>, value: String) -> Cookie<'static> {
    Cookie::build((name.into(), value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar_value(lines: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, http::HeaderValue::from_bytes(line).unwrap());
        }
        Jar::of(&headers).value(SESSION).map(str::to_owned)
    }

    #[test]
    fn one_of_ours_and_only_one() {
        assert_eq!(
            jar_value(&[b"a=b; __Host-vestibule=x; c=d"]).as_deref(),
            Some("x")
        );
        assert_eq!(
            jar_value(&[b"a=b", b"__Host-vestibule=x"]).as_deref(),
            Some("x")
        );
        assert_eq!(
            jar_value(&[b"__Host-vestibule=x; __Host-vestibule=x"]),
            None
        );
        assert_eq!(
            jar_value(&[b"__Host-vestibule=x", b"__host-vestibule=y"]),
            None
        );
        assert_eq!(jar_value(&[b"__HOST-vestibule=x"]), None);
        assert_eq!(jar_value(&[b";;=; a"]), None);
        assert_eq!(jar_value(&[b"\xff\xfe=1"]), None);
        assert_eq!(
            jar_value(&[b"name=\xc5sa; __Host-vestibule=x; b=\xff"]).as_deref(),
            Some("x")
        );
        assert_eq!(jar_value(&[b"__Host-vestibule=\xff"]), None);
        assert_eq!(jar_value(&[]), None);
    }

    #[test]
    fn devices_of_several_accounts() {
        let check = |lines: &[&str], want: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            assert_eq!(Jar::of(&headers).devices(), want, "{lines:?}");
        };
        let (one, two) = (
            "__Host-vestibule-device-0011223344556677",
            "__Host-vestibule-device-8899aabbccddeeff",
        );
        check(
            &[&format!("a=b; {one}=x"), &format!("{two}=y")],
            &[("0011223344556677", "x"), ("8899aabbccddeeff", "y")],
        );
        // two of one name, in one line or in two, in any spelling: none
        check(
            &[&format!("{one}=x; {one}=x; {two}=y")],
            &[("8899aabbccddeeff", "y")],
        );
        check(
            &[&format!("{one}=x"), &format!("{}=z", one.to_uppercase())],
            &[],
        );
        check(&["__Host-vestibule-device-00112233=x"], &[]);
        check(
            &["__Host-vestibule-device-=x; __Host-vestibule-device-zzzzzzzzzzzzzzzz=x"],
            &[],
        );
        let many: Vec<String> = (0..300).map(|n| format!("{DEVICE}{n:016x}=v")).collect();
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, many.join("; ").parse().unwrap());
        assert_eq!(Jar::of(&headers).devices().len(), MOST_DEVICES);
    }

    #[test]
    fn attributes() {
        let text = set(SESSION, "v".into(), None);
        for part in [
            "__Host-vestibule=v",
            "HttpOnly",
            "SameSite=Lax",
            "Secure",
            "Path=/",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !text.contains("Domain") && !text.contains("Max-Age"),
            "{text}"
        );
        assert!(clear(SESSION).contains("Max-Age=0"));
    }
}
