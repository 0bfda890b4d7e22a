//! The second door: the code from the app, or a recovery code and what it leads to.

use super::lanes::{Guessed, Lane};
use super::progress::{Effects, Position, Progress};
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::id::AccountId;
use crate::domain::letter::Matter;
use crate::domain::login::{AwaitCode, AwaitReminder, AwaitStored, Began, Next, State};
use crate::domain::recovery::{self, AwaitLost};
use crate::domain::reminder;
use crate::domain::return_to::Destination;
use crate::domain::secret::{TokenHash, TotpSecret};
use crate::domain::session::View;
use crate::domain::subject::Subject;
use crate::domain::throttle::{Admission, Exhaustion};
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::{PossessionProof, RecoveryKind, RecoveryProof, recovery_code, totp};
use crate::store::{Change, Commit};
use crate::vault::Purpose;
use std::time::Duration;

/// How a code was received.
#[derive(Debug)]
pub enum CodeOutcome {
    /// Wrong, used, expired or never issued: one answer for all.
    Wrong,
    /// Codes are paused until then, and the sign-in has ended.
    Paused {
        until: Timestamp,
        /// The person was told by mail just now.
        mailed: bool,
    },
    Progress(Progress),
}

impl CodeOutcome {
    /// A code that another request spent first was used already, and that is what the person is told.
    pub(super) fn spent(progress: Progress) -> Self {
        match progress {
            Progress::Overtaken => Self::Wrong,
            other => Self::Progress(other),
        }
    }
}

/// A code's try, counted and admitted.
pub(super) struct Counted {
    pub(super) lane: Lane,
    pause_if_wrong: Option<Timestamp>,
    exhaustion: Exhaustion,
}

impl Counted {
    /// What a right code does to the counter: wrong tries in a row end with it. A recovery code does not bring a
    /// dead app back to life: only its own try is forgiven.
    pub(super) const fn forgiven(&self) -> Change {
        match self.exhaustion {
            Exhaustion::No | Exhaustion::IfWrong => Change::ForgiveAll(self.lane.bucket),
            Exhaustion::Yes => Change::ForgiveOne(self.lane.bucket),
        }
    }
}

/// A code from the app that was right.
pub(super) struct TakenApp {
    pub(super) proof: PossessionProof,
    codes_unconfirmed: bool,
    /// Spending it, and what goes with that.
    pub(super) effects: Effects,
}

/// A recovery code that was right.
pub(super) struct Taken {
    pub(super) proof: RecoveryProof,
    /// How many emergency codes the account has after it.
    emergency_left: usize,
    /// Spending it, and what goes with that.
    pub(super) effects: Effects,
}

impl Authn {
    /// Six digits from the app, well formed. `trust`: the browser is to be trusted for so long, see
    /// [`Self::trust_offered`].
    pub async fn enter_code(
        &self,
        at: Position,
        waiting: AwaitCode,
        (digits, trust): (&str, Option<Duration>),
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        let mut taken = match self.take_app_code(&at, digits, place).await? {
            Ok(taken) => taken,
            Err(outcome) => return Ok(outcome),
        };
        let next = waiting.complete(&taken.proof, taken.codes_unconfirmed)?;
        if matches!(next, Next::MakeCodes(_)) {
            let letter = self.letter(&at.account, Matter::EmergencyCodesCreated, Some(place))?;
            taken.effects.changes.extend(letter);
        }
        let longest = self.trust_offered(&at);
        taken.effects.trust_until = trust
            .zip(longest)
            .map(|(wanted, longest)| self.env.now().plus(wanted.min(longest)));
        let progress = self.advance(at, next, taken.effects, place).await?;
        Ok(CodeOutcome::spent(progress))
    }

    /// Counts a code's try and checks it: what is to be written with the step it allows, or how it was received.
    pub(super) async fn take_app_code(
        &self,
        at: &Position,
        digits: &str,
        place: &Place,
    ) -> Result<Result<TakenApp, CodeOutcome>, Fault> {
        let counted = match self.count_code(at).await? {
            Ok(counted) => counted,
            Err(until) => return self.end_paused(at, until, place).await.map(Err),
        };
        let alive = counted.exhaustion != Exhaustion::Yes;
        let proof = match &at.account.totp {
            Some(binding) => {
                let secret = self.unseal_totp(at.account.id, &binding.sealed_secret)?;
                totp::verify(digits, &at.account, &secret, self.env.now())
                    .filter(|_| alive)
                    .map(|proof| (proof, binding.codes_unconfirmed))
            }
            None => None,
        };
        let Some((proof, codes_unconfirmed)) = proof else {
            let outcome = self
                .wrong_code(at, &counted, Event::CodeRefused, place)
                .await;
            return outcome.map(Err);
        };
        let mut effects = Effects::default();
        effects
            .change(Change::SpendTotpStep {
                account: proof.account(),
                authenticator: proof.authenticator(),
                step: proof.step(),
            })
            .change(counted.forgiven())
            .change(self.record(Event::CodeAccepted, at.account.id, place, ""));
        Ok(Ok(TakenApp {
            proof,
            codes_unconfirmed,
            effects,
        }))
    }

