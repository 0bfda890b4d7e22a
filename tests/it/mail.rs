//! The outbox, the postman and a real mail server: nothing is lost, nothing is doubled unrecognisably, and nothing
//! goes to a server that is not the one meant.

use crate::support::smtp::{SmtpServer, taken};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::account::{Account, History, Status};
use vestibule::domain::audit::Event;
use vestibule::domain::host::{Host, Origin};
use vestibule::domain::id::{AccountId, MailId};
use vestibule::domain::letter::{Letter, Matter};
use vestibule::domain::reminder;
use vestibule::domain::timestamp::Timestamp;
use vestibule::env::{Entropy, Env, ManualClock};
use vestibule::i18n::{Language, Texts};
use vestibule::mail::postman::{AT_ONCE, Happening, LEASE, Parts, Postman};
use vestibule::mail::transport::{Login, Security, Settings, Transport};
use vestibule::mail::wording::{House, Support};
use vestibule::store::sqlite::SqliteStore;
use vestibule::store::{AuditFilter, Change, Commit, QueuedMail, SharedStore};
use vestibule::vault::{Purpose, Vault};

const NOW: i64 = 1_800_000_000;

struct Random;

impl Entropy for Random {
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock alone is to stand still"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A store with an account, time that stands still, and a folder for what a server takes.
struct World {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    env: Env,
    vault: Arc<Vault>,
    store: SharedStore,
    happened: Arc<Mutex<Vec<Happening>>>,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let env = Env::new(clock.clone(), Arc::new(Random));
        let store = SqliteStore::open(&dir.path().join("store.db")).await;
        let store: SharedStore = Arc::new(store.unwrap());
        let world = Self {
            vault: Arc::new(Vault::from_key(&[7; 32], &env)),
            clock,
            env,
            store,
            happened: Arc::default(),
            dir,
        };
        std::fs::create_dir(world.mails()).unwrap();
        let add = Change::AddAccount(Box::new(world.account()));
        world.commit(&[add]).await;
        world
    }

    fn account(&self) -> Account {
        Account {
            id: AccountId::from_uuid(uuid::Uuid::from_u128(1)),
            login: "aino".into(),
            email: Some("aino@example.com".into()),
            name: "Aino \"Ää\" Virtanen".into(),
            groups: Default::default(),
            attributes: Default::default(),
            language: Some("fi".into()),
            status: Status::Active,
            created_at: Timestamp::from_seconds(NOW),
            password: None,
            totp: None,
            reminder: reminder::Record::default(),
            history: History::default(),
        }
    }

    async fn commit(&self, changes: &[Change]) {
        assert_eq!(self.store.commit(changes).await.unwrap(), Commit::Done);
    }

    fn mails(&self) -> std::path::PathBuf {
        self.dir.path().join("mail")
    }

    fn server(&self, options: &[&str]) -> SmtpServer {
        SmtpServer::start(&self.mails(), options)
    }

    /// As the use cases do it.
    async fn queue(&self, matter: Matter) -> MailId {
        let account = self.account();
        let letter = Letter::to(&account, matter, None, self.env.now()).unwrap();
        let id = MailId::from_uuid(self.env.uuid());
        let plain = serde_json::to_vec(&letter).unwrap();
        let uuid = id.uuid();
        let queued = QueuedMail {
            id,
            account: Some(account.id),
            sealed: self.vault.seal(Purpose::Letter, uuid.as_bytes(), &plain),
            queued_at: self.env.now(),
        };
        self.commit(&[Change::QueueMail(queued)]).await;
        id
    }

    fn postman(&self, settings: Settings) -> Postman {
        let happened = Arc::clone(&self.happened);
        Postman::new(Parts {
            store: Arc::clone(&self.store),
            vault: Arc::clone(&self.vault),
            env: self.env.clone(),
            texts: Texts::load(&[]).unwrap(),
            house: House {
                portal: Origin::new(Host::parse("login.example.com").unwrap(), 443),
                languages: Language::ALL.to_vec(),
                accent: None,
                support: Support::default(),
            },
            transport: Transport::new(settings).unwrap(),
            observer: Box::new(move |what| happened.lock().push(what)),
        })
    }

