//! Sessions on the hot path: one cache look-up a request, no store.
//!
//! A cached view is good while its session and its account have not changed. Each has a cell with a
//! generation; ending a session, changing an account, or hearing of either from another process moves the
//! generation on, and the next request loads anew. The cache's time to live bounds what a lost notice could do,
//! and how long cached sessions go on while the store is away.

use crate::domain::host::Host;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::secret::{Token, TokenHash};
use crate::domain::session::{Rules, Session, View};
use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{Fault, Notice, SharedStore};
use arc_swap::ArcSwap;
use moka::sync::Cache;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How long a cached view is believed without a word from the store.
pub const CACHE_TTL: Duration = Duration::from_secs(60);
/// How often other processes' changes are looked for.
pub const NOTICE_INTERVAL: Duration = Duration::from_millis(200);
/// How often activity is written down.
pub const TOUCH_INTERVAL: Duration = Duration::from_secs(5);

const CAPACITY: u64 = 2_000_000;

/// What all cached views of one session share.
#[derive(Debug, Default)]
struct SessionCell {
    generation: AtomicU64,
    seen: AtomicI64,
}

#[derive(Clone, Debug)]
struct Cached {
    view: Arc<View>,
    session: Arc<SessionCell>,
    account: Arc<AtomicU64>,
    generations: (u64, u64),
    loaded_at: Timestamp,
}

impl Cached {
    /// Nothing has been heard against it, and it is not older than the cache may be. A clock that was set
    /// back makes it old, not young.
    fn is_current(&self, now: Timestamp) -> bool {
        let fresh = self.loaded_at <= now && now.since(self.loaded_at) < CACHE_TTL;
        let heard = (
            self.session.generation.load(Ordering::Acquire),
            self.account.load(Ordering::Acquire),
        );
        fresh && heard == self.generations
    }
}

/// Hashes [`TokenHash`]es, which are evenly spread already. Whoever sends tokens cannot choose which of them are kept.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs;

#[derive(Debug, Default)]
struct FirstBytes(u64);

impl BuildHasher for AsItIs {
    type Hasher = FirstBytes;
    fn build_hasher(&self) -> FirstBytes {
        FirstBytes::default()
    }
}

impl Hasher for FirstBytes {
    /// The length comes first, then the bytes.
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

pub struct Sessions {
    store: SharedStore,
    env: Env,
    rules: ArcSwap<Rules>,
    views: Cache<TokenHash, Cached, AsItIs>,
    sessions: Cache<SessionId, Arc<SessionCell>>,
    accounts: Cache<AccountId, Arc<AtomicU64>>,
    active: Mutex<HashMap<SessionId, Timestamp>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({} cached)", self.views.entry_count())
    }
}

impl Sessions {
    pub fn new(store: SharedStore, env: Env, rules: Rules) -> Self {
        // A view is used for at most CACHE_TTL after it was loaded, and loading touches its cells: a cell that
        // a usable view holds is always found here. Hence no capacity, which could push one out.
        let cells = CACHE_TTL * 10;
        Self {
            store,
            env,
            rules: ArcSwap::from_pointee(rules),
            views: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_idle(CACHE_TTL)
                .build_with_hasher(AsItIs),
            sessions: Cache::builder().time_to_idle(cells).build(),
            accounts: Cache::builder().time_to_idle(cells).build(),
            active: Mutex::default(),
        }
    }

    pub fn rules(&self) -> Rules {
        **self.rules.load()
    }

