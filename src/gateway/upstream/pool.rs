//! One route's upstreams.

use super::Common;
use super::names::{Name, literal};
use super::roster::{Backend, Manner, Roster, ring};
use super::standing::{Failure, Standing};
use super::trust::Files;
use super::{PeerFault, UpstreamEvent};
use crate::domain::route::Route;
use crate::domain::upstream::{Balance, Delivery, Timeouts, Upstream};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pingora::upstreams::peer::Peer as _;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::task::JoinHandle;

/// A route's upstreams, and what is known of them. The same value goes on from one generation of the
/// configuration to the next for as long as nothing of it is written differently.
pub(super) struct Pool {
    spec: Spec,
    manner: Manner,
    common: Arc<Common>,
    places: Box<[Place]>,
    /// Whether each upstream was last reported as well.
    reported: Box<[AtomicBool]>,
    roster: ArcSwap<Roster>,
    /// Held while the roster is made anew.
    renewal: Mutex<()>,
    /// The turn of the next request.
    pub(super) next: AtomicUsize,
    /// An answer has offered NTLM or Negotiate: the upstream knows people by their connections.
    pub(super) connection_auth: AtomicBool,
    /// The health checks.
    pub(super) task: Mutex<Option<JoinHandle<()>>>,
}

/// All of the configuration that a pool depends on, but for the contents of files.
#[derive(Clone, PartialEq, Eq)]
struct Spec {
    route: String,
    authority: String,
    upstreams: Vec<Upstream>,
    delivery: Delivery,
    timeouts: Timeouts,
    /// As messages and metrics have them.
    labels: Vec<String>,
}

/// Where an upstream is.
enum Place {
    Address(IpAddr),
    Named(Arc<Name>),
    Socket,
}

impl Pool {
    /// `earlier`: the pool of the route of this name before; itself where nothing has changed, else whatever
    /// is still known of the same addresses is taken from it.
    pub(super) fn new(
        route: &Route,
        common: &Arc<Common>,
        files: &mut Files,
        earlier: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, String> {
        let trust = files.trust(&route.delivery.tls)?;
        let spec = Spec {
            route: route.name.clone(),
            authority: route.origin.authority(),
            upstreams: route.upstreams.clone(),
            delivery: route.delivery.clone(),
            timeouts: route.timeouts,
            labels: route.upstreams.iter().map(ToString::to_string).collect(),
        };
        if let Some(same) =
            earlier.filter(|e| e.spec == spec && e.manner.trust.digest == trust.digest)
        {
            return Ok(Arc::clone(same));
        }
        let manner = Manner {
            group_key: group_key(&spec, &trust.digest),
            trust,
            protocol: spec.delivery.protocol,
            timeouts: spec.timeouts,
        };
        let place = |upstream: &Upstream| match upstream {
            Upstream::Unix(_) => Place::Socket,
            Upstream::Inet { host, .. } => match literal(host) {
                Some(ip) => Place::Address(ip),
                None => Place::Named(common.names.of(host)),
            },
        };
        let pool = Self {
            places: spec.upstreams.iter().map(place).collect(),
            reported: spec
                .upstreams
                .iter()
                .map(|_| AtomicBool::new(true))
                .collect(),
            manner,
            common: Arc::clone(common),
            roster: ArcSwap::from_pointee(Roster {
                backends: Box::new([]),
                answers: Box::new([]),
                ring: None,
            }),
            renewal: Mutex::new(()),
            next: AtomicUsize::new(0),
            connection_auth: AtomicBool::new(false),
            task: Mutex::new(None),
            spec,
        };
        let answers = pool.names().map(|n| n.known().unwrap_or_default());
        let answers = answers.collect();
        let before = earlier.map(|e| (e.roster.load_full(), e.spec.upstreams.as_slice()));
        pool.renew(answers, before.as_ref().map(|(r, u)| (&**r, *u)))?;
        Ok(Arc::new(pool))
    }

    pub(super) fn route(&self) -> &str {
        &self.spec.route
    }
    pub(super) fn common(&self) -> &Common {
        &self.common
    }
    pub(super) fn delivery(&self) -> &Delivery {
        &self.spec.delivery
    }
    pub(super) fn group_key(&self) -> u64 {
        self.manner.group_key
    }
    /// The route's host, for the question of a health check.
    pub(super) fn authority(&self) -> &str {
        &self.spec.authority
    }
    /// Route and upstream of each gauge that is shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self
            .spec
            .delivery
            .health
            .iter()
            .flat_map(|_| &self.spec.labels);
        labels.map(|label| (self.route(), label.as_str()))
    }

