//! Sessions made for load tests, without password and code: who they may be for, and what they are.
//!
//! A back door, so it is a narrow one: closed unless the configuration opens it, for accounts whose login begins as
//! the configuration says, for none that has a role in the console. [`Allowance::new`] and [`Allowance::session`] are
//! the only ways to such a session.

use super::account::Account;
use super::assurance::{Factors, SecondFactor};
use super::desk::Roles;
use super::id::SessionId;
use super::session::{Beginning, Record, Rules, Session};
use super::timestamp::Timestamp;
use std::time::Duration;

/// Most sessions made at once.
pub const MOST: u32 = 100_000;

/// What lists of sessions show in place of a browser.
pub const USER_AGENT: &str = "vestibule session mint";

/// Why no session is made. Each says what to do.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error(
        "sessions can be made only where the configuration has `load_testing: {{ account_prefix: load- }}`; it has not"
    )]
    Closed,
    #[error(
        "--account-prefix must be `{configured}` or begin with it, as `load_testing.account_prefix` says; it is `{asked}`"
    )]
    Prefix { configured: String, asked: String },
    #[error("--count: {0}; from 1 to 100,000")]
    Count(u32),
    #[error("--ttl must be at least a second and at most `sessions.lifetime`, {} s here", .0.as_secs())]
    TimeToLive(Duration),
    #[error(
        "`{0}` has a role in the console: for such an account nobody makes a session, nor for others while it has this \
         name; take it out of the group that gives the role, or write a longer --account-prefix"
    )]
    Role(String),
    #[error(
        "no account that may sign in has a login that begins with `{0}`; make some with `vestibule account add {0}1 \
         --no-password` or `vestibule account import`"
    )]
    Nobody(String),
}

/// The right to make sessions for accounts of one prefix.
#[derive(Clone, Debug)]
pub struct Allowance {
    prefix: String,
    lifetime: Duration,
}

