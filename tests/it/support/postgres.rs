//! A real PostgreSQL server on loopback: one for the whole process, a database for each test.
//!
//! It is watched over by a shell that reads from a pipe: when this process ends, however it ends, the pipe is
//! closed, and the shell ends the server and removes its folder.

use super::port;
use super::world::Ca;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vestibule::domain::database::{Place, Protection, Server};
use vestibule::store::postgres::PostgresStore;
use zeroize::Zeroizing;

pub(crate) const USER: &str = "gatekeeper";
pub(crate) const PASSWORD: &str = "open sesame/42";

pub(crate) struct Postgres {
    folder: PathBuf,
    /// How databases are copied: quickly, where the server knows how (15 and later).
    copies: &'static str,
    pub(crate) port: u16,
    /// Of the authority that its certificate, for `localhost`, is of.
    pub(crate) ca_file: PathBuf,
    /// Its standard input is the pipe.
    _watch: Child,
    /// A database is copied from one that nobody is connected to.
    copying: tokio::sync::Mutex<bool>,
    databases: AtomicUsize,
}

/// The server of this process.
pub(crate) fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(Postgres::start)
}

/// A database of one test; gone with it.
pub(crate) struct Database {
    pub(crate) name: String,
}

impl Database {
    /// An empty store.
    pub(crate) async fn with_tables() -> Self {
        let server = server();
        let mut is_made = server.copying.lock().await;
        if !*is_made {
            server
                .sql("CREATE DATABASE pattern ENCODING 'UTF8' TEMPLATE template0")
                .await;
            let store = PostgresStore::open(&server.at("pattern")).await.unwrap();
            store.close().await;
            *is_made = true;
        }
        Self::copy(server, "pattern").await
    }

    /// Nothing at all.
    pub(crate) async fn empty() -> Self {
        let server = server();
        let _one_at_a_time = server.copying.lock().await;
        Self::copy(server, "template0").await
    }

    async fn copy(server: &Postgres, pattern: &str) -> Self {
        let name = format!("t{}", server.databases.fetch_add(1, Ordering::SeqCst));
        server
            .sql(&format!(
                "CREATE DATABASE {name} TEMPLATE {pattern} {}",
                server.copies
            ))
            .await;
        Self { name }
    }

    pub(crate) fn server(&self) -> Server {
        server().at(&self.name)
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(&self.server()).await.unwrap()
    }

    /// As it stands in a configuration, without its password.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://{USER}@127.0.0.1:{}/{}",
            server().port,
            self.name
        )
    }

    /// Ends every connection to it and takes no new one.
    pub(crate) async fn shut(&self) {
        let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name);
        server().sql(&sql).await;
        self.cut().await;
    }

    pub(crate) async fn open(&self) {
        let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name);
        server().sql(&sql).await;
    }

    /// Ends every connection to it.
    pub(crate) async fn cut(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
        server().sql(&format!("{sql} = '{}'", self.name)).await;
    }

    /// One value, as text.
    pub(crate) async fn text(&self, sql: &str) -> String {
        use sqlx::Row as _;
        let mut connection = connect(&self.name).await;
        let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
        let row = query.fetch_one(&mut connection).await.unwrap();
        row.get(0)
    }

    /// How often transactions had to be ended because they waited for each other. Ends all connections, which tell
    /// only then.
    pub(crate) async fn deadlocks(&self) -> String {
        self.cut().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let sql = "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";
        self.text(sql).await
    }

    /// As an operator would, with the server's own rights.
    pub(crate) async fn run(&self, sql: &str) -> Result<u64, String> {
        let mut connection = connect(&self.name).await;
        let done = connection
            .execute(sqlx::AssertSqlSafe(sql.to_owned()))
            .await;
        let _ = connection.close().await;
        done.map(|d| d.rows_affected()).map_err(|e| e.to_string())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // the test's own runtime may be on its way out
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(server().sql(&sql));
        });
        let _ = gone.join();
    }
}

async fn connect(database: &str) -> sqlx::PgConnection {
    sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server().port)
        .username(USER)
        .password(PASSWORD)
        .database(database)
        .connect()
        .await
        .unwrap()
}

impl Postgres {
    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap().keep();
        let port = port::free();
        let ca = Ca::new("the database server's");
        let (certificate, key) = ca.issue(&["localhost"]);
        let ca_file = folder.join("ca.pem");
        std::fs::write(&ca_file, ca.pem()).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        // the server refuses to run as the superuser
        let is_root = rustix::process::geteuid().is_root();
        let other = match is_root {
            true => "setpriv --reuid=nobody --regid=nogroup --clear-groups",
            false => "",
        };
        let script = format!(
            "trap '' INT TERM; cd '{folder}' || exit 1
             chmod 755 . && chmod 600 server.key
             mkdir run && touch log
             {own}
             {other} '{programs}/initdb' -D data/cluster -U {USER} -A scram-sha-256 --pwfile=password \
                 -E UTF8 --locale=C --no-sync >log 2>&1 || exit 1
             {other} '{programs}/postgres' -D data/cluster -k '{folder}/run' -p {port} \
                 -c listen_addresses=127.0.0.1 -c max_connections=400 -c fsync=off -c full_page_writes=off \
                 -c ssl=on -c ssl_cert_file='{folder}/server.pem' -c ssl_key_file='{folder}/server.key' \
                 >>log 2>&1 &
             cat >/dev/null
             kill -QUIT $!; wait $!
             cd / && rm -rf '{folder}'",
            folder = folder.display(),
            programs = programs.display(),
            own = match is_root {
                true => "mkdir data && chown nobody:nogroup data run server.key log password",
                false => "mkdir data",
            },
        );
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let is_ready = || log().contains("database system is ready to accept connections");
        for _ in 0..600 {
            if is_ready() {
                break;
            }
            assert!(
                child.try_wait().unwrap().is_none(),
                "no PostgreSQL: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(is_ready(), "PostgreSQL does not start: {}", log());
        Self {
            port,
            ca_file,
            _watch: child,
            copies: match ["13", "14"]
                .iter()
                .any(|old| programs.ends_with(format!("{old}/bin")))
            {
                true => "",
                false => "STRATEGY file_copy",
            },
            folder,
            copying: tokio::sync::Mutex::default(),
            databases: AtomicUsize::new(1),
        }
    }

    pub(crate) fn at(&self, database: &str) -> Server {
        Server {
            place: Place::Tcp {
                host: "127.0.0.1".to_owned(),
                port: self.port,
            },
            user: USER.to_owned(),
            password: Some(Zeroizing::new(PASSWORD.to_owned())),
            database: database.to_owned(),
            protection: Protection::None,
            authorities: None,
            certificate: None,
            connections: 5,
        }
    }

    /// The folder of its Unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("run")
    }

    pub(crate) async fn sql(&self, sql: &str) {
        let mut connection = connect("postgres").await;
        let done = connection
            .execute(sqlx::AssertSqlSafe(sql.to_owned()))
            .await;
        let _ = connection.close().await;
        done.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Debian keeps a folder for each version.
pub(crate) fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    let mut found: Vec<PathBuf> = folders
        .filter(|folder| folder.join("initdb").exists())
        .chain(
            Path::new("/usr/bin/initdb")
                .exists()
                .then(|| "/usr/bin".into()),
        )
        .collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL is missing; tools/prepare test installs it")
}
