//! The audit trail: one record for each security event, append-only in the store and a JSON log line.

use super::id::{AccountId, ApiTokenId};
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
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
    /// Somebody in the console.
    Agent(AccountId),
    /// A program with a token of the admin API.
    Token(ApiTokenId),
}

impl Actor {
    /// `person`, `operator`, `system`, `agent:ID` or `token:ID`.
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Person => "person".into(),
            Self::Operator => "operator".into(),
            Self::System => "system".into(),
            Self::Agent(id) => format!("agent:{id}").into(),
            Self::Token(id) => format!("token:{id}").into(),
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        match code.split_once(':') {
            None => [Self::Person, Self::Operator, Self::System]
                .into_iter()
                .find(|actor| actor.code() == code),
            Some(("agent", id)) => AccountId::parse(id).map(Self::Agent),
            Some(("token", id)) => ApiTokenId::parse(id).map(Self::Token),
            Some(_) => None,
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
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|event| event.code() == code)
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
    /// Made on the command line for load tests, without password and code.
    SessionsMinted = "session.minted",
    SteppedUp = "session.stepped_up",
    SignedOut = "session.signed_out",
    SessionRevoked = "session.revoked",
    AccountCreated = "account.created",
    AccountDisabled = "account.disabled",
    AccountEnabled = "account.enabled",
    PasswordChanged = "account.password_changed",
    PasswordRehashed = "account.password_rehashed",
    GroupsChanged = "account.groups_changed",
    AccountDeletionPlanned = "account.deletion_planned",
    AccountDeleted = "account.deleted",
    AccountsImported = "account.imported",
    /// A password that an administrator gave was given or mailed as a link.
    InitialPasswordSet = "account.initial_password_set",
    KeyRotated = "key.rotated",
    /// The person switched two-factor authentication off.
    AuthenticatorRemoved = "authenticator.removed",
    /// 100 wrong tries in a row: dead until it is bound anew.
    PasswordExhausted = "password.exhausted",
    CodesExhausted = "codes.exhausted",
    /// Pauses and wrong tries were cleared by the helpdesk.
    Unlocked = "unlocked",
    DeviceTrusted = "device.trusted",
    DeviceRemoved = "device.removed",
    TrustedDeviceUsed = "device.used",
    /// A sign-in from a browser the account was not used in before.
    NewDevice = "device.new",
    /// "Confirm that it is you" in a session.
    Confirmed = "session.confirmed",
    ResetRequested = "password_reset.requested",
    ResetCompleted = "password_reset.completed",
    EnrolmentCodeSent = "enrolment_code.sent",
    Exempted = "reminder.exempted",
    /// The console: a search, a look at an account.
    DeskSearched = "desk.searched",
    DeskLooked = "desk.looked",
    DeskRefused = "desk.refused",
    ApprovalRequested = "approval.requested",
    ApprovalGranted = "approval.granted",
    ApprovalDeclined = "approval.declined",
    AuditExported = "audit.exported",
    MailFailed = "mail.failed",
    ReminderMailed = "reminder.mailed",
    TokenAdded = "token.added",
    TokenRevoked = "token.revoked",
    /// A copy of the store was made.
    StoreBackedUp = "store.backed_up",
    /// A copy took the place of the store: everybody signs in again.
    StoreRestored = "store.restored",
    /// Everything began to be copied into another store.
    StoreMoveBegun = "store.move_begun",
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

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Grows with each record.
    pub number: i64,
    pub record: Record,
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
