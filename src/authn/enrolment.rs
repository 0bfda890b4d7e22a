//! Binding an authenticator app: choose, scan, confirm.

use super::lanes::{Guessed, begins_anew};
use super::progress::{Effects, Position, Progress};
use super::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::authenticator::TotpBinding;
use crate::domain::binding::{App, Enrolment};
use crate::domain::confirmation;
use crate::domain::device::Browser;
use crate::domain::id::AuthenticatorId;
use crate::domain::letter::Matter;
use crate::domain::login::{AwaitReminder, Began, Next, State};
use crate::domain::return_to::Destination;
use crate::domain::secret::{TokenHash, TotpSecret};
use crate::domain::session::View;
use crate::domain::verifier::totp;
use crate::store::Change;
use crate::vault::Purpose;

/// How the confirming code was received.
#[derive(Debug)]
pub enum ConfirmOutcome {
    Wrong,
    /// The key has run out, or ten wrong codes dropped it: a new one is to be scanned.
    KeyExpired,
    Progress(Progress),
}

impl Authn {
    /// From the reminder at sign-in.
    pub async fn enrol_from_reminder(
        &self,
        at: Position,
        waiting: AwaitReminder,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let enrolment = waiting.enrol(self.enrolment_proof_of(at.account.email.as_deref()));
        let mut effects = Effects::default();
        let whose = (&at.account, at.frame.started_at);
        let enrolment = self
            .mail_enrolment_code(enrolment, whose, place, &mut effects)
            .await?;
        self.move_to(at, State::Enrolment(enrolment), effects).await
    }

    /// From a live session without a second factor; the password first, unless it is fresh.
    pub async fn enrol_in_session(
        &self,
        view: &View,
        destination: Option<Destination>,
        replaces: Option<TokenHash>,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let purpose = confirmation::Purpose::Enrol {
            asked: self.enrolment_proof_of(view.subject.email()),
        };
        self.begin_change(view, purpose, destination, replaces, place)
            .await
    }

    pub async fn choose_app(
        &self,
        at: Position,
        enrolment: Enrolment,
        app: App,
    ) -> Result<Progress, Fault> {
        let state = State::Enrolment(enrolment.choose(app));
        self.move_to(at, state, Effects::default()).await
    }

    /// Makes the key to scan where there is none that is still good.
    pub async fn make_key(&self, at: Position, enrolment: Enrolment) -> Result<Progress, Fault> {
        let secret = TotpSecret::from_random(self.env.random());
        let state = State::Enrolment(enrolment.with_key(secret, self.env.now()));
        self.move_to(at, state, Effects::default()).await
    }

    /// Six digits, well formed: the app works. From here 2FA is on, and what it replaces is dead.
    pub async fn confirm_enrolment(
        &self,
        at: Position,
        enrolment: Enrolment,
        digits: &str,
        place: &Place,
    ) -> Result<ConfirmOutcome, Fault> {
        let now = self.env.now();
        // bound meanwhile, by somebody else who has the password: this enrolment must not replace it
        let overtaken = !enrolment.is_replacement() && at.account.has_second_factor();
        let Some(key) = enrolment.key(now).filter(|_| !overtaken) else {
            return Ok(ConfirmOutcome::KeyExpired);
        };
        let Some(proof) = totp::verify_pending(digits, key.secret(), now) else {
            let next = enrolment.wrong_code();
            let expired = next.key(now).is_none();
            let _ = self
                .move_to(at, State::Enrolment(next), Effects::default())
                .await?;
            return Ok(if expired {
                ConfirmOutcome::KeyExpired
            } else {
                ConfirmOutcome::Wrong
            });
        };
        let Ok(bound) = enrolment.confirm(&proof) else {
            return Ok(ConfirmOutcome::KeyExpired);
        };
        let account = at.account.id;
        let owner = account.uuid();
        let binding = TotpBinding {
            id: AuthenticatorId::from_uuid(self.env.uuid()),
            sealed_secret: self.vault.seal(
                Purpose::TotpSecret,
                owner.as_bytes(),
                bound.secret.reveal(),
            ),
            bound_at: bound.at,
            last_step: bound.step,
            codes_unconfirmed: true,
        };
        let event = if bound.replaces {
            Event::AuthenticatorReplaced
        } else {
            Event::AuthenticatorBound
        };
        let except = match at.frame.began {
            Began::SignIn => None,
            Began::Session(id) => Some(id),
        };
        let mut effects = Effects::default();
        effects
            .change(Change::BindTotp {
                account,
                binding,
                first: !bound.replaces,
            })
            .change(Change::EndSessionsOf { account, except })
            .change(Change::DropAttemptsOf {
                account,
                except: Some(at.token),
            })
            .change(self.record(event, account, place, ""));
        effects.change(begins_anew(account, Guessed::Code));
        // A browser that is known from before was known for the old app or for the password alone: it is not to have
        // a lane of its own for the codes of this app.
        effects.change(Change::RemoveDevicesOf { account });
        let mut at = at;
        // the letter below tells of this sign-in
        at.frame.browser = Browser::Renewed;
        let matter = if bound.replaces {
            Matter::Replaced
        } else {
            Matter::Enabled
        };
        let letter = self.letter(&at.account, matter, Some(place))?;
        effects.changes.extend(letter);
        let progress = self
            .advance(at, Next::MakeCodes(bound.next), effects, place)
            .await?;
        self.sessions.forget_account(account);
        Ok(ConfirmOutcome::Progress(progress))
    }
}
