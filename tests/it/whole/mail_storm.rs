//! Killed in the middle of a storm of mails: each arrives, and one that arrives again says so by its Message-ID.

use super::site::{Net, Plan, free_port, write_site};
use crate::storm::nodes::Node;
use crate::support::smtp::SmtpServer;
use crate::support::sqlite;
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use sqlx::Connection as _;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use vestibule::app::Office;
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::id::MailId;
use vestibule::domain::letter::{Letter, Matter};
use vestibule::env::Env;
use vestibule::store::{Change, QueuedMail};
use vestibule::vault::Purpose;

const ROUNDS: usize = 5;
const MAILS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_is_lost_by_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (_wiki, wiki) = Upstream::start(None).await;
    let mails = dir.path().join("mails");
    std::fs::create_dir(&mails).unwrap();
    let server = SmtpServer::start(&mails, &[]);
    let port = free_port();
    let file = write_site(dir.path(), &ca, &Plan::default(), port, [wiki, wiki]);
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&format!(
        "mail: {{ smtp: \"smtp://127.0.0.1:{}\", from: noreply@northgate.example }}\n",
        server.port
    ));
    std::fs::write(&file, text).unwrap();
    let settings = config::load(&file).unwrap();
    let office = Office::open(settings.clone(), Env::system()).await.unwrap();
    let new = NewAccount {
        login: "aino".to_owned(),
        email: Some("aino@northgate.example".to_owned()),
        ..NewAccount::default()
    };
    let account = office.authn.add_account(new).await.unwrap().unwrap();
    let net = Net {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        roots: Arc::new(ca.roots()),
    };
    let mut node = Node::new(&file, net);
    let mut queued = BTreeSet::new();
    let mut cut_short = 0;
    for round in 0..ROUNDS {
        node.start().await;
        let before = server.taken().len();
        for _ in 0..MAILS {
            let now = office.env.now();
            let letter = Letter::to(&account, Matter::PasswordChanged, None, now).unwrap();
            let id = MailId::from_uuid(office.env.uuid());
            let plain = serde_json::to_vec(&letter).unwrap();
            let mail = QueuedMail {
                id,
                account: Some(account.id),
                sealed: office
                    .vault
                    .seal(Purpose::Letter, id.uuid().as_bytes(), &plain),
                queued_at: now,
            };
            let _ = office
                .store
                .commit(&[Change::QueueMail(mail)])
                .await
                .unwrap();
            queued.insert(id.uuid().to_string());
        }
        // killed once the storm is under way, a little later each time
        for _ in 0..400 {
            if server.taken().len() > before + 2 * round {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.kill().await;
        assert_eq!(sqlite::damage(settings.storage.file().unwrap()).await, None);
        let waiting = office.store.outbox().await.unwrap().waiting;
        cut_short += usize::from(waiting > 0);
        // what the dead one had claimed is free again, as it is two minutes later
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(settings.storage.file().unwrap());
        let mut db = sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap();
        sqlx::query("UPDATE outbox SET due_at = 0")
            .execute(&mut db)
            .await
            .unwrap();
        db.close().await.unwrap();
    }
    assert!(cut_short > 0, "every storm was over before the kill");
    node.start().await;
    for _ in 0..1200 {
        if office.store.outbox().await.unwrap().waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    node.kill().await;
    assert_eq!(office.store.outbox().await.unwrap().waiting, 0);
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for mail in server.taken() {
        let id = mail.header("Message-ID");
        let id = id.trim_start_matches('<').split('@').next().unwrap();
        *arrived.entry(id.to_owned()).or_default() += 1;
    }
    let ids: BTreeSet<String> = arrived.keys().cloned().collect();
    assert_eq!(ids, queued, "each arrives, and nothing under another name");
    let again: usize = arrived.values().map(|n| n - 1).sum();
    println!(
        "{} mails, {again} came again, {cut_short} storms cut short",
        queued.len()
    );
    // at a kill, as many as were on their way at once
    assert!(again <= 4 * ROUNDS, "{again} came again");
}
