//! What is done to somebody: checked, made up as one transaction, and either done or left to a second agent.

use super::{Agent, Answer, Cannot, Denied, Missing, granted, plain};
use crate::authn::lanes::{Guessed, begins_anew};
use crate::authn::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Event, Place};
use crate::domain::binding::EnrolmentProof;
use crate::domain::desk::{APPROVAL_LIFETIME, Act, Approval, IdentityCheck, Permission};
use crate::domain::id::{AccountId, ApprovalId};
use crate::domain::letter::{DeskAct, Matter};
use crate::domain::throttle::{Admission, Bucket, Rule};
use crate::domain::timestamp::Timestamp;
use crate::store::{Change, Commit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Told by voice or chat: ten minutes (SP 800-63B-4 4.2.1.2).
pub const SHOWN_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Sent to the address on file: a day (SP 800-63B-4 4.2.1.2).
pub const MAILED_CODE_LIFETIME: Duration = DAY;
/// An address that changed this recently is not sent a code.
pub const CONTACT_SETTLES: Duration = Duration::from_secs(7 * 86_400);
/// Nobody is let off for longer.
pub const MOST_EXEMPT: Duration = Duration::from_secs(90 * 86_400);

/// One-time codes of one agent: five, then a rest of an hour, so that no hour has more than five.
const QUOTA: Rule = Rule {
    free: 5,
    then: 5,
    first_pause: Duration::from_secs(3600),
    longest_pause: Duration::from_secs(3600),
    forget_after: Duration::from_secs(3600),
    exhausted_after: None,
};

/// How a one-time code reaches the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Send {
    /// To the address on file; the agent never sees it.
    Email,
    /// Shown to the agent once.
    Show,
}

impl Send {
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "email" => Some(Self::Email),
            "show" => Some(Self::Show),
            _ => None,
        }
    }
}

/// What an act needs besides who, why and how it was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Of a one-time code.
    pub send: Option<Send>,
    /// Of an exemption: its last moment.
    pub until: Option<Timestamp>,
    /// Of a change of groups: all groups afterwards.
    pub groups: Option<BTreeSet<String>>,
}

/// Something to be done to an account.
#[derive(Clone, Debug)]
pub struct Order {
    pub act: Act,
    pub target: AccountId,
    /// As typed.
    pub case: String,
    pub check: Option<IdentityCheck>,
    pub parameters: Parameters,
}

/// A one-time code for the one who asked for it. No `Clone`, and its `Debug` does not tell it.
pub struct Issued {
    /// To be told once; `None` where it was mailed.
    pub code: Option<zeroize::Zeroizing<String>>,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued")
    }
}

/// How an act went.
#[derive(Debug)]
pub enum Outcome {
    /// `count`: how many sessions or devices it touched.
    Done { code: Option<Issued>, count: usize },
    /// Waits for a second agent.
    Waiting(Approval),
}

/// An act as one transaction.
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) code: Option<Issued>,
    pub(super) count: usize,
    pub(super) event: Event,
}

impl Plan {
    pub(super) fn of(event: Event, changes: Vec<Change>) -> Self {
        Self {
            changes,
            code: None,
            count: 0,
            event,
        }
    }
}

impl Authn {
    /// Does something to an account, or leaves it to a second agent.
    pub async fn desk_act(&self, agent: &Agent, order: Order, place: &Place) -> Answer<Outcome> {
        let target = self.store.account(order.target).await?;
        let permission = self
            .desk_authorise(agent, order.act, target.as_ref(), place)
            .await?;
        let permission = granted!(permission);
        let Some(target) = target else {
            return Ok(Err(Denied::NotFound));
        };
        let permission = granted!(self.stricter(agent, &order, permission));
        let order = granted!(self.fitting(order, &target, permission));
        let quota = match order.act {
            Act::IssueCode => Some(granted!(self.count_code_of(agent).await?)),
            _ => None,
        };
        let outcome = match permission {
            Permission::Alone => self.do_at_once(agent, &order, &target, place).await,
            Permission::SecondAgent => self.request(agent, &order, &target, place).await,
        };
        if let (Ok(Err(_)) | Err(_), Some(bucket)) = (&outcome, quota) {
            let _ = self.store.commit(&[Change::ForgiveOne(bucket)]).await?;
        }
        outcome
    }