    /// Other limits, for every session from its next request on.
    pub fn set_rules(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// The live session a cookie stands for on this host (`None`: the portal). Anything else about the
    /// cookie (malformed, unknown, another host's, ended, idle too long) is `Ok(None)`.
    pub async fn find(
        &self,
        cookie: &str,
        host: Option<&Host>,
    ) -> Result<Option<Arc<View>>, Fault> {
        let Some(token) = Token::parse(cookie) else {
            return Ok(None);
        };
        let hash = token.hash();
        let now = self.env.now();
        let cached = match self.views.get(&hash).filter(|c| c.is_current(now)) {
            Some(cached) => cached,
            None => match self.load(&hash, now).await? {
                Some(loaded) => loaded,
                None => return Ok(None),
            },
        };
        let view = self.with_activity(&hash, cached);
        let fits = view.host.as_ref() == host && view.is_live(&self.rules(), now);
        Ok(fits.then_some(view))
    }

    /// Notes that the person did something, for the idle limit; cheap.
    pub fn seen(&self, view: &View) {
        let id = view.session.id;
        let now = self.env.now();
        if now.since(view.session.last_seen_at) < self.noticeable() {
            return;
        }
        let Some(cell) = self.sessions.get(&id) else {
            return;
        };
        let last = cell.seen.fetch_max(now.seconds(), Ordering::AcqRel);
        if now.seconds() > last {
            self.active.lock().insert(id, now);
        }
    }

    /// How much later an activity must be to be written down: a small part of the idle limit, so that a busy session
    /// costs nothing.
    fn noticeable(&self) -> Duration {
        self.rules.load().idle / 64
    }

    /// Forgets what is cached of a session; its next request asks the store.
    pub fn forget(&self, session: SessionId) {
        if let Some(cell) = self.sessions.get(&session) {
            cell.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Forgets what is cached of an account's sessions.
    pub fn forget_account(&self, account: AccountId) {
        if let Some(generation) = self.accounts.get(&account) {
            generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Takes note of what other processes changed. `true` when signing keys are among it.
    pub fn heed(&self, notices: &[Notice]) -> bool {
        let mut keys = false;
        for notice in notices {
            match notice {
                Notice::Session(id) => self.forget(*id),
                Notice::Account(id) => self.forget_account(*id),
                Notice::Keys => keys = true,
            }
        }
        keys
    }

    /// Writes down who was active since the last call. After a fault the notes are kept for the next call.
    pub async fn flush(&self) -> Result<(), Fault> {
        let active = std::mem::take(&mut *self.active.lock());
        if active.is_empty() {
            return Ok(());
        }
        let seen: Vec<_> = active.into_iter().collect();
        let outcome = self.store.touch(&seen).await;
        if outcome.is_err() {
            let mut notes = self.active.lock();
            for (id, at) in seen {
                notes.entry(id).or_insert(at);
            }
        }
        outcome
    }

    async fn load(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Cached>, Fault> {
        // the generation of a session we do not know yet: read the id first, then the truth
        let Some(first) = self.store.session(hash, now).await? else {
            self.views.invalidate(hash);
            return Ok(None);
        };
        let session = self
            .sessions
            .get_with(first.session.id, Arc::<SessionCell>::default);
        let account = self
            .accounts
            .get_with(first.session.account, Arc::<AtomicU64>::default);
        let generations = (
            session.generation.load(Ordering::Acquire),
            account.load(Ordering::Acquire),
        );
        // A change that landed between the first read and the cells is seen by this second one; a change
        // after it moves the cells on. Only first use of a cookie in a minute pays for both.
        let Some(view) = self.store.session(hash, now).await? else {
            return Ok(None);
        };
        session
            .seen
            .fetch_max(view.session.last_seen_at.seconds(), Ordering::AcqRel);
        let cached = Cached {
            view: Arc::new(view),
            session,
            account,
            generations,
            loaded_at: now,
        };
        self.views.insert(*hash, cached.clone());
        Ok(Some(cached))
    }

    /// The view with the session's latest activity. It is renewed in the cache only when it lags behind by
    /// a noticeable part of the idle limit, so that a busy session costs no allocation. It stays as old as it
    /// was: activity is no word from the store.
    fn with_activity(&self, hash: &TokenHash, cached: Cached) -> Arc<View> {
        let seen = cached.session.seen.load(Ordering::Acquire);
        let known = cached.view.session.last_seen_at;
        let lag = Timestamp::from_seconds(seen).since(known);
        if lag < self.noticeable() {
            return cached.view;
        }
        let session = Session {
            last_seen_at: Timestamp::from_seconds(seen),
            ..cached.view.session.clone()
        };
        let view = Arc::new(View {
            session,
            account: Arc::clone(&cached.view.account),
            host: cached.view.host.clone(),
        });
        let renewed = Cached {
            view: Arc::clone(&view),
            ..cached
        };
        self.views.insert(*hash, renewed);
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;
    use crate::domain::assurance::Factors;
    use crate::domain::policy::tests::account;
    use crate::env::{Entropy, ManualClock};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Change, Commit, Store as _};
    use std::collections::BTreeSet;

    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0];
            }
        }
    }

    const NOW: i64 = 1_800_000_000;

    struct World {
        clock: Arc<ManualClock>,
        store: Arc<SqliteStore>,
        sessions: Sessions,
        cookie: String,
        account: Account,
        _dir: tempfile::TempDir,
    }

    impl World {
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store = Arc::new(SqliteStore::open(&dir.path().join("v.db")).await.unwrap());
            let clock = Arc::new(ManualClock::at(NOW));
            let env = Env::new(clock.clone(), Arc::new(Counting(AtomicU64::new(1))));
            let rules = Rules {
                idle: Duration::from_secs(900),
                lifetime: Duration::from_secs(36_000),
            };
            let token = env.token();
            let account = account();
            let session = Session {
                id: SessionId::from_uuid(env.uuid()),
                account: account.id,
                factors: Factors::PASSWORD,
                auth_time: env.now(),
                password_at: env.now(),
                second_factor_at: None,
                expires_at: env.now().plus(rules.lifetime),
                last_seen_at: env.now(),
                address: None,
                user_agent: None,
                trusted_device: None,
            };
            let changes = [
                Change::AddAccount(Box::new(account.clone())),
                Change::OpenSession {
                    session: Box::new(session),
                    token: token.hash(),
                },
            ];
            assert_eq!(store.commit(&changes).await.unwrap(), Commit::Done);
            Self {
                sessions: Sessions::new(store.clone(), env, rules),
                cookie: token.reveal(),
                clock,
                store,
                account,
                _dir: dir,
            }
        }

        async fn request(&self) -> Option<Arc<View>> {
            let found = self.sessions.find(&self.cookie, None).await.unwrap();
            if let Some(view) = &found {
                self.sessions.seen(view);
            }
            found
        }

        /// As another process does it: nobody tells this one.
        async fn take_groups_away(&self) {
            let change = Change::SetGroups {
                account: self.account.id,
                groups: BTreeSet::new(),
            };
            assert_eq!(self.store.commit(&[change]).await.unwrap(), Commit::Done);
        }
    }

    #[test]
    fn tokens_are_told_apart_by_their_own_bytes() {
        let [a, b] = [1, 2].map(|n| AsItIs.hash_one(TokenHash::from_bytes([n; 32])));
        assert_eq!(a, u64::from_le_bytes([1; 8]));
        assert_ne!(a, b);
    }

    #[tokio::test]
    async fn steady_traffic_does_not_keep_a_view_beyond_the_caches_time() {
        let world = World::new().await;
        for _ in 0..11 * 60 {
            assert!(world.request().await.is_some());
            world.clock.advance(1);
        }
        assert!(!world.request().await.unwrap().account.groups.is_empty());
        world.take_groups_away().await;
        let mut seconds = 0;
        while !world.request().await.unwrap().account.groups.is_empty() {
            world.clock.advance(1);
            seconds += 1;
            assert!(seconds <= CACHE_TTL.as_secs(), "believed for {seconds} s");
        }
    }

    #[tokio::test]
    async fn a_notice_is_heeded_at_once_however_long_the_session_was_busy() {
        let world = World::new().await;
        for _ in 0..11 * 60 {
            assert!(world.request().await.is_some());
            world.clock.advance(1);
        }
        // what the caches do on their own after ten minutes without a look at a cell
        world.sessions.accounts.run_pending_tasks();
        world.take_groups_away().await;
        let (_, notices) = world.store.notices(0).await.unwrap();
        world.sessions.heed(&notices);
        assert!(world.request().await.unwrap().account.groups.is_empty());
    }

    #[tokio::test]
    async fn without_the_store_a_cached_session_goes_on_for_the_caches_time_only() {
        let world = World::new().await;
        assert!(world.request().await.is_some());
        world.store.close().await;
        world.clock.advance(59);
        assert!(world.request().await.is_some());
        world.clock.advance(1);
        assert!(world.sessions.find(&world.cookie, None).await.is_err());
    }

    #[tokio::test]
    async fn a_clock_set_back_makes_nothing_young() {
        let world = World::new().await;
        assert!(world.request().await.is_some());
        world.take_groups_away().await;
        world.clock.advance(-100);
        assert!(world.request().await.unwrap().account.groups.is_empty());
    }
}
