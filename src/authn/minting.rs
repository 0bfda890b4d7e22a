//! Sessions for load tests, committed as every session is: by one transaction with its audit record.

use super::{Authn, Fault};
use crate::domain::account::Account;
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::host::Host;
use crate::domain::id::SessionId;
use crate::domain::minting::{Allowance, Refusal};
use crate::domain::secret::Token;
use crate::domain::timestamp::Timestamp;
use crate::store::{Change, Commit};

/// Sessions in one transaction.
const AT_ONCE: usize = 200;

/// What is to be made.
#[derive(Debug)]
pub struct Order<'a> {
    pub count: u32,
    /// The portal's own cookie is made, too.
    pub hosts: &'a [Host],
    /// Who asked for it, for the trail.
    pub by: &'a str,
}

/// A session that was made, with its cookies.
#[derive(Debug)]
pub struct Minted {
    pub id: SessionId,
    pub login: String,
    pub expires_at: Timestamp,
    pub portal: Token,
    /// In the order of [`Order::hosts`].
    pub children: Vec<Token>,
}

/// Why not all was made; nothing of it lives.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("`{0}` was changed meanwhile; nothing was made, try again")]
    Changed(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<crate::store::Fault> for Unmade {
    fn from(fault: crate::store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl Authn {
    /// Makes sessions for the accounts that are covered, one after the other and again from the first.
    pub async fn mint(
        &self,
        allowance: &Allowance,
        order: &Order<'_>,
    ) -> Result<Vec<Minted>, Unmade> {
        let accounts = self.mintable(allowance).await?;
        if accounts.is_empty() {
            return Err(Refusal::Nobody(allowance.prefix().to_owned()).into());
        }
        let mut made: Vec<Vec<Minted>> = Vec::new();
        let total = order.count as usize;
        for (at, account) in accounts.iter().enumerate() {
            let share = total / accounts.len() + usize::from(at < total % accounts.len());
            let mut of_account = Vec::new();
            while of_account.len() < share {
                let many = (share - of_account.len()).min(AT_ONCE);
                match self.mint_for(allowance, account, many, order).await {
                    Ok(sessions) => of_account.extend(sessions),
                    Err(unmade) => {
                        made.push(of_account);
                        self.unmake(&made).await?;
                        return Err(unmade);
                    }
                }
            }
            made.push(of_account);
        }
        Ok(one_of_each(made))
    }

    async fn mintable(&self, allowance: &Allowance) -> Result<Vec<Account>, Unmade> {
        const PAGE: u32 = 500;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some(last.login.clone());
            for account in page {
                if allowance.covers(&account, &self.rules.roles)? {
                    found.push(account);
                }
            }
        }
    }

    async fn mint_for(
        &self,
        allowance: &Allowance,
        account: &Account,
        many: usize,
        order: &Order<'_>,
    ) -> Result<Vec<Minted>, Unmade> {
        let now = self.env.now();
        // whoever was disabled or given a role in this very moment has no session
        let mut changes = vec![
            Change::ExpectAccount {
                account: account.id,
                password: account.password.clone(),
                authenticator: account.totp.as_ref().map(|totp| totp.id),
            },
            Change::ExpectGroups {
                account: account.id,
                groups: account.groups.clone(),
            },
        ];
        let mut minted = Vec::new();
        for _ in 0..many {
            let id = SessionId::from_uuid(self.env.uuid());
            let record = allowance.session(id, account, now);
            let expires_at = record.session.expires_at;
            let portal = self.env.token();
            changes.push(Change::OpenSession {
                record: Box::new(record),
                token: portal.hash(),
            });
            let mut children = Vec::new();
            for host in order.hosts {
                let token = self.env.token();
                changes.push(Change::OpenChild {
                    parent: id,
                    host: host.clone(),
                    token: token.hash(),
                    created_at: now,
                });
                children.push(token);
            }
            minted.push(Minted {
                id,
                login: account.login.clone(),
                expires_at,
                portal,
                children,
            });
        }
        let until = minted.first().map_or(now, |first| first.expires_at);
        changes.push(Change::Audit(Record {
            at: now,
            event: Event::SessionsMinted,
            account: Some(account.id),
            actor: Actor::Operator,
            place: Place::default(),
            detail: format!("{many} for load tests, until {until}, by {}", order.by),
        }));
        match self.store.commit(&changes).await? {
            Commit::Done => Ok(minted),
            Commit::Lost(_) => Err(Unmade::Changed(account.login.clone())),
        }
    }

    async fn unmake(&self, made: &[Vec<Minted>]) -> Result<(), Unmade> {
        let all: Vec<&Minted> = made.iter().flatten().collect();
        for some in all.chunks(AT_ONCE) {
            let ends = some
                .iter()
                .map(|minted| Change::EndSession { session: minted.id });
            let _ = self.store.commit(&ends.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

/// The first of each account, then the second of each.
fn one_of_each(made: Vec<Vec<Minted>>) -> Vec<Minted> {
    let mut queues: Vec<_> = made.into_iter().map(Vec::into_iter).collect();
    let mut out = Vec::new();
    loop {
        let before = out.len();
        out.extend(queues.iter_mut().filter_map(Iterator::next));
        if out.len() == before {
            return out;
        }
    }
}
