//! How far two-factor authentication has come: where each account stands, counted.

use super::account::Account;
use super::policy::{TwoFactor, TwoFactorRules};
use super::reminder::{self, Status};
use super::timestamp::Timestamp;
use std::collections::BTreeMap;

/// Where an account stands; the states add up to all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Two-factor authentication is on.
    On,
    /// Not on, and still to be put off (or never asked for).
    Reminding,
    /// Not on, and it can no longer be put off.
    Overdue,
    /// Not on, and let off for a time.
    Exempt,
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::On, Self::Reminding, Self::Overdue, Self::Exempt];

    /// As in addresses and in the CSV.
    pub const fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Reminding => "grace",
            Self::Overdue => "due",
            Self::Exempt => "exempt",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    pub fn of(account: &Account, rules: &TwoFactorRules, now: Timestamp) -> Self {
        if account.has_second_factor() {
            return Self::On;
        }
        if account.reminder.is_exempt(now) {
            return Self::Exempt;
        }
        match deadline_of(account, rules, now) {
            Some(deadline) if now > deadline => Self::Overdue,
            _ => Self::Reminding,
        }
    }
}

/// The last moment at which an account without a second factor may put it off; `None` where nothing is required.
pub fn deadline_of(account: &Account, rules: &TwoFactorRules, now: Timestamp) -> Option<Timestamp> {
    let afresh = reminder::Record {
        snoozed_until: None,
        exempt_until: None,
        ..account.reminder
    };
    // an account that has never signed in under the policy has its grace before it
    let policy = rules.for_groups(&account.groups);
    match reminder::status(policy, TwoFactor::Optional, rules, &afresh, now) {
        Status::Due { deadline } | Status::Overdue { deadline } => deadline,
        Status::Quiet => None,
    }
}

/// Accounts by standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub on: u64,
    pub reminding: u64,
    pub overdue: u64,
    pub exempt: u64,
}

impl Figures {
    pub const fn count(&mut self, standing: Standing) {
        let counter = match standing {
            Standing::On => &mut self.on,
            Standing::Reminding => &mut self.reminding,
            Standing::Overdue => &mut self.overdue,
            Standing::Exempt => &mut self.exempt,
        };
        *counter += 1;
    }

    pub const fn total(&self) -> u64 {
        self.on + self.reminding + self.overdue + self.exempt
    }
}

/// The figures of one day, of everybody or of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    pub group: Option<String>,
    pub figures: Figures,
}

/// The figures of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday, as a day since 1970-01-01.
    pub monday: i64,
    pub figures: Figures,
}

/// One point a week of everybody's figures: those of the week's last day that has any. Oldest first.
pub fn weekly(snapshots: &[Snapshot]) -> Vec<Week> {
    let mut weeks = BTreeMap::new();
    let mut of_all: Vec<&Snapshot> = snapshots.iter().filter(|s| s.group.is_none()).collect();
    of_all.sort_by_key(|snapshot| snapshot.day);
    for snapshot in of_all {
        weeks.insert(monday_of(snapshot.day), snapshot.figures);
    }
    weeks
        .into_iter()
        .map(|(monday, figures)| Week { monday, figures })
        .collect()
}

/// The Monday of a day's week: 1970-01-01 was a Thursday.
const fn monday_of(day: i64) -> i64 {
    let thursday = 3;
    (day + thursday).div_euclid(7) * 7 - thursday
}

/// Everybody counted once, and once for each of their groups. Who may not sign in does not count: there is nothing to
/// be adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub all: Figures,
    pub groups: BTreeMap<String, Figures>,
}

impl Tally {
    /// Counts an account in, and says where it stands; `None`: it does not count.
    pub fn count(
        &mut self,
        account: &Account,
        rules: &TwoFactorRules,
        now: Timestamp,
    ) -> Option<Standing> {
        if !account.is_active() {
            return None;
        }
        let standing = Standing::of(account, rules, now);
        self.all.count(standing);
        for group in account.groups.iter() {
            match self.groups.get_mut(group) {
                Some(figures) => figures.count(standing),
                None => {
                    let mut figures = Figures::default();
                    figures.count(standing);
                    self.groups.insert(group.clone(), figures);
                }
            }
        }
        Some(standing)
    }

    /// As it is kept for a day.
    pub fn snapshots(&self, day: i64) -> Vec<Snapshot> {
        let all = Snapshot {
            day,
            group: None,
            figures: self.all,
        };
        let groups = self.groups.iter().map(|(group, figures)| Snapshot {
            day,
            group: Some(group.clone()),
            figures: *figures,
        });
        std::iter::once(all).chain(groups).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::policy::TwoFactor;
    use crate::domain::policy::tests::account;
    use crate::domain::reminder::Record;
    use std::collections::BTreeSet;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn somebody(groups: &[&str], grace_ends_at: i64, exempt_until: Option<i64>) -> Account {
        Account {
            groups: groups
                .iter()
                .map(|g| (*g).to_owned())
                .collect::<BTreeSet<_>>()
                .into(),
            totp: None,
            reminder: Record {
                grace_ends_at: Some(Timestamp::from_seconds(grace_ends_at)),
                exempt_until: exempt_until.map(Timestamp::from_seconds),
                ..Record::default()
            },
            ..account()
        }
    }

    #[test]
    fn everybody_who_may_sign_in_stands_somewhere_once() {
        let rules = TwoFactorRules::with_policy(TwoFactor::Required);
        let disabled = Account {
            status: Status::Disabled,
            ..somebody(&["staff"], 5, None)
        };
        let people = [
            (somebody(&["staff", "it"], 5, None), Some(Standing::Overdue)),
            (
                somebody(&["staff"], 2_000_000, None),
                Some(Standing::Reminding),
            ),
            (somebody(&[], 5, Some(1_000_001)), Some(Standing::Exempt)),
            (somebody(&[], 5, Some(1_000_000)), Some(Standing::Overdue)),
            (disabled, None),
        ];
        let mut tally = Tally::default();
        for (person, want) in &people {
            assert_eq!(tally.count(person, &rules, NOW), *want);
        }
        assert_eq!(tally.all.total(), 4);
        assert_eq!((tally.all.overdue, tally.all.exempt), (2, 1));
        let of = |group: &str| tally.groups[group].total();
        assert_eq!((of("staff"), of("it")), (2, 1));
        let kept = tally.snapshots(11);
        assert_eq!(kept.len(), 3);
        assert_eq!(
            (kept[0].group.as_deref(), kept[0].figures),
            (None, tally.all)
        );
    }

    #[test]
    fn a_week_is_its_last_day_with_figures() {
        let on = |day: i64, group: Option<&str>, on: u64| Snapshot {
            day,
            group: group.map(str::to_owned),
            figures: Figures {
                on,
                ..Figures::default()
            },
        };
        // 1970-01-05 (day 4) was a Monday
        let weeks = weekly(&[
            on(11, None, 9),
            on(4, None, 1),
            on(10, None, 3),
            on(10, Some("staff"), 100),
            on(5, None, 2),
            on(3, None, 7),
        ]);
        let got: Vec<_> = weeks.iter().map(|w| (w.monday, w.figures.on)).collect();
        assert_eq!(got, [(-3, 7), (4, 3), (11, 9)]);
    }
}
