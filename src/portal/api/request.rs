//! Reading a request strictly: what is not known is refused, not passed over.

use super::problem::Problem;
use super::{Call, shapes};
use crate::domain::id::AccountId;
use crate::domain::timestamp::Timestamp;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// Largest body, in bytes; an import has a limit of its own.
const MOST_BYTES: usize = 64 * 1024;
/// Records on a page, where nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Records on a page, at most.
const MOST_ON_A_PAGE: u32 = 200;

/// The token of the only `Authorization` header, as it is written.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else {
        return None;
    };
    only.to_str().ok()?.strip_prefix("Bearer ")
}

/// The parameters of an address.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        if pairs.iter().any(|(_, value)| !is_plain(value)) {
            return Err(Problem::invalid(
                "A parameter is not text in UTF-8, or holds control characters.",
            ));
        }
        Ok(Self(pairs))
    }

    /// Refuses what is not named here, and what is there twice.
    pub(super) fn allow(&self, known: &[&str]) -> Result<(), Problem> {
        for (name, _) in &self.0 {
            if !known.contains(&name.as_str()) {
                let known = known.join("`, `");
                return Err(Problem::invalid(if known.is_empty() {
                    "There are no parameters here.".to_owned()
                } else {
                    format!("There is a parameter that is not known here; known: `{known}`.")
                }));
            }
            if self.0.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(Problem::invalid(format!("`{name}` is there twice.")));
            }
        }
        Ok(())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter of a few words, or of a form of its own.
    pub(super) fn read<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.text(name)
            .map(|text| {
                parse(text).ok_or_else(|| Problem::invalid(format!("`{name}`: {expected}.")))
            })
            .transpose()
    }

    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let parse = |text: &str| {
            let is_number = text.bytes().all(|b| b.is_ascii_digit());
            let number = u32::from_str(text).ok().filter(|_| is_number)?;
            (1..=MOST_ON_A_PAGE).contains(&number).then_some(number)
        };
        let limit = self.read("limit", "write a number from 1 to 200", parse)?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }

    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let expected = "write a moment like 2026-01-31T12:00:00Z";
        self.read(name, expected, shapes::parse_moment)
    }
}

/// Neither broken nor hiding something.
pub(super) fn is_plain(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

impl Call {
    /// The account that the path names.
    pub(super) fn account(&self) -> Result<AccountId, Problem> {
        AccountId::parse(&self.id).ok_or(Problem::NOT_FOUND)
    }

    /// The body as JSON, every field of it known.
    pub(super) async fn json<T: DeserializeOwned>(&self, body: Body) -> Result<T, Problem> {
        self.expect_type(&["application/json"])?;
        let bytes = read(body, MOST_BYTES).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Problem::invalid(format!("The body: {error}.")))
    }

    /// The body is of one of these types, whatever its parameters.
    pub(super) fn expect_type(&self, known: &[&str]) -> Result<(), Problem> {
        let kind = self.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(kind));
        is_known.then_some(()).ok_or(Problem::UNSUPPORTED)
    }
}

pub(super) async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    let read = axum::body::to_bytes(body, most).await;
    read.map_err(|_| Problem::TOO_LARGE)
}

/// The number of the case that something is done for.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Case(pub(super) String);

impl TryFrom<String> for Case {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let trimmed = text.trim();
        let fits = (1..=64).contains(&trimmed.chars().count()) && is_plain(&text);
        if fits {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err("`case` has 1 to 64 characters, and no control character")
        }
    }
}
