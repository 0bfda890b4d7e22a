//! What happened to an account, in plain words: to its person, and to the helpdesk.

use super::{Device, Done, Nav, Section};
use crate::domain::audit::Event;
use crate::portal::pages::Frame;

/// `/account/activity`
pub struct Activity<'a> {
    pub nav: Nav<'a>,
    /// Newest first.
    pub entries: &'a [Entry],
    /// Address of the page with what is older than the last entry.
    pub older: Option<&'a str>,
}
template!(Activity<'_>, "account_activity.html");

/// One thing that happened.
pub struct Entry {
    /// Seconds since the epoch.
    pub at: i64,
    /// Of [`activity_text_id`].
    pub text_id: &'static str,
    /// `None` where it was not done with a browser of the person's.
    pub device: Option<Device>,
}

impl Activity<'_> {
    const fn section(&self) -> Section {
        Section::Activity
    }
    const fn done(&self) -> Option<Done> {
        None
    }
}

impl Entry {
    pub(super) fn place(&self, f: &Frame<'_>) -> Option<String> {
        self.device.map(|device| device.line(f))
    }
}

/// The event as its person reads it; `None`: not the person's business.
pub const fn activity_text_id(event: &Event) -> Option<&'static str> {
    texts(event).0
}

/// The event in the trail that the helpdesk reads; `None`: not about a person.
pub const fn trail_text_id(event: &Event) -> Option<&'static str> {
    texts(event).1
}

macro_rules! both {
    ($name:literal) => {
        (
            Some(concat!("activity-", $name)),
            Some(concat!("trail-", $name)),
        )
    };
}

const fn texts(event: &Event) -> (Option<&'static str>, Option<&'static str>) {
    match event {
        Event::PasswordAccepted => both!("password-accepted"),
        Event::PasswordRefused => both!("password-refused"),
        Event::Throttled => both!("throttled"),
        Event::CodeAccepted => both!("code-accepted"),
        Event::CodeRefused => both!("code-refused"),
        Event::CodesPaused => both!("codes-paused"),
        Event::EmergencyCodeUsed => both!("emergency-used"),
        Event::EmergencyCodesCreated => both!("emergency-created"),
        Event::OneTimeCodeIssued => both!("otc-issued"),
        Event::OneTimeCodeUsed => both!("otc-used"),
        Event::OneTimeCodeVoid => both!("otc-void"),
        Event::LostTemporarily => both!("lost-temporarily"),
        Event::LostPermanently => both!("lost-permanently"),
        Event::AuthenticatorBound => both!("app-bound"),
        Event::AuthenticatorReplaced => both!("app-replaced"),
        Event::AuthenticatorReset => both!("app-reset"),
        Event::ReminderShown => both!("reminder-shown"),
        Event::ReminderPostponed => both!("reminder-postponed"),
        Event::GraceStarted => both!("grace-started"),
        Event::SignedIn => both!("signed-in"),
        Event::SteppedUp => both!("stepped-up"),
        Event::SignedOut => both!("signed-out"),
        Event::SessionRevoked => both!("session-revoked"),
        Event::AccountCreated => both!("account-created"),
        Event::AccountDisabled => both!("account-disabled"),
        Event::AccountEnabled => both!("account-enabled"),
        Event::PasswordChanged => both!("password-changed"),
        Event::GroupsChanged => both!("groups-changed"),
        Event::AccountDeletionPlanned => both!("deletion-planned"),
        Event::InitialPasswordSet => both!("initial-password"),
        Event::AuthenticatorRemoved => both!("app-removed"),
        Event::PasswordExhausted => both!("password-exhausted"),
        Event::CodesExhausted => both!("codes-exhausted"),
        Event::Unlocked => both!("unlocked"),
        Event::DeviceTrusted => both!("device-trusted"),
        Event::DeviceRemoved => both!("device-removed"),
        Event::TrustedDeviceUsed => both!("device-used"),
        Event::NewDevice => both!("device-new"),
        Event::Confirmed => both!("confirmed"),
        Event::ResetRequested => both!("reset-requested"),
        Event::ResetCompleted => both!("reset-completed"),
        Event::EnrolmentCodeSent => both!("enrolment-code"),
        Event::Exempted => both!("exempted"),
        Event::ReminderMailed => both!("reminder-mailed"),
        Event::AccountDeleted => (None, Some("trail-account-deleted")),
        Event::DeskLooked => (None, Some("trail-desk-looked")),
        Event::DeskRefused => (None, Some("trail-desk-refused")),
        Event::ApprovalRequested => (None, Some("trail-approval-requested")),
        Event::ApprovalGranted => (None, Some("trail-approval-granted")),
        Event::ApprovalDeclined => (None, Some("trail-approval-declined")),
        Event::SessionsMinted => both!("sessions-minted"),
        Event::MailFailed => (None, Some("trail-mail-failed")),
        Event::AccountsImported
        | Event::DeskSearched
        | Event::AuditExported
        | Event::TokenAdded
        | Event::TokenRevoked
        | Event::StoreBackedUp
        | Event::StoreRestored
        | Event::StoreMoveBegun
        | Event::PasswordRehashed
        | Event::KeyRotated => (None, None),
    }
}
