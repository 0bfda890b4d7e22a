//! "Confirm that it is you": counted and throttled like a sign-in, because it is guessed at like one.

use crate::authn::progress::{Effects, Position, Progress};
use crate::authn::second_factor::CodeOutcome;
use crate::authn::sign_in::Again;
use crate::authn::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::confirmation::{self, AwaitConfirmation, Purpose};
use crate::domain::letter::Matter;
use crate::domain::login::Next;
use crate::domain::return_to::Destination;
use crate::domain::secret::TokenHash;
use crate::domain::session::View;
use crate::domain::timestamp::Timestamp;
use crate::store::Change;

/// What was entered: whatever was asked for is there and well formed.
#[derive(Debug)]
pub struct Answer<'a> {
    pub password: Option<&'a str>,
    /// Six digits.
    pub code: Option<&'a str>,
}

#[derive(Debug)]
pub enum ConfirmationOutcome {
    Refused,
    /// Passwords are paused; the question stays.
    PasswordPaused {
        until: Timestamp,
    },
    /// Codes are paused, and the question is gone.
    CodesPaused {
        until: Timestamp,
        mailed: bool,
    },
    Progress(Progress),
}

impl Authn {
    /// Begins a change to the account: with the question, or with its first step where nothing is to be asked.
    /// [`Progress::SignedIn`] is never the answer: where a page is all there is to, see [`Self::owes`].
    pub async fn begin_change(
        &self,
        view: &View,
        purpose: Purpose,
        destination: Option<Destination>,
        replaces: Option<TokenHash>,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let found = self.store.account(view.subject.id).await?;
        let Some(account) = found.filter(Account::is_active) else {
            return Ok(Progress::Overtaken);
        };
        let has_app = account.has_second_factor();
        let now = self.env.now();
        let next = confirmation::begin(account.id, &view.session, has_app, purpose, now);
        let mut effects = Effects::default();
        let state = match next {
            Next::Ask(state) => {
                let whose = (&account, self.env.now());
                self.with_mailed_proof(state, whose, place, &mut effects)
                    .await?
            }
            Next::MakeCodes(needs) => {
                let letter = self.letter(&account, Matter::EmergencyCodesCreated, Some(place))?;
                effects.changes.extend(letter);
                self.make_codes(needs, &mut effects, place).await?
            }
            // nothing is to be asked, and nothing else is to be done
            Next::Open(_) => return Ok(Progress::Overtaken),
        };
        if let Some(app) = account.totp {
            effects.change(Change::ExpectAccount {
                account: account.id,
                password: account.password,
                authenticator: Some(app.id),
            });
        }
        self.begin_in_session(view, state, destination, replaces, effects)
            .await
    }

    /// Whether a session has to confirm before this.
    pub fn owes(&self, view: &View, purpose: Purpose) -> bool {
        let has_app = view.subject.has_second_factor();
        let asks = confirmation::Asks::of(&view.session, has_app, purpose, self.env.now());
        !asks.nothing()
    }

    /// The answer to the question.
    pub async fn confirm(
        &self,
        at: Position,
        waiting: AwaitConfirmation,
        answer: Answer<'_>,
        place: &Place,
    ) -> Result<ConfirmationOutcome, Fault> {
        let mut effects = Effects::default();
        let asks = waiting.asks();
        let password = match answer.password.filter(|_| asks.password) {
            Some(typed) => match self.password_again(&at.account, typed, place).await? {
                Again::Refused => return Ok(ConfirmationOutcome::Refused),
                Again::Paused(until) => {
                    return Ok(ConfirmationOutcome::PasswordPaused { until });
                }
                Again::Right {
                    proof,
                    effects: written,
                } => {
                    effects.changes.extend(written.changes);
                    Some(proof)
                }
            },
            None => None,
        };
        let app = match answer.code.filter(|_| asks.code) {
            Some(digits) => match self.take_app_code(&at, digits, place).await? {
                Ok(taken) => {
                    effects.changes.extend(taken.effects.changes);
                    Some(taken.proof)
                }
                Err(outcome) => {
                    // the password was right all the same: its counter is not the one that suffers
                    let _ = self.store.commit(&effects.changes).await?;
                    return Ok(match outcome {
                        CodeOutcome::Paused { until, mailed } => {
                            ConfirmationOutcome::CodesPaused { until, mailed }
                        }
                        CodeOutcome::Wrong | CodeOutcome::Progress(_) => {
                            ConfirmationOutcome::Refused
                        }
                    });
                }
            },
            None => None,
        };
        let next = waiting.complete(password.as_ref(), app.as_ref())?;
        let next = match next {
            Next::Ask(state) => {
                effects.change(self.record(Event::Confirmed, at.account.id, place, ""));
                let whose = (&at.account, at.frame.started_at);
                Next::Ask(
                    self.with_mailed_proof(state, whose, place, &mut effects)
                        .await?,
                )
            }
            Next::MakeCodes(needs) => {
                effects.change(self.record(Event::Confirmed, at.account.id, place, ""));
                let letter =
                    self.letter(&at.account, Matter::EmergencyCodesCreated, Some(place))?;
                effects.changes.extend(letter);
                Next::MakeCodes(needs)
            }
            // said by the session that is raised
            Next::Open(grant) => Next::Open(grant),
        };
        let spends = app.is_some();
        let progress = self.advance(at, next, effects, place).await?;
        Ok(match progress {
            // a code that another request spent first was used already
            Progress::Overtaken if spends => ConfirmationOutcome::Refused,
            other => ConfirmationOutcome::Progress(other),
        })
    }
}
