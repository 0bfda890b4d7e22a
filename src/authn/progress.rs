//! Moving a sign-in from step to step: open its sealed state, commit the next one with everything that goes
//! with it, and hand out the cookie.

use super::devices::NewDevice;
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::assurance::Assurance;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::device::Browser;
use crate::domain::id::{AccountId, AttemptId, SessionId};
use crate::domain::login::{Attempt, Began, Frame, Grant, NeedsCodes, Next, State};
use crate::domain::return_to::Destination;
use crate::domain::secret::{Token, TokenHash};
use crate::domain::session::{self, Beginning, Session};
use crate::domain::timestamp::Timestamp;
use crate::store::{Change, Commit, StoredAttempt};
use crate::vault::Purpose;

/// A sign-in under way, as loaded.
#[derive(Debug)]
pub struct Underway {
    pub at: Position,
    pub state: State,
}

/// Everything about a sign-in but its state, which the next step consumes.
#[derive(Debug)]
pub struct Position {
    pub token: TokenHash,
    pub version: i64,
    pub frame: Frame,
    pub account: Account,
}

/// Where a step led.
#[derive(Debug)]
#[must_use]
pub enum Progress {
    /// Show the page of the state it is in now. A new cookie where the sign-in has just begun.
    Ask(Option<Token>),
    /// Signed in: the cookie of the portal's session, and where to go.
    SignedIn {
        token: Token,
        session: SessionId,
        destination: Option<Destination>,
        /// A cookie by which the browser is known from now on, where it has none yet.
        device: Option<NewDevice>,
    },
    /// Another request was first; load again and show what is there.
    Overtaken,
}

/// What a step writes beside the sign-in itself.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub changes: Vec<Change>,
    /// The browser is to be trusted until then.
    pub trust_until: Option<Timestamp>,
}

impl Effects {
    pub(super) fn change(&mut self, change: Change) -> &mut Self {
        self.changes.push(change);
        self
    }
}