impl Allowance {
    /// `configured`: `load_testing.account_prefix`. Only the same or a longer prefix is allowed, and no session that
    /// lives longer than others.
    pub fn new(
        configured: Option<&str>,
        asked: &str,
        (count, lifetime): (u32, Duration),
        rules: &Rules,
    ) -> Result<Self, Refusal> {
        let configured = configured
            .filter(|c| !c.is_empty())
            .ok_or(Refusal::Closed)?;
        if !asked.starts_with(configured) {
            return Err(Refusal::Prefix {
                configured: configured.to_owned(),
                asked: asked.to_owned(),
            });
        }
        if !(1..=MOST).contains(&count) {
            return Err(Refusal::Count(count));
        }
        if lifetime < Duration::from_secs(1) || lifetime > rules.lifetime {
            return Err(Refusal::TimeToLive(rules.lifetime));
        }
        Ok(Self {
            prefix: asked.to_owned(),
            lifetime,
        })
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether sessions may be made for this account. One with a role is a refusal for all of them: a name like that is
    /// a mistake or an attack, and either is to be heard of.
    pub fn covers(&self, account: &Account, roles: &Roles) -> Result<bool, Refusal> {
        if !account.login.starts_with(&self.prefix) {
            return Ok(false);
        }
        if !roles.of(&account.groups).is_empty() {
            return Err(Refusal::Role(account.login.clone()));
        }
        Ok(account.is_active())
    }

    /// A session of two factors for an account that is covered; the caller commits it against the groups that were
    /// looked at. The second factor is one that somebody else issued: it opens applications, and neither the console
    /// nor the account's own settings, for which the password is too old as well.
    pub fn session(&self, id: SessionId, account: &Account, now: Timestamp) -> Record {
        let session = Session {
            id,
            factors: Factors::with(SecondFactor::OneTimeCode),
            auth_time: now,
            password_at: Timestamp::from_seconds(0),
            second_factor_at: Some(now),
            expires_at: now.plus(self.lifetime),
            last_seen_at: now,
            trusted_device: None,
        };
        Record {
            account: account.id,
            session,
            begun: Beginning {
                address: None,
                user_agent: Some(USER_AGENT.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::assurance::Assurance;
    use crate::domain::policy::tests::{NOW, account};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    const RULES: Rules = Rules {
        idle: Duration::from_secs(900),
        lifetime: Duration::from_secs(36_000),
    };
    const HOUR: Duration = Duration::from_secs(3600);

    fn allowance(configured: Option<&str>, asked: &str) -> Result<Allowance, Refusal> {
        Allowance::new(configured, asked, (1, HOUR), &RULES)
    }

    #[test]
    fn only_where_it_is_configured_and_for_no_wider_prefix() {
        for (configured, asked, fine) in [
            (Some("load-"), "load-", true),
            (Some("load-"), "load-a", true),
            (Some("load-"), "load", false),
            (Some("load-"), "", false),
            (Some("load-"), "Load-", false),
            (Some("load-"), "aload-", false),
            (Some("load-"), "ｌｏａｄ-", false),
            (Some(""), "load-", false),
            (Some(""), "", false),
            (None, "load-", false),
            (None, "", false),
        ] {
            assert_eq!(
                allowance(configured, asked).is_ok(),
                fine,
                "{configured:?} {asked}"
            );
        }
    }

    #[test]
    fn not_endless_in_number_and_time() {
        let day = Duration::from_secs(86_400);
        for (count, lifetime, fine) in [
            (1, HOUR, true),
            (MOST, RULES.lifetime, true),
            (0, HOUR, false),
            (MOST + 1, HOUR, false),
            (1, day, false),
            (1, Duration::ZERO, false),
            (1, Duration::from_millis(999), false),
        ] {
            let made = Allowance::new(Some("load-"), "load-", (count, lifetime), &RULES);
            assert_eq!(made.is_ok(), fine, "{count} {lifetime:?}");
        }
    }

    #[test]
    fn nobody_with_a_role_or_another_name() {
        let allowance = allowance(Some("load-"), "load-").unwrap();
        let group = |name: &str| BTreeSet::from([name.to_owned()]);
        let roles = Roles {
            helpdesk: group("support"),
            administrator: group("it"),
            auditor: group("security"),
        };
        let check = |login: &str, groups: &str, status: Status, want: Option<bool>| {
            let account = Account {
                login: login.to_owned(),
                groups: group(groups).into(),
                status,
                ..account()
            };
            assert_eq!(
                allowance.covers(&account, &roles).ok(),
                want,
                "{login} {groups}"
            );
        };
        check("load-1", "staff", Status::Active, Some(true));
        check("load-1", "staff", Status::Disabled, Some(false));
        check("aino", "staff", Status::Active, Some(false));
        check("aino", "it", Status::Active, Some(false));
        check("LOAD-1", "staff", Status::Active, Some(false));
        check("xload-1", "staff", Status::Active, Some(false));
        for role in ["support", "it", "security"] {
            check("load-1", role, Status::Active, None);
            check("load-1", role, Status::Disabled, None);
        }
    }

    #[test]
    fn a_session_that_opens_applications_and_nothing_of_ours() {
        let allowance = allowance(Some("load-"), "load-").unwrap();
        let id = SessionId::from_uuid(Uuid::nil());
        let Record {
            account: whose,
            session,
            ..
        } = allowance.session(id, &account(), NOW);
        assert_eq!(whose, account().id);
        assert_eq!(session.assurance(), Assurance::Aal2);
        assert_ne!(session.factors.second, Some(SecondFactor::Totp));
        assert!(NOW.since(session.password_at) > Duration::from_secs(365 * 86_400));
        assert_eq!(session.expires_at, NOW.plus(HOUR));
        assert!(session.is_live(&RULES, NOW));
        assert!(!session.is_live(&RULES, NOW.plus(HOUR)));
    }
}
