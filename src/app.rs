//! The composition root: the only place that knows everybody. Builds the parts from the settings, plugs them
//! together, and runs them.

mod mail;
mod seams;

use crate::authn::hashing::Limits;
use crate::authn::sessions::{NOTICE_INTERVAL, Sessions, TOUCH_INTERVAL};
use crate::authn::{self, Authn};
use crate::config::{ListenerKind, Settings};
use crate::domain::password_rules::{Blocklist, Rules, Site};
use crate::env::Env;
use crate::gateway::seams::Seams;
use crate::gateway::{self, CertificateFiles, Certificates, Gateway};
use crate::i18n::{Language, Texts};
use crate::mail::postman;
use crate::ops::{self, Readiness};
use crate::portal::brand::{AuthenticatorApp, Brand, Logo, Support};
use crate::portal::{self, Happening, Portal, assets::Assets};
use crate::signer::Signer;
use crate::store::SharedStore;
use crate::store::sqlite::SqliteStore;
use crate::telemetry::{self, Metrics};
use crate::vault::Vault;
use anyhow::{Context as _, bail};
use seams::{AssertionSeam, ObserverSeam, PageSeam, SessionSeam};
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The use cases on the configured store, for commands and for the gateway.
pub struct Office {
    pub settings: Settings,
    pub env: Env,
    pub vault: Arc<Vault>,
    pub store: SharedStore,
    pub authn: Arc<Authn>,
}

impl Office {
    /// Opens store and key file, making both at first use.
    pub async fn open(settings: Settings, env: Env) -> anyhow::Result<Self> {
        let (key, store) = (&settings.key_file, &settings.storage);
        if store.exists() && !key.exists() {
            bail!(
                "the key file {} is missing, but the store {} is there: put the key file back from a backup; \
                 with a new one nobody's authenticator app would work any more",
                key.display(),
                store.display()
            );
        }
        let vault = Vault::open_or_create(key, &env)?;
        let store = SqliteStore::open(store).await?;
        Self::with(settings, env, vault, store)
    }

    /// Opens what is there, for commands that only make sense on a store with something in it.
    pub async fn open_existing(settings: Settings, env: Env) -> anyhow::Result<Self> {
        let store = SqliteStore::open_existing(&settings.storage).await?;
        let vault = Vault::open(&settings.key_file, &env)?;
        Self::with(settings, env, vault, store)
    }

    fn with(
        settings: Settings,
        env: Env,
        vault: Vault,
        store: SqliteStore,
    ) -> anyhow::Result<Self> {
        let vault = Arc::new(vault);
        let store: SharedStore = Arc::new(store);
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let limits = Limits {
            threads: NonZeroUsize::new(settings.hashing.threads).unwrap_or(cores),
            queue: settings.hashing.queue,
        };
        let rules = authn::Rules {
            two_factor: settings.two_factor.clone(),
            sessions: settings.sessions,
            throttle: settings.throttle,
            enrolment_proof: settings.enrolment_proof,
            emergency_codes: settings.emergency_codes,
            password: password_rules(&settings)?,
            roles: settings.roles.clone(),
            portal: settings.portal.to_string(),
            mails: settings.mail.is_some(),
        };
        let authn = Authn::new(
            Arc::clone(&store),
            Arc::clone(&vault),
            env.clone(),
            limits,
            rules,
        )?;
        Ok(Self {
            settings,
            env,
            vault,
            store,
            authn: Arc::new(authn),
        })
    }
}

/// Length, list and names, as the settings have them.
fn password_rules(settings: &Settings) -> anyhow::Result<Rules> {
    let blocklist = match &settings.password.blocklist {
        None => Blocklist::default(),
        Some(path) => {
            let list = read_blocklist(path)
                .with_context(|| format!("the blocklist {} cannot be read", path.display()))?;
            Blocklist::parse(&list)
        }
    };
    let routes = settings.routes.routes();
    let names = routes
        .iter()
        .flat_map(|route| [route.name.as_str(), route.title.as_str()]);
    let site = Site::new(&settings.brand.name, settings.portal.host().as_str(), names);
    Ok(Rules {
        minimum: settings.password.minimum,
        blocklist: Arc::new(blocklist),
        site: Arc::new(site),
    })
}

