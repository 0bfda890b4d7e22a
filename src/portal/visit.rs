//! One request to a page, as the handlers see it: cookies, language, where it came from.

use super::Portal;
use super::cookie::{self, Jar};
use super::errors::ErrorContext;
use crate::domain::audit::Place;
use crate::domain::host::Host;
use crate::domain::session::View;
use crate::i18n::{self, Language};
use http::request::Parts;
use http::{HeaderMap, header};
use std::net::IpAddr;
use std::sync::Arc;

/// What the gateway knows of the connection; it puts this into the request's extensions.
#[derive(Clone, Debug)]
pub struct Conn {
    pub client: IpAddr,
    pub host: Host,
}

/// A request, read.
#[derive(Debug)]
pub struct Visit {
    pub conn: Conn,
    pub headers: HeaderMap,
    /// Path and query.
    pub here: String,
    query: Vec<(String, String)>,
    pub language: Language,
    /// A language was asked for in the address: it is to be remembered.
    pub chosen_language: bool,
}

impl Visit {
    /// `None` when the request did not come through the gateway.
    pub fn of(parts: Parts, portal: &Portal) -> Option<Self> {
        let conn = parts.extensions.get::<Conn>()?.clone();
        let query: Vec<(String, String)> = parts
            .uri
            .query()
            .map(|q| {
                url::form_urlencoded::parse(q.as_bytes())
                    .into_owned()
                    .collect()
            })
            .unwrap_or_default();
        let here = parts
            .uri
            .path_and_query()
            .map_or("/", |pq| pq.as_str())
            .to_owned();
        let chosen_language =
            first(&query, "lang").is_some_and(|asked| Language::parse(asked).is_some());
        let mut visit = Self {
            conn,
            headers: parts.headers,
            here,
            query,
            language: Language::English,
            chosen_language,
        };
        visit.language = visit.spoken(None, portal);
        Some(visit)
    }

    /// The page's language is the person's own, unless another one was chosen in this browser.
    pub(super) fn speak_to(&mut self, person: &View, portal: &Portal) {
        self.language = self.spoken(person.subject.language(), portal);
    }

    fn spoken(&self, profile: Option<&str>, portal: &Portal) -> Language {
        let accepted = self
            .headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok());
        i18n::negotiate(
            self.query("lang"),
            self.cookie(cookie::LANGUAGE),
            profile,
            accepted,
            &portal.brand.languages,
        )
    }

    /// For a page about a request that never reached a handler.
    pub(super) fn for_error(portal: &Portal, host: Host, context: &ErrorContext<'_>) -> Self {
        let offered = &portal.brand.languages;
        let language = i18n::negotiate(
            None,
            context.language,
            None,
            context.accept_language,
            offered,
        );
        Self {
            conn: Conn {
                client: IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
                host,
            },
            headers: HeaderMap::new(),
            here: context.path_and_query.to_owned(),
            query: Vec::new(),
            language,
            chosen_language: false,
        }
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        Jar::of(&self.headers).value(name)
    }

    pub fn place(&self) -> Place {
        let agent = self
            .headers
            .get(header::USER_AGENT)
            .and_then(|v| v.to_str().ok());
        Place::new(Some(self.conn.client), agent)
    }

    /// Whether a browser says that the request comes from another site, or another origin sent it.
    pub fn is_foreign(&self, own: &str) -> bool {
        let text = |name: &str| self.headers.get(name).map(|v| v.to_str().unwrap_or("?"));
        let site = text("sec-fetch-site").is_some_and(|s| s != "same-origin" && s != "none");
        let origin = text("origin").is_some_and(|o| o != own);
        site || origin
    }

    /// Whether a browser says that a page of this very origin sent the request.
    pub fn is_from(&self, own: &str) -> bool {
        let says = |name: &str, what: &str| self.headers.get(name).is_some_and(|v| v == what);
        !self.is_foreign(own) && (says("origin", own) || says("sec-fetch-site", "same-origin"))
    }
}

fn first<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}

/// A person signed in on this host.
pub type Person = Arc<View>;
