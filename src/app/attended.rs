//! The store as the running gateway has it: every fault is counted by its kind, and told to the operator in words
//! that say what to do.
//!
//! A store that is away meets every request. So each kind is told once, then once a minute with how many there were,
//! and once more when the store works again; what a single request met is in the line that has its reference.

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
use crate::store::{
    AuditFilter, Census, Change, ClaimedMail, Commit, Fault, FaultKind, Link, Notice, OrderClaim,
    OrderState, Outbox, SharedStore, Store, StoredAttempt, StoredCertificate, StoredKey, Ticket,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A kind of fault that goes on is told again after this time.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// The store works again when it has not failed for so long: of a read-only one, reads go on all the time.
const CALM: Duration = Duration::from_secs(5);

/// A store, and who is told of its faults.
pub(super) struct Attended {
    store: SharedStore,
    count: Box<dyn Fn(FaultKind) + Send + Sync>,
    /// Whether there is something in `trouble`, so that it is not locked while all is well.
    in_trouble: AtomicBool,
    trouble: Mutex<Vec<Trouble>>,
}

/// A kind of fault that goes on.
struct Trouble {
    kind: FaultKind,
    began: Instant,
    last: Instant,
    told: Instant,
    faults: u64,
}

impl Attended {
    pub(super) fn new(
        store: SharedStore,
        count: impl Fn(FaultKind) + Send + Sync + 'static,
    ) -> Self {
        Self {
            store,
            count: Box::new(count),
            in_trouble: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    async fn attend<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let done = work.await;
        match &done {
            Err(fault) => self.failed(fault, Instant::now()),
            Ok(_) if self.in_trouble.load(Ordering::Relaxed) => self.worked(Instant::now()),
            Ok(_) => {}
        }
        done
    }

    fn failed(&self, fault: &Fault, now: Instant) {
        let kind = fault.kind();
        (self.count)(kind);
        let mut trouble = self.trouble.lock();
        self.in_trouble.store(true, Ordering::Relaxed);
        if let Some(known) = trouble.iter_mut().find(|t| t.kind == kind) {
            known.last = now;
            known.faults += 1;
            if now.duration_since(known.told) >= TOLD_EVERY {
                known.told = now;
                tell(fault, known.faults, now.duration_since(known.began));
            }
            return;
        }
        tell(fault, 1, Duration::ZERO);
        trouble.push(Trouble {
            kind,
            began: now,
            last: now,
            told: now,
            faults: 1,
        });
    }

    fn worked(&self, now: Instant) {
        let mut trouble = self.trouble.lock();
        trouble.retain(|t| {
            let goes_on = now.duration_since(t.last) < CALM;
            if !goes_on {
                tracing::info!(
                    store.fault = t.kind.code(),
                    store.faults = t.faults,
                    seconds = t.last.duration_since(t.began).as_secs(),
                    "the store works again"
                );
            }
            goes_on
        });
        self.in_trouble
            .store(!trouble.is_empty(), Ordering::Relaxed);
    }
}

fn tell(fault: &Fault, faults: u64, since: Duration) {
    tracing::error!(
        store.fault = fault.kind().code(),
        store.faults = faults,
        seconds = since.as_secs(),
        error = %fault,
        "{}",
        what_to_do(fault.kind())
    );
}

const fn what_to_do(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Away => {
            "the store is away: nobody gets in, sessions seen within the last minute go on for the rest of it; \
             look after the database server, the network to it, or the disk"
        }
        FaultKind::ReadOnly => {
            "the store takes no changes: nobody can sign in or out; let storage.url lead to the server that writes, \
             or make the server or the disk writable"
        }
        FaultKind::Full => {
            "the store's disk is full: nobody can sign in or out; make room on the disk of the database"
        }
        FaultKind::Busy => {
            "the store is too busy: some people are turned away; look for long transactions, locks and too few \
             connections"
        }
        FaultKind::Damaged => {
            "the store holds what cannot be read: keep a copy of it as it is, then put a backup back"
        }
        FaultKind::Other => "the store fails: what it says is in this line",
    }
}

/// Each method that may fail, handed on.
macro_rules! hand_on {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Attended {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, Fault> {
                self.attend(self.store.$name($($argument),*)).await
            })*

            async fn wait_for_notices(&self, usual: Duration) {
                self.store.wait_for_notices(usual).await;
            }
        }
    };
}