    /// What has happened since this was asked last.
    fn happened(&self) -> Vec<Happening> {
        std::mem::take(&mut self.happened.lock())
    }

    async fn waiting(&self) -> u64 {
        self.store.outbox().await.unwrap().waiting
    }

    async fn failures(&self) -> Vec<String> {
        let filter = AuditFilter {
            limit: 100,
            ..AuditFilter::default()
        };
        let all = self.store.audit(&filter).await.unwrap();
        all.into_iter()
            .filter(|logged| logged.record.event == Event::MailFailed)
            .map(|logged| logged.record.detail)
            .collect()
    }
}

fn plain(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".into(),
        port,
        security: Security::StartTlsIfOffered,
        login: None,
        from_name: "Northgate".into(),
        from_address: "noreply@example.com".into(),
        ca: None,
        our_host: "login.example.com".into(),
    }
}

/// A certificate for these names that vouches for itself, as files.
fn certificate(dir: &Path, names: &[&str]) -> (String, String, Vec<u8>) {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (cert, key) = (dir.join("smtp.pem"), dir.join("smtp.key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    (text(&cert), text(&key), made.cert.pem().into_bytes())
}

#[tokio::test]
async fn a_mail_arrives_once_and_as_it_was_meant() {
    let world = World::new().await;
    let server = world.server(&[]);
    let postman = world.postman(plain(server.port));
    assert_eq!(postman.round().await.unwrap(), 0);
    let id = world.queue(Matter::Enabled).await;
    assert_eq!(postman.round().await.unwrap(), 1);
    assert_eq!(postman.round().await.unwrap(), 0);
    assert_eq!(world.happened(), [Happening::Sent]);
    assert_eq!(world.waiting().await, 0);
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    let mail = &taken[0];
    assert_eq!(mail.facts["from"], "noreply@example.com");
    assert_eq!(mail.facts["to"][0], "aino@example.com");
    assert_eq!(mail.facts["hello"], "login.example.com");
    assert_eq!(mail.facts["tls"], false);
    let message_id = format!("<{}@login.example.com>", id.uuid());
    assert_eq!(mail.header("Message-ID"), message_id);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(
        mail.header("Content-Type")
            .starts_with("multipart/alternative")
    );
    assert!(mail.header("To").ends_with(" <aino@example.com>"));
    // in the person's language
    assert!(mail.raw.contains("otettiin tilill=C3=A4si"), "{}", mail.raw);
}

#[tokio::test]
async fn tls_is_asked_for_and_the_servers_certificate_must_be_right() {
    let world = World::new().await;
    let (cert, key, pem) = certificate(world.dir.path(), &["localhost"]);
    let other = tempfile::tempdir().unwrap();
    let (_, _, foreign) = certificate(other.path(), &["localhost"]);
    let files = ["--cert", cert.as_str(), "--key", key.as_str()];
    for (kind, security) in [
        ("implicit", Security::ImplicitTls),
        ("starttls", Security::StartTls),
    ] {
        let mut options = vec!["--tls", kind, "--user", "mailer", "--password", "s3cret"];
        options.extend(files);
        let server = world.server(&options);
        let settings = |host: &str, ca: Option<&Vec<u8>>, password: &str| Settings {
            host: host.into(),
            security,
            ca: ca.cloned(),
            login: Some(Login {
                user: "mailer".into(),
                password: password.to_owned().into(),
            }),
            ..plain(server.port)
        };
        let before = server.taken().len();
        world.queue(Matter::PasswordChanged).await;
        for wrong in [
            // nobody vouches, somebody else vouches, for another name, with a wrong password
            settings("localhost", None, "s3cret"),
            settings("localhost", Some(&foreign), "s3cret"),
            settings("127.0.0.1", Some(&pem), "s3cret"),
            settings("localhost", Some(&pem), "wrong"),
        ] {
            assert_eq!(world.postman(wrong).round().await.unwrap(), 1);
            assert_eq!(world.happened(), [Happening::Deferred]);
            world.clock.advance(900);
        }
        assert_eq!(server.taken().len(), before);
        let right = settings("localhost", Some(&pem), "s3cret");
        assert_eq!(world.postman(right).round().await.unwrap(), 1);
        assert_eq!(world.happened(), [Happening::Sent]);
        let taken = server.taken();
        let mail = taken.last().unwrap();
        assert_eq!(mail.facts["tls"], true);
        assert_eq!(mail.facts["user"], "mailer");
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_where_tls_is_required() {
    let world = World::new().await;
    let server = world.server(&[]);
    for security in [Security::StartTls, Security::ImplicitTls] {
        world.queue(Matter::Enabled).await;
        let settings = Settings {
            security,
            ..plain(server.port)
        };
        world.postman(settings).round().await.unwrap();
    }
    assert!(world.happened().iter().all(|h| *h == Happening::Deferred));
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn on_this_machine_tls_is_used_where_it_is_offered() {
    let world = World::new().await;
    let (cert, key, _) = certificate(world.dir.path(), &["some.other.name"]);
    let server = world.server(&["--tls", "starttls", "--cert", &cert, "--key", &key]);
    world.queue(Matter::Enabled).await;
    world.postman(plain(server.port)).round().await.unwrap();
    assert_eq!(server.taken()[0].facts["tls"], true);
}

#[tokio::test]
async fn a_server_that_was_away_gets_each_mail_once() {
    let world = World::new().await;
    let port = world.server(&[]).port;
    let postman = world.postman(plain(port));
    for _ in 0..AT_ONCE {
        world.queue(Matter::Enabled).await;
    }
    let mut tries = 0;
    // half a day
    for _ in 0..48 {
        tries += postman.round().await.unwrap();
        world.clock.advance(900);
    }
    assert!(tries > 25 * AT_ONCE as usize, "{tries}");
    assert_eq!(world.waiting().await, u64::from(AT_ONCE));
    world.clock.advance(1_200);
    let server = world.server(&["--port", &port.to_string()]);
    postman.round().await.unwrap();
    postman.round().await.unwrap();
    assert_eq!(server.taken().len(), AT_ONCE as usize);
    assert_eq!(world.waiting().await, 0);
    assert!(world.failures().await.is_empty());
}

#[tokio::test]
async fn what_nobody_takes_for_three_days_is_given_up_and_said_so() {
    let world = World::new().await;
    let port = world.server(&[]).port;
    let postman = world.postman(plain(port));
    world.queue(Matter::Enabled).await;
    world.clock.advance(3 * 86_400 - 2_000);
    postman.round().await.unwrap();
    assert_eq!(world.happened(), [Happening::Deferred]);
    world.clock.advance(2_000);
    postman.round().await.unwrap();
    assert_eq!(world.happened(), [Happening::Failed]);
    assert_eq!(world.waiting().await, 0);
    let failures = world.failures().await;
    assert!(failures[0].starts_with("nobody took it for three days: "));
}

#[tokio::test]
async fn refused_for_now_is_tried_again_and_refused_for_good_is_given_up() {
    let world = World::new().await;
    let server = world.server(&["--rcpt", "451,ok,550", "--data", "452,554"]);
    let postman = world.postman(plain(server.port));
    world.queue(Matter::Enabled).await;
    let round = async |want: Happening| {
        assert_eq!(postman.round().await.unwrap(), 1);
        assert_eq!(world.happened(), [want]);
        world.clock.advance(60);
    };
    round(Happening::Deferred).await; // 451 to the recipient
    round(Happening::Deferred).await; // 452 to the message
    round(Happening::Failed).await; // 550 to the recipient
    world.queue(Matter::Enabled).await;
    round(Happening::Failed).await; // 554 to the message
    world.queue(Matter::Enabled).await;
    round(Happening::Sent).await;
    assert_eq!(server.taken().len(), 1);
    let failures = world.failures().await;
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().any(|f| f.contains("550")), "{failures:?}");
    assert!(failures.iter().any(|f| f.contains("554")), "{failures:?}");
}

#[tokio::test]
async fn who_dies_while_sending_leaves_the_mail_to_the_next_under_the_same_id() {
    let world = World::new().await;
    let silent = world.server(&["--data", "hold"]);
    world.queue(Matter::Enabled).await;
    let postman = world.postman(plain(silent.port));
    let dying = tokio::spawn(async move { postman.round().await });
    for _ in 0..200 {
        if !silent.taken().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    dying.abort();
    drop(silent);
    assert_eq!(world.waiting().await, 1);
    let server = world.server(&[]);
    let next = world.postman(plain(server.port));
    assert_eq!(next.round().await.unwrap(), 0, "it is claimed still");
    world.clock.advance(i64::try_from(LEASE.as_secs()).unwrap());
    assert_eq!(next.round().await.unwrap(), 1);
    assert_eq!(world.waiting().await, 0);
    let both = taken(&world.mails());
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].header("Message-ID"), both[1].header("Message-ID"));
    assert_eq!(both[0].header("Date"), both[1].header("Date"));
}

#[tokio::test]
async fn several_postmen_send_each_mail_once() {
    let world = World::new().await;
    let server = world.server(&[]);
    for _ in 0..20 {
        world.queue(Matter::Enabled).await;
    }
    let postmen: Vec<_> = (0..4).map(|_| world.postman(plain(server.port))).collect();
    let work = postmen
        .iter()
        .map(|postman| async { while postman.round().await.unwrap() > 0 {} });
    futures_util::future::join_all(work).await;
    let taken = server.taken();
    let ids: std::collections::BTreeSet<_> =
        taken.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((taken.len(), ids.len()), (20, 20));
}

#[tokio::test]
async fn a_code_that_has_run_out_is_not_sent() {
    let world = World::new().await;
    let server = world.server(&[]);
    let until = world.env.now().plus(Duration::from_secs(600));
    world
        .queue(Matter::OneTimeCode {
            code: "K7WQ-M2HB".into(),
            until,
            case: None,
        })
        .await;
    let link = "https://login.example.com/reset/abc".to_owned();
    world.queue(Matter::Reset { link, minutes: 10 }).await;
    world.queue(Matter::Enabled).await;
    world.clock.advance(600);
    world.postman(plain(server.port)).round().await.unwrap();
    assert_eq!(server.taken().len(), 1);
    let failures = world.failures().await;
    assert_eq!(failures.len(), 2);
    assert!(
        !failures
            .iter()
            .any(|f| f.contains("K7WQ") || f.contains("https"))
    );
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_never_sent() {
    let world = World::new().await;
    let server = world.server(&[]);
    for link in [
        "https://evil.example/reset/abc",
        "https://login.example.com@evil.example/",
    ] {
        let link = link.to_owned();
        world.queue(Matter::Reset { link, minutes: 10 }).await;
    }
    world.postman(plain(server.port)).round().await.unwrap();
    assert_eq!(world.happened(), [Happening::Failed, Happening::Failed]);
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_stop_lets_the_mail_on_its_way_arrive() {
    let world = World::new().await;
    let server = world.server(&[]);
    for _ in 0..3 {
        world.queue(Matter::Enabled).await;
    }
    let running = world.postman(plain(server.port)).start();
    for _ in 0..200 {
        if !server.taken().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop().await;
    // whatever the server has is written down as sent
    let taken = server.taken().len();
    assert_eq!(world.happened().len(), taken);
    assert_eq!(world.waiting().await, 3 - taken as u64);
}