fn read_blocklist(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    let most = Blocklist::MOST_BYTES + 1;
    let read = file.take(most).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read < most) {
        Ok(bytes)
    } else {
        bail!("it is larger than 64 MiB")
    }
}

/// The gateway at work.
pub struct Running {
    gateway: gateway::Running,
    operations: Option<ops::Listening>,
    readiness: Arc<Readiness>,
    housekeeping: Vec<JoinHandle<()>>,
    postman: Option<postman::Running>,
    authn: Arc<Authn>,
}

impl Running {
    /// The use cases at work here.
    pub const fn authn(&self) -> &Arc<Authn> {
        &self.authn
    }

    /// What the listeners are bound to, in the order of the configuration.
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        &self.gateway.addresses
    }

    pub fn operations(&self) -> Option<std::net::SocketAddr> {
        self.operations.as_ref().map(ops::Listening::address)
    }

    /// Accepts nothing more, lets requests in flight finish, writes down who was active.
    pub async fn stop(self) {
        self.readiness.stopping();
        self.gateway.shutdown().await;
        // what was promised to be mailed is queued
        self.authn.resets_looked_after().await;
        if let Some(postman) = self.postman {
            postman.stop().await;
        }
        for task in self.housekeeping {
            task.abort();
        }
        if let Err(fault) = self.authn.sessions().flush().await {
            tracing::warn!(error = %fault, "the last activity of sessions could not be written down");
        }
        if let Some(operations) = self.operations {
            operations.stop();
        }
    }
}

/// Starts everything the settings ask for, inside the caller's runtime.
pub async fn start(settings: Settings, env: Env) -> anyhow::Result<Running> {
    let office = Office::open(settings, env).await?;
    let settings = &office.settings;
    let started = office.env.now();
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), started.seconds()));
    let readiness = Arc::new(Readiness::starting());
    let operations = match settings.operations {
        Some(address) => {
            let sources = ops::Sources {
                metrics: Arc::clone(&metrics),
                store: Arc::clone(&office.store),
                env: office.env.clone(),
                readiness: Arc::clone(&readiness),
            };
            let listening = ops::serve(address, sources).await;
            Some(listening.with_context(|| format!("cannot listen on {address} (operations)"))?)
        }
        None => None,
    };
    let signer = Signer::load(
        Arc::clone(&office.store),
        Arc::clone(&office.vault),
        office.env.clone(),
        settings.portal.to_string(),
    )
    .await?
    .counting(Arc::clone(&metrics));
    let signer = Arc::new(signer);
    let portal = build_portal(&office, &signer, &metrics)?;
    let seams = Seams {
        sessions: Arc::new(SessionSeam {
            authn: Arc::clone(&office.authn),
            metrics: Arc::clone(&metrics),
        }),
        pages: Arc::new(PageSeam(portal)),
        assertions: Arc::new(AssertionSeam(Arc::clone(&signer))),
        observer: Arc::new(ObserverSeam::new(&metrics, settings)),
    };
    let snapshot = gateway::Snapshot {
        portal: settings.portal.clone(),
        routes: settings.routes.clone(),
        two_factor: settings.two_factor.clone(),
        sessions: settings.sessions,
        trusted_proxies: settings.trusted_proxies.clone(),
        limits: settings.limits,
    };
    let gateway = Gateway::new(snapshot, seams, office.env.clone())?;
    let listeners = listeners(settings)?;
    let certificates = listeners.iter().filter_map(|l| l.tls.clone()).collect();
    let running = gateway.serve(listeners)?;
    let mut housekeeping = housekeeping(&office, &signer, &metrics).await?;
    housekeeping.push(tokio::spawn(watch_certificates(certificates)));
    let postman = mail::postman(&office, &metrics)?;
    readiness.started();
    Ok(Running {
        gateway: running,
        operations,
        readiness,
        housekeeping,
        postman,
        authn: Arc::clone(&office.authn),
    })
}

