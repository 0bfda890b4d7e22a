//! "Confirm that it is you": what a live session has to prove anew before something about the account changes.
//!
//! The password alone confirms what only takes access away. Whatever decides how this account signs in asks for the
//! app as well, where there is one: a recovery code or a trusted device opened the session, but neither changes
//! the account (SP 800-63B-4 4.1.2.1 and 4.6, ASVS 7.5.1 and 7.5.2).

use super::assurance::SecondFactor;
use super::binding::{Enrolment, EnrolmentProof};
use super::id::AccountId;
use super::login::{FRESH_PASSWORD, ForeignProof, Grant, NeedsCodes, Next, Proven, State};
use super::own_page::OwnPage;
use super::session::Session;
use super::timestamp::Timestamp;
use super::verifier::{PasswordProof, PossessionProof};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a confirmation is good for.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// What a person confirms for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To bind a first app.
    Enrol {
        /// What the enrolment will ask besides.
        asked: EnrolmentProof,
    },
    /// To bind another app in place of the one there is.
    Replace,
    /// To make new emergency codes.
    NewCodes,
    /// To choose another password.
    Password,
    /// To switch 2FA off.
    Disable,
    /// To end sessions.
    Sessions,
    /// To forget trusted devices.
    Devices,
}

impl Purpose {
    /// Those that are a page of their own.
    const PAGES: [Self; 4] = [Self::Password, Self::Disable, Self::Sessions, Self::Devices];

    /// Its name in an address; `None` for what begins with a form.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Password => Some("password"),
            Self::Disable => Some("disable"),
            Self::Sessions => Some("sessions"),
            Self::Devices => Some("devices"),
            Self::Enrol { .. } | Self::Replace | Self::NewCodes => None,
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::PAGES
            .into_iter()
            .find(|purpose| purpose.word() == Some(word))
    }

    /// Where it ends.
    pub const fn page(self) -> OwnPage {
        match self {
            Self::Enrol { .. } => OwnPage::Enabled,
            Self::Replace => OwnPage::Replaced,
            Self::NewCodes => OwnPage::NewCodes,
            Self::Password => OwnPage::Password,
            Self::Disable => OwnPage::Disable,
            Self::Sessions => OwnPage::Sessions,
            Self::Devices => OwnPage::Devices,
        }
    }

    /// Where somebody goes who thinks better of it.
    pub const fn way_back(self) -> OwnPage {
        match self {
            Self::Sessions => OwnPage::Sessions,
            Self::Devices => OwnPage::Devices,
            Self::Enrol { .. }
            | Self::Replace
            | Self::NewCodes
            | Self::Password
            | Self::Disable => OwnPage::Security,
        }
    }

    const fn password_is_good_for(self) -> Duration {
        match self {
            Self::Enrol { .. } => FRESH_PASSWORD,
            Self::Replace
            | Self::NewCodes
            | Self::Password
            | Self::Disable
            | Self::Sessions
            | Self::Devices => FRESH,
        }
    }

    /// Whether it only takes access away.
    const fn only_ends(self) -> bool {
        matches!(self, Self::Sessions | Self::Devices)
    }
}

/// What is to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    pub password: bool,
    /// The app's code.
    pub code: bool,
}

impl Asks {
    /// What a session owes. `has_app`: the account has an authenticator now, whatever the session was opened with.
    pub fn of(session: &Session, has_app: bool, purpose: Purpose, now: Timestamp) -> Self {
        // a moment ahead of the clock is no recent one
        let fresh = |at: Timestamp, limit| at <= now && now.since(at) < limit;
        let by_app = session.factors.second == Some(SecondFactor::Totp)
            && session.second_factor_at.is_some_and(|at| fresh(at, FRESH));
        Self {
            password: !fresh(session.password_at, purpose.password_is_good_for()),
            code: has_app && !purpose.only_ends() && !by_app,
        }
    }

    pub const fn nothing(self) -> bool {
        !self.password && !self.code
    }
}

/// The session confirmed just now. Made by [`Confirmed::check`] only, and demanded by whatever changes an account.
#[derive(Debug)]
pub struct Confirmed(());

impl Confirmed {
    pub fn check(
        session: &Session,
        has_app: bool,
        purpose: Purpose,
        now: Timestamp,
    ) -> Option<Self> {
        let asks = Asks::of(session, has_app, purpose, now);
        asks.nothing().then_some(Self(()))
    }
}

/// The first step of a change: the question, or what comes after it where nothing is to be asked.
pub fn begin(
    account: AccountId,
    session: &Session,
    has_app: bool,
    purpose: Purpose,
    now: Timestamp,
) -> Next {
    let asks = Asks::of(session, has_app, purpose, now);
    let waiting = AwaitConfirmation {
        proven: Proven::by_session(account, session),
        asks,
        purpose,
    };
    if asks.nothing() {
        waiting.go_on()
    } else {
        Next::Ask(State::Confirmation(waiting))
    }
}

/// In a live session: password, code or both are asked for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitConfirmation {
    proven: Proven,
    asks: Asks,
    purpose: Purpose,
}

