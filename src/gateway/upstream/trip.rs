//! One request's way to an upstream: which is asked first, which next, and what is learnt from it.
//!
//! Where nobody could be connected to, nothing has been sent, and the next one is asked whatever the method. A
//! request that was sent is sent again only where it can be repeated (RFC 9110 9.2.2), its body is still
//! there, and it went out on a connection that may have been closing all the while.
//!
//! NTLM and Negotiate make a connection somebody's (RFC 4559 6). A request with such credentials, and every
//! request to an upstream that has asked for them, goes on connections that only its own session finds again.

use super::pool::Pool;
use super::roster::{Backend, Roster};
use super::standing::{Failure, UnderWay};
use super::{PeerFault, UpstreamEvent};
use crate::domain::upstream::{Balance, Protocol, Upstream};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, WWW_AUTHENTICATE};
use pingora::lb::selection::consistent::KetamaHashing;
use pingora::lb::selection::{BackendIter as _, BackendSelection as _};
use pingora::upstreams::peer::HttpPeer;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Tries beyond one for each address: connections that had been closed meanwhile.
const STALE_CONNECTIONS: usize = 2;

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Traveller {
    /// The session's id, for somebody signed in.
    pub session: Option<[u8; 16]>,
    pub client: IpAddr,
}

pub(in crate::gateway) struct Trip {
    pool: Arc<Pool>,
    traveller: Traveller,
    /// Where it begins among the upstreams: taken once, so that its attempts meet each of them however many
    /// other requests are under way.
    turn: usize,
    /// The same for all attempts.
    roster: Option<Arc<Roster>>,
    /// Addresses that could not be connected to.
    tried: Vec<usize>,
    attempts: usize,
    /// The address of this attempt.
    current: Option<usize>,
    under_way: Option<UnderWay>,
    /// Connections are found by this key instead of the route's.
    private: Option<u64>,
    /// The upstream has begun to answer this attempt.
    answered: bool,
}

impl Trip {
    pub(super) fn new(pool: &Arc<Pool>, traveller: Traveller) -> Self {
        Self {
            turn: pool.next.fetch_add(1, Ordering::Relaxed),
            pool: Arc::clone(pool),
            traveller,
            roster: None,
            tried: Vec::new(),
            attempts: 0,
            current: None,
            under_way: None,
            private: None,
            answered: false,
        }
    }

    /// The address for the next attempt.
    pub(in crate::gateway) async fn next(&mut self) -> Result<Arc<Backend>, PeerFault> {
        let roster = match self.roster.take() {
            Some(roster) => roster,
            None => self.pool.roster().await?,
        };
        let chosen = self
            .choose(&roster)
            .and_then(|n| Some((n, roster.backends.get(n)?)));
        let (number, backend) = chosen.ok_or(PeerFault::NoUpstream)?;
        self.attempts += 1;
        self.answered = false;
        self.current = Some(number);
        let counts = self.pool.delivery().balance == Balance::LeastConnections;
        self.under_way = counts.then(|| UnderWay::new(&backend.standing));
        let backend = Arc::clone(backend);
        self.roster = Some(roster);
        Ok(backend)
    }

    /// [`Self::next`] for pingora.
    pub(in crate::gateway) async fn peer(&mut self) -> Result<Box<HttpPeer>, PeerFault> {
        let mut peer = Box::new(self.next().await?.peer.clone());
        if let Some(key) = self.private {
            peer.group_key = key;
        }
        if self.is_single_use() {
            // HTTP/2 has no other way to say so
            peer.options.idle_timeout = Some(Duration::ZERO);
        }
        Ok(peer)
    }

    /// The upstream of this attempt.
    pub(in crate::gateway) fn upstream(&self) -> Option<&Upstream> {
        let backend = self.roster.as_deref()?.backends.get(self.current?)?;
        self.pool.upstream(backend)
    }

