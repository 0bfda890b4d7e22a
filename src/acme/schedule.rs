//! When a certificate is renewed, and how long a failure keeps it from being tried again.

use crate::domain::timestamp::Timestamp;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// With a third of its life left, or `renew_before` its end; never before a third of it is over: a server that
/// issues for a shorter time than was thought of would be asked without end.
pub(super) fn is_due(
    (not_before, not_after): (Timestamp, Timestamp),
    renew_before: Option<Duration>,
    now: Timestamp,
) -> bool {
    let life = not_after.since(not_before);
    let before = renew_before.unwrap_or(life / 3).min(life / 3 * 2);
    now >= not_after.minus(before)
}

/// After so many failures before this one: 5 minutes, twice as long each time, a day at most.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = 2u32.saturating_pow(failures.min(16));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn renewal_begins_in_time_and_not_at_once() {
        let at = |days: u64| Timestamp::from_seconds(i64::try_from(days * DAY).unwrap());
        let check = |life: u64, before: Option<u64>, day: u64, want: bool| {
            let before = before.map(|days| Duration::from_secs(days * DAY));
            let got = is_due((at(0), at(life)), before, at(day));
            assert_eq!(got, want, "{life} {before:?} {day}");
        };
        check(90, None, 59, false);
        check(90, None, 60, true);
        check(90, None, 91, true);
        check(90, Some(14), 75, false);
        check(90, Some(14), 76, true);
        // asked for longer before its end than it lives
        check(6, Some(30), 1, false);
        check(6, Some(30), 2, true);
    }

    #[test]
    fn failures_are_tried_again_ever_more_rarely() {
        let minutes: Vec<u64> = (0..12).map(|n| pause(n).as_secs() / 60).collect();
        let want = [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440];
        assert_eq!(minutes, want);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
        // within the first hour after the first try
        let mut at = 0;
        let tries = (0..12).take_while(|n| {
            let within = at < 60;
            at += pause(*n).as_secs() / 60;
            within
        });
        assert_eq!(tries.count(), 4);
    }
}
