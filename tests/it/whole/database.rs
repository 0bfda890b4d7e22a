//! A real database server that ends, freezes, is replaced by its standby or takes no changes, under a gateway in use.

use super::browser::{Browser, SESSION};
use super::phone::Phone;
use super::site::{LOGIN, Plan, Site, WIKI, free_port};
use super::two_nodes::secret;
use crate::support::client::Wire;
use crate::support::cluster::Cluster;
use crate::support::postgres::{PASSWORD, USER};
use crate::support::road::Road;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::api_token::Scope;
use vestibule::portal::api::BASE;
use vestibule::store::FaultKind;

/// Within this all is well again when the server is back.
const SOON: Duration = Duration::from_secs(5);
/// For how long a session goes on that this node knows: `docs/postgresql.md` says so.
const DOCUMENTED: i64 = 60;

struct House {
    server: Cluster,
    road: Road,
    site: Site,
    operations: SocketAddr,
    phone: Phone,
    /// For the API.
    token: String,
}

impl House {
    async fn start() -> Self {
        let server = Cluster::start().await;
        let road = Road::to(server.port).await;
        let operations = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let more = format!(
            "roles: {{ helpdesk: [support], administrator: [it], auditor: [security] }}\noperations: {{ address: \"{operations}\" }}\n"
        );
        let secrets = tempfile::tempdir().unwrap();
        let password = secrets.path().join("database.password");
        secret(&password, PASSWORD);
        let site = Site::with(Plan {
            storage: format!(
                "url: \"postgres://{USER}@127.0.0.1:{}/vestibule\", password_file: \"{}\", pool: 6",
                road.port,
                password.display()
            ),
            more: more.leak(),
            ..Plan::default()
        })
        .await;
        let phone = site.account_with_app("mikael", &["staff"]).await;
        let life = Duration::from_secs(90 * 86_400);
        let scopes = Scope::ALL.into();
        let token = site.office.authn.add_api_token("all", scopes, life);
        let token = token.await.unwrap().unwrap().shown.to_string();
        Self {
            server,
            road,
            site,
            operations,
            phone,
            token,
        }
    }

    /// Somebody who is in.
    async fn mikael(&self) -> Browser {
        // a code of its own for each sign-in
        self.site.clock.advance(60);
        let mut b = self.site.browser();
        let answer = b.both("mikael", &self.phone, self.site.now()).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(b.open(&self.site.url(WIKI, "/")).await.status, 200);
        // what the sign-in itself changed has been heard of
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(self.wiki(&mut b).await, 200);
        b
    }

    async fn wiki(&self, b: &mut Browser) -> u16 {
        b.get(&self.site.url(WIKI, "/")).await.status
    }

    /// An answer of the operations listener.
    async fn operator(&self, path: &str) -> (u16, String) {
        let mut wire = Wire::plain(self.operations).await;
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
        .await;
        let answer = wire.answer().await.unwrap();
        (answer.status, answer.text())
    }

    async fn faults(&self, kind: FaultKind) -> u64 {
        let (_, text) = self.operator("/metrics").await;
        let name = format!("vestibule_store_faults_total{{kind=\"{}\"}} ", kind.code());
        let (_, rest) = text.split_once(&name).expect("a figure of each kind");
        rest.lines().next().unwrap().parse().unwrap()
    }

    /// What a program is told by the API.
    async fn api(&self) -> (u16, String) {
        let head = format!(
            "GET {BASE}/accounts HTTP/1.1\r\nHost: {LOGIN}:{}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            self.site.net.address.port(),
            self.token
        );
        let answer = self.site.net.raw(LOGIN, "GET", head.as_bytes()).await;
        let answer = answer.unwrap();
        (answer.status, format!("{}\n{}", answer.head, answer.text()))
    }

    /// Nobody who must be looked up gets anywhere, and each is told so in a way they understand.
    async fn turns_everybody_away(
        &self,
        because: &str,
        half: &mut Browser,
        page: &crate::support::client::Answer,
    ) {
        // a session that this node has not seen, asked for by a person and by a program
        let mut unknown = self.site.browser();
        let forged = vestibule::domain::secret::Token::from_random([7; 32]);
        unknown.plant(WIKI, SESSION, &forged.reveal());
        let answer = unknown.get(&self.site.url(WIKI, "/")).await;
        assert_eq!(answer.status, 503, "{because}");
        assert!(answer.text().contains("<html"), "{because}");
        let mut asked = unknown.visit(&self.site.url(WIKI, "/"));
        asked.more = "Accept: application/json\r\n".to_owned();
        asked.mode = "cors";
        asked.site = "same-origin";
        let answer = unknown.send(asked).await;
        assert_eq!(answer.status, 503, "{because}");
        let kind = answer.header("content-type").unwrap();
        assert!(kind.contains("json"), "{because}: {kind}");
        // the right password
        let fields = [("username", "mikael"), ("password", "password")];
        let answer = half.submit(page, "/signin", &fields).await;
        assert_eq!(answer.status, 503, "{because}");
        assert!(answer.text().contains("<html"), "{because}");
        assert_eq!(half.cookie(LOGIN, SESSION), None, "{because}");
        // programs
        let (status, text) = self.api().await;
        assert_eq!(status, 503, "{because}: {text}");
        assert!(
            text.contains("application/problem+json"),
            "{because}: {text}"
        );
        let (status, text) = self.operator("/readyz").await;
        assert_eq!(status, 503, "{because}: {text}");
        assert_eq!(self.operator("/healthz").await.0, 200, "{because}");
    }

