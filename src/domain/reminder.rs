//! The reminder to enable two-factor authentication: when it is shown, and when it can no longer be put off.
//!
//! The state is the account's, not the browser's, so that a new browser brings no new grace and no second
//! reminder (SP 800-63B-4 2.1 asks verifiers to encourage a second factor at AAL1).

use super::policy::{TwoFactor, TwoFactorRules};
use super::timestamp::{DAY, Timestamp};
use std::time::Duration;

/// What an account remembers of its reminders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When the grace period began; set once, never moved.
    pub grace_started_at: Option<Timestamp>,
    /// The last moment the person may put it off; set once together with the start.
    pub grace_ends_at: Option<Timestamp>,
    /// No reminder before this.
    pub snoozed_until: Option<Timestamp>,
    /// Let off by the helpdesk until then: no reminder, no deadline. A place that itself requires a second factor
    /// requires it all the same.
    pub exempt_until: Option<Timestamp>,
}

impl Record {
    pub fn is_exempt(&self, now: Timestamp) -> bool {
        self.exempt_until.is_some_and(|until| now < until)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing to show: on, not asked for, or snoozed.
    Quiet,
    /// Show the reminder; it may be put off, until `deadline` where there is one.
    Due { deadline: Option<Timestamp> },
    /// It can no longer be put off.
    Overdue { deadline: Option<Timestamp> },
}

/// Days before the deadline on which every sign-in reminds, where the operator has set no interval.
const LAST_DAYS: u64 = 2;

/// As [`status`], at a sign-in: in the last days a reminder that was put off comes again. Within a session it
/// does not, so that "Remind me later" always leads on.
pub fn status_at_sign_in(
    account_policy: TwoFactor,
    route_policy: TwoFactor,
    rules: &TwoFactorRules,
    record: &Record,
    now: Timestamp,
) -> Status {
    let anew = Record {
        snoozed_until: None,
        ..*record
    };
    let afresh = status(account_policy, route_policy, rules, &anew, now);
    match afresh {
        Status::Due {
            deadline: Some(end),
        } if rules.remind_every.is_none() && now.days_until(end) <= LAST_DAYS => afresh,
        _ => status(account_policy, route_policy, rules, record, now),
    }
}

/// Where an account without a second factor stands, under the strictest policy that applies to it
/// (`account_policy`: global and groups) and to the place it goes to (`route_policy`).
pub fn status(
    account_policy: TwoFactor,
    route_policy: TwoFactor,
    rules: &TwoFactorRules,
    record: &Record,
    now: Timestamp,
) -> Status {
    if record.is_exempt(now) {
        return Status::Quiet;
    }
    let deadline = match account_policy {
        TwoFactor::Required => Some(deadline(rules, record, now)),
        TwoFactor::Recommended | TwoFactor::Optional => None,
    };
    if deadline.is_some_and(|d| now > d) {
        return Status::Overdue { deadline };
    }
    if account_policy.max(route_policy) == TwoFactor::Optional {
        return Status::Quiet;
    }
    match record.snoozed_until {
        Some(until) if now < until => Status::Quiet,
        _ => Status::Due { deadline },
    }
}

/// The last moment to put it off: the person's own, stored one, or what it would be if it began now;
/// never later than the date that holds for everybody.
fn deadline(rules: &TwoFactorRules, record: &Record, now: Timestamp) -> Timestamp {
    let own = match (record.grace_ends_at, rules.grace, rules.deadline) {
        (Some(stored), _, _) => stored,
        (None, None, Some(_)) => Timestamp::from_seconds(i64::MAX),
        (None, grace, _) => grace_end(now, grace.unwrap_or(Duration::ZERO)),
    };
    rules.deadline.map_or(own, |all| own.min(all))
}

/// The grace to store at the first sign-in under a policy that requires two factors; `None` when one is
/// stored already (never renewed), or nothing is required.
pub fn grace_to_start(
    account_policy: TwoFactor,
    rules: &TwoFactorRules,
    record: &Record,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let starts = account_policy == TwoFactor::Required && record.grace_ends_at.is_none();
    starts.then(|| {
        let unstarted = Record {
            grace_ends_at: None,
            ..*record
        };
        (now, deadline(rules, &unstarted, now))
    })
}

/// A grace in whole days lasts through the last day; a shorter one is exact; none ends at once.
fn grace_end(start: Timestamp, grace: Duration) -> Timestamp {
    if grace.is_zero() {
        return start.minus(Duration::from_secs(1));
    }
    let end = start.plus(grace);
    if grace.as_secs().is_multiple_of(DAY.unsigned_abs()) {
        end.end_of_day()
    } else {
        end
    }
}

/// When to remind again after "Remind me later": the configured interval; with a deadline and no interval
/// of the operator's, every 7 days, every 3 in the last 14, daily (and at every sign-in) in the last 2. Always
/// later than now: putting it off must lead on.
pub fn next_reminder(
    rules: &TwoFactorRules,
    deadline: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let days = |n: u64| Duration::from_secs(n * DAY.unsigned_abs());
    match (rules.remind_every, deadline) {
        (Some(every), _) => now.plus(every),
        (None, Some(end)) if now.days_until(end) <= LAST_DAYS => now.plus(days(1)),
        (None, Some(end)) if now.days_until(end) <= 14 => now.plus(days(3)),
        (None, _) => now.plus(days(7)),
    }
}

/// Days before a deadline on which a mail says so.
const MAIL_BEFORE: [u64; 4] = [1, 3, 7, 14];

/// The mail about a deadline that has passed goes out on the day after, or, where that was missed, until then.
const MAIL_AFTER_DAYS: u64 = 3;

/// What a person is mailed about a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// It is this many days away, or fewer.
    Before(u64),
    After,
}

