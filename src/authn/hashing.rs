//! Password hashing on its own bounded threads, so that a flood of sign-ins cannot eat the workers that
//! carry everybody else's requests.
//!
//! The threads yield to the workers where there is not enough of the processor for both, and they end when nothing
//! was hashed for a while: the allocator gives memory back at the end of a thread, and a hash is made in 46 MiB.

use crate::domain::secret::Password;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Too many sign-ins wait already: answer 429 and a `Retry-After`.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub struct Busy;

/// How many hashes run at once, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub threads: NonZeroUsize,
    pub queue: usize,
}

/// The bounded pool. Memory is bounded with it: one Argon2 block of 46 MiB a thread.
#[derive(Debug)]
pub struct Hashing {
    limits: Limits,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    threads: Arc<Threads>,
}

impl Hashing {
    pub fn new(limits: Limits) -> Self {
        let threads = limits.threads.get();
        Self {
            limits,
            running: Arc::new(Semaphore::new(threads)),
            admitted: Arc::new(Semaphore::new(threads.saturating_add(limits.queue))),
            threads: Arc::default(),
        }
    }

    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Runs CPU-bound work off the workers. Refuses at once when the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _place = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| Busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Busy)?;
        // the permit moves into the thread: a client that goes away does not free a place early
        let (told, result) = oneshot::channel();
        let work = Box::new(move || {
            // nobody waits any more: the connection is gone
            let _ = told.send(work());
        });
        self.threads.hand(Job { work, turn });
        result.await.map_err(|_| Busy)
    }
}

struct Job {
    work: Box<dyn FnOnce() + Send>,
    turn: OwnedSemaphorePermit,
}

/// As many as there are turns, made when they are needed.
#[derive(Default)]
struct Threads {
    jobs: Mutex<Jobs>,
    wake: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    idle: usize,
    /// Made, and on the way to their first job.
    starting: usize,
    threads: usize,
    /// What the process has chosen for the time without a thread: see [`spare_memory`].
    spares_memory: bool,
}

/// Has the process do without huge pages while it hashes no password. They make a hash a third cheaper, which goes
/// through 46 MiB in no order, and nothing else; and of what lies idle they hold a third more than is used.
pub fn spare_memory() {
    // a kernel without them has none to do without
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

impl Jobs {
    fn thread_begins(&mut self) {
        self.threads += 1;
        if self.threads == 1 {
            self.spares_memory =
                rustix::thread::transparent_huge_pages_are_disabled().unwrap_or(false);
            let _ = rustix::thread::disable_transparent_huge_pages(false);
        }
    }

    fn thread_ends(&mut self) {
        self.threads -= 1;
        if self.threads == 0 && self.spares_memory {
            spare_memory();
        }
    }
}

/// A tenth of the processor where the workers want all of it.
const NICER: i32 = 10;
/// In nanoseconds, the longest that can be asked for. A worker's are shorter: when it wakes it does not wait for the end of
/// this thread's (Linux 6.12 and later; others do not heed it).
const SLICE: u64 = 100_000_000;

/// Has this thread yield to the workers. It is no fault if a sandbox forbids it.
fn give_way() {
    let _ = rustix::process::nice(NICER);
    if let Ok(mut scheduling) = uapi::sched_getattr(0, 0) {
        scheduling.sched_runtime = SLICE;
        let _ = uapi::sched_setattr(0, &scheduling, 0);
    }
}

impl Threads {
    /// How long a thread waits for work. The allocator keeps what was freed for some 200 ms before it lets go of it.
    const PATIENCE: Duration = Duration::from_secs(1);

    fn hand(self: &Arc<Self>, job: Job) {
        let mut jobs = self.jobs.lock();
        jobs.waiting.push_back(job);
        if jobs.idle + jobs.starting >= jobs.waiting.len() {
            self.wake.notify_one();
            return;
        }
        jobs.starting += 1;
        drop(jobs);
        let threads = Arc::clone(self);
        let made = std::thread::Builder::new()
            .name("password".into())
            .spawn(move || threads.work());
        if let Err(why) = made {
            tracing::error!(error = %why, "no thread to check a password on");
            // whoever waits is told to come again
            let mut jobs = self.jobs.lock();
            jobs.starting -= 1;
            let unheard = jobs.waiting.pop_back();
            drop(jobs);
            drop(unheard);
        }
    }

    fn work(&self) {
        give_way();
        let _counted = Counted::new(self);
        let mut done = None;
        while let Some(Job { work, turn }) = self.next(done) {
            work();
            done = Some(turn);
        }
    }

    /// `None`: nothing to do for a while. The turn that was taken, if it is not the thread's first, is given back when the
    /// thread counts as idle, so that there are never more of them than turns.
    fn next(&self, done: Option<OwnedSemaphorePermit>) -> Option<Job> {
        let mut jobs = self.jobs.lock();
        jobs.idle += 1;
        match done {
            Some(turn) => drop(turn),
            None => jobs.starting -= 1,
        }
        if jobs.waiting.is_empty() {
            let _ =
                self.wake
                    .wait_while_for(&mut jobs, |jobs| jobs.waiting.is_empty(), Self::PATIENCE);
        }
        jobs.idle -= 1;
        let job = jobs.waiting.pop_front();
        if job.is_none() {
            // counted out before anybody could ask for another in its place
            jobs.thread_ends();
        }
        job
    }
}

/// A thread, until [`Threads::next`] lets it go or a panic ends it.
struct Counted<'a>(&'a Threads);

