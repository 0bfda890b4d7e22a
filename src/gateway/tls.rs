//! Certificates of a listener, picked by SNI and replaced while it runs.

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::listeners::TlsAccept;
use pingora::listeners::tls::{Acceptor, TlsSettings};
use pingora::protocols::tls::TlsRef;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::extensions::GeneralName;

/// A certificate chain and its key, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A file that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("no certificate is given for this listener")]
    Empty,
}

/// The certificates of one listener.
#[derive(Debug)]
pub struct Certificates {
    set: ArcSwap<Set>,
    files: Vec<CertificateFiles>,
    /// What the files looked like when they were last read.
    read: Mutex<Vec<Stamp>>,
}

/// When a file was written and how long it is; `None` while it is not there.
type Stamp = Option<(SystemTime, u64)>;

#[derive(Debug)]
struct Set {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// `example.org` for `*.example.org`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads all files; the first certificate is shown to clients that name no host or none of ours.
    pub fn load(files: &[CertificateFiles]) -> Result<Self, CertificateFault> {
        // looked at first: what changes while it is read is read again
        let read = Mutex::new(stamps(files));
        Ok(Self {
            set: ArcSwap::from_pointee(Set::load(files)?),
            files: files.to_vec(),
            read,
        })
    }

    /// Reads the files again. On an error the certificates in use stay.
    pub fn reload(&self) -> Result<(), CertificateFault> {
        self.set.store(Arc::new(Set::load(&self.files)?));
        Ok(())
    }

    /// Reads the files again if one of them has changed since they were last read, well or not; `None` if none
    /// has.
    pub fn check(&self) -> Option<Result<(), CertificateFault>> {
        let now = stamps(&self.files);
        let before = std::mem::replace(&mut *self.read.lock(), now.clone());
        (before != now).then(|| self.reload())
    }

    /// Whether a connection opened for `sni` may carry requests for `host`: both are answered with the same
    /// certificate (RFC 9110 7.4).
    fn covers(&self, sni: &str, host: &str) -> bool {
        let set = self.set.load();
        Arc::ptr_eq(set.find(sni), set.find(host))
    }

    pub(super) fn acceptor(self: &Arc<Self>) -> pingora::Result<Acceptor> {
        let mut settings = TlsSettings::with_callbacks(Box::new(KeepName(Arc::clone(self))))?;
        settings.set_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        settings.enable_h2();
        Ok(settings.build())
    }
}

fn stamps(files: &[CertificateFiles]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    let pairs = files.iter().flat_map(|f| [&f.certificate, &f.key]);
    pairs.map(stamp).collect()
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let set = self.set.load();
        let name = hello.server_name();
        Some(Arc::clone(name.map_or(&set.default, |n| set.find(n))))
    }
}

impl Set {
    fn load(files: &[CertificateFiles]) -> Result<Self, CertificateFault> {
        let mut read = files.iter().map(read_pair);
        let (default, names) = read.next().ok_or(CertificateFault::Empty)??;
        let mut set = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            default: Arc::clone(&default),
        };
        set.add(&default, names);
        for pair in read {
            let (key, names) = pair?;
            set.add(&key, names);
        }
        Ok(set)
    }

    /// The first certificate for a name wins.
    fn add(&mut self, key: &Arc<CertifiedKey>, names: Vec<String>) {
        for name in names {
            let (map, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent.to_owned()),
                None => (&mut self.exact, name),
            };
            map.entry(name).or_insert_with(|| Arc::clone(key));
        }
    }

    fn find(&self, name: &str) -> &Arc<CertifiedKey> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let parent = || name.split_once('.').and_then(|(_, p)| self.wildcard.get(p));
        self.exact
            .get(&name)
            .or_else(parent)
            .unwrap_or(&self.default)
    }
}

fn read_pair(
    files: &CertificateFiles,
) -> Result<(Arc<CertifiedKey>, Vec<String>), CertificateFault> {
    let chain = read(&files.certificate, |pem| {
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()
    })?;
    let leaf = chain
        .first()
        .ok_or_else(|| fault(&files.certificate, "it holds no certificate (PEM)"))?;
    let names = names(leaf).map_err(|e| fault(&files.certificate, e))?;
    let key = read(&files.key, PrivateKeyDer::from_pem_slice)?;
    let key =
        rustls::crypto::ring::sign::any_supported_type(&key).map_err(|e| fault(&files.key, e))?;
    let pair = CertifiedKey::new(chain, key);
    pair.keys_match().map_err(|_| {
        let certificate = files.certificate.display();
        fault(
            &files.key,
            format!("the key does not belong to {certificate}"),
        )
    })?;
    Ok((Arc::new(pair), names))
}

fn read<T, E: std::fmt::Display>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, CertificateFault> {
    let pem = std::fs::read(path).map_err(|e| fault(path, e))?;
    parse(&pem).map_err(|e| fault(path, e))
}

fn fault(path: &Path, reason: impl std::fmt::Display) -> CertificateFault {
    CertificateFault::File {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

/// The DNS names of a certificate, lower case.
fn names(leaf: &CertificateDer<'_>) -> Result<Vec<String>, String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).map_err(|e| e.to_string())?;
    let alternative = certificate
        .subject_alternative_name()
        .map_err(|e| e.to_string())?;
    let Some(alternative) = alternative else {
        return Ok(Vec::new());
    };
    let name = |n: &GeneralName<'_>| match n {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    Ok(alternative
        .value
        .general_names
        .iter()
        .filter_map(name)
        .collect())
}

/// What a request can ask about the TLS connection it came over.
pub(super) struct TlsName {
    sni: Option<String>,
    certificates: Arc<Certificates>,
}

impl TlsName {
    /// Whether a request for `host` may be answered on this connection. A client that named no host in the
    /// handshake was shown the first certificate and has made up its own mind.
    pub(super) fn may_serve(&self, host: &str) -> bool {
        let covers = |sni: &String| self.certificates.covers(sni, host);
        self.sni.as_ref().is_none_or(covers)
    }
}

struct KeepName(Arc<Certificates>);

#[async_trait]
impl TlsAccept for KeepName {
    async fn handshake_complete_callback(
        &self,
        tls: &TlsRef,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(TlsName {
            sni: tls.server_name().map(str::to_owned),
            certificates: Arc::clone(&self.0),
        }))
    }
}
