//! The console: who may do what to whom. Pure; every verb of the console and of the API asks here.

use super::account::Account;
use super::api_token::{ApiToken, Scope};
use super::assurance::SecondFactor;
use super::id::{AccountId, ApprovalId};
use super::session::Session;
use super::subject::Subject;
use super::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// A role in the console. Ordered by how much it may do to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads the trail and the adoption, changes nothing.
    Auditor,
    /// Finds people and helps them back in.
    Helpdesk,
    /// Manages accounts as well.
    Administrator,
}

impl Role {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Helpdesk => "helpdesk",
            Self::Administrator => "administrator",
        }
    }
}

/// Which groups give which role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    pub helpdesk: BTreeSet<String>,
    pub administrator: BTreeSet<String>,
    pub auditor: BTreeSet<String>,
}

impl Roles {
    /// All roles of somebody in these groups.
    pub fn of(&self, groups: &BTreeSet<String>) -> BTreeSet<Role> {
        [
            (Role::Auditor, &self.auditor),
            (Role::Helpdesk, &self.helpdesk),
            (Role::Administrator, &self.administrator),
        ]
        .into_iter()
        .filter(|(_, of_role)| !of_role.is_disjoint(groups))
        .map(|(role, _)| role)
        .collect()
    }

    /// The highest role of somebody in these groups; `None` for most people.
    pub fn highest(&self, groups: &BTreeSet<String>) -> Option<Role> {
        self.of(groups).last().copied()
    }
}

/// What is done in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Find,
    Look,
    ReadAdoption,
    ReadTrail,
    IssueCode,
    SignOutEverywhere,
    RemoveTrustedDevices,
    ResetAuthenticator,
    Exempt,
    Unlock,
    Disable,
    Enable,
    SetGroups,
    StartPasswordReset,
    Delete,
    Create,
    Import,
}

impl Act {
    pub const ALL: [Self; 17] = [
        Self::Find,
        Self::Look,
        Self::ReadAdoption,
        Self::ReadTrail,
        Self::IssueCode,
        Self::SignOutEverywhere,
        Self::RemoveTrustedDevices,
        Self::ResetAuthenticator,
        Self::Exempt,
        Self::Unlock,
        Self::Disable,
        Self::Enable,
        Self::SetGroups,
        Self::StartPasswordReset,
        Self::Delete,
        Self::Create,
        Self::Import,
    ];

    /// A stable word, also the last part of its address in the console.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Look => "look",
            Self::ReadAdoption => "adoption",
            Self::ReadTrail => "audit",
            Self::IssueCode => "one-time-code",
            Self::SignOutEverywhere => "sign-out",
            Self::RemoveTrustedDevices => "untrust",
            Self::ResetAuthenticator => "reset-authenticator",
            Self::Exempt => "exempt",
            Self::Unlock => "unlock",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::SetGroups => "groups",
            Self::StartPasswordReset => "reset-password",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Import => "import",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.code() == code)
    }

    /// Whether it changes something about one account.
    pub const fn changes_somebody(self) -> bool {
        !matches!(
            self,
            Self::Find
                | Self::Look
                | Self::ReadAdoption
                | Self::ReadTrail
                | Self::Create
                | Self::Import
        )
    }

    /// What a token of the API must be allowed for it; `None`: nothing that a program does.
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Find | Self::Look => Some(Scope::AccountsRead),
            Self::ReadAdoption => Some(Scope::AdoptionRead),
            Self::ReadTrail => Some(Scope::AuditRead),
            Self::IssueCode
            | Self::SignOutEverywhere
            | Self::RemoveTrustedDevices
            | Self::Exempt
            | Self::Unlock => Some(Scope::Helpdesk),
            // takes two agents, and a program is none
            Self::ResetAuthenticator => None,
            Self::Disable
            | Self::Enable
            | Self::SetGroups
            | Self::StartPasswordReset
            | Self::Delete
            | Self::Create
            | Self::Import => Some(Scope::AccountsWrite),
        }
    }

    /// Whether it changes anything at all.
    pub const fn changes_something(self) -> bool {
        self.changes_somebody() || matches!(self, Self::Create | Self::Import)
    }

    /// Whether the agent must say how it was checked who is asking: what opens a way into the account.
    pub const fn asks_check(self) -> bool {
        matches!(
            self,
            Self::IssueCode | Self::ResetAuthenticator | Self::StartPasswordReset
        )
    }

    /// The roles that may do it at all.
    const fn roles(self) -> &'static [Role] {
        match self {
            Self::ReadAdoption | Self::ReadTrail => &[Role::Auditor, Role::Administrator],
            Self::Find | Self::Look => &[Role::Auditor, Role::Helpdesk, Role::Administrator],
            Self::IssueCode
            | Self::SignOutEverywhere
            | Self::RemoveTrustedDevices
            | Self::ResetAuthenticator
            | Self::Exempt
            | Self::Unlock => &[Role::Helpdesk, Role::Administrator],
            Self::Disable
            | Self::Enable
            | Self::SetGroups
            | Self::StartPasswordReset
            | Self::Delete
            | Self::Create
            | Self::Import => &[Role::Administrator],
        }
    }
}

