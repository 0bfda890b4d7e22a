//! A new password by a link in a mail: for somebody who has forgotten it, and the first one of a new account.
//!
//! Invariants: whoever asks learns nothing of the account, neither from the answer nor from how long it takes: the
//! account is looked at after the answer. Looking at a link spends nothing (mail scanners do); setting the password spends it, once. A link neither signs
//! in nor touches the second factor, and what it is opened with is in the configuration, not in the request.

use super::hashing::Busy;
use super::progress::Effects;
use super::{Authn, Fault};
use crate::domain::account::{Account, NameKey};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::letter::Matter;
use crate::domain::password_rules;
use crate::domain::secret::{Token, TokenHash};
use crate::domain::throttle::{self, Admission, Bucket, Kind};
use crate::domain::timestamp::{Timestamp, minutes_rounded_up};
use crate::store::{Change, Commit, Link, LinkPurpose};
use std::sync::Arc;
use std::time::Duration;

/// How long a link to choose a new password works.
pub const RESET_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How long a link to choose the first password works.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// Requests for a link that are looked after at once; more are turned away.
pub(super) const RESETS_AT_ONCE: u32 = 64;

/// A link that works, opened and not spent.
#[derive(Debug)]
pub struct OpenLink {
    token: TokenHash,
    pub account: Account,
    pub purpose: LinkPurpose,
}

#[derive(Debug)]
pub enum ResetOutcome {
    Refused(password_rules::Refusal),
    /// The link has run out, was used or replaced, or the account may not sign in.
    Gone,
    Changed {
        /// The account goes on having two-factor authentication.
        two_factor: bool,
    },
}

impl Authn {
    /// Mails a link to choose a new password, if there is somebody to mail it to. The answer does not wait for it: it is
    /// the same, and as quick, for names nobody has.
    pub async fn request_reset(self: &Arc<Self>, typed: &str, place: &Place) -> Result<(), Fault> {
        if let Some(address) = place.address {
            let network = (Bucket::network(address), self.rules.throttle.network);
            let now = self.env.now();
            // whoever asks knows that they ask too often: this says nothing of the account
            if let Admission::Paused { .. } = self.store.count_try(&[network], now).await? {
                return Ok(());
            }
        }
        let under_way = Arc::clone(&self.resets).try_acquire_owned();
        let under_way = under_way.map_err(|_| Busy)?;
        let (authn, typed, place) = (Arc::clone(self), typed.to_owned(), place.clone());
        tokio::spawn(async move {
            if let Err(fault) = authn.look_after_request(&typed, &place).await {
                tracing::error!(error = %fault, "a link to reset a password could not be mailed");
            }
            drop(under_way);
        });
        Ok(())
    }

    /// Waits until every request for a link that was taken has been looked after.
    pub async fn resets_looked_after(&self) {
        // the semaphore is never closed
        let _all = self.resets.acquire_many(RESETS_AT_ONCE).await;
    }

    async fn look_after_request(&self, typed: &str, place: &Place) -> Result<(), Fault> {
        let key = NameKey::new(typed);
        let account = match &key {
            Some(key) => self.store.account_by_name(key).await?,
            None => None,
        };
        let own = match (&account, &key) {
            (Some(account), _) => Bucket::new(Kind::Mail, account.id.uuid().as_bytes()),
            (None, Some(key)) => Bucket::new(Kind::Mail, key.as_str().as_bytes()),
            (None, None) => Bucket::new(Kind::Mail, &[]),
        };
        let now = self.env.now();
        let counted = self.store.count_try(&[(own, throttle::MAIL)], now).await?;
        let mut effects = Effects::default();
        match (account, counted) {
            (_, Admission::Paused { .. }) => {}
            (Some(account), Admission::Admitted { .. }) => {
                self.mail_reset(&account, place, &mut effects)?;
            }
            (None, Admission::Admitted { .. }) => {
                effects.change(self.requested(None, place, "not sent: nobody has this name"));
            }
        }
        let _: Commit = self.store.commit(&effects.changes).await?;
        Ok(())
    }

    fn mail_reset(
        &self,
        account: &Account,
        place: &Place,
        effects: &mut Effects,
    ) -> Result<(), Fault> {
        let token = self.env.token();
        let letter = self.letter(account, self.reset_letter(&token), Some(place))?;
        match letter.filter(|_| account.is_active()) {
            Some(letter) => {
                effects
                    .change(self.issue(&token, account, (LinkPurpose::Reset, RESET_LIFETIME)))
                    .change(letter)
                    .change(self.requested(Some(account), place, ""));
            }
            None => {
                let why = if account.is_active() {
                    "not sent: there is no e-mail address"
                } else {
                    "not sent: the account is disabled"
                };
                effects.change(self.requested(Some(account), place, why));
            }
        }
        Ok(())
    }

    /// What is to be written so that somebody can choose another password, where customer service has them do it: the
    /// link and the letter with it. `None`: there is no mail, or no address to send it to.
    pub(super) fn reset_by_desk(&self, account: &Account) -> Result<Option<Vec<Change>>, Fault> {
        let token = self.env.token();
        let letter = self.letter(account, self.reset_letter(&token), None)?;
        let purpose = (LinkPurpose::Reset, RESET_LIFETIME);
        Ok(letter.map(|letter| vec![self.issue(&token, account, purpose), letter]))
    }

