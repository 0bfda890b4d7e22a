//! What is known of one address of an upstream: whether it is well, and how much it has to do.
//!
//! Two judgements, each on its own: the health checks', and that of the requests it was given. A request
//! that fails counts against it, and after some in a row it is left out for a while, longer each time.
//! When the time is over one request tries it, and only when that goes well do others follow.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Failures that are left out for: three refused connections, or six bad answers.
const ENOUGH: u32 = 6;
/// The first time out; doubled each time.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
/// How long the one request that tries again keeps the others away.
const TRIAL: Duration = Duration::from_secs(5);

/// What went wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no connection.
    Connect,
    /// It broke before the answer, or the answer was 502, 503 or 504.
    Gateway,
}

impl Failure {
    const fn weight(self) -> u32 {
        match self {
            Self::Connect => 2,
            Self::Gateway => 1,
        }
    }
}

#[derive(Debug)]
pub(super) struct Standing {
    /// Requests under way.
    under_way: AtomicUsize,
    /// The health checks' judgement.
    healthy: AtomicBool,
    /// Health checks in a row that say the contrary.
    contrary: AtomicU32,
    /// Weight of the failures since the last good answer.
    failures: AtomicU32,
    /// Times it was left out without having been well for long in between.
    ejections: AtomicU32,
    /// Milliseconds since the beginning; 0: it is not left out.
    out_until: AtomicU64,
    /// A request is trying it.
    trial: AtomicBool,
    /// When it last came back, in the same milliseconds.
    back_at: AtomicU64,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            under_way: AtomicUsize::new(0),
            healthy: AtomicBool::new(true),
            contrary: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            trial: AtomicBool::new(false),
            back_at: AtomicU64::new(0),
        }
    }
}

impl Standing {
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Whether requests go there as a matter of course.
    pub(super) fn is_well(&self) -> bool {
        self.is_healthy() && self.out_until.load(Ordering::Relaxed) == 0
    }

    /// Whether this request may go there: it is well, or its time out is over and nobody else is trying.
    pub(super) fn admits(&self, now: u64) -> bool {
        if !self.is_healthy() {
            return false;
        }
        let until = self.out_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        if until > now || !self.moves(until, now.saturating_add(millis(TRIAL))) {
            return false;
        }
        self.trial.store(true, Ordering::Relaxed);
        true
    }

    fn moves(&self, from: u64, to: u64) -> bool {
        let moved = self
            .out_until
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        moved.is_ok()
    }

    /// A request was answered. Says whether that brings it back.
    pub(super) fn succeeded(&self, now: u64) -> bool {
        // the usual case writes nothing
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        let until = self.out_until.load(Ordering::Relaxed);
        if until == 0 {
            let forgiven = self
                .back_at
                .load(Ordering::Relaxed)
                .saturating_add(millis(LONGEST));
            if self.ejections.load(Ordering::Relaxed) > 0 && forgiven <= now {
                self.ejections.store(0, Ordering::Relaxed);
            }
            return false;
        }
        // an answer to a request from before it was left out is no sign of life
        if !self.trial.load(Ordering::Relaxed) || !self.moves(until, 0) {
            return false;
        }
        self.trial.store(false, Ordering::Relaxed);
        self.back_at.store(now, Ordering::Relaxed);
        true
    }

