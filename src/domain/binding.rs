//! Binding an authenticator app (SP 800-63B-4 4.1): choose, scan, confirm, store the emergency codes.

use super::login::{ForeignProof, NeedsCodes, Proven};
use super::secret::TotpSecret;
use super::timestamp::Timestamp;
use super::verifier::{BindingProof, RecoveryKind, RecoveryProof};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A key that was shown is good for this long.
pub const KEY_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// After this many wrong codes a new key is made.
pub const MAX_WRONG: u32 = 10;

/// A code that was mailed is good for this long, and never longer than the sign-in it was mailed for.
pub const MAILED_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// After this many wrong entries the code that was mailed is void.
pub const MAX_WRONG_MAILED: u32 = 5;
/// At most this many codes are mailed for one enrolment.
pub const MAX_MAILED: u32 = 3;

/// What a first enrolment asks besides the password, so that a stolen password alone binds nobody's phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentProof {
    /// A code mailed to the account's address.
    Email,
    /// A one-time code from the helpdesk.
    Helpdesk,
    /// Nothing: whoever knows the password first binds the phone.
    None,
}

impl EnrolmentProof {
    /// What is asked of somebody who can be `reached` by mail or not. Where no code can be mailed the helpdesk's is
    /// asked: nobody gets by for want of an address.
    pub const fn of(self, reached: bool) -> Self {
        match self {
            Self::Email if !reached => Self::Helpdesk,
            Self::Email | Self::Helpdesk | Self::None => self,
        }
    }
}

/// The proof that an enrolment waits for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Proof {
    /// Given, or none asked.
    Given,
    Helpdesk,
    Mail(Mailed),
}

/// Codes mailed for one enrolment: kept in its sealed state, so that each is good in the very browser and sign-in it
/// was mailed for.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mailed {
    open: Option<MailedCode>,
    sent: u32,
}

/// The code that was mailed last.
#[derive(PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct MailedCode {
    canonical: String,
    #[zeroize(skip)]
    until: Timestamp,
    wrong: u32,
}

impl fmt::Debug for MailedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedCode")
    }
}

