//! Points in time and spans, whole seconds, always handed in from outside (`env::Clock`).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Seconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

/// Seconds in a day, for rules that speak of whole days.
pub const DAY: i64 = 86_400;

impl Timestamp {
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Saturating, so that a hostile or absurd span cannot wrap round into the past.
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    pub fn minus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    /// Time from `earlier` to `self`; zero where `earlier` lies ahead (a clock that was set back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The last second of the day (UTC) that `self` lies in.
    pub fn end_of_day(self) -> Self {
        Self(
            self.0
                .div_euclid(DAY)
                .saturating_mul(DAY)
                .saturating_add(DAY - 1),
        )
    }

    /// Days on the calendar (UTC) from `self` to `later`: 0 on the same day, never below zero.
    pub fn days_until(self, later: Self) -> u64 {
        let day = |at: Self| at.0.div_euclid(DAY);
        u64::try_from(day(later).saturating_sub(day(self))).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
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
