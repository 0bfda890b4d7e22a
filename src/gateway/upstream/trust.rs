//! Whom a route's connections trust and what they show: authorities, client certificates, names.
//!
//! The digest of all of it is part of every peer's `group_key`: a connection that was verified by one
//! authority, or opened with one certificate, is never found by a route that has another.

use crate::domain::upstream::{ClientPair, UpstreamTls};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Roots = (Arc<[WrappedX509]>, [u8; 32]);
type Pair = (Arc<CertKey>, [u8; 32]);

/// What is put into a route's peers.
#[derive(Clone)]
pub(super) struct Trust {
    pub(super) ca: Option<Arc<[WrappedX509]>>,
    pub(super) client: Option<Arc<CertKey>>,
    pub(super) name: Option<String>,
    pub(super) verify: bool,
    /// Of the contents of the files, too: a renewed authority is another one.
    pub(super) digest: [u8; 32],
}

/// The files of one generation of the configuration, each read once.
#[derive(Default)]
pub(super) struct Files {
    roots: HashMap<PathBuf, Roots>,
    pairs: HashMap<(PathBuf, PathBuf), Pair>,
}

impl Files {
    pub(super) fn trust(&mut self, tls: &UpstreamTls) -> Result<Trust, String> {
        let mut digest = Sha256::new();
        let mut note = |bytes: Option<&[u8]>| {
            digest.update([u8::from(bytes.is_some())]);
            digest.update(bytes.unwrap_or_default());
            digest.update([0]);
        };
        let roots = tls.ca.as_deref().map(|p| self.roots(p)).transpose()?;
        note(roots.as_ref().map(|r| r.1.as_slice()));
        let pair = tls.client.as_ref().map(|p| self.pair(p)).transpose()?;
        note(pair.as_ref().map(|p| p.1.as_slice()));
        note(tls.name.as_deref().map(str::as_bytes));
        note(Some(&[u8::from(tls.verify)]));
        Ok(Trust {
            ca: roots.map(|r| r.0),
            client: pair.map(|p| p.0),
            name: tls.name.clone(),
            verify: tls.verify,
            digest: digest.finalize().into(),
        })
    }

    fn roots(&mut self, path: &Path) -> Result<Roots, String> {
        if let Some(known) = self.roots.get(path) {
            return Ok(known.clone());
        }
        let read = certificates(path).and_then(|(found, digest)| {
            for der in &found {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(der.clone()).map_err(|e| e.to_string())?;
            }
            let wrapped = found
                .iter()
                .map(|d| WrappedX509::new(d.to_vec(), parse_x509));
            Ok((wrapped.collect(), digest))
        });
        let read = read.map_err(|why| format!("the CA file {}: {why}", path.display()))?;
        self.roots.insert(path.to_owned(), Roots::clone(&read));
        Ok(read)
    }

    fn pair(&mut self, pair: &ClientPair) -> Result<Pair, String> {
        let names = (pair.certificate.clone(), pair.key.clone());
        if let Some(known) = self.pairs.get(&names) {
            return Ok(known.clone());
        }
        let read = client(pair).map_err(|why| {
            let (certificate, key) = (pair.certificate.display(), pair.key.display());
            format!("the client certificate {certificate} with {key}: {why}")
        })?;
        self.pairs.insert(names, read.clone());
        Ok(read)
    }
}

fn client(pair: &ClientPair) -> Result<Pair, String> {
    let (chain, digest) = certificates(&pair.certificate)?;
    for der in &chain {
        // pingora panics on what it cannot parse
        x509_parser::parse_x509_certificate(der).map_err(|e| e.to_string())?;
    }
    let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(|e| e.to_string())?;
    let provider = rustls::crypto::ring::default_provider();
    let signing = provider.key_provider.load_private_key(key.clone_key());
    let signing = signing.map_err(|e| e.to_string())?;
    let unknown = rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown);
    let certified = rustls::sign::CertifiedKey::new(chain.clone(), signing);
    if let Err(fault) = certified.keys_match()
        && fault != unknown
    {
        return Err("the key does not belong to the certificate".to_owned());
    }
    let chain = chain.iter().map(|der| der.to_vec()).collect();
    let pair = CertKey::new(chain, key.secret_der().to_vec());
    Ok((Arc::new(pair), digest))
}

/// At least one, with the digest of all.
fn certificates(path: &Path) -> Result<(Vec<CertificateDer<'static>>, [u8; 32]), String> {
    let pem = std::fs::read(path).map_err(|e| e.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|e| e.to_string())?;
    if found.is_empty() {
        return Err("it holds no certificate (PEM)".to_owned());
    }
    let mut digest = Sha256::new();
    for der in &found {
        digest.update(der.as_ref());
    }
    Ok((found, digest.finalize().into()))
}
