//! "Password & 2FA".

use super::{Done, Entry, Nav, Section};
use crate::portal::pages::{DeadlineView, Frame};

/// `/account/security`. Times are seconds since the epoch. Its buttons post `do` = `enrol`, `replace` or
/// `codes` to `/account/2fa`.
pub struct Security<'a> {
    pub nav: Nav<'a>,
    pub done: Option<Done>,
    pub password_changed_at: Option<i64>,
    pub two_factor: TwoFactorView,
    pub trusting: super::Trusting,
    /// Those not yet run out.
    pub trusted_devices: u64,
    pub sessions: u64,
    /// The latest few.
    pub recent: &'a [Entry],
}
template!(Security<'_>, "account_security.html");

pub enum TwoFactorView {
    On {
        since: i64,
        last_code_at: Option<i64>,
        codes_left: u64,
        codes_total: u64,
        disabling: Disabling,
    },
    Off(Demand),
}

/// Whether the person may turn 2FA off here, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disabling {
    Allowed,
    /// The policy of the organisation or of one of the person's groups.
    Required,
    /// Console users always have 2FA.
    RequiredForRole,
}

/// What the policy says to somebody without 2FA.
pub enum Demand {
    Optional,
    /// `deadline` is `None` where none is set, or it has passed.
    Required {
        deadline: Option<DeadlineView>,
    },
    Exempt {
        until: Option<i64>,
    },
}

impl Security<'_> {
    const fn section(&self) -> Section {
        Section::Security
    }
    const fn done(&self) -> Option<Done> {
        self.done
    }
    const fn is_on(&self) -> bool {
        matches!(self.two_factor, TwoFactorView::On { .. })
    }
    fn password_line(&self, f: &Frame<'_>) -> Option<String> {
        let at = self.password_changed_at?;
        Some(f.s("account-pw-changed", "date", &f.plain_date(at)))
    }
    fn app_line(&self, f: &Frame<'_>) -> String {
        match self.two_factor {
            TwoFactorView::On {
                since,
                last_code_at: Some(last),
                ..
            } => {
                let (date, when) = (f.plain_date(since), f.date_time(last));
                let values = [("date", date.as_str()), ("when", when.as_str())];
                f.tr.with_all("account-tfa-app-meta", &values)
            }
            TwoFactorView::On { since, .. } => {
                f.s("account-tfa-app-added", "date", &f.plain_date(since))
            }
            TwoFactorView::Off(_) => String::new(),
        }
    }
    fn codes_line(&self, f: &Frame<'_>) -> String {
        match self.two_factor {
            TwoFactorView::On { codes_left: 0, .. } => f.t("account-tfa-codes-none"),
            TwoFactorView::On {
                codes_left,
                codes_total,
                ..
            } => f.tr.with_two(
                "account-tfa-codes-all",
                ("n", codes_left),
                ("total", codes_total),
            ),
            TwoFactorView::Off(_) => String::new(),
        }
    }
    const fn no_codes_left(&self) -> bool {
        matches!(self.two_factor, TwoFactorView::On { codes_left: 0, .. })
    }
    fn devices_line(&self, f: &Frame<'_>) -> String {
        match self.trusting {
            super::Trusting::SwitchedOff => f.t("devices-off"),
            super::Trusting::Offered | super::Trusting::NoTwoFactor => {
                f.n("account-tfa-devices", "count", self.trusted_devices)
            }
        }
    }
    const fn may_disable(&self) -> bool {
        matches!(
            self.two_factor,
            TwoFactorView::On {
                disabling: Disabling::Allowed,
                ..
            }
        )
    }
    /// Why 2FA cannot be turned off.
    fn locked_on(&self, f: &Frame<'_>) -> String {
        match self.two_factor {
            TwoFactorView::On {
                disabling: Disabling::Required,
                ..
            } => f.t("account-tfa-required"),
            TwoFactorView::On {
                disabling: Disabling::RequiredForRole,
                ..
            } => f.t("account-tfa-required-role"),
            TwoFactorView::On { .. } | TwoFactorView::Off(_) => String::new(),
        }
    }
    const fn deadline(&self) -> Option<&DeadlineView> {
        match &self.two_factor {
            TwoFactorView::Off(Demand::Required { deadline }) => deadline.as_ref(),
            TwoFactorView::Off(Demand::Optional | Demand::Exempt { .. })
            | TwoFactorView::On { .. } => None,
        }
    }
    /// What the policy says, where there is no deadline to show.
    fn demand(&self, f: &Frame<'_>) -> String {
        match &self.two_factor {
            TwoFactorView::Off(Demand::Required { deadline: None }) => f.t("account-off-required"),
            TwoFactorView::Off(Demand::Exempt { until: None }) => f.t("account-off-exempt"),
            TwoFactorView::Off(Demand::Exempt { until: Some(until) }) => {
                f.s("account-off-exempt-until", "date", &f.plain_date(*until))
            }
            TwoFactorView::Off(Demand::Optional | Demand::Required { .. })
            | TwoFactorView::On { .. } => String::new(),
        }
    }
}
