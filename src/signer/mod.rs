//! Assertions: the signed statement an upstream receives about who is there (RFC 7519, RFC 8725).
//!
//! ES256 and nothing else, an explicit `typ`, one audience a token. A token is signed once and sent again
//! until half of its lifetime is gone, so that the way of a request has one cache look-up and no signature.
//! What the token says is compared with the session at each use: a change of groups or a step-up is in the
//! next request's assertion, and a token for one audience is never sent to another.
//!
//! The parsed key of ring is kept and signs `header.payload` itself: jsonwebtoken hands a provider only the
//! key's bytes and so would parse the private key again for each token (23 us in place of 13). It checks our
//! tokens in the tests, as a library that somebody else has written.

#[cfg(test)]
mod jwt_ring;
mod keys;
#[cfg(test)]
mod tests;

pub use keys::{KeyId, Listed, PUBLISHED_AFTER_RETIREMENT, list, rotate};

use crate::domain::assertion::Claims;
use crate::domain::assurance::Factors;
use crate::domain::id::SessionId;
use crate::domain::route::AssertionSpec;
use crate::domain::session::View;
use crate::domain::subject::Subject;
use crate::domain::timestamp::Timestamp;
use crate::env::Env;
use crate::store::{self, SharedStore};
use crate::telemetry::Metrics;
use crate::vault::{self, Vault};
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use keys::KeySet;
use moka::Expiry;
use moka::sync::Cache;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No assertion can be made: answer 503, never forward without it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Store(#[from] store::Fault),
    #[error(
        "the signing key {id} does not open (was the key file of this store replaced?): {source}"
    )]
    Sealed { id: String, source: vault::Fault },
    #[error(
        "the signing key {0} in the store is not one of ours: its id, public and private part differ"
    )]
    Foreign(String),
    #[error("no signing key could be made: {0}")]
    NotMade(&'static str),
    #[error("the assertion cannot be signed: {0}")]
    NotSigned(String),
}

/// Most memory the tokens kept for re-use may take: some 500,000. They are those of sessions that were active within
/// half of a token's lifetime, and signing one costs more than all the rest of a request.
const CACHE_BYTES: u64 = 1 << 30;

/// What a kept token takes besides its own bytes: its place in the cache, and an account that may be here only.
const BESIDES: usize = 1_024;

/// Signs, and publishes the keys to check it with.
pub struct Signer {
    store: SharedStore,
    vault: Arc<Vault>,
    env: Env,
    issuer: String,
    keys: ArcSwap<KeySet>,
    tokens: Cache<Place, Arc<Kept>>,
    metrics: Option<Arc<Metrics>>,
}

/// Where a token is kept. A clash of the audience's hash costs a signature: [`Kept::says`] compares all of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    session: SessionId,
    audience: u64,
}

/// A token, and everything it was made from.
struct Kept {
    token: HeaderValue,
    key: KeyId,
    audience: String,
    lifetime: Duration,
    issued_at: Timestamp,
    auth_time: Timestamp,
    factors: Factors,
    subject: Arc<Subject>,
}

impl Signer {
    /// Reads the keys; makes the first one where there is none. `issuer` is the portal's URL.
    pub async fn load(
        store: SharedStore,
        vault: Arc<Vault>,
        env: Env,
        issuer: String,
    ) -> Result<Self, Fault> {
        let keys = keys::load_or_create(&*store, &vault, &env).await?;
        Ok(Self {
            store,
            vault,
            env,
            issuer,
            keys: ArcSwap::from_pointee(keys),
            tokens: Cache::builder()
                .max_capacity(CACHE_BYTES)
                .weigher(|_, kept: &Arc<Kept>| kept.weight())
                .expire_after(OnceHalfGone)
                .build(),
            metrics: None,
        })
    }

