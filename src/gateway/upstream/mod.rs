//! Where a permitted request goes: an upstream of its route that is well, at an address that is known.
//!
//! A route has a [`pool::Pool`]; a request makes a [`Trip`] through it, one upstream after another until one
//! takes it. What is known of an upstream (its addresses, whether it is well, how many requests it has)
//! outlives the configuration: pools that did not change are taken over by the next generation.
//!
//! Pingora's own look-up blocks and panics, so peers are only made from addresses. Its connection pool does
//! not know by which CA a connection was verified, nor for whom it was opened; `group_key` tells them apart
//! ([`trust`], [`trip`]).

mod health;
mod idle;
mod names;
mod pool;
mod roster;
mod standing;
mod trip;
mod trust;

pub(super) use idle::{Idle, TIDY};
pub(super) use roster::Backend;
pub(super) use trip::{Traveller, Trip};

use super::seams::{Observer, UpstreamEvent};
use crate::domain::route::{RouteIndex, Table};
use health::Prober;
use names::Names;
use pool::Pool;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::time::Instant;
use trust::Files;

/// A route's upstreams are of no use.
#[derive(Debug, thiserror::Error)]
#[error("the upstreams of route {route} cannot be used: {reason}")]
pub struct UpstreamFault {
    pub route: String,
    pub reason: String,
}

/// Why there is no peer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerFault {
    #[error("no upstream is left to be tried")]
    NoUpstream,
    #[error("the name {0} cannot be resolved")]
    Unresolved(String),
}

/// What all generations of the configuration share.
pub(super) struct Common {
    names: Names,
    prober: Prober,
    /// Upstreams are told by name, so that any generation's will do.
    observer: Arc<dyn Observer>,
    /// Times of ejections are counted from here.
    began: Instant,
    /// The next connection that nobody may use again.
    single_use: AtomicU64,
}

impl Common {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self {
            names: Names::default(),
            prober: Prober::default(),
            observer,
            began: Instant::now(),
            single_use: AtomicU64::new(1),
        })
    }

    /// Milliseconds since the beginning, never 0.
    fn now(&self) -> u64 {
        let passed = self.began.elapsed().as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// The upstreams of all routes of one generation of the configuration.
pub(super) struct Pools {
    pools: Vec<Arc<Pool>>,
}

impl Pools {
    /// Files are read once, however many routes name them. No task is started here, see [`Self::watch`].
    pub(super) fn new(
        routes: &Table,
        common: &Arc<Common>,
        previous: Option<&Self>,
    ) -> Result<Self, UpstreamFault> {
        let earlier: HashMap<&str, &Arc<Pool>> = previous
            .iter()
            .flat_map(|p| &p.pools)
            .map(|pool| (pool.route(), pool))
            .collect();
        let mut files = Files::default();
        let mut pools = Vec::with_capacity(routes.routes().len());
        for route in routes.routes() {
            let earlier = earlier.get(route.name.as_str()).copied();
            let made = Pool::new(route, common, &mut files, earlier);
            pools.push(made.map_err(|reason| UpstreamFault {
                route: route.name.clone(),
                reason,
            })?);
        }
        common.names.forget_unused();
        Ok(Self { pools })
    }

    /// Starts the health checks of routes that have some. Inside a tokio runtime.
    pub(super) fn watch(&self) {
        for pool in &self.pools {
            health::watch(pool);
        }
    }

    /// Ends the health checks that the next generation has not taken over.
    pub(super) fn retire(&self, next: &Self) {
        let kept: HashSet<*const Pool> = next.pools.iter().map(Arc::as_ptr).collect();
        let shown: HashSet<(&str, &str)> = next.pools.iter().flat_map(|p| p.shown()).collect();
        for pool in self
            .pools
            .iter()
            .filter(|p| !kept.contains(&Arc::as_ptr(p)))
        {
            pool.stop();
            for (route, upstream) in pool.shown().filter(|s| !shown.contains(s)) {
                let event = UpstreamEvent::Gone { route, upstream };
                pool.common().observer.upstream(event);
            }
        }
    }

    /// The way of one request of this route. `None`: there is no such route.
    pub(super) fn trip(&self, route: RouteIndex, traveller: Traveller) -> Option<Trip> {
        let pool = self.pools.get(route.position())?;
        Some(Trip::new(pool, traveller))
    }
}
