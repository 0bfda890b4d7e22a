//! How connections are secured: versions, suites, resumption, client certificates.
//!
//! TLS 1.2 and 1.3, the suites with forward secrecy and authenticated encryption only (all that rustls has), no
//! early data (0-RTT could be replayed). Sessions are resumed by tickets under keys that never leave the process and
//! change every six hours; where clients show certificates nothing is resumed, so that each connection verifies
//! anew: a certificate that has expired, or whose authority was removed, opens nothing.

use super::issued::VALIDATION;
use super::{CertificateFault, ClientCertificates, TlsSpec, fault};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use std::sync::Arc;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(super) fn config(
    spec: &TlsSpec,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    shown: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, CertificateFault> {
    let versions = match spec.only_tls13 {
        true => &[&version::TLS13][..],
        false => &[&version::TLS13, &version::TLS12][..],
    };
    let wrong = |e: rustls::Error| fault("TLS", e);
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(versions).map_err(wrong)?;
    let resumes = verifier.is_none();
    let mut config = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    }
    .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if spec.issued.is_some() {
        config.alpn_protocols.push(VALIDATION.to_vec());
    }
    config.max_early_data_size = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    match resumes {
        true => config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(wrong)?,
        false => config.send_tls13_tickets = 0,
    }
    Ok(config)
}

/// The PEM file of the authorities that client certificates are verified against.
pub(super) fn read_ca(wanted: &ClientCertificates) -> Result<Vec<u8>, CertificateFault> {
    std::fs::read(&wanted.ca).map_err(|e| fault(wanted.ca.display(), e))
}

pub(super) fn verifier(
    wanted: &ClientCertificates,
    pem: &[u8],
) -> Result<Arc<dyn ClientCertVerifier>, CertificateFault> {
    let wrong = |e: &dyn std::fmt::Display| fault(wanted.ca.display(), e);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| wrong(&e))?;
        roots.add(certificate).map_err(|e| wrong(&e))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"it holds no certificate (PEM)"));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let builder = match wanted.required {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    let built = builder.build().map_err(|e| wrong(&e))?;
    Ok(built)
}
