//! What administrators do to an account besides helping: disable, enable, groups, password reset, deletion.
//!
//! Invariants: nobody here chooses a password for somebody. Who would be given rights, or has some, takes two agents.
//! The last administrator stays one.

use super::act::{Order, Plan, ends_everything};
use super::{Agent, Cannot, Denied, Missing};
use crate::authn::accounts::group_ok;
use crate::authn::{Authn, Fault};
use crate::domain::account::{Account, Status};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::desk::{Act, Permission, Refusal, Role};
use crate::store::{Change, Commit};
use std::collections::BTreeSet;
use std::time::Duration;

/// Between the word and the deed of a deletion.
pub const DELETION_GRACE: Duration = Duration::from_secs(30 * 86_400);

impl Authn {
    /// Giving somebody rights in the console takes two agents, whatever the account has now; a program gives none.
    pub(super) fn stricter(
        &self,
        agent: &Agent,
        order: &Order,
        permission: Permission,
    ) -> Result<Permission, Refusal> {
        let groups = order.parameters.groups.as_ref();
        let gives = groups.is_some_and(|groups| self.gives_role(groups));
        match agent {
            Agent::Person { .. } if gives => Ok(Permission::SecondAgent),
            Agent::Token { .. } if gives => Err(Refusal::HigherRole),
            Agent::Person { .. } | Agent::Token { .. } => Ok(permission),
        }
    }

    /// Whether one of these groups gives a role in the console.
    pub(super) fn gives_role(&self, groups: &BTreeSet<String>) -> bool {
        !self.rules.roles.of(groups).is_empty()
    }

    /// Whether an order of an administrator is complete, and this account one it can be given for.
    pub(super) fn fits_managing(&self, order: &Order, target: &Account) -> Result<(), Denied> {
        match order.act {
            Act::Disable if !target.is_active() => Err(Cannot::Nothing.into()),
            Act::Enable if target.is_active() => Err(Cannot::Nothing.into()),
            Act::Delete if target.history.delete_at.is_some() => Err(Cannot::Nothing.into()),
            Act::SetGroups => match &order.parameters.groups {
                Some(groups) if groups.iter().all(|group| group_ok(group)) => Ok(()),
                Some(_) | None => Err(Missing::Groups.into()),
            },
            _ => Ok(()),
        }
    }

    /// What these acts write.
    pub(super) async fn plan_managing(
        &self,
        order: &Order,
        target: &Account,
    ) -> Result<Result<Plan, Denied>, Fault> {
        let account = target.id;
        let takes_rights = match order.act {
            Act::Disable | Act::Delete => true,
            Act::SetGroups => {
                let groups = order.parameters.groups.clone().unwrap_or_default();
                !self.rules.roles.of(&groups).contains(&Role::Administrator)
            }
            _ => false,
        };
        if takes_rights && self.is_last_administrator(target).await? {
            return Ok(Err(Cannot::LastAdministrator.into()));
        }
        let plan = match order.act {
            Act::Disable => {
                let disable = Change::SetStatus {
                    account,
                    status: Status::Disabled,
                };
                Plan::of(Event::AccountDisabled, ended(disable, target))
            }
            Act::Enable => {
                let changes = vec![
                    Change::PlanDeletion { account, at: None },
                    Change::SetStatus {
                        account,
                        status: Status::Active,
                    },
                ];
                Plan::of(Event::AccountEnabled, changes)
            }
            Act::SetGroups => {
                let groups = order.parameters.groups.clone().unwrap_or_default();
                let set = Change::SetGroups { account, groups };
                Plan::of(Event::GroupsChanged, vec![set])
            }
            Act::Delete => {
                let at = Some(self.env.now().plus(DELETION_GRACE));
                let plan = Change::PlanDeletion { account, at };
                Plan::of(Event::AccountDeletionPlanned, ended(plan, target))
            }
            _ => return Ok(Err(Denied::NotFound)),
        };
        Ok(Ok(plan))
    }

    /// Whether nobody else who may sign in is an administrator.
    async fn is_last_administrator(&self, account: &Account) -> Result<bool, Fault> {
        const PAGE: u32 = 500;
        let is_one = |account: &Account| {
            let roles = self.rules.roles.of(&account.groups);
            account.is_active() && roles.contains(&Role::Administrator)
        };
        if !is_one(account) {
            return Ok(false);
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            if page
                .iter()
                .any(|other| other.id != account.id && is_one(other))
            {
                return Ok(false);
            }
            match page.last() {
                Some(last) => after = Some(last.login.clone()),
                None => return Ok(true),
            }
        }
    }

    /// Removes the accounts whose time of grace is over. Whatever happened to one meanwhile comes first: one that was
    /// enabled again stays.
    pub async fn delete_due(&self) -> Result<(), Fault> {
        const AT_ONCE: u32 = 100;
        loop {
            let now = self.env.now();
            let due = self.store.deletions_due(now, AT_ONCE).await?;
            let mut removed = 0;
            for account in &due {
                let changes = [
                    Change::DeleteAccount {
                        account: account.id,
                        due: now,
                    },
                    Change::Audit(Record {
                        at: now,
                        event: Event::AccountDeleted,
                        account: Some(account.id),
                        actor: Actor::System,
                        place: Place::default(),
                        detail: account.login.clone(),
                    }),
                ];
                if self.store.commit(&changes).await? == Commit::Done {
                    removed += 1;
                    self.sessions.forget_account(account.id);
                }
            }
            if removed == 0 {
                return Ok(());
            }
        }
    }
}

/// The change, and the end of everything that is signed in, is being signed in, or was mailed.
fn ended(change: Change, target: &Account) -> Vec<Change> {
    let links = Change::DropLinksOf { account: target.id };
    std::iter::once(change)
        .chain(ends_everything(target.id))
        .chain([links])
        .collect()
}
