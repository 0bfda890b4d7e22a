//! Reading for programs: accounts page by page, and what waits for a second agent.

use super::{Agent, Answer, Denied, FEWEST_CHARACTERS, Match, Missing, granted};
use crate::authn::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::adoption::Standing;
use crate::domain::audit::{Event, Place};
use crate::domain::desk::{Act, Approval};
use crate::domain::timestamp::Timestamp;
use crate::store::Change;

/// Accounts on one page, at most.
pub const MOST_LISTED: usize = 200;
/// A search with more matches is refused: its end could not be reached.
pub const MOST_MATCHES: u32 = 1000;
/// Longest search, in characters.
const MOST_CHARACTERS: usize = 254;
/// Accounts read at a time.
const PAGE: u32 = 500;

/// Accounts of a page, ordered by login.
#[derive(Clone, Debug)]
pub struct Listed {
    pub matches: Vec<Match>,
    /// The login to go on after; `None`: this is the end.
    pub next: Option<String>,
}

/// Why there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// More than [`MOST_MATCHES`].
    TooMany,
}

/// A request that waits, with the accounts it is about where they are still there.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub approval: Approval,
    pub target: Option<Account>,
    pub requested_by: Option<Account>,
}

impl Authn {
    /// Lists accounts after a login, all or those that a search finds, of one standing or of any.
    pub async fn desk_list(
        &self,
        agent: &Agent,
        query: Option<&str>,
        standing: Option<Standing>,
        (after, limit): (Option<&str>, usize),
        place: &Place,
    ) -> Answer<Result<Listed, Unlisted>> {
        granted!(self.desk_authorise(agent, Act::Find, None, place).await?);
        let query = query.map(str::trim);
        if query.is_some_and(|query| !is_searchable(query)) {
            return Ok(Err(Denied::Missing(Missing::Query)));
        }
        let detail = query.map_or_else(|| "all accounts".to_owned(), str::to_owned);
        let record = self.by(agent, Event::DeskSearched, None, place, detail);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        let limit = limit.clamp(1, MOST_LISTED);
        let is_wanted = |found: &Match| standing.is_none_or(|standing| found.standing == standing);
        // one more than is shown says whether there is a next page
        let mut matches = match query {
            Some(query) => {
                let Some(found) = self.searched(query).await? else {
                    return Ok(Ok(Err(Unlisted::TooMany)));
                };
                found
                    .into_iter()
                    .filter(|account| after.is_none_or(|after| account.login.as_str() > after))
                    .map(|account| self.standing_of(account))
                    .filter(is_wanted)
                    .take(limit + 1)
                    .collect()
            }
            None => self.scanned(after, limit + 1, is_wanted).await?,
        };
        let more = matches.len() > limit;
        matches.truncate(limit);
        let last = matches.last().filter(|_| more);
        let next = last.map(|last| last.account.login.clone());
        Ok(Ok(Ok(Listed { matches, next })))
    }

    /// Those who stand somewhere, by login, for a file. As with every search, that it was made is in the trail first.
    pub async fn desk_standing(
        &self,
        agent: &Agent,
        standing: Standing,
        limit: usize,
        place: &Place,
    ) -> Answer<Vec<(Account, Option<Timestamp>)>> {
        for act in [Act::ReadAdoption, Act::Find] {
            granted!(self.desk_authorise(agent, act, None, place).await?);
        }
        let detail = format!("all accounts: {}", standing.code());
        let record = self.by(agent, Event::DeskSearched, None, place, detail);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        Ok(Ok(self.those_standing(standing, None, limit).await?))
    }

    /// What waits for a second agent, oldest first. Reading it approves nothing.
    pub async fn desk_waiting(&self, agent: &Agent, place: &Place) -> Answer<Vec<Waiting>> {
        granted!(self.desk_authorise(agent, Act::Look, None, place).await?);
        let mut waiting = Vec::new();
        for approval in self.store.approvals(self.env.now()).await? {
            waiting.push(Waiting {
                target: self.store.account(approval.target).await?,
                requested_by: self.store.account(approval.requested_by).await?,
                approval,
            });
        }
        Ok(Ok(waiting))
    }

    /// `None`: too many.
    async fn searched(&self, query: &str) -> Result<Option<Vec<Account>>, Fault> {
        let mut found = self.store.search_accounts(query, MOST_MATCHES + 1).await?;
        found.sort_by(|a, b| a.login.cmp(&b.login));
        let most = usize::try_from(MOST_MATCHES).unwrap_or(usize::MAX);
        Ok((found.len() <= most).then_some(found))
    }

    async fn scanned(
        &self,
        after: Option<&str>,
        most: usize,
        is_wanted: impl Fn(&Match) -> bool,
    ) -> Result<Vec<Match>, Fault> {
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        while found.len() < most {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.login.clone());
            let matches = page.into_iter().map(|account| self.standing_of(account));
            found.extend(matches.filter(&is_wanted));
        }
        found.truncate(most);
        Ok(found)
    }
}

fn is_searchable(query: &str) -> bool {
    let length = query.chars().count();
    (FEWEST_CHARACTERS..=MOST_CHARACTERS).contains(&length) && !query.chars().any(char::is_control)
}