    /// Keeps the connections of this request from all other people, where its credentials or its upstream
    /// make them somebody's.
    pub(in crate::gateway) fn heed_credentials(
        &mut self,
        headers: &HeaderMap,
        client: Option<SocketAddr>,
    ) {
        if self.pool.connection_auth.load(Ordering::Relaxed)
            || names_connection_auth(headers, &AUTHORIZATION)
        {
            self.private = Some(self.private_key(client));
        }
    }

    /// HTTP/1.1, whatever a handshake might agree on.
    pub(in crate::gateway) fn is_plain_h1(&self) -> bool {
        self.pool.delivery().protocol == Protocol::H1
    }

    /// The connection is this person's own, or nobody's.
    pub(in crate::gateway) const fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Nobody will find this attempt's connection again: kept, it would only take the place of one that is of use.
    pub(in crate::gateway) const fn is_single_use(&self) -> bool {
        self.private.is_some() && self.traveller.session.is_none()
    }

    /// A session has such connections for each connection of its own, because a handshake is a conversation.
    /// Without a session nobody is known to be the same, so that nobody gets the connection again.
    fn private_key(&self, client: Option<SocketAddr>) -> u64 {
        let mut digest = Sha256::new();
        digest.update(self.pool.group_key().to_be_bytes());
        match self.traveller.session {
            Some(session) => {
                digest.update(session);
                digest.update(client.map(|c| c.to_string()).unwrap_or_default());
            }
            None => {
                let single = self
                    .pool
                    .common()
                    .single_use
                    .fetch_add(1, Ordering::Relaxed);
                digest.update(single.to_be_bytes());
            }
        }
        let digest: [u8; 32] = digest.finalize().into();
        let first = digest.first_chunk::<8>();
        first.map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// There was no connection. Says whether another attempt is worth it.
    pub(in crate::gateway) fn could_not_connect(&mut self) -> bool {
        self.blame(Failure::Connect);
        self.tried.extend(self.current.take());
        self.under_way = None;
        self.goes_on()
    }

    /// It broke after it was sent. `repeatable`: the request may be sent again, and the connection had been
    /// used before; that is nobody's fault, and the same address may be right the next time. `waits`: the upstream
    /// may have been waiting for the client. Then it is not blamed, nor once it has begun to answer: a client that
    /// sends or reads nothing would have it left out for everybody.
    pub(in crate::gateway) fn broke(&mut self, repeatable: bool, waits: bool) -> bool {
        self.under_way = None;
        if repeatable && self.goes_on() {
            return true;
        }
        if !waits && !self.answered {
            self.blame(Failure::Gateway);
        }
        false
    }

    /// The upstream answered with this. `waits`: the client has not sent its whole body, which is what some
    /// gateways mean by their 502, 503 and 504.
    pub(in crate::gateway) fn answered(&mut self, status: u16, headers: &HeaderMap, waits: bool) {
        self.answered = true;
        if names_connection_auth(headers, &WWW_AUTHENTICATE) {
            self.pool.connection_auth.store(true, Ordering::Relaxed);
        }
        match (status, self.roster.as_deref().zip(self.current)) {
            (502..=504, _) if waits => {}
            (502..=504, _) => self.blame(Failure::Gateway),
            (_, Some((roster, number))) => {
                if let Some(backend) = roster.backends.get(number) {
                    self.pool.succeeded(backend);
                }
            }
            (_, None) => {}
        }
    }

    /// The upstream has nothing more to do for this request.
    pub(in crate::gateway) fn has_answered_all(&mut self) {
        self.under_way = None;
    }

    fn blame(&self, failure: Failure) {
        // the only address there is cannot be left out
        let several = self.roster.as_deref().filter(|r| r.backends.len() > 1);
        if let Some((roster, number)) = several.zip(self.current)
            && let Some(backend) = roster.backends.get(number)
        {
            self.pool.failed(roster, backend, failure);
        }
    }

    fn goes_on(&self) -> bool {
        let addresses = self.roster.as_deref().map_or(0, |r| r.backends.len());
        let more = self.tried.len() < addresses
            && self.attempts < addresses.saturating_add(STALE_CONNECTIONS);
        if more {
            let route = self.pool.route();
            let event = UpstreamEvent::Retried { route };
            self.pool.common().observer.upstream(event);
        }
        more
    }

    /// The first in the order of the route's balance that is well; where none is, the first that has not
    /// been asked: an application is down only when none of its upstreams answers.
    fn choose(&self, roster: &Roster) -> Option<usize> {
        let count = roster.backends.len();
        let mut in_turn = (0..count).map(|n| self.turn.wrapping_add(n) % count);
        if count < 2 {
            return in_turn.find(|n| !self.tried.contains(n));
        }
        let now = self.pool.common().now();
        let standing = |n: usize| roster.backends.get(n).map(|b| &b.standing);
        let open =
            |n: &usize| !self.tried.contains(n) && standing(*n).is_some_and(|s| s.admits(now));
        let is_well = |n: &usize| standing(*n).is_some_and(|s| s.is_well());
        // one whose time out is over is tried by the first that comes
        let due = || in_turn.clone().filter(|n| !is_well(n)).find(open);
        let mut well = in_turn
            .clone()
            .filter(|n| is_well(n) && !self.tried.contains(n));
        let chosen = match (self.pool.delivery().balance, &roster.ring) {
            (Balance::Sticky, Some(ring)) => on_ring(ring, &self.key(), count, open),
            (Balance::LeastConnections, _) => {
                due().or_else(|| well.min_by_key(|n| standing(*n).map_or(0, |s| s.under_way())))
            }
            // in turn among those that are well, so that no neighbour takes all of what one cannot
            (Balance::RoundRobin | Balance::Sticky, _) => due().or_else(|| {
                let all = (0..count).filter(|n| is_well(n) && !self.tried.contains(n));
                let many = all.clone().count();
                match many == count {
                    true => well.next(),
                    false => all.clone().nth(self.turn.checked_rem(many)?),
                }
            }),
        };
        chosen.or_else(|| in_turn.find(|n| !self.tried.contains(n)))
    }

    /// The place on the ring.
    fn key(&self) -> [u8; 16] {
        self.traveller
            .session
            .unwrap_or_else(|| match self.traveller.client {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            })
    }
}

/// The first open one from this place on the ring.
fn on_ring(
    ring: &Arc<KetamaHashing>,
    key: &[u8],
    count: usize,
    open: impl Fn(&usize) -> bool,
) -> Option<usize> {
    let mut seen = Vec::new();
    let mut places = ring.iter(key);
    while seen.len() < count {
        let number = *places.next()?.ext.get::<usize>()?;
        if seen.contains(&number) {
            continue;
        }
        if open(&number) {
            return Some(number);
        }
        seen.push(number);
    }
    None
}

/// Whether a field names a scheme that authenticates connections rather than requests.
fn names_connection_auth(headers: &HeaderMap, field: &HeaderName) -> bool {
    headers.get_all(field).iter().any(|value| {
        value.as_bytes().split(|b| *b == b',').any(|part| {
            let part = part.trim_ascii();
            let end = part
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap_or(part.len());
            let scheme = part.get(..end).unwrap_or_default();
            scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn schemes_that_authenticate_connections() {
        let check = |values: &[&'static str], want: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(
                names_connection_auth(&headers, &AUTHORIZATION),
                want,
                "{values:?}"
            );
        };
        check(&["NTLM TlRMTVNTUAAB"], true);
        check(&["ntlm"], true);
        check(&["\tNegotiate YII="], true);
        check(&["Basic realm=\"x\", Negotiate, NTLM"], true);
        check(&["Basic YTpi", "Negotiate YII="], true);
        check(&["Basic YTpi"], false);
        check(&["Bearer ntlm"], false);
        check(&["Negotiated x"], false);
        check(&[], false);
    }
}
