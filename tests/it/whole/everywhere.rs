//! What is done on one node of two holds on the other within a moment: for people, for their open connections, for
//! those who guess, for keys and for mails.

use super::browser::{Browser, SESSION};
use super::phone::Phone;
use super::site::{Plan, Site, WIKI};
use super::two_nodes::{A, B, Balancer, is_inside, start_with};
use crate::support::client::{Answer, Wire, tls};
use crate::support::postgres::Database;
use crate::support::smtp::SmtpServer;
use crate::support::upstream::value;
use std::collections::BTreeMap;
use std::time::Duration;
use vestibule::app;
use vestibule::domain::id::MailId;
use vestibule::domain::letter::{Letter, Matter};
use vestibule::store::{Change, QueuedMail};
use vestibule::vault::Purpose;

const ROLES: &str = "roles: { helpdesk: [support], administrator: [it] }";
const NEW: &str = "four rusty lanterns swinging";
/// Said to take a second; a busy machine gets some more.
const A_MOMENT: Duration = Duration::from_secs(5);

struct Pair {
    site: Site,
    other: app::Running,
    balancer: Balancer,
    _database: Database,
}

impl Pair {
    async fn start(more: &'static str) -> Self {
        let database = Database::with_tables().await;
        let plan = Plan {
            more,
            ..Plan::default()
        };
        let (site, other, balancer) = start_with(&database, plan).await;
        Self {
            site,
            other,
            balancer,
            _database: database,
        }
    }

    /// Signed in on A with both factors, and known to both nodes.
    async fn inside(&self, login: &str, groups: &[&str]) -> (Browser, Phone) {
        let phone = self.site.account_with_app(login, groups).await;
        (self.again(login, &phone).await, phone)
    }

    async fn again(&self, login: &str, phone: &Phone) -> Browser {
        self.site.clock.advance(30);
        self.balancer.choose(A);
        let mut b = self.site.browser();
        let answer = b.both(login, phone, self.site.now()).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        for node in [A, B] {
            self.balancer.choose(node);
            let answer = b.open(&self.site.url(WIKI, "/")).await;
            assert_eq!(answer.status, 200);
        }
        b
    }

    /// A WebSocket to the wiki by way of B.
    async fn socket(&self, b: &Browser) -> Wire {
        let site = &self.site;
        self.balancer.choose(B);
        let stream = tls(site.net.address, WIKI, &site.net.roots, &[b"http/1.1"]).await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        wire.send(format!(
            "GET /ws/x HTTP/1.1\r\nHost: {WIKI}:{}\r\nOrigin: {}\r\nCookie: {SESSION}={}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            site.net.address.port(),
            site.url(WIKI, ""),
            b.cookie(WIKI, SESSION).unwrap()
        ))
        .await;
        assert!(wire.head().await.contains(" 101 "));
        wire
    }

    async fn path_of(&self, login: &str, act: &str) -> String {
        format!("/desk/users/{}/{act}", self.site.find(login).await.id)
    }

    async fn stop(self) {
        self.other.stop().await;
        self.site.running.stop().await;
    }
}

