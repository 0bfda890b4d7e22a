//! A stretch of time in which users send, and the gate that opens it for all of them at once.

use super::stats::Window;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// One slice of one side.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) begins: Instant,
    pub(super) window: Window,
    /// The time in which users come, one after the other.
    pub(super) ramp_up: Duration,
    /// How many may still be sent.
    budget: Option<AtomicU64>,
    over: AtomicBool,
    /// With a fixed rate: requests that are due, taken by whoever is free.
    pub(super) arrivals: Option<Arrivals>,
}

/// Requests that are due.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) rate: f64,
    pub(super) ramp_up: Duration,
    due: Semaphore,
    taken: AtomicU64,
}

impl Arrivals {
    pub(super) fn new(rate: f64, ramp_up: Duration) -> Self {
        Self {
            rate,
            ramp_up,
            due: Semaphore::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Waits for the next one; its number, or `None` when there will be no more.
    pub(super) async fn take(&self) -> Option<u64> {
        self.due.acquire().await.ok()?.forget();
        Some(self.taken.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn release(&self, many: usize) {
        self.due.add_permits(many.min(Semaphore::MAX_PERMITS / 2));
    }

    pub(super) fn close(&self) {
        self.due.close();
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// When the request of this number is due, from the beginning on. While it ramps up the rate grows evenly.
    pub(super) fn due_after(&self, number: u64) -> Duration {
        let ramp = self.ramp_up.as_secs_f64();
        let number = number as f64;
        let ramped = self.rate * ramp / 2.0;
        let seconds = if number < ramped {
            (2.0 * number * ramp / self.rate).sqrt()
        } else {
            ramp + (number - ramped) / self.rate
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// How many are due by then: those with a number below.
    pub(super) fn due_by(&self, since: Duration) -> u64 {
        let (ramp, since) = (self.ramp_up.as_secs_f64(), since.as_secs_f64());
        let due = if since < ramp {
            self.rate * since * since / (2.0 * ramp)
        } else {
            self.rate * (ramp / 2.0 + since - ramp)
        };
        due as u64 + 1
    }
}

impl Slice {
    pub(super) fn new(
        begins: Instant,
        window: Window,
        ramp_up: Duration,
        budget: Option<u64>,
        arrivals: Option<Arrivals>,
    ) -> Self {
        Self {
            begins,
            window,
            ramp_up,
            budget: budget.map(AtomicU64::new),
            over: AtomicBool::new(false),
            arrivals,
        }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.window.to || self.over.load(Ordering::Relaxed)
    }

    /// Nothing more is sent.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(arrivals) = &self.arrivals {
            arrivals.close();
        }
    }

    /// Everything that was to be sent was.
    pub(super) fn is_spent(&self) -> bool {
        let left = self.budget.as_ref();
        left.is_some_and(|left| left.load(Ordering::Relaxed) == 0)
    }

    /// One of the requests that may be sent.
    pub(super) fn may_send(&self) -> bool {
        let Some(budget) = &self.budget else {
            return true;
        };
        let took = budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        took.is_ok()
    }
}

/// Opens slices, and waits until all users of a side are idle again.
#[derive(Debug)]
pub(super) struct Gate {
    opened: watch::Sender<Option<Arc<Slice>>>,
    idle: Arc<Semaphore>,
    users: u32,
}

impl Gate {
    pub(super) fn new(users: u32) -> Self {
        Self {
            opened: watch::Sender::new(None),
            idle: Arc::new(Semaphore::new(0)),
            users,
        }
    }

    pub(super) fn entrance(&self) -> Entrance {
        Entrance {
            opened: self.opened.subscribe(),
            idle: Arc::clone(&self.idle),
        }
    }

    pub(super) fn open(&self, slice: Arc<Slice>) {
        self.opened.send_replace(Some(slice));
    }

    /// Waits until every user has said that it has nothing under way.
    pub(super) async fn all_idle(&self) {
        if let Ok(all) = self.idle.acquire_many(self.users).await {
            all.forget();
        }
    }
}

/// A user's side of the gate.
#[derive(Debug)]
pub(super) struct Entrance {
    opened: watch::Receiver<Option<Arc<Slice>>>,
    idle: Arc<Semaphore>,
}

impl Entrance {
    /// Says that nothing is under way, and waits for the next slice; `None` when there is none.
    pub(super) async fn next(&mut self) -> Option<Arc<Slice>> {
        self.idle.add_permits(1);
        self.opened.changed().await.ok()?;
        self.opened.borrow_and_update().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_at_a_fixed_rate() {
        let arrivals = Arrivals::new(1000.0, Duration::ZERO);
        assert_eq!(arrivals.due_after(0), Duration::ZERO);
        assert_eq!(arrivals.due_after(1500), Duration::from_millis(1500));
        assert_eq!(arrivals.due_by(Duration::ZERO), 1);
        assert_eq!(arrivals.due_by(Duration::from_micros(1_000_500)), 1001);
    }

    #[test]
    fn arrivals_that_ramp_up() {
        let arrivals = Arrivals::new(100.0, Duration::from_secs(10));
        // half of the rate on average, then all of it
        assert_eq!(arrivals.due_after(500), Duration::from_secs(10));
        assert_eq!(arrivals.due_after(600), Duration::from_secs(11));
        assert_eq!(arrivals.due_by(Duration::from_secs(5)), 126);
        let mut before = Duration::ZERO;
        for number in 0..700 {
            let due = arrivals.due_after(number);
            assert!(due >= before);
            let by = arrivals.due_by(due + Duration::from_micros(1));
            assert!(by.abs_diff(number + 1) <= 1, "{number} {by}");
            before = due;
        }
    }

    #[tokio::test]
    async fn a_budget_is_spent_once() {
        let now = Instant::now();
        let window = Window {
            from: now,
            to: now + Duration::from_secs(1),
            points: 0,
            expected_interval: None,
        };
        let slice = Slice::new(now, window, Duration::ZERO, Some(2), None);
        assert!(slice.may_send() && slice.may_send() && !slice.may_send() && !slice.may_send());
        assert!(!slice.is_over(now) && slice.is_over(now + Duration::from_secs(1)));
        slice.end();
        assert!(slice.is_over(now));
    }
}
