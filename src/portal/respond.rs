//! How pages answer: the one place of the portal with HTTP statuses, and the headers every page carries.

use super::cookie;
use crate::i18n::Language;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

/// An answer under construction.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(header::HeaderName, String)>,
    body: Vec<u8>,
    /// Origins a form on this page may end at, beside our own.
    form_targets: Vec<String>,
}

impl Reply {
    pub fn page(status: StatusCode, html: String) -> Self {
        Self {
            status,
            headers: vec![(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned())],
            body: html.into_bytes(),
            form_targets: Vec::new(),
        }
    }

    /// On to the next page, by GET (303).
    pub fn see_other(location: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SEE_OTHER,
            headers: vec![(header::LOCATION, location.into())],
            body: Vec::new(),
            form_targets: Vec::new(),
        }
    }

    /// Off to an application (302, as its callback is documented).
    pub fn found(location: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FOUND,
            ..Self::see_other(location)
        }
    }

    /// Whether a cookie of this name is being set.
    pub fn sets_cookie(&self, name: &str) -> bool {
        let starts = |value: &str| value.strip_prefix(name).is_some_and(|r| r.starts_with('='));
        self.headers
            .iter()
            .any(|(header, value)| *header == header::SET_COOKIE && starts(value))
    }

    /// A text to be saved.
    pub fn download(name: &str, text: String) -> Self {
        Self::file(name, "text/plain; charset=utf-8", text)
    }

    /// A file to be saved.
    pub fn file(name: &str, kind: &str, text: String) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![
                (header::CONTENT_TYPE, kind.to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{name}\""),
                ),
            ],
            body: text.into_bytes(),
            form_targets: Vec::new(),
        }
    }

    #[must_use]
    pub fn cookie(mut self, set_cookie: String) -> Self {
        self.headers.push((header::SET_COOKIE, set_cookie));
        self
    }

    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn form_target(mut self, origin: Option<String>) -> Self {
        self.form_targets.extend(origin);
        self
    }

    #[must_use]
    pub fn remember_language(self, chosen: Option<Language>) -> Self {
        match chosen {
            Some(language) => {
                let year = std::time::Duration::from_secs(365 * 86_400);
                let value = language.tag().to_owned();
                self.cookie(cookie::set(cookie::LANGUAGE, value, Some(year)))
            }
            None => self,
        }
    }
}

impl Reply {
    pub fn into_bytes(self) -> http::Response<Bytes> {
        let targets = self.form_targets.iter().fold(String::new(), |mut all, t| {
            all.push(' ');
            all.push_str(t);
            all
        });
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'{targets}; base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = http::Response::new(Bytes::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
        secure(headers, &policy);
        response
    }
}

impl axum::response::IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.into_bytes().map(Body::from)
    }
}

/// The headers of every page of ours (ASVS 5.0 3.4), but for HSTS: the gateway sets it, which knows the host
/// and whether the connection is secure.
pub fn secure(headers: &mut http::HeaderMap, content_security_policy: &str) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(content_security_policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}
