//! TLS of a listener: certificates picked by SNI and replaced while it runs, and whom it asks for one of theirs.

mod belief;
mod handshake;
mod issued;

pub(super) use belief::Belief;
pub use issued::Issued;

use crate::domain::timestamp::Timestamp;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use belief::Beliefs;
use parking_lot::Mutex;
use pingora::listeners::TlsAccept;
use pingora::listeners::tls::{Acceptor, TlsSettings};
use pingora::protocols::l4::stream::Stream as L4;
use pingora::protocols::tls::TlsRef;
use pingora::protocols::{ALPN, Ssl as _, Stream};
use pingora::proxy::Session;
use pingora::tls::TlsAcceptor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::AsyncWriteExt as _;
use x509_parser::extensions::GeneralName;

/// A certificate chain and its key, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Certificates that clients are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// PEM file of the authorities that may have issued them.
    pub ca: PathBuf,
    /// Without one there is no connection.
    pub required: bool,
}

/// What the TLS of a listener is made from.
#[derive(Clone, Debug, Default)]
pub struct TlsSpec {
    pub files: Vec<CertificateFiles>,
    /// Where certificates come from that are in no file.
    pub issued: Option<Arc<Issued>>,
    pub client_certificates: Option<ClientCertificates>,
    pub only_tls13: bool,
}

/// Something that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    #[error("{what}: {reason}")]
    Unusable { what: String, reason: String },
    #[error("no certificate is given for this listener")]
    Empty,
}

/// When a certificate runs out, by its first name; seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub name: String,
    pub not_after: i64,
}

/// The certificates of one listener, and how its connections are secured.
pub struct Certificates {
    spec: TlsSpec,
    shown: Arc<Shown>,
    acceptor: ArcSwap<Acceptor>,
    /// In the certificates of clients.
    beliefs: Beliefs,
    /// What was read last.
    read: Mutex<Read>,
}

/// What the files looked like when they were last read.
struct Read {
    stamps: Vec<Stamp>,
    /// The authorities in force, PEM.
    ca: Option<Vec<u8>>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// When a file was written and how long it is; `None` while it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// What clients are shown.
#[derive(Debug)]
struct Shown {
    set: ArcSwap<Set>,
    issued: Option<Arc<Issued>>,
}

#[derive(Debug)]
struct Set {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// `example.org` for `*.example.org`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
    expiries: Vec<Expiry>,
}

impl Certificates {
    /// Certificates of files, TLS as it is by default.
    pub fn load(files: &[CertificateFiles]) -> Result<Self, CertificateFault> {
        Self::open(TlsSpec {
            files: files.to_vec(),
            ..TlsSpec::default()
        })
    }

    /// Reads all files; the first certificate is shown to clients that name no host or none of ours.
    pub fn open(spec: TlsSpec) -> Result<Self, CertificateFault> {
        // looked at first: what changes while it is read is read again
        let stamps = stamps(&spec);
        let shown = Arc::new(Shown {
            set: ArcSwap::from_pointee(Set::load(&spec)?),
            issued: spec.issued.clone(),
        });
        let ca = spec.client_certificates.as_ref();
        let ca = ca.map(handshake::read_ca).transpose()?;
        let beliefs = Beliefs::default();
        let acceptor = acceptor(&spec, &shown, ca.as_deref(), beliefs.begin())?;
        Ok(Self {
            beliefs,
            spec,
            shown,
            acceptor: ArcSwap::from_pointee(acceptor),
            read: Mutex::new(Read { stamps, ca }),
        })
    }

    /// Reads the files again if one of them has changed since they were last read, well or not; `None` if none
    /// has. On an error everything in use stays.
    pub fn check(&self) -> Option<Result<(), CertificateFault>> {
        let now = stamps(&self.spec);
        let mut read = self.read.lock();
        let before = std::mem::replace(&mut read.stamps, now.clone());
        (before != now).then(|| self.reload(&mut read))
    }

    fn reload(&self, read: &mut Read) -> Result<(), CertificateFault> {
        let set = Set::load(&self.spec)?;
        let ca = self.spec.client_certificates.as_ref();
        let ca = ca.map(handshake::read_ca).transpose()?;
        if ca != read.ca {
            let next = Beliefs::default();
            let acceptor = acceptor(&self.spec, &self.shown, ca.as_deref(), next.begin())?;
            self.acceptor.store(Arc::new(acceptor));
            self.beliefs.end();
            next.pass_on(&self.beliefs);
            read.ca = ca;
        }
        self.shown.set.store(Arc::new(set));
        Ok(())
    }

