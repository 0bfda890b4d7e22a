//! Finding somebody, and looking at their account. Both are in the trail.

use super::{Agent, Answer, Denied, Missing, granted};
use crate::authn::Authn;
use crate::domain::account::Account;
use crate::domain::adoption::{self, Figures, Standing};
use crate::domain::audit::{Event, Logged, Place};
use crate::domain::desk::{self, Act, Approval, Permission};
use crate::domain::id::AccountId;
use crate::domain::throttle::{Bucket, Kind};
use crate::domain::timestamp::Timestamp;
use crate::store::{AuditFilter, Change};

/// Shorter searches would list everybody.
pub const FEWEST_CHARACTERS: usize = 3;
/// Longest search, in characters.
const MOST_CHARACTERS: usize = 254;
/// Rows shown.
pub const MOST_ROWS: usize = 50;
/// Matches counted by standing; beyond them the figures are a lower bound.
const MOST_COUNTED: u32 = 1000;
/// Records of the trail beside an account.
const MOST_RECORDS: u32 = 10;
/// Sessions counted.
const MOST_SESSIONS: u32 = 1000;

/// An account that a search has found.
#[derive(Clone, Debug)]
pub struct Match {
    pub account: Account,
    pub standing: Standing,
    /// The last moment to put it off, where there is one.
    pub deadline: Option<Timestamp>,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Found {
    /// At most [`MOST_ROWS`], of the standing asked for.
    pub matches: Vec<Match>,
    /// All matches by standing.
    pub figures: Figures,
    /// There are more than were counted.
    pub more: bool,
}

/// An account as the console shows it: never a secret, never a hash.
#[derive(Clone, Debug)]
pub struct Looked {
    pub account: Account,
    pub standing: Standing,
    pub deadline: Option<Timestamp>,
    pub emergency_codes_left: usize,
    pub trusted_devices: usize,
    pub sessions: usize,
    /// Until when a one-time code is open.
    pub one_time_code_until: Option<Timestamp>,
    /// Codes or passwords are paused until then.
    pub paused_until: Option<Timestamp>,
    /// Name or address changed recently enough that no code is sent there.
    pub contact_changed_at: Option<Timestamp>,
    pub trail: Vec<Logged>,
    /// Whether it is the agent's own account.
    pub own: bool,
    /// What this agent may do to it.
    pub allowed: Vec<(Act, Permission)>,
    /// What waits for a second agent.
    pub waiting: Vec<Approval>,
}

impl Authn {
    /// Finds people by a part of their login, e-mail address or name, or by their number.
    pub async fn desk_find(
        &self,
        agent: &Agent,
        query: &str,
        standing: Option<Standing>,
        place: &Place,
    ) -> Answer<Found> {
        granted!(self.desk_authorise(agent, Act::Find, None, place).await?);
        let query: String = query.chars().filter(|c| !c.is_control()).collect();
        let query = query.trim();
        let length = query.chars().count();
        // nobody in particular: everybody of one standing
        let lists = query.is_empty() && standing.is_some();
        if !lists && !(FEWEST_CHARACTERS..=MOST_CHARACTERS).contains(&length) {
            return Ok(Err(Denied::Missing(Missing::Query)));
        }
        let asked = match standing {
            Some(standing) if lists => format!("everybody: {}", standing.code()),
            _ => query.to_owned(),
        };
        // written down first: what was seen is in the trail even if the answer never arrives
        let record = self.by(agent, Event::DeskSearched, None, place, asked);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        let accounts = if lists {
            self.store.accounts(None, MOST_COUNTED + 1).await?
        } else {
            self.store.search_accounts(query, MOST_COUNTED + 1).await?
        };
        let most = usize::try_from(MOST_COUNTED).unwrap_or(usize::MAX);
        let more = accounts.len() > most;
        let mut figures = Figures::default();
        let mut matches = Vec::new();
        for account in accounts.into_iter().take(most) {
            let found = self.standing_of(account);
            figures.count(found.standing);
            let wanted = standing.is_none_or(|wanted| wanted == found.standing);
            if wanted && matches.len() < MOST_ROWS {
                matches.push(found);
            }
        }
        Ok(Ok(Found {
            matches,
            figures,
            more,
        }))
    }

    /// Looks at one account.
    pub async fn desk_look(&self, agent: &Agent, id: AccountId, place: &Place) -> Answer<Looked> {
        granted!(self.desk_authorise(agent, Act::Look, None, place).await?);
        let Some(account) = self.store.account(id).await? else {
            return Ok(Err(Denied::NotFound));
        };
        let record = self.by(agent, Event::DeskLooked, Some(id), place, String::new());
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        let now = self.env.now();
        let codes = self.store.emergency_codes(id).await?;
        let devices = self.store.devices_of(id).await?;
        let sessions = self.store.sessions_of(Some(id), now, MOST_SESSIONS).await?;
        let open = self.store.one_time_code(id).await?;
        let filter = AuditFilter {
            account: Some(id),
            limit: MOST_RECORDS,
            ..AuditFilter::default()
        };
        let waiting = self.store.approvals(now).await?;
        let Match {
            account,
            standing,
            deadline,
        } = self.standing_of(account);
        Ok(Ok(Looked {
            emergency_codes_left: codes.len(),
            trusted_devices: devices.iter().filter(|d| d.is_trusted(now)).count(),
            sessions: sessions.len(),
            one_time_code_until: open.filter(|c| c.is_open(now)).map(|c| c.expires_at),
            paused_until: self.paused_until(id).await?,
            contact_changed_at: account
                .history
                .contact_changed_at
                .filter(|at| now.since(*at) < super::act::CONTACT_SETTLES),
            trail: self.store.audit(&filter).await?,
            own: matches!(agent, Agent::Person { view } if view.subject.id == id),
            allowed: self.allowed(agent, &account),
            waiting: waiting.into_iter().filter(|a| a.target == id).collect(),
            account,
            standing,
            deadline,
        }))
    }

    /// What the agent's page offers. What is then asked for is judged anew.
    fn allowed(&self, agent: &Agent, target: &Account) -> Vec<(Act, Permission)> {
        let (roles, now) = (&self.rules.roles, self.env.now());
        let permission = |act: Act| match agent {
            Agent::Person { view } => desk::may(&view.subject, act, Some(target), roles),
            Agent::Token { token } => desk::may_with_token(token, act, Some(target), roles, now)
                .map(|()| Permission::Alone),
        };
        Act::ALL
            .into_iter()
            .filter(|act| act.changes_somebody())
            .filter_map(|act| permission(act).ok().map(|permission| (act, permission)))
            .collect()
    }

    pub(super) fn standing_of(&self, account: Account) -> Match {
        let (rules, now) = (&self.rules.two_factor, self.env.now());
        Match {
            standing: Standing::of(&account, rules, now),
            deadline: adoption::deadline_of(&account, rules, now),
            account,
        }
    }

    async fn paused_until(&self, id: AccountId) -> Result<Option<Timestamp>, crate::store::Fault> {
        let now = self.env.now();
        let mut latest = None;
        for kind in [Kind::Code, Kind::Password] {
            let bucket = Bucket::new(kind, id.uuid().as_bytes());
            let counter = self.store.counter(&bucket).await?;
            latest = latest.max(counter.paused_until.filter(|until| now < *until));
        }
        Ok(latest)
    }
}
