//! PostgreSQL servers that a test may kill, freeze and promote: each with a cluster of its own.
//!
//! As with the server that all tests share, a shell reads from a pipe: when this process ends, however it ends, it ends
//! the servers and removes their folder.

use super::port;
use super::postgres::{PASSWORD, USER, programs};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::database::{Place, Protection, Server};
use zeroize::Zeroizing;

pub(crate) struct Cluster {
    pub(crate) port: u16,
    folder: Arc<Folder>,
    data: PathBuf,
}

/// Of a primary and its standby.
struct Folder {
    path: PathBuf,
    _watch: Child,
}

impl Folder {
    fn new() -> Arc<Self> {
        let path = tempfile::tempdir().unwrap().keep();
        if rustix::process::geteuid().is_root() {
            // the servers refuse to run as the superuser
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
        }
        let script = format!(
            "trap '' INT TERM; cat >/dev/null; cd '{}' || exit 1
             for server in */postmaster.pid; do
                 read -r pid <$server && kill -KILL $(cat /proc/$pid/task/$pid/children) $pid
             done 2>/dev/null
             cd / && rm -rf '{0}'",
            path.display()
        );
        let watch = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Arc::new(Self {
            path,
            _watch: watch,
        })
    }
}

/// A program of PostgreSQL's, as somebody who may run it.
fn command(program: &str) -> Command {
    let program = programs().join(program);
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program);
    command
}

async fn succeeds(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Cluster {
    /// A primary, started.
    pub(crate) async fn start() -> Self {
        let folder = Folder::new();
        let data = folder.path.join("primary");
        let password = folder.path.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let mut init = command("initdb");
        init.arg("-D").arg(&data).args(["-U", USER]);
        init.args(["-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]);
        init.arg("--no-sync")
            .arg(format!("--pwfile={}", password.display()));
        succeeds(init).await;
        let cluster = Self {
            port: port::free(),
            folder,
            data,
        };
        cluster.begin().await;
        cluster.run("CREATE DATABASE vestibule").await.unwrap();
        cluster
    }

    /// A standby that follows it; nothing that changes is acknowledged without it from now on.
    pub(crate) async fn standby(&self) -> Self {
        let data = self.folder.path.join("standby");
        let mut copy = command("pg_basebackup");
        copy.arg("-D")
            .arg(&data)
            .args(["-U", USER, "-h", "127.0.0.1"]);
        copy.args(["-p", &self.port.to_string(), "-R", "-X", "stream"]);
        copy.args(["-c", "fast", "--no-sync"])
            .env("PGPASSWORD", PASSWORD);
        succeeds(copy).await;
        let standby = Self {
            port: port::free(),
            folder: Arc::clone(&self.folder),
            data,
        };
        standby.begin().await;
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .await
            .unwrap();
        self.run("SELECT pg_reload_conf()").await.unwrap();
        for _ in 0..200 {
            let state = "SELECT coalesce(string_agg(sync_state, ','), '') FROM pg_stat_replication";
            if self.text("postgres", state).await == "sync" {
                return standby;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the standby does not follow: {}", standby.log());
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn begin(&self) {
        self.begin_by(command("postgres")).await;
    }

    /// The same with a disk of so many megabytes at the path returned, for a tablespace; nobody but this server sees
    /// it, and it is gone with it. `None` where this process may not mount.
    pub(crate) async fn begin_with_small_disk(&self, megabytes: u32) -> Option<PathBuf> {
        let disk = self.folder.path.join("disk");
        std::fs::create_dir_all(&disk).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,uid=65534,gid=65534,mode=700 none '{}' && exec \"$@\"",
            disk.display()
        );
        let apart = |wanted: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", &script, "sh"]);
            command.args(wanted);
            command
        };
        let allowed = apart(&["true"]).output().is_ok_and(|o| o.status.success());
        if !allowed || !rustix::process::geteuid().is_root() {
            return None;
        }
        let server = programs().join("postgres");
        let [user, group] = ["--reuid=65534", "--regid=65534"];
        let server = server.to_str().unwrap();
        self.begin_by(apart(&["setpriv", user, group, "--clear-groups", server]))
            .await;
        Some(disk)
    }

    async fn begin_by(&self, mut server: Command) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.data.with_extension("log"))
            .unwrap();
        server.arg("-D").arg(&self.data);
        server.args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "max_connections=60",
            "shared_buffers=16MB",
        ] {
            server.args(["-c", setting]);
        }
        let mut child = server
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        // nobody else waits for it
        std::thread::spawn(move || child.wait());
        for _ in 0..400 {
            if self.connect("postgres").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL does not start: {}", self.log());
    }

    /// As if its machine had lost its power.
    pub(crate) async fn kill(&self) {
        self.signal_all(Signal::KILL);
        self.ended().await;
    }

    /// As `systemctl stop` does.
    pub(crate) async fn stop(&self) {
        let pid = self.pid().unwrap();
        kill_process(pid, Signal::INT).unwrap();
        self.ended().await;
    }

    /// It takes connections and never answers.
    pub(crate) fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    pub(crate) async fn promote(&self) {
        assert_eq!(
            self.text("postgres", "SELECT pg_promote()::text").await,
            "true"
        );
    }

    /// Makes a stopped server a standby of another one, as a tool that manages fail-overs does with the old primary.
    /// It may have what the new one does not: it is a standby nobody should read from.
    pub(crate) fn demote(&self) {
        std::fs::write(self.data.join("standby.signal"), "").unwrap();
    }

    pub(crate) fn at(&self, port: u16) -> Server {
        Server {
            place: Place::Tcp {
                host: "127.0.0.1".to_owned(),
                port,
            },
            user: USER.to_owned(),
            password: Some(Zeroizing::new(PASSWORD.to_owned())),
            database: "vestibule".to_owned(),
            protection: Protection::None,
            authorities: None,
            certificate: None,
            connections: 5,
        }
    }

    /// In the database of the store, as text.
    pub(crate) async fn text(&self, database: &str, sql: &str) -> String {
        let mut connection = self.connect(database).await.unwrap();
        let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
        query.fetch_one(&mut connection).await.unwrap().get(0)
    }

    /// As an operator would.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), String> {
        self.run_in("postgres", sql).await
    }

    pub(crate) async fn run_in(&self, database: &str, sql: &str) -> Result<(), String> {
        let mut connection = self.connect(database).await.map_err(|e| e.to_string())?;
        let done = connection
            .execute(sqlx::AssertSqlSafe(sql.to_owned()))
            .await;
        let _ = connection.close().await;
        done.map(|_| ()).map_err(|e| e.to_string())
    }

    async fn connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        sqlx::postgres::PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(USER)
            .password(PASSWORD)
            .database(database)
            .connect()
            .await
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }

    fn pid(&self) -> Option<Pid> {
        let file = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        Pid::from_raw(file.lines().next()?.trim().parse().ok()?)
    }

    /// The server and all processes it has made.
    fn signal_all(&self, signal: Signal) {
        let pid = self.pid().unwrap();
        let number = pid.as_raw_nonzero();
        let _ = kill_process(pid, signal);
        let made = format!("/proc/{number}/task/{number}/children");
        let made = std::fs::read_to_string(made).unwrap_or_default();
        for child in made.split_whitespace().flat_map(str::parse) {
            let _ = kill_process(Pid::from_raw(child).unwrap(), signal);
        }
    }

    async fn ended(&self) {
        for _ in 0..400 {
            let alive = self
                .pid()
                .is_some_and(|pid| Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists());
            if !alive {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL does not end: {}", self.log());
    }
}
