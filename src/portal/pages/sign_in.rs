//! Sign-in, second factor, recovery, reminder.

use super::Frame;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    EmptyUsername,
    EmptyPassword,
    EmptyBoth,
    Credentials,
    Expired,
}

/// `/signin`
pub struct SignIn<'a> {
    pub username: &'a str,
    /// The sealed destination.
    pub to: Option<&'a str>,
    pub error: Option<SignInError>,
    /// Login names are accepted beside e-mail addresses.
    pub by_login: bool,
    /// A link to "Forgot your password?": somebody must be able to get the mail.
    pub forgot: bool,
}
template!(SignIn<'_>, "signin.html");

impl SignIn<'_> {
    fn credentials(&self) -> bool {
        self.error == Some(SignInError::Credentials)
    }
    fn expired(&self) -> bool {
        self.error == Some(SignInError::Expired)
    }
    const fn no_username(&self) -> bool {
        matches!(
            self.error,
            Some(SignInError::EmptyUsername | SignInError::EmptyBoth)
        )
    }
    const fn no_password(&self) -> bool {
        matches!(
            self.error,
            Some(SignInError::EmptyPassword | SignInError::EmptyBoth)
        )
    }
    fn username_label(&self, f: &Frame<'_>) -> String {
        f.t(if self.by_login {
            "signin-username-any"
        } else {
            "signin-username"
        })
    }
    fn username_error(&self, f: &Frame<'_>) -> String {
        f.t(if self.by_login {
            "signin-err-username-any"
        } else {
            "signin-err-username"
        })
    }
}

/// Too many tries.
pub struct Throttled {
    pub minutes: u64,
    /// A link to "Forgot your password?".
    pub forgot: bool,
}
template!(Throttled, "throttled.html");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeError {
    Empty,
    Format,
    Wrong,
}

/// `/signin/code`
pub struct Code<'a> {
    pub shown_as: &'a str,
    /// `None`: trusting a device is not offered.
    pub trust_days: Option<u64>,
    pub error: Option<CodeError>,
    pub action: &'a str,
    /// Link to the second method.
    pub second: bool,
    /// Address of the link to another account.
    pub switch: &'a str,
}
template!(Code<'_>, "code.html");

impl Code<'_> {
    fn is_wrong(&self) -> bool {
        self.error == Some(CodeError::Wrong)
    }
    fn error_text(&self, f: &Frame<'_>) -> String {
        f.t(match self.error {
            Some(CodeError::Empty) => "code-err-empty",
            Some(CodeError::Format) => "code-err-format",
            Some(CodeError::Wrong) | None => "code-err-wrong",
        })
    }
}

/// Five wrong codes.
pub struct CodeLocked {
    pub minutes: u64,
    /// The person was told by mail.
    pub mailed: bool,
}
template!(CodeLocked, "locked.html");

/// `/signin/second`
pub struct SecondMethod;
template!(bare SecondMethod, "second.html");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryError {
    Empty,
    Wrong,
}

/// `/signin/one-time-code`, and the helpdesk's proof before a first enrolment.
pub struct OneTimeCode {
    pub error: Option<RecoveryError>,
    pub enrolment: bool,
}
template!(OneTimeCode, "one_time_code.html");

impl OneTimeCode {
    fn heading(&self, f: &Frame<'_>) -> String {
        f.t(if self.enrolment {
            "proof-title"
        } else {
            "otc-title"
        })
    }
    fn intro(&self, f: &Frame<'_>) -> String {
        if self.enrolment {
            f.t("proof-body")
        } else {
            f.t("otc-intro")
        }
    }
    const fn action(&self) -> &'static str {
        if self.enrolment {
            "/enrol/proof"
        } else {
            "/signin/one-time-code"
        }
    }
    const fn back(&self) -> &'static str {
        if self.enrolment {
            "/enrol"
        } else {
            "/signin/second"
        }
    }
    fn error_text(&self, f: &Frame<'_>) -> String {
        f.t(match self.error {
            Some(RecoveryError::Empty) => "otc-err-empty",
            Some(RecoveryError::Wrong) | None => "otc-err-wrong",
        })
    }
}

/// `/signin/emergency-code`
pub struct EmergencyCode {
    pub error: Option<RecoveryError>,
}
template!(EmergencyCode, "emergency_code.html");

impl EmergencyCode {
    fn error_text(&self, f: &Frame<'_>) -> String {
        f.t(match self.error {
            Some(RecoveryError::Empty) => "emergency-err-empty",
            Some(RecoveryError::Wrong) | None => "emergency-err-wrong",
        })
    }
}

/// `/signin/lost`
pub struct Lost {
    pub temporary_allowed: bool,
    pub error: bool,
}
template!(Lost, "lost.html");

/// Seconds since the epoch, and whole days from now.
pub struct DeadlineView {
    pub days_left: u64,
    pub at: i64,
}

/// `/remind`
pub struct Nag<'a> {
    pub policy_required: bool,
    pub deadline: Option<DeadlineView>,
    pub next_reminder_at: i64,
    pub to: Option<&'a str>,
}
template!(Nag<'_>, "nag.html");

/// `/remind`, past the deadline.
pub struct NagDeadline<'a> {
    pub at: Option<i64>,
    pub to: Option<&'a str>,
}
template!(NagDeadline<'_>, "nag_deadline.html");

/// `/remind/app`
pub struct NagApp<'a> {
    pub app: &'a str,
    pub to: Option<&'a str>,
}
template!(NagApp<'_>, "nag_app.html");
