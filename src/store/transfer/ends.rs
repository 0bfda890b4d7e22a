//! Both ends: one connection and one transaction each, and nobody else who writes.

use super::{insert, rows, select};
use crate::domain::database::Server;
use crate::store::Fault;
use crate::store::postgres::{self, PostgresStore};
use crate::store::sqlite::{Presence, SqliteStore};
use crate::store::tables::{TABLES, Table};
use crate::store::transfer::rows::Value;
use futures_util::{StreamExt as _, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, query,
    query_scalar,
};
use std::path::Path;
use std::time::Duration;

/// A store at one end.
pub struct End {
    pub(super) connection: Connection,
    _alone: Option<Presence>,
}

pub(super) enum Connection {
    File(SqliteConnection),
    Server(PgConnection),
}

impl End {
    /// A store in a file that nobody else has open, now and as long as this lives.
    pub async fn file_to_read(path: &Path) -> Result<Self, Fault> {
        let in_use = || {
            Fault::Open(format!(
                "the store {} is in use: stop the gateway first (`systemctl stop vestibule`), and whatever else has it \
                 open; what is changed meanwhile would be lost",
                path.display()
            ))
        };
        let alone = Presence::alone(path)?.ok_or_else(in_use)?;
        let mut connection = crate::store::sqlite::settings(path)
            .pragma("locking_mode", "EXCLUSIVE")
            .busy_timeout(Duration::from_secs(1))
            .connect()
            .await?;
        // the first read takes the lock, which programs heed that know nothing of ours
        for sql in ["BEGIN", "SELECT COUNT(*) FROM accounts"] {
            match query(sql).execute(&mut connection).await {
                Err(e) if crate::store::sqlite::is_busy(&e) => return Err(in_use()),
                done => done?,
            };
        }
        Ok(Self {
            connection: Connection::File(connection),
            _alone: Some(alone),
        })
    }

    /// A new store in a file: tables, and not a row.
    pub async fn file_to_fill(path: &Path) -> Result<Self, Fault> {
        let store = SqliteStore::open(path).await?;
        store.close().await;
        drop(store);
        let mut connection = crate::store::sqlite::settings(path).connect().await?;
        query("BEGIN IMMEDIATE").execute(&mut connection).await?;
        Ok(Self {
            connection: Connection::File(connection),
            _alone: None,
        })
    }

    /// A store on a server that no node uses; what writes all the same waits until this is at its end.
    pub async fn server_to_read(server: &Server) -> Result<Self, Fault> {
        PostgresStore::open_existing(server).await?.close().await;
        let isolation = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Self::server(server, isolation, "SHARE").await
    }

    /// An empty store on a server; its tables are made.
    pub async fn server_to_fill(server: &Server) -> Result<Self, Fault> {
        PostgresStore::open(server).await?.close().await;
        let mut end = Self::server(server, "BEGIN", "EXCLUSIVE").await?;
        for table in TABLES {
            if end.connection.count(table).await? > 0 {
                return Err(Fault::Open(format!(
                    "the {server} is not empty (there are rows in `{}`): take another database, or drop this one and \
                     create it anew",
                    table.name
                )));
            }
        }
        Ok(end)
    }

    async fn server(server: &Server, begin: &'static str, mode: &str) -> Result<Self, Fault> {
        let mut c = postgres::options(server).connect().await?;
        let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let lock = format!("LOCK TABLE {} IN {mode} MODE", tables.join(", "));
        for sql in [
            begin,
            // a large store takes its time
            "SET LOCAL statement_timeout = 0",
            "SET LOCAL idle_in_transaction_session_timeout = 0",
            "SET LOCAL lock_timeout = '10s'",
        ] {
            query(sql).execute(&mut c).await?;
        }
        query(AssertSqlSafe(lock)).execute(&mut c).await?;
        nobody_else(&mut c, server).await?;
        Ok(Self {
            connection: Connection::Server(c),
            _alone: None,
        })
    }

