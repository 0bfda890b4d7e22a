//! Reminders by mail: before a person's deadline, and once after it.

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::adoption;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::letter::Matter;
use crate::domain::reminder::{self, Milestone};
use crate::domain::timestamp::Timestamp;
use crate::store::{Change, Commit};

/// Accounts read at a time.
const BATCH: u32 = 500;

impl Authn {
    /// Mails those whose deadline is near or has just passed; how many. To be called every hour or so: of many calls,
    /// by many processes, each person is mailed once for each milestone.
    pub async fn mail_reminders(&self) -> Result<u64, Fault> {
        if !self.rules.mails {
            return Ok(0);
        }
        let mut mailed = 0;
        let mut after: Option<String> = None;
        loop {
            let batch = self.store.accounts(after.as_deref(), BATCH).await?;
            for account in &batch {
                if self.mail_reminder(account).await? {
                    mailed += 1;
                }
            }
            after = match batch.last() {
                Some(last) => Some(last.login.clone()),
                None => return Ok(mailed),
            };
        }
    }

    async fn mail_reminder(&self, account: &Account) -> Result<bool, Fault> {
        let now = self.env.now();
        let Some(deadline) = self.mailed_deadline(account, now) else {
            return Ok(false);
        };
        let started = account.reminder.grace_started_at;
        let Some(milestone) = reminder::milestone(deadline, started, now) else {
            return Ok(false);
        };
        // a deadline that is moved brings its own milestones
        let mark = format!("reminder:{}:{}", deadline.seconds(), milestone.code());
        if self.store.has_mark(account.id, &mark).await? {
            return Ok(false);
        }
        let matter = match milestone {
            Milestone::Before(_) => Matter::Remind { last_day: deadline },
            Milestone::After => Matter::DeadlinePassed,
        };
        let Some(letter) = self.letter(account, matter, None)? else {
            return Ok(false);
        };
        let changes = [
            Change::Mark {
                account: account.id,
                mark,
                at: now,
            },
            letter,
            Change::Audit(Record {
                at: now,
                event: Event::ReminderMailed,
                account: Some(account.id),
                actor: Actor::System,
                place: Place::default(),
                detail: milestone.to_string(),
            }),
        ];
        Ok(self.store.commit(&changes).await? == Commit::Done)
    }

    /// The deadline to mail somebody about: of those who can sign in and have none of what it asks for. A grace that
    /// has not begun is no deadline yet.
    fn mailed_deadline(&self, account: &Account, now: Timestamp) -> Option<Timestamp> {
        let rules = &self.rules.two_factor;
        let is_asked =
            account.is_active() && !account.has_second_factor() && !account.reminder.is_exempt(now);
        let has_begun = account.reminder.grace_ends_at.is_some() || rules.deadline.is_some();
        adoption::deadline_of(account, rules, now).filter(|_| is_asked && has_begun)
    }
}
