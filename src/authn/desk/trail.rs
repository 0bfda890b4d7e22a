//! Reading the audit trail: a page of it, or all that was asked for as an export.

use super::{Agent, Answer, granted};
use crate::authn::{Authn, Fault};
use crate::domain::account::NameKey;
use crate::domain::audit::{Actor, Event, Logged, Place};
use crate::domain::desk::Act;
use crate::domain::id::{AccountId, ApiTokenId};
use crate::domain::timestamp::Timestamp;
use crate::store::{AuditFilter, Change};
use std::collections::HashMap;

/// Records on a page.
const PAGE: u32 = 50;
/// Records of an export that are in memory at a time.
const EXPORT_PAGE: u32 = 1000;
/// Names that are kept while a trail is read.
const MOST_NAMES: usize = 10_000;

/// What is asked of the trail, as typed; empty: everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// Whose account it is: login name, e-mail address or id.
    pub account: &'a str,
    /// Who did it: `person`, `operator`, `system`, an account's name, or an API token's name or id.
    pub actor: &'a str,
    pub event: Option<Event>,
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub before: Option<i64>,
}

/// A record, and the names behind its ids.
#[derive(Clone, Debug)]
pub struct Shown {
    pub logged: Logged,
    /// Whose account it is; the id alone where the account is gone.
    pub account: Option<String>,
    /// Who did it, where that is somebody with a name.
    pub actor: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TrailPage {
    pub entries: Vec<Shown>,
    /// What to ask for next; `None`: this is the end.
    pub older: Option<i64>,
}

/// An export under way: read a piece at a time, newest first.
#[derive(Debug)]
pub struct Export {
    /// `None`: at its end.
    filter: Option<AuditFilter>,
    names: Names,
}

#[derive(Debug, Default)]
struct Names(HashMap<AccountId, Option<String>>);

impl Authn {
    pub async fn desk_trail(
        &self,
        agent: &Agent,
        question: Question<'_>,
        place: &Place,
    ) -> Answer<TrailPage> {
        self.desk_trail_page(agent, question, PAGE, place).await
    }

    /// The same, at most `limit` records.
    pub async fn desk_trail_page(
        &self,
        agent: &Agent,
        question: Question<'_>,
        limit: u32,
        place: &Place,
    ) -> Answer<TrailPage> {
        granted!(
            self.desk_authorise(agent, Act::ReadTrail, None, place)
                .await?
        );
        let Some(filter) = self.filter(question, limit.saturating_add(1)).await? else {
            return Ok(Ok(TrailPage {
                entries: Vec::new(),
                older: None,
            }));
        };
        let mut found = self.store.audit(&filter).await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > page;
        found.truncate(page);
        let older = found.last().filter(|_| more).map(|last| last.number);
        let entries = self.named(found, &mut Names::default()).await?;
        Ok(Ok(TrailPage { entries, older }))
    }

    /// Begins an export. That it was made is in the trail before its first line is given.
    pub async fn desk_export(
        &self,
        agent: &Agent,
        question: Question<'_>,
        place: &Place,
    ) -> Answer<Export> {
        granted!(
            self.desk_authorise(agent, Act::ReadTrail, None, place)
                .await?
        );
        let filter = self.filter(question, EXPORT_PAGE).await?;
        let detail = described(question);
        let record = self.by(agent, Event::AuditExported, None, place, detail);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        Ok(Ok(Export {
            filter,
            names: Names::default(),
        }))
    }

    /// The next piece of an export; empty at its end.
    pub async fn continue_export(&self, export: &mut Export) -> Result<Vec<Shown>, Fault> {
        let Some(filter) = &mut export.filter else {
            return Ok(Vec::new());
        };
        let found = self.store.audit(filter).await?;
        match found.last() {
            Some(last) => filter.before = Some(last.number),
            None => export.filter = None,
        }
        self.named(found, &mut export.names).await
    }

    /// `None` where nothing can fit: nobody has that name.
    async fn filter(
        &self,
        question: Question<'_>,
        limit: u32,
    ) -> Result<Option<AuditFilter>, Fault> {
        let account = match question.account.trim() {
            "" => None,
            name => match self.account_named(name).await? {
                Some(id) => Some(id),
                None => return Ok(None),
            },
        };
        let actor = match question.actor.trim() {
            "" => None,
            name => match self.actor_named(name).await? {
                Some(actor) => Some(actor),
                None => return Ok(None),
            },
        };
        Ok(Some(AuditFilter {
            account,
            actor,
            events: question.event.into_iter().collect(),
            since: question.since,
            until: question.until,
            before: question.before,
            limit,
        }))
    }

    /// By name; by id as well, which is all that is left of an account that was deleted.
    async fn account_named(&self, name: &str) -> Result<Option<AccountId>, Fault> {
        let by_name = match NameKey::new(name) {
            Some(key) => self.store.account_by_name(&key).await?,
            None => None,
        };
        let id = by_name.map(|account| account.id);
        Ok(id.or_else(|| AccountId::parse(name)))
    }

    async fn actor_named(&self, name: &str) -> Result<Option<Actor>, Fault> {
        if let Some(actor) = Actor::parse(name) {
            return Ok(Some(actor));
        }
        let tokens = self.store.api_tokens().await?;
        let by_id = ApiTokenId::parse(name);
        let token = tokens
            .iter()
            .find(|token| token.name == name || Some(token.id) == by_id);
        if let Some(token) = token {
            return Ok(Some(Actor::Token(token.id)));
        }
        Ok(self.account_named(name).await?.map(Actor::Agent))
    }

    async fn named(&self, found: Vec<Logged>, names: &mut Names) -> Result<Vec<Shown>, Fault> {
        let tokens = self.store.api_tokens().await?;
        let mut shown = Vec::with_capacity(found.len());
        for logged in found {
            let account = match logged.record.account {
                Some(id) => Some(
                    self.name(id, names)
                        .await?
                        .unwrap_or_else(|| id.to_string()),
                ),
                None => None,
            };
            let actor = match logged.record.actor {
                Actor::Agent(id) => self.name(id, names).await?,
                Actor::Token(id) => {
                    let token = tokens.iter().find(|token| token.id == id);
                    token.map(|token| token.name.clone())
                }
                Actor::Person | Actor::Operator | Actor::System => None,
            };
            shown.push(Shown {
                logged,
                account,
                actor,
            });
        }
        Ok(shown)
    }

    async fn name(&self, id: AccountId, names: &mut Names) -> Result<Option<String>, Fault> {
        if let Some(name) = names.0.get(&id) {
            return Ok(name.clone());
        }
        let name = self.store.account(id).await?.map(|account| account.login);
        if names.0.len() >= MOST_NAMES {
            names.0.clear();
        }
        names.0.insert(id, name.clone());
        Ok(name)
    }
}

/// What was exported, for the trail.
fn described(question: Question<'_>) -> String {
    let plain = |text: &str| super::plain(text).unwrap_or_default();
    let parts = [
        ("account", plain(question.account)),
        ("actor", plain(question.actor)),
        (
            "event",
            question
                .event
                .map(Event::code)
                .unwrap_or_default()
                .to_owned(),
        ),
        (
            "from",
            question.since.map(|at| at.to_string()).unwrap_or_default(),
        ),
        (
            "until",
            question.until.map(|at| at.to_string()).unwrap_or_default(),
        ),
    ];
    let asked: Vec<String> = parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    if asked.is_empty() {
        "everything".to_owned()
    } else {
        asked.join("; ")
    }
}