    /// A request failed. Says for how long it is left out, where that is now; `spare`: never, because nobody
    /// else would be left.
    pub(super) fn failed(&self, failure: Failure, now: u64, spare: bool) -> Option<Duration> {
        let weight = failure.weight();
        let failures = self.failures.fetch_add(weight, Ordering::Relaxed);
        let until = self.out_until.load(Ordering::Relaxed);
        // a trial that fails is enough
        let trial = self.trial.swap(false, Ordering::Relaxed);
        let enough = failures.saturating_add(weight) >= ENOUGH;
        if spare || !(trial || (until == 0 && enough)) {
            return None;
        }
        let times = self.ejections.load(Ordering::Relaxed);
        let span = FIRST.saturating_mul(1 << times.min(10)).min(LONGEST);
        if !self.moves(until, now.saturating_add(millis(span)).max(1)) {
            return None;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.ejections
            .store(times.saturating_add(1), Ordering::Relaxed);
        Some(span)
    }

    /// A health check's result. Says what it is now, where that has changed.
    pub(super) fn checked(&self, good: bool, healthy: u32, unhealthy: u32) -> Option<bool> {
        if self.is_healthy() == good {
            self.contrary.store(0, Ordering::Relaxed);
            return None;
        }
        let contrary = self.contrary.fetch_add(1, Ordering::Relaxed) + 1;
        if contrary < if good { healthy } else { unhealthy } {
            return None;
        }
        self.contrary.store(0, Ordering::Relaxed);
        self.healthy.store(good, Ordering::Relaxed);
        Some(good)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A request under way: counted for as long as this lives.
#[derive(Debug)]
pub(super) struct UnderWay(std::sync::Arc<Standing>);

impl UnderWay {
    pub(super) fn new(standing: &std::sync::Arc<Standing>) -> Self {
        standing.begin();
        Self(std::sync::Arc::clone(standing))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1000;

    #[test]
    fn left_out_for_longer_each_time_and_tried_by_one() {
        let standing = Standing::default();
        let fail = |now| standing.failed(Failure::Connect, now, false);
        assert_eq!((fail(1), fail(2)), (None, None));
        assert!(standing.admits(2));
        assert_eq!(fail(3), Some(Duration::from_secs(10)));
        assert!(!standing.admits(4) && !standing.is_well());
        assert_eq!(
            fail(5),
            None,
            "requests that were under way do not add to it"
        );
        let over = 3 + 10 * SECOND;
        assert!(standing.admits(over), "one may try");
        assert!(!standing.admits(over), "and nobody else meanwhile");
        assert_eq!(fail(over + 1), Some(Duration::from_secs(20)));
        let over = over + 1 + 20 * SECOND;
        assert!(standing.admits(over));
        assert!(standing.succeeded(over + 1));
        assert!(standing.is_well() && standing.admits(over + 2));
        for _ in 0..2 {
            assert_eq!(fail(over + 3), None);
        }
        assert_eq!(fail(over + 3), Some(Duration::from_secs(40)));
    }

    #[test]
    fn bad_answers_weigh_less_and_a_good_one_forgives_them() {
        let standing = Standing::default();
        for _ in 0..5 {
            assert_eq!(standing.failed(Failure::Gateway, 1, false), None);
        }
        standing.succeeded(1);
        for _ in 0..5 {
            assert_eq!(standing.failed(Failure::Gateway, 1, false), None);
        }
        assert!(standing.failed(Failure::Gateway, 1, false).is_some());
    }

    #[test]
    fn the_last_one_is_spared() {
        let standing = Standing::default();
        for now in 1..100 {
            assert_eq!(standing.failed(Failure::Connect, now, true), None);
        }
        assert!(standing.is_well());
    }

    #[test]
    fn a_late_answer_from_before_brings_nobody_back() {
        let standing = Standing::default();
        for _ in 0..3 {
            standing.failed(Failure::Connect, 1, false);
        }
        assert!(!standing.succeeded(2));
        assert!(!standing.is_well());
    }

    #[test]
    fn checks_change_their_mind_after_so_many_in_a_row() {
        let standing = Standing::default();
        let check = |good| standing.checked(good, 2, 3);
        assert_eq!([check(false), check(false), check(true)], [None; 3]);
        assert_eq!([check(false), check(false)], [None; 2]);
        assert_eq!(check(false), Some(false));
        assert!(!standing.admits(1));
        assert_eq!([check(true), check(false), check(true)], [None; 3]);
        assert_eq!(check(true), Some(true));
        assert!(standing.admits(1));
    }
}
