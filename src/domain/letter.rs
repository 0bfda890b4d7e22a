//! What is mailed to a person, before it is worded: kept sealed until the mail server has taken it.

use super::account::Account;
use super::audit::Place;
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One mail. Address and language are those of the moment it was queued.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// E-mail address.
    pub to: String,
    pub name: String,
    /// BCP 47 tag, where the person has chosen one.
    pub language: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// Where it came from; `None` where that is not the person's business.
    pub place: Option<Place>,
    pub matter: Matter,
}

/// What it is about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// 2FA is on, for the first time.
    Enabled,
    /// A new app in place of the old one; other sessions and trusted devices are dead.
    Replaced,
    /// 2FA was switched off by the person.
    Disabled,
    EmergencyCodeUsed {
        left: u32,
        total: u32,
    },
    EmergencyCodesCreated,
    /// The code itself.
    OneTimeCode {
        code: String,
        until: Timestamp,
        case: Option<String>,
    },
    /// An agent, or an operator, was shown a code for this person.
    OneTimeCodeShown {
        case: Option<String>,
    },
    OneTimeCodeUsed,
    /// The code that a first enrolment asks for.
    EnrolmentCode {
        code: String,
        until: Timestamp,
    },
    /// Somebody who knows the password entered wrong codes.
    CodesPaused {
        wrong: u32,
        until: Timestamp,
    },
    /// After 100 wrong tries in a row the authenticator is dead until it is bound anew.
    PasswordDisabled,
    AppDisabled,
    DeviceTrusted {
        until: Timestamp,
    },
    /// First sign-in from a new browser.
    NewPlace,
    PasswordChanged,
    /// A link to choose a new password.
    Reset {
        link: String,
        minutes: u32,
    },
    /// A new account: a link to choose the first password.
    Invitation {
        link: String,
        until: Timestamp,
    },
    /// The helpdesk or an administrator did something to the account.
    DeskAction {
        act: DeskAct,
        case: Option<String>,
    },
    /// The deadline is near.
    Remind {
        /// The last day to put it off.
        last_day: Timestamp,
    },
    /// The deadline has passed.
    DeadlinePassed,
}

/// What the helpdesk or an administrator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskAct {
    SignedOutEverywhere,
    TrustedDevicesRemoved,
    AuthenticatorReset,
    Exempted,
    Unlocked,
    Disabled,
    Enabled,
    GroupsChanged,
    PasswordReset,
    DeletionPlanned,
}

impl Letter {
    /// `None` for somebody without an e-mail address.
    pub fn to(
        account: &Account,
        matter: Matter,
        place: Option<&Place>,
        at: Timestamp,
    ) -> Option<Self> {
        Some(Self {
            to: account.email.clone()?,
            name: account.name.clone(),
            language: account.language.clone(),
            at,
            place: place.cloned(),
            matter,
        })
    }

    /// From when on it would only mislead: its code or link is dead, or its day has come. `None`: news stay news.
    pub fn useless_from(&self) -> Option<Timestamp> {
        match &self.matter {
            Matter::OneTimeCode { until, .. }
            | Matter::EnrolmentCode { until, .. }
            | Matter::Invitation { until, .. } => Some(*until),
            Matter::Reset { minutes, .. } => {
                let minutes = std::time::Duration::from_secs(u64::from(*minutes) * 60);
                Some(self.at.plus(minutes))
            }
            Matter::Remind { last_day } => Some(last_day.end_of_day()),
            Matter::Enabled
            | Matter::Replaced
            | Matter::Disabled
            | Matter::EmergencyCodeUsed { .. }
            | Matter::EmergencyCodesCreated
            | Matter::OneTimeCodeShown { .. }
            | Matter::OneTimeCodeUsed
            | Matter::CodesPaused { .. }
            | Matter::PasswordDisabled
            | Matter::AppDisabled
            | Matter::DeviceTrusted { .. }
            | Matter::NewPlace
            | Matter::PasswordChanged
            | Matter::DeskAction { .. }
            | Matter::DeadlinePassed => None,
        }
    }
}

impl fmt::Debug for Letter {
    /// A letter may hold a code or a link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter")
    }
}

impl fmt::Debug for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matter")
    }
}
