//! Whom a session speaks for, as far as requests need it: no password and no key of an authenticator, which only the
//! steps of a sign-in read, from the store.
//!
//! One is in memory for each person who was active within a minute. It is two allocations, and a third for those who are
//! being reminded of two-factor authentication.

use super::account::{Account, Attributes, Status};
use super::id::AccountId;
use super::reminder;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What a subject is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    pub id: AccountId,
    pub login: &'a str,
    pub email: Option<&'a str>,
    pub name: &'a str,
    /// BCP 47 tag of the language that was chosen.
    pub language: Option<&'a str>,
    pub groups: Arc<BTreeSet<String>>,
    pub attributes: Attributes,
    pub reminder: reminder::Record,
    pub status: Status,
    pub has_second_factor: bool,
}

/// Stands between texts, and so in none of them.
const BETWEEN: char = '\0';

/// The claimant whose identity a session has established (SP 800-63-4; the `sub` of RFC 7519).
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: AccountId,
    /// Shared: many people are in the same groups.
    pub groups: Arc<BTreeSet<String>>,
    /// Login name, e-mail address and name, one after the other, then the language, and name and value of each
    /// attribute, with [`BETWEEN`] before all but the first of these.
    texts: Box<str>,
    /// Where the first three of them end.
    ends: [u32; 3],
    /// There it is not written twice.
    email_begins_with_login: bool,
    has_email: bool,
    is_active: bool,
    has_second_factor: bool,
    /// What most people have nothing in.
    reminder: Option<Box<reminder::Record>>,
}

impl Subject {
    /// Attributes are those that a header can carry: without [`BETWEEN`] in a value, and none with one in its name.
    pub fn new(facts: Facts<'_>) -> Self {
        let email = facts.email.unwrap_or_default();
        let email_begins_with_login = email.starts_with(facts.login);
        let language = facts.language.filter(|l| !l.contains(BETWEEN));
        let login_end = facts.login.len();
        let email_begins = if email_begins_with_login {
            0
        } else {
            login_end
        };
        let email_end = email_begins + email.len();
        let name_end = email_end + facts.name.len();
        let listed = || {
            let pairs = facts.attributes.iter();
            let attributes = pairs.filter(|(name, _)| !name.contains(BETWEEN));
            attributes.flat_map(|(name, value)| [name, value])
        };
        // of the right size at once: an allocator may leave what is given back of it where it is
        let length = listed().map(|text| BETWEEN.len_utf8() + text.len());
        let language = language.unwrap_or_default();
        let mut texts = String::with_capacity(name_end + language.len() + length.sum::<usize>());
        if !email_begins_with_login {
            texts.push_str(facts.login);
        }
        texts.extend([email, facts.name, language]);
        for text in listed() {
            texts.push(BETWEEN);
            texts.extend(text.split(BETWEEN));
        }
        Self {
            id: facts.id,
            groups: facts.groups,
            texts: texts.into_boxed_str(),
            // texts of four gigabytes are in no store
            ends: [login_end, email_end, name_end]
                .map(|end| u32::try_from(end).unwrap_or(u32::MAX)),
            email_begins_with_login,
            has_email: facts.email.is_some(),
            is_active: facts.status == Status::Active,
            has_second_factor: facts.has_second_factor,
            reminder: (facts.reminder != reminder::Record::default())
                .then(|| Box::new(facts.reminder)),
        }
    }

    pub fn of(account: &Account) -> Self {
        Self::new(Facts {
            id: account.id,
            login: &account.login,
            email: account.email.as_deref(),
            name: &account.name,
            language: account.language.as_deref(),
            groups: Arc::clone(&account.groups),
            attributes: account.attributes.clone(),
            reminder: account.reminder,
            status: account.status,
            has_second_factor: account.has_second_factor(),
        })
    }

    fn text(&self, from: usize, to: usize) -> &str {
        self.texts.get(from..to).unwrap_or_default()
    }

    fn ends(&self) -> [usize; 3] {
        self.ends.map(|end| end.try_into().unwrap_or(usize::MAX))
    }

    pub fn login(&self) -> &str {
        self.text(0, self.ends()[0])
    }

    pub fn email(&self) -> Option<&str> {
        let [login_end, to, _] = self.ends();
        let from = if self.email_begins_with_login {
            0
        } else {
            login_end
        };
        self.has_email.then(|| self.text(from, to))
    }

    pub fn name(&self) -> &str {
        let [_, from, to] = self.ends();
        self.text(from, to)
    }

