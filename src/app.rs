//! The composition root: the only place that knows everybody. Builds the parts from the settings, plugs them
//! together, and runs them.

mod access_log;
mod attended;
mod certificates;
pub mod handover;
mod housekeeping;
mod mail;
mod records;
mod seams;
pub mod storage;
mod traces;
pub mod upkeep;

use crate::authn::hashing::Limits;
use crate::authn::{self, Authn};
use crate::config::Settings;
use crate::domain::credentials::SharedSecret;
use crate::domain::password_rules::{Blocklist, Rules, Site};
use crate::env::Env;
use crate::gateway::seams::Seams;
use crate::gateway::{self, Certificates, Gateway};
use crate::i18n::{Language, Texts};
use crate::mail::postman::{self, Postman};
use crate::ops::{self, Readiness};
use crate::portal::brand::{AuthenticatorApp, Brand, Logo, Support};
use crate::portal::{self, Happening, Portal, assets::Assets};
use crate::signer::Signer;
use crate::store::{FaultKind, SharedStore};
use crate::telemetry::{self, Metrics};
use crate::vault::Vault;
use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use attended::Attended;
use records::Records;
use seams::{AssertionSeam, ObserverSeam, PageSeam, SessionSeam};
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
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
        let (vault, store) = storage::open(&settings, &env).await?;
        Self::with(settings, env, vault, store)
    }

    /// The same, with faults of the store counted and told.
    async fn attended(
        settings: Settings,
        env: Env,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let (vault, store) = storage::open(&settings, &env).await?;
        let metrics = Arc::clone(metrics);
        let store = Attended::new(store, move |kind| metrics.store_fault(kind.code()));
        Self::with(settings, env, vault, Arc::new(store))
    }

    /// Opens what is there, for commands that only make sense on a store with something in it.
    pub async fn open_existing(settings: Settings, env: Env) -> anyhow::Result<Self> {
        let store = storage::open_existing(&settings.storage).await?;
        let vault = Vault::open(&settings.key_file, &env)?;
        Self::with(settings, env, vault, store)
    }

    fn with(
        settings: Settings,
        env: Env,
        vault: Vault,
        store: SharedStore,
    ) -> anyhow::Result<Self> {
        let vault = Arc::new(vault);
        let authn = Authn::new(
            Arc::clone(&store),
            Arc::clone(&vault),
            env.clone(),
            limits(&settings),
            rules(&settings)?,
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

fn limits(settings: &Settings) -> Limits {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Limits {
        threads: NonZeroUsize::new(settings.hashing.threads).unwrap_or(cores),
        queue: settings.hashing.queue,
    }
}

fn rules(settings: &Settings) -> anyhow::Result<authn::Rules> {
    Ok(authn::Rules {
        two_factor: settings.two_factor.clone(),
        sessions: settings.sessions,
        throttle: settings.throttle,
        enrolment_proof: settings.enrolment_proof,
        emergency_codes: settings.emergency_codes,
        password: password_rules(settings)?,
        roles: settings.roles.clone(),
        portal: settings.portal.to_string(),
        mails: settings.mail.is_some(),
    })
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
    base: Base,
    gateway: Gateway,
    listeners: gateway::Running,
    operations: Option<ops::Listening>,
    /// The configuration in force, for what runs beside the requests.
    current: Arc<ArcSwap<Current>>,
    housekeeping: Vec<JoinHandle<()>>,
    postman: Option<postman::Running>,
}

/// What stays when the configuration is replaced.
struct Base {
    env: Env,
    vault: Arc<Vault>,
    store: SharedStore,
    signer: Arc<Signer>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    desk: Arc<certificates::Desk>,
}

/// What goes by the configuration in force.
struct Current {
    settings: Settings,
    authn: Arc<Authn>,
    certificates: Vec<Arc<Certificates>>,
    records: Records,
}

impl Running {
    /// The use cases at work here.
    pub fn authn(&self) -> Arc<Authn> {
        Arc::clone(&self.current.load().authn)
    }

    /// What the listeners are bound to, in the order of the configuration.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    pub fn operations(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(ops::Listening::address)
    }

    /// Every listening socket, for a process that takes over.
    pub fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        let operations = self.operations.iter().map(|o| o.socket());
        self.listeners
            .sockets()
            .into_iter()
            .chain(operations)
            .collect()
    }

    /// Files that the configuration in force was read from, besides its own.
    pub fn files(&self) -> Vec<PathBuf> {
        self.current.load().settings.files.clone()
    }

    /// Puts another configuration in force as a whole, or leaves everything as it is. Requests in flight finish
    /// under the one they began with; sockets whose address stays are not touched, sessions and counters go on.
    pub async fn reload(&mut self, settings: Settings) -> anyhow::Result<Reloaded> {
        let outcome = self.replace(settings).await;
        self.base
            .metrics
            .config_reload(outcome.is_ok(), self.base.env.now().seconds());
        outcome
    }

    /// A configuration was read that has mistakes: counted like one that cannot be put in force.
    pub fn refused(&self) {
        let now = self.base.env.now().seconds();
        self.base.metrics.config_reload(false, now);
    }

    async fn replace(&mut self, settings: Settings) -> anyhow::Result<Reloaded> {
        let before = self.current.load_full();
        stays(&before.settings, &settings)?;
        // everything that can fail
        let rules = rules(&settings)?;
        let authn = Arc::new(before.authn.under(limits(&settings), rules));
        let office = Office {
            settings,
            env: self.base.env.clone(),
            vault: Arc::clone(&self.base.vault),
            store: Arc::clone(&self.base.store),
            authn,
        };
        let settings = &office.settings;
        let records = Records::open(settings, Some(&before.records), &self.base.metrics)?;
        let seams = self.base.seams(&office, records.clone())?;
        let generation = self
            .gateway
            .prepare(snapshot(settings, &self.base.vault), seams)?;
        let (listeners, certificates) = self.base.desk.listeners(settings)?;
        let mut none = gateway::Inherited::default();
        let prepared = self.listeners.prepare(listeners, &mut none)?;
        let operations = match settings.operations {
            Some(address) if before.settings.operations != Some(address) => {
                Some(self.base.operations(address, None).await?)
            }
            _ => None,
        };
        let mails_alike =
            before.settings.mail == settings.mail && before.settings.brand == settings.brand;
        let postman = match mails_alike {
            true => None,
            false => Some(mail::postman(&office, &self.base.metrics)?),
        };
        // nothing fails from here on
        office.authn.sessions().set_rules(settings.sessions);
        self.base.desk.follow(settings);
        self.gateway.install(generation);
        let replaced = self.listeners.install(prepared);
        if before.settings.operations != settings.operations {
            self.operations = operations;
        }
        if let Some(postman) = postman {
            let old = std::mem::replace(&mut self.postman, postman.map(Postman::start));
            if let Some(old) = old {
                // what is on its way may still arrive
                tokio::spawn(old.stop());
            }
        }
        before.records.give_way(&records);
        let reloaded = Reloaded {
            routes: settings.routes.routes().len(),
            listeners: replaced,
        };
        self.current.store(Arc::new(Current {
            authn: Arc::clone(&office.authn),
            certificates,
            records,
            settings: office.settings,
        }));
        Ok(reloaded)
    }

    /// How long requests in flight have at the end.
    pub fn drain(&self) -> Duration {
        self.current.load().settings.limits.drain
    }

    /// Accepts nothing more, lets requests in flight finish, writes down who was active.
    pub async fn stop(self) {
        self.base.readiness.stopping();
        let longest = self.drain();
        self.listeners.shutdown(longest).await;
        let records = self.current.load().records.clone();
        records.finish().await;
        let authn = Arc::clone(&self.current.load().authn);
        // what was promised to be mailed is queued
        authn.resets_looked_after().await;
        if let Some(postman) = self.postman {
            postman.stop().await;
        }
        for task in self.housekeeping {
            task.abort();
        }
        if let Err(fault) = authn.sessions().flush().await {
            tracing::warn!(error = %fault, "the last activity of sessions could not be written down");
        }
        if let Some(operations) = self.operations {
            operations.stop();
        }
    }

    /// The operations listener is another process's from now on: this one is on its way out.
    pub fn give_up_operations(&mut self) {
        self.operations = None;
    }
}

