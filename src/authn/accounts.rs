//! Accounts as an operator manages them on the command line: every change is one transaction with its audit record
//! and its mail to the person, and ends what it must end. What administrators do in the console is in `desk/`.

use super::desk::ends_everything;
use super::lanes::{Guessed, begins_anew};
use super::{Authn, Fault};
use crate::domain::account::{Account, History, NameKey, PasswordHash, Status};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::id::{AccountId, SessionId};
use crate::domain::letter::{DeskAct, Matter};
use crate::domain::password_rules::{self, Person};
use crate::domain::reminder;
use crate::domain::secret::Password;
use crate::domain::verifier::password;
use crate::store::{Change, Commit};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// A new account as an operator describes it.
#[derive(Debug, Default)]
pub struct NewAccount {
    pub login: String,
    pub email: Option<String>,
    pub name: String,
    pub groups: BTreeSet<String>,
    pub attributes: BTreeMap<String, String>,
    pub language: Option<String>,
    pub disabled: bool,
    pub password: Option<PasswordHash>,
}

/// Why an account was not made. Each says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("`{0}` cannot be a login name: write 1 to 254 characters without control characters")]
    Login(String),
    #[error("`{0}` is not an e-mail address: write name@domain")]
    Email(String),
    #[error(
        "`{0}` cannot be a group name: commas, control characters and blanks at its ends are not allowed"
    )]
    Group(String),
    #[error("the login name or e-mail address is taken: `{0}`")]
    Taken(String),
}

impl Authn {
    /// Finds an account by login name or e-mail address, in any spelling.
    pub async fn find_account(&self, name: &str) -> Result<Option<Account>, Fault> {
        match NameKey::new(name) {
            Some(key) => Ok(self.store.account_by_name(&key).await?),
            None => Ok(None),
        }
    }

    pub async fn add_account(&self, new: NewAccount) -> Result<Result<Account, Refusal>, Fault> {
        if let Some(refusal) = refused(&new) {
            return Ok(Err(refusal));
        }
        let account = self.made(new);
        let changes = [
            Change::AddAccount(Box::new(account.clone())),
            self.operator(Event::AccountCreated, account.id, ""),
        ];
        Ok(match self.store.commit(&changes).await? {
            Commit::Done => Ok(account),
            Commit::Lost(_) => Err(Refusal::Taken(account.shown_as().to_owned())),
        })
    }

    /// The account that somebody described.
    pub(super) fn made(&self, new: NewAccount) -> Account {
        Account {
            id: AccountId::from_uuid(self.env.uuid()),
            login: new.login.trim().to_owned(),
            email: new.email.map(|e| e.trim().to_owned()),
            name: new.name,
            groups: new.groups.into(),
            attributes: new.attributes.into(),
            language: new.language,
            status: if new.disabled {
                Status::Disabled
            } else {
                Status::Active
            },
            created_at: self.env.now(),
            history: History {
                password_changed_at: new.password.as_ref().map(|_| self.env.now()),
                ..History::default()
            },
            password: new.password,
            totp: None,
            reminder: reminder::Record::default(),
        }
    }

    /// Accepts or refuses a new password as typed, on the bounded pool: a cunning one takes as long as a hash.
    pub async fn accept_password(
        &self,
        typed: &str,
        person: Person<'_>,
    ) -> Result<Result<Password, password_rules::Refusal>, Fault> {
        let typed = Zeroizing::new(typed.to_owned());
        let login = person.login.to_owned();
        let email = person.email.map(str::to_owned);
        let name = person.name.to_owned();
        let rules = self.rules.password.clone();
        let decide = move || {
            let person = Person {
                login: &login,
                email: email.as_deref(),
                name: &name,
            };
            password_rules::accept(&typed, &rules, person)
        };
        Ok(self.hashing.run(decide).await?)
    }

    /// Hashes a password on the bounded pool.
    pub async fn hash_password(&self, password: Password) -> Result<PasswordHash, Fault> {
        let salt = self.env.random();
        let hashed = self
            .hashing
            .run(move || password::hash(&password, &salt))
            .await?;
        Ok(hashed?)
    }

    /// A new password ends every session and every sign-in under way.
    pub async fn set_password(
        &self,
        account: AccountId,
        password: PasswordHash,
    ) -> Result<(), Fault> {
        let changes = vec![
            Change::SetPassword {
                account,
                password,
                at: self.env.now(),
                initial_until: None,
            },
            Change::RemoveDevicesOf { account },
            Change::DropLinksOf { account },
            begins_anew(account, Guessed::Password),
        ];
        let told = (Event::PasswordChanged, DeskAct::PasswordReset);
        self.change(account, told, changes).await
    }

