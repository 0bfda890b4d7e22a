//! Whose counter a try is counted in. A browser the account was used in before has a lane of its own, so that nobody
//! else's guesses keep the owner out; everybody else shares the account's, in whatever spelling they name it.
//!
//! Lanes do not touch each other: what happens in one clears or ends nothing in another (decision 20).

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::device::Browser;
use crate::domain::id::{AccountId, DeviceId};
use crate::domain::letter::Matter;
use crate::domain::throttle::{Bucket, Kind, Rule};
use crate::store::Change;

/// What is guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guessed {
    Password,
    /// Codes of all second methods together.
    Code,
}

/// The counter of one account's authenticator, for the browser at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) bucket: Bucket,
    pub(super) rule: Rule,
    guessed: Guessed,
    device: Option<DeviceId>,
}

impl Authn {
    /// For a name that nobody has: `subject` is its canonical spelling.
    pub(super) fn lane_of_nobody(&self, subject: &[u8]) -> Lane {
        Lane {
            bucket: Bucket::new(Kind::Password, subject),
            rule: self.rules.throttle.password.without_end(),
            guessed: Guessed::Password,
            device: None,
        }
    }

    pub(super) fn lane(&self, account: AccountId, guessed: Guessed, browser: Browser) -> Lane {
        let rules = &self.rules.throttle;
        let rule = match guessed {
            Guessed::Password => rules.password,
            Guessed::Code => rules.code,
        };
        let device = browser.device();
        let bucket = match device {
            Some(device) => of_device(device, guessed),
            None => of_account(account, guessed),
        };
        Lane {
            bucket,
            rule,
            guessed,
            device,
        }
    }

    /// The last wrong try of a lane was made. A browser is forgotten and falls back to the account's; its own
    /// counter stays where it is, for sign-ins that began with it. There, the authenticator is dead for whoever is no known browser until it is chosen or bound anew.
    pub(super) fn exhausted(
        &self,
        account: &Account,
        lane: &Lane,
        place: &Place,
    ) -> Result<Vec<Change>, Fault> {
        let id = account.id;
        if let Some(device) = lane.device {
            return Ok(vec![
                Change::RemoveDevice {
                    account: id,
                    device,
                },
                self.record(
                    Event::DeviceRemoved,
                    id,
                    place,
                    "too many wrong tries from it",
                ),
            ]);
        }
        let (there, event, matter) = match lane.guessed {
            Guessed::Password => (
                account.is_active() && account.password.is_some(),
                Event::PasswordExhausted,
                Matter::PasswordDisabled,
            ),
            Guessed::Code => (
                account.has_second_factor(),
                Event::CodesExhausted,
                Matter::AppDisabled,
            ),
        };
        if !there {
            return Ok(Vec::new());
        }
        let letter = self.letter(account, matter, Some(place))?;
        let record = self.record(event, id, place, "");
        Ok(std::iter::once(record).chain(letter).collect())
    }

    /// Clears pauses and wrong tries of an account in all its lanes.
    pub async fn unlock_changes(&self, account: AccountId) -> Result<Vec<Change>, Fault> {
        let devices = self.store.devices_of(account).await?;
        let both = [Guessed::Password, Guessed::Code];
        let own = both.map(|guessed| of_account(account, guessed));
        let theirs = devices
            .iter()
            .flat_map(|device| both.map(|guessed| of_device(device.id, guessed)));
        Ok(own
            .into_iter()
            .chain(theirs)
            .map(Change::ForgiveAll)
            .collect())
    }
}

/// Another password, or another app: its wrong tries begin anew.
pub(super) fn begins_anew(account: AccountId, guessed: Guessed) -> Change {
    Change::ForgiveAll(of_account(account, guessed))
}

fn of_account(account: AccountId, guessed: Guessed) -> Bucket {
    let kind = match guessed {
        Guessed::Password => Kind::Password,
        Guessed::Code => Kind::Code,
    };
    Bucket::new(kind, account.uuid().as_bytes())
}

fn of_device(device: DeviceId, guessed: Guessed) -> Bucket {
    let kind = match guessed {
        Guessed::Password => Kind::DevicePassword,
        Guessed::Code => Kind::DeviceCode,
    };
    Bucket::new(kind, device.uuid().as_bytes())
}
