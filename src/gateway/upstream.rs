//! Where a permitted request goes: the route's upstreams in turn, names resolved without blocking.
//!
//! Pingora's own look-up blocks and panics, so peers are only made from addresses. Its connection pool does
//! not know by which CA a connection was verified; `group_key` tells them apart.

use crate::domain::route::{Route, RouteIndex, Table, Timeouts, Upstream};
use parking_lot::Mutex;
use pingora::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};
use pingora::utils::tls::{WrappedX509, parse_x509};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer of the name service is used.
const NAME_TTL: Duration = Duration::from_secs(30);
/// How long one look-up may take.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: less than the 5 s after which common servers (Node, Apache) close
/// theirs, because a request sent into a closing connection cannot always be repeated.
const IDLE: Duration = Duration::from_secs(4);

/// A route's CA file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the CA file {path} of route {route} cannot be used: {reason}")]
pub struct CaFault {
    pub path: String,
    pub route: String,
    pub reason: String,
}

/// Why there is no peer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerFault {
    #[error("the route has no upstream")]
    NoUpstream,
    #[error("the name {0} cannot be resolved")]
    Unresolved(String),
}

/// The upstreams of all routes of one generation of the configuration.
pub(super) struct Pools {
    pools: Vec<Pool>,
    names: Arc<Names>,
}

struct Pool {
    upstreams: Vec<Upstream>,
    next: AtomicUsize,
    timeouts: Timeouts,
    ca: Option<Arc<[WrappedX509]>>,
    group_key: u64,
}

impl Pools {
    pub(super) fn new(routes: &Table, names: Arc<Names>) -> Result<Self, CaFault> {
        let pools = routes
            .routes()
            .iter()
            .map(Pool::new)
            .collect::<Result<_, _>>()?;
        Ok(Self { pools, names })
    }

    /// How often another upstream or address is worth trying.
    pub(super) fn attempts(&self, route: RouteIndex) -> usize {
        self.pools
            .get(route.position())
            .map_or(1, |p| p.upstreams.len().saturating_mul(2))
    }

    /// Where a request begins among the upstreams: taken once, so that its attempts meet each of them however
    /// many other requests are under way.
    pub(super) fn turn(&self, route: RouteIndex) -> usize {
        let pool = self.pools.get(route.position());
        pool.map_or(0, |p| p.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The upstream of an attempt.
    pub(super) fn upstream(
        &self,
        route: RouteIndex,
        turn: usize,
        attempt: usize,
    ) -> Option<&Upstream> {
        let upstreams = &self.pools.get(route.position())?.upstreams;
        let at = turn.wrapping_add(attempt).checked_rem(upstreams.len())?;
        upstreams.get(at)
    }

    /// The peer for this attempt (0, 1, ...) at the request that has this turn.
    pub(super) async fn peer(
        &self,
        route: RouteIndex,
        turn: usize,
        attempt: usize,
    ) -> Result<HttpPeer, PeerFault> {
        let pool = self
            .pools
            .get(route.position())
            .ok_or(PeerFault::NoUpstream)?;
        let count = pool.upstreams.len();
        if count == 0 {
            return Err(PeerFault::NoUpstream);
        }
        let upstream = pool
            .upstreams
            .get(turn.wrapping_add(attempt) % count)
            .ok_or(PeerFault::NoUpstream)?;
        let addresses = self.names.resolve(&upstream.host).await;
        let ip = addresses.get((attempt / count) % addresses.len().max(1));
        let ip = ip.ok_or_else(|| PeerFault::Unresolved(upstream.host.clone()))?;
        Ok(pool.peer(upstream, *ip))
    }
}

impl Pool {
    fn new(route: &Route) -> Result<Self, CaFault> {
        let ca = route.upstream_ca.as_deref().map(|path| {
            read_ca(path).map_err(|reason| CaFault {
                path: path.display().to_string(),
                route: route.name.clone(),
                reason,
            })
        });
        let (ca, group_key) = ca.transpose()?.unzip();
        Ok(Self {
            upstreams: route.upstreams.clone(),
            next: AtomicUsize::new(0),
            timeouts: route.timeouts,
            ca,
            group_key: group_key.unwrap_or(0),
        })
    }

    fn peer(&self, upstream: &Upstream, ip: IpAddr) -> HttpPeer {
        let address = SocketAddr::new(ip, upstream.port);
        let sni = if upstream.tls {
            bare(&upstream.host).to_owned()
        } else {
            String::new()
        };
        let mut peer = HttpPeer::new(address, upstream.tls, sni);
        peer.group_key = self.group_key;
        let options = &mut peer.options;
        options.ca = self.ca.clone();
        options.connection_timeout = Some(self.timeouts.connect);
        options.total_connection_timeout = Some(self.timeouts.connect.saturating_mul(2));
        options.read_timeout = Some(self.timeouts.read);
        options.write_timeout = Some(self.timeouts.read);
        options.idle_timeout = Some(IDLE);
        // WebSockets have a relay of their own; nothing else is ever upgraded
        options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
        peer
    }
}

fn read_ca(path: &Path) -> Result<(Arc<[WrappedX509]>, u64), String> {
    let pem = std::fs::read(path).map_err(|e| e.to_string())?;
    let mut digest = Sha256::new();
    let mut certificates = Vec::new();
    for item in CertificateDer::pem_slice_iter(&pem) {
        let der = item.map_err(|e| e.to_string())?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der.clone()).map_err(|e| e.to_string())?;
        digest.update(der.as_ref());
        certificates.push(WrappedX509::new(der.to_vec(), parse_x509));
    }
    if certificates.is_empty() {
        return Err("it holds no certificate (PEM)".to_owned());
    }
    let hash: [u8; 32] = digest.finalize().into();
    let (first, _) = hash.split_first_chunk::<8>().ok_or("no digest")?;
    // never 0, which stands for the system's roots
    Ok((certificates.into(), u64::from_be_bytes(*first) | 1))
}

/// Without the brackets of an IPv6 literal.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

/// Names and their addresses, remembered.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<String, Answer>>);

#[derive(Clone, Debug)]
struct Answer {
    addresses: Vec<IpAddr>,
    asked_at: Instant,
}

impl Names {
    /// Empty when the name has never been resolved. A failing name service does not undo a good answer.
    async fn resolve(&self, host: &str) -> Vec<IpAddr> {
        if let Ok(ip) = bare(host).parse::<IpAddr>() {
            return vec![ip];
        }
        let now = Instant::now();
        if let Some(known) = self.0.lock().get_mut(host) {
            if now.duration_since(known.asked_at) < NAME_TTL {
                return known.addresses.clone();
            }
            // one request asks again, the others go on with what is known
            known.asked_at = now;
        }
        let lookup = tokio::time::timeout(NAME_TIMEOUT, tokio::net::lookup_host((host, 0))).await;
        let addresses: Vec<IpAddr> = match lookup {
            Ok(Ok(found)) => found.map(|a| a.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let mut names = self.0.lock();
        if addresses.is_empty() {
            return names
                .get(host)
                .map(|a| a.addresses.clone())
                .unwrap_or_default();
        }
        let answer = Answer {
            addresses: addresses.clone(),
            asked_at: now,
        };
        names.insert(host.to_owned(), answer);
        addresses
    }
}
