//! Opening the file: rights, settings, migrations.

use super::presence::Presence;
use super::{SqliteStore, accounts};
use crate::store::Fault;
use crate::store::fault::chain;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlStr};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// (version, name, SQL). A released migration is never edited: its checksum is in the file.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "init",
        include_str!("../../../migrations/sqlite/0001_init.sql"),
    ),
    (
        2,
        "people",
        include_str!("../../../migrations/sqlite/0002_people.sql"),
    ),
    (
        3,
        "certificates",
        include_str!("../../../migrations/sqlite/0003_certificates.sql"),
    ),
];

/// How long a writer waits for another one, of this process or of another, before the store is at fault.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that read. Reads are short and mostly cached above the store.
const READERS: u32 = 4;
/// The write-ahead log is cut back to this many bytes once it has been written home.
const WAL_BYTES_KEPT: &str = "67108864";

impl SqliteStore {
    /// Opens the store, making folder and file (readable by their owner only) where there is none, and
    /// brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, Fault> {
        make_folder(path)?;
        let presence = Presence::shared(path).await?;
        create(path)?;
        Self::connect(path, presence, Tables::BroughtUpToDate).await
    }

    /// Opens a store that must be there already: for commands that should not make one by a mistyped path.
    pub async fn open_existing(path: &Path) -> Result<Self, Fault> {
        Self::open_there(path, Tables::BroughtUpToDate).await
    }

    /// The same, of whatever version its tables are: a copy before an upgrade is of the store before the upgrade.
    pub async fn open_as_it_is(path: &Path) -> Result<Self, Fault> {
        Self::open_there(path, Tables::LeftAsTheyAre).await
    }

    async fn open_there(path: &Path, tables: Tables) -> Result<Self, Fault> {
        if !path.is_file() {
            return Err(Fault::Open(format!(
                "there is no store at {}",
                path.display()
            )));
        }
        let presence = Presence::shared(path).await?;
        Self::connect(path, presence, tables).await
    }

    /// Closes all connections; the last one out writes the write-ahead log home.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn connect(path: &Path, presence: Presence, tables: Tables) -> Result<Self, Fault> {
        let file = FileIdentity::of(path)?;
        let options = settings(path);
        let writer = pool(1).connect_lazy_with(
            options
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("journal_size_limit", WAL_BYTES_KEPT),
        );
        let store = Self {
            writer,
            readers: pool(READERS).connect_lazy_with(options.pragma("query_only", "ON")),
            file,
            _presence: presence,
        };
        if tables == Tables::BroughtUpToDate {
            store
                .migrate()
                .await
                .map_err(|why| Fault::Open(format!("{}: {why}", path.display())))?;
        }
        Ok(store)
    }

    /// In one write transaction: two processes that start together migrate once, and a migration that fails
    /// half-way leaves nothing behind. Shows at once whether the file can be written at all.
    async fn migrate(&self) -> Result<(), String> {
        let mut tx = self.begin_patiently().await.map_err(|e| chain(&e))?;
        migrator()
            .run_direct(None, &mut *tx, false)
            .await
            .map_err(|e| e.to_string())?;
        accounts::fold_names(&mut tx).await.map_err(|e| chain(&e))?;
        // On a file that cannot be written SQLite quietly begins a transaction that only reads.
        sqlx::query("DELETE FROM notices WHERE id < 0")
            .execute(&mut *tx)
            .await
            .map_err(|e| chain(&e))?;
        tx.commit().await.map_err(|e| chain(&e))
    }

    /// Turning a fresh file over to WAL mode is the one step that SQLite does not queue for: where several
    /// processes start on it together, all but one are told that it is locked.
    async fn begin_patiently(
        &self,
    ) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        const EVERY: Duration = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            match self.writer.begin_with("BEGIN IMMEDIATE").await {
                Err(e) if is_busy(&e) && waited < PATIENCE => {
                    tokio::time::sleep(EVERY).await;
                    waited += EVERY;
                }
                other => return other,
            }
        }
    }
}

/// What becomes of tables that an older version made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tables {
    BroughtUpToDate,
    LeftAsTheyAre,
}

/// What holds for every connection.
pub(in crate::store) fn settings(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
}

/// A pool whose connections last, and in which no transaction outlives its owner.
///
/// When SQLite itself has rolled back (disk full, I/O error), the driver's own rollback fails and its
/// connection believes for ever that it is inside a transaction. Such a connection is thrown away.
fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE + PATIENCE)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    // A rollback may still be on its way to the connection's thread; this waits for it.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
}

/// In place of `sqlx::migrate!`, whose macro would build SQLite a second time.
pub(super) fn migrator() -> Migrator {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

pub(in crate::store) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    let code = error.as_database_error().and_then(|e| e.code());
    code.and_then(|c| c.parse::<i32>().ok())
        .is_some_and(|c| c & 0xff == SQLITE_BUSY)
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

pub(super) fn make_folder(path: &Path) -> Result<(), Fault> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder(path))
        .map_err(|e| Fault::Open(format!("{}: {e}", path.display())))
}