/// What the page about a mailed code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailStanding {
    /// When the code that was mailed last runs out; `None`: there is none.
    pub until: Option<Timestamp>,
    /// It was asked for again, and nothing was entered since.
    pub resent: bool,
    /// Another one can be asked for.
    pub more: bool,
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
    proof: Proof,
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
    pub(super) fn first(proven: Proven, asked: EnrolmentProof) -> Self {
        let proof = match asked {
            EnrolmentProof::Email => Proof::Mail(Mailed::default()),
            EnrolmentProof::Helpdesk => Proof::Helpdesk,
            EnrolmentProof::None => Proof::Given,
        };
        Self::new(proven, Purpose::First, proof)
    }

    /// After a recovery code: that was proof enough.
    pub(super) const fn replacing(proven: Proven) -> Self {
        Self::new(proven, Purpose::Replace, Proof::Given)
    }

    /// In a live session, after a code from the app there is.
    pub(super) const fn exchanging(proven: Proven) -> Self {
        Self::new(proven, Purpose::Exchange, Proof::Given)
    }

    const fn new(proven: Proven, purpose: Purpose, proof: Proof) -> Self {
        Self {
            proven,
            purpose,
            proof,
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
        !matches!(self.proof, Proof::Given)
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
            proof: Proof::Given,
            ..self
        })
    }

    /// Where a code is asked by mail: how far that is.
    pub fn mail(&self, now: Timestamp) -> Option<MailStanding> {
        let Proof::Mail(mailed) = &self.proof else {
            return None;
        };
        let open = mailed.open.as_ref();
        Some(MailStanding {
            until: open.map(|code| code.until).filter(|until| now < *until),
            resent: mailed.sent > 1 && open.is_some_and(|code| code.wrong == 0),
            more: mailed.sent < MAX_MAILED,
        })
    }

    /// A code goes out to the account's address; an earlier one is void.
    pub fn with_mailed(self, canonical: String, until: Timestamp) -> Self {
        let Proof::Mail(mailed) = self.proof else {
            return self;
        };
        let open = MailedCode {
            canonical,
            until,
            wrong: 0,
        };
        let proof = Proof::Mail(Mailed {
            open: Some(open),
            sent: mailed.sent + 1,
        });
        Self { proof, ..self }
    }

    /// No code can be mailed: where none was, the helpdesk's is asked instead.
    pub fn without_mail(self) -> Self {
        let proof = match self.proof {
            Proof::Mail(mailed) if mailed.sent == 0 => Proof::Helpdesk,
            Proof::Mail(mailed) => Proof::Mail(Mailed {
                sent: MAX_MAILED,
                ..mailed
            }),
            other @ (Proof::Given | Proof::Helpdesk) => other,
        };
        Self { proof, ..self }
    }

    /// A code from the mail, canonical. Wrong, the enrolment comes back with the entry counted.
    pub fn enter_mailed(self, canonical: &str, now: Timestamp) -> Result<Self, Box<Self>> {
        let Proof::Mail(mailed) = self.proof else {
            return Err(Box::new(self));
        };
        let right = mailed.open.as_ref().is_some_and(|code| {
            let same: bool = code.canonical.as_bytes().ct_eq(canonical.as_bytes()).into();
            same && now < code.until
        });
        if right {
            return Ok(Self {
                proof: Proof::Given,
                ..self
            });
        }
        let open = mailed.open.and_then(|mut code| {
            code.wrong += 1;
            (code.wrong < MAX_WRONG_MAILED).then_some(code)
        });
        let proof = Proof::Mail(Mailed { open, ..mailed });
        Err(Box::new(Self { proof, ..self }))
    }

    pub fn choose(self, app: App) -> Self {
        Self {
            app: Some(app),
            ..self
        }
    }

    /// The key to show, the same one on every reload; `None` when there is none that is still good.
    pub fn key(&self, now: Timestamp) -> Option<&PendingKey> {
        let allowed = !self.needs_proof() && self.app.is_some();
        self.key.as_ref().filter(|k| allowed && k.is_fresh(now))
    }

    /// A new key. Not before the app is chosen and whatever proof is asked has been given.
    pub fn with_key(self, secret: TotpSecret, now: Timestamp) -> Self {
        if self.needs_proof() || self.app.is_none() {
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
        if self.needs_proof() {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const CODE: &str = "7KQM4XTD";
    const OTHER: &str = "7KQM4XTE";

    fn asking(asked: EnrolmentProof) -> Enrolment {
        let proven = serde_json::json!({
            "account": "00000000-0000-0000-0000-000000000001",
            "password_at": NOW,
            "second": null,
        });
        Enrolment::first(serde_json::from_value(proven).unwrap(), asked)
    }

    fn mailed() -> Enrolment {
        asking(EnrolmentProof::Email).with_mailed(CODE.to_owned(), NOW.plus(MAILED_LIFETIME))
    }

    fn wrong(enrolment: Enrolment) -> Enrolment {
        *enrolment.enter_mailed(OTHER, NOW).unwrap_err()
    }

    #[track_caller]
    fn check(enrolment: Enrolment, code: &str, now: Timestamp, right: bool) {
        let entered = enrolment.enter_mailed(code, now);
        assert_eq!(entered.is_ok_and(|e| !e.needs_proof()), right, "{code}");
    }

    #[test]
    fn the_mailed_code_and_no_other_and_not_for_long() {
        let last = NOW.plus(MAILED_LIFETIME - Duration::from_secs(1));
        check(mailed(), CODE, NOW, true);
        check(mailed(), CODE, last, true);
        check(mailed(), CODE, NOW.plus(MAILED_LIFETIME), false);
        for other in [OTHER, "", "7KQM4XT", "7KQM4XTD7KQM4XTD"] {
            check(mailed(), other, NOW, false);
        }
        // none was mailed, or none is asked
        for asked in [
            EnrolmentProof::Email,
            EnrolmentProof::Helpdesk,
            EnrolmentProof::None,
        ] {
            check(asking(asked), "", NOW, false);
            check(asking(asked), CODE, NOW, false);
        }
    }

    #[test]
    fn five_wrong_entries_void_it() {
        let four = (1..MAX_WRONG_MAILED).fold(mailed(), |e, _| wrong(e));
        let five = wrong((1..MAX_WRONG_MAILED).fold(mailed(), |e, _| wrong(e)));
        check(four, CODE, NOW, true);
        check(five, CODE, NOW, false);
    }

    #[test]
    fn a_newer_code_voids_the_older_and_three_are_all() {
        let until = NOW.plus(MAILED_LIFETIME);
        let more = |e: &Enrolment| e.mail(NOW).unwrap().more;
        let second = mailed().with_mailed(OTHER.to_owned(), until);
        assert!(more(&second) && second.mail(NOW).unwrap().resent);
        check(second, CODE, NOW, false);
        let third = mailed()
            .with_mailed(OTHER.to_owned(), until)
            .with_mailed(CODE.to_owned(), until);
        assert!(!more(&third));
        check(third, CODE, NOW, true);
    }

    #[test]
    fn without_mail_the_helpdesk_is_asked() {
        assert_eq!(EnrolmentProof::Email.of(false), EnrolmentProof::Helpdesk);
        assert_eq!(EnrolmentProof::Email.of(true), EnrolmentProof::Email);
        assert_eq!(EnrolmentProof::None.of(false), EnrolmentProof::None);
        let never = asking(EnrolmentProof::Email).without_mail();
        assert!(never.needs_proof() && never.mail(NOW).is_none());
        // a code that is out already stays good
        let sent = mailed().without_mail();
        assert!(!sent.mail(NOW).unwrap().more);
        check(sent, CODE, NOW, true);
    }

    #[test]
    fn no_key_before_the_proof() {
        let secret = || TotpSecret::from_random([1; TotpSecret::BYTES]);
        let show = |e: Enrolment| {
            e.choose(App::Other)
                .with_key(secret(), NOW)
                .key(NOW)
                .is_some()
        };
        assert!(!show(mailed()));
        assert!(!show(wrong(mailed())));
        assert!(!show(asking(EnrolmentProof::Email)));
        assert!(show(mailed().enter_mailed(CODE, NOW).unwrap()));
    }

    #[test]
    fn no_code_is_in_what_is_printed() {
        assert!(!format!("{:?}", mailed()).contains(CODE));
    }
}