impl Milestone {
    /// Stable: it is stored.
    pub fn code(self) -> String {
        match self {
            Self::Before(days) => days.to_string(),
            Self::After => "after".to_owned(),
        }
    }
}

impl std::fmt::Display for Milestone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Before(1) => f.write_str("1 day before the deadline"),
            Self::Before(days) => write!(f, "{days} days before the deadline"),
            Self::After => f.write_str("after the deadline"),
        }
    }
}

/// The nearest milestone of a deadline that has come; `None` long before and long after it. One that lies before the
/// person's grace began, or on that very day, is none: the sign-in has just said the same.
pub fn milestone(
    deadline: Timestamp,
    started: Option<Timestamp>,
    now: Timestamp,
) -> Option<Milestone> {
    if now > deadline {
        let late = deadline.days_until(now);
        return (1..=MAIL_AFTER_DAYS)
            .contains(&late)
            .then_some(Milestone::After);
    }
    let left = now.days_until(deadline);
    let nearest = MAIL_BEFORE.into_iter().find(|days| left <= *days)?;
    let known = started.is_some_and(|start| start.days_until(deadline) <= nearest);
    (!known).then_some(Milestone::Before(nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn rules(grace_days: Option<u64>, deadline_in: Option<i64>) -> TwoFactorRules {
        TwoFactorRules {
            grace: grace_days.map(|d| Duration::from_secs(d * 86_400)),
            deadline: deadline_in.map(|s| Timestamp::from_seconds(NOW.seconds() + s)),
            ..TwoFactorRules::with_policy(TwoFactor::Required)
        }
    }

    fn check(rules: &TwoFactorRules, record: Record, want: &str) {
        let got = match status(
            TwoFactor::Required,
            TwoFactor::Optional,
            rules,
            &record,
            NOW,
        ) {
            Status::Quiet => "quiet",
            Status::Due { .. } => "due",
            Status::Overdue { .. } => "overdue",
        };
        assert_eq!(got, want, "{rules:?} {record:?}");
    }

    #[test]
    fn required_with_and_without_time_to_put_it_off() {
        let fresh = Record::default();
        check(&rules(None, None), fresh, "overdue");
        check(&rules(Some(14), None), fresh, "due");
        check(&rules(None, Some(60)), fresh, "due");
        check(&rules(None, Some(-60)), fresh, "overdue");
        check(&rules(Some(14), Some(-60)), fresh, "overdue");
        let snoozed = Record {
            snoozed_until: Some(NOW.plus(Duration::from_secs(5))),
            ..fresh
        };
        check(&rules(Some(14), None), snoozed, "quiet");
        // a snooze never outlasts the deadline
        let over = Record {
            grace_ends_at: Some(NOW.minus(Duration::from_secs(1))),
            ..snoozed
        };
        check(&rules(Some(14), None), over, "overdue");
        // a longer grace in the configuration does not renew a stored one
        check(&rules(Some(400), None), over, "overdue");
    }

    #[test]
    fn grace_is_stored_once() {
        let r = rules(Some(14), None);
        let (start, end) =
            grace_to_start(TwoFactor::Required, &r, &Record::default(), NOW).unwrap();
        assert_eq!(start, NOW);
        assert_eq!(end, NOW.plus(Duration::from_secs(14 * 86_400)).end_of_day());
        let stored = Record {
            grace_ends_at: Some(end),
            ..Record::default()
        };
        assert_eq!(grace_to_start(TwoFactor::Required, &r, &stored, NOW), None);
        assert_eq!(
            grace_to_start(TwoFactor::Recommended, &r, &Record::default(), NOW),
            None
        );
    }

    #[test]
    fn a_recommendation_comes_from_account_or_route() {
        let r = TwoFactorRules::with_policy(TwoFactor::Optional);
        let s = |account, route| status(account, route, &r, &Record::default(), NOW);
        assert_eq!(s(TwoFactor::Optional, TwoFactor::Optional), Status::Quiet);
        assert_eq!(
            s(TwoFactor::Optional, TwoFactor::Recommended),
            Status::Due { deadline: None }
        );
        assert_eq!(
            s(TwoFactor::Recommended, TwoFactor::Optional),
            Status::Due { deadline: None }
        );
    }

    #[test]
    fn reminders_come_closer_near_the_deadline() {
        let r = rules(Some(14), None);
        let in_days = |d: u64| Some(NOW.plus(Duration::from_secs(d * 86_400)));
        let gap = |d: Option<Timestamp>| next_reminder(&r, d, NOW).since(NOW).as_secs() / 86_400;
        assert_eq!(
            (gap(in_days(30)), gap(in_days(10)), gap(in_days(1))),
            (7, 3, 1)
        );
        assert_eq!(gap(None), 7);
    }

    #[test]
    fn putting_it_off_always_leads_on() {
        let one_day = TwoFactorRules {
            grace: Some(Duration::from_secs(86_400)),
            ..rules(None, None)
        };
        let fresh = Record {
            grace_ends_at: Some(NOW.plus(Duration::from_secs(86_400)).end_of_day()),
            ..Record::default()
        };
        let required = |record: &Record, at_sign_in: bool, rules: &TwoFactorRules| {
            let ask = if at_sign_in {
                status_at_sign_in
            } else {
                status
            };
            ask(TwoFactor::Required, TwoFactor::Optional, rules, record, NOW)
        };
        let Status::Due { deadline } = required(&fresh, false, &one_day) else {
            panic!("due");
        };
        let snoozed = Record {
            snoozed_until: Some(next_reminder(&one_day, deadline, NOW)),
            ..fresh
        };
        assert_eq!(required(&snoozed, false, &one_day), Status::Quiet);
        // the next sign-in reminds again, unless the operator has set an interval
        assert!(matches!(
            required(&snoozed, true, &one_day),
            Status::Due { .. }
        ));
        let every = TwoFactorRules {
            remind_every: Some(Duration::from_secs(60)),
            ..one_day
        };
        assert_eq!(required(&snoozed, true, &every), Status::Quiet);
    }

    #[test]
    fn mails_come_14_7_3_and_1_days_before_and_the_day_after() {
        let day = |n: i64| Timestamp::from_seconds(n * 86_400);
        let deadline = day(100).end_of_day();
        let due = |at: i64| milestone(deadline, None, day(at)).map(Milestone::code);
        let table = [
            (85, None),
            (86, Some("14")),
            (92, Some("14")),
            (93, Some("7")),
            (97, Some("3")),
            (98, Some("3")),
            (99, Some("1")),
            (100, Some("1")),
            (101, Some("after")),
            (103, Some("after")),
            (104, None),
        ];
        for (at, want) in table {
            assert_eq!(due(at).as_deref(), want, "day {at}");
        }
    }

    #[test]
    fn no_mail_says_what_the_sign_in_of_the_day_has_said() {
        let day = |n: i64| Timestamp::from_seconds(n * 86_400);
        let deadline = day(14).end_of_day();
        let due = |at: i64| milestone(deadline, Some(day(0)), day(at)).map(Milestone::code);
        assert_eq!(due(0), None);
        assert_eq!(due(6), None);
        assert_eq!(due(7).as_deref(), Some("7"));
        // two days of grace: only the last mail is news
        let short =
            |at: i64| milestone(day(2).end_of_day(), Some(day(0)), day(at)).map(Milestone::code);
        assert_eq!(short(0), None);
        assert_eq!(short(1).as_deref(), Some("1"));
    }
}
