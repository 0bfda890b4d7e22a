//! What people were told: each entry is an answer that somebody holds in their hands.

use super::walker::Walker;
use super::world::Person;
use crate::whole::phone::Phone;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// A code that works once.
#[derive(Clone)]
pub(super) enum Once {
    Totp { step: u64, code: String },
    Emergency(String),
    OneTime(String),
}

impl Once {
    /// Its page, its field, and where a right one leads.
    pub(super) const fn door(&self) -> (&'static str, &'static str) {
        match self {
            Self::Totp { .. } => ("/signin/code", "code"),
            Self::Emergency(_) => ("/signin/emergency-code", "emergency"),
            Self::OneTime(_) => ("/signin/one-time-code", "otc"),
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Totp { code, .. } | Self::Emergency(code) | Self::OneTime(code) => code,
        }
    }
}

/// A code that was sent, and whether somebody was told that it was right.
pub(super) struct Use {
    pub(super) person: Person,
    pub(super) once: Once,
    pub(super) told: bool,
    /// With which the person can come in afterwards.
    pub(super) phone: Option<Phone>,
}

/// A session that somebody was told is over.
#[derive(Clone)]
pub(super) struct Revoked {
    pub(super) person: Person,
    pub(super) walker: Walker,
    pub(super) at: Instant,
    pub(super) why: &'static str,
}

#[derive(Default)]
pub(super) struct Entries {
    /// Sessions that were given out and not taken back.
    pub(super) inside: Vec<(String, Walker)>,
    pub(super) revoked: Vec<Revoked>,
    pub(super) uses: Vec<Use>,
    pub(super) postponed: Vec<Person>,
    pub(super) bound: Vec<Person>,
    pub(super) codes_shown: Vec<(Person, Vec<String>)>,
    pub(super) disabled: Vec<Person>,
    pub(super) reset: Vec<Person>,
    pub(super) groups: Vec<(Person, String)>,
    pub(super) issued: Vec<Person>,
    /// Everybody of the round, whatever became of them.
    pub(super) people: Vec<Person>,
    pub(super) kinds: BTreeMap<&'static str, u64>,
    pub(super) violations: Vec<String>,
}

#[derive(Default)]
pub(super) struct Ledger(Mutex<Entries>);

impl Ledger {
    /// An answer that says it is done.
    pub(super) fn told(&self, kind: &'static str, entry: impl FnOnce(&mut Entries)) {
        let mut entries = self.0.lock();
        *entries.kinds.entry(kind).or_default() += 1;
        entry(&mut entries);
    }

    /// Something to be known that nobody was told.
    pub(super) fn note(&self, entry: impl FnOnce(&mut Entries)) {
        entry(&mut self.0.lock());
    }

    pub(super) fn inside(&self, person: &Person, walker: Walker) {
        let login = person.login.clone();
        self.told("sign-ins", |e| e.inside.push((login, walker)));
    }

    pub(super) fn revoked(&self, kind: &'static str, person: &Person, walker: Walker) {
        let revoked = Revoked {
            person: person.clone(),
            walker,
            at: Instant::now(),
            why: kind,
        };
        self.told(kind, |e| e.revoked.push(revoked));
    }

    pub(super) fn revoked_by_now(&self) -> Vec<Revoked> {
        self.0.lock().revoked.clone()
    }

    pub(super) fn violation(&self, what: String) {
        self.note(|e| e.violations.push(what));
    }

    pub(super) fn close(&self) -> Entries {
        std::mem::take(&mut *self.0.lock())
    }
}
