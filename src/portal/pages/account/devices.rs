//! "Trusted devices".

use super::{Device, Done, Nav, Section};
use crate::portal::pages::Frame;

/// Whether devices can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusting {
    Offered,
    /// The configuration does not offer it.
    SwitchedOff,
    /// The account has no second factor a device could stand in for.
    NoTwoFactor,
}

/// `/account/devices`. A row posts `device`, the button below `do` = `all`.
pub struct Devices<'a> {
    pub nav: Nav<'a>,
    pub done: Option<Done>,
    pub trusting: Trusting,
    /// Looked at where trusting is offered only.
    pub rows: &'a [DeviceRow],
}
template!(Devices<'_>, "account_devices.html");

/// Times are seconds since the epoch.
pub struct DeviceRow {
    /// What the form sends back; never the device's token.
    pub id: String,
    pub device: Device,
    pub until: i64,
    pub last_used_at: Option<i64>,
    /// The one this page is shown to.
    pub current: bool,
}

impl Devices<'_> {
    const fn section(&self) -> Section {
        Section::Devices
    }
    const fn done(&self) -> Option<Done> {
        self.done
    }
    /// Why there is no list.
    fn none(&self, f: &Frame<'_>) -> Option<String> {
        match self.trusting {
            Trusting::SwitchedOff => Some(f.t("devices-off")),
            Trusting::NoTwoFactor => Some(f.t("devices-no-tfa")),
            Trusting::Offered => self.rows.is_empty().then(|| f.t("devices-none")),
        }
    }
}

impl DeviceRow {
    fn trusted_until(&self, f: &Frame<'_>) -> String {
        f.s("devices-until", "date", &f.plain_date(self.until))
    }
    fn used(&self, f: &Frame<'_>) -> Option<String> {
        let at = self.last_used_at?;
        Some(f.s("devices-used", "when", &f.date_time(at)))
    }
}