    fn names(&self) -> impl Iterator<Item = &Arc<Name>> {
        self.places.iter().filter_map(|place| match place {
            Place::Named(name) => Some(name),
            Place::Address(_) | Place::Socket => None,
        })
    }

    /// The addresses as they are known now. Waits only where a name has to be asked for first.
    pub(super) async fn roster(&self) -> Result<Arc<Roster>, PeerFault> {
        let roster = self.roster.load_full();
        let known: Option<Vec<_>> = match roster.answers.is_empty() {
            // no name is among them
            true => return Ok(roster),
            false if self.is_current(&roster) => return Ok(roster),
            false => self.names().map(Name::known).collect(),
        };
        let answers = match known {
            Some(known) => known,
            None => {
                let asked = self.names().map(Name::resolve);
                futures_util::future::join_all(asked).await
            }
        };
        self.renew(answers.into(), None).map_err(|why| {
            tracing::error!(route.name = %self.route(), error = %why, "an upstream cannot be used");
            PeerFault::NoUpstream
        })?;
        let roster = self.roster.load_full();
        match self.names().next() {
            Some(name) if roster.backends.is_empty() => {
                Err(PeerFault::Unresolved(name.host().to_owned()))
            }
            Some(_) | None => Ok(roster),
        }
    }

    /// Whether the roster is made of what the names' answers are.
    fn is_current(&self, roster: &Roster) -> bool {
        let same = |(name, had): (&Arc<Name>, &Arc<[IpAddr]>)| {
            name.known().is_some_and(|now| Arc::ptr_eq(&now, had))
        };
        !roster.backends.is_empty() && self.names().zip(&roster.answers).all(same)
    }

    /// Makes the roster from these answers. Addresses that stay keep what is known of them.
    fn renew(
        &self,
        answers: Box<[Arc<[IpAddr]>]>,
        earlier: Option<(&Roster, &[Upstream])>,
    ) -> Result<(), String> {
        let _renewal = self.renewal.lock();
        let current = self.roster.load_full();
        let (before, members) = earlier.unwrap_or((&*current, &self.spec.upstreams));
        let known = |upstream: &Upstream, ip: Option<IpAddr>| {
            let same = |b: &&Arc<Backend>| b.ip == ip && members.get(b.member) == Some(upstream);
            let found = before.backends.iter().find(same);
            found.map_or_else(Arc::<Standing>::default, |b| Arc::clone(&b.standing))
        };
        let mut backends = Vec::new();
        let mut named = answers.iter();
        for (member, (upstream, place)) in self.spec.upstreams.iter().zip(&self.places).enumerate()
        {
            let ips: Vec<Option<IpAddr>> = match place {
                Place::Socket => vec![None],
                Place::Address(ip) => vec![Some(*ip)],
                Place::Named(_) => {
                    let answer = named.next().map(|a| a.iter());
                    answer.into_iter().flatten().map(|ip| Some(*ip)).collect()
                }
            };
            for ip in ips {
                let peer = self.manner.peer(upstream, ip)?;
                backends.push(Arc::new(Backend {
                    member,
                    ip,
                    key: peer.reuse_hash(),
                    peer,
                    standing: known(upstream, ip),
                }));
            }
        }
        let sticky = self.spec.delivery.balance == Balance::Sticky && backends.len() > 1;
        self.roster.store(Arc::new(Roster {
            ring: sticky.then(|| Arc::new(ring(&backends, &self.spec.upstreams))),
            backends: backends.into(),
            answers,
        }));
        Ok(())
    }