/// What a new configuration came to.
#[derive(Debug)]
pub struct Reloaded {
    pub routes: usize,
    pub listeners: gateway::Replaced,
}

/// What no running process can exchange.
fn stays(before: &Settings, after: &Settings) -> anyhow::Result<()> {
    let fixed = [
        ("portal: url", before.portal == after.portal),
        ("storage", before.storage == after.storage),
        ("secrets: key_file", before.key_file == after.key_file),
        (
            "limits: connections",
            before.limits.connections == after.limits.connections,
        ),
        // that of HTTP/2 is part of the proxy
        (
            "limits: idle_timeout",
            before.limits.idle == after.limits.idle,
        ),
    ];
    for (key, same) in fixed {
        if !same {
            bail!(
                "`{key}` has changed, which takes a new process: restart the service, or hand over with SIGUSR2"
            );
        }
    }
    Ok(())
}

impl Base {
    fn seams(&self, office: &Office, records: Records) -> anyhow::Result<Seams> {
        let portal = build_portal(office, &self.signer, &self.metrics)?;
        Ok(Seams {
            sessions: Arc::new(SessionSeam {
                authn: Arc::clone(&office.authn),
            }),
            pages: Arc::new(PageSeam(portal)),
            assertions: Arc::new(AssertionSeam(Arc::clone(&self.signer))),
            observer: Arc::new(ObserverSeam::new(&self.metrics, &office.settings, records)),
            issued: Some(Arc::clone(&self.desk.issued)),
        })
    }

