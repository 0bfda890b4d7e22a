//! Submitted forms: `application/x-www-form-urlencoded`, small, read once.

use axum::body::Body;
use http::{HeaderMap, header};
use zeroize::Zeroizing;

/// Largest form accepted, in bytes: a password of 256 characters, a sealed destination, and room.
pub const MAX_BYTES: usize = 64 * 1024;

/// Largest import accepted: a mebibyte of text, each byte three characters in a form, and room.
pub const MAX_IMPORT_BYTES: usize = 3 * 1024 * 1024 + MAX_BYTES;

/// Why a body is not a form of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    NotAForm,
    TooLarge,
}

/// The fields of a form, in order.
pub struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads at most `most` bytes.
    pub async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Self, Malformed> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split(';').next())
            .map(str::trim);
        let is_form =
            kind.is_some_and(|k| k.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        let bytes = axum::body::to_bytes(body, most)
            .await
            .map_err(|_| Malformed::TooLarge)?;
        if !is_form && !bytes.is_empty() {
            return Err(Malformed::NotAForm);
        }
        let fields = url::form_urlencoded::parse(&bytes);
        Ok(Self(
            fields
                .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
                .collect(),
        ))
    }

    /// A field's value; empty where it is missing, or sent twice (no page of ours does that).
    pub fn field(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(n, _)| n == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => "",
        }
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form")
    }
}
