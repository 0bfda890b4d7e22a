use super::{List, Network};
use schemars::JsonSchema;
use serde::Deserialize;

/// Forward authentication: a proxy in front asks about each request.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardAuth {
    /// The proxies that may ask; what they say of a request is believed.
    #[schemars(required, extend("examples" = ["[ 127.0.0.1/32 ]"]))]
    pub trusted_proxies: Option<List<Network>>,
}
