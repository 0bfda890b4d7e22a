//! Choosing a password: changing it, the first one, and a new one by a link in a mail.

use super::Frame;
use crate::domain::secret::Password;

/// Why a new password is not taken. What it is made of is nobody's business (SP 800-63B-4 3.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPasswordError {
    Empty,
    TooShort,
    TooLong,
    /// Seen in a breach, or on the blocklist.
    Known,
    /// Contains the person's name or address, or the product's name.
    Context,
    Guessable,
    /// The one there is.
    Same,
}

/// The field for a new password.
#[derive(Clone, Copy, Debug)]
pub struct NewPassword {
    /// In characters.
    pub minimum_length: u64,
    pub error: Option<NewPasswordError>,
}

impl NewPassword {
    fn hint(&self, f: &Frame<'_>) -> String {
        f.n("reset-new-hint", "length", self.minimum_length)
    }
    fn error_text(&self, f: &Frame<'_>) -> Option<String> {
        let max = u64::try_from(Password::MAX_CHARS).unwrap_or(u64::MAX);
        Some(match self.error? {
            NewPasswordError::Empty => f.t("reset-new-err-empty"),
            NewPasswordError::TooShort => f.n("reset-new-err-short", "length", self.minimum_length),
            NewPasswordError::TooLong => f.n("reset-new-err-long", "length", max),
            NewPasswordError::Known => f.t("reset-new-err-known"),
            NewPasswordError::Context => f.t("reset-new-err-context"),
            NewPasswordError::Guessable => f.t("reset-new-err-guessable"),
            NewPasswordError::Same => f.t("reset-new-err-same"),
        })
    }
}

/// `/account/password`, field `new`.
pub struct ChangePassword<'a> {
    pub shown_as: &'a str,
    pub password: NewPassword,
}
template!(ChangePassword<'_>, "password_change.html");

/// The first password was given by an administrator and is changed now: a step of the sign-in, field `password`.
pub struct SetInitialPassword<'a> {
    pub shown_as: &'a str,
    pub password: NewPassword,
    pub action: &'a str,
}
template!(SetInitialPassword<'_>, "password_initial.html");

/// `/password/forgot`, field `username`.
pub struct Forgot<'a> {
    pub username: &'a str,
    /// Nothing was entered.
    pub error: bool,
    /// Login names are accepted beside e-mail addresses.
    pub by_login: bool,
}
template!(Forgot<'_>, "password_forgot.html");

impl Forgot<'_> {
    fn body(&self, f: &Frame<'_>) -> String {
        f.t(if self.by_login {
            "reset-body-any"
        } else {
            "reset-body"
        })
    }
    fn label(&self, f: &Frame<'_>) -> String {
        f.t(if self.by_login {
            "signin-username-any"
        } else {
            "signin-username"
        })
    }
    fn error_text(&self, f: &Frame<'_>) -> String {
        f.t(if self.by_login {
            "signin-err-username-any"
        } else {
            "signin-err-username"
        })
    }
}

/// The answer to that, whether or not there is an account.
pub struct ForgotSent<'a> {
    /// As it was typed.
    pub typed: &'a str,
    pub minutes: u64,
}
template!(ForgotSent<'_>, "password_sent.html");

impl ForgotSent<'_> {
    fn body(&self, f: &Frame<'_>) -> String {
        f.s("reset-sent-body", "email", self.typed)
    }
    fn hint(&self, f: &Frame<'_>) -> String {
        f.n("reset-sent-hint", "minutes", self.minutes)
    }
}

/// `/password/reset`, field `password`.
pub struct ResetNew<'a> {
    /// For password managers; `None` where the link should not say whose it is.
    pub shown_as: Option<&'a str>,
    pub password: NewPassword,
    /// What proves the link, sent back as field `token`; `None` where a cookie holds it.
    pub token: Option<&'a str>,
}
template!(ResetNew<'_>, "password_new.html");

/// The link has run out or was used.
pub struct ResetExpired;
template!(bare ResetExpired, "password_expired.html");

/// The new password is there: sign in with it.
pub struct ResetDone {
    /// The account has 2FA, and goes on having it.
    pub two_factor: bool,
}
template!(ResetDone, "password_done.html");
