//! One-time codes from the helpdesk.

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::timestamp::Timestamp;
use crate::store::Change;
use std::time::Duration;

/// Told by voice or chat: ten minutes (SP 800-63B-4 4.2.1.2).
pub const ONE_TIME_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A code to be told once.
#[derive(Debug)]
pub struct Issued {
    pub code: String,
    pub expires_at: Timestamp,
}

impl Authn {
    /// Issues a one-time code; an open one dies. `None` for an account that may not sign in.
    pub async fn issue_one_time_code(&self, account: &Account) -> Result<Option<Issued>, Fault> {
        if !account.is_active() {
            return Ok(None);
        }
        let now = self.env.now();
        let expires_at = now.plus(ONE_TIME_CODE_LIFETIME);
        let (shown, code) = self.new_one_time_code(expires_at).await?;
        let record = Record {
            at: now,
            event: Event::OneTimeCodeIssued,
            account: Some(account.id),
            actor: Actor::Operator,
            place: Place::default(),
            detail: "on the command line".to_owned(),
        };
        let changes = [
            Change::IssueOneTimeCode {
                account: account.id,
                code,
            },
            Change::Audit(record),
        ];
        let _ = self.store.commit(&changes).await?;
        Ok(Some(Issued {
            code: shown.to_string(),
            expires_at,
        }))
    }
}
