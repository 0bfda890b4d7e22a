//! Certificates from an ACME server (RFC 8555): ordered when there is none or its end is near, kept in the store
//! with their keys sealed, shown by whoever listens.
//!
//! Invariants: of several processes one orders, by a lease in the store; what failed is tried again ever more rarely,
//! over restarts too, at most four times in the first hour; a certificate that was just issued is not ordered again
//! within the hour, whatever the clock says. A fault of the server stops the orders of all hosts, one of a host its
//! own only.

mod order;
mod schedule;

use crate::domain::host::Host;
use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{Change, Commit, Fault, OrderClaim, OrderState, SharedStore, StoredCertificate};
use crate::vault::{Purpose, Vault};
use order::{Issued, OrderFault, Whose};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// From one look at what is due to the next.
const INTERVAL: Duration = Duration::from_secs(10);
/// Longest time for an order, with what is asked and answered meanwhile.
const ORDER: Duration = Duration::from_secs(180);
/// How long nobody else orders; longer than an order takes.
const LEASE: Duration = Duration::from_secs(240);
/// A certificate is not replaced sooner.
const REST: Duration = Duration::from_secs(3600);

/// How the server makes sure that a host is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// RFC 8555 8.3.
    Http01,
    /// RFC 8737.
    TlsAlpn01,
}

/// What is wanted, from the configuration.
#[derive(Clone)]
pub struct Plan {
    /// The directory's URL.
    pub directory: String,
    pub email: Option<String>,
    pub challenge: Challenge,
    /// Trusted for the server itself in place of the system's authorities.
    pub ca: Option<Vec<CertificateDer<'static>>>,
    pub hosts: Vec<Host>,
    pub renew_before: Option<Duration>,
    pub external_account: Option<ExternalAccount>,
}

#[derive(Clone)]
pub struct ExternalAccount {
    pub key_id: String,
    pub key: Zeroizing<Vec<u8>>,
}

/// What is asked of the rest of the program.
pub trait Desk: Send + Sync {
    /// What is wanted now; `None`: nothing.
    fn plan(&self) -> Option<Plan>;
    /// Answers the server's question over plain HTTP until [`Desk::withdraw`].
    fn answer_http(&self, host: &Host, token: &str, key_authorization: &str);
    /// The same in a TLS handshake: the SHA-256 of the key authorization.
    fn answer_tls(&self, host: &Host, digest: &[u8]) -> Result<(), String>;
    fn withdraw(&self, host: &Host);
    /// Serves this certificate from now on. Both in PEM.
    fn serve(&self, host: &Host, chain: &str, key: &str) -> Result<(), String>;
    /// Serves certificates for no other hosts.
    fn keep(&self, hosts: &[Host]);
    /// An order failed; to be counted.
    fn failed(&self);
}

/// Orders and renews.
pub struct Acme {
    store: SharedStore,
    vault: Arc<Vault>,
    env: Env,
    desk: Arc<dyn Desk>,
    /// The ends of what is served, by host and server.
    served: Mutex<HashMap<(String, Host), Timestamp>>,
}

impl Acme {
    pub fn new(store: SharedStore, vault: Arc<Vault>, env: Env, desk: Arc<dyn Desk>) -> Self {
        Self {
            store,
            vault,
            env,
            desk,
            served: Mutex::default(),
        }
    }

