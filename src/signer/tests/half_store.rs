//! The part of the store's contract that signing keys and the operations listener need, in memory; everything
//! else fails. Shared by unit and integration tests: `lib` is the crate, by whatever name it has there.

use super::lib;
use async_trait::async_trait;
use lib::domain::account::{Account, NameKey};
use lib::domain::audit::{Event, Record};
use lib::domain::authenticator::{EmergencyCode, OneTimeCode};
use lib::domain::id::{AccountId, SessionId};
use lib::domain::secret::TokenHash;
use lib::domain::session::{Session, View};
use lib::domain::throttle::{Admission, Bucket, Rule};
use lib::domain::timestamp::Timestamp;
use lib::store::{
    AuditFilter, Census, Change, Commit, Fault, Notice, Store, StoredAttempt, StoredKey, Ticket,
};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Default)]
pub(crate) struct HalfStore {
    pub(crate) keys: Mutex<Vec<StoredKey>>,
    pub(crate) trail: Mutex<Vec<Record>>,
    pub(crate) broken: AtomicBool,
    pub(crate) censuses: AtomicU64,
}

fn absent<T>() -> Result<T, Fault> {
    Err(Fault::Query("half a store has no such thing".into()))
}

impl HalfStore {
    fn up(&self) -> Result<(), Fault> {
        match self.broken.load(Ordering::SeqCst) {
            true => Err(Fault::Query("disk I/O error".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Store for HalfStore {
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<StoredKey>, Fault> {
        self.up()?;
        let mut keys = self.keys.lock().clone();
        keys.retain(|key| key.retired_until.is_none_or(|until| now < until));
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        Ok(keys)
    }

    async fn commit(&self, changes: &[Change]) -> Result<Commit, Fault> {
        self.up()?;
        let mut keys = self.keys.lock();
        for change in changes {
            match change {
                Change::AddSigningKey(key) => keys.push(key.clone()),
                Change::RetireOtherKeys {
                    current,
                    published_until,
                } => {
                    for key in keys.iter_mut().filter(|key| key.id != *current) {
                        key.retired_until.get_or_insert(*published_until);
                    }
                }
                Change::Audit(record) => self.trail.lock().push(record.clone()),
                _ => return absent(),
            }
        }
        Ok(Commit::Done)
    }

    async fn last_notice(&self) -> Result<i64, Fault> {
        self.up()?;
        Ok(0)
    }

    async fn census(&self, _: Timestamp) -> Result<Census, Fault> {
        self.up()?;
        let nth = self.censuses.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Census {
            accounts: 12,
            active_accounts: 10,
            with_second_factor: 4,
            sessions: nth,
        })
    }

    async fn account_by_name(&self, _: &NameKey) -> Result<Option<Account>, Fault> {
        absent()
    }
    async fn account(&self, _: AccountId) -> Result<Option<Account>, Fault> {
        absent()
    }
    async fn accounts(&self, _: Option<&str>, _: u32) -> Result<Vec<Account>, Fault> {
        absent()
    }
    async fn emergency_codes(&self, _: AccountId) -> Result<Vec<EmergencyCode>, Fault> {
        absent()
    }
    async fn one_time_code(&self, _: AccountId) -> Result<Option<OneTimeCode>, Fault> {
        absent()
    }
    async fn attempt(&self, _: &TokenHash) -> Result<Option<StoredAttempt>, Fault> {
        absent()
    }
    async fn session(&self, _: &TokenHash, _: Timestamp) -> Result<Option<View>, Fault> {
        absent()
    }
    async fn sessions_of(
        &self,
        _: Option<AccountId>,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<Session>, Fault> {
        absent()
    }
    async fn ticket(&self, _: &TokenHash) -> Result<Option<Ticket>, Fault> {
        absent()
    }
    async fn audit(&self, _: AuditFilter) -> Result<Vec<Record>, Fault> {
        absent()
    }
    async fn audit_count(&self, _: AccountId, _: Event, _: Timestamp) -> Result<u32, Fault> {
        absent()
    }
    async fn count_try(&self, _: &[(Bucket, Rule)], _: Timestamp) -> Result<Admission, Fault> {
        absent()
    }
    async fn touch(&self, _: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
        absent()
    }
    async fn sweep(&self, _: Timestamp) -> Result<(), Fault> {
        absent()
    }
    async fn notices(&self, _: i64) -> Result<(i64, Vec<Notice>), Fault> {
        absent()
    }
}