    /// Another takes the place of these; `None`: nobody listens there any more.
    pub(super) fn give_way(&self, next: Option<&Self>) {
        let Some(next) = next else {
            self.beliefs.end();
            return;
        };
        if std::ptr::eq(next, self) {
            return;
        }
        // held until all is done: read anew in between, the authorities would be others
        let (mine, theirs) = (self.read.lock(), next.read.lock());
        match mine.ca == theirs.ca {
            true => self.beliefs.pass_on(&next.beliefs),
            false => self.beliefs.end(),
        }
    }

    /// When the certificates of files run out.
    pub fn expiries(&self) -> Vec<Expiry> {
        self.shown.set.load().expiries.clone()
    }

    /// Whether certificates come from elsewhere than files, too.
    pub const fn uses_issued(&self) -> bool {
        self.spec.issued.is_some()
    }

    /// A connection to be served; `None` where the handshake failed, or was all there is to it: a server of
    /// certificates that validates a name is shown the answer and nothing else (RFC 8737 3).
    pub(super) async fn handshake(&self, stream: L4) -> Option<Stream> {
        let acceptor = self.acceptor.load_full();
        let mut stream = acceptor.tls_handshake(stream).await.ok()?;
        match stream.selected_alpn_proto() {
            None | Some(ALPN::H1 | ALPN::H2 | ALPN::H2H1) => Some(Box::new(stream)),
            Some(ALPN::Custom(_)) => {
                // the other side may be gone already
                let _ = stream.shutdown().await;
                None
            }
        }
    }
}

/// Whether this chain (PEM, the client's own certificate first) would be taken now.
pub(super) fn takes(
    wanted: &ClientCertificates,
    chain: &[u8],
    now: Timestamp,
) -> Result<(), CertificateFault> {
    let verifier = handshake::verifier(wanted, &handshake::read_ca(wanted)?)?;
    let wrong = |e: &dyn std::fmt::Display| fault("the certificate", e);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|e| wrong(&e))?;
    let (own, between) = chain
        .split_first()
        .ok_or_else(|| wrong(&"the file holds none (PEM)"))?;
    let now = u64::try_from(now.seconds()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    let verified = verifier.verify_client_cert(own, between, now);
    verified.map(drop).map_err(|e| wrong(&e))
}

fn acceptor(
    spec: &TlsSpec,
    shown: &Arc<Shown>,
    ca: Option<&[u8]>,
    belief: Belief,
) -> Result<Acceptor, CertificateFault> {
    let wanted = spec.client_certificates.as_ref().zip(ca);
    let verifier = wanted.map(|(w, pem)| handshake::verifier(w, pem));
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Shown>::clone(shown);
    let config = handshake::config(spec, verifier.transpose()?, Arc::clone(&resolver))?;
    let keep = KeepName {
        shown: Arc::clone(shown),
        belief,
    };
    let mut settings = TlsSettings::with_callbacks(Box::new(keep)).map_err(|e| fault("TLS", e))?;
    settings.set_cert_resolver(resolver);
    // only this way does pingora call back; what it was made with is ours
    let mut acceptor = settings.build();
    acceptor.acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(acceptor)
}

fn stamps(spec: &TlsSpec) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    let pairs = spec.files.iter().flat_map(|f| [&f.certificate, &f.key]);
    let ca = spec.client_certificates.iter().map(|c| &c.ca);
    pairs.chain(ca).map(stamp).collect()
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if let Some(issued) = self.issued.as_ref().filter(|_| validates(&hello)) {
            return issued.tls_answer(&name?.to_ascii_lowercase());
        }
        Some(match name {
            Some(name) => self.find(name),
            None => Arc::clone(&self.set.load().default),
        })
    }
}

/// A client that speaks nothing but the protocol of validation.
fn validates(hello: &ClientHello<'_>) -> bool {
    let Some(mut offered) = hello.alpn() else {
        return false;
    };
    offered.next() == Some(issued::VALIDATION) && offered.next().is_none()
}

impl Shown {
    /// A file's certificate for this very name, one from elsewhere for it, a file's wildcard, the first.
    fn find(&self, name: &str) -> Arc<CertifiedKey> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let set = self.set.load();
        let exact = set.exact.get(&name).cloned();
        let issued = || self.issued.as_ref()?.find(&name);
        let parent = || set.wildcard.get(name.split_once('.')?.1).cloned();
        exact
            .or_else(issued)
            .or_else(parent)
            .unwrap_or_else(|| Arc::clone(&set.default))
    }

    /// Whether a connection opened for `sni` may carry requests for `host`: both are answered with the same
    /// certificate (RFC 9110 7.4).
    fn covers(&self, sni: &str, host: &str) -> bool {
        Arc::ptr_eq(&self.find(sni), &self.find(host))
    }
}