    /// Somebody signs in with password and code, and everything else works, too.
    async fn is_well_soon(&self, after: &str) {
        let began = Instant::now();
        while self.operator("/readyz").await.0 != 200 {
            assert!(began.elapsed() < SOON, "not ready after {after}");
        }
        self.site.clock.advance(60);
        let mut b = self.site.browser();
        let answer = b.both("mikael", &self.phone, self.site.now()).await;
        assert_eq!(answer.status, 303, "after {after}");
        assert_eq!(b.open(&self.site.url(WIKI, "/")).await.status, 200);
        assert_eq!(self.api().await.0, 200, "after {after}");
        assert!(began.elapsed() < SOON * 2, "after {after}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_goes_on_for_a_minute_and_all_is_well_when_it_is_back() {
    let house = House::start().await;
    for because in ["killed", "stopped", "frozen", "cut off"] {
        let mut inside = house.mikael().await;
        let mut half = house.site.browser();
        let page = half.page("/signin").await;
        let page = half.follow(page).await;
        let before = house.faults(FaultKind::Away).await;
        match because {
            "killed" => house.server.kill().await,
            "stopped" => house.server.stop().await,
            "frozen" => house.server.freeze(),
            _ => house.road.close(),
        }
        assert_eq!(house.wiki(&mut inside).await, 200, "{because}");
        house.turns_everybody_away(because, &mut half, &page).await;
        assert!(house.faults(FaultKind::Away).await > before, "{because}");
        // for the documented time, and no longer
        house.site.clock.advance(DOCUMENTED - 10);
        assert_eq!(house.wiki(&mut inside).await, 200, "{because}");
        house.site.clock.advance(11);
        assert_eq!(house.wiki(&mut inside).await, 503, "{because}");
        match because {
            "killed" | "stopped" => house.server.begin().await,
            "frozen" => house.server.thaw(),
            _ => house.road.lead_to(house.server.port),
        }
        house.is_well_soon(because).await;
        assert_eq!(house.wiki(&mut inside).await, 200, "{because}");
    }
}

/// Signed out where the database was to be reached, by somebody else's hands, while this node was cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_while_cut_off_is_refused_after_the_reconnection() {
    let house = House::start().await;
    let mut inside = house.mikael().await;
    house.road.close();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(house.wiki(&mut inside).await, 200);
    // as another node does: the row and the notice in one transaction
    let revoke = "BEGIN;
        INSERT INTO notices (kind, subject) SELECT 'session', id FROM portal_sessions;
        DELETE FROM portal_sessions; COMMIT";
    house.server.run_in("vestibule", revoke).await.unwrap();
    house.road.lead_to(house.server.port);
    let began = Instant::now();
    loop {
        match house.wiki(&mut inside).await {
            200 | 503 => assert!(began.elapsed() < SOON, "the revocation is not heard of"),
            status => break assert!([302, 303].contains(&status), "{status}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_over_needs_no_restart() {
    let house = House::start().await;
    let second = house.server.standby().await;
    let mut inside = house.mikael().await;
    house.server.kill().await;
    house.road.lead_to(second.port);
    assert_eq!(house.wiki(&mut inside).await, 200);
    // a standby is no database
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = house.faults(FaultKind::ReadOnly).await;
    assert_eq!(house.operator("/readyz").await.0, 503);
    assert!(house.faults(FaultKind::ReadOnly).await > before);
    second.promote().await;
    house.is_well_soon("the fail-over").await;
    assert_eq!(house.wiki(&mut inside).await, 200);
    house.site.clock.advance(DOCUMENTED + 1);
    assert_eq!(house.wiki(&mut inside).await, 200, "its session is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_no_changes_is_told_by_its_name() {
    let log = crate::support::log::lines();
    let house = House::start().await;
    let mut inside = house.mikael().await;
    let set = async |value: &str| {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        house.server.run(&sql).await.unwrap();
        house.server.run("SELECT pg_reload_conf()").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let mut stranger = house.site.browser();
    let page = stranger.page("/signin").await;
    let page = stranger.follow(page).await;
    set("on").await;
    let fields = [("username", "mikael"), ("password", "password")];
    let answer = stranger.submit(&page, "/signin", &fields).await;
    assert_eq!(answer.status, 503);
    assert!(house.faults(FaultKind::ReadOnly).await > 0);
    assert_eq!(house.faults(FaultKind::Away).await, 0);
    let log = log.text();
    assert!(log.contains("\"store.fault\":\"read_only\""));
    assert!(log.contains("let storage.url lead to the server that writes"));
    // what is true is read: who is in stays in, and the node stays with its balancer
    house.site.clock.advance(DOCUMENTED + 1);
    assert_eq!(house.wiki(&mut inside).await, 200);
    assert_eq!(house.operator("/readyz").await.0, 200);
    set("off").await;
    house.is_well_soon("it was made writable").await;
}
