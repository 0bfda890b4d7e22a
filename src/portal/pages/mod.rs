//! The pages' view models: plain data in, HTML out. The templates are in `templates/`; everything is escaped.

/// Renders a page's template, with the frame as `f` and the page as `p`.
macro_rules! template {
    (bare $page:ident, $path:literal) => {
        const _: () = {
            #[allow(unused_imports, reason = "not every template names them")]
            use crate::portal::pages::{Frame, Page, Panel, Section};
            #[derive(askama::Template)]
            #[template(path = $path)]
            struct View<'v> {
                f: &'v Frame<'v>,
            }
            impl Page for $page {
                fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
                    askama::Template::render(&View { f: frame })
                }
            }
        };
    };
    ($page:ident, $path:literal) => {
        const _: () = {
            #[allow(unused_imports, reason = "not every template names them")]
            use crate::portal::pages::{Frame, Page, Panel, Section};
            #[derive(askama::Template)]
            #[template(path = $path)]
            struct View<'v> {
                f: &'v Frame<'v>,
                p: &'v $page,
            }
            impl Page for $page {
                fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
                    askama::Template::render(&View { f: frame, p: self })
                }
            }
        };
    };
    ($page:ident<'_>, $path:literal) => {
        const _: () = {
            #[allow(unused_imports, reason = "not every template names them")]
            use crate::portal::pages::{Frame, Page, Panel, Section};
            #[derive(askama::Template)]
            #[template(path = $path)]
            struct View<'v> {
                f: &'v Frame<'v>,
                p: &'v $page<'v>,
            }
            impl Page for $page<'_> {
                fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
                    askama::Template::render(&View { f: frame, p: self })
                }
            }
        };
    };
}

mod account;
pub mod desk;
mod enrolment;
mod failure;
mod password;
mod sign_in;

pub use account::{
    Activity, Asks, Confirm, Demand, Device, DeviceRow, Devices, DisableTwoFactor, Disabling, Done,
    Entry, Launcher, Nav, ReauthError, Section, Security, Service, SessionRow, Sessions, SignOut,
    SignedOut, Trusting, TwoFactorView, activity_text_id, trail_text_id,
};
pub use enrolment::{
    Chosen, CodesFor, ConfirmError, EmailProof, EnrolApp, EnrolCodes, EnrolConfirm, EnrolScan,
    EnrolWhy,
};
pub use failure::{
    BadGateway, Closed, CookiesBlocked, Expired, Forbidden, FormExpired, Internal, NotFound, Plain,
    TooMany, Unavailable,
};
pub use password::{
    ChangePassword, Forgot, ForgotSent, NewPassword, NewPasswordError, ResetDone, ResetExpired,
    ResetNew, SetInitialPassword,
};
pub use sign_in::{
    Code, CodeError, CodeLocked, DeadlineView, EmergencyCode, Lost, Nag, NagApp, NagDeadline,
    OneTimeCode, RecoveryError, SecondMethod, SignIn, SignInError, Throttled,
};

use super::assets::Assets;
use super::brand::Brand;
use crate::i18n::{self, Language, Tr};

/// What stands in the panel beside the page.
#[derive(Clone, Copy, Debug)]
pub enum Panel<'a> {
    SigningInTo {
        app: &'a str,
    },
    Service {
        app: &'a str,
    },
    Tagline,
    /// Something about the account is about to change.
    Account,
    Steps {
        current: u8,
        codes_plural: bool,
    },
}

/// A page: renders itself in a frame.
pub trait Page {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error>;
}

/// What every page shares.
pub struct Frame<'a> {
    pub brand: &'a Brand,
    pub assets: &'a Assets,
    /// `/assets/` on the portal, `/.vestibule/assets/` on an application's host.
    pub assets_base: &'static str,
    pub tr: Tr<'a>,
    pub language: Language,
    pub csrf: &'a str,
    pub panel: Panel<'a>,
    /// Path and query of this page, for the language links.
    pub here: &'a str,
    /// The portal's address without a slash at its end.
    pub home: &'a str,
}

/// A link to this page in another language.
pub struct LanguageLink {
    pub href: String,
    pub tag: &'static str,
    pub name: &'static str,
    pub current: bool,
}

/// A step of the wizard.
pub struct Step {
    pub name: String,
    pub done: bool,
    pub current: bool,
}

impl Frame<'_> {
    pub fn t(&self, id: &str) -> String {
        self.tr.text(id)
    }
    pub fn n(&self, id: &str, name: &str, value: u64) -> String {
        self.tr.number(id, name, value)
    }
    pub fn s(&self, id: &str, name: &str, value: &str) -> String {
        self.tr.with(id, name, value)
    }
    pub fn asset(&self, name: &str) -> String {
        format!("{}{}", self.assets_base, self.assets.file(name))
    }
    pub fn step_of(&self, current: u8) -> String {
        self.tr
            .with_two("enrol-progress", ("n", u64::from(current)), ("total", 5))
    }
    /// "Step 2 of 5", of the wizard in the panel.
    pub fn current_step(&self) -> String {
        match self.panel {
            Panel::Steps { current, .. } => self.step_of(current),
            Panel::SigningInTo { .. } | Panel::Service { .. } | Panel::Tagline | Panel::Account => {
                String::new()
            }
        }
    }
    pub fn steps(&self) -> Vec<Step> {
        let (current, codes_plural) = match self.panel {
            Panel::Steps {
                current,
                codes_plural,
            } => (current, codes_plural),
            Panel::SigningInTo { .. } | Panel::Service { .. } | Panel::Tagline | Panel::Account => {
                (0, true)
            }
        };
        let last = if codes_plural {
            self.t("enrol-step5")
        } else {
            self.n("enrol-codes-title", "count", 1)
        };
        let first = (1..=4).map(|n| self.t(&format!("enrol-step{n}")));
        first
            .chain(std::iter::once(last))
            .zip(1u8..)
            .map(|(name, n)| Step {
                name,
                done: n < current,
                current: n == current,
            })
            .collect()
    }
    /// The day and its weekday, as the page's language writes them.
    pub fn date(&self, seconds: i64) -> String {
        i18n::long_date(seconds, self.language)
    }
    pub fn plain_date(&self, seconds: i64) -> String {
        i18n::plain_date(seconds, self.language)
    }
    pub fn date_time(&self, seconds: i64) -> String {
        i18n::date_time(seconds, self.language)
    }
    pub fn month(&self, seconds: i64) -> String {
        i18n::leaf(seconds, self.language).0
    }
    pub fn day(&self, seconds: i64) -> u8 {
        i18n::leaf(seconds, self.language).1
    }

    /// This page in every offered language, the rest of its address kept. None where the address is an
    /// application's: it would get the question, and a form that is held there would be lost.
    pub fn languages(&self) -> Vec<LanguageLink> {
        const OURS: &str = "/.vestibule/";
        if self.assets_base.starts_with(OURS) && !self.here.starts_with(OURS) {
            return Vec::new();
        }
        let query = self.here.split_once('?').map_or("", |(_, query)| query);
        let link = |language: &Language| {
            let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(k, _)| k != "lang");
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(kept)
                .append_pair("lang", language.tag())
                .finish();
            LanguageLink {
                href: format!("?{query}"),
                tag: language.tag(),
                name: language.name(),
                current: *language == self.language,
            }
        };
        self.brand.languages.iter().map(link).collect()
    }
}

#[cfg(test)]
mod tests;
