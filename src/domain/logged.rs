//! What is written down of a request when it is over. Never a cookie, a token or a query.

use super::id::AccountId;
use super::timestamp::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

/// All of it; texts are as clients sent them, for whoever writes the line to make harmless.
#[derive(Clone, Debug)]
pub struct Logged<'a> {
    /// When it was over.
    pub time: Timestamp,
    /// The request's id, as in `X-Request-Id` and on error pages.
    pub id: &'a str,
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
    pub upstream: Option<&'a str>,
    /// From the choice of that upstream to the head of its response.
    pub upstream_time: Option<Duration>,
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