    fn reset_letter(&self, token: &Token) -> Matter {
        Matter::Reset {
            link: self.link_to(token),
            minutes: u32::try_from(minutes_rounded_up(RESET_LIFETIME)).unwrap_or(30),
        }
    }

    /// What is to be written so that somebody can choose the first password of their account: a link that works for a
    /// week, and the letter with it. `None`: there is no mail, or no address to send it to. The audit record is the
    /// caller's, who knows who invites.
    pub fn invite(&self, account: &Account) -> Result<Option<Vec<Change>>, Fault> {
        let token = self.env.token();
        let matter = Matter::Invitation {
            link: self.link_to(&token),
            until: self.env.now().plus(INVITATION_LIFETIME),
        };
        let letter = self.letter(account, matter, None)?;
        let purpose = (LinkPurpose::Invitation, INVITATION_LIFETIME);
        Ok(letter.map(|letter| vec![self.issue(&token, account, purpose), letter]))
    }

    /// The link that a token stands for, if it still works. Spends nothing.
    pub async fn open_link(&self, token: &str) -> Result<Option<OpenLink>, Fault> {
        let Some(token) = Token::parse(token).map(|token| token.hash()) else {
            return Ok(None);
        };
        let now = self.env.now();
        let link = self.store.link(&token).await?;
        let Some(link) = link.filter(|link| now < link.expires_at) else {
            return Ok(None);
        };
        let account = self.store.account(link.account).await?;
        let account = account.filter(Account::is_active);
        Ok(account.map(|account| OpenLink {
            token,
            account,
            purpose: link.purpose,
        }))
    }

    /// Spends a link: the password is the one typed, and whatever rested on the old one ends.
    pub async fn reset_password(
        &self,
        token: &str,
        typed: &str,
        place: &Place,
    ) -> Result<ResetOutcome, Fault> {
        let first = self.try_reset(token, typed, place).await?;
        match first {
            // lost to another use of the link, or to a change of the account: what is there now decides
            ResetOutcome::Gone => self.try_reset(token, typed, place).await,
            settled => Ok(settled),
        }
    }

    async fn try_reset(
        &self,
        token: &str,
        typed: &str,
        place: &Place,
    ) -> Result<ResetOutcome, Fault> {
        let Some(link) = self.open_link(token).await? else {
            return Ok(ResetOutcome::Gone);
        };
        let person = link.account.person();
        let password = match self.accept_password(typed, person).await? {
            Ok(password) => password,
            Err(refusal) => return Ok(ResetOutcome::Refused(refusal)),
        };
        let password = self.hash_password(password).await?;
        let account = link.account.id;
        let guesses = Bucket::new(Kind::Password, account.uuid().as_bytes());
        let detail = match link.purpose {
            LinkPurpose::Reset => "by a link that was mailed",
            LinkPurpose::Invitation => "by an invitation",
        };
        let mut effects = Effects::default();
        effects
            .change(Change::SpendLink { token: link.token })
            .change(Change::ExpectAccount {
                account,
                password: link.account.password.clone(),
                authenticator: link.account.totp.as_ref().map(|app| app.id),
            })
            .change(Change::SetPassword {
                account,
                password,
                at: self.env.now(),
                initial_until: None,
            })
            .change(Change::EndSessionsOf {
                account,
                except: None,
            })
            .change(Change::DropAttemptsOf {
                account,
                except: None,
            })
            .change(Change::RemoveDevicesOf { account })
            .change(Change::DropLinksOf { account })
            .change(Change::ForgiveAll(guesses))
            .change(self.record(Event::ResetCompleted, account, place, detail))
            .change(self.record(Event::PasswordChanged, account, place, detail));
        // a first password is no change to be told of
        if link.purpose == LinkPurpose::Reset {
            let letter = self.letter(&link.account, Matter::PasswordChanged, Some(place))?;
            effects.changes.extend(letter);
        }
        let outcome = match self.store.commit(&effects.changes).await? {
            Commit::Done => ResetOutcome::Changed {
                two_factor: link.account.has_second_factor(),
            },
            Commit::Lost(_) => ResetOutcome::Gone,
        };
        self.sessions.forget_account(account);
        Ok(outcome)
    }

    fn link_to(&self, token: &Token) -> String {
        format!(
            "{}/password/reset?token={}",
            self.rules.portal,
            token.reveal()
        )
    }

    fn issue(
        &self,
        token: &Token,
        account: &Account,
        (purpose, lifetime): (LinkPurpose, Duration),
    ) -> Change {
        let expires_at: Timestamp = self.env.now().plus(lifetime);
        Change::IssueLink {
            token: token.hash(),
            link: Link {
                account: account.id,
                purpose,
                expires_at,
            },
        }
    }

    fn requested(&self, account: Option<&Account>, place: &Place, detail: &str) -> Change {
        Change::Audit(Record {
            at: self.env.now(),
            event: Event::ResetRequested,
            account: account.map(|account| account.id),
            actor: Actor::Person,
            place: place.clone(),
            detail: detail.to_owned(),
        })
    }
}
