//! What was seen, counted: one tally for each thread and side, merged when a slice is over.

use super::client::Failure;
use super::plan::ceilings;
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::time::Instant;

/// Latencies in nanoseconds, to three significant digits, growing with the longest.
pub type Latencies = Histogram<u32>;

/// An empty one. It grows by itself, so that no value is out of its range.
pub fn latencies(digits: u8) -> Latencies {
    // 1 to 5 digits are allowed, and ours are 2 and 3
    let mut histogram = Histogram::new(digits.clamp(1, 5)).unwrap_or_else(|_| fallback());
    histogram.auto(true);
    histogram
}

#[expect(
    clippy::unreachable,
    reason = "three digits are within what a histogram can have"
)]
fn fallback() -> Latencies {
    match Histogram::new(3) {
        Ok(histogram) => histogram,
        Err(_) => unreachable!(),
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// One request, over.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub target: usize,
    /// When it was due: with a fixed rate perhaps before it was sent.
    pub due: Instant,
    pub sent: Instant,
    pub done: Instant,
    pub result: Result<Answered, Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub bytes: u64,
    pub asks_to_sign_in: bool,
    /// The status is one that was hoped for.
    pub expected: bool,
}

/// Of one URL.
#[derive(Clone, Debug)]
pub struct TargetTally {
    /// From due to done, of everything that was answered, and of what was waited for in vain.
    pub latency: Latencies,
    /// From sent to done; with a fixed rate only.
    pub service: Option<Latencies>,
    pub answers: u64,
    /// Done within the time that is measured.
    pub in_time: u64,
    pub bytes: u64,
    pub unexpected: u64,
    pub not_signed_in: u64,
    /// By [`Failure`], in the order of [`Failure::ALL`].
    pub failures: [u64; Failure::ALL.len()],
    /// By status, from 100 on.
    pub statuses: Vec<u64>,
}

impl TargetTally {
    fn new(open: bool) -> Self {
        Self {
            latency: latencies(3),
            service: open.then(|| latencies(3)),
            answers: 0,
            in_time: 0,
            bytes: 0,
            unexpected: 0,
            not_signed_in: 0,
            failures: [0; Failure::ALL.len()],
            statuses: vec![0; 500],
        }
    }

    pub fn failed(&self) -> u64 {
        self.failures.iter().sum()
    }

    pub fn errors(&self) -> u64 {
        self.failed() + self.unexpected + self.not_signed_in
    }

    pub fn merge(&mut self, other: &Self) {
        // they grow by themselves, so that adding cannot fail
        let _ = self.latency.add(&other.latency);
        if let (Some(mine), Some(theirs)) = (&mut self.service, &other.service) {
            let _ = mine.add(theirs);
        }
        self.answers += other.answers;
        self.in_time += other.in_time;
        self.bytes += other.bytes;
        self.unexpected += other.unexpected;
        self.not_signed_in += other.not_signed_in;
        add(&mut self.failures, &other.failures);
        add(&mut self.statuses, &other.statuses);
    }
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

/// One point on the line of time.
#[derive(Clone, Debug)]
pub struct Point {
    pub latency: Latencies,
    pub requests: u64,
    pub errors: u64,
}

impl Point {
    fn new() -> Self {
        Self {
            latency: latencies(2),
            requests: 0,
            errors: 0,
        }
    }
}

/// When a slice is measured, and how.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
    /// Points of time to keep; 0: none.
    pub points: u32,
    /// Of closed loops: [`super::plan::Loop::Closed::expected`].
    pub expected_interval: Option<Duration>,
}

impl Window {
    pub fn span(&self) -> Duration {
        self.to.saturating_duration_since(self.from)
    }

    /// How long one point is.
    pub fn step(&self) -> Duration {
        self.span() / self.points.max(1)
    }

    fn point_of(&self, at: Instant) -> Option<usize> {
        if self.points == 0 {
            return None;
        }
        let since = at.checked_duration_since(self.from)?.as_nanos();
        let step = self.step().as_nanos().max(1);
        usize::try_from(since / step)
            .ok()
            .filter(|at| *at < self.points as usize)
    }
}

/// What one thread has seen of one side.
#[derive(Clone, Debug)]
pub struct Tally {
    pub targets: Vec<TargetTally>,
    pub points: Vec<Point>,
    /// How long connecting took, TLS included.
    pub connects: Latencies,
    /// Connections that could not be opened, or were opened anew.
    pub reconnects: u64,
    /// Everything that was sent, measured or not: what CPU was spent on.
    pub sent: u64,
    /// Sent before the measurement began.
    pub warm_up: u64,
    open: bool,
}

impl Tally {
    pub fn new(targets: usize, open: bool) -> Self {
        Self {
            targets: (0..targets).map(|_| TargetTally::new(open)).collect(),
            points: Vec::new(),
            connects: latencies(3),
            reconnects: 0,
            sent: 0,
            warm_up: 0,
            open,
        }
    }

    /// What was seen so far; from now on it begins afresh.
    pub fn take(&mut self) -> Self {
        let fresh = Self::new(self.targets.len(), self.open);
        std::mem::replace(self, fresh)
    }

    pub fn connected(&mut self, span: Duration) {
        let _ = self.connects.record(nanoseconds(span));
    }

    pub fn note(&mut self, outcome: Outcome, window: &Window) {
        self.sent += 1;
        if outcome.due < window.from {
            self.warm_up += 1;
            return;
        }
        let Some(target) = self.targets.get_mut(outcome.target) else {
            return;
        };
        let latency = nanoseconds(outcome.done.saturating_duration_since(outcome.due));
        let mut is_error = true;
        let counts = match outcome.result {
            Ok(answer) => {
                target.answers += 1;
                target.in_time += u64::from(outcome.done <= window.to);
                target.bytes += answer.bytes;
                if answer.asks_to_sign_in && !(answer.status == 401 && answer.expected) {
                    target.not_signed_in += 1;
                } else if !answer.expected {
                    target.unexpected += 1;
                } else {
                    is_error = false;
                }
                let status = usize::from(answer.status).checked_sub(100);
                if let Some(count) = status.and_then(|at| target.statuses.get_mut(at)) {
                    *count += 1;
                }
                true
            }
            Err(failure) => {
                let at = Failure::ALL.iter().position(|f| *f == failure);
                if let Some(count) = at.and_then(|at| target.failures.get_mut(at)) {
                    *count += 1;
                }
                // what was waited for in vain took at least as long
                failure == Failure::Timeout
            }
        };
        if counts {
            record(&mut target.latency, latency, window.expected_interval);
            if let Some(service) = &mut target.service {
                let span = outcome.done.saturating_duration_since(outcome.sent);
                let _ = service.record(nanoseconds(span));
            }
        }
        if let Some(at) = window.point_of(outcome.done) {
            if self.points.len() <= at {
                self.points.resize_with(at + 1, Point::new);
            }
            if let Some(point) = self.points.get_mut(at) {
                point.requests += 1;
                point.errors += u64::from(is_error);
                if counts {
                    let _ = point.latency.record(latency);
                }
            }
        }
    }

    /// Requests that were due and were never sent: they have waited until the end, at least.
    pub fn unsent(&mut self, target: usize, waited: Duration, many: u64) {
        if let Some(target) = self.targets.get_mut(target) {
            let many = u32::try_from(many).unwrap_or(u32::MAX);
            let _ = target.latency.record_n(nanoseconds(waited), many);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.targets.iter_mut().zip(&other.targets) {
            mine.merge(theirs);
        }
        if self.points.len() < other.points.len() {
            self.points.resize_with(other.points.len(), Point::new);
        }
        for (mine, theirs) in self.points.iter_mut().zip(&other.points) {
            let _ = mine.latency.add(&theirs.latency);
            mine.requests += theirs.requests;
            mine.errors += theirs.errors;
        }
        let _ = self.connects.add(&other.connects);
        self.reconnects += other.reconnects;
        self.sent += other.sent;
        self.warm_up += other.warm_up;
    }

    /// All URLs as one.
    pub fn whole(&self) -> TargetTally {
        let mut whole = TargetTally::new(self.open);
        for target in &self.targets {
            whole.merge(target);
        }
        whole
    }
}

fn record(latency: &mut Latencies, value: u64, expected: Option<Duration>) {
    let _ = match expected {
        Some(interval) => latency.record_correct(value, nanoseconds(interval)),
        None => latency.record(value),
    };
}

/// How many points a run of this length has: none shorter than a quarter of a second, unless the run is.
pub fn points(duration: Duration) -> u32 {
    let quarters = u32::try_from(duration.as_millis() / 250).unwrap_or(u32::MAX);
    quarters.clamp(4, ceilings::POINTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn window(from: Instant) -> Window {
        Window {
            from,
            to: from + MS * 1000,
            points: 10,
            expected_interval: None,
        }
    }

    fn outcome(due: Instant, sent: Duration, done: Duration, status: u16) -> Outcome {
        Outcome {
            target: 0,
            due,
            sent: due + sent,
            done: due + done,
            result: Ok(Answered {
                status,
                bytes: 10,
                asks_to_sign_in: false,
                expected: status < 400,
            }),
        }
    }

    fn about(found: u64, want: Duration) {
        let want = nanoseconds(want) as f64;
        assert!(
            (found as f64 - want).abs() <= want * 0.002,
            "{found} {want}"
        );
    }

    #[test]
    fn latency_counts_from_when_it_was_due() {
        let start = Instant::now();
        let mut tally = Tally::new(1, true);
        tally.note(outcome(start, MS * 90, MS * 100, 200), &window(start));
        let target = &tally.targets[0];
        about(target.latency.max(), MS * 100);
        about(target.service.as_ref().unwrap().max(), MS * 10);
        assert_eq!((target.answers, target.in_time, target.errors()), (1, 1, 0));
        assert_eq!(tally.points.len(), 2);
        assert_eq!(tally.points[1].requests, 1);
    }

    #[test]
    fn a_stall_is_put_back_where_an_interval_is_expected() {
        let start = Instant::now();
        let plain = window(start);
        let corrected = Window {
            expected_interval: Some(MS * 10),
            ..plain
        };
        for (window, many) in [(plain, 100), (corrected, 199)] {
            let mut tally = Tally::new(1, false);
            for n in 0..99 {
                let due = start + MS * n;
                tally.note(outcome(due, Duration::ZERO, MS, 200), &window);
            }
            // one answer in a hundred takes a second: 99 more would have been sent meanwhile
            tally.note(outcome(start, Duration::ZERO, MS * 1000, 200), &window);
            let latency = &tally.targets[0].latency;
            assert_eq!(latency.len(), many);
            let p90 = Duration::from_nanos(latency.value_at_quantile(0.9));
            assert_eq!(p90 > MS * 500, many == 199, "{p90:?}");
            // what was put back is no answer
            assert_eq!(tally.targets[0].answers, 100);
        }
    }

    #[test]
    fn what_counts_as_an_error() {
        let start = Instant::now();
        let mut tally = Tally::new(1, false);
        let ok = outcome(start, Duration::ZERO, MS, 200);
        let answered = |status, asks_to_sign_in, expected| Outcome {
            result: Ok(Answered {
                status,
                bytes: 0,
                asks_to_sign_in,
                expected,
            }),
            ..ok
        };
        tally.note(ok, &window(start));
        tally.note(answered(503, false, false), &window(start));
        tally.note(answered(302, true, true), &window(start));
        tally.note(answered(401, true, false), &window(start));
        tally.note(answered(401, true, true), &window(start));
        for failure in Failure::ALL {
            let failed = Outcome {
                result: Err(failure),
                ..ok
            };
            tally.note(failed, &window(start));
        }
        let target = tally.whole();
        assert_eq!(target.unexpected, 1);
        assert_eq!(target.not_signed_in, 2);
        assert_eq!(target.failed(), 6);
        assert_eq!(target.errors(), 9);
        assert_eq!(target.answers, 5);
        // of the failures only the timeout has a latency
        assert_eq!(target.latency.len(), 6);
        assert_eq!(target.statuses[200 - 100], 1);
        assert_eq!(target.statuses[401 - 100], 2);
        assert_eq!(tally.sent, 11);
    }

    #[test]
    fn before_and_after_the_measurement() {
        let start = Instant::now();
        let mut tally = Tally::new(1, false);
        let window = window(start + MS * 500);
        tally.note(outcome(start, Duration::ZERO, MS, 500), &window);
        assert_eq!(
            (tally.sent, tally.warm_up, tally.whole().errors()),
            (1, 1, 0)
        );
        // done after the end: its latency counts, and not for the throughput
        tally.note(
            outcome(start + MS * 1400, Duration::ZERO, MS * 200, 200),
            &window,
        );
        assert_eq!((tally.whole().answers, tally.whole().in_time), (1, 0));
        let taken = tally.take();
        assert_eq!((taken.sent, tally.sent), (2, 0));
        tally.merge(&taken);
        tally.merge(&taken);
        assert_eq!((tally.sent, tally.whole().latency.len()), (4, 2));
    }
}
