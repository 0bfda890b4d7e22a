//! Where a route's requests go, and how: upstreams, the choice among them, health, protocol, TLS.

use std::path::PathBuf;
use std::time::Duration;

/// One server of an application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// A host name (then each of its addresses is used) or an address.
    Inet { tls: bool, host: String, port: u16 },
    /// A Unix socket on this machine, plain HTTP.
    Unix(PathBuf),
}

impl Upstream {
    pub const fn is_tls(&self) -> bool {
        match self {
            Self::Inet { tls, .. } => *tls,
            Self::Unix(_) => false,
        }
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet { tls, host, port } => {
                let scheme = if *tls { "https" } else { "http" };
                write!(f, "{scheme}://{host}:{port}")
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How requests are delivered to a route's upstreams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    pub balance: Balance,
    pub protocol: Protocol,
    pub tls: UpstreamTls,
    /// Absent: an upstream is judged by the requests it is given.
    pub health: Option<HealthCheck>,
}

/// Which of several upstreams gets a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    #[default]
    RoundRobin,
    LeastConnections,
    /// A session stays with its upstream for as long as that one is well; a public request goes by the
    /// address of its client.
    Sticky,
}

/// What is spoken with the upstreams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    H1,
    /// HTTP/2 always; on plain connections with prior knowledge.
    H2,
    /// HTTP/2 where the TLS handshake agrees on it.
    Auto,
}

/// TLS towards the upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Trusted in place of the system's roots, PEM.
    pub ca: Option<PathBuf>,
    /// Shown to upstreams that ask for one, PEM.
    pub client: Option<ClientPair>,
    /// The name that the certificate must be for; absent: that of the upstream.
    pub name: Option<String>,
    /// Without it anybody on the way can be the application.
    pub verify: bool,
}

impl Default for UpstreamTls {
    fn default() -> Self {
        Self {
            ca: None,
            client: None,
            name: None,
            verify: true,
        }
    }
}

/// A client certificate with its chain, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How an upstream is found to be well without waiting for a request to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Asked for with GET; absent: a connection (with https its handshake) is enough.
    pub path: Option<String>,
    /// The `Host` of the question; absent: that of the route.
    pub host: Option<String>,
    /// The status of a good answer.
    pub expect: u16,
    pub interval: Duration,
    pub timeout: Duration,
    /// Good answers in a row until it is used again.
    pub healthy: u32,
    /// Failures in a row until it is not used any more.
    pub unhealthy: u32,
}

/// Limits of time towards an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// From one piece of an answer to the next.
    pub read: Duration,
    /// Until the upstream takes the next piece of a request.
    pub write: Duration,
    /// How long an idle connection is kept.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// `idle` is less than the 5 s after which common servers (Node, Apache) close theirs, because a request
    /// sent into a closing connection cannot always be repeated.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(60),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(4),
        }
    }
}

/// A route's upstreams in a sentence, for `explain`.
pub fn in_words(upstreams: &[Upstream], delivery: &Delivery) -> String {
    let names: Vec<String> = upstreams.iter().map(ToString::to_string).collect();
    let mut text = names.join(", ");
    if upstreams.len() > 1 {
        text.push_str(match delivery.balance {
            Balance::RoundRobin => " in turn",
            Balance::LeastConnections => ", the one with the fewest requests",
            Balance::Sticky => ", each session to its own",
        });
    }
    match delivery.protocol {
        Protocol::H1 => {}
        Protocol::H2 => text.push_str(", over HTTP/2"),
        Protocol::Auto => text.push_str(", over HTTP/2 where https offers it"),
    }
    if let Some(health) = &delivery.health {
        let seconds = health.interval.as_secs_f64();
        text.push_str(&match &health.path {
            Some(path) => format!(", checked at {path} every {seconds} s"),
            None => format!(", checked by a connection every {seconds} s"),
        });
    }
    if !delivery.tls.verify {
        text.push_str(", WITHOUT verifying certificates");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_says_what_is_in_force() {
        let inet = |tls, port| Upstream::Inet {
            tls,
            host: "[::1]".into(),
            port,
        };
        let plain = Delivery::default();
        let check = |upstreams: &[Upstream], delivery: &Delivery, want: &str| {
            assert_eq!(in_words(upstreams, delivery), want);
        };
        check(&[inet(false, 80)], &plain, "http://[::1]:80");
        check(
            &[inet(true, 1), Upstream::Unix("/run/a".into())],
            &plain,
            "https://[::1]:1, unix:/run/a in turn",
        );
        let all = Delivery {
            balance: Balance::Sticky,
            protocol: Protocol::H2,
            tls: UpstreamTls {
                verify: false,
                ..UpstreamTls::default()
            },
            health: Some(HealthCheck {
                path: Some("/ping".into()),
                host: None,
                expect: 200,
                interval: Duration::from_secs(5),
                timeout: Duration::from_secs(2),
                healthy: 2,
                unhealthy: 3,
            }),
        };
        check(
            &[inet(true, 1), inet(true, 2)],
            &all,
            "https://[::1]:1, https://[::1]:2, each session to its own, over HTTP/2, checked at /ping every 5 s, \
             WITHOUT verifying certificates",
        );
    }
}