/// Whether an act is done at once or waits for somebody else's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Alone,
    /// A second agent has to approve.
    SecondAgent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this role does not allow it")]
    Role,
    #[error("nobody acts on their own account here")]
    Own,
    #[error("the account has a higher role")]
    HigherRole,
    #[error("the token does not allow it")]
    Scope,
}

/// How long a request waits for a second agent.
pub const APPROVAL_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// May `agent` do this, to `target` where it is done to somebody?
///
/// Acts that change somebody are never for oneself and never for a higher role; the reset of an authenticator,
/// and everything done to somebody who has rights here, takes two agents (SP 800-63B-4 4.2.1).
pub fn may(
    agent: &Subject,
    act: Act,
    target: Option<&Account>,
    roles: &Roles,
) -> Result<Permission, Refusal> {
    let own = roles.of(&agent.groups);
    let fitting = act.roles().iter().filter(|role| own.contains(role)).max();
    let Some(acting_as) = fitting else {
        return Err(Refusal::Role);
    };
    let Some(target) = target.filter(|_| act.changes_somebody()) else {
        return Ok(Permission::Alone);
    };
    if target.id == agent.id {
        return Err(Refusal::Own);
    }
    let theirs = roles.highest(&target.groups);
    if theirs.is_some_and(|theirs| theirs > *acting_as) {
        return Err(Refusal::HigherRole);
    }
    // auditors too: nobody rids themselves alone of who reads what they do
    Ok(if act == Act::ResetAuthenticator || theirs.is_some() {
        Permission::SecondAgent
    } else {
        Permission::Alone
    })
}

/// May a program with this token do this? Never to somebody who has rights here, whatever they are: what takes two
/// agents is nothing for a program.
pub fn may_with_token(
    token: &ApiToken,
    act: Act,
    target: Option<&Account>,
    roles: &Roles,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !act.scope().is_some_and(|scope| token.allows(scope, now)) {
        return Err(Refusal::Scope);
    }
    let target = target.filter(|_| act.changes_somebody());
    if target.is_some_and(|target| roles.highest(&target.groups).is_some()) {
        return Err(Refusal::HigherRole);
    }
    Ok(())
}

/// A second factor is fresh for a shift.
pub const SHIFT: Duration = Duration::from_secs(8 * 3600);
/// Before a change, the agent has confirmed that it is them, no longer ago than this.
pub const CONFIRMED_FOR: Duration = Duration::from_secs(3600);

/// Whether a session may do this: two factors with the app, no recovery code and no trusted device in its place, within
/// the shift; and for a change one of the two anew within the hour (SP 800-63B-4 2.2.3, 4.2.1.2).
pub fn is_confirmed(session: &Session, act: Act, now: Timestamp) -> bool {
    let within = |at: Timestamp, span: Duration| at <= now && now.since(at) < span;
    let by_app = session.factors.second == Some(SecondFactor::Totp);
    let Some(second_at) = session.second_factor_at.filter(|_| by_app) else {
        return false;
    };
    let latest = second_at.max(session.password_at);
    within(second_at, SHIFT) && (!act.changes_something() || within(latest, CONFIRMED_FOR))
}

/// May `approver` be the second agent for what `requested_by` asks?
pub fn may_approve(
    approver: &Subject,
    requested_by: AccountId,
    act: Act,
    target: &Account,
    roles: &Roles,
) -> Result<(), Refusal> {
    if approver.id == requested_by {
        return Err(Refusal::Own);
    }
    may(approver, act, Some(target), roles).map(|_| ())
}

