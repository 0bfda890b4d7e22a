//! Authenticators as they are stored: what proves a person, sealed or hashed.

use super::id::AuthenticatorId;
use super::timestamp::Timestamp;

/// A bound TOTP authenticator (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct TotpBinding {
    pub id: AuthenticatorId,
    /// The shared secret, encrypted by the vault with the account id as associated data.
    pub sealed_secret: Vec<u8>,
    pub bound_at: Timestamp,
    /// The last time step that was accepted; it and every earlier one are refused (RFC 6238 5.2).
    pub last_step: u64,
    /// The person left before confirming that the emergency codes are stored: the next sign-in shows new ones.
    pub codes_unconfirmed: bool,
}

impl std::fmt::Debug for TotpBinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TotpBinding({})", self.id)
    }
}

/// One emergency code as stored: its first two characters find it, the hash proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmergencyCode {
    pub id: AuthenticatorId,
    pub selector: String,
    pub hash: String,
}

/// The open one-time code of an account; there is at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeCode {
    pub id: AuthenticatorId,
    pub hash: String,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// Wrong entries so far; void after [`OneTimeCode::MAX_WRONG`].
    pub wrong: u32,
}

impl OneTimeCode {
    pub const MAX_WRONG: u32 = 5;

    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.wrong < Self::MAX_WRONG
    }
}
