//! A copy of the embedded store, while it is in use.
//!
//! It is written under a name of its own, flushed, looked at, and only then gets its name: a file of that name is a
//! whole copy. The key file is not needed and not copied: whoever has both has every TOTP secret. Where it can be
//! read, it is tried.

use super::{Opened, record, stamp, try_key};
use crate::config::{Settings, StorageSettings};
use crate::domain::audit::Event;
use crate::env::Env;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::copy::{Copy, Rows, publish};
use crate::store::{Change, Store as _};
use crate::vault::Vault;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

pub struct Backup {
    pub file: PathBuf,
    pub bytes: u64,
    pub rows: Vec<Rows>,
    pub key: Key,
}

/// What trying the key file came to.
pub enum Key {
    Tried(Opened),
    /// It cannot be read; why.
    NotTried(String),
}

/// Into a new file, or into a new file of this folder.
pub async fn backup(settings: &Settings, env: &Env, to: &Path) -> anyhow::Result<Backup> {
    let StorageSettings::File(store) = &settings.storage else {
        bail!(
            "this command copies a store in a file, and `storage.url` is a PostgreSQL database: use `pg_dump \
             --format=custom --file=FILE DATABASE`, or the server's continuous archive"
        );
    };
    let live = SqliteStore::open_as_it_is(store).await?;
    let file = match to.is_dir() {
        true => to.join(format!("vestibule-{}.db", stamp(env))),
        false => to.to_owned(),
    };
    if file.symlink_metadata().is_ok() {
        bail!(
            "{} is there already, and nothing is written over it: choose another name, or name a folder",
            file.display()
        );
    }
    let part = Part::of(&file, env)?;
    live.backup(&part.0).await?;
    let mut copy = Copy::examine(&part.0).await?;
    let rows = copy.rows().await?;
    let key = match Vault::open(&settings.key_file, env) {
        Ok(vault) => Key::Tried(try_key(&mut copy, &vault).await?),
        Err(why) => Key::NotTried(why.to_string()),
    };
    copy.close().await?;
    let bytes = std::fs::metadata(&part.0)?.len();
    publish(&part.0, &file)
        .with_context(|| format!("the copy cannot get its name, {}", file.display()))?;
    let detail = format!("{} ({bytes} bytes)", file.display());
    let told = Change::Audit(record(env, Event::StoreBackedUp, detail));
    let _ = live.commit(&[told]).await.with_context(|| {
        format!(
            "{} is a whole copy, but the trail does not say so",
            file.display()
        )
    })?;
    live.close().await;
    Ok(Backup {
        file,
        bytes,
        rows,
        key,
    })
}

/// A file under way, in the folder of what it becomes; gone with the value, unless it has got its name.
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    pub(super) fn of(file: &Path, env: &Env) -> anyhow::Result<Self> {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{} names no file", file.display()))?;
        let part = file.with_file_name(format!(".{name}.{}.part", env.uuid().simple()));
        Ok(Self(part))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.clone().into_os_string();
            name.push(end);
            let _ = std::fs::remove_file(name);
        }
    }
}