    /// A request to this address failed.
    pub(super) fn failed(&self, roster: &Roster, backend: &Backend, failure: Failure) {
        // where all others are out, too, leaving this one out helps nobody
        let others = roster.backends.iter();
        let spare = !others
            .filter(|b| !std::ptr::eq(&***b, backend))
            .any(|b| b.standing.is_well());
        let now = self.common.now();
        let Some(span) = backend.standing.failed(failure, now, spare) else {
            return;
        };
        let (route, upstream) = (self.route(), self.label(backend));
        tracing::warn!(
            route.name = route,
            upstream,
            address = backend.address(),
            seconds = span.as_secs(),
            "requests to an upstream failed in a row; it is left out for a while"
        );
        let event = UpstreamEvent::Ejected { route, upstream };
        self.common.observer.upstream(event);
    }

    /// A request to this address was answered.
    pub(super) fn succeeded(&self, backend: &Backend) {
        if backend.standing.succeeded(self.common.now()) {
            tracing::info!(
                route.name = self.route(),
                upstream = self.label(backend),
                address = backend.address(),
                "an upstream that was left out answers again"
            );
        }
    }

    pub(super) fn upstream(&self, backend: &Backend) -> Option<&Upstream> {
        self.spec.upstreams.get(backend.member)
    }

    pub(super) fn label(&self, backend: &Backend) -> &str {
        self.spec
            .labels
            .get(backend.member)
            .map_or("", String::as_str)
    }

    /// After health checks: says which upstreams are well, each by any of its addresses. A change is logged;
    /// the gauge is always set, because it may be the first time.
    pub(super) fn report(&self, roster: &Roster, reason: impl Fn(usize) -> String) {
        for (member, (label, reported)) in self.spec.labels.iter().zip(&self.reported).enumerate() {
            let mut addresses = roster.backends.iter().filter(|b| b.member == member);
            let up = addresses.any(|b| b.standing.is_healthy());
            let (route, upstream) = (self.route(), label.as_str());
            match (reported.swap(up, Ordering::Relaxed), up) {
                (true, false) => {
                    tracing::error!(
                        route.name = route,
                        upstream,
                        reason = reason(member),
                        "an upstream is down"
                    );
                }
                (false, true) => {
                    tracing::info!(route.name = route, upstream, "an upstream is well again");
                }
                (true, true) | (false, false) => {}
            }
            let event = UpstreamEvent::Health {
                route,
                upstream,
                up,
            };
            self.common.observer.upstream(event);
        }
    }

    /// The roster as it is, without asking for names.
    pub(super) fn current(&self) -> Arc<Roster> {
        self.roster.load_full()
    }

