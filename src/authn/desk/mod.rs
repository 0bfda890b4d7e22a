//! The console's use cases: who acts, whether they may, and what is written down of it.
//!
//! The rules are the domain's (`domain::desk`). Every verb of the console and of its API passes
//! [`Authn::desk_authorise`], with what the store says of the agent at that moment, and every refusal is in the trail.
//!
//! Invariants: nobody acts on their own account; a change to somebody, its audit record and its mail are one
//! transaction, and it is guarded by the groups that it was allowed for; a code is in the answer it was asked for in, or in
//! a sealed mail, and nowhere else.

mod act;
mod approvals;
mod find;
mod import;
mod list;
mod manage;
mod newcomers;
mod trail;

pub(super) use act::ends_everything;
pub use act::{
    CONTACT_SETTLES, Issued, MAILED_CODE_LIFETIME, MOST_EXEMPT, Order, Outcome, Parameters,
    SHOWN_CODE_LIFETIME, Send,
};
pub use approvals::{Asked, Pending};
pub use find::{FEWEST_CHARACTERS, Found, Looked, MOST_ROWS, Match};
pub use import::{ImportRow, Imported, MOST_BYTES, MOST_LINES, Unfit as UnfitImport};
pub use list::{Listed, MOST_LISTED, MOST_MATCHES, Unlisted, Waiting};
pub use manage::DELETION_GRACE;
pub use newcomers::{Begins, Created, INITIAL_LIFETIME, Newcomer, Unfit};
pub use trail::{Export, Question, Shown, TrailPage};

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::desk::{self, Act, Permission, Refusal};
use crate::domain::id::AccountId;
use crate::domain::session::View;
use crate::domain::subject::Subject;
use crate::domain::throttle::{Bucket, Kind};
use crate::domain::timestamp::Timestamp;
use crate::store::Change;
use std::sync::Arc;

/// Who acts: somebody in the console, or a program with a token of the API.
#[derive(Clone, Debug)]
pub enum Agent {
    Person { view: Arc<View> },
    Token { token: ApiToken },
}

impl Agent {
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person { view } => Actor::Agent(view.subject.id),
            Self::Token { token } => Actor::Token(token.id),
        }
    }

    /// What counts the one-time codes this agent issues.
    fn quota(&self) -> Bucket {
        let id = match self {
            Self::Person { view } => view.subject.id.uuid(),
            Self::Token { token } => token.id.uuid(),
        };
        Bucket::new(Kind::Agent, id.as_bytes())
    }
}

/// What is missing from an order, or does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The case number.
    Case,
    /// How the agent made sure who is asking.
    Check,
    /// How the code is handed over.
    Send,
    /// The date: not there, in the past, or too far away.
    Until,
    /// The groups, or one of them is no name of a group.
    Groups,
    /// Fewer characters than a search takes.
    Query,
}

/// Why it cannot be done to this account, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cannot {
    /// The account may not sign in.
    Inactive,
    /// There is nothing a one-time code would be asked for.
    NothingToProve,
    /// No e-mail address, or no mail server.
    NoMail,
    /// The address is too new to be believed.
    ContactChanged,
    /// What two agents do is mailed and shown to neither.
    OnlyByMail,
    /// There is no authenticator, device or session it would touch, or it is so already.
    Nothing,
    /// Nobody would be left to manage accounts.
    LastAdministrator,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    Refusal(Refusal),
    /// The agent has to show the second factor anew.
    NotConfirmed,
    /// Too many one-time codes within the hour.
    Quota {
        until: Timestamp,
    },
    /// There is no such account or request.
    NotFound,
    Missing(Missing),
    Cannot(Cannot),
    /// Somebody else was first, or the account has changed meanwhile: nothing was done.
    Overtaken,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Missing> for Denied {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<Cannot> for Denied {
    fn from(cannot: Cannot) -> Self {
        Self::Cannot(cannot)
    }
}

/// An answer of the console: a refusal is a value.
pub type Answer<T> = Result<Result<T, Denied>, Fault>;

/// Goes on with what was answered, or ends with the refusal.
macro_rules! granted {
    ($answer:expr) => {
        match $answer {
            Ok(value) => value,
            Err(denied) => return Ok(Err(denied.into())),
        }
    };
}
pub(crate) use granted;

impl Authn {
    /// May this agent do this, to `target` where it is done to somebody? Judged by what the store says of the agent
    /// now. Who may not is written down; who only has to confirm is not.
    pub async fn desk_authorise(
        &self,
        agent: &Agent,
        act: Act,
        target: Option<&Account>,
        place: &Place,
    ) -> Answer<Permission> {
        let verdict = self.verdict(agent, act, target).await?;
        if let Err(Denied::Refusal(refusal)) = verdict {
            self.note_refusal(agent, target, (act.code(), refusal), place)
                .await?;
        }
        Ok(verdict)
    }

    /// Writes down that somebody was refused something.
    async fn note_refusal(
        &self,
        agent: &Agent,
        target: Option<&Account>,
        (what, refusal): (&str, Refusal),
        place: &Place,
    ) -> Result<(), Fault> {
        let detail = format!("{what}: {refusal}");
        let account = target.map(|target| target.id);
        let record = self.by(agent, Event::DeskRefused, account, place, detail);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        Ok(())
    }

    async fn verdict(
        &self,
        agent: &Agent,
        act: Act,
        target: Option<&Account>,
    ) -> Answer<Permission> {
        let (roles, now) = (&self.rules.roles, self.env.now());
        let view = match agent {
            Agent::Person { view } => view,
            Agent::Token { token } => {
                let allowed = desk::may_with_token(token, act, target, roles, now);
                return Ok(allowed.map(|()| Permission::Alone).map_err(Denied::Refusal));
            }
        };
        let Some(me) = self.acting(view.subject.id).await? else {
            return Ok(Err(Denied::Refusal(Refusal::Role)));
        };
        let me = Subject::of(&me);
        // the role first: who has none learns nothing, not even that a code would help
        if let Err(refusal) = desk::may(&me, act, None, roles) {
            return Ok(Err(Denied::Refusal(refusal)));
        }
        if !me.has_second_factor() || !desk::is_confirmed(&view.session, act, now) {
            return Ok(Err(Denied::NotConfirmed));
        }
        Ok(desk::may(&me, act, target, roles).map_err(Denied::Refusal))
    }

    /// An agent's account as the store has it, where it may act at all.
    async fn acting(&self, agent: AccountId) -> Result<Option<Account>, Fault> {
        let account = self.store.account(agent).await?;
        Ok(account.filter(Account::is_active))
    }

    /// A record of something that an agent did.
    pub(super) fn by(
        &self,
        agent: &Agent,
        event: Event,
        account: Option<AccountId>,
        place: &Place,
        detail: String,
    ) -> Record {
        Record {
            at: self.env.now(),
            event,
            account,
            actor: agent.actor(),
            place: place.clone(),
            detail,
        }
    }
}

/// Typed by an agent, for the trail: trimmed, without control characters, at most 64 characters; `None` where nothing
/// is left.
fn plain(typed: &str) -> Option<String> {
    let clean: String = typed.chars().filter(|c| !c.is_control()).collect();
    let text: String = clean.trim().chars().take(64).collect();
    (!text.is_empty()).then_some(text)
}
