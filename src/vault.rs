//! Encryption at rest and in transit through the browser: one key file, one derived key a purpose.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce (safe across nodes), HKDF-SHA256 for the derived keys, and
//! what the bytes belong to as associated data, so that sealed bytes cannot be moved to another record.

use crate::env::Env;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use hkdf::Hkdf;
use ring::hmac;
use sha2::Sha256;
use std::path::Path;
use zeroize::Zeroizing;

/// What a sealed value is for; each purpose has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    TotpSecret,
    SigningKey,
    Attempt,
    Destination,
    /// A mail that waits to be sent.
    Letter,
    /// The key of a certificate that an ACME server issued, or of the account there.
    Certificate,
}

impl Purpose {
    const ALL: [Self; 6] = [
        Self::TotpSecret,
        Self::SigningKey,
        Self::Attempt,
        Self::Destination,
        Self::Letter,
        Self::Certificate,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::TotpSecret => b"vestibule totp-secret v1",
            Self::SigningKey => b"vestibule signing-key v1",
            Self::Attempt => b"vestibule sign-in v1",
            Self::Destination => b"vestibule destination v1",
            Self::Letter => b"vestibule letter v1",
            Self::Certificate => b"vestibule certificate v1",
        }
    }
}

/// The key file cannot be used, or bytes were not sealed by us for this.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the key file {path} cannot be read: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("the key file {path} cannot be made: {source}")]
    NotMade {
        path: String,
        source: std::io::Error,
    },
    #[error(
        "the key file {path} does not hold a key: it must be one line of 43 base64url characters"
    )]
    NotAKey { path: String },
    #[error("the key file {path} can be read by others: run `chmod 600 {path}`")]
    TooOpen { path: String },
    #[error("sealed bytes do not open: made with another key, or changed")]
    DoesNotOpen,
}

/// Seals and opens. Cheap to share behind an `Arc`.
pub struct Vault {
    ciphers: [XChaCha20Poly1305; 6],
    csrf: hmac::Key,
    messages: hmac::Key,
    env: Env,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Reads the key file; makes it at first start, readable by its owner only.
    pub fn open_or_create(path: &Path, env: &Env) -> Result<Self, Fault> {
        match Self::open(path, env) {
            Err(Fault::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                create_key_file(path, env)?;
                Self::open(path, env)
            }
            other => other,
        }
    }

    /// Reads an existing key file.
    pub fn open(path: &Path, env: &Env) -> Result<Self, Fault> {
        use std::os::unix::fs::PermissionsExt as _;
        let name = || path.display().to_string();
        let unreadable = |source| Fault::Unreadable {
            path: name(),
            source,
        };
        let mode = std::fs::metadata(path)
            .map_err(unreadable)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(Fault::TooOpen { path: name() });
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
        let key = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new);
        let key = key.ok().filter(|k| k.len() == 32);
        let key = key.ok_or_else(|| Fault::NotAKey { path: name() })?;
        Ok(Self::from_key(&key, env))
    }

    /// From 32 bytes of key.
    pub fn from_key(key: &[u8], env: &Env) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, key);
        let derive = |label: &[u8]| {
            let mut out = Zeroizing::new([0u8; 32]);
            // 32 bytes are always within HKDF's limit of 255 blocks
            let _ = hkdf.expand(label, &mut out[..]);
            out
        };
        Self {
            ciphers: Purpose::ALL.map(|p| XChaCha20Poly1305::new((&*derive(p.label())).into())),
            csrf: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"vestibule csrf v1")[..]),
            messages: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"vestibule messages v1")[..]),
            env: env.clone(),
        }
    }

    /// The key that signs requests to a route's application (RFC 9421), 32 bytes. It tells nothing about any other.
    pub fn message_key(&self, route: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(
            hmac::sign(&self.messages, route.as_bytes())
                .as_ref()
                .to_vec(),
        )
    }

    fn cipher(&self, purpose: Purpose) -> &XChaCha20Poly1305 {
        let [totp, signing, attempt, destination, letter, certificate] = &self.ciphers;
        match purpose {
            Purpose::TotpSecret => totp,
            Purpose::SigningKey => signing,
            Purpose::Attempt => attempt,
            Purpose::Destination => destination,
            Purpose::Letter => letter,
            Purpose::Certificate => certificate,
        }
    }

    /// Nonce and ciphertext. `belongs_to` must be given again to open it.
    pub fn seal(&self, purpose: Purpose, belongs_to: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; 24] = self.env.random();
        let payload = Payload {
            msg: plain,
            aad: belongs_to,
        };
        let mut out = nonce.to_vec();
        // the cipher fails only past 256 GiB
        if let Ok(mut ciphertext) = self.cipher(purpose).encrypt(&nonce.into(), payload) {
            out.append(&mut ciphertext);
        }
        out
    }

    pub fn open_sealed(
        &self,
        purpose: Purpose,
        belongs_to: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<24>().ok_or(Fault::DoesNotOpen)?;
        let payload = Payload {
            msg: ciphertext,
            aad: belongs_to,
        };
        self.cipher(purpose)
            .decrypt(nonce.into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| Fault::DoesNotOpen)
    }

    /// The anti-forgery value that belongs to a cookie's token: HMAC-SHA256, so it reveals nothing of it.
    pub fn csrf(&self, token: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, token.as_bytes()))
    }

    /// Whether a submitted anti-forgery value belongs to the cookie's token; constant time.
    pub fn csrf_matches(&self, token: &str, submitted: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(submitted)
            .is_ok_and(|tag| hmac::verify(&self.csrf, token.as_bytes(), &tag).is_ok())
    }
}