    async fn do_at_once(
        &self,
        agent: &Agent,
        order: &Order,
        target: &Account,
        place: &Place,
    ) -> Answer<Outcome> {
        let plan = granted!(self.plan(order, target).await?);
        let detail = detail(order, "");
        let record = self.by(agent, plan.event, Some(target.id), place, detail);
        let changes = self
            .guards(agent, target)
            .into_iter()
            .chain(plan.changes)
            .chain([Change::Audit(record)])
            .collect::<Vec<_>>();
        if self.store.commit(&changes).await? != Commit::Done {
            return Ok(Err(Denied::Overtaken));
        }
        self.sessions.forget_account(target.id);
        Ok(Ok(Outcome::Done {
            code: plan.code,
            count: plan.count,
        }))
    }

    /// Leaves it to a second agent.
    async fn request(
        &self,
        agent: &Agent,
        order: &Order,
        target: &Account,
        place: &Place,
    ) -> Answer<Outcome> {
        let Agent::Person { view } = agent else {
            return Ok(Err(crate::domain::desk::Refusal::Scope.into()));
        };
        let now = self.env.now();
        let approval = Approval {
            id: ApprovalId::from_uuid(self.env.uuid()),
            act: order.act,
            target: target.id,
            requested_by: view.subject.id,
            requested_at: now,
            expires_at: now.plus(APPROVAL_LIFETIME),
            case: order.case.clone(),
            check: order.check,
            details: serde_json::to_string(&order.parameters)?,
        };
        let detail = detail(order, order.act.code());
        let record = self.by(
            agent,
            Event::ApprovalRequested,
            Some(target.id),
            place,
            detail,
        );
        let changes = self
            .guards(agent, target)
            .into_iter()
            .chain([
                Change::RequestApproval(approval.clone()),
                Change::Audit(record),
            ])
            .collect::<Vec<_>>();
        Ok(match self.store.commit(&changes).await? {
            Commit::Done => Ok(Outcome::Waiting(approval)),
            Commit::Lost(_) => Err(Denied::Overtaken),
        })
    }

    /// What must still hold when it is written: the agent's groups and the target's are those that were judged.
    pub(super) fn guards(&self, agent: &Agent, target: &Account) -> Vec<Change> {
        let of = |account: AccountId, groups: &Arc<_>| Change::ExpectGroups {
            account,
            groups: Arc::clone(groups),
        };
        let own = match agent {
            Agent::Person { view } => Some(of(view.subject.id, &view.subject.groups)),
            Agent::Token { .. } => None,
        };
        let theirs = of(target.id, &target.groups);
        own.into_iter().chain([theirs]).collect()
    }

    /// The order with its case as it is written down, if everything it needs is there and the account is one it can
    /// be done to.
    pub(super) fn fitting(
        &self,
        order: Order,
        target: &Account,
        permission: Permission,
    ) -> Result<Order, Denied> {
        let case = plain(&order.case).ok_or(Missing::Case)?;
        if order.act.asks_check() && order.check.is_none() {
            return Err(Missing::Check.into());
        }
        match order.act {
            Act::IssueCode => self.fits_code(order.parameters.send, target, permission)?,
            Act::ResetAuthenticator if !target.has_second_factor() => {
                return Err(Cannot::Nothing.into());
            }
            Act::StartPasswordReset if !target.is_active() => return Err(Cannot::Inactive.into()),
            Act::StartPasswordReset => self.may_mail_code(target)?,
            Act::Exempt if target.has_second_factor() => return Err(Cannot::Nothing.into()),
            Act::Exempt => {
                let now = self.env.now();
                let furthest = now.plus(MOST_EXEMPT).end_of_day();
                let fits = |until: &Timestamp| now < *until && *until <= furthest;
                order.parameters.until.filter(fits).ok_or(Missing::Until)?;
            }
            _ => self.fits_managing(&order, target)?,
        }
        Ok(Order { case, ..order })
    }

