//! Another password in place of one that somebody else gave: a step of the sign-in, before any other.

use super::lanes::{Guessed, begins_anew};
use super::progress::{Effects, Position, Progress};
use super::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::device::Browser;
use crate::domain::letter::Matter;
use crate::domain::login::{AwaitNewPassword, Next, State};
use crate::domain::password_rules::{Person, Refusal};
use crate::domain::policy::TwoFactor;
use crate::store::Change;

/// How the password was received.
#[derive(Debug)]
pub enum ChosenOutcome {
    Refused(Refusal),
    /// It is the one that was given.
    Same,
    Progress(Progress),
}

impl Authn {
    /// A password as typed. `route_policy`: what the destination asks of people. The sign-in goes on as after any
    /// password: whoever has an app is still asked for its code.
    pub async fn choose_password(
        &self,
        mut at: Position,
        waiting: AwaitNewPassword,
        (typed, route_policy): (&str, Option<TwoFactor>),
        place: &Place,
    ) -> Result<ChosenOutcome, Fault> {
        let owner = &at.account;
        let person = Person {
            login: &owner.login,
            email: owner.email.as_deref(),
            name: &owner.name,
        };
        let accepted = match self.accept_password(typed, person).await? {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(ChosenOutcome::Refused(refusal)),
        };
        if self.is_the_password_of(owner, typed).await? {
            return Ok(ChosenOutcome::Same);
        }
        let password = self.hash_password(accepted).await?;
        let account = owner.id;
        let mut effects = Effects::default();
        effects
            .change(Change::ExpectAccount {
                account,
                password: owner.password.clone(),
                authenticator: owner.totp.as_ref().map(|app| app.id),
            })
            .change(Change::SetPassword {
                account,
                password,
                at: self.env.now(),
                initial_until: None,
            })
            .change(begins_anew(account, Guessed::Password))
            .change(Change::RemoveDevicesOf { account })
            .change(Change::DropLinksOf { account })
            .change(Change::EndSessionsOf {
                account,
                except: None,
            })
            .change(Change::DropAttemptsOf {
                account,
                except: Some(at.token),
            })
            .change(self.record(Event::PasswordChanged, account, place, ""));
        let letter = self.letter(owner, Matter::PasswordChanged, Some(place))?;
        effects.changes.extend(letter);
        let next = waiting.chosen(self.standing(owner, route_policy));
        if matches!(next, Next::Ask(State::Reminder(_))) {
            effects.change(self.record(Event::ReminderShown, account, place, ""));
        }
        at.frame.browser = Browser::Renewed;
        let progress = self.advance(at, next, effects, place).await?;
        self.sessions.forget_account(account);
        Ok(ChosenOutcome::Progress(progress))
    }
}