/// Written to a temporary name, flushed to disk and then linked into place, so that two processes starting
/// at once agree on one key and a crash leaves none half-written.
fn create_key_file(path: &Path, env: &Env) -> Result<(), Fault> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let not_made = |source| Fault::NotMade {
        path: path.display().to_string(),
        source,
    };
    if let Some(folder) = path.parent() {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(not_made)?;
    }
    let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(env.random::<32>()));
    let temporary = path.with_extension(format!("new-{}", env.uuid()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(not_made)?;
    writeln!(file, "{}", &*key)
        .and_then(|()| file.sync_all())
        .map_err(not_made)?;
    let linked = std::fs::hard_link(&temporary, path);
    let removed = std::fs::remove_file(&temporary);
    match linked {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.and(removed).map_err(not_made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_the_same_purpose_and_owner() {
        let vault = Vault::from_key(&[7; 32], &Env::system());
        let sealed = vault.seal(Purpose::TotpSecret, b"account 1", b"secret");
        let open = |v: &Vault, p, owner: &[u8], s: &[u8]| {
            v.open_sealed(p, owner, s).map(|b| b.to_vec()).ok()
        };
        assert_eq!(
            open(&vault, Purpose::TotpSecret, b"account 1", &sealed),
            Some(b"secret".to_vec())
        );
        assert_eq!(
            open(&vault, Purpose::TotpSecret, b"account 2", &sealed),
            None
        );
        assert_eq!(open(&vault, Purpose::Attempt, b"account 1", &sealed), None);
        assert_eq!(
            open(&vault, Purpose::TotpSecret, b"account 1", &sealed[..20]),
            None
        );
        let other = Vault::from_key(&[8; 32], &Env::system());
        assert_eq!(
            open(&other, Purpose::TotpSecret, b"account 1", &sealed),
            None
        );
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(
            open(&vault, Purpose::TotpSecret, b"account 1", &changed),
            None
        );
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/secret.key");
        let env = Env::system();
        let first = Vault::open_or_create(&path, &env).unwrap();
        let second = Vault::open_or_create(&path, &env).unwrap();
        let sealed = first.seal(Purpose::Attempt, b"", b"x");
        assert!(second.open_sealed(Purpose::Attempt, b"", &sealed).is_ok());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            Vault::open(&path, &env),
            Err(Fault::TooOpen { .. })
        ));
        std::fs::write(&path, "short").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            Vault::open(&path, &env),
            Err(Fault::NotAKey { .. })
        ));
    }

    #[test]
    fn anti_forgery_values() {
        let vault = Vault::from_key(&[7; 32], &Env::system());
        let value = vault.csrf("token");
        assert!(vault.csrf_matches("token", &value));
        for bad in ["", "x", &value[1..], &vault.csrf("other")] {
            assert!(!vault.csrf_matches("token", bad), "{bad}");
        }
    }
}
