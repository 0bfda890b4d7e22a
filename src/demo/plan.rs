//! The people of the demo, each showing another state of the policy.

use super::Fault;
use super::layout::{Layout, Report};
use crate::env::Env;
use std::fmt;

/// Who is to be made at the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub accounts: Vec<Account>,
}

/// One account to be made. Its password is nowhere but in `demo.json`.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub login: &'static str,
    pub email: String,
    pub name: &'static str,
    pub groups: &'static [&'static str],
    pub password: String,
    /// What the person is, in a word.
    pub role: &'static str,
    /// What there is to see, in a sentence.
    pub note: &'static str,
    /// The grace period is to be recorded as over, so that two-factor authentication cannot be put off.
    pub grace_is_over: bool,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.login)
    }
}

impl Plan {
    /// With the passwords of an earlier start in this folder, where there was one.
    pub fn load_or_make(layout: &Layout, env: &Env) -> Result<Self, Fault> {
        let earlier = Report::read(layout)?;
        let password = |login: &str| {
            let known = earlier.iter().flat_map(|report| &report.accounts);
            known
                .into_iter()
                .find(|account| account.login == login)
                .map_or_else(|| password(env), |account| account.password.clone())
        };
        Ok(Self {
            accounts: vec![
                Account {
                    login: "aino",
                    email: "aino@northgate.example".to_owned(),
                    name: "Aino Virtanen",
                    groups: &["staff"],
                    password: password("aino"),
                    role: "employee",
                    note: "has no second factor: is reminded after signing in and may put it off, \
                           but not on the way to Payroll",
                    grace_is_over: false,
                },
                Account {
                    login: "mikael",
                    email: "mikael@northgate.example".to_owned(),
                    name: "Mikael Berg",
                    groups: &["finance", "staff"],
                    password: password("mikael"),
                    role: "finance",
                    note: "must enable two-factor authentication now: his group requires it and his \
                           time to put it off is over",
                    grace_is_over: true,
                },
                Account {
                    login: "helena",
                    email: "helena@northgate.example".to_owned(),
                    name: "Helena Lund",
                    groups: &["staff", "support"],
                    password: password("helena"),
                    role: "helpdesk",
                    note: "works at the helpdesk: has a console once her two-factor authentication is on, which \
                           her group requires; she may put it off until the day that the reminder names",
                    grace_is_over: false,
                },
                Account {
                    login: "oskar",
                    email: "oskar@northgate.example".to_owned(),
                    name: "Oskar Dahl",
                    groups: &["staff", "support"],
                    password: password("oskar"),
                    role: "helpdesk",
                    note: "the second agent: approves what takes two",
                    grace_is_over: true,
                },
                Account {
                    login: "ingrid",
                    email: "ingrid@northgate.example".to_owned(),
                    name: "Ingrid Solberg",
                    groups: &["it-admins", "staff"],
                    password: password("ingrid"),
                    role: "administrator",
                    note: "administrator: must enable two-factor authentication now, and has the console then",
                    grace_is_over: true,
                },
            ],
        })
    }
}

/// Letters and digits that nobody mistakes for one another.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Four groups of five, 99 bits: `k7wq4-m2hbx-...`.
fn password(env: &Env) -> String {
    let mut out = String::with_capacity(23);
    let mut letters = 0;
    while letters < 20 {
        for byte in env.random::<32>() {
            // 248 is eight times 31: the rest would favour the first letters
            let letter = ALPHABET.get(usize::from(byte % 31)).filter(|_| byte < 248);
            let Some(letter) = letter.filter(|_| letters < 20) else {
                continue;
            };
            if letters > 0 && letters % 5 == 0 {
                out.push('-');
            }
            out.push(char::from(*letter));
            letters += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::password_rules::{self, Minimum, Person, Rules};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    #[test]
    fn passwords_are_long_readable_and_never_the_same() {
        let env = Env::system();
        let many: BTreeSet<String> = (0..100).map(|_| password(&env)).collect();
        assert_eq!(many.len(), 100);
        let rules = Rules {
            minimum: Minimum::written(Minimum::ALONE),
            blocklist: Arc::default(),
            site: Arc::default(),
        };
        for password in &many {
            let groups: Vec<_> = password.split('-').map(str::len).collect();
            assert_eq!(groups, [5, 5, 5, 5], "{password}");
            let accepted = password_rules::accept(password, &rules, Person::default());
            assert!(accepted.is_ok(), "{password}: {accepted:?}");
        }
        let used: BTreeSet<char> = many.iter().flat_map(|p| p.chars()).collect();
        assert_eq!(used.len(), 32, "all letters come up");
    }

    #[test]
    fn debug_output_has_no_password() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        let plan = Plan::load_or_make(&layout, &Env::system()).unwrap();
        let shown = format!("{plan:?}");
        for account in &plan.accounts {
            assert!(!shown.contains(&account.password));
        }
    }
}
