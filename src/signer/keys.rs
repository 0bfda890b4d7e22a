//! Signing keys: made, sealed, checked, published, rotated.
//!
//! A key's id is its RFC 7638 thumbprint. A stored key counts only if it opens with this store's key file
//! under that id and its public part belongs to it: a row slipped into the database is neither used nor
//! published. Of several keys in use the newest wins, by time and then by id, so that all nodes agree.

use super::Fault;
use crate::domain::assertion;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{Change, Commit, Store, StoredKey};
use crate::vault::{Purpose, Vault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// How long a key is published after it stopped signing; longer than any assertion lives.
pub const PUBLISHED_AFTER_RETIREMENT: Duration = Duration::from_secs(24 * 3600);

/// The `kid`: base64url of the SHA-256 of the public key's canonical JSON (RFC 7638).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key as `vestibule keys list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: KeyId,
    pub created_at: Timestamp,
    /// Published until then; `None` for a key in use.
    pub retired_until: Option<Timestamp>,
}

/// Makes a new key and puts it in use at once; the others are published for a day more.
pub async fn rotate(store: &dyn Store, vault: &Vault, env: &Env) -> Result<KeyId, Fault> {
    let now = env.now();
    let (id, key) = make(vault, env)?;
    let record = Record {
        at: now,
        event: Event::KeyRotated,
        account: None,
        actor: Actor::Operator,
        place: Place::default(),
        detail: format!("new signing key {id}"),
    };
    let changes = [
        Change::AddSigningKey(key),
        Change::RetireOtherKeys {
            current: id.to_string(),
            published_until: now.plus(PUBLISHED_AFTER_RETIREMENT),
        },
        Change::Audit(record),
    ];
    match store.commit(&changes).await? {
        Commit::Done => Ok(id),
        Commit::Lost(_) => Err(Fault::NotMade("the store has taken another key meanwhile")),
    }
}

/// Keys in use or still published, newest first.
pub async fn list(store: &dyn Store, env: &Env) -> Result<Vec<Listed>, Fault> {
    let listed = |key: StoredKey| Listed {
        id: KeyId(key.id),
        created_at: key.created_at,
        retired_until: key.retired_until,
    };
    let keys = store.signing_keys(env.now()).await?;
    Ok(keys.into_iter().map(listed).collect())
}

/// The key that signs, and the public parts of all that are published.
pub(super) struct KeySet {
    current: SigningKey,
    published: Vec<Published>,
}

struct SigningKey {
    id: KeyId,
    pair: EcdsaKeyPair,
    /// The JOSE header, encoded: the same for every token of this key.
    header: String,
    random: SystemRandom,
}

struct Published {
    until: Option<Timestamp>,
    jwk: Jwk,
}

/// RFC 7517 and RFC 7518 6.2.1.
#[derive(Clone, Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    kid: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
}

/// Two processes that start at once may each make a key: both are published, the newest signs.
pub(super) async fn load_or_create(
    store: &dyn Store,
    vault: &Vault,
    env: &Env,
) -> Result<KeySet, Fault> {
    let mut stored = store.signing_keys(env.now()).await?;
    if !stored.iter().any(|key| key.retired_until.is_none()) {
        let (id, key) = make(vault, env)?;
        match store.commit(&[Change::AddSigningKey(key)]).await? {
            Commit::Done => tracing::info!(key.id = %id, "the first signing key was made"),
            Commit::Lost(_) => tracing::info!("another process has made the signing key"),
        }
        stored = store.signing_keys(env.now()).await?;
    }
    KeySet::open(stored, vault)
}

impl KeySet {
    fn open(mut stored: Vec<StoredKey>, vault: &Vault) -> Result<Self, Fault> {
        stored.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        let mut current = None;
        let mut published = Vec::new();
        let mut refused = None;
        for key in &stored {
            match SigningKey::open(key, vault) {
                Ok((jwk, opened)) => {
                    let until = key.retired_until;
                    published.push(Published { until, jwk });
                    if until.is_none() && current.is_none() {
                        current = Some(opened);
                    }
                }
                Err(fault) => {
                    tracing::error!(key.id = %key.id, error = %fault, "a stored signing key is left out");
                    refused = Some(fault);
                }
            }
        }
        // a new key in place of those that do not open would hide that the key file is the wrong one
        let missing = Fault::NotMade("the store gives none back");
        let current = current.ok_or_else(|| refused.unwrap_or(missing))?;
        Ok(Self { current, published })
    }

