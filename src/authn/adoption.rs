//! How far two-factor authentication has come: today's figures, and a row a day for the curve.

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::adoption::{Snapshot, Standing, Tally, Week, deadline_of, weekly};
use crate::domain::timestamp::{DAY, Timestamp};
use crate::store::Change;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Counting reads every account: it is done at most this often.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

/// Accounts read at a time.
const PAGE: u32 = 500;

/// How far back the curve goes.
const CURVE_DAYS: i64 = 26 * 7;

/// The figures of a moment.
#[derive(Clone, Debug)]
pub struct Today {
    pub at: Timestamp,
    pub tally: Tally,
}

/// Figures that were counted a moment ago. Held while they are counted, so that many who ask at once count once.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Option<Arc<Today>>>);

impl Authn {
    /// Where everybody stands. At most a minute old; accounts that may not sign in do not count.
    pub async fn adoption(&self) -> Result<Arc<Today>, Fault> {
        let now = self.env.now();
        let mut cached = self.adoption.0.lock().await;
        if let Some(today) = &*cached
            && today.at <= now
            && now.since(today.at) < BELIEVED_FOR
        {
            return Ok(Arc::clone(today));
        }
        let today = Arc::new(self.count_adoption(now).await?);
        *cached = Some(Arc::clone(&today));
        Ok(today)
    }

    /// One point a week, oldest first: the last half year.
    pub async fn adoption_curve(&self) -> Result<Vec<Week>, Fault> {
        let today = day_of(self.env.now());
        let mut snapshots = self
            .store
            .adoption(today.saturating_sub(CURVE_DAYS), None)
            .await?;
        // the curve ends with the figures of this moment, as the page says them
        snapshots.push(Snapshot {
            day: today,
            group: None,
            figures: self.adoption().await?.tally.all,
        });
        Ok(weekly(&snapshots))
    }

    /// Keeps the figures of today, in place of earlier ones of today. Without anybody there is nothing to keep.
    pub async fn record_adoption(&self) -> Result<(), Fault> {
        let now = self.env.now();
        let today = self.count_adoption(now).await?;
        if today.tally.all.total() == 0 {
            return Ok(());
        }
        let change = Change::RecordAdoption(today.tally.snapshots(day_of(now)));
        let _ = self.store.commit(&[change]).await?;
        Ok(())
    }

    /// At most `limit` accounts that stand there, by login, those after `after` (a login) only; accounts that may not
    /// sign in stand nowhere. With the last moment at which each may put it off.
    pub(super) async fn those_standing(
        &self,
        standing: Standing,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Account, Option<Timestamp>)>, Fault> {
        let now = self.env.now();
        let rules = &self.rules.two_factor;
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        while found.len() < limit {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.login.clone());
            found.extend(
                page.into_iter()
                    .filter(|account| {
                        account.is_active() && Standing::of(account, rules, now) == standing
                    })
                    .map(|account| {
                        let deadline = deadline_of(&account, rules, now);
                        (account, deadline)
                    }),
            );
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn count_adoption(&self, now: Timestamp) -> Result<Today, Fault> {
        let mut tally = Tally::default();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            for account in &page {
                let _ = tally.count(account, &self.rules.two_factor, now);
            }
            match page.last() {
                Some(last) => after = Some(last.login.clone()),
                None => return Ok(Today { at: now, tally }),
            }
        }
    }
}

/// Days since 1970-01-01, UTC.
const fn day_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(DAY)
}
