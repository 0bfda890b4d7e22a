//! What can be done to an account, and the page that asks why before it is done.

use super::{Desk, Frame, Problem};
use crate::domain::desk::IdentityCheck;

/// How the agent made sure who asks, in words. Its code is the value of the field `check`.
pub(super) fn check_text(check: IdentityCheck, f: &Frame<'_>) -> String {
    f.t(match check {
        IdentityCheck::Callback => "desk-issue-check-callback",
        IdentityCheck::Manager => "desk-issue-check-manager",
        IdentityCheck::Id => "desk-issue-check-id",
    })
}

/// What an agent or an administrator does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    IssueCode,
    SignOut,
    Untrust,
    Reset,
    Exempt,
    Unlock,
    PasswordReset,
    Groups,
    Disable,
    Enable,
    Delete,
    /// Takes a planned deletion back.
    Keep,
}

impl Act {
    pub const ALL: [Self; 12] = [
        Self::IssueCode,
        Self::SignOut,
        Self::Untrust,
        Self::Reset,
        Self::Exempt,
        Self::Unlock,
        Self::PasswordReset,
        Self::Groups,
        Self::Disable,
        Self::Enable,
        Self::Delete,
        Self::Keep,
    ];

    /// The last part of its address, `/desk/users/{id}/{act}`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IssueCode => "one-time-code",
            Self::SignOut => "sign-out",
            Self::Untrust => "untrust",
            Self::Reset => "reset",
            Self::Exempt => "exempt",
            Self::Unlock => "unlock",
            Self::PasswordReset => "password-reset",
            Self::Groups => "groups",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.code() == code)
    }
    /// For administrators only.
    pub const fn is_administrative(self) -> bool {
        match self {
            Self::PasswordReset
            | Self::Groups
            | Self::Disable
            | Self::Enable
            | Self::Delete
            | Self::Keep => true,
            Self::IssueCode
            | Self::SignOut
            | Self::Untrust
            | Self::Reset
            | Self::Exempt
            | Self::Unlock => false,
        }
    }
    /// Takes something away that does not come back by itself.
    const fn is_grave(self) -> bool {
        match self {
            Self::Reset | Self::Disable | Self::Delete => true,
            Self::IssueCode
            | Self::SignOut
            | Self::Untrust
            | Self::Exempt
            | Self::Unlock
            | Self::PasswordReset
            | Self::Groups
            | Self::Enable
            | Self::Keep => false,
        }
    }
    /// The class of its button.
    pub(super) const fn button(self) -> &'static str {
        if matches!(self, Self::IssueCode) {
            ""
        } else if self.is_grave() {
            " bad"
        } else {
            " alt"
        }
    }
    /// The words on its button.
    pub(super) fn label(self, f: &Frame<'_>) -> String {
        f.t(match self {
            Self::IssueCode => "desk-user-issue",
            Self::SignOut => "desk-user-out",
            Self::Untrust => "desk-user-untrust",
            Self::Reset => "desk-user-reset",
            Self::Exempt => "desk-user-exempt",
            Self::Unlock => "desk-user-unlock",
            Self::PasswordReset => "desk-user-password-reset",
            Self::Groups => "desk-user-groups-change",
            Self::Disable => "desk-user-disable",
            Self::Enable => "desk-user-enable",
            Self::Delete => "desk-user-delete",
            Self::Keep => "desk-user-keep",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActError {
    Case,
    Check,
    UntilEmpty,
    /// Not a day, in the past, or further away than is allowed.
    Until {
        most_days: u64,
    },
    Groups,
}

/// GET, POST `/desk/users/{id}/{act}`: fields `case`, and where asked for `check`, `until`, `groups`.
pub struct ActPage<'a> {
    pub desk: Desk<'a>,
    pub act: Act,
    pub id: &'a str,
    pub name: &'a str,
    pub shown_as: &'a str,
    pub case: &'a str,
    /// Whether `check` is asked for.
    pub asks_check: bool,
    pub check: Option<IdentityCheck>,
    /// `Act::Exempt`: what was typed, `2026-12-31`.
    pub until: &'a str,
    /// `Act::Groups`: separated by commas.
    pub groups: &'a str,
    /// `Act::Delete`: how many days it can be taken back.
    pub grace_days: u64,
    /// A second agent must approve it.
    pub second_agent: bool,
    pub errors: &'a [ActError],
}
template!(ActPage<'_>, "desk/act.html");

impl ActPage<'_> {
    fn exempts(&self) -> bool {
        self.act == Act::Exempt
    }
    fn regroups(&self) -> bool {
        self.act == Act::Groups
    }
    fn button(&self) -> &'static str {
        if self.act.is_grave() { " bad" } else { "" }
    }
    /// What will happen.
    fn effect(&self, f: &Frame<'_>) -> String {
        match self.act {
            Act::IssueCode => f.t("desk-act-issue"),
            Act::SignOut => f.t("desk-act-out"),
            Act::Untrust => f.t("desk-act-untrust"),
            Act::Reset => f.t("desk-act-reset"),
            Act::Exempt => f.t("desk-act-exempt"),
            Act::Unlock => f.t("desk-act-unlock"),
            Act::PasswordReset => f.t("desk-act-password-reset"),
            Act::Groups => f.t("desk-act-groups"),
            Act::Disable => f.t("desk-act-disable"),
            Act::Enable => f.t("desk-act-enable"),
            Act::Delete => f.n("desk-act-delete", "days", self.grace_days),
            Act::Keep => f.t("desk-act-keep"),
        }
    }
    fn problems(&self, f: &Frame<'_>) -> Vec<Problem> {
        let problem = |error: &ActError| match *error {
            ActError::Case => Problem {
                field: "case",
                text: f.t("desk-issue-case-err"),
            },
            ActError::Check => Problem {
                field: "check",
                text: f.t("desk-issue-check-err"),
            },
            ActError::UntilEmpty => Problem {
                field: "until",
                text: f.t("desk-act-until-empty"),
            },
            ActError::Until { most_days } => Problem {
                field: "until",
                text: f.n("desk-act-until-err", "days", most_days),
            },
            ActError::Groups => Problem {
                field: "groups",
                text: f.t("desk-groups-err"),
            },
        };
        self.errors.iter().map(problem).collect()
    }
}
