//! Points in time and spans, whole seconds, always handed in from outside (`env::Clock`).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroI64;
use std::time::Duration;

/// Seconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Timestamp(
    /// From the epoch on one more, so that it is never 0 and an `Option` takes no more room: accounts and sessions have
    /// many of them, and memory many sessions.
    NonZeroI64,
);

/// Seconds in a day, for rules that speak of whole days.
pub const DAY: i64 = 86_400;

impl Timestamp {
    /// The last second that an `i64` can count is the one before.
    pub const fn from_seconds(seconds: i64) -> Self {
        let shifted = if seconds < 0 {
            seconds
        } else {
            seconds.saturating_add(1)
        };
        match NonZeroI64::new(shifted) {
            Some(shifted) => Self(shifted),
            None => Self(NonZeroI64::MIN),
        }
    }

    pub const fn seconds(self) -> i64 {
        let shifted = self.0.get();
        if shifted < 0 { shifted } else { shifted - 1 }
    }

    /// Saturating, so that a hostile or absurd span cannot wrap round into the past.
    pub fn plus(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        Self::from_seconds(self.seconds().saturating_add(span))
    }

    pub fn minus(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        Self::from_seconds(self.seconds().saturating_sub(span))
    }

    /// Time from `earlier` to `self`; zero where `earlier` lies ahead (a clock that was set back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(
            u64::try_from(self.seconds().saturating_sub(earlier.seconds())).unwrap_or(0),
        )
    }

    /// The last second of the day (UTC) that `self` lies in.
    pub fn end_of_day(self) -> Self {
        let days = self.seconds().div_euclid(DAY);
        Self::from_seconds(days.saturating_mul(DAY).saturating_add(DAY - 1))
    }

    /// Days on the calendar (UTC) from `self` to `later`: 0 on the same day, never below zero.
    pub fn days_until(self, later: Self) -> u64 {
        let day = |at: Self| at.seconds().div_euclid(DAY);
        u64::try_from(day(later).saturating_sub(day(self))).unwrap_or(0)
    }
}

impl From<i64> for Timestamp {
    fn from(seconds: i64) -> Self {
        Self::from_seconds(seconds)
    }
}

impl From<Timestamp> for i64 {
    fn from(at: Timestamp) -> Self {
        at.seconds()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.seconds())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds())
    }
}

/// Minutes to tell a person to wait: rounded up and never below 1.
pub fn minutes_rounded_up(span: Duration) -> u64 {
    span.as_secs().div_ceil(60).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_is_told_as_it_was_given_and_in_order() {
        let all = [i64::MIN, -DAY, -2, -1, 0, 1, 2, DAY, i64::MAX - 1];
        let moments = all.map(Timestamp::from_seconds);
        assert_eq!(moments.map(Timestamp::seconds), all);
        assert!(moments.is_sorted_by(|a, b| a < b));
        let last = Timestamp::from_seconds(i64::MAX);
        assert_eq!(last.seconds(), i64::MAX - 1);
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<i64>());
        for seconds in all {
            let at = Timestamp::from_seconds(seconds);
            let written = serde_json::to_string(&at).unwrap();
            assert_eq!(written, seconds.to_string());
            assert_eq!(serde_json::from_str::<Timestamp>(&written).unwrap(), at);
        }
    }

    #[test]
    fn spans_never_wrap() {
        let t = Timestamp::from_seconds(100);
        assert_eq!(t.since(t.plus(Duration::from_secs(5))), Duration::ZERO);
        assert!(t.plus(Duration::MAX) > t);
        assert!(t.minus(Duration::MAX) < t);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let t = Timestamp::from_seconds(0);
        assert_eq!(t.days_until(Timestamp::from_seconds(DAY - 1)), 0);
        assert_eq!(
            Timestamp::from_seconds(DAY - 1).days_until(Timestamp::from_seconds(DAY)),
            1
        );
        assert_eq!(t.days_until(Timestamp::from_seconds(DAY)), 1);
        assert_eq!(t.days_until(Timestamp::from_seconds(-5)), 0);
        assert_eq!(t.end_of_day(), Timestamp::from_seconds(DAY - 1));
    }
}
