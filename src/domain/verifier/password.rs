//! Passwords: Argon2id (RFC 9106), and the formats that imports bring along.
//!
//! CPU-bound by design: call it on the bounded pool of `authn::hashing`, never on a worker.

use super::PasswordProof;
use crate::domain::account::{Account, PasswordHash};
use crate::domain::secret::Password;
use crate::domain::timestamp::Timestamp;
use argon2::password_hash::phc::{self, PasswordHash as Phc};
use argon2::password_hash::{CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Memory in KiB, passes and lanes of new hashes: ASVS 5.0 appendix C asks for 46 MiB with one pass.
const MEMORY_KIB: u32 = 47_104;
const PASSES: u32 = 1;
const LANES: u32 = 1;

/// Bytes of salt (RFC 9106 3.1 recommends 16).
pub const SALT_BYTES: usize = 16;

/// A password could not be hashed: the parameters are refused by the library.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashingFailed(String);

/// Hashes a new password.
pub fn hash(password: &Password, salt: &[u8; SALT_BYTES]) -> Result<PasswordHash, HashingFailed> {
    hash_with(password.reveal().as_bytes(), salt, (MEMORY_KIB, PASSES))
        .map(PasswordHash::from_encoded)
}

/// What is checked where there is no account: it looks like a hash of ours, takes as long, and nobody knows a password
/// for it, as it was not made from one.
pub fn decoy(salt: &[u8; SALT_BYTES], hash: &[u8; Params::DEFAULT_OUTPUT_LEN]) -> PasswordHash {
    let version = u32::from(Version::V0x13);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    PasswordHash::from_encoded(format!(
        "$argon2id$v={version}$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"
    ))
}

/// Checks a password. For an account that does not exist, is disabled or has no password, `decoy` is
/// checked instead, so that the answer takes the same time, and the result is `None` whatever it says. So is that of
/// a password that was given for a time, past it.
pub fn verify(
    password: &Password,
    account: Option<&Account>,
    decoy: &PasswordHash,
    now: Timestamp,
) -> Option<PasswordProof> {
    let stored = account.and_then(|a| a.password.as_ref());
    let matches = matches_encoded(password, stored.unwrap_or(decoy));
    let account = account.filter(|a| a.is_active() && a.password.is_some())?;
    let initial_until = account.history.initial_password_until;
    let in_time = initial_until.is_none_or(|until| now < until);
    (matches && in_time).then_some(PasswordProof {
        account: account.id,
        at: now,
        initial: initial_until.is_some(),
    })
}

/// Whether a hash is weaker than what [`hash`] makes today, and is to be replaced at this sign-in.
pub fn is_outdated(stored: &PasswordHash) -> bool {
    let Ok(parsed) = Phc::new(stored.encoded()) else {
        return true;
    };
    let params = Params::try_from(&parsed);
    parsed.algorithm.as_str() != "argon2id"
        || params.is_ok_and(|p| {
            u64::from(p.m_cost()) * u64::from(p.t_cost())
                < u64::from(MEMORY_KIB) * u64::from(PASSES)
        })
}

/// Whether an encoded hash is of a kind [`verify`] can check: for imports.
pub fn is_supported(encoded: &str) -> bool {
    Scheme::of(encoded).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Argon2,
    Bcrypt,
    Scrypt,
    Pbkdf2,
    ShaCrypt,
}

impl Scheme {
    fn of(encoded: &str) -> Option<Self> {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|p| encoded.starts_with(p));
        let phc_ok = || Phc::new(encoded).is_ok();
        match encoded {
            _ if starts(&["$argon2id$", "$argon2i$", "$argon2d$"]) => {
                phc_ok().then_some(Self::Argon2)
            }
            _ if starts(&["$2a$", "$2b$", "$2x$", "$2y$"]) => {
                (encoded.len() == 60).then_some(Self::Bcrypt)
            }
            _ if starts(&["$scrypt$"]) => phc_ok().then_some(Self::Scrypt),
            _ if starts(&["$pbkdf2-sha256$", "$pbkdf2-sha512$"]) => {
                phc_ok().then_some(Self::Pbkdf2)
            }
            _ if starts(&["$5$", "$6$"]) => Some(Self::ShaCrypt),
            _ => None,
        }
    }
}

fn matches_encoded(password: &Password, stored: &PasswordHash) -> bool {
    let encoded = stored.encoded();
    let bytes = password.reveal().as_bytes();
    match Scheme::of(encoded) {
        Some(Scheme::Argon2) => {
            Phc::new(encoded).is_ok_and(|h| Argon2::default().verify_password(bytes, &h).is_ok())
        }
        // bcrypt reads 72 bytes; the rest was never part of an imported hash
        Some(Scheme::Bcrypt) => bcrypt::verify(bytes, encoded).unwrap_or(false),
        Some(Scheme::Scrypt) => Phc::new(encoded)
            .is_ok_and(|h| scrypt::Scrypt::default().verify_password(bytes, &h).is_ok()),
        Some(Scheme::Pbkdf2) => Phc::new(encoded)
            .is_ok_and(|h| pbkdf2::Pbkdf2::default().verify_password(bytes, &h).is_ok()),
        Some(Scheme::ShaCrypt) => {
            use sha_crypt::PasswordVerifier as _;
            sha_crypt::ShaCrypt::default()
                .verify_password(bytes, encoded)
                .is_ok()
        }
        None => false,
    }
}