impl<'a> Counted<'a> {
    fn new(threads: &'a Threads) -> Self {
        threads.jobs.lock().thread_begins();
        Self(threads)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.jobs.lock().thread_ends();
        }
    }
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Threads")
    }
}

/// What stands in for a password that cannot be one (too long), so that checking it takes as long.
pub(super) fn impossible_password() -> Option<Password> {
    Password::new("\u{1f6aa}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_never_more_threads_than_allowed_and_they_yield_to_others() {
        let threads = NonZeroUsize::new(3).unwrap();
        let pool = Arc::new(Hashing::new(Limits {
            threads,
            queue: 200,
        }));
        let scheduling = || {
            let own = uapi::sched_getattr(0, 0).unwrap();
            (own.sched_nice, own.sched_runtime)
        };
        let mine = scheduling();
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let pool = Arc::clone(&pool);
            all.spawn(async move {
                let threads = Arc::clone(&pool.threads);
                let who = move || (threads.jobs.lock().threads, scheduling());
                pool.run(who).await.unwrap()
            });
        }
        let seen = all.join_all().await;
        let (nice, slice) = mine;
        // a system that does not know slices tells of none
        let longer = if slice == 0 { 0 } else { SLICE };
        for (at_once, theirs) in seen {
            assert!((1..=3).contains(&at_once), "{at_once}");
            assert_eq!(theirs, ((nice + 10).min(19), longer));
        }
        assert_eq!(scheduling(), mine);
    }

    #[tokio::test]
    async fn threads_that_have_nothing_to_do_end_and_come_back() {
        let pool = Hashing::new(Limits {
            threads: NonZeroUsize::MIN,
            queue: 1,
        });
        for turn in 0..2 {
            let first = pool.run(|| std::thread::current().id()).await.unwrap();
            assert_eq!(
                pool.run(|| std::thread::current().id()).await.unwrap(),
                first
            );
            for _ in 0..600 {
                if Arc::strong_count(&pool.threads) == 1 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(Arc::strong_count(&pool.threads), 1, "{turn}");
        }
    }

    #[tokio::test]
    async fn work_that_panics_takes_nobodys_place() {
        let pool = Hashing::new(Limits {
            threads: NonZeroUsize::MIN,
            queue: 0,
        });
        for _ in 0..3 {
            assert!(pool.run(|| panic!("as planned")).await.is_err());
            // the turn is given back while the thread ends
            let _ = pool.running.acquire().await.unwrap();
        }
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let pool = Arc::new(Hashing::new(Limits {
            threads: NonZeroUsize::MIN,
            queue: 1,
        }));
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(move || wait.recv().is_ok()).await }
        });
        while pool.running.available_permits() == 1 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(|| 2).await }
        });
        while pool.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(
            pool.run(|| 3).await.is_err(),
            "one runs, one waits, the third is refused"
        );
        release.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        assert_eq!(second.await.unwrap().unwrap(), 2);
    }
}
