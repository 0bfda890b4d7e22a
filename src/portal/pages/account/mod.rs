//! The person's own pages: what everybody sees who is signed in, one file a page.

mod activity;
mod confirm;
mod devices;
mod security;
mod sessions;

pub use activity::{Activity, Entry, activity_text_id, trail_text_id};
pub use confirm::{Asks, Confirm, DisableTwoFactor, ReauthError};
pub use devices::{DeviceRow, Devices, Trusting};
pub use security::{Demand, Disabling, Security, TwoFactorView};
pub use sessions::{SessionRow, Sessions};

use super::Frame;
use crate::domain::user_agent::{self, Described};
use std::net::IpAddr;

/// What stands above every page of a signed-in person.
#[derive(Clone, Copy, Debug)]
pub struct Nav<'a> {
    pub shown_as: &'a str,
    /// Address of the console, for those with a role.
    pub console: Option<&'a str>,
}

/// The account pages, in the order of their menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Security,
    Sessions,
    Devices,
    Activity,
}

impl Section {
    pub const ALL: [Self; 4] = [
        Self::Security,
        Self::Sessions,
        Self::Devices,
        Self::Activity,
    ];

    pub const fn path(self) -> &'static str {
        match self {
            Self::Security => "/account/security",
            Self::Sessions => "/account/sessions",
            Self::Devices => "/account/devices",
            Self::Activity => "/account/activity",
        }
    }

    /// Text id of its heading, which is also its name in the menu.
    const fn heading(self) -> &'static str {
        match self {
            Self::Security => "account-title",
            Self::Sessions => "sessions-title",
            Self::Devices => "devices-title",
            Self::Activity => "activity-title",
        }
    }

    fn is(self, other: Self) -> bool {
        self == other
    }
}

/// What was just done, said once at the top of the page that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    TwoFactorEnabled,
    AppReplaced,
    TwoFactorDisabled,
    CodesCreated,
    PasswordChanged,
    SessionEnded,
    OtherSessionsEnded,
    DeviceRemoved,
    DevicesRemoved,
}

impl Done {
    pub const ALL: [Self; 9] = [
        Self::TwoFactorEnabled,
        Self::AppReplaced,
        Self::TwoFactorDisabled,
        Self::CodesCreated,
        Self::PasswordChanged,
        Self::SessionEnded,
        Self::OtherSessionsEnded,
        Self::DeviceRemoved,
        Self::DevicesRemoved,
    ];

    /// Its name in an address: `?done=password`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TwoFactorEnabled => "enabled",
            Self::AppReplaced => "replaced",
            Self::TwoFactorDisabled => "disabled",
            Self::CodesCreated => "codes",
            Self::PasswordChanged => "password",
            Self::SessionEnded => "session",
            Self::OtherSessionsEnded => "sessions",
            Self::DeviceRemoved => "device",
            Self::DevicesRemoved => "devices",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.code() == code)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::TwoFactorEnabled => "account-saved-enabled",
            Self::AppReplaced => "account-saved-replaced",
            Self::TwoFactorDisabled => "account-saved-disabled",
            Self::CodesCreated => "account-saved-codes",
            Self::PasswordChanged => "account-saved-password",
            Self::SessionEnded => "sessions-done",
            Self::OtherSessionsEnded => "sessions-done-all",
            Self::DeviceRemoved => "devices-done",
            Self::DevicesRemoved => "devices-done-all",
        }
    }
}

/// A browser as its person recognises it. What the browser calls itself is not shown, only names we know.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    described: Described,
    address: Option<IpAddr>,
}

impl Device {
    pub fn new(user_agent: Option<&str>, address: Option<IpAddr>) -> Self {
        Self {
            described: user_agent::describe(user_agent.unwrap_or_default()),
            address,
        }
    }

    fn name(&self, f: &Frame<'_>) -> String {
        match (self.described.browser, self.described.system) {
            (Some(browser), Some(system)) => f.tr.with_all(
                "sessions-device",
                &[("browser", browser), ("system", system)],
            ),
            (Some(known), None) | (None, Some(known)) => known.to_owned(),
            (None, None) => f.t("sessions-device-unknown"),
        }
    }

    fn address(&self) -> String {
        self.address.map(|a| a.to_string()).unwrap_or_default()
    }

    fn is_phone(&self) -> bool {
        matches!(self.described.system, Some("iPhone" | "Android"))
    }

    /// "Firefox on Windows, 192.0.2.7"
    fn line(&self, f: &Frame<'_>) -> String {
        match self.address {
            Some(address) => format!("{}, {address}", self.name(f)),
            None => self.name(f),
        }
    }
}

/// A place the person may open.
pub struct Service {
    pub name: String,
    pub url: String,
    pub host: String,
    pub needs_2fa: bool,
}

impl Service {
    fn initial(&self) -> String {
        self.name
            .chars()
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default()
    }
}

/// `/`
pub struct Launcher<'a> {
    pub nav: Nav<'a>,
    pub services: &'a [Service],
}
template!(Launcher<'_>, "launcher.html");

impl Launcher<'_> {
    fn any_needs_2fa(&self) -> bool {
        self.services.iter().any(|service| service.needs_2fa)
    }
}

/// `/signed-out`
pub struct SignedOut;
template!(bare SignedOut, "signed_out.html");

/// Asks before signing out.
pub struct SignOut<'a> {
    pub shown_as: &'a str,
    pub action: &'a str,
    pub back: &'a str,
}
template!(SignOut<'_>, "sign_out.html");
