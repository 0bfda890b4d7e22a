//! What is written down of a request when it is over. Never a cookie, a token or a query.

use super::id::AccountId;
use super::trace::Trace;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// All of it; texts are as clients sent them, for whoever writes the line to make harmless.
#[derive(Clone, Debug)]
pub struct Logged<'a> {
    /// When it was over.
    pub time: SystemTime,
    /// The request's id, as in `X-Request-Id` and on error pages.
    pub id: &'a str,
    pub trace: Trace,
    pub client: IpAddr,
    pub protocol: &'static str,
    /// The version of TLS, where the client's connection to us is one.
    pub tls: Option<&'a str>,
    pub method: &'a str,
    /// Empty where the request was refused before it was known; so is the path.
    pub host: &'a str,
    /// The canonical path.
    pub path: &'a str,
    /// Empty: no route.
    pub route: &'a str,
    pub outcome: &'static str,
    /// 0: nothing was answered.
    pub status: u16,
    pub duration: Duration,
    /// Bytes of the bodies.
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub account: Option<LoggedAccount<'a>>,
    /// The upstream that was tried last.
    pub upstream: Option<UpstreamAddress<'a>>,
    /// From the choice of that upstream to the head of its response, and how much of [`Self::duration`] lay before.
    pub upstream_time: Option<Duration>,
    pub upstream_after: Duration,
    pub referrer: Option<&'a [u8]>,
    pub user_agent: Option<&'a [u8]>,
    pub fault: Option<&'a str>,
}

/// Whose request it was.
#[derive(Clone, Copy, Debug)]
pub struct LoggedAccount<'a> {
    pub id: AccountId,
    pub login: &'a str,
}

/// Where an upstream listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamAddress<'a> {
    Tcp(SocketAddr),
    Unix(&'a Path),
}

impl fmt::Display for UpstreamAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
impl Logged<'static> {
    /// Somebody's page.
    pub(crate) fn example() -> Self {
        use crate::domain::trace::Sampling;
        Self {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            id: "00000000000000ab",
            trace: Trace::of(None, false, Sampling::ALL, [7; crate::domain::trace::SEED]),
            client: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)),
            protocol: "HTTP/1.1",
            tls: Some("TLSv1.3"),
            method: "GET",
            host: "wiki.test",
            path: "/start",
            route: "wiki",
            outcome: "forward",
            status: 200,
            duration: Duration::from_micros(12_345),
            bytes_in: 0,
            bytes_out: 2326,
            account: Some(LoggedAccount {
                id: AccountId::from_uuid(uuid::Uuid::from_u128(1)),
                login: "aino",
            }),
            upstream: Some(UpstreamAddress::Tcp(([10, 0, 0, 5], 8080).into())),
            upstream_time: Some(Duration::from_millis(11)),
            upstream_after: Duration::from_micros(500),
            referrer: Some(b"https://wiki.test/a?ticket=secret#x"),
            user_agent: Some(b"Mozilla/5.0 (X11)"),
            fault: None,
        }
    }
}
