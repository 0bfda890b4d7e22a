//! Acts that take two agents: what waits, and the second one's word.

use super::act::{Order, Outcome, Parameters, detail};
use super::{Agent, Answer, Denied, granted};
use crate::authn::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::desk::{self, Act, Approval, Permission, Refusal};
use crate::domain::id::ApprovalId;
use crate::domain::subject::Subject;
use crate::store::{Change, Commit};

/// A request that waits, with whom it is about and who asks.
#[derive(Clone, Debug)]
pub struct Pending {
    pub approval: Approval,
    pub target: Account,
    pub requested_by: Account,
    /// What it would do besides: the second agent approves this, not only the act.
    pub parameters: Parameters,
    /// Whether the one who looks may approve it.
    pub may_approve: Result<(), Refusal>,
}

/// The second agent's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Approve,
    Decline,
}

impl Authn {
    /// The requests that wait, oldest first.
    pub async fn desk_approvals(&self, agent: &Agent, place: &Place) -> Answer<Vec<Pending>> {
        let me = granted!(self.second_agent(agent, place).await?);
        let mut pending = Vec::new();
        for approval in self.store.approvals(self.env.now()).await? {
            if let Some(found) = self.pending(approval, &me).await? {
                pending.push(found);
            }
        }
        Ok(Ok(pending))
    }

    /// One of them.
    pub async fn desk_approval(
        &self,
        agent: &Agent,
        id: ApprovalId,
        place: &Place,
    ) -> Answer<Pending> {
        let pending = granted!(self.desk_approvals(agent, place).await?);
        let found = pending.into_iter().find(|p| p.approval.id == id);
        Ok(found.ok_or(Denied::NotFound))
    }

    /// Approves a request, which does it, or declines it; each once. Who has asked may take it back.
    pub async fn desk_settle(
        &self,
        agent: &Agent,
        id: ApprovalId,
        asked: Asked,
        place: &Place,
    ) -> Answer<Outcome> {
        let pending = granted!(self.desk_approval(agent, id, place).await?);
        match asked {
            Asked::Approve => self.approve(agent, &pending, place).await,
            Asked::Decline => self.decline(agent, &pending, place).await,
        }
    }

    async fn approve(&self, agent: &Agent, pending: &Pending, place: &Place) -> Answer<Outcome> {
        let Pending {
            approval,
            target,
            requested_by,
            parameters,
            may_approve,
        } = pending;
        let act = approval.act;
        granted!(self.desk_authorise(agent, act, Some(target), place).await?);
        // who asks must still be somebody who may, as things are now
        let still = desk::may(
            &Subject::of(requested_by),
            act,
            Some(target),
            &self.rules.roles,
        )
        .map(|_| ());
        let still = still.and(if requested_by.is_active() {
            *may_approve
        } else {
            Err(Refusal::Role)
        });
        if let Err(refusal) = still {
            let what = format!("approval of {}", act.code());
            self.note_refusal(agent, Some(target), (&what, refusal), place)
                .await?;
            return Ok(Err(Denied::Refusal(refusal)));
        }
        let order = Order {
            act,
            target: target.id,
            case: approval.case.clone(),
            check: approval.check,
            parameters: parameters.clone(),
        };
        let order = granted!(self.fitting(order, target, Permission::SecondAgent));
        let plan = granted!(self.plan(&order, target).await?);
        let record = |event, more: &str| {
            let text = detail(&order, more);
            Change::Audit(self.by(agent, event, Some(target.id), place, text))
        };
        let asked = format!("requested by {}", requested_by.login);
        let mut changes = self.guards(agent, target);
        changes.push(Change::ExpectGroups {
            account: requested_by.id,
            groups: requested_by.groups.clone(),
        });
        changes.push(Change::SettleApproval {
            approval: approval.id,
        });
        changes.push(record(
            Event::ApprovalGranted,
            &format!("{}; {asked}", act.code()),
        ));
        changes.push(record(plan.event, &asked));
        changes.extend(plan.changes);
        if self.store.commit(&changes).await? != Commit::Done {
            return Ok(Err(Denied::Overtaken));
        }
        self.sessions.forget_account(target.id);
        Ok(Ok(Outcome::Done {
            code: plan.code,
            count: plan.count,
        }))
    }

    async fn decline(&self, agent: &Agent, pending: &Pending, place: &Place) -> Answer<Outcome> {
        let Pending {
            approval,
            target,
            requested_by,
            ..
        } = pending;
        let detail = format!(
            "case {}; {}; requested by {}",
            approval.case,
            approval.act.code(),
            requested_by.login
        );
        let record = self.by(
            agent,
            Event::ApprovalDeclined,
            Some(target.id),
            place,
            detail,
        );
        let changes = [
            Change::SettleApproval {
                approval: approval.id,
            },
            Change::Audit(record),
        ];
        Ok(match self.store.commit(&changes).await? {
            Commit::Done => Ok(Outcome::Done {
                code: None,
                count: 0,
            }),
            Commit::Lost(_) => Err(Denied::Overtaken),
        })
    }

    /// Somebody who may be a second agent for something.
    async fn second_agent(&self, agent: &Agent, place: &Place) -> Answer<Subject> {
        granted!(self.desk_authorise(agent, Act::Look, None, place).await?);
        let Agent::Person { view } = agent else {
            return Ok(Err(Denied::Refusal(Refusal::Scope)));
        };
        let Some(me) = self.acting(view.subject.id).await? else {
            return Ok(Err(Denied::Refusal(Refusal::Role)));
        };
        let me = Subject::of(&me);
        let allowed = desk::may(&me, Act::ResetAuthenticator, None, &self.rules.roles);
        if let Err(refusal) = allowed {
            self.note_refusal(agent, None, ("approvals", refusal), place)
                .await?;
            return Ok(Err(Denied::Refusal(refusal)));
        }
        Ok(Ok(me))
    }

    /// `None` where one of the two accounts is gone, and the request with it.
    async fn pending(&self, approval: Approval, me: &Subject) -> Result<Option<Pending>, Fault> {
        let target = self.store.account(approval.target).await?;
        let requested_by = self.store.account(approval.requested_by).await?;
        let (Some(target), Some(requested_by)) = (target, requested_by) else {
            return Ok(None);
        };
        let roles = &self.rules.roles;
        let may_approve =
            desk::may_approve(me, approval.requested_by, approval.act, &target, roles);
        Ok(Some(Pending {
            parameters: serde_json::from_str(&approval.details)?,
            approval,
            target,
            requested_by,
            may_approve,
        }))
    }
}
