//! The addresses of a route's upstreams as they are known now, each ready to be connected to.

use super::standing::Standing;
use super::trust::Trust;
use crate::domain::upstream::{Protocol, Timeouts, Upstream};
use pingora::lb;
use pingora::lb::selection::BackendSelection as _;
use pingora::lb::selection::consistent::KetamaHashing;
use pingora::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Requests at once on one HTTP/2 connection.
const MOST_STREAMS: usize = 100;

/// One address of an upstream.
pub(in crate::gateway) struct Backend {
    /// Its upstream's place in the configuration.
    pub(super) member: usize,
    /// `None`: a Unix socket.
    pub(super) ip: Option<IpAddr>,
    pub(in crate::gateway) peer: HttpPeer,
    /// Which connections serve it, [`Peer::reuse_hash`].
    pub(in crate::gateway) key: u64,
    pub(super) standing: Arc<Standing>,
}

/// All addresses, and from which answers of the name service they come.
pub(super) struct Roster {
    pub(super) backends: Box<[Arc<Backend>]>,
    /// Of the members that have a name, in their order.
    pub(super) answers: Box<[Arc<[IpAddr]>]>,
    /// For sessions that stay with their upstream.
    pub(super) ring: Option<Arc<KetamaHashing>>,
}

/// What all connections of a route have in common.
pub(super) struct Manner {
    pub(super) trust: Trust,
    pub(super) protocol: Protocol,
    pub(super) timeouts: Timeouts,
    pub(super) group_key: u64,
}

impl Manner {
    /// `ip`: none for a Unix socket.
    pub(super) fn peer(&self, upstream: &Upstream, ip: Option<IpAddr>) -> Result<HttpPeer, String> {
        let mut peer = match (upstream, ip) {
            (Upstream::Inet { tls, host, port }, Some(ip)) => {
                let name = self.trust.name.as_deref().unwrap_or_else(|| bare(host));
                let name = if *tls { name.to_owned() } else { String::new() };
                HttpPeer::new(SocketAddr::new(ip, *port), *tls, name)
            }
            (Upstream::Inet { host, .. }, None) => return Err(format!("{host} has no address")),
            (Upstream::Unix(path), _) => {
                let text = path.to_str().ok_or("the socket's path is not UTF-8")?;
                HttpPeer::new_uds(text, false, String::new())
                    .map_err(|_| format!("{text} cannot be the path of a socket"))?
            }
        };
        peer.group_key = self.group_key;
        peer.client_cert_key = self.trust.client.clone();
        let timeouts = &self.timeouts;
        let options = &mut peer.options;
        options.ca = self.trust.ca.clone();
        options.verify_cert = self.trust.verify;
        options.verify_hostname = self.trust.verify;
        options.connection_timeout = Some(timeouts.connect);
        options.total_connection_timeout = Some(timeouts.connect.saturating_mul(2));
        options.read_timeout = Some(timeouts.read);
        options.write_timeout = Some(timeouts.write);
        options.idle_timeout = Some(timeouts.idle);
        options.max_h2_streams = MOST_STREAMS;
        match self.protocol {
            Protocol::H1 => options.set_http_version(1, 1),
            Protocol::H2 => options.set_http_version(2, 2),
            // without a TLS handshake nobody can say that HTTP/2 is understood
            Protocol::Auto if upstream.is_tls() => options.set_http_version(2, 1),
            Protocol::Auto => options.set_http_version(1, 1),
        }
        // WebSockets have a relay of their own; nothing else is ever upgraded
        options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
        Ok(peer)
    }
}

/// The ring on which each session has its place. Addresses on it are made from what the configuration calls an
/// upstream and the address it has, so that sockets have one as well, and an upstream that joins or leaves
/// moves only its own share of the sessions.
pub(super) fn ring(backends: &[Arc<Backend>], members: &[Upstream]) -> KetamaHashing {
    let mut places = BTreeSet::new();
    for (number, backend) in backends.iter().enumerate() {
        let mut digest = Sha256::new();
        if let Some(upstream) = members.get(backend.member) {
            digest.update(upstream.to_string());
        }
        if let Some(ip) = backend.ip {
            digest.update(ip.to_string());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let place = digest.first_chunk::<16>().copied().unwrap_or_default();
        let mut ext = lb::Extensions::new();
        ext.insert(number);
        places.insert(lb::Backend {
            addr: SocketAddr::new(Ipv6Addr::from(place).into(), 1).into(),
            weight: 1,
            ext,
        });
    }
    KetamaHashing::build(&places)
}

/// Without the brackets of an IPv6 literal.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

impl Backend {
    /// For logs: the address.
    pub(super) fn address(&self) -> String {
        self.peer._address.to_string()
    }

    /// For a connection of its own, that nobody waits for longer than this.
    pub(super) fn probe_peer(&self, timeout: Duration, group_key: u64) -> HttpPeer {
        let mut peer = self.peer.clone();
        peer.group_key = group_key;
        peer.options.connection_timeout = Some(timeout);
        peer.options.total_connection_timeout = Some(timeout);
        peer.options.read_timeout = Some(timeout);
        peer.options.write_timeout = Some(timeout);
        peer
    }
}