impl Authn {
    /// The sign-in a cookie stands for: live, of an account that may sign in, and, where it began in a
    /// session, of that very session.
    pub async fn underway(
        &self,
        cookie: &str,
        session: Option<SessionId>,
    ) -> Result<Option<Underway>, Fault> {
        let Some(token) = Token::parse(cookie).map(|t| t.hash()) else {
            return Ok(None);
        };
        let Some(stored) = self.store.attempt(&token).await? else {
            return Ok(None);
        };
        let attempt = match self.unseal(&token, &stored) {
            Ok(attempt) => attempt,
            // written by another version: it has run out, as far as this one is concerned
            Err(Fault::State(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let fits = match attempt.frame.began {
            Began::SignIn => true,
            Began::Session(id) => session == Some(id),
        };
        if !fits || !attempt.is_live(self.env.now()) {
            return Ok(None);
        }
        let account = self.store.account(attempt.account()).await?;
        Ok(account.filter(Account::is_active).map(|account| Underway {
            at: Position {
                token,
                version: stored.version,
                frame: attempt.frame,
                account,
            },
            state: attempt.state,
        }))
    }

    /// Leads a sign-in under way somewhere else; nothing else about it changes.
    pub async fn lead_to(
        &self,
        underway: Underway,
        destination: Destination,
    ) -> Result<Progress, Fault> {
        let Underway { mut at, state } = underway;
        at.frame.destination = Some(destination);
        self.move_to(at, state, Effects::default()).await
    }

    pub(super) fn record(
        &self,
        event: Event,
        account: AccountId,
        place: &Place,
        detail: impl Into<String>,
    ) -> Change {
        Change::Audit(Record {
            at: self.env.now(),
            event,
            account: Some(account),
            actor: Actor::Person,
            place: place.clone(),
            detail: detail.into(),
        })
    }

    /// Starts a sign-in in its first state. `replaces`: the cookie the browser came with, whose sign-in ends.
    pub(super) async fn start(
        &self,
        attempt: Attempt,
        replaces: Option<TokenHash>,
        mut effects: Effects,
    ) -> Result<Progress, Fault> {
        let token = self.env.token();
        let hash = token.hash();
        let stored = StoredAttempt {
            account: attempt.account(),
            sealed: self.seal(&hash, &attempt)?,
            version: 0,
            expires_at: attempt
                .frame
                .started_at
                .plus(crate::domain::login::LIFETIME),
        };
        if let Some(token) = replaces {
            effects.change(Change::DropAttempt { token });
        }
        effects.change(Change::StartAttempt {
            token: hash,
            attempt: stored,
        });
        self.commit(effects, Progress::Ask(Some(token))).await
    }

    /// A new sign-in record.
    pub(super) fn attempt(
        &self,
        began: Began,
        destination: Option<Destination>,
        shown_as: &str,
        state: State,
    ) -> Attempt {
        let frame = self.frame(began, destination, shown_as, Browser::Unknown);
        Attempt { frame, state }
    }

    pub(super) fn frame(
        &self,
        began: Began,
        destination: Option<Destination>,
        shown_as: &str,
        browser: Browser,
    ) -> Frame {
        Frame {
            id: AttemptId::from_uuid(self.env.uuid()),
            began,
            started_at: self.env.now(),
            destination,
            shown_as: shown_as.to_owned(),
            browser,
        }
    }

    /// Commits the step from `from` to `next`, with everything in `effects`.
    pub(super) async fn advance(
        &self,
        from: Position,
        next: Next,
        mut effects: Effects,
        place: &Place,
    ) -> Result<Progress, Fault> {
        match next {
            Next::Ask(state) => self.move_to(from, state, effects).await,
            Next::MakeCodes(needs) => {
                let state = self.make_codes(needs, &mut effects, place).await?;
                self.move_to(from, state, effects).await
            }
            Next::Open(grant) => {
                effects.change(Change::EndAttempt {
                    token: from.token,
                    from_version: from.version,
                });
                self.open(&grant, &from.account, from.frame, effects, place)
                    .await
            }
        }
    }

    /// New emergency codes in place of those there were.
    pub(super) async fn make_codes(
        &self,
        needs: NeedsCodes,
        effects: &mut Effects,
        place: &Place,
    ) -> Result<State, Fault> {
        let account = needs.account();
        let codes = self.new_emergency_codes().await?;
        effects
            .change(Change::ReplaceEmergencyCodes {
                account,
                codes: codes.stored,
            })
            .change(self.record(Event::EmergencyCodesCreated, account, place, ""));
        Ok(needs.show(codes.shown))
    }

    /// Turns a grant into a session: a new one, or the live one it began in, raised.
    pub(super) async fn open(
        &self,
        grant: &Grant,
        account: &Account,
        frame: Frame,
        mut effects: Effects,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let Frame {
            began,
            destination,
            browser,
            ..
        } = frame;
        let device = match began {
            Began::SignIn => self.remember_browser(account, browser, &mut effects, place)?,
            Began::Session(_) => None,
        };
        let token = self.env.token();
        let id = match began {
            Began::SignIn => SessionId::from_uuid(self.env.uuid()),
            Began::Session(id) => id,
        };
        let session = self.session_for(id, grant);
        let hash = token.hash();
        let (change, event) = match began {
            Began::SignIn => (
                Change::OpenSession {
                    record: Box::new(session::Record {
                        account: grant.account(),
                        session,
                        begun: Beginning {
                            address: place.address.map(|a| a.to_string()),
                            user_agent: place.user_agent.clone(),
                        },
                    }),
                    token: hash,
                },
                Event::SignedIn,
            ),
            Began::Session(_) => (
                Change::RaiseSession {
                    account: grant.account(),
                    session: Box::new(session),
                    token: hash,
                },
                if grant.is_confirmation() {
                    Event::Confirmed
                } else {
                    Event::SteppedUp
                },
            ),
        };
        effects.change(change);
        if began == Began::SignIn && grant.trusted_device().is_some() {
            effects.change(self.record(Event::TrustedDeviceUsed, grant.account(), place, ""));
        }
        effects.change(self.record(
            event,
            grant.account(),
            place,
            grant.factors().assurance().acr(),
        ));
        let progress = Progress::SignedIn {
            token,
            session: id,
            destination,
            device,
        };
        let outcome = self.commit(effects, progress).await?;
        self.sessions.forget(id);
        Ok(outcome)
    }

    fn session_for(&self, id: SessionId, grant: &Grant) -> Session {
        let now = self.env.now();
        let rules = self.rules.sessions;
        let lifetime = if grant.is_short() {
            rules.lifetime.min(session::RECOVERY_LIFETIME)
        } else {
            rules.lifetime
        };
        // a password said once more is no sign-in with two factors: what applications read stays as old as the code
        let auth_time = grant
            .second_factor_at()
            .filter(|_| grant.is_confirmation())
            .unwrap_or(now);
        Session {
            id,
            factors: grant.factors(),
            auth_time,
            password_at: grant.password_at(),
            second_factor_at: grant
                .second_factor_at()
                .filter(|_| grant.factors().assurance() == Assurance::Aal2),
            expires_at: now.plus(lifetime),
            last_seen_at: now,
            trusted_device: grant.trusted_device().map(Box::new),
        }
    }

    /// The sign-in in its next state.
    pub(super) async fn move_to(
        &self,
        from: Position,
        state: State,
        mut effects: Effects,
    ) -> Result<Progress, Fault> {
        let attempt = Attempt {
            frame: from.frame,
            state,
        };
        effects.change(Change::MoveAttempt {
            token: from.token,
            from_version: from.version,
            sealed: self.seal(&from.token, &attempt)?,
        });
        self.commit(effects, Progress::Ask(None)).await
    }

    pub(super) async fn commit(&self, effects: Effects, then: Progress) -> Result<Progress, Fault> {
        Ok(match self.store.commit(&effects.changes).await? {
            Commit::Done => then,
            Commit::Lost(_) => Progress::Overtaken,
        })
    }

    fn seal(&self, token: &TokenHash, attempt: &Attempt) -> Result<Vec<u8>, Fault> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(attempt)?);
        Ok(self.vault.seal(Purpose::Attempt, token.bytes(), &plain))
    }

    fn unseal(&self, token: &TokenHash, stored: &StoredAttempt) -> Result<Attempt, Fault> {
        let plain = self
            .vault
            .open_sealed(Purpose::Attempt, token.bytes(), &stored.sealed)?;
        Ok(serde_json::from_slice(&plain)?)
    }
}
