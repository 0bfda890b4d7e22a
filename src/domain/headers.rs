//! Headers that an operator adds to a route's requests and answers, or takes out of them.

use super::route::Template;

/// All of a route's rules; empty by default.
#[derive(Clone, Debug, Default)]
pub struct HeaderRules {
    pub request: RequestHeaders,
    pub response: ResponseHeaders,
    /// Set where the application does not set its own.
    pub security: Option<SecurityHeaders>,
}

/// For the application. Look-alikes of all these names are taken out of what clients send.
#[derive(Clone, Debug, Default)]
pub struct RequestHeaders {
    /// Not set at all where a fact of the account is missing, or nobody is signed in.
    pub set: Vec<(String, Template)>,
    pub remove: Vec<String>,
}

/// For the browser, in this order: taken out, set in place of the application's, added beside them.
#[derive(Clone, Debug, Default)]
pub struct ResponseHeaders {
    pub remove: Vec<String>,
    pub set: Vec<(String, String)>,
    pub add: Vec<(String, String)>,
}

/// What browsers shall be careful about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// `X-Content-Type-Options: nosniff`.
    pub nosniff: bool,
    pub frames: Option<Frames>,
    /// The value of `Referrer-Policy`.
    pub referrer: Option<String>,
}

/// Which pages may show the application in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frames {
    Nobody,
    Own,
    /// Its own and those of these origins.
    Listed(Vec<String>),
}

impl Frames {
    /// The value of `Content-Security-Policy`.
    pub fn policy(&self) -> String {
        match self {
            Self::Nobody => "frame-ancestors 'none'".to_owned(),
            Self::Own => "frame-ancestors 'self'".to_owned(),
            Self::Listed(origins) => format!("frame-ancestors 'self' {}", origins.join(" ")),
        }
    }

    /// The value of `X-Frame-Options`, for browsers that know no policies; a list cannot be said in it.
    pub const fn option(&self) -> Option<&'static str> {
        match self {
            Self::Nobody => Some("DENY"),
            Self::Own => Some("SAMEORIGIN"),
            Self::Listed(_) => None,
        }
    }
}

/// A name as a careless application might compare it: letters and digits only, lower case.
pub fn fold(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
