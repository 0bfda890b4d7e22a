//! The outside world as values: the clock and the source of randomness.
//!
//! The only file that may ask the operating system for the time, for random bytes or for environment
//! variables (`clippy.toml` bans it elsewhere), so that every test can say what time it is.

use crate::domain::secret::Token;
use crate::domain::timestamp::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// The same, with what is left of a second: for what is written down.
    fn precisely(&self) -> SystemTime {
        let seconds = u64::try_from(self.now().seconds()).unwrap_or(0);
        UNIX_EPOCH + Duration::from_secs(seconds)
    }
}

/// Gives random bytes fit for keys.
pub trait Entropy: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// Both, handed to whoever needs them.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Env {
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The machine's clock and random numbers.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn precisely(&self) -> SystemTime {
        self.clock.precisely()
    }

    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    pub fn token(&self) -> Token {
        Token::from_random(self.random())
    }

    /// A version 7 UUID (RFC 9562 5.7): ordered by time, 74 random bits.
    pub fn uuid(&self) -> Uuid {
        let milliseconds = u64::try_from(self.now().seconds()).unwrap_or(0) * 1000;
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.random()).into_uuid()
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}

/// An environment variable; `None` where it is not set or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = self.precisely().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn precisely(&self) -> SystemTime {
        SystemTime::now()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::panic,
        clippy::disallowed_methods,
        reason = "without random numbers nothing may go on: every token would be guessable"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(e) = getrandom::fill(bytes) {
            panic!("the operating system gives no random numbers: {e}");
        }
    }
}

/// A clock that stands still until it is moved: for tests and for rehearsals.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub const fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds))
    }
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}
