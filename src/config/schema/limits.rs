//! The limits: of all connections, and of the requests to a route.

use crate::config::scalar::{ByteSize, Duration, Rate};
use schemars::JsonSchema;
use serde::Deserialize;

/// What one client may cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most client connections at all; each takes up to two file descriptors. A change takes a new process.
    #[schemars(extend("default" = 16384))]
    pub connections: Option<u32>,
    /// Most connections from one IPv4 address or IPv6 /64; trusted proxies count against the total only.
    #[schemars(extend("default" = 1024))]
    pub connections_per_address: Option<u32>,
    /// Most requests under way of one IPv4 address or IPv6 /64, WebSockets included; behind trusted proxies, of the address they name.
    #[schemars(extend("default" = 2048))]
    pub requests_per_address: Option<u32>,
    /// Longest time for a TLS handshake.
    #[schemars(extend("default" = "10s"))]
    pub handshake_timeout: Option<Duration>,
    /// Longest time for a whole request head.
    #[schemars(extend("default" = "15s"))]
    pub header_timeout: Option<Duration>,
    /// How long a connection is kept on which nothing is asked. A change takes a new process.
    #[schemars(extend("default" = "60s"))]
    pub idle_timeout: Option<Duration>,
    /// Longest silence of a client while it sends or takes a body; on HTTP/2 the route's `timeouts.read` bounds the sending of a body of more than 64 KiB.
    #[schemars(extend("default" = "60s"))]
    pub stall_timeout: Option<Duration>,
    /// Least pace of an upload, in bytes a second, until the application begins to answer; 0: any.
    #[schemars(extend("default" = "1KiB"))]
    pub body_rate: Option<ByteSize>,
    /// How long an upload may be slower than that; the route's `timeouts.read` is added, for the application may be what is waited for.
    #[schemars(extend("default" = "30s"))]
    pub body_grace: Option<Duration>,
    /// Least pace at which an answer is taken, in bytes a second, after `stall_timeout` of waiting for the client; 0: any.
    #[schemars(extend("default" = "1KiB"))]
    pub read_rate: Option<ByteSize>,
    /// How long requests in flight have when the process ends: at SIGTERM, and at SIGUSR2 when another one serves; then they are cut.
    #[schemars(extend("default" = "30s"))]
    pub drain_timeout: Option<Duration>,
}

/// Limits of requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteLimits {
    /// Largest request body in bytes; absent: no limit.
    pub body: Option<ByteSize>,
    /// Most requests of one person, on public paths of one network; as many at once as a second holds.
    #[schemars(extend("examples" = ["50/s"]))]
    pub rate: Option<Rate>,
    /// Longest time for a request with its answer, WebSockets apart; absent: no limit.
    #[schemars(extend("examples" = ["10m"]))]
    pub time: Option<Duration>,
    /// In place of the `body_rate` of all, for streams of small pieces (gRPC); 0: any.
    #[schemars(extend("examples" = ["0"]))]
    pub body_rate: Option<ByteSize>,
}
