//! Sessions on the hot path: one cache look-up a request, no store.
//!
//! A cached view is good while its session and its account have not changed. Ending a session, changing an account, or
//! hearing of either from another process moves a generation on, and the next request loads anew. Sessions share
//! generations by their ids' last bits: now and then one is loaded anew because of another, and none is ever
//! believed because something was forgotten of it. The cache's time to live bounds what a lost notice could do,
//! and how long cached sessions go on while the store is away.

mod table;

use crate::domain::host::Host;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::secret::{Token, TokenHash};
use crate::domain::session::{Rules, Session, View};
use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{Fault, Notice, SharedStore};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use table::{ByTail, Cached, Generations, Table};
use uuid::Uuid;

/// How long a cached view is believed without a word from the store.
pub const CACHE_TTL: Duration = Duration::from_secs(60);
/// How often other processes' changes are looked for.
pub const NOTICE_INTERVAL: Duration = Duration::from_millis(200);
/// How often activity is written down.
pub const TOUCH_INTERVAL: Duration = Duration::from_secs(5);

const CAPACITY: usize = 2_000_000;

/// Counters that ids share, by their last bits: random in every id that is made here.
struct Counters(Box<[AtomicU32]>);

impl Counters {
    const COUNT: usize = 1 << 14;

    fn new() -> Self {
        Self((0..Self::COUNT).map(|_| AtomicU32::new(0)).collect())
    }

    fn of(&self, id: Uuid) -> Option<&AtomicU32> {
        let [.., high, low] = id.into_bytes();
        self.0
            .get(usize::from(u16::from_be_bytes([high, low])) % Self::COUNT)
    }

    fn now(&self, id: Uuid) -> u32 {
        self.of(id).map_or(0, |c| c.load(Ordering::Acquire))
    }

