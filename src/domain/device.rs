//! Browsers an account has been used in: known ones have a lane of their own past the throttle, trusted ones
//! are not asked for a code.
//!
//! A trusted device is no factor: a session opened with its help is AAL1 and says so (SP 800-63B-4 5.1).

use super::id::{AccountId, DeviceId};
use super::timestamp::Timestamp;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::time::Duration;

/// A browser is forgotten when it was not used for this long.
pub const KNOWN_FOR: Duration = Duration::from_secs(180 * 86_400);
/// Browsers kept for one account; the one used longest ago makes room.
pub const MOST: u32 = 20;

/// A browser of one account. It is recognised by a random token in a cookie; the store has the token's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub account: AccountId,
    pub known_since: Timestamp,
    pub last_used_at: Timestamp,
    /// Not asked for a code until then; never prolonged.
    pub trusted_until: Option<Timestamp>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

impl Device {
    pub fn is_trusted(&self, now: Timestamp) -> bool {
        self.trusted_until.is_some_and(|until| now < until)
    }

    pub fn is_known(&self, now: Timestamp) -> bool {
        now.since(self.last_used_at) < KNOWN_FOR
    }
}

/// What tells the device cookies of several accounts in one browser apart: part of a hash of the account's id,
/// so that the cookie's name names nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceTag([u8; 8]);

impl DeviceTag {
    pub fn of(account: AccountId) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(b"vestibule device tag v1")
            .chain_update(account.uuid().as_bytes())
            .finalize()
            .into();
        let mut tag = [0; 8];
        for (to, from) in tag.iter_mut().zip(digest) {
            *to = from;
        }
        Self(tag)
    }
}

impl fmt::Display for DeviceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeviceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceTag({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn tags_tell_accounts_apart_and_stay_the_same() {
        let tag = |n| DeviceTag::of(AccountId::from_uuid(Uuid::from_u128(n))).to_string();
        assert_eq!(tag(1), tag(1));
        assert_ne!(tag(1), tag(2));
        assert_eq!(tag(1).len(), 16);
    }
}
