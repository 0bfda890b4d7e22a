//! Browsers an account has been used in: known ones have a lane of their own past the throttle, trusted ones
//! are not asked for a code.
//!
//! A trusted device is no factor: a session opened with its help is AAL1 and says so (SP 800-63B-4 5.1).

use super::account::Account;
use super::id::{AccountId, DeviceId};
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
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

    /// What a trusted browser is worth at a sign-in. `None` for another account's, for one whose trust has run out,
    /// and where it was given before the app that the account has now: it was given for another one.
    pub fn vouch_for(&self, account: &Account, now: Timestamp) -> Option<TrustProof> {
        let app = account.totp.as_ref()?;
        let vouches = self.account == account.id
            && self.is_known(now)
            && self.is_trusted(now)
            && self.known_since >= app.bound_at;
        vouches.then_some(TrustProof {
            account: account.id,
            device: self.id,
        })
    }
}

/// A browser that the person trusts was there: no code is asked. It is no factor, and adds none. Made only by
/// [`Device::vouch_for`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustProof {
    account: AccountId,
    device: DeviceId,
}

impl TrustProof {
    pub const fn account(&self) -> AccountId {
        self.account
    }
    pub const fn device(&self) -> DeviceId {
        self.device
    }
}

/// The browser of a sign-in, as far as its cookies tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Browser {
    /// The account was not used in it before.
    #[default]
    Unknown,
    Known(DeviceId),
    /// This very sign-in changed how the account signs in, and its letter says so: the browser begins anew, and is
    /// no stranger.
    Renewed,
}

impl Browser {
    pub const fn device(self) -> Option<DeviceId> {
        match self {
            Self::Known(device) => Some(device),
            Self::Unknown | Self::Renewed => None,
        }
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

    #[test]
    fn who_vouches_for_whom() {
        const NOW: Timestamp = crate::domain::policy::tests::NOW;
        let day = Duration::from_secs(86_400);
        let with_app = || Account {
            totp: Some(crate::domain::policy::tests::totp()),
            ..crate::domain::policy::tests::account()
        };
        let device = || Device {
            id: DeviceId::from_uuid(Uuid::from_u128(7)),
            account: with_app().id,
            known_since: NOW,
            last_used_at: NOW,
            trusted_until: Some(NOW.plus(30 * day)),
            address: None,
            user_agent: None,
        };
        let check = |device: Device, account: Account, days: u32, want: bool| {
            let proof = device.vouch_for(&account, NOW.plus(day * days));
            assert_eq!(proof.is_some(), want, "{device:?} after {days} days");
        };
        check(device(), with_app(), 0, true);
        check(device(), with_app(), 29, true);
        check(device(), with_app(), 30, false);
        let known_only = Device {
            trusted_until: None,
            ..device()
        };
        check(known_only, with_app(), 0, false);
        let somebody = Account {
            id: AccountId::from_uuid(Uuid::from_u128(9)),
            ..with_app()
        };
        check(device(), somebody, 0, false);
        check(device(), crate::domain::policy::tests::account(), 0, false);
        let older = Device {
            known_since: NOW.minus(day),
            ..device()
        };
        check(older, with_app(), 0, false);
    }
}
