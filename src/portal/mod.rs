//! The portal: sign-in, second factor, reminder, enrolment, services. `routes.rs` is the whole URL table.
//!
//! A handler reads the request, calls one use case of `authn`, and shows the page of the state that is then
//! due. It verifies nothing itself.

pub mod api;
pub mod assets;
pub mod brand;
pub mod cookie;
pub mod destination;
pub mod errors;
pub mod form;
pub mod host_pages;
pub mod pages;
pub mod qr;
pub mod respond;
pub mod routes;
pub mod steps;
pub mod visit;

use crate::authn::Authn;
use crate::domain::host::Origin;
use crate::domain::route;
use crate::env::Env;
use crate::i18n::Texts;
use crate::vault::Vault;
use assets::Assets;
use brand::Brand;
use std::sync::Arc;

/// Where pages find their style and script: on the portal, and on an application's host.
const PORTAL_ASSETS: &str = "/assets/";
const HOST_ASSETS: &str = "/.vestibule/assets/";

/// What happened at a page, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    PasswordRefused,
    PasswordPaused,
    CodeRefused,
    CodesPaused,
    SignedIn,
    /// Signed in with an emergency or one-time code.
    Recovered,
    ReminderShown,
    ReminderPostponed,
    Enrolled,
    Fault,
}

/// Hears of what happens at the pages.
pub type Observer = Arc<dyn Fn(Happening) + Send + Sync>;

/// Everything a portal is made of.
pub struct Parts {
    pub authn: Arc<Authn>,
    pub vault: Arc<Vault>,
    pub env: Env,
    pub origin: Origin,
    pub routes: Arc<route::Table>,
    pub brand: Brand,
    pub texts: Texts,
    pub assets: Assets,
    /// The signing keys' public halves, as JSON.
    pub jwks: Arc<dyn Fn() -> Arc<str> + Send + Sync>,
    pub observer: Observer,
    /// The sign-in page remembers the last account name on a device.
    pub remember_account: bool,
}

pub struct Portal {
    authn: Arc<Authn>,
    vault: Arc<Vault>,
    env: Env,
    origin: Origin,
    /// The origin as text, e.g. `https://login.example.com`.
    own: String,
    routes: Arc<route::Table>,
    pub(crate) brand: Brand,
    texts: Texts,
    assets: Assets,
    jwks: Arc<dyn Fn() -> Arc<str> + Send + Sync>,
    observer: Observer,
    remember_account: bool,
}

impl Portal {
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            own: parts.origin.to_string(),
            authn: parts.authn,
            vault: parts.vault,
            env: parts.env,
            origin: parts.origin,
            routes: parts.routes,
            brand: parts.brand,
            texts: parts.texts,
            assets: parts.assets,
            jwks: parts.jwks,
            observer: parts.observer,
            remember_account: parts.remember_account,
        })
    }

    pub(crate) fn happened(&self, what: Happening) {
        (self.observer)(what);
    }
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portal({})", self.own)
    }
}
