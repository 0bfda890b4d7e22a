//! Files the configuration names: there, readable, and what they are said to be.

use super::Check;
use crate::config::source::At;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SigningKey};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Larger files are not what they should be.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

const RELATIVE: &str = "paths are relative to the folder of this file; the user that runs vestibule must be able to read it";

impl Check<'_> {
    /// The whole file, or a problem.
    pub(super) fn content(&mut self, at: &At<'_>, written: &str) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.resolve(written);
        self.files.insert(path.clone());
        match read(&path) {
            Ok(bytes) => Some((path, bytes)),
            Err(why) => {
                let shown = path.display();
                self.error(at, format!("{shown} cannot be read: {why}"), RELATIVE);
                None
            }
        }
    }

    /// A larger file, which is read when it is used and not before.
    pub(super) fn readable_up_to(&mut self, at: &At<'_>, written: &str, most: u64) -> PathBuf {
        let path = self.resolve(written);
        self.files.insert(path.clone());
        let problem = match open(&path) {
            Err(why) => Some(why),
            Ok((_, size)) if size > most => {
                Some(format!("it is larger than {} MiB", most / 1024 / 1024))
            }
            Ok((mut file, _)) => file.read(&mut [0]).err().map(|e| why(&e)),
        };
        if let Some(why) = problem {
            let shown = path.display();
            self.error(at, format!("{shown} cannot be read: {why}"), RELATIVE);
        }
        path
    }

    pub(super) fn readable(&mut self, at: &At<'_>, written: &str) -> PathBuf {
        self.content(at, written);
        self.resolve(written)
    }

    /// Certificates of a PEM file, at least one.
    pub(super) fn certificates(
        &mut self,
        at: &At<'_>,
        written: &str,
    ) -> Option<(PathBuf, Vec<CertificateDer<'static>>)> {
        let (path, bytes) = self.content(at, written)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let shown = path.display();
        match found {
            Ok(found) if !found.is_empty() => Some((path, found)),
            Ok(_) => {
                let help = "a PEM file begins with -----BEGIN CERTIFICATE-----; certs/README.md says how to make one";
                self.error(at, format!("{shown} holds no certificate"), help);
                None
            }
            Err(e) => {
                self.error(
                    at,
                    format!("{shown} is not a PEM file: {e}"),
                    "is it DER? openssl x509 -inform der -in FILE turns it into PEM",
                );
                None
            }
        }
    }

    /// A certificate and its key that belong together; the certificate itself for further checks.
    pub(super) fn pair(
        &mut self,
        (at_certificate, certificate): (&At<'_>, &str),
        (at_key, key): (&At<'_>, &str),
    ) -> Option<CertificateDer<'static>> {
        let chain = self.certificates(at_certificate, certificate);
        let key = self.private_key(at_key, key);
        let ((path, chain), key) = chain.zip(key)?;
        let first = chain.first().cloned()?;
        if let Err(e) = ParsedCertificate::try_from(&first) {
            self.error(
                at_certificate,
                format!("{} is not a usable certificate: {e}", path.display()),
                "certs/README.md says how to make one",
            );
            return None;
        }
        let provider = rustls::crypto::ring::default_provider();
        match provider.key_provider.load_private_key(key) {
            Err(e) => {
                self.error(
                    at_key,
                    format!("the private key is not usable: {e}"),
                    "write an ECDSA (P-256, P-384), Ed25519 or RSA key (2048 bits or more)",
                );
                None
            }
            Ok(key) if mismatch(&chain, &key) => {
                self.error(at_key, "the private key does not belong to the certificate", "the two files must come from the same request; the first certificate in the file is the one that counts");
                None
            }
            Ok(_) => Some(first),
        }
    }

    fn private_key(&mut self, at: &At<'_>, written: &str) -> Option<PrivateKeyDer<'static>> {
        let (path, bytes) = self.content(at, written)?;
        self.kept_from_strangers(at, &path, 0o006);
        match PrivateKeyDer::from_pem_slice(&bytes) {
            Ok(key) => Some(key),
            Err(e) => {
                let help = "a PEM file begins with -----BEGIN PRIVATE KEY-----; a key with a passphrase cannot be used";
                self.error(
                    at,
                    format!("{} holds no private key: {e}", path.display()),
                    help,
                );
                None
            }
        }
    }

    /// For private keys: what one of these users may do to the file means that it is not used. A certificate whose
    /// key others have read is theirs, too.
    pub(super) fn kept_from_strangers(&mut self, at: &At<'_>, path: &Path, strangers: u32) {
        let open = mode(path) & strangers;
        if open != 0 {
            let shown = path.display();
            let who = match open & 0o006 {
                0 => "the file's group",
                _ => "every user of this machine",
            };
            let may = match open & 0o022 {
                0 => "read",
                _ => "change",
            };
            self.error(
                at,
                format!("{who} can {may} {shown}"),
                format!("chmod 600 {shown}"),
            );
        }
    }

    /// For secrets of one line, which container platforms hand over as readable by everybody in a folder that is
    /// the container's alone: warns where every user of the machine can read one, refuses what they can change.
    pub(super) fn private_to_owner(&mut self, at: &At<'_>, path: &Path) {
        self.kept_from_strangers(at, path, 0o002);
        if mode(path) & 0o006 == 0o004 {
            let shown = path.display();
            self.warning(
                at,
                format!("every user of this machine can read {shown}"),
                format!("chmod o-rwx {shown}"),
            );
        }
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).map_or(0, |m| m.permissions().mode())
}

fn mismatch(chain: &[CertificateDer<'static>], key: &Arc<dyn SigningKey>) -> bool {
    let pair = CertifiedKey::new(chain.to_vec(), Arc::clone(key));
    let unknown = rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown);
    pair.keys_match().is_err_and(|e| e != unknown)
}

/// Whether a browser would take the certificate for this host.
pub(super) fn covers(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match (
        ParsedCertificate::try_from(certificate),
        ServerName::try_from(host),
    ) {
        (Ok(certificate), Ok(name)) => {
            rustls::client::verify_server_name(&certificate, &name).is_ok()
        }
        _ => false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let (file, _) = open(path)?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| why(&e))?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > MOST_BYTES {
        return Err("it is larger than 8 MiB".into());
    }
    Ok(bytes)
}

/// A file and its size. What is no file is not opened: a pipe would wait for ever.
fn open(path: &Path) -> Result<(std::fs::File, u64), String> {
    let about = std::fs::metadata(path).map_err(|e| why(&e))?;
    if !about.is_file() {
        return Err("it is not a file".into());
    }
    let file = std::fs::File::open(path).map_err(|e| why(&e))?;
    Ok((file, about.len()))
}

fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
