//! New accounts, one at a time: with an invitation by mail, or with an initial password of ours that is shown once and
//! must be changed.

use super::{Agent, Answer, granted};
use crate::authn::Authn;
use crate::authn::accounts::{NewAccount, Refusal, refused};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::desk::Act;
use crate::domain::secret::Password;
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::code_text;
use crate::store::{Change, Commit};
use std::collections::BTreeSet;
use std::time::Duration;
use zeroize::Zeroizing;

/// An initial password can be used this long, and then nobody can sign in with it.
pub const INITIAL_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// Characters of an initial password: 100 bits.
const INITIAL_CHARS: usize = 20;

/// How a new account begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// With an initial password, shown to the administrator once.
    Shown,
    /// With a link by mail, to choose the first password.
    Invited,
    /// Without a password.
    Bare,
}

/// A new account as an administrator describes it.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub login: String,
    pub email: Option<String>,
    pub name: String,
    pub groups: BTreeSet<String>,
    /// BCP 47 tag.
    pub language: Option<String>,
    pub begins: Begins,
}

/// Why there is no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    NameEmpty,
    LoginEmpty,
    Login,
    LoginTaken,
    Email,
    EmailTaken,
    /// There is nowhere to send an invitation.
    NoInvitation,
    Groups,
    /// One of the groups gives a role in the console: that takes two agents.
    Role,
}

/// A new account. Its `Debug` does not tell the password.
pub struct Created {
    pub account: Account,
    /// To be shown once.
    pub password: Option<Zeroizing<String>>,
    /// Until when it can be used.
    pub until: Option<Timestamp>,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Created({})", self.account.id)
    }
}

impl Authn {
    pub async fn desk_create(
        &self,
        agent: &Agent,
        newcomer: Newcomer,
        place: &Place,
    ) -> Answer<Result<Created, Vec<Unfit>>> {
        granted!(self.desk_authorise(agent, Act::Create, None, place).await?);
        let begins = newcomer.begins;
        let new = NewAccount {
            login: newcomer.login.trim().to_owned(),
            email: newcomer.email.filter(|email| !email.trim().is_empty()),
            name: newcomer.name.trim().to_owned(),
            groups: newcomer.groups,
            language: newcomer.language,
            ..NewAccount::default()
        };
        let mut unfit = self.unfit(&new).await?;
        if begins == Begins::Invited && new.email.is_none() {
            unfit.push(Unfit::NoInvitation);
        }
        if !unfit.is_empty() {
            return Ok(Ok(Err(unfit)));
        }
        let detail = format!("groups: {}", joined(&new.groups));
        let mut account = self.made(new);
        let created =
            |event, detail| Change::Audit(self.by(agent, event, Some(account.id), place, detail));
        let mut records = vec![created(Event::AccountCreated, detail)];
        let mut password = None;
        let mut until = None;
        let mut invitation = Vec::new();
        if begins == Begins::Invited {
            match self.invite(&account)? {
                Some(changes) => invitation = changes,
                None => return Ok(Ok(Err(vec![Unfit::NoInvitation]))),
            }
        }
        if begins == Begins::Shown {
            let now = self.env.now();
            let shown = self.initial_password();
            records.push(created(
                Event::InitialPasswordSet,
                "shown to the administrator".to_owned(),
            ));
            if let Some(secret) = Password::new(&shown) {
                account.password = Some(self.hash_password(secret).await?);
            }
            until = Some(now.plus(INITIAL_LIFETIME));
            account.history.password_changed_at = Some(now);
            account.history.initial_password_until = until;
            password = Some(shown);
        }
        let changes: Vec<Change> = std::iter::once(Change::AddAccount(Box::new(account.clone())))
            .chain(records)
            .chain(invitation)
            .collect();
        Ok(Ok(match self.store.commit(&changes).await? {
            Commit::Done => Ok(Created {
                account,
                password,
                until,
            }),
            Commit::Lost(_) => Err(vec![Unfit::LoginTaken]),
        }))
    }

    /// Letters and digits that are not taken for one another, in groups.
    fn initial_password(&self) -> Zeroizing<String> {
        let random = Zeroizing::new(self.env.random::<32>());
        let plain = Zeroizing::new(code_text::from_random(&random[..], INITIAL_CHARS));
        Zeroizing::new(code_text::grouped(&plain))
    }

    async fn unfit(&self, new: &NewAccount) -> Result<Vec<Unfit>, crate::authn::Fault> {
        let mut unfit = Vec::new();
        if new.name.is_empty() {
            unfit.push(Unfit::NameEmpty);
        }
        if new.login.is_empty() {
            unfit.push(Unfit::LoginEmpty);
        } else if self.find_account(&new.login).await?.is_some() {
            unfit.push(Unfit::LoginTaken);
        }
        if let Some(email) = &new.email
            && self.find_account(email).await?.is_some()
        {
            unfit.push(Unfit::EmailTaken);
        }
        if self.gives_role(&new.groups) {
            unfit.push(Unfit::Role);
        }
        match refused(new) {
            Some(Refusal::Login(_)) if !new.login.is_empty() => unfit.push(Unfit::Login),
            Some(Refusal::Email(_)) => unfit.push(Unfit::Email),
            Some(Refusal::Group(_)) => unfit.push(Unfit::Groups),
            Some(Refusal::Login(_) | Refusal::Taken(_)) | None => {}
        }
        Ok(unfit)
    }
}

fn joined(groups: &BTreeSet<String>) -> String {
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