    pub async fn set_status(&self, account: AccountId, status: Status) -> Result<(), Fault> {
        let change = Change::SetStatus { account, status };
        match status {
            Status::Disabled => {
                let links = Change::DropLinksOf { account };
                let told = (Event::AccountDisabled, DeskAct::Disabled);
                self.change(account, told, vec![change, links]).await
            }
            Status::Active => {
                // who may sign in again is not deleted either
                let keep = Change::PlanDeletion { account, at: None };
                let told = (Event::AccountEnabled, DeskAct::Enabled);
                let mut changes = vec![keep, change];
                changes.extend(self.record_and_letter(account, told, "").await?);
                let _ = self.store.commit(&changes).await?;
                self.sessions.forget_account(account);
                Ok(())
            }
        }
    }

    /// Groups count from the next request on; sessions live on.
    pub async fn set_groups(
        &self,
        account: AccountId,
        groups: BTreeSet<String>,
    ) -> Result<Result<(), Refusal>, Fault> {
        if let Some(bad) = groups.iter().find(|g| !group_ok(g)) {
            return Ok(Err(Refusal::Group(bad.clone())));
        }
        let detail = groups.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut changes = vec![Change::SetGroups { account, groups }];
        let told = (Event::GroupsChanged, DeskAct::GroupsChanged);
        changes.extend(self.record_and_letter(account, told, &detail).await?);
        let _ = self.store.commit(&changes).await?;
        self.sessions.forget_account(account);
        Ok(Ok(()))
    }

    /// Removes authenticator and codes; the next sign-in meets the reminder or the enrolment.
    pub async fn reset_second_factor(&self, account: AccountId) -> Result<(), Fault> {
        let changes = vec![
            Change::RemoveSecondFactor { account },
            Change::RemoveDevicesOf { account },
            begins_anew(account, Guessed::Code),
        ];
        let told = (Event::AuthenticatorReset, DeskAct::AuthenticatorReset);
        self.change(account, told, changes).await
    }

    /// Ends every session and every sign-in of an account.
    pub async fn revoke_sessions(&self, account: AccountId) -> Result<(), Fault> {
        let told = (Event::SessionRevoked, DeskAct::SignedOutEverywhere);
        self.change(account, told, Vec::new()).await
    }

    pub async fn revoke_session(
        &self,
        account: AccountId,
        session: SessionId,
    ) -> Result<(), Fault> {
        let changes = [
            Change::EndSession { session },
            self.operator(Event::SessionRevoked, account, ""),
        ];
        let _ = self.store.commit(&changes).await?;
        self.sessions.forget(session);
        Ok(())
    }

    /// A change after which nothing of the account's is signed in any more.
    async fn change(
        &self,
        account: AccountId,
        told: (Event, DeskAct),
        mut changes: Vec<Change>,
    ) -> Result<(), Fault> {
        changes.extend(ends_everything(account));
        changes.extend(self.record_and_letter(account, told, "").await?);
        let _ = self.store.commit(&changes).await?;
        self.sessions.forget_account(account);
        Ok(())
    }

    /// The audit record of a change, and the mail that tells the person of it.
    async fn record_and_letter(
        &self,
        account: AccountId,
        (event, act): (Event, DeskAct),
        detail: &str,
    ) -> Result<Vec<Change>, Fault> {
        let matter = Matter::DeskAction { act, case: None };
        let letter = match self.store.account(account).await? {
            Some(person) => self.letter(&person, matter, None)?,
            None => None,
        };
        let record = self.operator(event, account, detail);
        Ok(std::iter::once(record).chain(letter).collect())
    }

    fn operator(&self, event: Event, account: AccountId, detail: &str) -> Change {
        Change::Audit(Record {
            at: self.env.now(),
            event,
            account: Some(account),
            actor: Actor::Operator,
            place: Place::default(),
            detail: detail.to_owned(),
        })
    }
}

pub(super) fn refused(new: &NewAccount) -> Option<Refusal> {
    if NameKey::new(&new.login).is_none() {
        return Some(Refusal::Login(new.login.clone()));
    }
    let email_ok = |text: &str| {
        let parts = text.trim().split_once('@');
        NameKey::new(text).is_some()
            && parts.is_some_and(|(user, domain)| {
                !user.is_empty() && !domain.is_empty() && !domain.contains('@')
            })
    };
    if let Some(email) = new.email.as_ref().filter(|e| !email_ok(e)) {
        return Some(Refusal::Email(email.clone()));
    }
    new.groups
        .iter()
        .find(|g| !group_ok(g))
        .map(|g| Refusal::Group(g.clone()))
}

/// Groups are joined by commas in headers, so they hold none. Nor do they begin or end with a blank: an application
/// that trims what it reads would take ` it` for `it`, which may be a group that only two people give.
pub(super) fn group_ok(group: &str) -> bool {
    let plain = !group.chars().any(|c| c == ',' || c.is_control());
    !group.is_empty() && group.len() <= 128 && plain && group.trim() == group
}
