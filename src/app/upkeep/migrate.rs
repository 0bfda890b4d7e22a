//! Everything from one store into another one, and every row verified.
//!
//! The two may be of either kind. Neither is in use meanwhile; the target is empty before, and either whole or empty
//! afterwards.

use super::backup::Part;
use super::{Opened, record};
use crate::config::StorageSettings;
use crate::domain::audit::Event;
use crate::env::Env;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::copy::publish;
use crate::store::sqlite::{Presence, SqliteStore};
use crate::store::tables::Table;
use crate::store::transfer::{self, Counts, End, Value, Watcher};
use crate::store::{Change, Store as _};
use crate::vault::{Purpose, Vault};
use anyhow::{Context as _, bail};
use std::path::Path;

/// For whoever waits: rows in all, and rows done of a table.
pub trait Progress {
    fn begins(&mut self, rows: u64);
    fn moved(&mut self, table: &str, rows: u64);
    fn verifies(&mut self);
}

pub struct Migrated {
    /// Of each table: copied, read back and compared.
    pub rows: Counts,
    pub key: Opened,
}

pub async fn migrate(
    (from, to): (&StorageSettings, &StorageSettings),
    vault: &Vault,
    env: &Env,
    progress: &mut dyn Progress,
) -> anyhow::Result<Migrated> {
    // before anything is written anywhere
    let part = match to {
        StorageSettings::File(path) => {
            if path.symlink_metadata().is_ok() {
                bail!("{} is there already: name a new file", path.display());
            }
            Some((Part::of(path, env)?, path))
        }
        StorageSettings::Server(_) => None,
    };
    drop(source(from).await?);
    let mut target = match (to, &part) {
        (StorageSettings::Server(server), _) => End::server_to_fill(server).await?,
        (_, Some((part, _))) => End::file_to_fill(&part.0).await?,
        (StorageSettings::File(_), None) => bail!("there is no file to fill"),
    };
    tell(from, to, env).await?;
    let mut source = source(from).await?;
    let mut watcher = Trying {
        vault,
        key: Opened { open: 0, all: 0 },
        progress,
    };
    transfer::copy(&mut source, &mut target, &mut watcher).await?;
    let key = watcher.key;
    if !key.is_whole() {
        bail!(
            "the key file opens {} of the {} secrets in {}: it belongs to another store. Nothing was changed in the \
             target; put the right key file in its place and begin again",
            key.open,
            key.all,
            shown(from)
        );
    }
    watcher.progress.verifies();
    let rows = transfer::compare(&mut source, &mut target, &mut watcher).await?;
    let rows = rows.map_err(|mismatch| {
        anyhow::anyhow!(
            "the target does not give back what was written to it: {mismatch}. It is empty again. Look for triggers, \
             rules or an encoding of your own in that database, and begin again"
        )
    })?;
    target.commit().await?;
    if let Some((part, path)) = &part {
        publish(&part.0, path)
            .with_context(|| format!("the store cannot get its name, {}", path.display()))?;
    }
    Ok(Migrated { rows, key })
}

/// Compares two stores and changes neither.
pub async fn verify(
    (from, to): (&StorageSettings, &StorageSettings),
    progress: &mut dyn Progress,
) -> anyhow::Result<Counts> {
    struct Only<'p>(&'p mut dyn Progress);
    impl Watcher for Only<'_> {
        fn moved(&mut self, table: &Table, rows: u64) {
            self.0.moved(table.name, rows);
        }
    }
    let (mut source, mut target) = (source(from).await?, source(to).await?);
    progress.verifies();
    let rows = transfer::compare(&mut source, &mut target, &mut Only(progress)).await?;
    rows.map_err(|mismatch| {
        anyhow::anyhow!(
            "the two are not the same: {mismatch}. If nobody has used either since they were, drop the target and \
             migrate again"
        )
    })
}

async fn source(from: &StorageSettings) -> anyhow::Result<End> {
    Ok(match from {
        StorageSettings::File(path) => {
            must_be_alone(path)?;
            // its tables are brought up to date
            let store = SqliteStore::open_existing(path).await?;
            store.close().await;
            drop(store);
            End::file_to_read(path).await?
        }
        StorageSettings::Server(server) => End::server_to_read(server).await?,
    })
}

fn must_be_alone(path: &Path) -> anyhow::Result<()> {
    if path.is_file() && Presence::alone(path)?.is_none() {
        bail!(
            "the store {} is in use: stop the gateway first (`systemctl stop vestibule`)",
            path.display()
        );
    }
    Ok(())
}

/// In the trail of the source, which goes along.
async fn tell(from: &StorageSettings, to: &StorageSettings, env: &Env) -> anyhow::Result<()> {
    let told = record(env, Event::StoreMoveBegun, format!("to {}", shown(to)));
    let told = [Change::Audit(told)];
    let _ = match from {
        StorageSettings::File(path) => {
            let store = SqliteStore::open_existing(path).await?;
            let done = store.commit(&told).await;
            store.close().await;
            done?
        }
        StorageSettings::Server(server) => {
            let store = PostgresStore::open_existing(server).await?;
            let done = store.commit(&told).await;
            store.close().await;
            done?
        }
    };
    Ok(())
}

/// Without a password.
pub fn shown(storage: &StorageSettings) -> String {
    match storage {
        StorageSettings::File(path) => format!("the file {}", path.display()),
        StorageSettings::Server(server) => format!("the {server}"),
    }
}

/// Tries the key file on what passes.
struct Trying<'v> {
    vault: &'v Vault,
    key: Opened,
    progress: &'v mut dyn Progress,
}

impl Watcher for Trying<'_> {
    fn begins(&mut self, rows: u64) {
        self.progress.begins(rows);
    }

    fn moved(&mut self, table: &Table, rows: u64) {
        self.progress.moved(table.name, rows);
    }

    fn sees(&mut self, table: &Table, row: &[Value]) {
        let field = |name: &str| {
            let at = table
                .columns
                .iter()
                .position(|(column, _)| *column == name)?;
            row.get(at)?.raw()
        };
        let (purpose, sealed) = match table.name {
            "accounts" => (Purpose::TotpSecret, field("totp_sealed_secret")),
            "signing_keys" => (Purpose::SigningKey, field("sealed")),
            _ => return,
        };
        let (Some(id), Some(sealed)) = (field("id"), sealed) else {
            return;
        };
        self.key.all += 1;
        self.key.open += u64::from(self.vault.open_sealed(purpose, id, sealed).is_ok());
    }
}
