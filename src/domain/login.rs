//! The sign-in: a state machine from a proven password to a session.
//!
//! States consume themselves and demand proofs; a [`Grant`], the right to open a session, comes out of the
//! last state only, and says what was proven on the way. A half-finished sign-in is none of these things to
//! the rest of the program: it opens nothing but its own next step (SP 800-63B-4 5.1, ASVS 2.3.1).

use super::assurance::{Factors, SecondFactor};
use super::binding::{Enrolment, EnrolmentProof};
use super::confirmation::AwaitConfirmation;
use super::device::{Browser, TrustProof};
use super::id::{AccountId, AttemptId, DeviceId, SessionId};
use super::recovery::AwaitLost;
use super::reminder;
use super::return_to::Destination;
use super::session::Session;
use super::timestamp::Timestamp;
use super::verifier::{PasswordProof, PossessionProof, RecoveryProof};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a sign-in may take, from the right password to its end.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How fresh a password must be for an account without a second factor to bind one (SP 800-63B-4 4.1.2.1).
pub const FRESH_PASSWORD: Duration = Duration::from_secs(5 * 60);

/// A proof does not fit the sign-in it was offered to: another account's. Cannot happen through the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof belongs to another account")]
pub struct ForeignProof;

/// What has been proven so far. Grows only by proofs; serialised only into sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    account: AccountId,
    password_at: Timestamp,
    second: Option<(SecondFactor, Timestamp)>,
    /// The trusted device that a live session rests on; nothing is proven by it.
    #[serde(default)]
    trusted_device: Option<DeviceId>,
}

impl Proven {
    pub(super) const fn by_password(proof: &PasswordProof) -> Self {
        Self {
            account: proof.account(),
            password_at: proof.at(),
            second: None,
            trusted_device: None,
        }
    }

    /// What a live session stands for.
    pub(super) fn by_session(account: AccountId, session: &Session) -> Self {
        Self {
            account,
            password_at: session.password_at,
            second: session.factors.second.zip(session.second_factor_at),
            trusted_device: session.trusted_device.as_deref().copied(),
        }
    }

    /// A trusted browser stands in for the question, not for a factor: what is proven stays the same.
    fn trusting(self, trust: TrustProof) -> Result<Self, ForeignProof> {
        self.check(trust.account())?;
        Ok(Self {
            trusted_device: Some(trust.device()),
            ..self
        })
    }

    pub(super) fn with_password(self, proof: &PasswordProof) -> Result<Self, ForeignProof> {
        self.check(proof.account())?;
        Ok(Self {
            password_at: proof.at(),
            ..self
        })
    }

    pub(super) fn with_app(self, proof: &PossessionProof) -> Result<Self, ForeignProof> {
        self.check(proof.account())?;
        Ok(Self {
            second: Some((SecondFactor::Totp, proof.at())),
            trusted_device: None,
            ..self
        })
    }

    pub(super) fn with_recovery(self, proof: &RecoveryProof) -> Result<Self, ForeignProof> {
        self.check(proof.account())?;
        Ok(Self {
            second: Some((proof.kind().second_factor(), proof.at())),
            trusted_device: None,
            ..self
        })
    }

    /// The app that was bound in this very sign-in was shown to work.
    pub(super) const fn with_bound_app(self, at: Timestamp) -> Self {
        Self {
            second: Some((SecondFactor::Totp, at)),
            trusted_device: None,
            ..self
        }
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }
    pub const fn password_at(&self) -> Timestamp {
        self.password_at
    }

    fn check(&self, account: AccountId) -> Result<(), ForeignProof> {
        if account == self.account {
            Ok(())
        } else {
            Err(ForeignProof)
        }
    }
}

/// The right to open (or raise) a session. Made only by the last step of a sign-in.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    proven: Proven,
    short: bool,
    confirmed: bool,
}

impl Grant {
    const fn full(proven: Proven) -> Self {
        Self {
            proven,
            short: false,
            confirmed: false,
        }
    }

    /// Of a live session whose person said once more who they are.
    pub(super) const fn confirmed(proven: Proven) -> Self {
        Self {
            proven,
            short: false,
            confirmed: true,
        }
    }

    /// With a recovery code "for now": ends after 8 hours at most.
    pub(super) const fn short(proven: Proven) -> Self {
        Self {
            proven,
            short: true,
            confirmed: false,
        }
    }

    pub const fn account(&self) -> AccountId {
        self.proven.account
    }
    pub const fn factors(&self) -> Factors {
        Factors {
            second: match self.proven.second {
                Some((second, _)) => Some(second),
                None => None,
            },
        }
    }
    pub const fn password_at(&self) -> Timestamp {
        self.proven.password_at
    }
    pub const fn second_factor_at(&self) -> Option<Timestamp> {
        match self.proven.second {
            Some((_, at)) => Some(at),
            None => None,
        }
    }
    pub const fn trusted_device(&self) -> Option<DeviceId> {
        self.proven.trusted_device
    }
    pub const fn is_short(&self) -> bool {
        self.short
    }
    /// "Confirm that it is you": nothing new about the session but how fresh it is.
    pub const fn is_confirmation(&self) -> bool {
        self.confirmed
    }
}

/// What comes after a step.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Ask(State),
    /// New emergency codes are to be made and shown before the session opens.
    MakeCodes(NeedsCodes),
    Open(Grant),
}

/// What the sign-in waits for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    NewPassword(AwaitNewPassword),
    Code(AwaitCode),
    Lost(AwaitLost),
    Reminder(AwaitReminder),
    Confirmation(AwaitConfirmation),
    Enrolment(Enrolment),
    Codes(AwaitStored),
}

/// Where a sign-in began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    /// With a password: it ends in a new session.
    SignIn,
    /// In a live session: it ends by raising that one.
    Session(SessionId),
}