    /// All of it is there from now on, and on disk.
    pub async fn commit(self) -> Result<(), Fault> {
        match self.connection {
            Connection::File(mut c) => {
                query("COMMIT").execute(&mut c).await?;
                Ok(c.close().await?)
            }
            Connection::Server(mut c) => {
                query("SET LOCAL synchronous_commit = 'on'")
                    .execute(&mut c)
                    .await?;
                query("COMMIT").execute(&mut c).await?;
                Ok(c.close().await?)
            }
        }
    }
}

/// Nodes and commands have connections of our name. One that has just been closed takes a moment to go.
async fn nobody_else(c: &mut PgConnection, server: &Server) -> Result<(), Fault> {
    let mut nodes = 0i64;
    for _ in 0..30 {
        // within a transaction it is looked up once only
        query("SELECT pg_stat_clear_snapshot()")
            .execute(&mut *c)
            .await?;
        nodes = query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'vestibule' AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut *c)
        .await?;
        if nodes == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Fault::Open(format!(
        "the {server} is in use by a gateway or a command ({nodes} connections): stop all nodes first"
    )))
}

impl Connection {
    pub(super) fn rows(
        &mut self,
        table: &'static Table,
    ) -> BoxStream<'_, Result<Vec<Value>, Fault>> {
        match self {
            Self::File(c) => query(AssertSqlSafe(select(table, "")))
                .fetch(c)
                .map(move |row| rows::of_file(table, &row?))
                .boxed(),
            Self::Server(c) => query(AssertSqlSafe(select(table, " COLLATE \"C\"")))
                .fetch(c)
                .map(move |row| rows::of_server(table, &row?))
                .boxed(),
        }
    }

    pub(super) async fn insert(
        &mut self,
        table: &Table,
        batch: Vec<Vec<Value>>,
    ) -> Result<(), Fault> {
        let count = batch.len();
        let kinds = table.columns.iter().map(|(_, kind)| *kind);
        let fields = batch.into_iter().flat_map(|row| kinds.clone().zip(row));
        match self {
            Self::File(c) => {
                let sql = insert(table, count, "");
                let statement = fields.fold(query(AssertSqlSafe(sql)), rows::to_file);
                statement.persistent(false).execute(c).await?;
            }
            Self::Server(c) => {
                let sql = insert(table, count, "OVERRIDING SYSTEM VALUE");
                let statement = fields.fold(query(AssertSqlSafe(sql)), rows::to_server);
                statement.persistent(false).execute(c).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, Fault> {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        let count: i64 = match self {
            Self::File(c) => query_scalar(sql).fetch_one(c).await?,
            Self::Server(c) => query_scalar(sql).fetch_one(c).await?,
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The last number that was given out, to rows that are gone included; 0 before the first.
    pub(super) async fn last_number(&mut self, table: &Table) -> Result<i64, Fault> {
        Ok(match self {
            Self::File(c) => {
                query_scalar("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = $1")
                    .bind(table.name)
                    .fetch_one(c)
                    .await?
            }
            Self::Server(c) => {
                query_scalar(
                    "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)",
                )
                .bind(table.name)
                .fetch_one(c)
                .await?
            }
        })
    }

    pub(super) async fn go_on_after(&mut self, table: &Table, last: i64) -> Result<(), Fault> {
        if last <= 0 {
            return Ok(());
        }
        match self {
            Self::File(c) => {
                // a table without a row has no number yet
                for sql in [
                    "DELETE FROM sqlite_sequence WHERE name = $1 AND $2 > 0",
                    "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
                ] {
                    query(sql)
                        .bind(table.name)
                        .bind(last)
                        .execute(&mut *c)
                        .await?;
                }
            }
            Self::Server(c) => {
                query("SELECT setval(pg_get_serial_sequence($1, 'id')::regclass, $2)")
                    .bind(table.name)
                    .bind(last)
                    .execute(c)
                    .await?;
            }
        }
        Ok(())
    }
}
