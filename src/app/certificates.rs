//! Certificates between those who get them, those who show them and those who count them.

use super::{Base, Current};
use crate::acme::{self, Acme, Challenge, Plan};
use crate::config::{AcmeSettings, ListenerKind, Settings};
use crate::domain::host::Host;
use crate::gateway::{
    self, CertificateFiles, Certificates, ClientCertificates, Issued, Role, TlsSpec,
};
use crate::telemetry::{CertificateSource, Metrics};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::sync::Arc;
use std::time::Duration;

/// Shared by all generations of the configuration.
pub(super) struct Desk {
    pub(super) issued: Arc<Issued>,
    plan: ArcSwapOption<Plan>,
    metrics: Arc<Metrics>,
}

impl Desk {
    pub(super) fn new(settings: &Settings, metrics: &Arc<Metrics>) -> anyhow::Result<Arc<Self>> {
        let hosts = settings.acme.iter().flat_map(|acme| &acme.hosts);
        let desk = Self {
            issued: Arc::new(Issued::new(hosts)?),
            plan: ArcSwapOption::empty(),
            metrics: Arc::clone(metrics),
        };
        desk.follow(settings);
        Ok(Arc::new(desk))
    }

    /// From now on what these settings want is wanted.
    pub(super) fn follow(&self, settings: &Settings) {
        self.plan
            .store(settings.acme.as_ref().map(|a| Arc::new(plan(a))));
    }

    /// Whoever orders and renews.
    pub(super) fn acme(self: &Arc<Self>, base: &Base) -> Acme {
        let (store, vault) = (Arc::clone(&base.store), Arc::clone(&base.vault));
        let desk: Arc<dyn acme::Desk> = Arc::<Self>::clone(self);
        Acme::new(store, vault, base.env.clone(), desk)
    }

    /// What to listen on, and the certificates of it.
    pub(super) fn listeners(&self, settings: &Settings) -> anyhow::Result<Listening> {
        let listener = |listener: &crate::config::Listener| {
            let (tls, role) = match &listener.kind {
                ListenerKind::Tls(tls) => {
                    let tls = Certificates::open(self.spec(tls))?;
                    (Some(Arc::new(tls)), Role::Browsers)
                }
                ListenerKind::RedirectToHttps => (None, Role::RedirectToHttps),
                ListenerKind::BehindProxy => (None, Role::BehindProxy),
                ListenerKind::ForwardAuth => (None, Role::ForwardAuth),
            };
            Ok(gateway::Listener {
                address: listener.address,
                role,
                tls,
            })
        };
        let listeners = settings.listeners.iter().map(listener);
        let listeners: Vec<gateway::Listener> = listeners.collect::<anyhow::Result<_>>()?;
        let certificates = listeners.iter().filter_map(|l| l.tls.clone()).collect();
        Ok((listeners, certificates))
    }

    fn spec(&self, tls: &crate::config::TlsSettings) -> TlsSpec {
        let files = tls.certificates.iter().map(|files| CertificateFiles {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        });
        let clients = tls.client_certificates.as_ref();
        TlsSpec {
            files: files.collect(),
            issued: tls.acme.then(|| Arc::clone(&self.issued)),
            client_certificates: clients.map(|c| ClientCertificates {
                ca: c.ca.clone(),
                required: c.required,
            }),
            only_tls13: tls.only_tls13,
        }
    }

    /// Tells the metrics when what is served runs out.
    fn count(&self, listeners: &[Arc<Certificates>]) {
        let files: Vec<_> = listeners.iter().flat_map(|l| l.expiries()).collect();
        let issued = match listeners.iter().any(|l| l.uses_issued()) {
            true => self.issued.expiries(),
            false => Vec::new(),
        };
        let files = files.iter().map(|e| (e, CertificateSource::File));
        let issued = issued.iter().map(|e| (e, CertificateSource::Acme));
        let all = files.chain(issued);
        self.metrics
            .set_certificates(all.map(|(e, source)| (e.name.as_str(), source, e.not_after)));
    }
}

pub(super) type Listening = (Vec<gateway::Listener>, Vec<Arc<Certificates>>);

fn plan(settings: &AcmeSettings) -> Plan {
    let account = settings.external_account.as_ref();
    Plan {
        directory: settings.directory.clone(),
        email: settings.email.clone(),
        challenge: match settings.over_tls {
            true => Challenge::TlsAlpn01,
            false => Challenge::Http01,
        },
        ca: settings.ca.clone(),
        hosts: settings.hosts.clone(),
        renew_before: settings.renew_before,
        external_account: account.map(|a| acme::ExternalAccount {
            key_id: a.key_id.clone(),
            key: a.key.clone(),
        }),
    }
}

impl acme::Desk for Desk {
    fn plan(&self) -> Option<Plan> {
        self.plan.load().as_deref().cloned()
    }

    fn answer_http(&self, host: &Host, token: &str, key_authorization: &str) {
        self.issued.answer_http(host, token, key_authorization);
    }

    fn answer_tls(&self, host: &Host, digest: &[u8]) -> Result<(), String> {
        let answered = self.issued.answer_tls(host, digest);
        answered.map_err(|e| e.to_string())
    }

    fn withdraw(&self, host: &Host) {
        self.issued.withdraw(host);
    }

    fn serve(&self, host: &Host, chain: &str, key: &str) -> Result<(), String> {
        self.issued.put(host, chain, key).map_err(|e| e.to_string())
    }

    fn keep(&self, hosts: &[Host]) {
        self.issued.keep(hosts);
    }

    fn failed(&self) {
        self.metrics.certificate_failed(CertificateSource::Acme);
    }
}

/// Takes up renewed certificates. An error is told once for each change of a file; what was read before stays.
pub(super) async fn watch(current: Arc<ArcSwap<Current>>, desk: Arc<Desk>) {
    const INTERVAL: Duration = Duration::from_secs(10);
    loop {
        let listeners = &current.load_full().certificates;
        desk.count(listeners);
        tokio::time::sleep(INTERVAL).await;
        for listener in listeners {
            let listener = Arc::clone(listener);
            // files are read without holding up requests
            let check = tokio::task::spawn_blocking(move || listener.check());
            match check.await {
                Ok(None) => {}
                Ok(Some(Ok(()))) => tracing::info!("changed certificates are in use"),
                Ok(Some(Err(fault))) => {
                    desk.metrics.certificate_failed(CertificateSource::File);
                    tracing::error!(error = %fault, "changed certificates cannot be used; those read before stay");
                }
                Err(fault) => {
                    tracing::error!(error = %fault, "certificates cannot be looked after")
                }
            }
        }
    }
}
