//! A PostgreSQL server of the storm's own, on disk as an operator would have it (`fsync` on), that is killed and
//! stopped with all its processes, and started again.

use super::dice::Dice;
use crate::support::{port, postgres};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(super) const DATABASE: &str = "vestibule";

pub(super) struct Database {
    pub(super) port: u16,
    programs: PathBuf,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Database {
    pub(super) async fn start() -> Self {
        let mut this = Self {
            port: port::free(),
            programs: postgres::programs(),
            folder: tempfile::tempdir().unwrap(),
            child: None,
        };
        let folder = this.folder.path().display().to_string();
        std::fs::write(this.folder.path().join("password"), postgres::PASSWORD).unwrap();
        let mut all = Command::new("chmod");
        assert!(all.args(["755", &folder]).status().unwrap().success());
        if rustix::process::geteuid().is_root() {
            let mut own = Command::new("chown");
            own.args(["-R", "nobody:nogroup", &folder]);
            assert!(own.status().unwrap().success());
        }
        let initdb = this
            .command("initdb")
            .args(["-D", "cluster", "-U", postgres::USER])
            .args([
                "-A",
                "scram-sha-256",
                "--pwfile=password",
                "-E",
                "UTF8",
                "--locale=C",
            ])
            .output()
            .unwrap();
        assert!(initdb.status.success(), "{initdb:?}");
        this.revive().await;
        let mut connection = this.connect("postgres").await.unwrap();
        let sql = format!("CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0");
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
        this
    }

    /// As whom the server wants to be run; ends when this process does.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if rustix::process::geteuid().is_root() {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        }
        command.arg(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Starts it, and waits until it takes connections: after a crash, when the log has been replayed.
    pub(super) async fn revive(&mut self) {
        assert!(self.child.is_none());
        let log = || {
            let path = self.folder.path().join("log");
            let mut file = std::fs::OpenOptions::new();
            file.create(true).append(true).open(path).unwrap()
        };
        let mut command = self.command("postgres");
        command
            .args(["-D", "cluster", "-k", "", "-p", &self.port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ])
            .stdout(log())
            .stderr(log());
        self.child = Some(command.spawn().unwrap());
        self.answers().await;
    }

    async fn answers(&self) {
        for _ in 0..1200 {
            if let Ok(connection) = self.connect("postgres").await {
                let _ = connection.close().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        panic!("PostgreSQL does not start: {log}");
    }

    async fn connect(&self, database: &str) -> Result<sqlx::PgConnection, sqlx::Error> {
        let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(postgres::USER)
            .password(postgres::PASSWORD)
            .database(database);
        options.connect().await
    }

    /// As it stands in a configuration, by way of this port.
    pub(super) fn storage(port: u16) -> String {
        let user = postgres::USER;
        format!(
            "url: \"postgres://{user}@127.0.0.1:{port}/{DATABASE}\", password_file: database.password, pool: 8"
        )
    }

    pub(super) async fn version(&self) -> String {
        let mut connection = self.connect("postgres").await.unwrap();
        let version = sqlx::query_scalar("SELECT current_setting('server_version')");
        version.fetch_one(&mut connection).await.unwrap()
    }

    /// `SIGKILL` for every process of it, without a chance to tidy up.
    pub(super) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        // the first one would start others in place of those that are gone
        signal(child.id(), Signal::STOP);
        let others = children(child.id());
        for id in &others {
            signal(*id, Signal::KILL);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // as long as one of them has its memory, none is started anew
        while others.iter().any(|id| is_alive(*id)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `SIGKILL` for one process of it, as the kernel does when memory is short. The first one ends all others and
    /// begins anew.
    pub(super) async fn wound(&self, dice: &mut Dice) {
        let all = children(self.child.as_ref().unwrap().id());
        let others: Vec<u32> = all.iter().copied().filter(|id| is_alive(*id)).collect();
        signal(others[dice.below(others.len())], Signal::KILL);
        for _ in 0..2000 {
            if !others.iter().any(|id| is_alive(*id)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.answers().await;
    }

    pub(super) fn stop(&self) {
        self.tell(Signal::STOP);
    }

    pub(super) fn go_on(&self) {
        self.tell(Signal::CONT);
    }

    fn tell(&self, what: Signal) {
        let first = self.child.as_ref().unwrap().id();
        signal(first, what);
        for id in children(first) {
            signal(id, what);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// To one process, by its id; it may be gone already.
pub(super) fn signal(id: u32, what: Signal) {
    let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    let _ = kill_process(id, what);
}

/// The processes that this one has started.
fn children(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

fn is_alive(id: u32) -> bool {
    standing(id).is_some_and(|(state, _)| state != "Z")
}

fn parent_of(id: u32) -> Option<u32> {
    standing(id).map(|(_, parent)| parent)
}

/// The state of a process, and who has started it.
fn standing(id: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // the name, in parentheses, may hold anything
    let (_, rest) = stat.rsplit_once(") ")?;
    let (state, rest) = rest.split_once(' ')?;
    let parent = rest.split(' ').next()?.parse().ok()?;
    Some((state.to_owned(), parent))
}
