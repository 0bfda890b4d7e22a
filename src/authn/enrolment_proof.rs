//! What a first enrolment asks besides the password: a code from the mail, or one of the helpdesk.

use super::progress::{Effects, Position, Progress};
use super::second_factor::CodeOutcome;
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::binding::{Enrolment, EnrolmentProof, MAILED_LIFETIME};
use crate::domain::id::AccountId;
use crate::domain::letter::Matter;
use crate::domain::login::{LIFETIME, State};
use crate::domain::throttle::{self, Admission, Bucket, Kind};
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::{RecoveryKind, code_text};
use crate::store::Change;

impl Authn {
    /// What is asked of somebody with this e-mail address.
    pub(super) fn enrolment_proof_of(&self, email: Option<&str>) -> EnrolmentProof {
        let reached = self.rules.mails && email.is_some();
        self.rules.enrolment_proof.of(reached)
    }

    /// Mails the code that an enrolment waits for, if it waits for one: the letter goes into `effects`, to be committed
    /// together with the step. Where no mail can be sent now the enrolment comes back asking for the helpdesk's code.
    pub(super) async fn mail_enrolment_code(
        &self,
        enrolment: Enrolment,
        (account, started_at): (&Account, Timestamp),
        place: &Place,
        effects: &mut Effects,
    ) -> Result<Enrolment, Fault> {
        let now = self.env.now();
        let Some(standing) = enrolment.mail(now) else {
            return Ok(enrolment);
        };
        let counted = [(mail_bucket(account.id), throttle::MAIL)];
        let admitted = standing.more
            && matches!(
                self.store.count_try(&counted, now).await?,
                Admission::Admitted { .. }
            );
        if !admitted {
            return Ok(enrolment.without_mail());
        }
        let random: [u8; 32] = self.env.random();
        let canonical = code_text::from_random(&random, code_text::ONE_TIME_CHARS);
        // it cannot outlive the sign-in it is for, and the letter does not promise that
        let until = now.plus(MAILED_LIFETIME).min(started_at.plus(LIFETIME));
        let matter = Matter::EnrolmentCode {
            code: code_text::grouped(&canonical),
            until,
        };
        let Some(letter) = self.letter(account, matter, Some(place))? else {
            return Ok(enrolment.without_mail());
        };
        effects
            .change(letter)
            .change(self.record(Event::EnrolmentCodeSent, account.id, place, ""));
        Ok(enrolment.with_mailed(canonical, until))
    }

    /// A state that may be an enrolment which waits for a mailed code: then with the code.
    pub(super) async fn with_mailed_proof(
        &self,
        state: State,
        whose: (&Account, Timestamp),
        place: &Place,
        effects: &mut Effects,
    ) -> Result<State, Fault> {
        Ok(match state {
            State::Enrolment(enrolment) => State::Enrolment(
                self.mail_enrolment_code(enrolment, whose, place, effects)
                    .await?,
            ),
            other => other,
        })
    }

    /// "Send a new code": at most three for one enrolment, and no more than the throttle lets through.
    pub async fn resend_enrolment_code(
        &self,
        at: Position,
        enrolment: Enrolment,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let mut effects = Effects::default();
        let whose = (&at.account, at.frame.started_at);
        let enrolment = self
            .mail_enrolment_code(enrolment, whose, place, &mut effects)
            .await?;
        self.move_to(at, State::Enrolment(enrolment), effects).await
    }

    /// The code that the policy asks for before a first enrolment, well formed and canonical: the one that was mailed
    /// for it, or, whatever the policy says, one of the helpdesk.
    pub async fn authorise_enrolment(
        &self,
        at: Position,
        enrolment: Enrolment,
        canonical: &str,
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        let token = at.token;
        let outcome = self.try_authorise(at, enrolment, canonical, place).await?;
        if matches!(outcome, CodeOutcome::Paused { .. }) {
            // it ends although a wrong entry beside this one has moved it on
            let _ = self.store.commit(&[Change::DropAttempt { token }]).await?;
        }
        Ok(outcome)
    }

    async fn try_authorise(
        &self,
        at: Position,
        enrolment: Enrolment,
        canonical: &str,
        place: &Place,
    ) -> Result<CodeOutcome, Fault> {
        let account = at.account.id;
        let asked_by_mail = enrolment.mail(self.env.now()).is_some();
        let counted = match self.count_code(&at).await? {
            Ok(counted) => counted,
            Err(until) => return self.end_paused(&at, until, place).await,
        };
        let enrolment = match enrolment.enter_mailed(canonical, self.env.now()) {
            Ok(authorised) => {
                let mut effects = Effects::default();
                effects
                    .change(counted.forgiven())
                    .change(Change::ForgiveAll(mail_bucket(account)))
                    .change(self.record(Event::CodeAccepted, account, place, "mailed"));
                let state = State::Enrolment(authorised);
                let progress = self.move_to(at, state, effects).await?;
                return Ok(CodeOutcome::spent(progress));
            }
            Err(enrolment) => *enrolment,
        };
        let code = (RecoveryKind::OneTimeCode, canonical);
        match self.take_counted(&at, &counted, code, place).await? {
            Ok(taken) => {
                let state = State::Enrolment(enrolment.authorise(&taken.proof)?);
                let progress = self.move_to(at, state, taken.effects).await?;
                Ok(CodeOutcome::spent(progress))
            }
            Err(CodeOutcome::Wrong) if asked_by_mail => {
                // the wrong entry counts against the mailed code; of many at once the throttle counts each
                let state = State::Enrolment(enrolment);
                let _ = self.move_to(at, state, Effects::default()).await?;
                Ok(CodeOutcome::Wrong)
            }
            Err(outcome) => Ok(outcome),
        }
    }
}

/// Apart from the links to choose a password, which anybody can ask for without one.
fn mail_bucket(account: AccountId) -> Bucket {
    let id = account.uuid();
    Bucket::new(Kind::Mail, &[id.as_bytes(), &b"enrolment"[..]].concat())
}
