//! A subscriber account (SP 800-63-4): one person, found by login name or e-mail address.

use super::authenticator::TotpBinding;
use super::id::AccountId;
use super::password_rules::Person;
use super::reminder;
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The canonical spelling of a login name or e-mail address: NFKC, trimmed, lower case. Look-ups and
/// throttling use only this, so that `John`, `john ` and a compatibility twin are one account and one
/// bucket (CVE-2026-47203, CVE-2025-24806).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey(String);

impl NameKey {
    /// Longest name accepted, in bytes: an e-mail address has at most 254 (RFC 5321).
    pub const MAX_BYTES: usize = 254;

    /// `None` when nothing is left after trimming, or it is too long or holds control characters.
    pub fn new(typed: &str) -> Option<Self> {
        use unicode_normalization::UnicodeNormalization as _;
        if typed.len() > Self::MAX_BYTES * 4 {
            return None;
        }
        let folded: String = typed.trim().nfkc().collect::<String>().to_lowercase();
        let folded: String = folded.nfkc().collect();
        let folded = folded.trim();
        let ok = !folded.is_empty()
            && folded.len() <= Self::MAX_BYTES
            && !folded.chars().any(char::is_control);
        ok.then(|| Self(folded.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The encoded hash of a password: a PHC string of ours, or what an import brought along.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub const fn from_encoded(encoded: String) -> Self {
        Self(encoded)
    }
    pub fn encoded(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Disabled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub login: String,
    pub email: Option<String>,
    pub name: String,
    /// Shared: many people are in the same groups.
    pub groups: Arc<BTreeSet<String>>,
    pub attributes: Attributes,
    /// BCP 47 tag of the person's language, where one was chosen.
    pub language: Option<String>,
    pub status: Status,
    pub created_at: Timestamp,
    /// `None`: nobody can sign in with a password.
    pub password: Option<PasswordHash>,
    pub totp: Option<TotpBinding>,
    pub reminder: reminder::Record,
    pub history: History,
}

/// Further facts of a person, by name: sorted, and small in memory, as there is one for each who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Attributes(Box<[(Box<str>, Box<str>)]>);

impl Attributes {
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name));
        self.0.get(at.ok()?).map(|(_, value)| &**value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<BTreeMap<String, String>> for Attributes {
    fn from(sorted: BTreeMap<String, String>) -> Self {
        let pairs = sorted.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        let pairs = attributes.0.into_iter();
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

/// What has happened to an account, and what is planned for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub password_changed_at: Option<Timestamp>,
    /// The password was given by an administrator: good until then, and only to choose another one.
    pub initial_password_until: Option<Timestamp>,
    /// When e-mail address or name last changed.
    pub contact_changed_at: Option<Timestamp>,
    pub last_sign_in_at: Option<Timestamp>,
    /// The account is disabled and will be removed then.
    pub delete_at: Option<Timestamp>,
}

impl Account {
    pub const fn is_active(&self) -> bool {
        matches!(self.status, Status::Active)
    }

    pub const fn has_second_factor(&self) -> bool {
        self.totp.is_some()
    }

    /// What pages call the person by: the e-mail address, else the login name.
    pub fn shown_as(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.login)
    }

    /// What a password must not be made of.
    pub fn person(&self) -> Person<'_> {
        Person {
            login: &self.login,
            email: self.email.as_deref(),
            name: &self.name,
        }
    }

    /// The keys this account is found by.
    pub fn name_keys(&self) -> impl Iterator<Item = NameKey> {
        [Some(self.login.as_str()), self.email.as_deref()]
            .into_iter()
            .flatten()
            .filter_map(NameKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold_together() {
        let key = |s: &str| NameKey::new(s).map(|k| k.as_str().to_owned());
        for twin in [
            "john",
            "John",
            " john\t",
            "JOHN",
            "ｊｏｈｎ",
            "\u{2002}John",
        ] {
            assert_eq!(key(twin).as_deref(), Some("john"), "{twin:?}");
        }
        for bad in ["", "   ", "a\0b", "a\nb", &"x".repeat(255)] {
            assert_eq!(key(bad), None, "{bad:?}");
        }
    }
}
