//! One question before a change: is it you, and do you mean it.

use crate::portal::pages::Frame;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Password,
    Code,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReauthError {
    EmptyPassword,
    EmptyCode,
    EmptyBoth,
    CodeFormat,
    WrongPassword,
    WrongCode,
    /// Both were asked for, and which of them is wrong is not said.
    Wrong,
}

/// `/account/confirm`: fields `password` and `code`, as far as they are asked for.
pub struct Confirm<'a> {
    pub shown_as: &'a str,
    pub asks: Asks,
    pub error: Option<ReauthError>,
    pub action: &'a str,
    /// Where "Cancel" leads.
    pub cancel: &'a str,
}
template!(Confirm<'_>, "confirm.html");

impl Confirm<'_> {
    const fn asks_password(&self) -> bool {
        matches!(self.asks, Asks::Password | Asks::Both)
    }
    const fn asks_code(&self) -> bool {
        matches!(self.asks, Asks::Code | Asks::Both)
    }
    /// Two fields: a summary says what is wrong and takes the focus (both fields come back empty).
    const fn has_summary(&self) -> bool {
        matches!(self.asks, Asks::Both) && self.error.is_some()
    }
    const fn focus_code(&self) -> bool {
        matches!(self.asks, Asks::Code)
    }
    const fn focus_password(&self) -> bool {
        self.asks_password() && !self.has_summary()
    }
    fn body(&self, f: &Frame<'_>) -> String {
        f.t(match self.asks {
            Asks::Password => "reauth-body",
            Asks::Code => "reauth-body-code",
            Asks::Both => "reauth-body-both",
        })
    }
    fn password_error(&self, f: &Frame<'_>) -> Option<String> {
        let id = match self.error? {
            ReauthError::EmptyPassword | ReauthError::EmptyBoth => "signin-err-password",
            ReauthError::WrongPassword => "reauth-err",
            ReauthError::Wrong => "reauth-err-both",
            ReauthError::EmptyCode | ReauthError::CodeFormat | ReauthError::WrongCode => {
                return None;
            }
        };
        Some(f.t(id))
    }
    fn code_error(&self, f: &Frame<'_>) -> Option<String> {
        let id = match self.error? {
            ReauthError::EmptyCode | ReauthError::EmptyBoth => "code-err-empty",
            ReauthError::CodeFormat => "code-err-format",
            ReauthError::WrongCode => "code-err-wrong",
            // the password's message speaks of both
            ReauthError::Wrong | ReauthError::EmptyPassword | ReauthError::WrongPassword => {
                return None;
            }
        };
        Some(f.t(id))
    }
}

/// `/account/2fa/disable`
pub struct DisableTwoFactor<'a> {
    pub shown_as: &'a str,
}
template!(DisableTwoFactor<'_>, "account_disable.html");