/// Sends a form with the anti-forgery value of this session.
async fn post(b: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = b.page("/").await;
    b.submit(&page, path, fields).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_a_session_ends_it_on_the_other_node_with_its_websockets() {
    let pair = Pair::start(ROLES).await;
    let (mut one, _) = pair.inside("hel", &["support"]).await;
    let (mut two, _) = pair.inside("hilla", &["support"]).await;
    let (mut admin, _) = pair.inside("ilse", &["it"]).await;
    for what in [
        "sign-out",
        "signed-out",
        "password",
        "reset",
        "disable",
        "delete",
    ] {
        let (mut person, phone) = pair.inside(what, &["staff"]).await;
        let mut elsewhere = match what {
            // of one's own new password the others hear
            "password" => pair.again("password", &phone).await,
            _ => person.clone(),
        };
        let mut socket = pair.socket(&elsewhere).await;
        pair.balancer.choose(A);
        let path = pair.path_of(what, what).await;
        let told = [("check", "id"), ("case", "CS-1")];
        let answer = match what {
            "signed-out" => post(&mut person, "/signout", &[]).await,
            "password" => post(&mut person, "/account/password", &[("new", NEW)]).await,
            "reset" => {
                let asked = post(&mut one, &path, &told).await;
                assert_eq!(asked.status, 303, "{asked:?}");
                let waiting = pair.site.office.store.approvals(pair.site.env.now());
                let request = format!("/desk/approvals/{}", waiting.await.unwrap()[0].id);
                post(&mut two, &request, &[("do", "approve")]).await
            }
            "disable" | "delete" => post(&mut admin, &path, &told).await,
            _ => post(&mut one, &path, &told).await,
        };
        assert_eq!(answer.status, 303, "{what}: {answer:?}");
        pair.balancer.choose(B);
        assert!(socket.closes_within(A_MOMENT).await, "{what}");
        assert!(!is_inside(&mut elsewhere, &pair.site).await, "{what}");
        assert!(!elsewhere.is_signed_in().await, "{what}");
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_groups_are_in_the_next_request_by_the_other_node() {
    let pair = Pair::start(ROLES).await;
    let (mut admin, _) = pair.inside("ilse", &["it"]).await;
    let (mut person, _) = pair.inside("aune", &["staff"]).await;
    let site = &pair.site;
    site.wiki.take();
    pair.balancer.choose(A);
    let path = pair.path_of("aune", "groups").await;
    let fields = [("case", "CS-1"), ("groups", "staff, finance")];
    assert_eq!(post(&mut admin, &path, &fields).await.status, 303);
    pair.balancer.choose(B);
    let began = tokio::time::Instant::now();
    loop {
        assert_eq!(person.open(&site.url(WIKI, "/")).await.status, 200);
        let seen = site.wiki.take();
        let groups = value(seen.last().unwrap(), "remote-groups");
        if groups == Some("finance,staff") {
            break;
        }
        assert!(began.elapsed() < A_MOMENT, "{groups:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_on_two_nodes_has_no_more_tries() {
    let pair = Pair::start("").await;
    let site = &pair.site;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    let mut refused = None;
    for turn in 0..12 {
        pair.balancer.choose(turn % 2);
        let mut b = site.browser();
        let answer = b.password_is("mikael", "wrong").await;
        match answer.status {
            422 => {}
            429 => {
                refused = Some(turn);
                break;
            }
            other => panic!("{other}"),
        }
    }
    let turn = refused.expect("twelve wrong passwords, and one more may be tried");
    // nor has the right one a chance, on either
    for node in [A, B] {
        pair.balancer.choose(node);
        assert_eq!(
            site.browser().password("mikael").await.status,
            429,
            "{turn}"
        );
    }
    site.clock.advance(3600);
    let answer = site.browser().both("mikael", &phone, site.now()).await;
    assert_eq!(answer.status, 303);
    pair.stop().await;
}

/// Wherever a door was opened, the next may be anywhere: each request of a sign-in by another node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_and_an_enrolment_may_change_nodes_with_each_request() {
    let pair = Pair::start("").await;
    let site = &pair.site;
    site.account("liisa", &["finance"]).await;
    pair.balancer.choose_in_turn();
    let mut b = site.browser();
    assert_eq!(b.password("liisa").await.status, 303);
    let answer = b.step("/remind", "/remind", &[("do", "enrol")]).await;
    assert_eq!(answer.header("location"), Some("/enrol"), "{answer:?}");
    let (phone, _) = b.bind(site.now()).await;
    assert_eq!(b.finish().await.status, 303);
    assert!(site.find("liisa").await.has_second_factor());
    site.clock.advance(60);
    let mut again = site.browser();
    let answer = again.both("liisa", &phone, site.now()).await;
    assert_eq!(answer.status, 303);
    for turn in 0..2 {
        assert_eq!(again.open(&site.url(WIKI, "/")).await.status, 200, "{turn}");
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_made_on_one_node_sign_on_both_and_the_old_ones_are_published() {
    let pair = Pair::start("").await;
    let site = &pair.site;
    let published = async |node: usize| {
        pair.balancer.choose(node);
        let mut b = site.browser();
        b.page("/.well-known/jwks.json").await.text()
    };
    let before = published(B).await;
    assert_eq!(before, published(A).await);
    let key = vestibule::signer::rotate(&*site.office.store, &site.office.vault, &site.office.env)
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    for node in [A, B] {
        loop {
            let set = published(node).await;
            if set.contains(&key.to_string()) {
                assert_eq!(set.matches("\"kid\"").count(), 2, "{set}");
                break;
            }
            assert!(began.elapsed() < A_MOMENT, "{set}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_is_sent_by_one_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start(folder.path(), &[]);
    let more = format!(
        "mail: {{ smtp: \"smtp://127.0.0.1:{}\", from: noreply@northgate.example }}",
        server.port
    );
    let pair = Pair::start(more.leak()).await;
    let site = &pair.site;
    let account = site.find("aino").await;
    let mut queued = BTreeMap::new();
    for _ in 0..60 {
        let now = site.env.now();
        let letter = Letter::to(&account, Matter::PasswordChanged, None, now).unwrap();
        let id = MailId::from_uuid(site.env.uuid());
        let plain = serde_json::to_vec(&letter).unwrap();
        let vault = &site.office.vault;
        let mail = QueuedMail {
            id,
            account: Some(account.id),
            sealed: vault.seal(Purpose::Letter, id.uuid().as_bytes(), &plain),
            queued_at: now,
        };
        site.commit(&[Change::QueueMail(mail)]).await;
        queued.insert(id.uuid().to_string(), 0);
    }
    for _ in 0..600 {
        if server.taken().len() >= queued.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // time for one that is sent twice
    tokio::time::sleep(Duration::from_secs(2)).await;
    for mail in server.taken() {
        let id = mail.header("Message-ID");
        let known = queued
            .iter_mut()
            .find(|(known, _)| id.contains(known.as_str()));
        *known.expect("a mail of ours").1 += 1;
    }
    assert!(queued.values().all(|times| *times == 1), "{queued:?}");
    pair.stop().await;
}
