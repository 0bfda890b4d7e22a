//! The store as a whole, for the command line: copied, put back, moved to another database.

pub mod backup;
pub mod migrate;
pub mod restore;

use crate::domain::audit::{Actor, Event, Place, Record};
use crate::env::Env;
use crate::store::Fault;
use crate::store::sqlite::copy::{Copy, Sealed};
use crate::vault::{Purpose, Vault};

/// Whether a key file belongs to a store: sealed values that it opens, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub open: u64,
    pub all: u64,
}

impl Opened {
    pub const fn is_whole(self) -> bool {
        self.open == self.all
    }
}

/// Tries every authenticator's secret and every signing key.
async fn try_key(copy: &mut Copy, vault: &Vault) -> Result<Opened, Fault> {
    let mut tried = Opened { open: 0, all: 0 };
    copy.sealed(|value| {
        let opened = match value {
            Sealed::Totp { account, sealed } => {
                vault.open_sealed(Purpose::TotpSecret, account, sealed)
            }
            Sealed::SigningKey { id, sealed } => {
                vault.open_sealed(Purpose::SigningKey, id.as_bytes(), sealed)
            }
        };
        tried.all += 1;
        tried.open += u64::from(opened.is_ok());
    })
    .await?;
    Ok(tried)
}

/// What the trail says of an act of the operator's on the whole store.
fn record(env: &Env, event: Event, detail: String) -> Record {
    Record {
        at: env.now(),
        event,
        account: None,
        actor: Actor::Operator,
        place: Place::default(),
        detail,
    }
}

/// A point in time as part of a file's name: `20260131T235959Z`.
fn stamp(env: &Env) -> String {
    use time::macros::format_description;
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year][month][day]T[hour][minute][second]Z");
    time::OffsetDateTime::from_unix_timestamp(env.now().seconds())
        .ok()
        .and_then(|moment| moment.format(FORMAT).ok())
        .unwrap_or_else(|| env.now().seconds().to_string())
}
