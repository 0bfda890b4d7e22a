//! Certificates that no file holds: those of an ACME server, the answers to its questions (RFC 8555 8.3,
//! RFC 8737), and one of our own making until the first has come.

use super::{CertificateFault, Expiry, about, certified, fault};
use crate::domain::host::Host;
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// The protocol that a server of certificates asks for when it validates a name (RFC 8737 6.2).
pub(super) const VALIDATION: &[u8] = b"acme-tls/1";

/// Most names in the certificate of our own making.
const MOST_NAMES: usize = 100;

/// Shared by all listeners and all generations of the configuration.
#[derive(Debug)]
pub struct Issued {
    placeholder: Arc<CertifiedKey>,
    by_host: ArcSwap<HashMap<String, Entry>>,
    /// Key authorizations by host and token.
    over_http: ArcSwap<HashMap<(String, String), Arc<str>>>,
    over_tls: ArcSwap<HashMap<String, Arc<CertifiedKey>>>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Arc<CertifiedKey>,
    not_after: i64,
}

impl Issued {
    /// With a certificate of our own making for these hosts, which no browser trusts.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a Host>) -> Result<Self, CertificateFault> {
        let names: Vec<String> = hosts.into_iter().take(MOST_NAMES).map(dns_name).collect();
        let placeholder = self_signed(names, None)?;
        Ok(Self {
            placeholder,
            by_host: ArcSwap::default(),
            over_http: ArcSwap::default(),
            over_tls: ArcSwap::default(),
        })
    }

    /// Serves a certificate for this host from the next connection on. Both in PEM.
    pub fn put(&self, host: &Host, chain: &str, key: &str) -> Result<(), CertificateFault> {
        let wrong = |reason: String| fault(format!("the certificate for {host}"), reason);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(e.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let key = key.map_err(|e| wrong(e.to_string()))?;
        let leaf = chain.first().ok_or_else(|| wrong("it is empty".into()))?;
        let not_after = about(leaf).map_err(wrong)?.not_after;
        let key = certified(chain, &key).map_err(wrong)?;
        let entry = Entry { key, not_after };
        self.by_host.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.insert(dns_name(host), entry.clone());
            map
        });
        Ok(())
    }

    /// Serves certificates for these hosts only.
    pub fn keep(&self, hosts: &[Host]) {
        let kept: Vec<String> = hosts.iter().map(dns_name).collect();
        if self.by_host.load().keys().any(|host| !kept.contains(host)) {
            self.by_host.rcu(|map| {
                let mut map = HashMap::clone(map);
                map.retain(|host, _| kept.contains(host));
                map
            });
        }
    }

    /// Answers the question for this token over plain HTTP (HTTP-01).
    pub fn answer_http(&self, host: &Host, token: &str, key_authorization: &str) {
        let answer: Arc<str> = key_authorization.into();
        self.over_http.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.insert((dns_name(host), token.to_owned()), Arc::clone(&answer));
            map
        });
    }

    /// Answers the question for this host in a TLS handshake (TLS-ALPN-01): the SHA-256 of the key authorization
    /// in a certificate of our own making.
    pub fn answer_tls(&self, host: &Host, digest: &[u8]) -> Result<(), CertificateFault> {
        let answer = self_signed(vec![dns_name(host)], Some(digest))?;
        self.over_tls.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.insert(dns_name(host), Arc::clone(&answer));
            map
        });
        Ok(())
    }

    /// Answers no more questions about this host.
    pub fn withdraw(&self, host: &Host) {
        let host = dns_name(host);
        self.over_http.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.retain(|(of, _), _| *of != host);
            map
        });
        self.over_tls.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.remove(&host);
            map
        });
    }

    /// What is answered over plain HTTP.
    pub(crate) fn http_answer(&self, host: &Host, token: &str) -> Option<Arc<str>> {
        let map = self.over_http.load();
        if map.is_empty() {
            return None;
        }
        map.get(&(dns_name(host), token.to_owned())).cloned()
    }

    pub(super) fn tls_answer(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.over_tls.load().get(name).cloned()
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let map = self.by_host.load();
        map.get(name).map(|entry| Arc::clone(&entry.key))
    }

    pub(super) const fn placeholder(&self) -> &Arc<CertifiedKey> {
        &self.placeholder
    }

    /// When what is served here runs out.
    pub fn expiries(&self) -> Vec<Expiry> {
        let map = self.by_host.load();
        let expiry = |(name, entry): (&String, &Entry)| Expiry {
            name: name.clone(),
            not_after: entry.not_after,
        };
        map.iter().map(expiry).collect()
    }
}

fn dns_name(host: &Host) -> String {
    host.as_str().to_ascii_lowercase()
}

fn self_signed(
    names: Vec<String>,
    digest: Option<&[u8]>,
) -> Result<Arc<CertifiedKey>, CertificateFault> {
    let wrong = |e: &dyn std::fmt::Display| fault("a certificate of our own making", e);
    let mut params = rcgen::CertificateParams::new(names).map_err(|e| wrong(&e))?;
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::CommonName, "Vestibule, not trusted");
    params.distinguished_name = name;
    if let Some(digest) = digest {
        let extension = rcgen::CustomExtension::new_acme_identifier(digest);
        params.custom_extensions.push(extension);
    }
    let key = rcgen::KeyPair::generate().map_err(|e| wrong(&e))?;
    let certificate = params.self_signed(&key).map_err(|e| wrong(&e))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| wrong(&e))?;
    certified(vec![certificate.der().clone()], &key).map_err(|e| wrong(&e))
}
