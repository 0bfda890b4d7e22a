//! The embedded store: SQLite in WAL mode, one file.
//!
//! Invariants: one connection writes, so that writers of this process queue instead of colliding, and every
//! write begins with `BEGIN IMMEDIATE`, so that writers of several processes (the gateway, the command line)
//! wait for each other instead of failing half-way; `synchronous = FULL`, so that what was acknowledged is
//! on disk. A file that was replaced or removed under the running process is a fault, not a ghost that goes
//! on answering.
//!
//! The SQL is what PostgreSQL understands too, wherever SQLite leaves the choice. [`rows`] alone knows how
//! a row becomes a domain value; the other files are grouped as [`Change`] is, reads beside writes.

mod accounts;
mod attempts;
mod audit;
mod authenticators;
mod certificates;
mod commit;
pub mod copy;
mod desk;
mod devices;
mod keys;
mod mail;
mod notices;
mod open;
mod presence;
pub mod restore;
mod rows;
mod sessions;
mod sweep;
mod throttle;

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
use open::FileIdentity;
pub(super) use open::{is_busy, settings};
pub use presence::Presence;
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::collections::HashMap;
use std::time::Duration;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    file: FileIdentity,
    /// Nobody puts another file in its place meanwhile.
    _presence: Presence,
}

impl SqliteStore {
    /// Connections that only read.
    fn reader(&self) -> Result<&SqlitePool, Fault> {
        self.file.check()?;
        Ok(&self.readers)
    }

    /// The one write transaction; waits for those of this process and of others.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, Fault> {
        self.file.check()?;
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn account_by_name(&self, name: &NameKey) -> Result<Option<Account>, Fault> {
        accounts::by_name(self.reader()?, name).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, Fault> {
        accounts::by_id(self.reader()?, id).await
    }

    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Account>, Fault> {
        accounts::page(self.reader()?, after, limit).await
    }

    async fn emergency_codes(&self, account: AccountId) -> Result<Vec<EmergencyCode>, Fault> {
        authenticators::emergency_codes(self.reader()?, account).await
    }

    async fn one_time_code(&self, account: AccountId) -> Result<Option<OneTimeCode>, Fault> {
        authenticators::one_time_code(self.reader()?, account).await
    }

    async fn attempt(&self, token: &TokenHash) -> Result<Option<StoredAttempt>, Fault> {
        attempts::find(self.reader()?, token).await
    }

    async fn session(&self, token: &TokenHash, now: Timestamp) -> Result<Option<View>, Fault> {
        sessions::find(self.reader()?, token, now).await
    }

    async fn sessions_of(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Record>, Fault> {
        sessions::list(self.reader()?, account, now, limit).await
    }

    async fn hosts_opened(
        &self,
        account: AccountId,
    ) -> Result<HashMap<SessionId, Vec<Host>>, Fault> {
        sessions::hosts_opened(self.reader()?, account).await
    }

    async fn ticket(&self, token: &TokenHash) -> Result<Option<Ticket>, Fault> {
        sessions::ticket(self.reader()?, token).await
    }

    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<StoredKey>, Fault> {
        keys::published(self.reader()?, now).await
    }

    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Logged>, Fault> {
        audit::list(self.reader()?, filter).await
    }

    async fn audit_count(
        &self,
        account: AccountId,
        event: Event,
        since: Timestamp,
    ) -> Result<u32, Fault> {
        audit::count(self.reader()?, account, event, since).await
    }

    async fn search_accounts(&self, text: &str, limit: u32) -> Result<Vec<Account>, Fault> {
        accounts::search(self.reader()?, text, limit).await
    }

    async fn deletions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Account>, Fault> {
        accounts::deletions_due(self.reader()?, now, limit).await
    }

    async fn device(&self, account: AccountId, token: &TokenHash) -> Result<Option<Device>, Fault> {
        devices::find(self.reader()?, account, token).await
    }

    async fn devices_of(&self, account: AccountId) -> Result<Vec<Device>, Fault> {
        devices::list(self.reader()?, account).await
    }

    async fn link(&self, token: &TokenHash) -> Result<Option<Link>, Fault> {
        mail::link(self.reader()?, token).await
    }

    async fn has_mark(&self, account: AccountId, mark: &str) -> Result<bool, Fault> {
        desk::has_mark(self.reader()?, account, mark).await
    }

    async fn approvals(&self, now: Timestamp) -> Result<Vec<Approval>, Fault> {
        desk::approvals(self.reader()?, now).await
    }

    async fn api_token(&self, token: &TokenHash) -> Result<Option<ApiToken>, Fault> {
        desk::token(self.reader()?, token).await
    }

    async fn api_tokens(&self) -> Result<Vec<ApiToken>, Fault> {
        desk::tokens(self.reader()?).await
    }

    async fn adoption(&self, since_day: i64, group: Option<&str>) -> Result<Vec<Snapshot>, Fault> {
        desk::adoption(self.reader()?, since_day, group).await
    }

    async fn counter(&self, bucket: &Bucket) -> Result<Counter, Fault> {
        throttle::stored(self.reader()?, bucket).await
    }

    async fn outbox(&self) -> Result<Outbox, Fault> {
        mail::outbox(self.reader()?).await
    }

    async fn certificates(&self, directory: &str) -> Result<Vec<StoredCertificate>, Fault> {
        certificates::list(self.reader()?, directory).await
    }

    async fn acme_account(&self, directory: &str) -> Result<Option<Vec<u8>>, Fault> {
        certificates::account(self.reader()?, directory).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, Fault> {
        accounts::census(self.reader()?, now).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<Commit, Fault> {
        if changes.is_empty() {
            return Ok(Commit::Done);
        }
        commit::run(self.write().await?, changes).await
    }

    async fn count_try(
        &self,
        buckets: &[(Bucket, Rule)],
        now: Timestamp,
    ) -> Result<Admission, Fault> {
        throttle::count(self.write().await?, buckets, now).await
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, Fault> {
        if !mail::any_due(self.reader()?, now).await? {
            return Ok(Vec::new());
        }
        mail::claim(self.write().await?, now, lease_until, limit).await
    }

    async fn claim_order(&self, claim: &OrderClaim) -> Result<Option<OrderState>, Fault> {
        certificates::claim(self.write().await?, claim).await
    }

    async fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
        for some in seen.chunks(sessions::TOUCHED_AT_ONCE) {
            sessions::touch(self.write().await?, some).await?;
        }
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), Fault> {
        for statement in sweep::STATEMENTS {
            for _ in 0..sweep::ROUNDS {
                if sweep::round(self.write().await?, statement, now).await? < sweep::ROWS {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn last_notice(&self) -> Result<i64, Fault> {
        notices::last(self.reader()?).await
    }

    async fn notices(&self, after: i64) -> Result<(i64, Vec<Notice>), Fault> {
        notices::after(self.reader()?, after).await
    }

    async fn wait_for_notices(&self, usual: Duration) {
        tokio::time::sleep(usual).await;
    }
}
