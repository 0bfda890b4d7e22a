//! Many accounts at once: shown line by line first, then made, one transaction each.
//!
//! Invariant: nobody gets rights in the console or a password of somebody's choice this way. What is imported is
//! exactly what was shown: the browser brings it again with a seal of ours.

use super::{Agent, Answer, granted};
use crate::authn::accounts::NewAccount;
use crate::authn::import::{Problem, parse};
use crate::authn::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::desk::Act;
use crate::domain::timestamp::Timestamp;
use crate::store::{Change, Commit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Largest text of an import, in bytes.
pub const MOST_BYTES: usize = 1024 * 1024;
/// Most lines of an import: each is a transaction, and a page waits for all of them. The command line has no such limit.
pub const MOST_LINES: usize = 2000;
/// A preview can be confirmed this long.
const SEAL_LIFETIME: Duration = Duration::from_secs(3600);

/// Why a line makes no account.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    Line(Problem),
    /// Its e-mail address is somebody else's name.
    EmailTaken,
    /// One of its groups gives a role in the console.
    Role(String),
    /// It brings a password along.
    Password,
    /// It is not text in UTF-8.
    NotText,
}

/// What a line is, or has become.
#[derive(Debug)]
pub struct ImportRow {
    /// Counted from one.
    pub number: usize,
    /// Its login name, where it could be read.
    pub login: String,
    /// `Ok(true)`: a new account; `Ok(false)`: there already, and left as it is.
    pub outcome: Result<bool, Unfit>,
}

/// An import, shown or done.
#[derive(Debug)]
pub struct Imported {
    pub rows: Vec<ImportRow>,
    /// There are more lines than are read; then nothing is imported.
    pub too_many: bool,
    /// To come back with the same text; `None` where it was done.
    pub seal: Option<String>,
}

impl Authn {
    /// What an import would do, line by line.
    pub async fn desk_preview(&self, agent: &Agent, text: &str, place: &Place) -> Answer<Imported> {
        granted!(self.desk_authorise(agent, Act::Import, None, place).await?);
        let text = lines_of(text);
        let (planned, too_many) = self.judged(&text).await?;
        let seal = self.preview_seal(agent, self.env.now(), &text);
        Ok(Ok(Imported {
            rows: planned.into_iter().map(|(row, _)| row).collect(),
            too_many,
            seal: Some(seal),
        }))
    }

    /// Imports what was shown. `None`: it was not shown, or too long ago.
    pub async fn desk_import(
        &self,
        agent: &Agent,
        text: &str,
        seal: &str,
        place: &Place,
    ) -> Answer<Option<Imported>> {
        granted!(self.desk_authorise(agent, Act::Import, None, place).await?);
        let text = lines_of(text);
        if !self.is_seal(agent, seal, &text) {
            return Ok(Ok(None));
        }
        let (planned, too_many) = self.judged(&text).await?;
        if too_many {
            return Ok(Ok(None));
        }
        let mut rows = Vec::with_capacity(planned.len());
        for (mut row, new) in planned {
            if let Some(new) = new {
                let account = self.made(new);
                let detail = format!("imported, line {}", row.number);
                let record = self.by(
                    agent,
                    Event::AccountCreated,
                    Some(account.id),
                    place,
                    detail,
                );
                let changes = [Change::AddAccount(Box::new(account)), Change::Audit(record)];
                // somebody else was first: it is there, then
                row.outcome = Ok(self.store.commit(&changes).await? == Commit::Done);
            }
            rows.push(row);
        }
        let count = |wanted: fn(&ImportRow) -> bool| rows.iter().filter(|r| wanted(r)).count();
        let detail = format!(
            "{} created, {} there already, {} refused",
            count(|r| matches!(r.outcome, Ok(true))),
            count(|r| matches!(r.outcome, Ok(false))),
            count(|r| r.outcome.is_err())
        );
        let record = self.by(agent, Event::AccountsImported, None, place, detail);
        let _ = self.store.commit(&[Change::Audit(record)]).await?;
        Ok(Ok(Some(Imported {
            rows,
            too_many,
            seal: None,
        })))
    }

    /// Each line with the account it would make.
    async fn judged(
        &self,
        text: &str,
    ) -> Result<(Vec<(ImportRow, Option<NewAccount>)>, bool), Fault> {
        let mut lines = parse(text, MOST_LINES + 1);
        let too_many = lines.len() > MOST_LINES;
        lines.truncate(MOST_LINES);
        let mut judged = Vec::with_capacity(lines.len());
        for (number, line) in lines {
            let row = |login: &str, outcome| ImportRow {
                number,
                login: login.to_owned(),
                outcome,
            };
            judged.push(match line {
                Err(problem) => (row("", Err(Unfit::Line(problem))), None),
                Ok(new) => match self.fits(&new).await? {
                    Ok(true) => (row(&new.login, Ok(true)), Some(new)),
                    other => (row(&new.login, other), None),
                },
            });
        }
        Ok((judged, too_many))
    }

    async fn fits(&self, new: &NewAccount) -> Result<Result<bool, Unfit>, Fault> {
        let texts = [&new.login, &new.name];
        let broken = |text: &String| text.contains(char::REPLACEMENT_CHARACTER);
        if texts
            .into_iter()
            .chain(&new.email)
            .chain(&new.groups)
            .any(broken)
        {
            return Ok(Err(Unfit::NotText));
        }
        let gives = |group: &&String| self.gives_role(&[(*group).clone()].into());
        if let Some(group) = new.groups.iter().find(gives) {
            return Ok(Err(Unfit::Role(group.clone())));
        }
        if new.password.is_some() {
            return Ok(Err(Unfit::Password));
        }
        if self.find_account(&new.login).await?.is_some() {
            return Ok(Ok(false));
        }
        if let Some(email) = &new.email
            && self.find_account(email).await?.is_some()
        {
            return Ok(Err(Unfit::EmailTaken));
        }
        Ok(Ok(true))
    }

    /// That this agent was shown this very text: the moment, and a tag of it all.
    fn preview_seal(&self, agent: &Agent, at: Timestamp, text: &str) -> String {
        let at = at.seconds();
        format!("{at}.{}", self.vault.csrf(&sealed(agent, at, text)))
    }

    fn is_seal(&self, agent: &Agent, seal: &str, text: &str) -> bool {
        let Some((at, tag)) = seal.split_once('.') else {
            return false;
        };
        let Ok(at) = at.parse::<i64>() else {
            return false;
        };
        let (shown, now) = (Timestamp::from_seconds(at), self.env.now());
        let fresh = shown <= now && now.since(shown) < SEAL_LIFETIME;
        fresh && self.vault.csrf_matches(&sealed(agent, at, text), tag)
    }
}

/// What is tagged. A cookie's token has no colon: no tag of a form is one of these, nor the other way round.
fn sealed(agent: &Agent, at: i64, text: &str) -> String {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
    format!("import:{}:{at}:{digest}", agent.actor().code())
}

/// A browser sends the ends of lines in its own spelling.
fn lines_of(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .trim_end()
        .to_owned()
}
