//! Another password, chosen by the person whose it is.

use super::Changed;
use crate::authn::progress::Effects;
use crate::authn::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::confirmation::Purpose;
use crate::domain::letter::Matter;
use crate::domain::password_rules::{Person, Refusal};
use crate::domain::secret::{Password, Token};
use crate::domain::session::View;
use crate::domain::throttle::{Bucket, Kind};
use crate::domain::verifier::password;
use crate::store::Change;

/// How a new password was received.
#[derive(Debug)]
pub enum Received {
    /// The session goes on under this token; everything else of the account's has ended.
    Taken(Token),
    Refused(Refusal),
    /// It is the one there is.
    Same,
}

impl Authn {
    /// A new password as typed.
    pub async fn change_password(
        &self,
        view: &View,
        typed: &str,
        place: &Place,
    ) -> Result<Changed<Received>, Fault> {
        let Some(asking) = self.asking(view, Purpose::Password).await? else {
            return Ok(Changed::Unconfirmed);
        };
        let account = &asking.account;
        let person = Person {
            login: &account.login,
            email: account.email.as_deref(),
            name: &account.name,
        };
        let password = match self.accept_password(typed, person).await? {
            Ok(password) => password,
            Err(refusal) => return Ok(Changed::Done(Received::Refused(refusal))),
        };
        if self.is_the_password_of(account, typed).await? {
            return Ok(Changed::Done(Received::Same));
        }
        let password = self.hash_password(password).await?;
        let now = self.env.now();
        let id = account.id;
        let mut effects = Effects::default();
        let token = self.secured(&asking, asking.session.clone(), &mut effects);
        effects
            .change(Change::SetPassword {
                account: id,
                password,
                at: now,
                initial_until: None,
            })
            .change(Change::DropLinksOf { account: id })
            .change(Change::ForgiveAll(Bucket::new(
                Kind::Password,
                id.uuid().as_bytes(),
            )))
            .change(self.record(Event::PasswordChanged, id, place, ""));
        let letter = self.letter(account, Matter::PasswordChanged, Some(place))?;
        effects.changes.extend(letter);
        self.finish(view, effects, Received::Taken(token)).await
    }

    pub(in crate::authn) async fn is_the_password_of(
        &self,
        account: &Account,
        typed: &str,
    ) -> Result<bool, Fault> {
        let Some(password) = Password::new(typed) else {
            return Ok(false);
        };
        let (account, decoy, now) = (account.clone(), self.decoy.clone(), self.env.now());
        let same = move || password::verify(&password, Some(&account), &decoy, now).is_some();
        Ok(self.hashing.run(same).await?)
    }
}
