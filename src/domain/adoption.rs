//! How far two-factor authentication has come: where each account stands, counted.

use super::account::Account;
use super::policy::{TwoFactor, TwoFactorRules};
use super::reminder::{self, Status};
use super::timestamp::Timestamp;

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
