//! The browser of a sign-in: found by its cookie, remembered when the session opens, trusted where that is wanted.

use super::progress::{Effects, Position};
use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::device::{Browser, Device, DeviceTag};
use crate::domain::id::AccountId;
use crate::domain::id::DeviceId;
use crate::domain::letter::Matter;
use crate::domain::login::Began;
use crate::domain::secret::{Token, TokenHash};
use crate::domain::timestamp::Timestamp;
use crate::store::Change;
use std::time::Duration;

/// A device cookie that came along: the text of its [`DeviceTag`], and what its value hashes to.
#[derive(Clone, Debug)]
pub struct DeviceCookie {
    pub tag: String,
    pub token: TokenHash,
}

/// Tells a browser from now on whose it is: the tag in the cookie's name, and its value.
#[derive(Debug)]
pub struct NewDevice {
    pub tag: DeviceTag,
    pub token: Token,
}

impl Authn {
    /// The browser that one of the cookies stands for, where this account was used in it and it is not forgotten.
    pub async fn known_device(
        &self,
        account: AccountId,
        cookies: &[DeviceCookie],
    ) -> Result<Option<Device>, Fault> {
        let tag = DeviceTag::of(account).to_string();
        let mut fitting = cookies.iter().filter(|cookie| cookie.tag == tag);
        let (Some(cookie), None) = (fitting.next(), fitting.next()) else {
            return Ok(None);
        };
        let found = self.store.device(account, &cookie.token).await?;
        let now = self.env.now();
        Ok(found.filter(|device| device.is_known(now)))
    }

    /// For how long the browser of this sign-in can be trusted, where the place it leads to does not mind; `None`:
    /// not at all. Only where a new session opens, and not before the emergency codes are stored.
    pub fn trust_offered(&self, at: &Position) -> Option<Duration> {
        let app = at.account.totp.as_ref()?;
        let opens = at.frame.began == Began::SignIn && !app.codes_unconfirmed;
        self.rules
            .two_factor
            .trust_for(&at.account.groups)
            .filter(|_| opens)
    }

    /// Remembers the browser that a session is opened in. Whatever is new gets a token of its own: a value that the
    /// browser brought along is never made to mean more than it did.
    pub(super) fn remember_browser(
        &self,
        account: &Account,
        browser: Browser,
        effects: &mut Effects,
        place: &Place,
    ) -> Result<Option<NewDevice>, Fault> {
        let now = self.env.now();
        let trusted_until = effects.trust_until;
        match browser {
            Browser::Known(device) if trusted_until.is_none() => {
                effects.change(Change::UseDevice { device, at: now });
                return Ok(None);
            }
            Browser::Known(device) => {
                effects.change(Change::RemoveDevice {
                    account: account.id,
                    device,
                });
            }
            Browser::Unknown if account.history.last_sign_in_at.is_some() => {
                effects.change(self.record(Event::NewDevice, account.id, place, ""));
                let letter = self.letter(account, Matter::NewPlace, Some(place))?;
                effects.changes.extend(letter);
            }
            Browser::Unknown | Browser::Renewed => {}
        }
        let token = self.env.token();
        effects.change(Change::AddDevice {
            device: Box::new(self.device(account, trusted_until, place)),
            token: token.hash(),
        });
        if let Some(until) = trusted_until {
            effects.change(self.record(Event::DeviceTrusted, account.id, place, ""));
            let letter = self.letter(account, Matter::DeviceTrusted { until }, Some(place))?;
            effects.changes.extend(letter);
        }
        Ok(Some(NewDevice {
            tag: DeviceTag::of(account.id),
            token,
        }))
    }

    fn device(&self, account: &Account, trusted_until: Option<Timestamp>, place: &Place) -> Device {
        let now = self.env.now();
        Device {
            id: DeviceId::from_uuid(self.env.uuid()),
            account: account.id,
            known_since: now,
            last_used_at: now,
            trusted_until,
            address: place.address.map(|address| address.to_string()),
            user_agent: place.user_agent.clone(),
        }
    }
}
