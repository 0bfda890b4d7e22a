//! The browsers a person trusts: seen, and forgotten.

use super::Changed;
use crate::authn::progress::Effects;
use crate::authn::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::confirmation::Purpose;
use crate::domain::device::Device;
use crate::domain::id::DeviceId;
use crate::domain::session::View;
use crate::store::Change;

impl Authn {
    /// Those trusted now, used last first.
    pub async fn trusted_devices(&self, view: &View) -> Result<Vec<Device>, Fault> {
        let now = self.env.now();
        let found = self.store.devices_of(view.subject.id).await?;
        Ok(found.into_iter().filter(|d| d.is_trusted(now)).collect())
    }

    /// Forgets one browser of the person's. `false`: there is none with this id.
    pub async fn remove_own_device(
        &self,
        view: &View,
        id: DeviceId,
        place: &Place,
    ) -> Result<Changed<bool>, Fault> {
        if self.asking(view, Purpose::Devices).await?.is_none() {
            return Ok(Changed::Unconfirmed);
        }
        let account = view.subject.id;
        let own = self.store.devices_of(account).await?;
        if !own.iter().any(|device| device.id == id) {
            return Ok(Changed::Done(false));
        }
        let mut effects = Effects::default();
        effects
            .change(Change::RemoveDevice {
                account,
                device: id,
            })
            .change(self.record(Event::DeviceRemoved, account, place, ""));
        self.finish(view, effects, true).await
    }

    /// Forgets all browsers of the person's, those that are only known among them.
    pub async fn remove_own_devices(
        &self,
        view: &View,
        place: &Place,
    ) -> Result<Changed<()>, Fault> {
        if self.asking(view, Purpose::Devices).await?.is_none() {
            return Ok(Changed::Unconfirmed);
        }
        let account = view.subject.id;
        let mut effects = Effects::default();
        effects
            .change(Change::RemoveDevicesOf { account })
            .change(self.record(Event::DeviceRemoved, account, place, "all"));
        self.finish(view, effects, ()).await
    }
}
