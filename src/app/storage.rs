//! The store that the settings name, and the key that belongs to it.

use crate::config::{Settings, StorageSettings};
use crate::env::Env;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{Fault, SharedStore};
use crate::vault::Vault;
use anyhow::bail;
use std::sync::Arc;

/// Opens key file and store, making what is not there yet; never a new key for a store that has been used.
pub(super) async fn open(settings: &Settings, env: &Env) -> anyhow::Result<(Vault, SharedStore)> {
    let key = &settings.key_file;
    match &settings.storage {
        StorageSettings::File(path) => {
            if path.exists() && !key.exists() {
                bail!(
                    "the key file {} is missing, but the store {} is there: put the key file back from a backup; \
                     with a new one nobody's authenticator app would work any more",
                    key.display(),
                    path.display()
                );
            }
            let vault = Vault::open_or_create(key, env)?;
            let store = SqliteStore::open(path).await?;
            Ok((vault, Arc::new(store)))
        }
        StorageSettings::Server(server) => {
            let store = PostgresStore::open(server).await?;
            if !key.exists() && store.is_used().await? {
                bail!(
                    "the key file {} is missing, but the {server} is in use: copy the key file from another node, or \
                     from a backup; all nodes have the same one",
                    key.display(),
                );
            }
            let vault = Vault::open_or_create(key, env)?;
            Ok((vault, Arc::new(store)))
        }
    }
}

/// Opens a store that must be there.
pub async fn open_existing(storage: &StorageSettings) -> Result<SharedStore, Fault> {
    Ok(match storage {
        StorageSettings::File(path) => Arc::new(SqliteStore::open_existing(path).await?),
        StorageSettings::Server(server) => Arc::new(PostgresStore::open_existing(server).await?),
    })
}
