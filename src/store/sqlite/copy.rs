//! Copies of the store: made while it is in use, looked at before anybody relies on them.

use super::open::{MIGRATIONS, new_file, settings};
use super::{SqliteStore, open};
use crate::store::Fault;
use crate::store::tables::TABLES;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl SqliteStore {
    /// Writes a whole copy of this moment into a new file, readable by its owner only; nobody waits for it.
    /// What it leaves behind when it fails is no copy.
    pub async fn backup(&self, to: &Path) -> Result<(), Fault> {
        self.file.check()?;
        write_copy(&self.file.path, to).await
    }
}

/// The same of any file, which nobody need have open.
pub async fn write_copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let fault = |e: std::io::Error| Fault::Open(format!("{}: {e}", to.display()));
    let name = to
        .to_str()
        .ok_or_else(|| fault(ErrorKind::InvalidFilename.into()))?;
    let copy = new_file(to).map_err(fault)?;
    let mut connection = settings(from).connect().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    tokio::fs::File::from_std(copy)
        .sync_all()
        .await
        .map_err(fault)
}

/// Gives a finished file its name, unless there is one of that name; the name is on disk then.
pub fn publish(from: &Path, to: &Path) -> std::io::Result<()> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?;
    sync_folder(to)
}

/// What has happened to names in the folder of this file is on disk.
pub fn sync_folder(of: &Path) -> std::io::Result<()> {
    File::open(open::folder(of))?.sync_all()
}

/// A value that the key file opens, with what it belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Sealed<'a> {
    Totp { account: &'a [u8], sealed: &'a [u8] },
    SigningKey { id: &'a str, sealed: &'a [u8] },
}

/// A file that is said to be a store, open for reading.
pub struct Copy {
    pub(super) connection: SqliteConnection,
    path: PathBuf,
}

/// How many rows a table has.
pub type Rows = (&'static str, u64);

impl Copy {
    /// Refuses what is no store, what is damaged, and what a newer version has made.
    pub async fn examine(path: &Path) -> Result<Self, Fault> {
        let connection = settings(path).read_only(true).connect().await;
        let mut copy = Self {
            connection: connection.map_err(|e| no_store(path, &e))?,
            path: path.to_owned(),
        };
        let version = copy.version().await?;
        let newest = newest();
        if version > newest {
            return Err(Fault::Open(format!(
                "{} was made by a newer version of Vestibule (its tables are of version {version}, this program knows \
                 {newest}): use that version or a later one",
                path.display()
            )));
        }
        copy.is_whole().await?;
        Ok(copy)
    }

    /// Of its tables.
    pub async fn version(&mut self) -> Result<i64, Fault> {
        let row = sqlx::query("SELECT MAX(version) AS n FROM _sqlx_migrations WHERE success")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|e| no_store(&self.path, &e))?;
        let version: Option<i64> = row.try_get("n")?;
        let accounts = sqlx::query("SELECT 1 FROM accounts LIMIT 1");
        accounts
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|e| no_store(&self.path, &e))?;
        version.ok_or_else(|| Fault::Open(format!("{}: no Vestibule store", self.path.display())))
    }

    async fn is_whole(&mut self) -> Result<(), Fault> {
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
            .fetch_all(&mut self.connection)
            .await?;
        let damaged = |why: &str| Fault::Corrupt(format!("{}: {why}", self.path.display()));
        if said != ["ok"] {
            return Err(damaged(&format!("it is damaged: {}", said.join("; "))));
        }
        let orphans = sqlx::query("PRAGMA foreign_key_check")
            .fetch_optional(&mut self.connection)
            .await?;
        match orphans {
            Some(_) => Err(damaged(
                "it is damaged: rows point to rows that are missing",
            )),
            None => Ok(()),
        }
    }

    /// Of every table that it has.
    pub async fn rows(&mut self) -> Result<Vec<Rows>, Fault> {
        let there: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
                .fetch_all(&mut self.connection)
                .await?;
        let mut found = Vec::new();
        for table in TABLES.iter().filter(|t| there.iter().any(|n| n == t.name)) {
            let sql = format!("SELECT COUNT(*) FROM {}", table.name);
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut self.connection)
                .await?;
            found.push((table.name, u64::try_from(count).unwrap_or(0)));
        }
        Ok(found)
    }

    /// Shows every value that authenticates somebody and is sealed with the key file.
    pub async fn sealed(&mut self, mut each: impl FnMut(Sealed<'_>)) -> Result<(), Fault> {
        use futures_util::TryStreamExt as _;
        let mut rows = sqlx::query(
            "SELECT id, totp_sealed_secret AS sealed FROM accounts WHERE totp_sealed_secret IS NOT NULL",
        )
        .fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            each(Sealed::Totp {
                account: row.try_get("id")?,
                sealed: row.try_get("sealed")?,
            });
        }
        drop(rows);
        let mut rows =
            sqlx::query("SELECT id, sealed FROM signing_keys").fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            each(Sealed::SigningKey {
                id: row.try_get("id")?,
                sealed: row.try_get("sealed")?,
            });
        }
        Ok(())
    }

    pub async fn close(self) -> Result<(), Fault> {
        Ok(self.connection.close().await?)
    }
}

/// The newest version of tables that this program knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|(version, ..)| *version)
        .max()
        .unwrap_or(0)
}

fn no_store(path: &Path, error: &sqlx::Error) -> Fault {
    let why = crate::store::fault::chain(error);
    Fault::Open(format!("{} is no Vestibule store: {why}", path.display()))
}