    /// BCP 47 tag of the language that was chosen.
    pub fn language(&self) -> Option<&str> {
        let chosen = self.listed().next()?;
        (!chosen.is_empty()).then_some(chosen)
    }

    /// The language, then names and values of attributes in turn.
    fn listed(&self) -> impl Iterator<Item = &str> {
        let [.., from] = self.ends();
        self.text(from, self.texts.len()).split(BETWEEN)
    }

    /// One of the further facts, by its name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut listed = self.listed().skip(1);
        while let (Some(known), Some(value)) = (listed.next(), listed.next()) {
            if known == name {
                return Some(value);
            }
        }
        None
    }

    pub fn reminder(&self) -> reminder::Record {
        self.reminder.as_deref().copied().unwrap_or_default()
    }

    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    pub const fn has_second_factor(&self) -> bool {
        self.has_second_factor
    }

    /// What pages call the person by: the e-mail address, else the login name.
    pub fn shown_as(&self) -> &str {
        self.email().unwrap_or_else(|| self.login())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({} {})", self.id, self.login())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::tests::account;
    use crate::domain::session::View;
    use crate::domain::timestamp::Timestamp;
    use std::collections::BTreeMap;

    #[test]
    fn it_tells_what_the_account_tells() {
        let mut plain = account();
        plain.attributes = Attributes::default();
        plain.reminder = reminder::Record::default();
        plain.totp = None;
        let mut rich = account();
        rich.login = "ääninen".into();
        rich.name = "Aino Ääninen".into();
        rich.language = Some("fi".into());
        rich.attributes = BTreeMap::from([("desk".to_owned(), "7".to_owned())]).into();
        rich.reminder.snoozed_until = Some(Timestamp::from_seconds(7));
        rich.status = Status::Disabled;
        let mut many = rich.clone();
        many.language = None;
        many.attributes = BTreeMap::from([
            ("".to_owned(), "no name".to_owned()),
            ("7".to_owned(), "desk".to_owned()),
            ("desk".to_owned(), "".to_owned()),
            ("last".to_owned(), "ä".to_owned()),
        ])
        .into();
        for (mut account, email) in [
            (rich.clone(), None),
            (many, Some("a@example.com".to_owned())),
            (plain.clone(), None),
            (plain.clone(), Some(String::new())),
            (plain.clone(), Some("aino@example.com".to_owned())),
            (plain.clone(), Some(plain.login.clone())),
            (plain.clone(), Some(format!("{}@example.com", plain.login))),
            (
                plain.clone(),
                Some(format!("the.{}@example.com", plain.login)),
            ),
            (rich, Some("ä@example.com".to_owned())),
        ] {
            account.email = email;
            let subject = Subject::of(&account);
            assert_eq!(subject.id, account.id);
            assert_eq!(subject.login(), account.login);
            assert_eq!(subject.email(), account.email.as_deref());
            assert_eq!(subject.name(), account.name);
            assert_eq!(subject.language(), account.language.as_deref());
            assert_eq!(subject.shown_as(), account.shown_as());
            assert_eq!(subject.groups, account.groups);
            for name in ["", "7", "a", "desk", "fi", "last", "ä"] {
                assert_eq!(
                    subject.attribute(name),
                    account.attributes.get(name),
                    "{name:?}"
                );
            }
            assert_eq!(subject.reminder(), account.reminder);
            assert_eq!(subject.is_active(), account.is_active());
            assert_eq!(subject.has_second_factor(), account.has_second_factor());
        }
    }

    /// One text never becomes two, or a part of another.
    #[test]
    fn attributes_are_what_a_header_can_carry() {
        let mut account = account();
        account.attributes = BTreeMap::from([
            ("a\0b".to_owned(), "c".to_owned()),
            ("desk".to_owned(), "7\0other\08\0".to_owned()),
        ])
        .into();
        let subject = Subject::of(&account);
        for (name, value) in [
            ("desk", Some("7other8")),
            ("a", None),
            ("a\0b", None),
            ("ab", None),
            ("b", None),
            ("other", None),
            ("8", None),
            ("", None),
        ] {
            assert_eq!(subject.attribute(name), value, "{name:?}");
        }
    }

    /// Each allocation of one fills a class of the allocator, counts of its `Arc` included: 80 and 128 bytes.
    #[test]
    fn it_and_its_session_are_small() {
        assert!(size_of::<Subject>() <= 64, "{}", size_of::<Subject>());
        assert!(size_of::<View>() <= 96, "{}", size_of::<View>());
    }
}
