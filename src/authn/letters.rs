//! Mail to the person, queued in the same transaction as what it tells of.

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::Place;
use crate::domain::id::MailId;
use crate::domain::letter::{Letter, Matter};
use crate::store::{Change, QueuedMail};
use crate::vault::Purpose;

impl Authn {
    /// The change that queues a letter; `None` for somebody without an address, and where there is no mail server.
    pub(super) fn letter(
        &self,
        account: &Account,
        matter: Matter,
        place: Option<&Place>,
    ) -> Result<Option<Change>, Fault> {
        let now = self.env.now();
        let letter = Letter::to(account, matter, place, now).filter(|_| self.rules.mails);
        let Some(letter) = letter else {
            return Ok(None);
        };
        let id = MailId::from_uuid(self.env.uuid());
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&letter)?);
        let owner = id.uuid();
        Ok(Some(Change::QueueMail(QueuedMail {
            id,
            account: Some(account.id),
            sealed: self.vault.seal(Purpose::Letter, owner.as_bytes(), &plain),
            queued_at: now,
        })))
    }
}
