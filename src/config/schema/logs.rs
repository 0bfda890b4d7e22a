//! What is written down of requests.

use schemars::JsonSchema;
use serde::Deserialize;

/// The logs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// One line a request; absent: in the program's own log, as `vestibule::access`.
    pub access: Option<AccessLog>,
}

/// The access log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// `json`, Apache's `combined`, or `off`: requests are written down nowhere.
    #[schemars(extend("default" = "json"))]
    pub format: Option<AccessLogFormat>,
    /// `stdout`, `stderr`, or a file; one that is moved away is made anew within a second.
    #[schemars(extend("default" = "stdout", "examples" = ["/var/log/vestibule/access.log"]))]
    pub to: Option<String>,
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AccessLogFormat {
    Json,
    Combined,
    Off,
}