/// How an agent made sure of who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityCheck {
    /// Called back on the number on file.
    Callback,
    /// The manager confirmed.
    Manager,
    /// Saw an ID, in person or by video.
    Id,
}

impl IdentityCheck {
    pub const ALL: [Self; 3] = [Self::Callback, Self::Manager, Self::Id];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Manager => "manager",
            Self::Id => "id",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.code() == code)
    }
}

/// An act that waits for a second agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub id: ApprovalId,
    pub act: Act,
    pub target: AccountId,
    pub requested_by: AccountId,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    /// Case number.
    pub case: String,
    pub check: Option<IdentityCheck>,
    /// What the act needs besides: a date, groups, how a code is handed over; as JSON.
    pub details: String,
}

impl Approval {
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::tests::account;
    use uuid::Uuid;

    fn agent(n: u128, groups: &[&str]) -> Subject {
        Subject::of(&somebody(n, groups))
    }

    fn roles() -> Roles {
        let one = |g: &str| BTreeSet::from([g.to_owned()]);
        Roles {
            helpdesk: one("support"),
            administrator: one("it"),
            auditor: one("security"),
        }
    }

    fn somebody(n: u128, groups: &[&str]) -> Account {
        Account {
            id: AccountId::from_uuid(Uuid::from_u128(n)),
            groups: groups
                .iter()
                .map(|g| (*g).to_owned())
                .collect::<BTreeSet<_>>()
                .into(),
            ..account()
        }
    }

    /// One line an act: what an auditor, an agent and an administrator may do to a person, an auditor, an agent, an
    /// administrator.
    /// `y` alone, `2` with a second agent, `-` not at all.
    #[test]
    fn the_matrix() {
        let expected = [
            (Act::Find, "yyyy yyyy yyyy"),
            (Act::Look, "yyyy yyyy yyyy"),
            (Act::ReadAdoption, "yyyy ---- yyyy"),
            (Act::ReadTrail, "yyyy ---- yyyy"),
            (Act::IssueCode, "---- y22- y222"),
            (Act::SignOutEverywhere, "---- y22- y222"),
            (Act::RemoveTrustedDevices, "---- y22- y222"),
            (Act::ResetAuthenticator, "---- 222- 2222"),
            (Act::Exempt, "---- y22- y222"),
            (Act::Unlock, "---- y22- y222"),
            (Act::Disable, "---- ---- y222"),
            (Act::Enable, "---- ---- y222"),
            (Act::SetGroups, "---- ---- y222"),
            (Act::StartPasswordReset, "---- ---- y222"),
            (Act::Delete, "---- ---- y222"),
            (Act::Create, "---- ---- yyyy"),
            (Act::Import, "---- ---- yyyy"),
        ];
        assert_eq!(expected.map(|(act, _)| act), Act::ALL);
        let agents = ["security", "support", "it"].map(|g| agent(1, &[g]));
        let targets = [
            &["staff"][..],
            &["security"],
            &["support"],
            &["it", "staff"],
        ]
        .map(|g| somebody(2, g));
        for (act, line) in expected {
            let got: Vec<String> = agents
                .iter()
                .map(|agent| {
                    let one = |target: &Account| match may(agent, act, Some(target), &roles()) {
                        Ok(Permission::Alone) => 'y',
                        Ok(Permission::SecondAgent) => '2',
                        Err(_) => '-',
                    };
                    targets.iter().map(one).collect()
                })
                .collect();
            assert_eq!(got.join(" "), line, "{act:?}");
            let nobody = agent(3, &["staff"]);
            assert_eq!(
                may(&nobody, act, Some(&targets[0]), &roles()),
                Err(Refusal::Role)
            );
        }
    }

    #[test]
    fn nobody_acts_on_themselves_or_approves_their_own_request() {
        let own = somebody(1, &["it", "support"]);
        let agent = Subject::of(&own);
        for act in Act::ALL.into_iter().filter(|a| a.changes_somebody()) {
            assert_eq!(
                may(&agent, act, Some(&own), &roles()),
                Err(Refusal::Own),
                "{act:?}"
            );
        }
        let target = somebody(2, &["staff"]);
        let approve = |approver: &Subject| {
            may_approve(
                approver,
                agent.id,
                Act::ResetAuthenticator,
                &target,
                &roles(),
            )
        };
        assert_eq!(approve(&agent), Err(Refusal::Own));
        assert_eq!(approve(&Subject::of(&target)), Err(Refusal::Role));
        assert_eq!(approve(&super::tests::agent(4, &["support"])), Ok(()));
    }