    /// Counts what is signed in these metrics.
    #[must_use]
    pub fn counting(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The assertion for a session at one application, ready to be a header's value (and marked sensitive).
    /// The caller has made sure that the session is live.
    pub fn assertion(&self, view: &View, spec: &AssertionSpec) -> Result<HeaderValue, Fault> {
        let now = self.env.now();
        let keys = self.keys.load();
        let place = Place::of(view, spec);
        if let Some(kept) = self.tokens.get(&place)
            && kept.is_fresh(now)
            && kept.says(view, spec, keys.current_id())
        {
            return Ok(kept.token.clone());
        }
        let token = self.sign(&keys, view, spec, now)?;
        let kept = Kept {
            token: token.clone(),
            key: keys.current_id().clone(),
            audience: spec.audience.clone(),
            lifetime: spec.lifetime,
            issued_at: now,
            auth_time: view.session.auth_time,
            factors: view.session.factors,
            subject: Arc::clone(&view.subject),
        };
        self.tokens.insert(place, Arc::new(kept));
        Ok(token)
    }

    fn sign(
        &self,
        keys: &KeySet,
        view: &View,
        spec: &AssertionSpec,
        now: Timestamp,
    ) -> Result<HeaderValue, Fault> {
        let id = self.env.uuid().simple().to_string();
        let claims = Claims::new(&self.issuer, &spec.audience, view, spec.lifetime, id, now);
        let payload = serde_json::to_vec(&claims).map_err(|e| Fault::NotSigned(e.to_string()))?;
        let token = keys.sign(&URL_SAFE_NO_PAD.encode(payload))?;
        let mut value =
            HeaderValue::try_from(token).map_err(|e| Fault::NotSigned(e.to_string()))?;
        value.set_sensitive(true);
        if let Some(metrics) = &self.metrics {
            metrics.assertion_signed();
        }
        Ok(value)
    }

    /// The JWK set (RFC 7517): the key in use and those retired less than a day ago.
    pub fn jwks(&self) -> Arc<str> {
        self.keys.load().jwks(self.env.now()).into()
    }

    /// The key that signs now.
    pub fn current_key(&self) -> KeyId {
        self.keys.load().current_id().clone()
    }

    /// Reads the keys again; on `Notice::Keys`. The next assertion is signed with the newest one. After a
    /// fault the keys stay what they were.
    pub async fn reload(&self) -> Result<(), Fault> {
        let keys = keys::load_or_create(&*self.store, &self.vault, &self.env).await?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Place {
    fn of(view: &View, spec: &AssertionSpec) -> Self {
        let mut hasher = DefaultHasher::new();
        spec.audience.hash(&mut hasher);
        Self {
            session: view.session.id,
            audience: hasher.finish(),
        }
    }
}

impl Kept {
    /// At least half of its lifetime is left. A clock that was set back makes a new one too.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now >= self.issued_at && now.since(self.issued_at) * 2 < self.lifetime
    }

    /// Whether a token made now would say the same.
    fn says(&self, view: &View, spec: &AssertionSpec, key: &KeyId) -> bool {
        self.key == *key
            && self.audience == spec.audience
            && self.lifetime == spec.lifetime
            && self.auth_time == view.session.auth_time
            && self.factors == view.session.factors
            && (Arc::ptr_eq(&self.subject, &view.subject)
                || same_person(&self.subject, &view.subject))
    }

    /// In bytes.
    fn weight(&self) -> u32 {
        let bytes = self.token.len() + self.audience.len() + size_of::<Self>() + BESIDES;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// A token that nobody may use any more is not kept.
struct OnceHalfGone;

impl Expiry<Place, Arc<Kept>> for OnceHalfGone {
    fn expire_after_create(&self, _: &Place, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(kept.lifetime / 2)
    }

    fn expire_after_update(
        &self,
        _: &Place,
        kept: &Arc<Kept>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.lifetime / 2)
    }
}

/// Equal in all that the claims tell of a person.
fn same_person(a: &Subject, b: &Subject) -> bool {
    a.id == b.id
        && a.login() == b.login()
        && a.email() == b.email()
        && a.name() == b.name()
        && a.groups == b.groups
}
