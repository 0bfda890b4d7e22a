//! How often one person may ask one application; on public paths, one network.
//!
//! Counted in memory, for each route that sets a rate: a token bucket (GCRA) that holds what a second brings. Asking
//! on costs one look-up; buckets that are full again are forgotten every few seconds.

use crate::domain::id::AccountId;
use crate::domain::limits::Rate;
use crate::domain::network::network_of;
use crate::domain::policy::Permit;
use crate::domain::route::{Route, RouteIndex, Table};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often full buckets are forgotten.
pub(super) const TIDY: Duration = Duration::from_secs(10);
/// Beyond so many buckets of a route, networks share some: addresses are cheap, memory is not.
const MOST: usize = 100_000;
/// How many they share then.
const SHARED: u64 = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Person(AccountId),
    Network(IpAddr),
    Shared(u64),
}

/// The rates of one generation of the configuration, by the position of their routes.
#[derive(Default)]
pub(super) struct Rates(Vec<Option<Arc<Limiter>>>);

struct Limiter {
    route: String,
    rate: Rate,
    buckets: DefaultKeyedRateLimiter<Key>,
    crowded: AtomicBool,
    hasher: RandomState,
}

impl Rates {
    /// What has been counted under the same name at the same rate goes on.
    pub(super) fn of(routes: &Table, before: Option<&Self>) -> Self {
        let limiter = |route: &Route| {
            let rate = route.limits.rate?;
            let mut known = before.into_iter().flat_map(|b| b.0.iter().flatten());
            let same = known.find(|l| l.route == route.name && l.rate == rate);
            same.cloned().or_else(|| Limiter::new(route, rate))
        };
        Self(routes.routes().iter().map(limiter).collect())
    }

    /// Counts the request; too many: how long to wait.
    pub(super) fn take(
        &self,
        route: RouteIndex,
        permit: &Permit,
        client: IpAddr,
    ) -> Result<(), Duration> {
        match self.0.get(route.position()) {
            Some(Some(limiter)) => limiter.take(permit, client),
            Some(None) | None => Ok(()),
        }
    }

    /// Forgets who has not asked for so long that nothing is held against them.
    pub(super) fn tidy(&self) {
        for limiter in self.0.iter().flatten() {
            limiter.buckets.retain_recent();
            let crowded = limiter.buckets.len() > MOST;
            limiter.crowded.store(crowded, Ordering::Relaxed);
            limiter.buckets.shrink_to_fit();
        }
    }
}

impl Limiter {
    fn new(route: &Route, rate: Rate) -> Option<Arc<Self>> {
        let quota = Quota::with_period(rate.interval())?;
        let quota = quota.allow_burst(NonZeroU32::new(rate.burst())?);
        Some(Arc::new(Self {
            route: route.name.clone(),
            rate,
            buckets: RateLimiter::keyed(quota),
            crowded: AtomicBool::new(false),
            hasher: RandomState::new(),
        }))
    }

    fn take(&self, permit: &Permit, client: IpAddr) -> Result<(), Duration> {
        let network = network_of(client);
        let key = match permit.person() {
            Some(view) => Key::Person(view.subject.id),
            None if self.crowded.load(Ordering::Relaxed) => {
                Key::Shared(self.hasher.hash_one(network) % SHARED)
            }
            None => Key::Network(network),
        };
        let taken = self.buckets.check_key(&key);
        taken.map_err(|later| later.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{self, TwoFactor, TwoFactorRules};
    use crate::domain::request::{Facts, Mode, Path};
    use crate::domain::route::PublicPath;
    use crate::domain::route::tests::route;
    use crate::domain::{session, timestamp::Timestamp};

    fn table(requests: u32, seconds: u64) -> Table {
        let mut one = route("a.test", "/");
        one.public = vec![PublicPath::new(Path::parse(b"/").unwrap())];
        one.limits.rate = Some(Rate {
            requests,
            span: Duration::from_secs(seconds),
        });
        Table::new(vec![one, route("b.test", "/")]).unwrap()
    }

    /// Nobody's permit, on a public path.
    fn permit(table: &Table) -> Permit {
        let path = Path::parse(b"/").unwrap();
        let host = crate::domain::host::Host::parse("a.test").unwrap();
        let facts = Facts {
            method: "GET",
            path: &path,
            client: [192, 0, 2, 1].into(),
            mode: Mode::Programmatic,
            preflight_from: None,
            client_certificate: false,
        };
        let sessions = session::Rules {
            idle: Duration::from_secs(1),
            lifetime: Duration::from_secs(1),
        };
        let two_factor = TwoFactorRules::with_policy(TwoFactor::Optional);
        let rules = policy::Rules {
            two_factor: &two_factor,
            sessions: &sessions,
        };
        let found = table.find(&host, &path).unwrap();
        let now = Timestamp::from_seconds(0);
        match policy::decide(found, &facts, None, rules, now) {
            policy::Decision::Forward(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_network_has_its_own_and_memory_is_bounded() {
        let table = table(1, 3600);
        let permit = permit(&table);
        let rates = Rates::of(&table, None);
        let take = |n: usize| {
            let n = u32::try_from(n).unwrap();
            rates.take(permit.route(), &permit, IpAddr::from(n.to_be_bytes()))
        };
        assert!(take(1).is_ok());
        assert!(take(1).unwrap_err() > Duration::from_secs(3500));
        for n in 2..=MOST + 1 {
            assert!(take(n).is_ok(), "{n}");
        }
        rates.tidy();
        // too many to remember: those who come now share buckets, and each of them is soon empty
        let passed = (1..=100_000)
            .filter(|n| take(MOST + 10 + n).is_ok())
            .count();
        assert!(passed <= SHARED as usize, "{passed}");
        let buckets = rates.0[0].as_ref().unwrap().buckets.len();
        assert!(buckets <= MOST + 1 + SHARED as usize, "{buckets}");
    }

    #[test]
    fn full_buckets_are_forgotten_and_a_reload_forgets_nothing() {
        let quick = table(1000, 1);
        let permit = permit(&quick);
        let rates = Rates::of(&quick, None);
        let one = IpAddr::from([192, 0, 2, 7]);
        assert!(rates.take(permit.route(), &permit, one).is_ok());
        std::thread::sleep(Duration::from_millis(50));
        rates.tidy();
        assert!(rates.0[0].as_ref().unwrap().buckets.is_empty());

        let slow = table(1, 3600);
        let before = Rates::of(&slow, None);
        assert!(before.take(permit.route(), &permit, one).is_ok());
        let after = Rates::of(&slow, Some(&before));
        assert!(after.take(permit.route(), &permit, one).is_err());
        let other = Rates::of(&table(2, 3600), Some(&before));
        assert!(other.take(permit.route(), &permit, one).is_ok());
    }
}
