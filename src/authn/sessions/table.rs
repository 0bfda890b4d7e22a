//! Views by the hash of their cookie, and the subjects they share.
//!
//! What is kept is small, because there is one for each cookie that was used within a minute: one allocation beside
//! the view, and a subject once for all sessions of a person. A look-up takes one of many locks, to read.

use super::CACHE_TTL;
use crate::domain::id::AccountId;
use crate::domain::secret::TokenHash;
use crate::domain::session::View;
use crate::domain::subject::Subject;
use crate::domain::timestamp::Timestamp;
use parking_lot::{Mutex, RwLock};
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Parts with a lock each. Two requests meet in one by chance only. A part doubles when it is full to seven eighths:
/// with this many they are well filled at one million views, and at the two million that are kept at most.
const SHARDS: usize = 144;
/// Shards that one [`Table::sweep`] looks through: all of them in a [`CACHE_TTL`], five seconds apart.
const SWEPT_AT_ONCE: usize = SHARDS.div_ceil(12);

/// What a view was read under: it holds while neither has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generations {
    pub(super) session: u32,
    pub(super) account: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub(super) view: Arc<View>,
    pub(super) generations: Generations,
    pub(super) loaded_at: Timestamp,
}

impl Cached {
    /// Not older than the cache may be. A clock that was set back makes it old, not young.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.loaded_at <= now && now.since(self.loaded_at) < CACHE_TTL
    }
}

/// A bucket of the table is a pointer: the table itself is between half full and full.
struct Entry(Box<(TokenHash, Cached)>);

impl Borrow<TokenHash> for Entry {
    fn borrow(&self) -> &TokenHash {
        &self.0.0
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Eq for Entry {}

/// The last eight bytes of a key that is random already: the hash of a token, an id. Nobody but this program
/// chooses one that is kept.
#[derive(Default)]
pub(super) struct Tail(u64);

impl Hasher for Tail {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.0 = u64::from_be_bytes(*tail);
        }
    }
    fn write_usize(&mut self, _: usize) {
        // the length of an array, always the same
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whom sessions speak for, until none does: found by the id.
struct Person(Arc<Subject>);

impl Borrow<AccountId> for Person {
    fn borrow(&self) -> &AccountId {
        &self.0.id
    }
}

impl Hash for Person {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Person {}

pub(super) type ByTail = BuildHasherDefault<Tail>;
type Shard = RwLock<HashSet<Entry, ByTail>>;
type People = RwLock<HashSet<Person, ByTail>>;
/// Many people are in the same groups.
type Memberships = Mutex<HashSet<Arc<BTreeSet<String>>>>;
/// Beyond this no other is kept to be shared.
const MEMBERSHIPS: usize = 1024;

pub(super) struct Table {
    views: Box<[Shard]>,
    people: Box<[People]>,
    memberships: Memberships,
    /// The most that one shard holds.
    most: usize,
    next_sweep: AtomicUsize,
}

impl Table {
    /// For `capacity` views at most, or a few more.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            views: (0..SHARDS).map(|_| Shard::default()).collect(),
            people: (0..SHARDS).map(|_| People::default()).collect(),
            memberships: Memberships::default(),
            most: capacity.div_ceil(SHARDS).max(1),
            next_sweep: AtomicUsize::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.views.iter().map(|shard| shard.read().len()).sum()
    }

    pub(super) fn get(&self, hash: &TokenHash) -> Option<Cached> {
        let shard = self.shard(hash)?.read();
        shard.get(hash).map(|entry| entry.0.1.clone())
    }

    pub(super) fn remove(&self, hash: &TokenHash) {
        // most who come with an unknown cookie were never here
        if let Some(shard) = self.shard(hash).filter(|shard| shard.read().contains(hash)) {
            let removed = shard.write().take(hash);
            // dropped here, when nobody waits for the lock
            drop(removed);
        }
    }

    /// In the place of what there was for this cookie. Where there is no room, the oldest of a few goes.
    pub(super) fn insert(&self, hash: TokenHash, cached: Cached) {
        let Some(shard) = self.shard(&hash) else {
            return;
        };
        let entry = Entry(Box::new((hash, cached)));
        let mut shard = shard.write();
        if shard.len() >= self.most && !shard.contains(&hash) {
            let few = shard.iter().take(8);
            let oldest = few.min_by_key(|entry| entry.0.1.loaded_at);
            if let Some(oldest) = oldest.map(|entry| entry.0.0) {
                shard.remove(&oldest);
            }
        }
        shard.replace(entry);
    }

    /// The subject that other sessions of the person have already, where it is the same in everything.
    pub(super) fn shared(&self, mut subject: Arc<Subject>) -> Arc<Subject> {
        let Some(people) = of(&self.people, subject.id.uuid().as_bytes()) else {
            return subject;
        };
        let known = people.read().get(&subject.id).map(|p| Arc::clone(&p.0));
        if let Some(known) = known.filter(|known| *known == subject) {
            return known;
        }
        if let Some(subject) = Arc::get_mut(&mut subject) {
            subject.groups = self.membership(Arc::clone(&subject.groups));
        }
        let before = people.write().replace(Person(Arc::clone(&subject)));
        // dropped here, when nobody waits for the lock
        drop(before);
        subject
    }

    /// The same groups as others have them.
    fn membership(&self, groups: Arc<BTreeSet<String>>) -> Arc<BTreeSet<String>> {
        let mut known = self.memberships.lock();
        if let Some(known) = known.get(&groups) {
            return Arc::clone(known);
        }
        if known.len() < MEMBERSHIPS {
            known.insert(Arc::clone(&groups));
        }
        groups
    }

    /// Lets go of what nobody may use any more, in the next few shards.
    pub(super) fn sweep(&self, now: Timestamp) {
        let nobodys = |groups: &Arc<_>| Arc::strong_count(groups) == 1;
        self.memberships.lock().retain(|groups| !nobodys(groups));
        let first = self.next_sweep.fetch_add(SWEPT_AT_ONCE, Ordering::Relaxed);
        for number in first..first + SWEPT_AT_ONCE {
            if let Some(shard) = self.views.get(number % SHARDS) {
                let mut shard = shard.write();
                shard.retain(|entry| entry.0.1.is_fresh(now));
                if shard.capacity() > shard.len() * 4 {
                    let room = shard.len() * 2;
                    shard.shrink_to(room);
                }
            }
            if let Some(people) = self.people.get(number % SHARDS) {
                let mut people = people.write();
                people.retain(|person| Arc::strong_count(&person.0) > 1);
                if people.capacity() > people.len() * 4 {
                    let room = people.len() * 2;
                    people.shrink_to(room);
                }
            }
        }
    }

    fn shard(&self, hash: &TokenHash) -> Option<&Shard> {
        of(&self.views, hash.bytes())
    }
}

/// The part for a key. Its bytes are others than those a part looks at itself; those of an id there are random.
fn of<'a, T>(parts: &'a [T], key: &[u8]) -> Option<&'a T> {
    let [.., high, low, _, _] = key else {
        return None;
    };
    parts.get(usize::from(u16::from_be_bytes([*high, *low])) % SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::assurance::Factors;
    use crate::domain::host::Host;
    use crate::domain::id::SessionId;
    use crate::domain::policy::tests::account;
    use crate::domain::secret::Token;
    use crate::domain::session::Session;
    use std::time::Duration;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn hash(number: u32) -> TokenHash {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Token::from_random(bytes).hash()
    }

    fn cached(loaded_at: Timestamp, subject: Arc<Subject>) -> Cached {
        Cached {
            view: Arc::new(View {
                session: Session {
                    id: SessionId::from_uuid(Uuid::from_u128(3)),
                    factors: Factors::PASSWORD,
                    auth_time: NOW,
                    password_at: NOW,
                    second_factor_at: None,
                    expires_at: NOW.plus(Duration::from_secs(3600)),
                    last_seen_at: NOW,
                    trusted_device: None,
                },
                subject,
                host: Host::parse("app.example.com"),
            }),
            generations: Generations {
                session: 0,
                account: 0,
            },
            loaded_at,
        }
    }

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let table = Table::new(100_000);
        for number in 0..10_000 {
            table.insert(hash(number), cached(NOW, Arc::new(Subject::of(&account()))));
        }
        assert_eq!(table.len(), 10_000);
        assert!((0..10_000).all(|n| table.get(&hash(n)).is_some()));
        assert!(table.get(&hash(10_000)).is_none());
        table.remove(&hash(7));
        assert!(table.get(&hash(7)).is_none() && table.get(&hash(8)).is_some());
        table.insert(
            hash(8),
            cached(NOW.plus(CACHE_TTL), Arc::new(Subject::of(&account()))),
        );
        assert_eq!(table.get(&hash(8)).unwrap().loaded_at, NOW.plus(CACHE_TTL));
        assert_eq!(table.len(), 9_999);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let table = Table::new(SHARDS * 10);
        for number in 0..50_000 {
            table.insert(hash(number), cached(NOW, Arc::new(Subject::of(&account()))));
        }
        assert!(table.len() <= SHARDS * 10, "{}", table.len());
        assert!(table.get(&hash(49_999)).is_some(), "the newest is there");
    }