    /// A recovery code, well formed and canonical. It counts together with the password only, so not where a live
    /// session is asked for its second factor again (SP 800-63B-4 4.2.2.2).
    pub async fn enter_recovery_code(
        &self,
        at: Position,
        waiting: AwaitCode,
        (kind, canonical): (RecoveryKind, &str),
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        if matches!(at.frame.began, Began::Session(_)) {
            return Ok(CodeOutcome::Wrong);
        }
        let taken = match self
            .take_recovery_code(&at, (kind, canonical), place)
            .await?
        {
            Ok(taken) => taken,
            Err(outcome) => return Ok(outcome),
        };
        let temporary = self.temporary_allowed(at.account.id, kind).await?;
        let lost = waiting.recover(&taken.proof, taken.emergency_left, temporary)?;
        let progress = self.move_to(at, State::Lost(lost), taken.effects).await?;
        Ok(CodeOutcome::spent(progress))
    }

    /// Counts a recovery code's try and checks it: what is to be written with the step it allows, or how it
    /// was received.
    pub(super) async fn take_recovery_code(
        &self,
        at: &Position,
        (kind, canonical): (RecoveryKind, &str),
        place: &Place,
    ) -> Result<Result<Taken, CodeOutcome>, Fault> {
        let counted = match self.count_code(at).await? {
            Ok(counted) => counted,
            Err(until) => return self.end_paused(at, until, place).await.map(Err),
        };
        self.take_counted(at, &counted, (kind, canonical), place)
            .await
    }

    /// [`Self::take_recovery_code`] of a try that is counted already.
    pub(super) async fn take_counted(
        &self,
        at: &Position,
        counted: &Counted,
        (kind, canonical): (RecoveryKind, &str),
        place: &Place,
    ) -> Result<Result<Taken, CodeOutcome>, Fault> {
        let account = at.account.id;
        let verified = self
            .verify_counted(counted, account, (kind, canonical))
            .await?;
        let Some((proof, emergency_left)) = verified else {
            self.note_wrong_recovery(account, kind).await?;
            let outcome = self
                .wrong_code(at, counted, Event::CodeRefused, place)
                .await;
            return outcome.map(Err);
        };
        let mut effects = self.spend_recovery(&at.account, &proof, emergency_left, place)?;
        effects.change(counted.forgiven());
        Ok(Ok(Taken {
            proof,
            emergency_left,
            effects,
        }))
    }

