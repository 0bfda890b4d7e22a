//! What is taken out of an upstream's response before the client sees it.

use super::cookies;
use super::inbound::connection_tokens;
use http::header::{HeaderName, SET_COOKIE, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode, Version};
use pingora::Result;
use pingora::http::ResponseHeader;

/// Hop-by-hop fields (RFC 9110 7.6.1), which pingora leaves in responses.
const HOP_BY_HOP: [&str; 8] = [
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authentication-info",
    "upgrade",
    "trailer",
    "te",
    "http2-settings",
];

const X_REQUEST_ID: &str = "X-Request-Id";

/// Fields a `Connection` header cannot take away: framing, and what pages rest on.
const KEPT: [&str; 6] = [
    "content-length",
    "transfer-encoding",
    "content-type",
    "set-cookie",
    "date",
    "connection",
];

/// Before anything else looks at the response.
pub(super) fn clean(head: &mut ResponseHeader) {
    // whoever passes a message on says its own version (RFC 9110 2.5): chunks are broken framing in HTTP/1.0
    if matches!(head.version, Version::HTTP_09 | Version::HTTP_10) {
        head.set_version(Version::HTTP_11);
    }
    drop_our_cookies(head);
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let nominated: Vec<HeaderName> = connection_tokens(&head.headers)
        .flatten()
        .filter_map(|t| HeaderName::from_bytes(t).ok())
        .filter(|n| !KEPT.contains(&n.as_str()))
        .collect();
    for name in &nominated {
        head.remove_header(name);
    }
    let hops: Vec<HeaderName> = head
        .headers
        .keys()
        .filter(|name| HOP_BY_HOP.contains(&name.as_str()))
        .cloned()
        .collect();
    for name in &hops {
        head.remove_header(name);
    }
}

/// An application can end nobody's session but its own, nor plant one (cookie tossing).
fn drop_our_cookies(head: &mut ResponseHeader) {
    let lines = head.headers.get_all(SET_COOKIE);
    if !lines.iter().any(|v| cookies::sets_ours(v.as_bytes())) {
        return;
    }
    let kept: Vec<HeaderValue> = lines
        .iter()
        .filter(|v| !cookies::sets_ours(v.as_bytes()))
        .cloned()
        .collect();
    head.remove_header(&SET_COOKIE);
    for value in kept {
        // what came in one header fits into one
        let _ = head.append_header("Set-Cookie", value);
    }
}

/// Ours, whatever the application says: the id under which the access log has the request.
pub(super) fn identify(head: &mut ResponseHeader, reference: &str) -> Result<()> {
    head.insert_header(X_REQUEST_ID, reference)
}

/// An HTTP/1.0 client cannot read chunks (RFC 9112 6.1): its bodies end with the connection.
pub(super) fn for_version(head: &mut ResponseHeader, client: Version) {
    if client == Version::HTTP_10 {
        head.remove_header(&TRANSFER_ENCODING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_by_hop_and_our_cookies_stay_behind() {
        let mut head = ResponseHeader::build(200, None).unwrap();
        for (name, value) in [
            ("Connection", "close, X-Internal, content-type"),
            ("X-Internal", "1"),
            ("Content-Type", "text/plain"),
            ("Keep-Alive", "timeout=5"),
            ("Set-Cookie", "sid=1"),
            ("Set-Cookie", "__host-VESTIBULE=x; Path=/"),
            ("Set-Cookie", "b=2"),
        ] {
            head.append_header(name, value).unwrap();
        }
        clean(&mut head);
        assert!(head.headers.get("x-internal").is_none());
        assert!(head.headers.get("keep-alive").is_none());
        assert!(head.headers.get("content-type").is_some());
        let cookies: Vec<_> = head.headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["sid=1", "b=2"]);
    }
}
