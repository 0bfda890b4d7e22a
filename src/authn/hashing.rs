//! Password hashing on its own bounded threads, so that a flood of sign-ins cannot eat the workers that
//! carry everybody else's requests.

use crate::domain::secret::Password;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::Semaphore;

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
}

impl Hashing {
    pub fn new(limits: Limits) -> Self {
        let threads = limits.threads.get();
        Self {
            limits,
            running: Arc::new(Semaphore::new(threads)),
            admitted: Arc::new(Semaphore::new(threads.saturating_add(limits.queue))),
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
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
        .map_err(|_| Busy)
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
