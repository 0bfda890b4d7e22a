//! Traces: which requests are recorded, and where they are sent.

use crate::config::scalar::{CollectorUrl, Share};
use schemars::JsonSchema;
use serde::Deserialize;

/// The traces.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// OTLP over HTTP: the collector's address; without a path, /v1/traces. Absent: nothing is sent, and applications still get a traceparent.
    #[schemars(extend("examples" = ["http://127.0.0.1:4318"]))]
    pub otlp: Option<CollectorUrl>,
    /// How many of the traces that begin here are recorded, here and in the applications. The proxies in `trusted_proxies` decide it for what they send.
    #[schemars(extend("default" = "100%", "examples" = ["5%", "0.1%"]))]
    pub sample: Option<Share>,
    /// What this gateway is called in traces.
    #[schemars(extend("default" = "vestibule"))]
    pub service_name: Option<String>,
    /// File with headers for the collector, `Name: value` in each line: its credentials.
    pub headers_file: Option<String>,
}