pub(super) fn hash_with(
    secret: &[u8],
    salt: &[u8],
    (memory_kib, passes): (u32, u32),
) -> Result<String, HashingFailed> {
    let failed = |e: &dyn std::fmt::Display| HashingFailed(e.to_string());
    let params = Params::new(memory_kib, passes, LANES, None).map_err(|e| failed(&e))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash: phc::PasswordHash = hasher
        .hash_password_customized(secret, salt, None, None, params)
        .map_err(|e| failed(&e))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::policy::tests::{NOW, account};

    fn pw(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn right_wrong_unknown_disabled() {
        let decoy = hash(&pw("decoy password"), &[9; 16]).unwrap();
        let mut person = account();
        person.password = Some(hash(&pw("correct horse"), &[1; 16]).unwrap());
        let check = |account: Option<&Account>, typed: &str, want: bool| {
            assert_eq!(
                verify(&pw(typed), account, &decoy, NOW).is_some(),
                want,
                "{typed}"
            );
        };
        check(Some(&person), "correct horse", true);
        check(Some(&person), "Correct horse", false);
        check(Some(&person), "decoy password", false);
        check(None, "decoy password", false);
        person.status = Status::Disabled;
        check(Some(&person), "correct horse", false);
        person.status = Status::Active;
        person.password = None;
        check(Some(&person), "decoy password", false);
    }

    #[test]
    fn a_decoy_takes_as_long_as_a_hash() {
        let real = hash(&pw("correct horse"), &[1; 16]).unwrap();
        let decoy = decoy(&[2; 16], &[3; 32]);
        let parts = |hash: &PasswordHash| {
            let parsed = Phc::new(hash.encoded()).unwrap();
            let params = Params::try_from(&parsed).unwrap();
            let lengths = (
                parsed.salt.unwrap().as_ref().len(),
                parsed.hash.unwrap().as_bytes().len(),
            );
            (
                parsed.algorithm.to_string(),
                parsed.version,
                params,
                lengths,
            )
        };
        assert_eq!(parts(&decoy), parts(&real));
        assert!(!is_outdated(&decoy));
        assert!(!matches_encoded(&pw("correct horse"), &decoy));
    }

    #[test]
    fn imported_hashes() {
        let check = |encoded: &str, typed: &str| {
            let stored = PasswordHash::from_encoded(encoded.to_owned());
            assert!(is_supported(encoded), "{encoded}");
            assert!(matches_encoded(&pw(typed), &stored), "{encoded}");
            assert!(
                !matches_encoded(&pw("something else"), &stored),
                "{encoded}"
            );
            assert!(is_outdated(&stored), "{encoded}");
        };
        // made with the C library's crypt(3), Python's bcrypt, argon2-cffi and hashlib
        check(
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            "Hello world!",
        );
        check(
            "$6$rounds=1000$saltstring$Zu2Vknok2/f53APfN687ADnzeNBLcsEgTwvcBHMD2./07rZQAt8vsuKVufD15dyZh.LOLB/uZKf6I3GyON4bp/",
            "Hello world!",
        );
        check(
            "$5$rounds=5000$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            "Hello world!",
        );
        check(
            "$2b$04$VLUIkBK6E6pre.eZBBQFt.K1AmUKgM.lnl4fLsTWW2Nb98dRFTA5.",
            "testpassword",
        );
        check(
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0$XGwudrQyZpM5r6bE+JPXm0bWMi+cf+YpxNyyObVISL8",
            "password",
        );
        check(
            "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$jU+wVnnRO8xMJ6kk2pn2W1IFgOT9r8PK+dHZ+HH3bt4",
            "password",
        );
        check(
            "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$hRRjgXWkW8ResfIvBP99J/T4vkgEmMRV/0tJTOjR59I",
            "password",
        );
    }

    #[test]
    fn new_hashes_are_not_outdated() {
        let fresh = hash(&pw("correct horse"), &[1; 16]).unwrap();
        assert!(!is_outdated(&fresh));
        assert!(is_outdated(&PasswordHash::from_encoded(
            hash_with(b"x", &[1; 16], (1024, 1)).unwrap()
        )));
        for unknown in ["", "plain", "$1$abc$def", "$argon2id$", "$y$j9T$x"] {
            assert!(!is_supported(unknown), "{unknown}");
        }
    }
}
