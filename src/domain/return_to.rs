//! Where a sign-in leads: exactly the address asked for, never a foreign origin.
//!
//! An address is parsed by the rules browsers use (WHATWG URL), checked against the origins of the
//! configured routes, and rebuilt from its parts; text that came in is never sent back. An address that we
//! sealed ourselves came from a request the gateway routed: its origin is checked in the same way, but its path
//! and query stay as they were asked for.

use super::host::{Host, Origin};
use super::own_page::OwnPage;
use super::secret::TokenHash;
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// An address on one of our own origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    origin: Origin,
    path_and_query: String,
}

impl ReturnTo {
    /// Longest address that is carried through a sign-in, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// `None` for everything but an absolute `https` address whose origin `allowed` knows.
    pub fn parse(text: &str, allowed: impl Fn(&Origin) -> bool) -> Option<Self> {
        let plain = text.len() <= Self::MAX_BYTES
            && text.starts_with("https://")
            && !text
                .chars()
                .any(|c| c.is_control() || c.is_whitespace() || c == '\\');
        if !plain {
            return None;
        }
        let url = Url::parse(text).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let origin = Origin::new(Host::parse(url.host_str()?)?, url.port_or_known_default()?);
        if !allowed(&origin) {
            return None;
        }
        let path_and_query = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Some(Self {
            origin,
            path_and_query,
        })
    }

    /// An address that `url` made and we sealed: checked as in `parse`, but path and query to the letter.
    pub fn of_sealed(text: &str, allowed: impl Fn(&Origin) -> bool) -> Option<Self> {
        let checked = Self::parse(text, allowed)?;
        let verbatim = text
            .strip_prefix(&checked.origin.to_string())
            .filter(|rest| rest.is_ascii() && !rest.contains('#'))
            .and_then(|rest| Self::of_request(checked.origin.clone(), rest));
        Some(verbatim.unwrap_or(checked))
    }

    /// From a request the gateway has itself routed.
    pub fn of_request(origin: Origin, path_and_query: &str) -> Option<Self> {
        let ok = path_and_query.starts_with('/')
            && path_and_query.len() <= Self::MAX_BYTES
            && !path_and_query.chars().any(char::is_control);
        ok.then(|| Self {
            origin,
            path_and_query: path_and_query.to_owned(),
        })
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn path(&self) -> &str {
        self.path_and_query
            .split_once('?')
            .map_or(self.path_and_query.as_str(), |(path, _)| path)
    }

    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.path_and_query)
    }
}

/// Where to go after sign-in. Travels sealed (authenticated encryption) through the address of the sign-in page, so
/// that a tab can be reloaded and nothing has to be stored for somebody who has proven nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    Application(Asked),
    /// A page of the portal itself.
    Own(OwnPage),
}

/// An application's address, and the browser that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub url: String,
    /// Hash of the pre-session cookie of the browser on the application's host; a ticket is good only there.
    pub binding: TokenHash,
    pub made_at: Timestamp,
    /// The browser has come back from there once already without the cookie its ticket was bound to.
    #[serde(default)]
    pub again: bool,
}

impl Asked {
    /// After this a ticket is no longer given for it; the browser is sent to the address itself, which asks anew.
    pub const FRESH: std::time::Duration = std::time::Duration::from_secs(15 * 60);

    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.made_at) < Self::FRESH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ours(origin: &Origin) -> bool {
        origin.to_string() == "https://good.example"
            || origin.to_string() == "https://good.example:8443"
    }

    #[test]
    fn the_address_asked_for() {
        let check = |text: &str, want: &str| {
            assert_eq!(
                ReturnTo::parse(text, ours).map(|r| r.url()).as_deref(),
                Some(want)
            );
        };
        check(
            "https://good.example/a/b?c=d&e=%2F",
            "https://good.example/a/b?c=d&e=%2F",
        );
        check("https://good.example", "https://good.example/");
        check(
            "https://GOOD.example:8443/x#frag",
            "https://good.example:8443/x",
        );
        check(
            "https://good.example/?next=https://evil.example",
            "https://good.example/?next=https://evil.example",
        );
    }

    #[test]
    fn no_foreign_origin() {
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "/%5cevil.example",
            "/\t/evil.example",
            "\\\\evil.example",
            "%0d%0aLocation:https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "https:\\\\evil.example",
            "https://good.example@evil.example",
            "https://good.example.evil.example",
            "https://evilgood.example",
            "https://good.example:444",
            "https://good.example:8444/",
            "http://good.example/",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "https://good.example\\@evil.example",
            "https://good.example\t.evil.example",
            "https://good.example%2eevil.example",
            "https://good.example%00.evil.example",
            "https://evil.example/https://good.example",
            "https://evil.example#good.example",
            "https://evil.example?good.example",
            "https://[::1]/",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://user:pass@good.example/",
            "https://good.example:443@evil.example/",
            " https://good.example/",
            "https://good.example/ x",
            "ftp://good.example/",
            "https://gооd.example/",
            "https://good。example.evil.example/",
            "",
            "/",
            "good.example",
            "https://",
            "https://:443/",
            "https://good.example..",
            "https://.good.example/",
            "https://good.example/\r\nSet-Cookie:x=y",
            "\u{feff}https://good.example/",
            "https://good.example\u{202e}/",
        ] {
            assert_eq!(ReturnTo::parse(evil, ours), None, "{evil:?}");
        }
        assert_eq!(
            ReturnTo::parse(&format!("https://good.example/{}", "a".repeat(9000)), ours),
            None
        );
    }

    #[test]
    fn what_we_sealed_stays_to_the_letter() {
        let same = |text: &str| {
            let to = ReturnTo::of_sealed(text, ours).unwrap();
            assert_eq!(to.url(), text);
        };
        same("https://good.example/a?q=it's");
        same("https://good.example:8443/a/../b/./c?<\"'>`{|}^");
        same("https://good.example//evil.example/?x");
        for (text, want) in [
            ("https://good.example", "https://good.example/"),
            ("https://GOOD.example/it's", "https://good.example/it's"),
            ("https://good.example/?a#it's", "https://good.example/?a"),
            ("https://good.example/\u{e9}", "https://good.example/%C3%A9"),
        ] {
            let to = ReturnTo::of_sealed(text, ours).unwrap();
            assert_eq!(to.url(), want);
        }
        for evil in [
            "https://good.example@evil.example/",
            "https://good.example.evil.example/",
            "https://good.example:444/",
            "https://good.example\\@evil.example",
        ] {
            assert_eq!(ReturnTo::of_sealed(evil, ours), None, "{evil}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_stays_with_us(text in "(https?:)?[/\\\\]{0,3}[a-z.@:%\\\\/#?]{0,12}(good|evil)\\.example[a-z.@:%\\\\/#?0-9]{0,20}") {
            if let Some(to) = ReturnTo::parse(&text, ours) {
                prop_assert!(ours(to.origin()));
                let again = Url::parse(&to.url()).unwrap();
                prop_assert_eq!(again.host_str(), Some("good.example"));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            if let Some(to) = ReturnTo::parse(&text, ours) {
                prop_assert!(ours(to.origin()));
            }
        }
    }
}
