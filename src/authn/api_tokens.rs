//! Tokens of the admin API: made, listed and revoked by an operator. A token is shown once; the store has its hash.

use super::{Authn, Fault};
use crate::domain::api_token::{ApiToken, LONGEST_LIFE, PREFIX, Scope};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::id::ApiTokenId;
use crate::store::{Change, Commit};
use std::collections::BTreeSet;
use std::time::Duration;
use zeroize::Zeroizing;

/// A token as it is shown, once.
pub struct NewApiToken {
    pub shown: Zeroizing<String>,
    pub record: ApiToken,
}

/// Why no token was made. Each says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("`{0}` cannot be a token's name: write 1 to 64 characters without control characters")]
    Name(String),
    #[error("a token without a scope opens nothing: name one at least")]
    NoScope,
    #[error("a token lives an hour at least and 366 days at most")]
    Life,
    #[error("there is a token named `{0}` already: revoke it first, or choose another name")]
    Taken(String),
}

impl Authn {
    pub async fn add_api_token(
        &self,
        name: &str,
        scopes: BTreeSet<Scope>,
        life: Duration,
    ) -> Result<Result<NewApiToken, Refusal>, Fault> {
        let name = name.trim();
        if let Some(refusal) = refused(name, &scopes, life) {
            return Ok(Err(refusal));
        }
        let now = self.env.now();
        let token = self.env.token();
        let record = ApiToken {
            id: ApiTokenId::from_uuid(self.env.uuid()),
            name: name.to_owned(),
            scopes,
            created_at: now,
            expires_at: now.plus(life),
            last_used_at: None,
        };
        let changes = [
            Change::AddApiToken {
                token: token.hash(),
                record: Box::new(record.clone()),
            },
            self.told(Event::TokenAdded, &record),
        ];
        Ok(match self.store.commit(&changes).await? {
            Commit::Done => Ok(NewApiToken {
                shown: Zeroizing::new(format!("{PREFIX}{}", token.reveal())),
                record,
            }),
            Commit::Lost(_) => Err(Refusal::Taken(record.name)),
        })
    }

    /// All tokens, by name, those that have run out among them.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, Fault> {
        Ok(self.store.api_tokens().await?)
    }

    /// Revokes the token of this name or id, in force with its next request. `None`: there is none.
    pub async fn revoke_api_token(&self, which: &str) -> Result<Option<ApiToken>, Fault> {
        let all = self.store.api_tokens().await?;
        let id = ApiTokenId::parse(which);
        // a token may be named like another's id: the name comes first
        let found = all
            .iter()
            .find(|token| token.name == which)
            .or_else(|| all.iter().find(|token| Some(token.id) == id));
        let Some(record) = found else {
            return Ok(None);
        };
        let changes = [
            Change::RevokeApiToken { token: record.id },
            self.told(Event::TokenRevoked, record),
        ];
        Ok(match self.store.commit(&changes).await? {
            Commit::Done => Some(record.clone()),
            Commit::Lost(_) => None,
        })
    }

    fn told(&self, event: Event, token: &ApiToken) -> Change {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.code()).collect();
        Change::Audit(Record {
            at: self.env.now(),
            event,
            account: None,
            actor: Actor::Operator,
            place: Place::default(),
            detail: format!("{} ({}), {}", token.name, token.id, scopes.join(" ")),
        })
    }
}

fn refused(name: &str, scopes: &BTreeSet<Scope>, life: Duration) -> Option<Refusal> {
    const SHORTEST_LIFE: Duration = Duration::from_secs(3600);
    const LONGEST_NAME: usize = 64;
    let name_ok = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(char::is_control);
    if !name_ok {
        return Some(Refusal::Name(name.to_owned()));
    }
    if scopes.is_empty() {
        return Some(Refusal::NoScope);
    }
    (!(SHORTEST_LIFE..=LONGEST_LIFE).contains(&life)).then_some(Refusal::Life)
}

impl std::fmt::Debug for NewApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewApiToken({})", self.record.id)
    }
}