impl Set {
    fn load(spec: &TlsSpec) -> Result<Self, CertificateFault> {
        let read: Vec<_> = spec.files.iter().map(read_pair).collect::<Result<_, _>>()?;
        let first = read.first().map(|(key, _)| key);
        let own = spec.issued.as_ref().map(|issued| issued.placeholder());
        let default = first.or(own).ok_or(CertificateFault::Empty)?;
        let mut set = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            default: Arc::clone(default),
            expiries: Vec::new(),
        };
        for (key, about) in read {
            set.expiries.push(Expiry {
                name: about.names.first().cloned().unwrap_or_default(),
                not_after: about.not_after,
            });
            set.add(&key, about.names);
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
}

fn read_pair(files: &CertificateFiles) -> Result<(Arc<CertifiedKey>, About), CertificateFault> {
    let chain = read(&files.certificate, |pem| {
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()
    })?;
    let at_certificate = files.certificate.display();
    let leaf = chain
        .first()
        .ok_or_else(|| fault(&at_certificate, "it holds no certificate (PEM)"))?;
    let about = about(leaf).map_err(|e| fault(&at_certificate, e))?;
    let key = read(&files.key, PrivateKeyDer::from_pem_slice)?;
    let pair = certified(chain, &key).map_err(|e| fault(files.key.display(), e))?;
    pair.keys_match().map_err(|_| {
        fault(
            files.key.display(),
            format!("the key does not belong to {at_certificate}"),
        )
    })?;
    Ok((pair, about))
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> Result<Arc<CertifiedKey>, String> {
    let key = rustls::crypto::ring::sign::any_supported_type(key).map_err(|e| e.to_string())?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

fn read<T, E: std::fmt::Display>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, CertificateFault> {
    let pem = std::fs::read(path).map_err(|e| fault(path.display(), e))?;
    parse(&pem).map_err(|e| fault(path.display(), e))
}

fn fault(what: impl std::fmt::Display, reason: impl std::fmt::Display) -> CertificateFault {
    CertificateFault::Unusable {
        what: what.to_string(),
        reason: reason.to_string(),
    }
}

/// What a certificate says.
struct About {
    /// DNS names, lower case.
    names: Vec<String>,
    not_after: i64,
}

fn about(leaf: &CertificateDer<'_>) -> Result<About, String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).map_err(|e| e.to_string())?;
    let alternative = certificate
        .subject_alternative_name()
        .map_err(|e| e.to_string())?;
    let name = |n: &GeneralName<'_>| match n {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let names = alternative.map(|a| a.value.general_names.iter().filter_map(name).collect());
    Ok(About {
        names: names.unwrap_or_default(),
        not_after: certificate.validity().not_after.timestamp(),
    })
}

/// What a request can ask about the TLS connection it came over.
pub(super) struct TlsName {
    sni: Option<String>,
    shown: Arc<Shown>,
    /// The client has shown a certificate; it was verified, or there would be no connection.
    pub(super) client_certificate: Option<Belief>,
}

impl TlsName {
    /// That of a request's connection; `None` for plain HTTP.
    pub(super) fn of(session: &Session) -> Option<&Self> {
        let digest = session.digest()?.ssl_digest.as_ref()?;
        digest.extension.get::<Self>()
    }

    /// Whether a request for `host` may be answered on this connection. A client that named no host in the
    /// handshake was shown the first certificate and has made up its own mind. One whose certificate is believed no
    /// longer has to show one again.
    pub(super) fn may_serve(&self, host: &str) -> bool {
        if self.client_certificate.as_ref().is_some_and(|b| !b.holds()) {
            return false;
        }
        let covers = |sni: &String| self.shown.covers(sni, host);
        self.sni.as_ref().is_none_or(covers)
    }
}

struct KeepName {
    shown: Arc<Shown>,
    belief: Belief,
}

#[async_trait]
impl TlsAccept for KeepName {
    async fn handshake_complete_callback(
        &self,
        tls: &TlsRef,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(TlsName {
            sni: tls.server_name().map(str::to_owned),
            shown: Arc::clone(&self.shown),
            client_certificate: tls.peer_certificate_der().map(|_| self.belief.clone()),
        }))
    }
}
