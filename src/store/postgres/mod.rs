//! The store on a PostgreSQL server, for several nodes at once.
//!
//! Invariants: every change that must happen once has one winner on all nodes together ([`commit`] says how);
//! a server that is away is a fault within some two seconds, and so is one that does not answer; what was acknowledged
//! is on the server's disk; a standby is not asked ([`way`]). Nodes hear of each other's changes at once, by calls of the server ([`ears`]), and read
//! what they are from a table ([`notices`]), which they look at every second anyway.
//!
//! [`rows`] alone knows how a row becomes a domain value; the other files are grouped as [`Change`] is, reads
//! beside writes, as those of the embedded store are. The SQL is PostgreSQL's own.

mod accounts;
mod attempts;
mod audit;
mod authenticators;
mod certificates;
mod commit;
mod desk;
mod devices;
mod ears;
mod keys;
mod locks;
mod mail;
mod notices;
mod open;
mod rows;
mod sessions;
mod sweep;
mod throttle;
mod way;

use super::{
    AuditFilter, Census, Change, ClaimedMail, Commit, Fault, Link, Notice, OrderClaim, OrderState,
    Outbox, Store, StoredAttempt, StoredCertificate, StoredKey, Ticket,
};
use crate::domain::account::{Account, NameKey};
use crate::domain::adoption::Snapshot;
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Event, Logged};
use crate::domain::authenticator::{EmergencyCode, OneTimeCode};
use crate::domain::desk::Approval;
use crate::domain::device::Device;
use crate::domain::host::Host;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::secret::TokenHash;
use crate::domain::session::{Record, View};
use crate::domain::throttle::{Admission, Bucket, Counter, Rule};
use crate::domain::timestamp::Timestamp;
use async_trait::async_trait;
use ears::Ears;
pub(super) use open::options;
use open::{LONG_PATIENCE, PATIENCE};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use way::Way;

/// A store in one database of a server.
pub struct PostgresStore {
    pool: PgPool,
    options: PgConnectOptions,
    way: Arc<Way>,
    /// From the first wait for notices on; commands need none.
    ears: OnceLock<Ears>,
}

/// The options hold a password.
impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresStore({} connections)", self.pool.size())
    }
}