    pub(super) const fn current_id(&self) -> &KeyId {
        &self.current.id
    }

    /// A compact JWS (RFC 7515 3.1) over an encoded payload.
    pub(super) fn sign(&self, payload: &str) -> Result<String, Fault> {
        let key = &self.current;
        let mut token = String::with_capacity(key.header.len() + payload.len() + 88);
        token.push_str(&key.header);
        token.push('.');
        token.push_str(payload);
        let signature = key
            .pair
            .sign(&key.random, token.as_bytes())
            .map_err(|_| Fault::NotSigned("no random numbers".into()))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    pub(super) fn jwks(&self, now: Timestamp) -> String {
        #[derive(Serialize)]
        struct Set<'a> {
            keys: Vec<&'a Jwk>,
        }
        let live = |key: &&Published| key.until.is_none_or(|until| now < until);
        let keys = self.published.iter().filter(live).map(|key| &key.jwk);
        let set = Set {
            keys: keys.collect(),
        };
        // strings under fixed names always serialise
        serde_json::to_string(&set).unwrap_or_default()
    }
}

impl SigningKey {
    fn open(stored: &StoredKey, vault: &Vault) -> Result<(Jwk, Self), Fault> {
        let sealed = |source| Fault::Sealed {
            id: stored.id.clone(),
            source,
        };
        let foreign = || Fault::Foreign(stored.id.clone());
        let pkcs8 = vault
            .open_sealed(Purpose::SigningKey, stored.id.as_bytes(), &stored.sealed)
            .map_err(sealed)?;
        let pair = parse(&pkcs8).ok_or_else(foreign)?;
        let jwk = Jwk::of(pair.public_key().as_ref()).ok_or_else(foreign)?;
        if jwk.kid != stored.id || pair.public_key().as_ref() != stored.public {
            return Err(foreign());
        }
        let header = serde_json::json!({
            "alg": "ES256", "kid": jwk.kid, "typ": assertion::TYPE,
        });
        let key = Self {
            id: KeyId(jwk.kid.clone()),
            pair,
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            random: SystemRandom::new(),
        };
        Ok((jwk, key))
    }
}

impl Jwk {
    /// From an uncompressed P-256 point: 0x04, x, y (SEC 1 2.3.3).
    fn of(public: &[u8]) -> Option<Self> {
        let (4, point) = public.split_first()? else {
            return None;
        };
        let (x, y) = point.split_at_checked(32)?;
        if y.len() != 32 {
            return None;
        }
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Some(Self {
            kid: thumbprint(&x, &y),
            kty: "EC",
            crv: "P-256",
            x,
            y,
            usage: "sig",
            alg: "ES256",
        })
    }
}

/// RFC 7638 3.2: required members only, in lexicographic order, no white space.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(ring::digest::digest(
        &ring::digest::SHA256,
        canonical.as_bytes(),
    ))
}

fn parse(pkcs8: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        pkcs8,
        &SystemRandom::new(),
    )
    .ok()
}

fn make(vault: &Vault, env: &Env) -> Result<(KeyId, StoredKey), Fault> {
    let not_made = || Fault::NotMade("no random numbers");
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| not_made())?;
    // ring's document is not zeroed when dropped; ours is, and it is the one that is kept longer
    let pkcs8 = zeroize::Zeroizing::new(document.as_ref().to_vec());
    let pair = parse(&pkcs8).ok_or_else(not_made)?;
    let public = pair.public_key().as_ref().to_vec();
    let id = Jwk::of(&public).ok_or_else(not_made)?.kid;
    let stored = StoredKey {
        sealed: vault.seal(Purpose::SigningKey, id.as_bytes(), &pkcs8),
        id: id.clone(),
        public,
        created_at: env.now(),
        retired_until: None,
    };
    Ok((KeyId(id), stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key of RFC 7517 A.1, with the thumbprint that other libraries give it.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let kid = thumbprint(
            "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        );
        assert_eq!(kid, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    }

    #[test]
    fn only_uncompressed_points_of_the_curve_become_keys() {
        let mut point = vec![4u8; 65];
        assert!(Jwk::of(&point).is_some());
        point.push(0);
        assert!(Jwk::of(&point).is_none());
        assert!(Jwk::of(&[3; 33]).is_none());
        assert!(Jwk::of(&[]).is_none());
    }
}
