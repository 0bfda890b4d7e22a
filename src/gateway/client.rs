//! Whose address a request comes from: the peer's, or what proxies said that the configuration names.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The client's address. `X-Forwarded-For` is read from the right, over trusted hops only; nobody is
/// trusted by default (CVE-2026-76835: a default of 0.0.0.0/0 made such a check void).
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    match is_trusted(peer, trusted) {
        true => said(headers, |hop| is_trusted(hop, trusted)).unwrap_or(peer),
        false => peer,
    }
}

/// What `X-Forwarded-For` says, believing these hops; `None` where it says nothing.
pub(super) fn said(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = None;
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|v| v.to_str().unwrap_or(""))
        .collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = parse(entry.trim()) else {
            break;
        };
        client = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// Whether the browser's side of the connection was TLS, by a trusted proxy's word.
pub(super) fn was_https(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    is_trusted(peer, trusted) && scheme(headers) == Some(true)
}

/// What `X-Forwarded-Proto` says: https or not. `None` where it is missing, said twice, or something else.
pub(super) fn scheme(headers: &HeaderMap) -> Option<bool> {
    let mut lines = headers.get_all("x-forwarded-proto").iter();
    let (Some(said), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let is = |word: &[u8]| said.as_bytes().eq_ignore_ascii_case(word);
    // a proxy may say what a WebSocket's address begins with
    if is(b"https") || is(b"wss") {
        return Some(true);
    }
    (is(b"http") || is(b"ws")).then_some(false)
}

/// Whether the address is one of a proxy that the configuration names.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|net| net.contains(&address))
}

fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|e| e.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse::<IpAddr>()
        .or_else(|_| entry.parse::<SocketAddr>().map(|a| a.ip()))
        .ok()
        .map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_trusted_hops_are_believed() {
        let check = |peer: &str, lines: &[&str], trusted: &[&str], want: &str| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
            }
            let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
            let got = address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(got.to_string(), want, "{peer} {lines:?}");
        };
        check("203.0.113.9", &["127.0.0.1"], &[], "203.0.113.9");
        check("203.0.113.9", &["10.0.0.1"], &["10.0.0.0/8"], "203.0.113.9");
        check("::ffff:10.0.0.1", &[], &[], "10.0.0.1");
        let net = &["10.0.0.0/8"];
        check("10.0.0.1", &["1.1.1.1, 2.2.2.2"], net, "2.2.2.2");
        check("10.0.0.1", &["1.1.1.1, 2.2.2.2, 10.0.0.7"], net, "2.2.2.2");
        check("10.0.0.1", &["1.1.1.1", "2.2.2.2"], net, "2.2.2.2");
        check("10.0.0.1", &["2.2.2.2:4711"], net, "2.2.2.2");
        check("10.0.0.1", &["[2001:db8::1]:80"], net, "2001:db8::1");
        check("10.0.0.1", &["::ffff:10.0.0.3"], net, "10.0.0.3");
        check("10.0.0.1", &["2.2.2.2, unknown"], net, "10.0.0.1");
        check("10.0.0.1", &[], net, "10.0.0.1");
        check("::ffff:10.0.0.1", &["2.2.2.2"], net, "2.2.2.2");
    }
}