impl AwaitConfirmation {
    pub const fn asks(&self) -> Asks {
        self.asks
    }
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }
    pub(super) const fn proven(&self) -> &Proven {
        &self.proven
    }

    /// Everything that is asked for, at once; where something is missing the state stays as it was.
    pub fn complete(
        self,
        password: Option<&PasswordProof>,
        app: Option<&PossessionProof>,
    ) -> Result<Next, ForeignProof> {
        let missing =
            (self.asks.password && password.is_none()) || (self.asks.code && app.is_none());
        if missing {
            return Ok(Next::Ask(State::Confirmation(self)));
        }
        let mut proven = self.proven;
        if let Some(proof) = password {
            proven = proven.with_password(proof)?;
        }
        if let Some(proof) = app {
            proven = proven.with_app(proof)?;
        }
        Ok(Self { proven, ..self }.go_on())
    }

    fn go_on(self) -> Next {
        let proven = self.proven;
        match self.purpose {
            Purpose::Enrol { asked } => {
                Next::Ask(State::Enrolment(Enrolment::first(proven, asked)))
            }
            Purpose::Replace => Next::Ask(State::Enrolment(Enrolment::exchanging(proven))),
            Purpose::NewCodes => Next::MakeCodes(NeedsCodes::new(proven, false)),
            Purpose::Password | Purpose::Disable | Purpose::Sessions | Purpose::Devices => {
                Next::Open(Grant::confirmed(proven))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::assurance::Factors;
    use crate::domain::policy::tests::{NOW, account};

    use crate::domain::id::SessionId;
    use uuid::Uuid;

    fn ago(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    fn session(password: u64, second: Option<(SecondFactor, u64)>) -> Session {
        Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            factors: Factors {
                second: second.map(|(factor, _)| factor),
            },
            auth_time: ago(password),
            password_at: ago(password),
            second_factor_at: second.map(|(_, age)| ago(age)),
            expires_at: NOW.plus(Duration::from_secs(3600)),
            last_seen_at: NOW,
            trusted_device: None,
        }
    }

    #[track_caller]
    fn check(session: &Session, has_app: bool, purpose: Purpose, want: &str) {
        let asks = Asks::of(session, has_app, purpose, NOW);
        let got = match (asks.password, asks.code) {
            (true, true) => "both",
            (true, false) => "password",
            (false, true) => "code",
            (false, false) => "nothing",
        };
        assert_eq!(got, want, "{purpose:?} {session:?}");
        let confirmed = Confirmed::check(session, has_app, purpose, NOW);
        assert_eq!(confirmed.is_some(), want == "nothing");
    }

    const SETTINGS: [Purpose; 4] = [
        Purpose::Replace,
        Purpose::NewCodes,
        Purpose::Password,
        Purpose::Disable,
    ];

    #[test]
    fn what_a_session_owes() {
        use SecondFactor::{EmergencyCode, OneTimeCode, Totp};
        for purpose in SETTINGS {
            check(&session(599, Some((Totp, 599))), true, purpose, "nothing");
            check(&session(600, Some((Totp, 599))), true, purpose, "password");
            check(&session(599, Some((Totp, 600))), true, purpose, "code");
            check(&session(600, Some((Totp, 600))), true, purpose, "both");
            // a recovery code or a trusted device is no code from the app, however fresh
            check(&session(0, Some((EmergencyCode, 0))), true, purpose, "code");
            check(&session(0, Some((OneTimeCode, 0))), true, purpose, "code");
            check(&session(0, None), true, purpose, "code");
            check(&session(601, None), true, purpose, "both");
            // without an app the password is all there is
            check(&session(0, None), false, purpose, "nothing");
            check(&session(600, None), false, purpose, "password");
        }
    }

    #[test]
    fn ending_something_asks_for_the_password_only() {
        for purpose in [Purpose::Sessions, Purpose::Devices] {
            check(&session(599, None), true, purpose, "nothing");
            check(&session(600, None), true, purpose, "password");
        }
    }

    #[test]
    fn a_first_app_asks_for_a_password_of_five_minutes() {
        let enrol = Purpose::Enrol {
            asked: EnrolmentProof::None,
        };
        check(&session(299, None), false, enrol, "nothing");
        check(&session(300, None), false, enrol, "password");
    }

    #[test]
    fn what_was_proven_in_the_future_is_not_fresh() {
        let mut ahead = session(0, Some((SecondFactor::Totp, 0)));
        ahead.password_at = NOW.plus(Duration::from_secs(1));
        ahead.second_factor_at = Some(ahead.password_at);
        check(&ahead, true, Purpose::Password, "both");
    }

    #[test]
    fn a_question_without_its_answers_stays() {
        for purpose in SETTINGS {
            let Next::Ask(State::Confirmation(waiting)) =
                begin(account().id, &session(900, None), true, purpose, NOW)
            else {
                panic!("nothing is asked");
            };
            let next = waiting.complete(None, None).unwrap();
            assert!(matches!(next, Next::Ask(State::Confirmation(_))));
        }
    }
}
