//! Connecting: where the server is, what holds for every connection, migrations.

use super::way::{self, Way};
use super::{PostgresStore, locks};
use crate::domain::database::{Place, Protection, Server};
use crate::store::Fault;
use crate::store::fault::chain;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Row as _, SqlStr,
};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// (version, name, SQL). A released migration is never edited: its checksum is in the database. Nodes of the version
/// before go on working while it runs and after it: a migration adds, and takes away only what no version in use reads.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "init",
        include_str!("../../../migrations/postgres/0001_init.sql"),
    ),
    (
        2,
        "many",
        include_str!("../../../migrations/postgres/0002_many.sql"),
    ),
];

/// How long a connection is waited for, and an answer to a question. A server that is away is a fault by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long a whole transaction may take, waiting for others included, and a search.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(5);
/// The server's own limits come before ours, so that it does not work on for nobody.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "4s"),
    // of a node that has stopped in the middle of a transaction nobody waits for long
    ("idle_in_transaction_session_timeout", "5s"),
    ("default_transaction_isolation", "read committed"),
];

pub(in crate::store) fn options(server: &Server) -> PgConnectOptions {
    // not `~/.pgpass`: the configuration says all
    let options = PgConnectOptions::new_without_pgpass();
    let options = match &server.place {
        Place::Tcp { host, port } => options.host(host).port(*port),
        Place::Socket { folder, port } => options.socket(folder).port(*port),
    };
    let mut options = options
        .username(&server.user)
        .database(&server.database)
        .application_name("vestibule")
        .options(LIMITS)
        .ssl_mode(match server.protection {
            Protection::None => PgSslMode::Disable,
            Protection::IfOffered => PgSslMode::Prefer,
            Protection::Encrypted => PgSslMode::Require,
            Protection::Authority => PgSslMode::VerifyCa,
            Protection::Host => PgSslMode::VerifyFull,
        });
    if let Some(password) = &server.password {
        options = options.password(password);
    }
    if let Some(file) = &server.authorities {
        options = options.ssl_root_cert(file);
    }
    if let Some((certificate, key)) = &server.certificate {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    options
}

impl PostgresStore {
    /// Connects and brings the tables up to date, making them in an empty database.
    pub async fn open(server: &Server) -> Result<Self, Fault> {
        Self::connect(server, Tables::MadeAtFirstUse)
            .await
            .map_err(|why| Fault::Open(format!("{server}: {why}")))
    }

    /// Connects to a store that must be there already: for commands that should not make one by a mistyped name.
    pub async fn open_existing(server: &Server) -> Result<Self, Fault> {
        Self::connect(server, Tables::MustExist)
            .await
            .map_err(|why| Fault::Open(format!("{server}: {why}")))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(ears) = self.ears.get() {
            ears.close().await;
        }
    }

    /// Whether somebody has used it: then there is a key file somewhere, and another one will not do.
    pub async fn is_used(&self) -> Result<bool, Fault> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM signing_keys) AS used",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get("used")?)
    }

    async fn connect(server: &Server, tables: Tables) -> Result<Self, String> {
        let options = options(server);
        // not from the pool, which would not say why it has no connection
        let mut connection = match tokio::time::timeout(PATIENCE, options.connect()).await {
            Ok(connected) => connected.map_err(|e| chain(&e))?,
            Err(_) => return Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        prepare(&mut connection, tables).await?;
        connection.close().await.map_err(|e| chain(&e))?;
        let way = Arc::default();
        Ok(Self {
            pool: pool(server.connections, &options, &way),
            options,
            way,
            ears: OnceLock::new(),
        })
    }
}

/// Whether a store may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tables {
    MadeAtFirstUse,
    MustExist,
}

/// Connections that are tried before they are used: a server that was restarted is met by new ones.
fn pool(connections: u32, options: &PgConnectOptions, way: &Arc<Way>) -> PgPool {
    let known = Arc::clone(way);
    to_the_primary(way)
        .max_connections(connections)
        // by `is_good`, which does not wait for ever
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let way = Arc::clone(&known);
            Box::pin(async move { Ok(way.is_good(connection, about.age).await) })
        })
        .after_release(|connection, _| Box::pin(async { Ok(way::is_usable(connection).await) }))
        .connect_lazy_with(options.clone())
}

/// The one connection that hears of notices.
pub(super) fn ears(options: &PgConnectOptions, way: &Arc<Way>) -> PgPool {
    to_the_primary(way)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone())
}

fn to_the_primary(way: &Arc<Way>) -> PgPoolOptions {
    let way = Arc::clone(way);
    PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            let way = Arc::clone(&way);
            Box::pin(async move { way.begin(connection).await })
        })
}

async fn prepare(c: &mut PgConnection, tables: Tables) -> Result<(), String> {
    let about = sqlx::query(
        "SELECT current_setting('server_encoding') AS encoding,
                current_setting('server_version_num')::int AS version,
                pg_is_in_recovery() AS standby,
                to_regclass('accounts') IS NOT NULL AS is_there",
    )
    .fetch_one(&mut *c)
    .await
    .map_err(|e| chain(&e))?;
    let get = |e: sqlx::Error| chain(&e);
    let encoding: String = about.try_get("encoding").map_err(get)?;
    let version: i32 = about.try_get("version").map_err(get)?;
    if encoding != "UTF8" {
        return Err(format!(
            "the database's encoding is {encoding}; make it with ENCODING 'UTF8'"
        ));
    }
    if version < 130_000 {
        return Err("the server is older than PostgreSQL 13".to_owned());
    }
    if about.try_get("standby").map_err(get)? {
        return Err(
            "the server is a standby, which takes no changes; name the primary, or an address that leads to it"
                .to_owned(),
        );
    }
    if tables == Tables::MustExist && !about.try_get::<bool, _>("is_there").map_err(get)? {
        return Err("there is no store".to_owned());
    }
    migrate(c).await
}

/// In one transaction under a lock: of nodes that start together one migrates, the others wait and find it done; a
/// migration that fails half-way leaves nothing behind.
async fn migrate(c: &mut PgConnection) -> Result<(), String> {
    let mut tx = c.begin().await.map_err(|e| chain(&e))?;
    for statement in [
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = '60s'",
    ] {
        tx.execute(statement).await.map_err(|e| chain(&e))?;
    }
    locks::take(&mut tx, &[locks::MIGRATIONS])
        .await
        .map_err(|e| chain(&e))?;
    migrator()
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|e| e.to_string())?;
    tx.commit().await.map_err(|e| chain(&e))
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, name, sql)| {
            Migration::new(
                version,
                name.into(),
                MigrationType::Simple,
                SqlStr::from_static(sql),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}