    /// Looks after certificates for ever.
    pub async fn run(self) {
        loop {
            if let Some(plan) = self.desk.plan()
                && let Err(fault) = self.round(&plan).await
            {
                tracing::warn!(error = %fault, "certificates cannot be looked after; it is tried again");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Serves what the store has; another process may have got it. What it had before stays where this fails.
    pub async fn take_up(&self) -> Result<(), Fault> {
        match self.desk.plan() {
            Some(plan) => {
                let stored = self.stored(&plan).await?;
                let missing = |host: &&Host| !stored.iter().any(|c| c.host == **host);
                for host in plan.hosts.iter().filter(missing) {
                    tracing::warn!(%host, "until the ACME server has issued a certificate, one of our own making is served, which no browser trusts");
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn stored(&self, plan: &Plan) -> Result<Vec<StoredCertificate>, Fault> {
        let stored = self.store.certificates(&plan.directory).await?;
        self.desk.keep(&plan.hosts);
        let wanted = |c: &&StoredCertificate| plan.hosts.contains(&c.host);
        for certificate in stored.iter().filter(wanted) {
            let key = (certificate.directory.clone(), certificate.host.clone());
            let before = self.served.lock().insert(key, certificate.not_after);
            if before != Some(certificate.not_after) {
                self.serve(certificate);
            }
        }
        self.served.lock().retain(|(directory, host), _| {
            *directory == plan.directory && plan.hosts.contains(host)
        });
        Ok(stored)
    }

    fn serve(&self, certificate: &StoredCertificate) {
        let host = &certificate.host;
        let opened = self
            .vault
            .open_sealed(
                Purpose::Certificate,
                &key_of(certificate),
                &certificate.sealed_key,
            )
            .map_err(|e| e.to_string())
            .and_then(|key| match std::str::from_utf8(&key) {
                Ok(key) => self.desk.serve(host, &certificate.chain, key),
                Err(e) => Err(e.to_string()),
            });
        match opened {
            Ok(()) => {
                tracing::info!(%host, until = certificate.not_after.seconds(), "a certificate of the ACME server is served");
            }
            Err(error) => {
                tracing::error!(%host, error, "a certificate that is kept cannot be served");
            }
        }
    }

    async fn round(&self, plan: &Plan) -> Result<(), Fault> {
        let stored = self.stored(plan).await?;
        for host in &plan.hosts {
            let there = stored.iter().find(|c| c.host == *host);
            let now = self.env.now();
            let due = there.is_none_or(|c| {
                let life = (c.not_before, c.not_after);
                schedule::is_due(life, plan.renew_before, now)
            });
            if !due {
                continue;
            }
            let claim = OrderClaim {
                directory: plan.directory.clone(),
                host: host.clone(),
                replaces: there.map(|c| c.not_after),
                now,
                lease_until: now.plus(LEASE),
            };
            if let Some(state) = self.store.claim_order(&claim).await?
                && self.order(plan, host, state).await? == Some(Whose::Server)
            {
                break;
            }
        }
        Ok(())
    }

    /// One try. Whose fault it was, where it failed.
    async fn order(
        &self,
        plan: &Plan,
        host: &Host,
        state: OrderState,
    ) -> Result<Option<Whose>, Fault> {
        tracing::info!(%host, directory = plan.directory, "a certificate is ordered");
        let ordered = tokio::time::timeout(ORDER, self.obtain(plan, host)).await;
        self.desk.withdraw(host);
        let fault = match ordered {
            Ok(Ok(issued)) => {
                self.keep(plan, host, issued).await?;
                return Ok(None);
            }
            Ok(Err(Obtain::Store(fault))) => return Err(fault),
            Ok(Err(Obtain::Order(fault))) => fault,
            Err(_) => OrderFault::of_server("it took too long"),
        };
        self.desk.failed();
        self.defer(plan, host, state, &fault).await?;
        Ok(Some(fault.whose))
    }

    async fn keep(&self, plan: &Plan, host: &Host, issued: Issued) -> Result<(), Fault> {
        let mut certificate = StoredCertificate {
            directory: plan.directory.clone(),
            host: host.clone(),
            chain: issued.chain,
            sealed_key: Vec::new(),
            not_before: issued.not_before,
            not_after: issued.not_after,
        };
        certificate.sealed_key = self.vault.seal(
            Purpose::Certificate,
            &key_of(&certificate),
            issued.key.as_bytes(),
        );
        let next_try_at = self.env.now().plus(REST);
        let key = (certificate.directory.clone(), host.clone());
        self.served.lock().insert(key, certificate.not_after);
        self.serve(&certificate);
        let kept = Change::KeepCertificate {
            certificate: Box::new(certificate),
            next_try_at,
        };
        // it replaces whatever is there
        let _ = self.store.commit(&[kept]).await?;
        Ok(())
    }

    async fn defer(
        &self,
        plan: &Plan,
        host: &Host,
        state: OrderState,
        fault: &OrderFault,
    ) -> Result<(), Fault> {
        let failures = match fault.whose {
            Whose::Host => state.failures,
            Whose::Server => state.server_failures,
        };
        let pause = schedule::pause(failures);
        let next_try_at = self.env.now().plus(pause);
        let directory = plan.directory.clone();
        let mut changes = vec![Change::DeferOrder {
            directory: directory.clone(),
            host: host.clone(),
            next_try_at,
        }];
        if fault.whose == Whose::Server {
            changes.push(Change::DeferOrders {
                directory: directory.clone(),
                next_try_at,
            });
        }
        if fault.unknown_account {
            changes.push(Change::ForgetAcmeAccount { directory });
        }
        // none of them can come too late
        let _ = self.store.commit(&changes).await?;
        tracing::error!(
            %host,
            error = fault.message,
            failures = failures.saturating_add(1),
            next_try_minutes = pause.as_secs() / 60,
            "no certificate was issued; what is served stays"
        );
        Ok(())
    }

    async fn obtain(&self, plan: &Plan, host: &Host) -> Result<Issued, Obtain> {
        let account = self.account(plan).await?;
        let issued = order::obtain(&account, host, plan.challenge, &*self.desk).await;
        issued.map_err(Obtain::Order)
    }

    /// The account at the server, made at first use.
    async fn account(&self, plan: &Plan) -> Result<instant_acme::Account, Obtain> {
        let belongs_to = format!("account {}", plan.directory);
        let purpose = Purpose::Certificate;
        if let Some(sealed) = self.store.acme_account(&plan.directory).await? {
            let opened = self
                .vault
                .open_sealed(purpose, belongs_to.as_bytes(), &sealed);
            let opened = opened.map_err(|e| OrderFault::of_server(&e.to_string()))?;
            return Ok(order::restore(plan, &opened).await?);
        }
        let (account, credentials) = order::register(plan).await?;
        let sealed = self
            .vault
            .seal(purpose, belongs_to.as_bytes(), &credentials);
        let add = Change::AddAcmeAccount {
            directory: plan.directory.clone(),
            sealed,
        };
        match self.store.commit(&[add]).await? {
            Commit::Done => tracing::info!(
                directory = plan.directory,
                "an account was made at the ACME server"
            ),
            // another process has made one at the same time: this one is used once and forgotten
            Commit::Lost(_) => {}
        }
        Ok(account)
    }
}

/// What a sealed key belongs to.
fn key_of(certificate: &StoredCertificate) -> Vec<u8> {
    format!("key {} {}", certificate.directory, certificate.host).into_bytes()
}

/// Why there is no certificate.
enum Obtain {
    Order(OrderFault),
    Store(Fault),
}

impl From<OrderFault> for Obtain {
    fn from(fault: OrderFault) -> Self {
        Self::Order(fault)
    }
}

impl From<Fault> for Obtain {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}