impl PostgresStore {
    /// A transaction in which every statement sees what was committed before it.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool
            .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
            .await
    }

    /// The answer to a question, or a fault when it takes too long.
    async fn asked<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        self.within(PATIENCE, work).await
    }

    /// The same for a question about many, which the console and housekeeping ask.
    async fn searched<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        self.within(LONG_PATIENCE, work).await
    }

    async fn within<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        let waited = match tokio::time::timeout(patience, work).await {
            Ok(Err(Fault::NoConnection)) => PATIENCE,
            Ok(done) => return done,
            Err(_) => patience,
        };
        Err(if self.way.leads_to_standby() {
            Fault::ReadOnly("the database server is a standby".to_owned())
        } else {
            Fault::Away(format!(
                "the database server has not answered within {} s",
                waited.as_secs()
            ))
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn account_by_name(&self, name: &NameKey) -> Result<Option<Account>, Fault> {
        self.asked(accounts::by_name(&self.pool, name)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, Fault> {
        self.asked(accounts::by_id(&self.pool, id)).await
    }

    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Account>, Fault> {
        self.searched(accounts::page(&self.pool, after, limit))
            .await
    }

    async fn emergency_codes(&self, account: AccountId) -> Result<Vec<EmergencyCode>, Fault> {
        self.asked(authenticators::emergency_codes(&self.pool, account))
            .await
    }

    async fn one_time_code(&self, account: AccountId) -> Result<Option<OneTimeCode>, Fault> {
        self.asked(authenticators::one_time_code(&self.pool, account))
            .await
    }

    async fn attempt(&self, token: &TokenHash) -> Result<Option<StoredAttempt>, Fault> {
        self.asked(attempts::find(&self.pool, token)).await
    }

    async fn session(&self, token: &TokenHash, now: Timestamp) -> Result<Option<View>, Fault> {
        self.asked(sessions::find(&self.pool, token, now)).await
    }

    async fn sessions_of(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Record>, Fault> {
        self.searched(sessions::list(&self.pool, account, now, limit))
            .await
    }

    async fn hosts_opened(
        &self,
        account: AccountId,
    ) -> Result<HashMap<SessionId, Vec<Host>>, Fault> {
        self.asked(sessions::hosts_opened(&self.pool, account))
            .await
    }

    async fn ticket(&self, token: &TokenHash) -> Result<Option<Ticket>, Fault> {
        self.asked(sessions::ticket(&self.pool, token)).await
    }

    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<StoredKey>, Fault> {
        self.asked(keys::published(&self.pool, now)).await
    }

    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Logged>, Fault> {
        self.searched(audit::list(&self.pool, filter)).await
    }

    async fn audit_count(
        &self,
        account: AccountId,
        event: Event,
        since: Timestamp,
    ) -> Result<u32, Fault> {
        self.asked(audit::count(&self.pool, account, event, since))
            .await
    }

    async fn search_accounts(&self, text: &str, limit: u32) -> Result<Vec<Account>, Fault> {
        self.searched(accounts::search(&self.pool, text, limit))
            .await
    }

    async fn deletions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Account>, Fault> {
        self.searched(accounts::deletions_due(&self.pool, now, limit))
            .await
    }

    async fn device(&self, account: AccountId, token: &TokenHash) -> Result<Option<Device>, Fault> {
        self.asked(devices::find(&self.pool, account, token)).await
    }

    async fn devices_of(&self, account: AccountId) -> Result<Vec<Device>, Fault> {
        self.asked(devices::list(&self.pool, account)).await
    }

    async fn link(&self, token: &TokenHash) -> Result<Option<Link>, Fault> {
        self.asked(mail::link(&self.pool, token)).await
    }

    async fn has_mark(&self, account: AccountId, mark: &str) -> Result<bool, Fault> {
        self.asked(desk::has_mark(&self.pool, account, mark)).await
    }

    async fn approvals(&self, now: Timestamp) -> Result<Vec<Approval>, Fault> {
        self.asked(desk::approvals(&self.pool, now)).await
    }

    async fn api_token(&self, token: &TokenHash) -> Result<Option<ApiToken>, Fault> {
        self.asked(desk::token(&self.pool, token)).await
    }

    async fn api_tokens(&self) -> Result<Vec<ApiToken>, Fault> {
        self.asked(desk::tokens(&self.pool)).await
    }

    async fn adoption(&self, since_day: i64, group: Option<&str>) -> Result<Vec<Snapshot>, Fault> {
        self.searched(desk::adoption(&self.pool, since_day, group))
            .await
    }

    async fn counter(&self, bucket: &Bucket) -> Result<Counter, Fault> {
        self.asked(throttle::stored(&self.pool, bucket)).await
    }

    async fn outbox(&self) -> Result<Outbox, Fault> {
        self.searched(mail::outbox(&self.pool)).await
    }

    async fn certificates(&self, directory: &str) -> Result<Vec<StoredCertificate>, Fault> {
        self.asked(certificates::list(&self.pool, directory)).await
    }

    async fn acme_account(&self, directory: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.asked(certificates::account(&self.pool, directory))
            .await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, Fault> {
        self.searched(accounts::census(&self.pool, now)).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<Commit, Fault> {
        /// A transaction that was ended for another one's sake has that one behind it.
        const TRIES: usize = 5;
        if changes.is_empty() {
            return Ok(Commit::Done);
        }
        self.within(LONG_PATIENCE, async {
            for _ in 1..TRIES {
                match commit::run(self.begin().await?, changes).await {
                    Err(e) if commit::may_be_repeated(&e) => {}
                    other => return Ok(other?),
                }
            }
            Ok(commit::run(self.begin().await?, changes).await?)
        })
        .await
    }

    async fn count_try(
        &self,
        buckets: &[(Bucket, Rule)],
        now: Timestamp,
    ) -> Result<Admission, Fault> {
        self.within(LONG_PATIENCE, async {
            throttle::count(self.begin().await?, buckets, now).await
        })
        .await
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, Fault> {
        if !self.asked(mail::any_due(&self.pool, now)).await? {
            return Ok(Vec::new());
        }
        self.within(
            LONG_PATIENCE,
            mail::claim(&self.pool, now, lease_until, limit),
        )
        .await
    }

    async fn claim_order(&self, claim: &OrderClaim) -> Result<Option<OrderState>, Fault> {
        self.within(LONG_PATIENCE, async {
            certificates::claim(self.begin().await?, claim).await
        })
        .await
    }

    async fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
        for some in seen.chunks(sessions::TOUCHED_AT_ONCE) {
            self.within(LONG_PATIENCE, sessions::touch(&self.pool, some))
                .await?;
        }
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), Fault> {
        for statement in sweep::STATEMENTS {
            for _ in 0..sweep::ROUNDS {
                let round = sweep::round(&self.pool, statement, now);
                if self.within(LONG_PATIENCE, round).await? < sweep::ROWS {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn last_notice(&self) -> Result<i64, Fault> {
        self.asked(notices::last(&self.pool)).await
    }

    async fn notices(&self, after: i64) -> Result<(i64, Vec<Notice>), Fault> {
        self.asked(notices::after(&self.pool, after)).await
    }

    async fn wait_for_notices(&self, _usual: Duration) {
        /// A call may be lost with its connection, and a change is to be in force within a second.
        const ANYWAY: Duration = Duration::from_secs(1);
        let ears = self
            .ears
            .get_or_init(|| Ears::listen(&self.options, &self.way));
        ears.wait(ANYWAY).await;
    }
}
