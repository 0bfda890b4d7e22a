//! How requests get to the upstreams of a route.

use crate::config::scalar::{Duration, HostName, UrlPath};
use schemars::JsonSchema;
use serde::Deserialize;

/// Which of several upstreams gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Balance {
    RoundRobin,
    LeastConnections,
    Sticky,
}

/// What is spoken with upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Protocol {
    H1,
    H2,
    Auto,
}

/// TLS towards https upstreams.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTls {
    /// PEM file of the authorities that are trusted, in place of the system's.
    #[schemars(extend("examples" = ["../certs/internal-ca.pem"]))]
    pub ca: Option<String>,
    /// PEM file of the certificate that is shown to upstreams that ask for one, with its chain.
    #[schemars(extend("examples" = ["../certs/gateway.pem"]))]
    pub client_certificate: Option<String>,
    /// Its private key, PEM.
    #[schemars(extend("examples" = ["../certs/gateway.key"]))]
    pub client_key: Option<String>,
    /// The name that upstreams' certificates must be for. Default: the host in the upstream's URL.
    #[schemars(extend("examples" = ["payroll.internal"]))]
    pub name: Option<HostName>,
    /// false: any certificate is taken, so that anybody on the way can be the application and reads everything.
    #[schemars(extend("default" = true))]
    pub verify: Option<bool>,
}

/// Health checks of upstreams.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Path that is asked for with GET; absent: a connection (with https its handshake) is enough.
    #[schemars(extend("examples" = ["/ping"]))]
    pub path: Option<UrlPath>,
    /// Time from one check to the next.
    #[schemars(extend("default" = "5s", "examples" = ["5s"]))]
    pub interval: Option<Duration>,
    /// How long an answer may take.
    #[schemars(extend("default" = "2s"))]
    pub timeout: Option<Duration>,
    /// Status of the answer when all is well.
    #[schemars(extend("default" = 200))]
    pub expect: Option<u16>,
    /// Good answers in a row until an upstream is used again.
    #[schemars(extend("default" = 2))]
    pub healthy: Option<u32>,
    /// Failures in a row until it is not used any more; the last one left is used all the same.
    #[schemars(extend("default" = 3))]
    pub unhealthy: Option<u32>,
    /// Host that is asked for. Default: that of the route.
    #[schemars(extend("examples" = ["wiki.example.com"]))]
    pub host: Option<HostName>,
}

/// Time limits towards the application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Until a connection stands.
    #[schemars(extend("default" = "3s"))]
    pub connect: Option<Duration>,
    /// From one piece of an answer to the next.
    #[schemars(extend("default" = "60s"))]
    pub read: Option<Duration>,
    /// Until the application takes the next piece of a request. Default: as `read`.
    #[schemars(extend("examples" = ["60s"]))]
    pub write: Option<Duration>,
    /// How long an idle connection is kept; less than the application keeps it, or requests go into closing ones.
    #[schemars(extend("default" = "4s"))]
    pub idle: Option<Duration>,
}