hand_on! {
    async fn account_by_name(name: &NameKey) -> Option<Account>;
    async fn account(id: AccountId) -> Option<Account>;
    async fn accounts(after: Option<&str>, limit: u32) -> Vec<Account>;
    async fn emergency_codes(account: AccountId) -> Vec<EmergencyCode>;
    async fn one_time_code(account: AccountId) -> Option<OneTimeCode>;
    async fn attempt(token: &TokenHash) -> Option<StoredAttempt>;
    async fn session(token: &TokenHash, now: Timestamp) -> Option<View>;
    async fn sessions_of(account: Option<AccountId>, now: Timestamp, limit: u32) -> Vec<Record>;
    async fn hosts_opened(account: AccountId) -> HashMap<SessionId, Vec<Host>>;
    async fn ticket(token: &TokenHash) -> Option<Ticket>;
    async fn signing_keys(now: Timestamp) -> Vec<StoredKey>;
    async fn audit(filter: &AuditFilter) -> Vec<Logged>;
    async fn audit_count(account: AccountId, event: Event, since: Timestamp) -> u32;
    async fn search_accounts(text: &str, limit: u32) -> Vec<Account>;
    async fn deletions_due(now: Timestamp, limit: u32) -> Vec<Account>;
    async fn device(account: AccountId, token: &TokenHash) -> Option<Device>;
    async fn devices_of(account: AccountId) -> Vec<Device>;
    async fn link(token: &TokenHash) -> Option<Link>;
    async fn has_mark(account: AccountId, mark: &str) -> bool;
    async fn approvals(now: Timestamp) -> Vec<Approval>;
    async fn api_token(token: &TokenHash) -> Option<ApiToken>;
    async fn api_tokens() -> Vec<ApiToken>;
    async fn adoption(since_day: i64, group: Option<&str>) -> Vec<Snapshot>;
    async fn counter(bucket: &Bucket) -> Counter;
    async fn outbox() -> Outbox;
    async fn certificates(directory: &str) -> Vec<StoredCertificate>;
    async fn acme_account(directory: &str) -> Option<Vec<u8>>;
    async fn census(now: Timestamp) -> Census;
    async fn commit(changes: &[Change]) -> Commit;
    async fn count_try(buckets: &[(Bucket, Rule)], now: Timestamp) -> Admission;
    async fn claim_mail(now: Timestamp, lease_until: Timestamp, limit: u32) -> Vec<ClaimedMail>;
    async fn claim_order(claim: &OrderClaim) -> Option<OrderState>;
    async fn touch(seen: &[(SessionId, Timestamp)]) -> ();
    async fn sweep(now: Timestamp) -> ();
    async fn last_notice() -> i64;
    async fn notices(after: i64) -> (i64, Vec<Notice>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    /// How many faults of each kind were counted, in the order of `FaultKind::ALL`.
    fn counting() -> (Arc<[AtomicU64; 6]>, impl Fn(FaultKind) + Send + Sync) {
        let counts: Arc<[AtomicU64; 6]> = Arc::default();
        let counted = Arc::clone(&counts);
        let count = move |kind| {
            let place = FaultKind::ALL.iter().position(|k| *k == kind).unwrap();
            counted[place].fetch_add(1, Ordering::SeqCst);
        };
        (counts, count)
    }

    #[tokio::test]
    async fn a_kind_is_told_once_a_minute_and_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("v.db"))
            .await
            .unwrap();
        let (counts, count) = counting();
        let store = Attended::new(Arc::new(store), count);
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let told = || -> Vec<u64> {
            let trouble = store.trouble.lock();
            trouble
                .iter()
                .map(|t| t.told.duration_since(began).as_secs())
                .collect()
        };
        let full = Fault::Full("no space left on device".to_owned());
        for second in 0..=70 {
            store.failed(&full, at(second));
        }
        assert_eq!(told(), [60]);
        // another kind is told for itself, and what works beside does not end either
        store.failed(&Fault::Away("gone".to_owned()), at(71));
        store.worked(at(72));
        assert_eq!(told(), [60, 71]);
        store.worked(at(75));
        assert_eq!(told(), [71]);
        store.worked(at(76));
        assert!(told().is_empty());
        assert!(!store.in_trouble.load(Ordering::SeqCst));
        let counted: Vec<u64> = counts.iter().map(|n| n.load(Ordering::SeqCst)).collect();
        assert_eq!(counted, [1, 0, 71, 0, 0, 0]);
    }

    #[tokio::test]
    async fn what_fails_is_counted_and_what_works_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v.db");
        let store = SqliteStore::open(&file).await.unwrap();
        let (counts, count) = counting();
        let store = Attended::new(Arc::new(store), count);
        store.last_notice().await.unwrap();
        std::fs::remove_file(file).unwrap();
        let _ = store.last_notice().await.unwrap_err();
        let counted: Vec<u64> = counts.iter().map(|n| n.load(Ordering::SeqCst)).collect();
        assert_eq!(counted, [1, 0, 0, 0, 0, 0]);
    }
}
