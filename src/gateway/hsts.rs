//! Strict-Transport-Security (RFC 6797): browsers come back over HTTPS only.

use super::exchange::Exchange;
use http::header::STRICT_TRANSPORT_SECURITY;
use pingora::Result;
use pingora::http::ResponseHeader;

/// What answers say, as header values; `None`: nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// On the portal's host.
    pub portal: Option<String>,
    /// Vestibule's own answers on the applications' hosts.
    pub elsewhere: Option<String>,
    /// The applications' answers say the same, whatever they say themselves.
    pub applications: bool,
}

impl Default for Hsts {
    /// A year. The portal's host has nothing below it that is not ours; an application's sub-domains are not
    /// ours to decide on.
    fn default() -> Self {
        Self {
            portal: Some("max-age=31536000; includeSubDomains".to_owned()),
            elsewhere: Some("max-age=31536000".to_owned()),
            applications: false,
        }
    }
}

/// For an answer of our own.
pub(super) fn own(head: &mut ResponseHeader, exchange: &Exchange) -> Result<()> {
    head.remove_header(&STRICT_TRANSPORT_SECURITY);
    let hsts = &exchange.live.snapshot.hsts;
    let value = match exchange.on_portal() {
        true => &hsts.portal,
        false => &hsts.elsewhere,
    };
    // it means nothing over plain HTTP (RFC 6797 7.2)
    if let Some(value) = value.as_deref().filter(|_| exchange.https) {
        head.insert_header("Strict-Transport-Security", value)?;
    }
    Ok(())
}

/// For an application's answer.
pub(super) fn application(head: &mut ResponseHeader, exchange: &Exchange) -> Result<()> {
    let hsts = &exchange.live.snapshot.hsts;
    let speaks = hsts.applications && exchange.https;
    if let Some(value) = hsts.elsewhere.as_deref().filter(|_| speaks) {
        head.insert_header("Strict-Transport-Security", value)?;
    }
    Ok(())
}