    #[test]
    fn what_is_too_old_goes_within_the_caches_time() {
        let table = Table::new(100_000);
        let person = Arc::new(Subject::of(&account()));
        let shared = table.shared(Arc::clone(&person));
        for number in 0..5_000 {
            table.insert(hash(number), cached(NOW, Arc::clone(&shared)));
        }
        drop((person, shared));
        for _ in 0..12 {
            table.sweep(NOW.plus(CACHE_TTL - Duration::from_secs(1)));
        }
        assert_eq!(table.len(), 5_000);
        for _ in 0..12 {
            table.sweep(NOW.plus(CACHE_TTL));
        }
        assert_eq!(table.len(), 0);
        // the accounts of a shard may be looked at before the last session of theirs has gone
        for _ in 0..12 {
            table.sweep(NOW.plus(CACHE_TTL));
        }
        let left: usize = table.people.iter().map(|p| p.read().len()).sum();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_subject_is_shared_only_as_long_as_it_is_the_same() {
        let table = Table::new(10);
        let first = table.shared(Arc::new(Subject::of(&account())));
        let same = table.shared(Arc::new(Subject::of(&account())));
        assert!(Arc::ptr_eq(&first, &same));
        let mut another = account();
        another.id = AccountId::from_uuid(Uuid::from_u128(77));
        let another = table.shared(Arc::new(Subject::of(&another)));
        assert!(Arc::ptr_eq(&first.groups, &another.groups));
        let mut changed = account();
        Arc::make_mut(&mut changed.groups).insert("admins".into());
        let changed = Subject::of(&changed);
        let other = table.shared(Arc::new(changed.clone()));
        assert_eq!(*other, changed);
        assert!(Arc::ptr_eq(&other, &table.shared(Arc::new(changed))));
    }
}