/// Makes the file with its rights before SQLite opens it; its log files inherit them. An existing file is
/// never opened here: closing it would drop the locks that SQLite holds on it in this process.
fn create(path: &Path) -> Result<(), Fault> {
    let fault = |e: std::io::Error| Fault::Open(format!("{}: {e}", path.display()));
    match new_file(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(fault(e)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Readable and writable by its owner only.
pub(super) fn new_file(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Which file was opened. SQLite would go on writing to a file that nobody finds any more.
#[derive(Debug)]
pub(super) struct FileIdentity {
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn of(path: &Path) -> Result<Self, Fault> {
        let found =
            std::fs::metadata(path).map_err(|e| Fault::Open(format!("{}: {e}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
        })
    }

    /// One `stat`, a microsecond.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match std::fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(Fault::Query(format!(
                "{} was replaced while it was in use; restart to open the new one",
                self.path.display()
            ))),
            Err(e) => Err(Fault::Away(format!("{}: {e}", self.path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Actor, Event, Place, Record};
    use crate::domain::timestamp::Timestamp;
    use crate::store::{AuditFilter, Change, Commit, Store as _};

    fn entry(bytes: usize) -> [Change; 1] {
        [Change::Audit(Record {
            at: Timestamp::from_seconds(0),
            event: Event::SignedIn,
            account: None,
            actor: Actor::System,
            place: Place::default(),
            detail: "x".repeat(bytes),
        })]
    }

    async fn entries(store: &SqliteStore) -> usize {
        let all = AuditFilter {
            limit: 99,
            ..AuditFilter::default()
        };
        store.audit(&all).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_full_disk_is_a_fault_until_there_is_room_again() {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("v.db")).await.unwrap();
        let full = sqlx::query("PRAGMA max_page_count = 1");
        full.execute(&store.writer).await.unwrap();
        let fault = store.commit(&entry(1_000_000)).await;
        assert!(
            matches!(&fault, Err(Fault::Full(why)) if why.contains("full")),
            "{fault:?}"
        );
        assert_eq!(entries(&store).await, 0);

        let room = sqlx::query("PRAGMA max_page_count = 100000");
        room.execute(&store.writer).await.unwrap();
        assert_eq!(store.commit(&entry(1_000_000)).await.unwrap(), Commit::Done);
        assert_eq!(entries(&store).await, 1);
    }

    #[tokio::test]
    async fn a_file_that_takes_no_changes_is_told_apart_and_read() {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("v.db")).await.unwrap();
        assert_eq!(store.commit(&entry(1)).await.unwrap(), Commit::Done);
        // what SQLite says of a disk that is mounted read-only
        let deaf = sqlx::query("PRAGMA query_only = ON");
        deaf.execute(&store.writer).await.unwrap();
        let fault = store.commit(&entry(1)).await;
        assert!(matches!(&fault, Err(Fault::ReadOnly(_))), "{fault:?}");
        assert_eq!(entries(&store).await, 1);
        let well = sqlx::query("PRAGMA query_only = OFF");
        well.execute(&store.writer).await.unwrap();
        assert_eq!(store.commit(&entry(1)).await.unwrap(), Commit::Done);
    }

    /// SQLite rolls back by itself when the disk is full or fails, and the driver does not see it.
    #[tokio::test]
    async fn a_connection_that_lost_its_transaction_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("v.db")).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let behind = sqlx::query("ROLLBACK").execute(&mut *tx).await;
        assert!(behind.is_ok());
        drop(tx);
        for _ in 0..3 {
            assert_eq!(store.commit(&entry(1)).await.unwrap(), Commit::Done);
        }
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_on_disk() {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("v.db")).await.unwrap();
        for (sql, want) in [
            ("SELECT synchronous AS n FROM pragma_synchronous", 2i64),
            ("SELECT foreign_keys AS n FROM pragma_foreign_keys", 1),
            (
                "SELECT journal_mode = 'wal' AS n FROM pragma_journal_mode",
                1,
            ),
        ] {
            let row = sqlx::query(sql).fetch_one(&store.writer).await.unwrap();
            assert_eq!(super::super::rows::get::<i64>(&row, "n").unwrap(), want);
        }
    }

    #[tokio::test]
    async fn a_cancelled_commit_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&place.path().join("v.db")).await.unwrap();
        let mut done = 0;
        for micros in (0..2000).step_by(50) {
            let changes: Vec<Change> = (0..5).flat_map(|_| entry(10)).collect();
            let commit = store.commit(&changes);
            let limit = Duration::from_micros(micros);
            if tokio::time::timeout(limit, commit).await.is_ok() {
                done += 1;
            }
        }
        let all = AuditFilter {
            limit: u32::MAX,
            ..AuditFilter::default()
        };
        let kept = store.audit(&all).await.unwrap().len();
        assert_eq!(kept % 5, 0, "whole transactions only");
        assert!(kept >= done * 5, "what was acknowledged is there");
        assert_eq!(store.commit(&entry(1)).await.unwrap(), Commit::Done);
    }
}
