//! What people do with their own account, in a live session that confirmed just now who they are.
//!
//! Invariant: a change is committed together with the expectation that the account is still the one that was
//! read, and with everything that it ends; the session it was made in goes on under a new token.

pub mod activity;
pub mod confirm;
pub mod devices;
pub mod password;
pub mod second_factor;
pub mod sessions;

use super::progress::Effects;
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::confirmation::{Confirmed, Purpose};
use crate::domain::secret::Token;
use crate::domain::session::{Session, View};
use crate::store::{Change, Commit};

/// How something that a person asked for has ended.
#[derive(Debug)]
#[must_use]
pub enum Changed<T> {
    Done(T),
    /// "Confirm that it is you" comes first; nothing was done.
    Unconfirmed,
    /// Something else was first, or the account is not what it was; nothing was done.
    Overtaken,
}

/// A session that confirmed, and its account as it is now.
struct Asking {
    account: Account,
    session: Session,
    _confirmed: Confirmed,
}

impl Authn {
    /// `None` where the session does not stand for enough.
    async fn asking(&self, view: &View, purpose: Purpose) -> Result<Option<Asking>, Fault> {
        let session = view.session.clone();
        let found = self.store.account(view.subject.id).await?;
        let Some(account) = found.filter(Account::is_active) else {
            return Ok(None);
        };
        let now = self.env.now();
        let has_app = account.has_second_factor();
        Ok(
            Confirmed::check(&session, has_app, purpose, now).map(|confirmed| Asking {
                account,
                session,
                _confirmed: confirmed,
            }),
        )
    }

    /// What every change to how an account signs in brings with it: the account is still the one that was read, all
    /// other sessions, every sign-in under way and all devices end, and the session goes on as `after` under a
    /// new token.
    fn secured(&self, asking: &Asking, after: Session, effects: &mut Effects) -> Token {
        let account = asking.account.id;
        let token = self.env.token();
        effects
            .change(Change::ExpectAccount {
                account,
                password: asking.account.password.clone(),
                authenticator: asking.account.totp.as_ref().map(|app| app.id),
            })
            .change(Change::RaiseSession {
                account,
                session: Box::new(Session {
                    last_seen_at: self.env.now(),
                    trusted_device: None,
                    ..after
                }),
                token: token.hash(),
            })
            .change(Change::EndSessionsOf {
                account,
                except: Some(asking.session.id),
            })
            .change(Change::DropAttemptsOf {
                account,
                except: None,
            })
            .change(Change::RemoveDevicesOf { account });
        token
    }

    async fn finish<T>(&self, view: &View, effects: Effects, done: T) -> Result<Changed<T>, Fault> {
        let outcome = self.store.commit(&effects.changes).await?;
        self.sessions.forget(view.session.id);
        self.sessions.forget_account(view.subject.id);
        Ok(match outcome {
            Commit::Done => Changed::Done(done),
            Commit::Lost(_) => Changed::Overtaken,
        })
    }
}
