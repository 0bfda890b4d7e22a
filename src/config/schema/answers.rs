//! What a route answers by itself.

use crate::config::list::{List, OneOrMore};
use crate::config::scalar::{Duration, Moment, Network, WebUrl};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A redirect in place of an application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Where to, https.
    #[schemars(required, extend("examples" = ["https://new.example.com/x"]))]
    pub to: Option<WebUrl>,
    /// 301, 302, 303, 307 or 308; 307 and 308 keep the method and what was sent.
    #[schemars(extend("default" = 302))]
    pub status: Option<u32>,
    /// true: what comes below the route's path is added to the address.
    #[schemars(extend("default" = false))]
    pub keep_path: Option<bool>,
    /// true: the query is added to the address.
    #[schemars(extend("default" = false))]
    pub keep_query: Option<bool>,
}

/// A fixed answer in place of an application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Respond {
    /// HTTP status, 200 to 599 and no redirect.
    #[schemars(extend("default" = 200))]
    pub status: Option<u32>,
    /// Text of the answer.
    pub body: Option<String>,
    /// File that is the answer, at most 8 MiB, read at start; in place of `body`.
    #[schemars(extend("examples" = ["security.txt"]))]
    pub file: Option<String>,
    /// Content-Type. Default: text/plain, or what the file's name says.
    #[schemars(extend("examples" = ["application/json"]))]
    pub content_type: Option<String>,
    /// Further headers by name.
    #[schemars(extend("examples" = ["Cache-Control: max-age=60"]))]
    pub headers: Option<BTreeMap<String, String>>,
}

/// Closed for a time; people get a page with 503, programs JSON.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Your own words in place of ours, one line.
    pub message: Option<String>,
    /// When it is expected to open again, UTC; it does not open by itself.
    #[schemars(extend("examples" = ["2027-01-31T06:00Z"]))]
    pub until: Option<Moment>,
    /// Groups whose members come in nevertheless; whoever is not signed in is asked to.
    #[schemars(extend("default" = [], "examples" = ["[ it-admins ]"]))]
    pub allow_groups: Option<List<String>>,
    /// Networks or addresses from which everybody comes in as usual.
    #[schemars(extend("default" = [], "examples" = ["[ 10.0.9.0/24 ]"]))]
    pub allow_networks: Option<List<Network>>,
}

/// What becomes of CORS preflights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Preflight {
    Pass,
    Answer,
}

/// CORS preflights, which browsers send without a session; the request itself needs one as ever.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// pass: the application answers them, without cookies and identity; answer: Vestibule does.
    #[schemars(required, extend("examples" = ["pass"]))]
    pub preflight: Option<Preflight>,
    /// The origins whose preflights are meant: https, host and port as browsers write them.
    #[schemars(required, extend("examples" = ["[ https://app.example.com ]"]))]
    pub origins: Option<OneOrMore<String>>,
    /// With answer: Access-Control-Allow-Methods.
    #[schemars(extend("default" = ["GET", "HEAD", "POST"]))]
    pub methods: Option<List<String>>,
    /// With answer: Access-Control-Allow-Headers.
    #[schemars(extend("default" = [], "examples" = ["[ Content-Type, X-Requested-With ]"]))]
    pub headers: Option<List<String>>,
    /// With answer: Access-Control-Allow-Credentials.
    #[schemars(extend("default" = false))]
    pub credentials: Option<bool>,
    /// With answer: how long browsers may remember it; at most 1d.
    #[schemars(extend("examples" = ["10m"]))]
    pub max_age: Option<Duration>,
}
