//! Binding an authenticator app (SP 800-63B-4 4.1): choose, scan, confirm, store the emergency codes.

use super::login::{ForeignProof, NeedsCodes, Proven};
use super::secret::TotpSecret;
use super::timestamp::Timestamp;
use super::verifier::{BindingProof, RecoveryKind, RecoveryProof};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A key that was shown is good for this long.
pub const KEY_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// After this many wrong codes a new key is made.
pub const MAX_WRONG: u32 = 10;

/// What a first enrolment asks besides the password, so that a stolen password alone binds nobody's phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentProof {
    /// A one-time code from the helpdesk.
    Helpdesk,
    /// Nothing: whoever knows the password first binds the phone.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum App {
    /// The organisation's own.
    Own,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    First,
    /// The old app is lost.
    Replace,
    /// The old app was used just now, to say that it is to be another one.
    Exchange,
}

/// An enrolment under way.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    proven: Proven,
    purpose: Purpose,
    needs_proof: bool,
    app: Option<App>,
    key: Option<PendingKey>,
    wrong: u32,
}

/// The key on the screen, not bound to anything yet.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingKey {
    #[serde(with = "sealed_secret")]
    secret: TotpSecret,
    made_at: Timestamp,
}

impl PendingKey {
    pub const fn secret(&self) -> &TotpSecret {
        &self.secret
    }
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.made_at) < KEY_LIFETIME
    }
}

/// The app works: what is to be stored, and what the sign-in has reached.
#[derive(Debug)]
pub struct Bound {
    pub secret: TotpSecret,
    /// The step of the confirming code, spent by it.
    pub step: u64,
    pub at: Timestamp,
    /// An older authenticator, its codes, trusted devices and other sessions end now.
    pub replaces: bool,
    pub next: NeedsCodes,
}

impl Enrolment {
    pub(super) const fn first(proven: Proven, needs_proof: bool) -> Self {
        Self::new(proven, Purpose::First, needs_proof)
    }

    /// After a recovery code: that was proof enough.
    pub(super) const fn replacing(proven: Proven) -> Self {
        Self::new(proven, Purpose::Replace, false)
    }

    /// In a live session, after a code from the app there is.
    pub(super) const fn exchanging(proven: Proven) -> Self {
        Self::new(proven, Purpose::Exchange, false)
    }

    const fn new(proven: Proven, purpose: Purpose, needs_proof: bool) -> Self {
        Self {
            proven,
            purpose,
            needs_proof,
            app: None,
            key: None,
            wrong: 0,
        }
    }

    pub(super) const fn proven(&self) -> &Proven {
        &self.proven
    }
    pub fn is_replacement(&self) -> bool {
        self.purpose != Purpose::First
    }
    /// Whoever has used an app before is not told why.
    pub fn begins_with_the_choice(&self) -> bool {
        self.purpose == Purpose::Exchange
    }
    pub const fn needs_proof(&self) -> bool {
        self.needs_proof
    }
    pub const fn app(&self) -> Option<App> {
        self.app
    }

    /// The helpdesk's code was right.
    pub fn authorise(self, proof: &RecoveryProof) -> Result<Self, ForeignProof> {
        if proof.account() != self.proven.account() || proof.kind() != RecoveryKind::OneTimeCode {
            return Err(ForeignProof);
        }
        Ok(Self {
            needs_proof: false,
            ..self
        })
    }

    pub fn choose(self, app: App) -> Self {
        Self {
            app: Some(app),
            ..self
        }
    }

    /// The key to show, the same one on every reload; `None` when there is none that is still good.
    pub fn key(&self, now: Timestamp) -> Option<&PendingKey> {
        let allowed = !self.needs_proof && self.app.is_some();
        self.key.as_ref().filter(|k| allowed && k.is_fresh(now))
    }

    /// A new key. Not before the app is chosen and whatever proof is asked has been given.
    pub fn with_key(self, secret: TotpSecret, now: Timestamp) -> Self {
        if self.needs_proof || self.app.is_none() {
            return self;
        }
        Self {
            key: Some(PendingKey {
                secret,
                made_at: now,
            }),
            wrong: 0,
            ..self
        }
    }

    /// A wrong code; after [`MAX_WRONG`] of them the key is dropped.
    pub fn wrong_code(self) -> Self {
        let wrong = self.wrong + 1;
        let key = self.key.filter(|_| wrong < MAX_WRONG);
        Self { wrong, key, ..self }
    }

    /// The app shows the right code. Without a key on the screen the enrolment comes back.
    pub fn confirm(self, proof: &BindingProof) -> Result<Bound, Box<Self>> {
        if self.needs_proof {
            return Err(Box::new(self));
        }
        let replaces = self.is_replacement();
        match self.key {
            Some(key) => Ok(Bound {
                secret: key.secret,
                step: proof.step(),
                at: proof.at(),
                replaces,
                next: NeedsCodes::new(self.proven.with_bound_app(proof.at()), false),
            }),
            None => Err(Box::new(self)),
        }
    }
}

/// The only way a secret is serialised: into the state of a sign-in, which is stored sealed.
mod sealed_secret {
    use crate::domain::secret::TotpSecret;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &TotpSecret, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(secret.reveal())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<TotpSecret, D::Error> {
        let bytes = zeroize::Zeroizing::new(Vec::<u8>::deserialize(d)?);
        TotpSecret::from_bytes(&bytes)
            .ok_or_else(|| serde::de::Error::custom("a secret is too short"))
    }
}
