//! Applications that believe they live elsewhere, and the headers of requests and answers.

use crate::config::list::{List, OneOrMore};
use crate::config::scalar::{HeaderTemplate, InnerHost, OwnAddress, UrlPath};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// An application that believes it lives elsewhere.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// true: the application lives at `/`; the route's path is taken off.
    #[schemars(extend("default" = false))]
    pub strip_prefix: Option<bool>,
    /// The application's own path, in place of the route's.
    #[schemars(extend("examples" = ["/mediawiki"]))]
    pub path: Option<UrlPath>,
    /// The Host that the application receives in place of the public one, with or without a port; `upstream`: host and port of the upstream. X-Forwarded-Host stays the public one.
    #[schemars(extend("examples" = ["intranet.local"]))]
    pub host: Option<InnerHost>,
    /// Further addresses by which the application calls itself in its answers, besides those of its upstreams, its `host` and the public one.
    #[schemars(extend("default" = [], "examples" = ["[ http://wiki.old.example.com ]"]))]
    pub addresses: Option<List<OwnAddress>>,
    /// What the Destination of WebDAV's COPY and MOVE names: inner (the address as the application has it) or public (for applications that know their public one, by X-Script-Name or X-Forwarded-Prefix).
    #[schemars(extend("default" = "inner"))]
    pub destination: Option<Destination>,
    /// true: an Origin header with the public address becomes the application's own; for applications that compare it with Host. Foreign ones stay as they are.
    #[schemars(extend("default" = false))]
    pub origin: Option<bool>,
    /// The application's cookies.
    pub cookies: Option<Cookies>,
}

/// What a `Destination` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Destination {
    Inner,
    Public,
}

/// Attributes of an application's cookies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cookies {
    /// true: Secure is added to all of them.
    #[schemars(extend("default" = false))]
    pub secure: Option<bool>,
    /// SameSite for those that have none: lax, strict or none.
    #[schemars(extend("examples" = ["lax"]))]
    pub same_site: Option<SameSite>,
    /// true: Domain is taken off, so that no other host receives them.
    #[schemars(extend("default" = false))]
    pub host_only: Option<bool>,
}

/// `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SameSite {
    Lax,
    Strict,
    None,
}

/// Headers of requests and answers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// Of requests to the application.
    pub request: Option<RequestHeaders>,
    /// Of its answers: first taken out, then set, then added.
    pub response: Option<ResponseHeaders>,
}

/// Headers of requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestHeaders {
    /// By name, in place of what the client sent; values may hold {account...} as in `identity.headers`, and are not sent where nobody is signed in.
    #[schemars(extend("examples" = ["X-Script-Name: /dav"]))]
    pub set: Option<BTreeMap<String, HeaderTemplate>>,
    /// Names of headers that do not reach the application.
    #[schemars(extend("default" = [], "examples" = ["[ Authorization ]"]))]
    pub remove: Option<List<String>>,
}

/// Headers of answers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseHeaders {
    /// By name, in place of the application's.
    #[schemars(extend("examples" = ["Permissions-Policy: camera=()"]))]
    pub set: Option<BTreeMap<String, String>>,
    /// By name, beside the application's.
    #[schemars(extend("examples" = ["Vary: Origin"]))]
    pub add: Option<BTreeMap<String, String>>,
    /// Names of headers that do not reach the browser.
    #[schemars(extend("default" = [], "examples" = ["[ Server, X-Powered-By ]"]))]
    pub remove: Option<List<String>>,
}

/// Security headers, each only where the application sets none of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityHeaders {
    /// X-Content-Type-Options: nosniff.
    #[schemars(extend("default" = true))]
    pub content_type_options: Option<bool>,
    /// Who may show the application in a frame: self, none, any, or a list of https origins besides its own (Content-Security-Policy: frame-ancestors, and X-Frame-Options where that can say it).
    #[schemars(extend("default" = "self", "examples" = ["[ https://portal.example.com ]"]))]
    pub frame_ancestors: Option<OneOrMore<String>>,
    /// Referrer-Policy.
    #[schemars(extend("default" = "strict-origin-when-cross-origin"))]
    pub referrer_policy: Option<ReferrerPolicy>,
}

/// The values of `Referrer-Policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ReferrerPolicy {
    NoReferrer,
    SameOrigin,
    Origin,
    StrictOrigin,
    OriginWhenCrossOrigin,
    StrictOriginWhenCrossOrigin,
}

impl ReferrerPolicy {
    pub const fn value(self) -> &'static str {
        match self {
            Self::NoReferrer => "no-referrer",
            Self::SameOrigin => "same-origin",
            Self::Origin => "origin",
            Self::StrictOrigin => "strict-origin",
            Self::OriginWhenCrossOrigin => "origin-when-cross-origin",
            Self::StrictOriginWhenCrossOrigin => "strict-origin-when-cross-origin",
        }
    }
}