    /// Ends the health checks.
    pub(super) fn stop(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Which connections may be shared: those of one route, verified, opened and spoken on in the same way.
fn group_key(spec: &Spec, trust: &[u8; 32]) -> u64 {
    let mut digest = Sha256::new();
    digest.update(&spec.route);
    digest.update([0, spec.delivery.protocol as u8]);
    digest.update(trust);
    let digest: [u8; 32] = digest.finalize().into();
    let first = digest.first_chunk::<8>();
    first.map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::logged::Logged;
    use crate::domain::route::tests::route;
    use crate::domain::route::{RouteIndex, Table};
    use crate::gateway::seams::Observer;
    use crate::gateway::upstream::{Pools, Traveller, Trip};
    use std::time::Duration;

    struct Nobody;
    impl Observer for Nobody {
        fn request(&self, _: Option<RouteIndex>, _: &Logged<'_>) {}
        fn websocket(&self, _: i64) {}
        fn upstream(&self, _: UpstreamEvent<'_>) {}
    }

    const TRAVELLER: Traveller = Traveller {
        session: None,
        client: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    };

    fn named(host: &str) -> Route {
        let mut route = route("app.test", "/");
        route.upstreams = vec![Upstream::Inet {
            tls: false,
            host: host.into(),
            port: 80,
        }];
        route
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    async fn three(pool: &Arc<Pool>) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let peer = Trip::new(pool, TRAVELLER).peer().await.unwrap();
            seen.push(peer._address.to_string());
        }
        seen.sort();
        seen.dedup();
        seen
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_used_and_a_new_answer_is_followed() {
        let common = Common::new(Arc::new(Nobody));
        let name = common.names.of("app.internal");
        name.learn(ips(&["10.0.0.1", "10.0.0.2", "fd00::1"]));
        let route = named("app.internal");
        let pool = Pool::new(&route, &common, &mut Files::default(), None).unwrap();
        assert_eq!(
            three(&pool).await,
            ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]
        );

        // what is known of an address that stays is kept
        let roster = pool.roster().await.unwrap();
        roster.backends[0].standing.checked(false, 1, 1);
        name.learn(ips(&["10.0.0.1", "fd00::2", "10.0.0.3"]));
        assert_eq!(three(&pool).await, ["10.0.0.3:80", "[fd00::2]:80"]);
        // and a failing name service changes nothing
        name.learn(Vec::new());
        assert_eq!(three(&pool).await, ["10.0.0.3:80", "[fd00::2]:80"]);

        // nor does a new configuration that has the name still
        let mut other = route.clone();
        other.timeouts.read = Duration::from_secs(7);
        let next = Pool::new(&other, &common, &mut Files::default(), Some(&pool)).unwrap();
        assert!(!Arc::ptr_eq(&pool, &next));
        assert!(
            !next.roster().await.unwrap().backends[0]
                .standing
                .is_healthy()
        );
        let same = Pool::new(&other, &common, &mut Files::default(), Some(&next)).unwrap();
        assert!(Arc::ptr_eq(&next, &same));
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_no_peer() {
        let common = Common::new(Arc::new(Nobody));
        let route = named("no-such-name.invalid");
        let pool = Pool::new(&route, &common, &mut Files::default(), None).unwrap();
        let fault = Trip::new(&pool, TRAVELLER).peer().await.unwrap_err();
        assert!(
            fault.to_string().contains("no-such-name.invalid"),
            "{fault}"
        );
    }

    #[tokio::test]
    async fn connections_are_told_apart_by_route_trust_and_protocol() {
        use crate::domain::upstream::Protocol;
        let common = Common::new(Arc::new(Nobody));
        let key = |change: &dyn Fn(&mut Route)| {
            let mut route = named("10.0.0.1");
            change(&mut route);
            let pool = Pool::new(&route, &common, &mut Files::default(), None).unwrap();
            pool.group_key()
        };
        let keys = [
            key(&|_| {}),
            key(&|r| r.name = "another".into()),
            key(&|r| r.delivery.tls.name = Some("a.internal".into())),
            key(&|r| r.delivery.tls.name = Some("b.internal".into())),
            key(&|r| r.delivery.tls.verify = false),
            key(&|r| r.delivery.protocol = Protocol::H2),
        ];
        let different: std::collections::HashSet<u64> = keys.into();
        assert_eq!(different.len(), keys.len());
        assert_eq!(keys[0], key(&|r| r.timeouts.read = Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn ten_thousand_routes_start_no_task_and_stay_themselves() {
        let common = Common::new(Arc::new(Nobody));
        let routes = (0..10_000).map(|n| {
            let mut route = route(&format!("h{n}.test"), "/");
            route.name = format!("r{n}");
            route
        });
        let table = Table::new(routes.collect()).unwrap();
        let first = Pools::new(&table, &common, None).unwrap();
        first.watch();
        let second = Pools::new(&table, &common, Some(&first)).unwrap();
        first.retire(&second);
        second.watch();
        let alike = first
            .pools
            .iter()
            .zip(&second.pools)
            .all(|(a, b)| Arc::ptr_eq(a, b));
        assert!(alike);
        assert!(second.pools.iter().all(|p| p.task.lock().is_none()));
    }
}
