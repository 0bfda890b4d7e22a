//! The audit trail: one record for each security event, append-only in the store and a JSON log line.

use super::id::AccountId;
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The person whose account it is (or claims to be).
    Person,
    /// Somebody with the command line on the machine.
    Operator,
    /// Vestibule itself.
    System,
}

impl Actor {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// What happened. The code is stable: alert rules depend on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event { $($(#[$doc])* $name,)+ }
        impl Event {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

events! {
    /// A password was right.
    PasswordAccepted = "password.accepted",
    /// A password was wrong, or the name is unknown or disabled.
    PasswordRefused = "password.refused",
    /// A try was refused before it was looked at.
    Throttled = "throttled",
    /// A code from the app was right.
    CodeAccepted = "code.accepted",
    CodeRefused = "code.refused",
    /// Five wrong codes: paused, the sign-in ended.
    CodesPaused = "codes.paused",
    EmergencyCodeUsed = "emergency_code.used",
    EmergencyCodesCreated = "emergency_codes.created",
    OneTimeCodeIssued = "one_time_code.issued",
    OneTimeCodeUsed = "one_time_code.used",
    OneTimeCodeVoid = "one_time_code.void",
    /// The person chose "without the app for now".
    LostTemporarily = "authenticator.lost_temporarily",
    /// The person chose "permanently lost".
    LostPermanently = "authenticator.lost_permanently",
    AuthenticatorBound = "authenticator.bound",
    AuthenticatorReplaced = "authenticator.replaced",
    AuthenticatorReset = "authenticator.reset",
    ReminderShown = "reminder.shown",
    ReminderPostponed = "reminder.postponed",
    GraceStarted = "reminder.grace_started",
    SignedIn = "session.opened",
    SteppedUp = "session.stepped_up",
    SignedOut = "session.signed_out",
    SessionRevoked = "session.revoked",
    AccountCreated = "account.created",
    AccountDisabled = "account.disabled",
    AccountEnabled = "account.enabled",
    PasswordChanged = "account.password_changed",
    PasswordRehashed = "account.password_rehashed",
    GroupsChanged = "account.groups_changed",
    KeyRotated = "key.rotated",
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub address: Option<IpAddr>,
    /// At most 256 characters, control characters removed.
    pub user_agent: Option<String>,
}

impl Place {
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let clean = |text: &str| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(256)
                .collect::<String>()
        };
        Self {
            address,
            user_agent: user_agent.map(clean),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub at: Timestamp,
    pub event: Event,
    pub account: Option<AccountId>,
    pub actor: Actor,
    pub place: Place,
    /// Plain words for people; never a secret, never a token.
    pub detail: String,
}