    /// An auditor who is an agent too acts as an agent only where an agent may.
    #[test]
    fn roles_add_up_without_lending_each_other_rank() {
        let both = agent(1, &["security", "support"]);
        assert!(may(&both, Act::ReadTrail, None, &roles()).is_ok());
        let administrator = somebody(2, &["it"]);
        assert_eq!(
            may(&both, Act::IssueCode, Some(&administrator), &roles()),
            Err(Refusal::HigherRole)
        );
    }

    fn session(password: u64, second: Option<(SecondFactor, u64)>) -> Session {
        use crate::domain::assurance::Factors;
        let ago = |seconds| NOW.minus(Duration::from_secs(seconds));
        Session {
            id: crate::domain::id::SessionId::from_uuid(Uuid::from_u128(9)),
            factors: second.map_or(Factors::PASSWORD, |(factor, _)| Factors::with(factor)),
            auth_time: ago(password),
            password_at: ago(password),
            second_factor_at: second.map(|(_, age)| ago(age)),
            expires_at: NOW.plus(Duration::from_secs(60)),
            last_seen_at: NOW,
            trusted_device: None,
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn only_the_app_confirms_and_not_for_ever() {
        use SecondFactor::{EmergencyCode, OneTimeCode, Totp};
        let check = |session: &Session, looks: bool, changes: bool| {
            assert_eq!(is_confirmed(session, Act::Look, NOW), looks, "{session:?}");
            for act in Act::ALL.into_iter().filter(|act| act.changes_something()) {
                assert_eq!(
                    is_confirmed(session, act, NOW),
                    changes,
                    "{act:?} {session:?}"
                );
            }
        };
        check(&session(0, None), false, false);
        check(&session(0, Some((EmergencyCode, 0))), false, false);
        check(&session(0, Some((OneTimeCode, 0))), false, false);
        check(&session(3599, Some((Totp, 3599))), true, true);
        check(&session(3600, Some((Totp, 3600))), true, false);
        // either of the two, anew
        check(&session(0, Some((Totp, 8 * 3600 - 1))), true, true);
        check(&session(0, Some((Totp, 8 * 3600))), false, false);
        // what was proven in the future is not fresh
        let mut ahead = session(0, Some((Totp, 0)));
        ahead.second_factor_at = Some(NOW.plus(Duration::from_secs(1)));
        check(&ahead, false, false);
    }

    #[test]
    fn a_token_does_what_its_scope_says_and_nothing_to_those_with_rights() {
        let token = |scopes: &[Scope]| ApiToken {
            id: crate::domain::id::ApiTokenId::from_uuid(Uuid::from_u128(5)),
            name: "inventory".to_owned(),
            scopes: scopes.iter().copied().collect(),
            created_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(60)),
            last_used_at: None,
        };
        let person = somebody(2, &["staff"]);
        let every = token(&Scope::ALL);
        for act in Act::ALL {
            let allowed = |token: &ApiToken, target: &Account| {
                may_with_token(token, act, Some(target), &roles(), NOW)
            };
            let expected = if act == Act::ResetAuthenticator {
                Err(Refusal::Scope)
            } else {
                Ok(())
            };
            assert_eq!(allowed(&every, &person), expected, "{act:?}");
            assert_eq!(
                allowed(&token(&[]), &person),
                Err(Refusal::Scope),
                "{act:?}"
            );
            let others: Vec<Scope> = Scope::ALL
                .into_iter()
                .filter(|scope| act.scope() != Some(*scope))
                .collect();
            assert_eq!(
                allowed(&token(&others), &person),
                Err(Refusal::Scope),
                "{act:?}"
            );
            for group in ["security", "support", "it"] {
                let privileged = somebody(3, &[group]);
                if act.changes_somebody() {
                    assert!(allowed(&every, &privileged).is_err(), "{act:?} {group}");
                }
            }
        }
        let late = NOW.plus(Duration::from_secs(60));
        assert_eq!(
            may_with_token(&every, Act::Look, None, &roles(), late),
            Err(Refusal::Scope)
        );
    }
}
