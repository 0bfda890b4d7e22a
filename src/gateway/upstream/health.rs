//! Health checks: a task for each route that has some, which ends with its pool.
//!
//! Pingora's own checks are not used because each makes a connector of its own, and with it reads the system's
//! certificates; here all routes share one. A check carries nothing of anybody's: no cookie, no identity.

use super::pool::Pool;
use super::roster::Backend;
use crate::domain::upstream::HealthCheck;
use pingora::Result;
use pingora::connectors::TransportConnector;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::upstreams::peer::HttpPeer;
use std::sync::{Arc, OnceLock, Weak};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

/// Checks under way at once, of all routes.
const AT_ONCE: usize = 64;

/// What the checks of all routes share; made with the first of them.
pub(super) struct Prober {
    http: OnceLock<Connector>,
    transport: OnceLock<TransportConnector>,
    slots: Semaphore,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            http: OnceLock::new(),
            transport: OnceLock::new(),
            slots: Semaphore::new(AT_ONCE),
        }
    }
}

/// Starts the checks of this route, if it has some and they are not under way.
pub(super) fn watch(pool: &Arc<Pool>) {
    let Some(health) = &pool.delivery().health else {
        return;
    };
    let mut task = pool.task.lock();
    if task.is_none() {
        let mut tick = tokio::time::interval(health.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        *task = Some(tokio::spawn(check_again_and_again(
            Arc::downgrade(pool),
            tick,
        )));
    }
}

async fn check_again_and_again(pool: Weak<Pool>, mut tick: tokio::time::Interval) {
    loop {
        tick.tick().await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        check(&pool).await;
    }
}

/// Every address of the route once.
async fn check(pool: &Pool) {
    let Some(health) = &pool.delivery().health else {
        return;
    };
    let roster = match pool.roster().await {
        Ok(roster) => roster,
        Err(fault) => return pool.report(&pool.current(), |_| fault.to_string()),
    };
    let probes = roster
        .backends
        .iter()
        .map(|b| pool.common().prober.probe(pool, b, health));
    let results = futures_util::future::join_all(probes).await;
    for (backend, result) in roster.backends.iter().zip(&results) {
        let good = result.is_ok();
        backend
            .standing
            .checked(good, health.healthy, health.unhealthy);
    }
    pool.report(&roster, |member| {
        let mut of_member = roster.backends.iter().zip(&results);
        let failed = of_member.find_map(|(b, r)| r.as_ref().err().filter(|_| b.member == member));
        failed
            .cloned()
            .unwrap_or_else(|| "its name has no address".to_owned())
    });
}

impl Prober {
    /// The reason where it is not well.
    async fn probe(
        &self,
        pool: &Pool,
        backend: &Backend,
        health: &HealthCheck,
    ) -> Result<(), String> {
        let Ok(_slot) = self.slots.acquire().await else {
            return Ok(());
        };
        let peer = backend.probe_peer(health.timeout, pool.group_key());
        let probe = async {
            match &health.path {
                None => self.connect(&peer).await.map_err(|e| e.to_string()),
                Some(path) => {
                    let host = health.host.as_deref().unwrap_or_else(|| pool.authority());
                    let status = self
                        .ask(&peer, path, host)
                        .await
                        .map_err(|e| e.to_string())?;
                    match status == health.expect {
                        true => Ok(()),
                        false => Err(format!("{path} answers {status}")),
                    }
                }
            }
        };
        let result = tokio::time::timeout(health.timeout, probe).await;
        result.unwrap_or_else(|_| Err(format!("no answer within {:?}", health.timeout)))
    }

    /// A connection, and its TLS handshake.
    async fn connect(&self, peer: &HttpPeer) -> Result<()> {
        let connector = self.transport.get_or_init(|| TransportConnector::new(None));
        connector.new_stream(peer).await.map(drop)
    }

    /// The status of the answer. The connection is not kept: one that stands says nothing about the next.
    async fn ask(&self, peer: &HttpPeer, path: &str, host: &str) -> Result<u16> {
        let connector = self.http.get_or_init(|| Connector::new(None));
        let (mut session, _) = connector.get_http_session(peer).await?;
        let mut head = RequestHeader::build("GET", path.as_bytes(), None)?;
        head.insert_header("Host", host)?;
        head.insert_header("User-Agent", "Vestibule health check")?;
        head.insert_header("Accept", "*/*")?;
        session.set_read_timeout(peer.options.read_timeout);
        session.set_write_timeout(peer.options.write_timeout);
        session.write_request_header(Box::new(head)).await?;
        session.finish_request_body().await?;
        session.read_response_header().await?;
        let status = session.response_header().map_or(0, |r| r.status.as_u16());
        session.shutdown().await;
        Ok(status)
    }
}
