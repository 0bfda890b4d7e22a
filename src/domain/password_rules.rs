//! Which new passwords are accepted (SP 800-63B-4 3.1.1.2): a length, nothing about composition.

use super::secret::Password;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// In characters, after normalisation.
    pub minimum_length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the password must have at least {0} characters")]
    TooShort(usize),
    #[error("the password must have 1 to {max} characters", max = Password::MAX_CHARS)]
    EmptyOrTooLong,
}

/// Accepts or refuses a new password as typed.
pub fn accept(typed: &str, rules: Rules) -> Result<Password, Refusal> {
    let password = Password::new(typed).ok_or(Refusal::EmptyOrTooLong)?;
    if password.chars() < rules.minimum_length {
        return Err(Refusal::TooShort(rules.minimum_length));
    }
    Ok(password)
}