    fn fits_code(
        &self,
        send: Option<Send>,
        target: &Account,
        permission: Permission,
    ) -> Result<(), Denied> {
        let asks_proof = self.rules.enrolment_proof != EnrolmentProof::None;
        if !target.is_active() {
            return Err(Cannot::Inactive.into());
        }
        if !target.has_second_factor() && !asks_proof {
            return Err(Cannot::NothingToProve.into());
        }
        match (send.ok_or(Missing::Send)?, permission) {
            (Send::Show, Permission::Alone) => Ok(()),
            (Send::Show, Permission::SecondAgent) => Err(Cannot::OnlyByMail.into()),
            (Send::Email, _) => self.may_mail_code(target).map_err(Denied::from),
        }
    }

    /// Whether a code may go to the address on file: there is one, and it is not new.
    pub fn may_mail_code(&self, target: &Account) -> Result<(), Cannot> {
        if target.email.is_none() || !self.rules.mails {
            return Err(Cannot::NoMail);
        }
        match target.history.contact_changed_at {
            Some(at) if self.env.now().since(at) < CONTACT_SETTLES => Err(Cannot::ContactChanged),
            _ => Ok(()),
        }
    }

    async fn count_code_of(&self, agent: &Agent) -> Answer<Bucket> {
        let bucket = agent.quota();
        let admission = self
            .store
            .count_try(&[(bucket, QUOTA)], self.env.now())
            .await?;
        Ok(match admission {
            Admission::Admitted { .. } => Ok(bucket),
            Admission::Paused { until } => Err(Denied::Quota { until }),
        })
    }

    /// Everything an act writes, but for the audit record.
    pub(super) async fn plan(&self, order: &Order, target: &Account) -> Answer<Plan> {
        let account = target.id;
        let plan = match order.act {
            Act::IssueCode => return self.plan_code(order, target).await.map(Ok),
            Act::SignOutEverywhere => {
                let now = self.env.now();
                let open = self.store.sessions_of(Some(account), now, 1000).await?;
                let mut plan = Plan::of(Event::SessionRevoked, ends_everything(account));
                plan.count = open.len();
                plan
            }
            Act::RemoveTrustedDevices => {
                let now = self.env.now();
                let devices = self.store.devices_of(account).await?;
                let untrust = Change::UntrustDevicesOf { account };
                let mut plan = Plan::of(Event::DeviceRemoved, vec![untrust]);
                plan.count = devices.iter().filter(|d| d.is_trusted(now)).count();
                plan
            }
            Act::ResetAuthenticator => {
                let mut changes = vec![
                    Change::RemoveSecondFactor { account },
                    Change::RemoveDevicesOf { account },
                    begins_anew(account, Guessed::Code),
                ];
                changes.extend(ends_everything(account));
                Plan::of(Event::AuthenticatorReset, changes)
            }
            Act::Exempt => {
                let until = order.parameters.until;
                let change = Change::Exempt { account, until };
                Plan::of(Event::Exempted, vec![change])
            }
            Act::Unlock => Plan::of(Event::Unlocked, self.unlock_changes(account).await?),
            Act::StartPasswordReset => match self.reset_by_desk(target)? {
                Some(changes) => Plan::of(Event::ResetRequested, changes),
                None => return Ok(Err(Cannot::NoMail.into())),
            },
            Act::Disable | Act::Enable | Act::SetGroups | Act::Delete => {
                granted!(self.plan_managing(order, target).await?)
            }
            // not done to somebody, or not here
            Act::Find
            | Act::Look
            | Act::ReadAdoption
            | Act::ReadTrail
            | Act::Create
            | Act::Import => return Ok(Err(Denied::NotFound)),
        };
        let matter = letter_of(order.act).map(|act| Matter::DeskAction {
            act,
            case: Some(order.case.clone()),
        });
        self.with_letter(plan, target, matter).map(Ok)
    }

