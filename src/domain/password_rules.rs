//! Which new passwords are accepted (SP 800-63B-4 3.1.1.2): long enough, and nobody's first guesses. Nothing is
//! asked about composition.
//!
//! Imported hashes are not looked at: nobody knows the passwords. The rules hold where one is set.

mod blocklist;
mod spelling;
mod strength;
mod words;

use super::policy::{TwoFactor, TwoFactorRules};
use super::secret::Password;
pub use blocklist::Blocklist;
use std::fmt;
use std::sync::Arc;
pub use strength::{Advice, Hint};
pub use words::{Kind, Person, Site};

/// What a new password must not be, and how long it must be.
#[derive(Clone, Debug)]
pub struct Rules {
    pub minimum: Minimum,
    /// The operator's list.
    pub blocklist: Arc<Blocklist>,
    /// Names everybody here knows.
    pub site: Arc<Site>,
}

/// The shortest password, and why it is that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// In characters, after normalisation.
    pub length: usize,
    pub because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    Written,
    PasswordAlone,
    TwoFactors,
}

impl Minimum {
    /// Where a password alone opens something.
    pub const ALONE: usize = 15;
    /// As a part of two factors.
    pub const WITH_SECOND_FACTOR: usize = 8;

    /// Where nothing is written, the policy decides.
    pub fn by_policy(two_factor: &TwoFactorRules) -> Self {
        if password_alone(two_factor) {
            Self {
                length: Self::ALONE,
                because: Because::PasswordAlone,
            }
        } else {
            Self {
                length: Self::WITH_SECOND_FACTOR,
                because: Because::TwoFactors,
            }
        }
    }

    pub const fn written(length: usize) -> Self {
        Self {
            length,
            because: Because::Written,
        }
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at least {} characters, {}", self.length, self.because)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "as password.minimum_length says",
            Self::PasswordAlone => {
                "because a password alone opens something (password.minimum_length is not written)"
            }
            Self::TwoFactors => {
                "because two factors are required of everybody (password.minimum_length is not written)"
            }
        })
    }
}

/// Whether somebody may come in with a password alone, be it for a time only. A deadline counts as such a time
/// even when it is past: otherwise one morning shorter passwords would be allowed and nobody had said so.
pub fn password_alone(two_factor: &TwoFactorRules) -> bool {
    two_factor.policy != TwoFactor::Required
        || two_factor.grace.is_some_and(|grace| !grace.is_zero())
        || two_factor.deadline.is_some()
}

/// Why a password was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the password must have {0}")]
    TooShort(Minimum),
    #[error("the password must have 1 to {max} characters", max = Password::MAX_CHARS)]
    EmptyOrTooLong,
    #[error(
        "this password is one of the most common ones, repeated or with digits and signs at its end: choose another, for example a few unrelated words"
    )]
    Common,
    #[error(
        "this password, or all of it but the digits and signs at its end, is on the list of refused passwords (password.blocklist): choose another"
    )]
    Breached,
    #[error("this password consists of {0}: choose another, for example a few unrelated words")]
    Context(Kind),
    #[error(
        "this password would be guessed soon, it follows a pattern that many use: choose another, for example a few unrelated words"
    )]
    Guessable,
}

impl Refusal {
    /// Stable, for tests, metrics and texts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort(_) => "short",
            Self::EmptyOrTooLong => "length",
            Self::Common => "common",
            Self::Breached => "breached",
            Self::Context(_) => "context",
            Self::Guessable => "guessable",
        }
    }
}

/// Accepts or refuses a new password as typed.
pub fn accept(typed: &str, rules: &Rules, person: Person<'_>) -> Result<Password, Refusal> {
    let password = Password::new(typed).ok_or(Refusal::EmptyOrTooLong)?;
    if password.chars() < rules.minimum.length {
        return Err(Refusal::TooShort(rules.minimum));
    }
    let words = rules.site.with(person);
    if let Some(kind) = words.make_up(password.reveal()) {
        return Err(Refusal::Context(kind));
    }
    if rules.blocklist.refuses(password.reveal()) {
        return Err(Refusal::Breached);
    }
    let estimate = strength::estimate(password.reveal(), &words);
    // "password password" is no better than without the blank
    let bare: String = password
        .reveal()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let bare = zeroize::Zeroizing::new(bare);
    let common_bare = *bare != password.reveal() && strength::estimate(&bare, &words).common;
    if estimate.common || common_bare {
        return Err(Refusal::Common);
    }
    if estimate.guesses < strength::FEWEST_GUESSES {
        return Err(Refusal::Guessable);
    }
    Ok(password)
}

/// How good a password looks, for a page to show while or after it is typed; `None` for nothing typed. It decides
/// nothing.
pub fn advice(typed: &str, rules: &Rules, person: Person<'_>) -> Option<Advice> {
    let password = Password::new(typed)?;
    let words = rules.site.with(person);
    let made_of_words = words.make_up(password.reveal()).is_some();
    Some(strength::estimate(password.reveal(), &words).advice(made_of_words))
}

#[cfg(test)]
mod tests;