/// What stays the same through a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    pub id: AttemptId,
    pub began: Began,
    pub started_at: Timestamp,
    pub destination: Option<Destination>,
    /// What pages call the person by; typed in this very sign-in, or of the session.
    pub shown_as: String,
    #[serde(default)]
    pub browser: Browser,
}

/// One sign-in as it is kept between two requests.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub frame: Frame,
    pub state: State,
}

impl Attempt {
    pub fn is_live(&self, now: Timestamp) -> bool {
        now.since(self.frame.started_at) < LIFETIME
    }

    /// Whose sign-in it is.
    pub const fn account(&self) -> AccountId {
        match &self.state {
            State::NewPassword(s) => s.proven.account,
            State::Code(s) => s.proven.account,
            State::Lost(s) => s.proven().account,
            State::Reminder(s) => s.proven.account,
            State::Confirmation(s) => s.proven().account,
            State::Enrolment(s) => s.proven().account,
            State::Codes(s) => s.proven.account,
        }
    }
}

/// Where an account stands, as far as a sign-in cares.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub has_second_factor: bool,
    pub reminder: reminder::Status,
    /// The browser is trusted, and the place it leads to does not mind.
    pub trusted: Option<TrustProof>,
}

/// The first step: the password was right.
pub fn after_password(proof: &PasswordProof, standing: Standing) -> Next {
    let proven = Proven::by_password(proof);
    if proof.is_initial() {
        return Next::Ask(State::NewPassword(AwaitNewPassword { proven }));
    }
    proceed(proven, standing)
}

fn proceed(proven: Proven, standing: Standing) -> Next {
    if standing.has_second_factor {
        // another account's trust is worth nothing here: the code is asked
        let trusted = standing.trusted.and_then(|t| proven.trusting(t).ok());
        return match trusted {
            Some(proven) => Next::Open(Grant::full(proven)),
            None => Next::Ask(State::Code(AwaitCode { proven })),
        };
    }
    match standing.reminder {
        reminder::Status::Quiet => Next::Open(Grant::full(proven)),
        reminder::Status::Due { deadline } => Next::Ask(State::Reminder(AwaitReminder {
            proven,
            deadline,
            overdue: false,
        })),
        reminder::Status::Overdue { deadline } => Next::Ask(State::Reminder(AwaitReminder {
            proven,
            deadline,
            overdue: true,
        })),
    }
}

/// Step-up in a live session: the second factor once more.
pub fn step_up(account: AccountId, session: &Session) -> State {
    State::Code(AwaitCode {
        proven: Proven::by_session(account, session),
    })
}

/// The password was right, and somebody else had given it: the person chooses another one before anything else.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitNewPassword {
    proven: Proven,
}

impl AwaitNewPassword {
    /// Another one is there; the sign-in goes on as after any password. Nothing is trusted that was before it.
    pub fn chosen(self, standing: Standing) -> Next {
        let standing = Standing {
            trusted: None,
            ..standing
        };
        proceed(self.proven, standing)
    }
}

/// The password was right; the second factor is awaited.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitCode {
    proven: Proven,
}

impl AwaitCode {
    /// The app's code was right. `codes_unconfirmed`: the person never said that the emergency codes of
    /// the enrolment are stored, so new ones come first.
    pub fn complete(
        self,
        proof: &PossessionProof,
        codes_unconfirmed: bool,
    ) -> Result<Next, ForeignProof> {
        let proven = self.proven.with_app(proof)?;
        Ok(if codes_unconfirmed {
            Next::MakeCodes(NeedsCodes {
                proven,
                short: false,
            })
        } else {
            Next::Open(Grant::full(proven))
        })
    }

    /// A recovery code was right: the person says next what happened to the app.
    pub fn recover(
        self,
        proof: &RecoveryProof,
        codes_left: usize,
        temporary_allowed: bool,
    ) -> Result<AwaitLost, ForeignProof> {
        let proven = self.proven.with_recovery(proof)?;
        Ok(AwaitLost::new(
            proven,
            proof.kind(),
            codes_left,
            temporary_allowed,
        ))
    }
}

/// The reminder is shown before the session opens.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitReminder {
    proven: Proven,
    deadline: Option<Timestamp>,
    overdue: bool,
}

impl AwaitReminder {
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
    pub const fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// "Remind me later". Past the deadline there is no later: the state comes back unchanged.
    pub fn later(self) -> Next {
        if self.overdue {
            Next::Ask(State::Reminder(self))
        } else {
            Next::Open(Grant::full(self.proven))
        }
    }

    pub fn enrol(self, asked: EnrolmentProof) -> Enrolment {
        Enrolment::first(self.proven, asked)
    }
}

/// New emergency codes are to be made.
#[derive(Debug, PartialEq, Eq)]
pub struct NeedsCodes {
    proven: Proven,
    short: bool,
}

impl NeedsCodes {
    pub(super) const fn new(proven: Proven, short: bool) -> Self {
        Self { proven, short }
    }
    /// `codes` are shown once, and hashed for the store.
    pub const fn show(self, codes: Vec<String>) -> State {
        State::Codes(AwaitStored {
            proven: self.proven,
            short: self.short,
            codes,
        })
    }
    pub const fn account(&self) -> AccountId {
        self.proven.account
    }
}

/// The emergency codes are shown until the person says that they are stored.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitStored {
    proven: Proven,
    short: bool,
    codes: Vec<String>,
}

impl AwaitStored {
    pub fn codes(&self) -> &[String] {
        &self.codes
    }
    pub fn stored(self) -> Grant {
        Grant {
            proven: self.proven,
            short: self.short,
            confirmed: false,
        }
    }
}

impl std::fmt::Debug for AwaitStored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AwaitStored")
    }
}
