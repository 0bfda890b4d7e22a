//! The portal's own pages that a sign-in or a confirmation may lead to: a closed list, so that no address has to
//! be trusted.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnPage {
    Security,
    /// "Password & 2FA", saying that 2FA is on now.
    Enabled,
    /// The same, saying that the app was replaced.
    Replaced,
    /// The same, saying that there are new emergency codes.
    NewCodes,
    Password,
    Disable,
    Sessions,
    Devices,
    Activity,
}

impl OwnPage {
    pub const ALL: [Self; 9] = [
        Self::Security,
        Self::Enabled,
        Self::Replaced,
        Self::NewCodes,
        Self::Password,
        Self::Disable,
        Self::Sessions,
        Self::Devices,
        Self::Activity,
    ];

    /// Path and query on the portal's host.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Security => "/account/security",
            Self::Enabled => "/account/security?done=enabled",
            Self::Replaced => "/account/security?done=replaced",
            Self::NewCodes => "/account/security?done=codes",
            Self::Password => "/account/password",
            Self::Disable => "/account/2fa/disable",
            Self::Sessions => "/account/sessions",
            Self::Devices => "/account/devices",
            Self::Activity => "/account/activity",
        }
    }

    /// The page of exactly this path and query.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.path() == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_found_by_its_own_address_only() {
        for page in OwnPage::ALL {
            assert_eq!(OwnPage::at(page.path()), Some(page));
        }
        for other in [
            "",
            "/",
            "/account",
            "/account/security/",
            "/account/security?",
            "/account/security?done=x",
            "//account/security",
            "/account/security#x",
        ] {
            assert_eq!(OwnPage::at(other), None, "{other}");
        }
    }
}
