//! What has been proven in a session, in the words of SP 800-63B-4, OpenID Connect Core and RFC 8176.

use serde::{Deserialize, Serialize};

/// Authentication assurance level of a session; the assertion's `acr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// One factor.
    Aal1,
    /// Two distinct factors.
    Aal2,
}

impl Assurance {
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }
}

/// How the second factor was shown, where there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// The authenticator app.
    Totp,
    /// A recovery code the person had stored.
    EmergencyCode,
    /// A code the helpdesk issued.
    OneTimeCode,
}

/// The factors behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// Always a password today; passkeys alone come later.
    pub second: Option<SecondFactor>,
}

impl Factors {
    pub const PASSWORD: Self = Self { second: None };

    pub const fn with(second: SecondFactor) -> Self {
        Self {
            second: Some(second),
        }
    }

    pub const fn assurance(self) -> Assurance {
        match self.second {
            None => Assurance::Aal1,
            Some(_) => Assurance::Aal2,
        }
    }

    /// RFC 8176 values for the assertion's `amr`.
    pub const fn amr(self) -> &'static [&'static str] {
        match self.second {
            None => &["pwd"],
            Some(_) => &["pwd", "otp", "mfa"],
        }
    }
}