fn listeners(settings: &Settings) -> anyhow::Result<Vec<gateway::Listener>> {
    let listener = |listener: &crate::config::Listener| {
        let tls = match &listener.kind {
            ListenerKind::Tls { certificates } => {
                let files: Vec<CertificateFiles> = certificates
                    .iter()
                    .map(|files| CertificateFiles {
                        certificate: files.certificate.clone(),
                        key: files.key.clone(),
                    })
                    .collect();
                Some(Arc::new(Certificates::load(&files)?))
            }
            ListenerKind::RedirectToHttps => None,
        };
        Ok(gateway::Listener {
            address: listener.address,
            redirect_to_https: tls.is_none(),
            tls,
        })
    };
    settings.listeners.iter().map(listener).collect()
}

fn build_portal(
    office: &Office,
    signer: &Arc<Signer>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Arc<Portal>> {
    let brand = brand(&office.settings)?;
    let jwks = Arc::clone(signer);
    let counted = Arc::clone(metrics);
    Ok(Portal::new(portal::Parts {
        authn: Arc::clone(&office.authn),
        vault: Arc::clone(&office.vault),
        env: office.env.clone(),
        origin: office.settings.portal.clone(),
        routes: Arc::new(office.settings.routes.clone()),
        assets: Assets::new(&brand)?,
        brand,
        texts: Texts::load()?,
        jwks: Arc::new(move || jwks.jwks()),
        observer: Arc::new(move |what| count(&counted, what)),
        remember_account: office.settings.remember_account,
    }))
}

fn count(metrics: &Metrics, what: Happening) {
    use telemetry::{Reminder, SignIn, Throttled};
    match what {
        Happening::PasswordRefused => metrics.sign_in(SignIn::PasswordRefused),
        Happening::PasswordPaused => metrics.throttled(Throttled::Password),
        Happening::CodeRefused => metrics.sign_in(SignIn::CodeRefused),
        Happening::CodesPaused => metrics.throttled(Throttled::Code),
        Happening::SignedIn => metrics.sign_in(SignIn::Completed),
        Happening::Recovered => metrics.sign_in(SignIn::Recovered),
        Happening::ReminderShown => metrics.reminder(Reminder::Shown),
        Happening::ReminderPostponed => metrics.reminder(Reminder::Postponed),
        Happening::Enrolled => metrics.reminder(Reminder::Enrolled),
        Happening::Fault => metrics.store_fault(),
    }
}

fn brand(settings: &Settings) -> anyhow::Result<Brand> {
    let brand = &settings.brand;
    let logo = match &brand.logo {
        Some(path) => {
            let bytes = std::fs::read(path)
                .with_context(|| format!("the logo {} cannot be read", path.display()))?;
            let logo = Logo::new(bytes).with_context(|| {
                format!("the logo {} is neither an SVG nor a PNG", path.display())
            })?;
            Some(logo)
        }
        None => None,
    };
    let app = |app: &crate::config::AppSettings| AuthenticatorApp {
        name: app.name.clone(),
        own: app.own,
        ios: app.ios.clone(),
        android: app.android.clone(),
        short: app.short.clone(),
    };
    Ok(Brand {
        name: brand.name.clone(),
        logo,
        accent: brand.accent.clone(),
        support: Support {
            email: brand.support.email.clone(),
            phone: brand.support.phone.clone(),
            chat: brand.support.chat.clone(),
        },
        languages: brand
            .languages
            .iter()
            .filter_map(|tag| Language::parse(tag))
            .collect(),
        apps: brand.apps.iter().map(app).collect(),
    })
}

/// What happens on its own: heeding other processes, writing down activity, clearing what has run out.
async fn housekeeping(
    office: &Office,
    signer: &Arc<Signer>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
    let newest = office.store.last_notice().await?;
    let heed = tokio::spawn(heed_notices(
        Arc::clone(&office.store),
        Arc::clone(office.authn.sessions()),
        Arc::clone(signer),
        newest,
    ));
    let sessions = Arc::clone(office.authn.sessions());
    let flush = tokio::spawn(async move {
        loop {
            tokio::time::sleep(TOUCH_INTERVAL).await;
            if let Err(fault) = sessions.flush().await {
                tracing::warn!(error = %fault, "activity of sessions could not be written down; it is kept for the next time");
            }
        }
    });
    let (store, env, metrics) = (
        Arc::clone(&office.store),
        office.env.clone(),
        Arc::clone(metrics),
    );
    let sweep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            if let Err(fault) = store.sweep(env.now()).await {
                metrics.store_fault();
                tracing::warn!(error = %fault, "what has run out could not be removed");
            }
        }
    });
    let people = tokio::spawn(look_after_people(Arc::clone(&office.authn)));
    Ok(vec![heed, flush, sweep, people])
}