    /// "For now." `None`: that is not offered any more.
    pub async fn lost_temporarily(
        &self,
        at: Position,
        lost: AwaitLost,
        place: &Place,
    ) -> Result<Option<Progress>, Fault> {
        let mut effects = Effects::default();
        effects.change(self.record(Event::LostTemporarily, at.account.id, place, ""));
        match lost.temporary() {
            Ok(next) => {
                if matches!(next, Next::MakeCodes(_)) {
                    let letter =
                        self.letter(&at.account, Matter::EmergencyCodesCreated, Some(place))?;
                    effects.changes.extend(letter);
                }
                self.advance(at, next, effects, place).await.map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    /// "Permanently lost": on to a new enrolment; nothing else changes yet.
    pub async fn lost_permanently(
        &self,
        at: Position,
        lost: AwaitLost,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let mut effects = Effects::default();
        effects.change(self.record(Event::LostPermanently, at.account.id, place, ""));
        let state = State::Enrolment(lost.permanent());
        self.move_to(at, state, effects).await
    }

    /// "Remind me later", before the session opens.
    pub async fn postpone(
        &self,
        at: Position,
        waiting: AwaitReminder,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let effects = self.snooze(&Subject::of(&at.account), waiting.deadline(), place);
        let next = waiting.later();
        if matches!(next, Next::Ask(_)) {
            // past the deadline nothing is put off, and nothing is written
            return Ok(Progress::Ask(None));
        }
        self.advance(at, next, effects, place).await
    }

    /// "Remind me later", in a live session. `false` when it cannot be put off any more.
    pub async fn postpone_in_session(&self, view: &View, place: &Place) -> Result<bool, Fault> {
        let rules = &self.rules.two_factor;
        let own = rules.for_groups(&view.subject.groups);
        // another tab may have put it off already: then there is nothing to write
        let record = reminder::Record {
            snoozed_until: None,
            ..view.subject.reminder()
        };
        let status = reminder::status(
            own,
            crate::domain::policy::TwoFactor::Recommended,
            rules,
            &record,
            self.env.now(),
        );
        let deadline = match status {
            reminder::Status::Overdue { .. } => return Ok(false),
            reminder::Status::Due { deadline } => deadline,
            reminder::Status::Quiet => None,
        };
        let effects = self.snooze(&view.subject, deadline, place);
        let _ = self.store.commit(&effects.changes).await?;
        self.sessions.forget_account(view.subject.id);
        Ok(true)
    }

    /// The emergency codes are stored: the session opens.
    pub async fn codes_stored(
        &self,
        at: Position,
        waiting: AwaitStored,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let mut effects = Effects::default();
        let account = at.account.id;
        effects.change(Change::ConfirmCodesStored { account });
        self.advance(at, Next::Open(waiting.stored()), effects, place)
            .await
    }

    /// Asks for the second factor again in a live session.
    pub async fn begin_step_up(
        &self,
        view: &View,
        destination: Option<Destination>,
        replaces: Option<TokenHash>,
    ) -> Result<Progress, Fault> {
        let state = crate::domain::login::step_up(view.subject.id, &view.session);
        self.begin_in_session(view, state, destination, replaces, Effects::default())
            .await
    }

    pub(super) async fn begin_in_session(
        &self,
        view: &View,
        state: State,
        destination: Option<Destination>,
        replaces: Option<TokenHash>,
        effects: Effects,
    ) -> Result<Progress, Fault> {
        let began = Began::Session(view.session.id);
        let attempt = self.attempt(began, destination, view.subject.shown_as(), state);
        self.start(attempt, replaces, effects).await
    }

    fn snooze(&self, subject: &Subject, deadline: Option<Timestamp>, place: &Place) -> Effects {
        let mut effects = Effects::default();
        let until = reminder::next_reminder(&self.rules.two_factor, deadline, self.env.now());
        self.start_grace(subject, &mut effects, place);
        let started = effects.changes.iter().find_map(|change| match change {
            Change::SetReminder { reminder, .. } => Some(*reminder),
            _ => None,
        });
        let reminder = reminder::Record {
            snoozed_until: Some(until),
            ..started.unwrap_or_else(|| subject.reminder())
        };
        effects
            .change(Change::SetReminder {
                account: subject.id,
                reminder,
            })
            .change(self.record(Event::ReminderPostponed, subject.id, place, ""));
        effects
    }

    pub(super) async fn count_code(
        &self,
        at: &Position,
    ) -> Result<Result<Counted, Timestamp>, Fault> {
        let lane = self.lane(at.account.id, Guessed::Code, at.frame.browser);
        let admission = self
            .store
            .count_try(&[(lane.bucket, lane.rule)], self.env.now())
            .await?;
        Ok(match admission {
            Admission::Admitted {
                pause_if_wrong,
                exhaustion,
            } => Ok(Counted {
                lane,
                pause_if_wrong,
                exhaustion,
            }),
            Admission::Paused { until } => Err(until),
        })
    }

    async fn wrong_code(
        &self,
        at: &Position,
        counted: &Counted,
        event: Event,
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        let account = &at.account;
        let mut changes = vec![self.record(event, account.id, place, "")];
        if counted.exhaustion == Exhaustion::IfWrong {
            changes.extend(self.exhausted(account, &counted.lane, place)?);
        }
        let Some(until) = counted.pause_if_wrong else {
            let _ = self.store.commit(&changes).await?;
            return Ok(CodeOutcome::Wrong);
        };
        let wrong = self.store.counter(&counted.lane.bucket).await?.failures;
        let letter = self.letter(account, Matter::CodesPaused { wrong, until }, Some(place))?;
        let mailed = letter.is_some();
        changes.push(Change::DropAttempt { token: at.token });
        changes.push(self.record(Event::CodesPaused, account.id, place, ""));
        changes.extend(letter);
        let _ = self.store.commit(&changes).await?;
        Ok(CodeOutcome::Paused { until, mailed })
    }

    /// Codes are paused already: the sign-in ends, so that guessing cannot go on without the password.
    pub(super) async fn end_paused(
        &self,
        at: &Position,
        until: Timestamp,
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        let changes = [
            Change::EndAttempt {
                token: at.token,
                from_version: at.version,
            },
            self.record(Event::Throttled, at.account.id, place, ""),
        ];
        // of many at once one ends it and writes the record
        let _: Commit = self.store.commit(&changes).await?;
        Ok(CodeOutcome::Paused {
            until,
            mailed: false,
        })
    }

    /// Checks a recovery code; with the proof comes how many emergency codes are left after it.
    async fn verify_recovery(
        &self,
        account: AccountId,
        kind: RecoveryKind,
        canonical: &str,
    ) -> Result<Option<(RecoveryProof, usize)>, Fault> {
        let emergency = self.store.emergency_codes(account).await?;
        let open = match kind {
            RecoveryKind::OneTimeCode => self.store.one_time_code(account).await?,
            RecoveryKind::EmergencyCode => None,
        };
        let now = self.env.now();
        let canonical = zeroize::Zeroizing::new(canonical.to_owned());
        let verified = self
            .hashing
            .run(move || {
                let left = emergency.len();
                match kind {
                    RecoveryKind::EmergencyCode => {
                        recovery_code::verify_emergency(&canonical, account, &emergency, now)
                            .map(|proof| (proof, left.saturating_sub(1)))
                    }
                    RecoveryKind::OneTimeCode => {
                        recovery_code::verify_one_time(&canonical, account, open.as_ref(), now)
                            .map(|proof| (proof, left))
                    }
                }
            })
            .await?;
        Ok(verified)
    }

    /// [`Self::verify_recovery`]; where it could not be looked at, the try is given back.
    async fn verify_counted(
        &self,
        counted: &Counted,
        account: AccountId,
        (kind, canonical): (RecoveryKind, &str),
    ) -> Result<Option<(RecoveryProof, usize)>, Fault> {
        let verified = self.verify_recovery(account, kind, canonical).await;
        if matches!(verified, Err(Fault::Busy(_))) {
            let give_back = Change::ForgiveOne(counted.lane.bucket);
            let _ = self.store.commit(&[give_back]).await?;
        }
        verified
    }

    async fn note_wrong_recovery(
        &self,
        account: AccountId,
        kind: RecoveryKind,
    ) -> Result<(), Fault> {
        if kind == RecoveryKind::OneTimeCode {
            let change = Change::CountWrongOneTimeCode { account };
            let _ = self.store.commit(&[change]).await?;
        }
        Ok(())
    }

    fn spend_recovery(
        &self,
        owner: &Account,
        proof: &RecoveryProof,
        emergency_left: usize,
        place: &Place,
    ) -> Result<Effects, Fault> {
        let (account, code) = (proof.account(), proof.code());
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (spend, event, matter) = match proof.kind() {
            RecoveryKind::EmergencyCode => (
                Change::SpendEmergencyCode { account, code },
                Event::EmergencyCodeUsed,
                Matter::EmergencyCodeUsed {
                    left: count(emergency_left),
                    total: count(self.rules.emergency_codes.max(emergency_left)),
                },
            ),
            RecoveryKind::OneTimeCode => (
                Change::SpendOneTimeCode { account, code },
                Event::OneTimeCodeUsed,
                Matter::OneTimeCodeUsed,
            ),
        };
        let mut effects = Effects::default();
        effects
            .change(spend)
            .change(self.record(event, account, place, ""));
        let letter = self.letter(owner, matter, Some(place))?;
        effects.changes.extend(letter);
        Ok(effects)
    }

    /// "For now" by one-time code at most three times in 30 days.
    async fn temporary_allowed(
        &self,
        account: AccountId,
        kind: RecoveryKind,
    ) -> Result<bool, Fault> {
        if kind == RecoveryKind::EmergencyCode {
            return Ok(true);
        }
        let since = self.env.now().minus(recovery::TEMPORARY_WINDOW);
        let used = self
            .store
            .audit_count(account, Event::LostTemporarily, since)
            .await?;
        Ok(used < recovery::TEMPORARY_USES)
    }

    fn unseal_totp(&self, account: AccountId, sealed: &[u8]) -> Result<TotpSecret, Fault> {
        let owner = account.uuid();
        let bytes = self
            .vault
            .open_sealed(Purpose::TotpSecret, owner.as_bytes(), sealed)?;
        TotpSecret::from_bytes(&bytes).ok_or_else(|| crate::vault::Fault::DoesNotOpen.into())
    }
}
