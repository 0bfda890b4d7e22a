use super::*;
use crate::domain::account::{Account, Status};
use crate::domain::id::AccountId;
use crate::env::ManualClock;
use crate::store::sqlite::SqliteStore;
use crate::store::{Change, Commit, Store as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

struct World {
    store: Arc<SqliteStore>,
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    readiness: Arc<Readiness>,
    listening: Listening,
}

struct NoEntropy;

impl crate::env::Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) {}
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store.db")).await;
        let store = Arc::new(store.unwrap());
        let clock = Arc::new(ManualClock::at(1_000));
        let readiness = Arc::new(Readiness::starting());
        let sources = Sources {
            metrics: Arc::new(Metrics::new("9.9.9", 1)),
            store: store.clone(),
            env: Env::new(clock.clone(), Arc::new(NoEntropy)),
            readiness: readiness.clone(),
        };
        let listening = serve(SocketAddr::from(([127, 0, 0, 1], 0)), sources)
            .await
            .unwrap();
        Self {
            store,
            dir,
            clock,
            readiness,
            listening,
        }
    }

    async fn add_account(&self, number: u128) {
        let account = Account {
            id: AccountId::from_uuid(uuid::Uuid::from_u128(number)),
            login: format!("person-{number}"),
            email: None,
            name: String::new(),
            groups: Default::default(),
            attributes: Default::default(),
            language: None,
            status: Status::Active,
            created_at: Timestamp::from_seconds(1),
            password: None,
            totp: None,
            reminder: Default::default(),
            history: crate::domain::account::History::default(),
        };
        let changes = [Change::AddAccount(Box::new(account))];
        assert_eq!(self.store.commit(&changes).await.unwrap(), Commit::Done);
    }

    /// The store's file goes away under it.
    fn break_store(&self) {
        std::fs::remove_file(self.dir.path().join("store.db")).unwrap();
    }

    /// Status and whole answer.
    async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.listening.address()).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    async fn check(&self, request: &str, status: u16, holds: &str) {
        let (method, path) = request.split_once(' ').unwrap();
        let (got, answer) = self.ask(method, path).await;
        assert_eq!(got, status, "{request}: {answer}");
        assert!(answer.contains(holds), "{request}: {answer}");
    }
}

#[tokio::test]
async fn alive_is_not_ready() {
    let world = World::new().await;
    world.check("GET /healthz", 200, "\r\n\r\nok\n").await;
    world
        .check(
            "GET /readyz",
            503,
            r#"{"ready":false,"reasons":["starting"]}"#,
        )
        .await;
    world.readiness.wait_for("keys", "no signing key yet");
    world.readiness.started();
    world
        .check("GET /readyz", 503, r#"["no signing key yet"]"#)
        .await;
    world.readiness.clear("keys");
    world
        .check("GET /readyz", 200, r#"{"ready":true,"reasons":[]}"#)
        .await;
    world.readiness.stopping();
    world.check("GET /readyz", 503, "stopping").await;
    world.check("GET /healthz", 200, "ok").await;
}

#[tokio::test]
async fn a_failing_store_is_not_ready_and_tells_no_detail() {
    let world = World::new().await;
    world.readiness.started();
    world.check("GET /readyz", 200, "true").await;
    world.break_store();
    let (status, answer) = world.ask("GET", "/readyz").await;
    assert_eq!(status, 503);
    assert!(answer.contains("the store fails; see the log"));
    assert!(!answer.contains("store.db"));
    world.check("GET /healthz", 200, "ok").await;
    // the last numbers
    world
        .check("GET /metrics", 200, "vestibule_sessions 0")
        .await;
}

#[tokio::test]
async fn the_census_is_taken_at_most_every_five_seconds() {
    let world = World::new().await;
    let off = |count| format!("vestibule_accounts{{second_factor=\"off\"}} {count}\n");
    world.add_account(1).await;
    world.check("GET /metrics", 200, &off(1)).await;
    world.add_account(2).await;
    world.check("GET /metrics", 200, &off(1)).await;
    world.clock.advance(4);
    world.check("GET /metrics", 200, &off(1)).await;
    world.clock.advance(1);
    world.check("GET /metrics", 200, &off(2)).await;
    world
        .check("GET /metrics", 200, "vestibule_sessions 0\n")
        .await;
    let content_type = "content-type: application/openmetrics-text";
    world.check("GET /metrics", 200, content_type).await;
}

#[tokio::test]
async fn nothing_else_is_answered() {
    let world = World::new().await;
    world.check("GET /", 404, "").await;
    world.check("GET /metrics/", 404, "").await;
    world.check("POST /metrics", 405, "allow: GET, HEAD").await;
    world.check("DELETE /healthz", 405, "").await;
    world.check("POST /debug", 404, "").await;
    world.check("HEAD /healthz", 200, "").await;
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_wait() {
    let world = World::new().await;
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(TcpStream::connect(world.listening.address()).await.unwrap());
    }
    let asked =
        tokio::time::timeout(Duration::from_millis(300), world.ask("GET", "/healthz")).await;
    assert!(asked.is_err(), "there was room");
    drop(idle);
    world.check("GET /healthz", 200, "ok").await;
}
