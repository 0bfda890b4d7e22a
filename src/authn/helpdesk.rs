//! One-time codes that an operator issues on the command line. Those of the console are in `desk/act.rs`.

use super::desk::SHOWN_CODE_LIFETIME;
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::letter::Matter;
use crate::domain::timestamp::Timestamp;
use crate::store::Change;

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
        let expires_at = now.plus(SHOWN_CODE_LIFETIME);
        let (shown, code) = self.new_one_time_code(expires_at).await?;
        let record = Record {
            at: now,
            event: Event::OneTimeCodeIssued,
            account: Some(account.id),
            actor: Actor::Operator,
            place: Place::default(),
            detail: "on the command line".to_owned(),
        };
        let issue = Change::IssueOneTimeCode {
            account: account.id,
            code,
        };
        let letter = self.letter(account, Matter::OneTimeCodeShown { case: None }, None)?;
        let changes: Vec<Change> = [issue, Change::Audit(record)]
            .into_iter()
            .chain(letter)
            .collect();
        let _ = self.store.commit(&changes).await?;
        Ok(Some(Issued {
            code: shown.to_string(),
            expires_at,
        }))
    }
}