    async fn operations(
        &self,
        address: SocketAddr,
        inherited: Option<TcpListener>,
    ) -> anyhow::Result<ops::Listening> {
        let sources = ops::Sources {
            metrics: Arc::clone(&self.metrics),
            store: Arc::clone(&self.store),
            env: self.env.clone(),
            readiness: Arc::clone(&self.readiness),
        };
        let listening = match inherited {
            Some(socket) => ops::serve_on(socket, sources),
            None => ops::serve(address, sources).await,
        };
        listening.with_context(|| format!("cannot listen on {address} (operations)"))
    }
}

fn snapshot(settings: &Settings, vault: &Vault) -> gateway::Snapshot {
    let key = |route: &str| SharedSecret::new(vault.message_key(route).to_vec());
    gateway::Snapshot {
        portal: settings.portal.clone(),
        routes: settings.routes.clone().with_message_keys(key),
        two_factor: settings.two_factor.clone(),
        sessions: settings.sessions,
        trusted_proxies: settings.trusted_proxies.clone(),
        askers: settings.askers.clone(),
        hsts: gateway::Hsts {
            portal: settings.hsts.portal.clone(),
            elsewhere: settings.hsts.elsewhere.clone(),
            applications: settings.hsts.applications,
        },
        limits: settings.limits,
        sampling: settings.traces.sampling,
    }
}

/// Starts everything the settings ask for, inside the caller's runtime.
pub async fn start(settings: Settings, env: Env) -> anyhow::Result<Running> {
    start_on(settings, env, gateway::Inherited::default()).await
}

/// The same, on sockets that listen already where there are some for an address.
pub async fn start_on(
    settings: Settings,
    env: Env,
    mut inherited: gateway::Inherited,
) -> anyhow::Result<Running> {
    let started = env.now();
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), started.seconds()));
    metrics.store_fault_kinds(FaultKind::ALL.map(FaultKind::code));
    let office = Office::attended(settings, env, &metrics).await?;
    let settings = &office.settings;
    let signer = Signer::load(
        Arc::clone(&office.store),
        Arc::clone(&office.vault),
        office.env.clone(),
        settings.portal.to_string(),
    )
    .await?
    .counting(Arc::clone(&metrics));
    let desk = certificates::Desk::new(settings, &metrics)?;
    let base = Base {
        env: office.env.clone(),
        vault: Arc::clone(&office.vault),
        store: Arc::clone(&office.store),
        signer: Arc::new(signer),
        metrics,
        readiness: Arc::new(Readiness::starting()),
        desk,
    };
    let acme = base.desk.acme(&base);
    acme.take_up().await?;
    let operations = match settings.operations {
        Some(address) => Some(base.operations(address, inherited.take(address)).await?),
        None => None,
    };
    let records = Records::open(settings, None, &base.metrics)?;
    let seams = base.seams(&office, records.clone())?;
    let gateway = Gateway::new(snapshot(settings, &office.vault), seams, office.env.clone())?;
    let (listeners, certificates) = base.desk.listeners(settings)?;
    let listeners = gateway.serve(listeners, &mut inherited)?;
    for address in inherited.left() {
        tracing::warn!(%address, "a socket was handed to this process that the configuration has no listener for; it is closed");
    }
    drop(inherited);
    let postman = mail::postman(&office, &base.metrics)?.map(Postman::start);
    base.metrics.config_reload(true, started.seconds());
    let current = Arc::new(ArcSwap::from_pointee(Current {
        authn: Arc::clone(&office.authn),
        certificates,
        records,
        settings: office.settings.clone(),
    }));
    let mut housekeeping = housekeeping::start(&base, &current).await?;
    housekeeping.push(tokio::spawn(acme.run()));
    base.readiness.started();
    Ok(Running {
        base,
        gateway,
        listeners,
        operations,
        current,
        housekeeping,
        postman,
    })
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
        texts: Texts::load(&office.settings.brand.texts)?,
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
        // of the store's own it is told where they happen
        Happening::Fault => metrics.store_fault(FaultKind::Other.code()),
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