/// What is done once an hour: mails to those whose deadline is near, the day's figures of the adoption, and accounts
/// whose deletion is due. All of it may be done again and again, by any process: a start or a crash in between costs
/// nobody a mail.
async fn look_after_people(authn: Arc<Authn>) {
    const FIRST_MAILS: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_secs(3600);
    loop {
        if let Err(fault) = authn.delete_due().await {
            tracing::warn!(error = %fault, "accounts whose deletion is due could not be removed; it is tried again");
        }
        if let Err(fault) = authn.record_adoption().await {
            tracing::warn!(error = %fault, "the figures of the adoption could not be kept; it is tried again");
        }
        tokio::time::sleep(FIRST_MAILS).await;
        match authn.mail_reminders().await {
            Ok(0) => {}
            Ok(mailed) => tracing::info!(mailed, "people were reminded by mail of their deadline"),
            Err(fault) => {
                tracing::warn!(error = %fault, "reminders could not be mailed; they are tried again in an hour");
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Takes up renewed certificates. An error is told once for each change of a file; what was read before stays.
async fn watch_certificates(certificates: Vec<Arc<Certificates>>) {
    const INTERVAL: Duration = Duration::from_secs(10);
    loop {
        tokio::time::sleep(INTERVAL).await;
        for listener in &certificates {
            let listener = Arc::clone(listener);
            // files are read without holding up requests
            let check = tokio::task::spawn_blocking(move || listener.check());
            match check.await {
                Ok(None) => {}
                Ok(Some(Ok(()))) => tracing::info!("changed certificates are in use"),
                Ok(Some(Err(fault))) => {
                    tracing::error!(error = %fault, "changed certificates cannot be used; those read before stay");
                }
                Err(fault) => {
                    tracing::error!(error = %fault, "certificates cannot be looked after")
                }
            }
        }
    }
}

async fn heed_notices(
    store: SharedStore,
    sessions: Arc<Sessions>,
    signer: Arc<Signer>,
    mut after: i64,
) {
    let mut rotation = Rotation::default();
    loop {
        tokio::time::sleep(NOTICE_INTERVAL).await;
        let keys_changed = match store.notices(after).await {
            Ok((next, notices)) => {
                after = next;
                sessions.heed(&notices)
            }
            Err(fault) => {
                tracing::warn!(error = %fault, "changes of other processes cannot be read");
                false
            }
        };
        rotation.follow(keys_changed, signer.reload()).await;
    }
}

/// Signing keys that were rotated and are to be read again: tried until it has worked, because the notice comes
/// only once.
#[derive(Default)]
struct Rotation {
    pending: bool,
}

impl Rotation {
    async fn follow<E: std::fmt::Display>(
        &mut self,
        changed: bool,
        reload: impl Future<Output = Result<(), E>>,
    ) {
        if !changed && !self.pending {
            return;
        }
        match reload.await {
            Ok(()) => self.pending = false,
            Err(fault) => {
                // told once, not at each try
                if changed || !self.pending {
                    tracing::error!(error = %fault, "signing keys were rotated but cannot be read; it is tried again");
                }
                self.pending = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_rotation_is_followed_until_the_keys_are_read() {
        let mut rotation = Rotation::default();
        let reads = Cell::new(0);
        let reload = async |result: Result<(), &str>| {
            reads.set(reads.get() + 1);
            result.map_err(str::to_owned)
        };
        rotation.follow(false, reload(Ok(()))).await;
        assert_eq!(reads.get(), 0);
        rotation.follow(true, reload(Err("away"))).await;
        rotation.follow(false, reload(Err("away"))).await;
        assert_eq!(reads.get(), 2);
        rotation.follow(false, reload(Ok(()))).await;
        rotation.follow(false, reload(Ok(()))).await;
        assert_eq!(reads.get(), 3);
    }
}