    fn with_letter(
        &self,
        mut plan: Plan,
        target: &Account,
        matter: Option<Matter>,
    ) -> Result<Plan, Fault> {
        if let Some(matter) = matter {
            plan.changes.extend(self.letter(target, matter, None)?);
        }
        Ok(plan)
    }

    async fn plan_code(&self, order: &Order, target: &Account) -> Result<Plan, Fault> {
        let shows = order.parameters.send == Some(Send::Show);
        let lifetime = if shows {
            SHOWN_CODE_LIFETIME
        } else {
            MAILED_CODE_LIFETIME
        };
        let expires_at = self.env.now().plus(lifetime);
        let (text, code) = self.new_one_time_code(expires_at).await?;
        let case = order.case.clone();
        let issue = Change::IssueOneTimeCode {
            account: target.id,
            code,
        };
        let mut plan = Plan::of(Event::OneTimeCodeIssued, vec![issue]);
        let (shown, matter) = if shows {
            (Some(text), Matter::OneTimeCodeShown { case: Some(case) })
        } else {
            let matter = Matter::OneTimeCode {
                code: text.to_string(),
                until: expires_at,
                case: Some(case),
            };
            (None, matter)
        };
        plan.code = Some(Issued {
            code: shown,
            expires_at,
        });
        self.with_letter(plan, target, Some(matter))
    }
}

/// Nothing of the account's is signed in any more, or about to be.
pub(in crate::authn) fn ends_everything(account: AccountId) -> Vec<Change> {
    vec![
        Change::EndSessionsOf {
            account,
            except: None,
        },
        Change::DropAttemptsOf {
            account,
            except: None,
        },
    ]
}

const fn letter_of(act: Act) -> Option<DeskAct> {
    match act {
        Act::SignOutEverywhere => Some(DeskAct::SignedOutEverywhere),
        Act::RemoveTrustedDevices => Some(DeskAct::TrustedDevicesRemoved),
        Act::ResetAuthenticator => Some(DeskAct::AuthenticatorReset),
        Act::Exempt => Some(DeskAct::Exempted),
        Act::Unlock => Some(DeskAct::Unlocked),
        Act::Disable => Some(DeskAct::Disabled),
        Act::Enable => Some(DeskAct::Enabled),
        Act::SetGroups => Some(DeskAct::GroupsChanged),
        Act::StartPasswordReset => Some(DeskAct::PasswordReset),
        Act::Delete => Some(DeskAct::DeletionPlanned),
        // has letters of its own, or is done to nobody
        Act::IssueCode
        | Act::Find
        | Act::Look
        | Act::ReadAdoption
        | Act::ReadTrail
        | Act::Create
        | Act::Import => None,
    }
}

/// What the trail says of an order: why, how it was checked, and what it was.
pub(super) fn detail(order: &Order, more: &str) -> String {
    let check = order
        .check
        .map(|check| format!("checked: {}", check.code()));
    let send = order.parameters.send.map(|send| match send {
        Send::Email => "code sent by e-mail".to_owned(),
        Send::Show => "code shown to the agent".to_owned(),
    });
    let until = order.parameters.until.map(|until| format!("until {until}"));
    let groups = order.parameters.groups.as_ref().map(|groups| {
        let names: Vec<&str> = groups.iter().map(String::as_str).collect();
        format!("groups: {}", names.join(", "))
    });
    let more = (!more.is_empty()).then(|| more.to_owned());
    [
        Some(format!("case {}", order.case)),
        check,
        send,
        until,
        groups,
        more,
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}