    fn move_on(&self, id: Uuid) {
        if let Some(counter) = self.of(id) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Who was active and when, until it is written down. In parts with a lock each, as every request passes here.
struct Active([Mutex<HashMap<SessionId, Timestamp, ByTail>>; 64]);

impl Active {
    fn part(&self, id: SessionId) -> Option<&Mutex<HashMap<SessionId, Timestamp, ByTail>>> {
        // others than those that a map looks at first
        let [.., byte, _, _, _] = id.uuid().into_bytes();
        self.0.get(usize::from(byte) % self.0.len())
    }

    fn note(&self, id: SessionId, now: Timestamp) {
        if let Some(part) = self.part(id) {
            let mut part = part.lock();
            let at = part.entry(id).or_insert(now);
            *at = now.max(*at);
        }
    }

    fn of(&self, id: SessionId) -> Option<Timestamp> {
        self.part(id)?.lock().get(&id).copied()
    }

    fn all(&self) -> Vec<(SessionId, Timestamp)> {
        let pairs = |part: &Mutex<HashMap<_, _, _>>| {
            let part = part.lock();
            part.iter().map(|(id, at)| (*id, *at)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(pairs).collect()
    }

    /// They are written down; what was noted since stays.
    fn forget(&self, written: &[(SessionId, Timestamp)]) {
        for (id, at) in written {
            if let Some(part) = self.part(*id) {
                let mut part = part.lock();
                if part.get(id) == Some(at) {
                    part.remove(id);
                }
            }
        }
    }
}

pub struct Sessions {
    store: SharedStore,
    env: Env,
    rules: ArcSwap<Rules>,
    views: Table,
    sessions: Counters,
    accounts: Counters,
    /// Moves on before any of the counters does.
    forgotten: AtomicU64,
    active: Active,
    /// How often activity was written down.
    flushed: AtomicU64,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({} cached)", self.views.len())
    }
}

impl Sessions {
    pub fn new(store: SharedStore, env: Env, rules: Rules) -> Self {
        Self {
            store,
            env,
            rules: ArcSwap::from_pointee(rules),
            views: Table::new(CAPACITY),
            sessions: Counters::new(),
            accounts: Counters::new(),
            forgotten: AtomicU64::new(0),
            active: Active(std::array::from_fn(|_| Mutex::default())),
            flushed: AtomicU64::new(0),
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
        let rules = self.rules();
        let cached = self.views.get(&hash);
        let cached = cached.filter(|c| self.is_current(c, now) && tells_activity(c, rules, now));
        let view = match cached {
            Some(cached) => cached.view,
            None => match self.load(&hash, host, now).await? {
                Some(view) => view,
                None => return Ok(None),
            },
        };
        let fits = view.host.as_ref() == host && view.is_live(&rules, now);
        Ok(fits.then_some(view))
    }

    /// Notes that the person did something, for the idle limit; cheap.
    pub fn seen(&self, view: &View) {
        self.active.note(view.session.id, self.env.now());
    }

    /// What is known here of its activity, and perhaps not yet in the store.
    pub fn bring_up_to_date(&self, session: &mut Session) {
        if let Some(seen) = self.active.of(session.id) {
            session.last_seen_at = seen.max(session.last_seen_at);
        }
    }

    /// Forgets what is cached of a session; its next request asks the store.
    pub fn forget(&self, session: SessionId) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.sessions.move_on(session.uuid());
    }

    /// Forgets what is cached of an account's sessions.
    pub fn forget_account(&self, account: AccountId) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.accounts.move_on(account.uuid());
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
        self.views.sweep(self.env.now());
        let active = self.active.all();
        if active.is_empty() {
            return Ok(());
        }
        self.store.touch(&active).await?;
        // who was read before it was written, and looks for it here after it is forgotten, is told to read again
        self.flushed.fetch_add(1, Ordering::AcqRel);
        self.active.forget(&active);
        Ok(())
    }

    fn generations(&self, view: &View) -> Generations {
        Generations {
            session: self.sessions.now(view.session.id.uuid()),
            account: self.accounts.now(view.subject.id.uuid()),
        }
    }

    /// Nothing has been heard against it, and it is not older than the cache may be.
    fn is_current(&self, cached: &Cached, now: Timestamp) -> bool {
        cached.is_fresh(now) && self.generations(&cached.view) == cached.generations
    }

    async fn load(
        &self,
        hash: &TokenHash,
        host: Option<&Host>,
        now: Timestamp,
    ) -> Result<Option<Arc<View>>, Fault> {
        let changes = || {
            let forgotten = self.forgotten.load(Ordering::Acquire);
            (forgotten, self.flushed.load(Ordering::Acquire))
        };
        let before = changes();
        let Some(mut view) = self.store.session(hash, now).await? else {
            self.views.remove(hash);
            return Ok(None);
        };
        let generations = self.generations(&view);
        self.bring_up_to_date(&mut view.session);
        // A change that landed while we read may be in the generations and not in the view: then it is read once more,
        // and a change after this moves the generations on.
        if changes() != before {
            let (id, account) = (view.session.id, view.subject.id);
            match self.store.session(hash, now).await? {
                Some(again) if (again.session.id, again.subject.id) == (id, account) => {
                    view = again;
                    self.bring_up_to_date(&mut view.session);
                }
                Some(_) | None => return Ok(None),
            }
        }
        // the caller's is that of the route, which all of the host's sessions share
        if view.host.as_ref() == host {
            view.host = host.cloned();
        }
        view.subject = self.views.shared(view.subject);
        let view = Arc::new(view);
        let cached = Cached {
            view: Arc::clone(&view),
            generations,
            loaded_at: now,
        };
        self.views.insert(*hash, cached);
        Ok(Some(view))
    }
}

/// Whether a view can say that its session has not been silent for too long. It does not hear of activity: one that has
/// seen none for half of the idle limit is loaded anew, at most once a second, before anybody is sent away.
fn tells_activity(cached: &Cached, rules: Rules, now: Timestamp) -> bool {
    now.since(cached.view.session.last_seen_at) < rules.idle / 2 || cached.loaded_at == now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;
    use crate::domain::assurance::Factors;
    use crate::domain::policy::tests::account;
    use crate::domain::session::{Beginning, Record, Session};
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
                factors: Factors::PASSWORD,
                auth_time: env.now(),
                password_at: env.now(),
                second_factor_at: None,
                expires_at: env.now().plus(rules.lifetime),
                last_seen_at: env.now(),
                trusted_device: None,
            };
            let changes = [
                Change::AddAccount(Box::new(account.clone())),
                Change::OpenSession {
                    record: Box::new(Record {
                        account: account.id,
                        session,
                        begun: Beginning::default(),
                    }),
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

    #[tokio::test]
    async fn steady_traffic_does_not_keep_a_view_beyond_the_caches_time() {
        let world = World::new().await;
        for _ in 0..11 * 60 {
            assert!(world.request().await.is_some());
            world.clock.advance(1);
        }
        assert!(!world.request().await.unwrap().subject.groups.is_empty());
        world.take_groups_away().await;
        let mut seconds = 0;
        while !world.request().await.unwrap().subject.groups.is_empty() {
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
        for _ in 0..12 {
            world.sessions.flush().await.unwrap();
        }
        world.take_groups_away().await;
        let (_, notices) = world.store.notices(0).await.unwrap();
        world.sessions.heed(&notices);
        assert!(world.request().await.unwrap().subject.groups.is_empty());
    }

    #[tokio::test]
    async fn activity_keeps_a_session_whoever_has_noted_it() {
        let world = World::new().await;
        for (idle, pause) in [(900, 600), (60, 50), (7, 5)] {
            let rules = Rules {
                idle: Duration::from_secs(idle),
                lifetime: Duration::from_secs(36_000),
            };
            // as after a request a moment ago
            world.sessions.seen(&world.request().await.unwrap());
            world.sessions.set_rules(rules);
            for turn in 0..6 {
                world.clock.advance(pause);
                assert!(world.request().await.is_some(), "{idle} {turn}");
                if turn % 2 == 0 {
                    world.sessions.flush().await.unwrap();
                }
            }
        }
        world.clock.advance(7);
        assert!(world.request().await.is_none(), "silent for too long");
    }

    #[tokio::test]
    async fn a_look_that_is_no_activity_does_not_keep_a_session() {
        let world = World::new().await;
        for _ in 0..899 {
            world.clock.advance(1);
            let found = world.sessions.find(&world.cookie, None).await.unwrap();
            assert!(found.is_some());
        }
        world.clock.advance(1);
        assert!(world.request().await.is_none());
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
        assert!(world.request().await.unwrap().subject.groups.is_empty());
    }
}
