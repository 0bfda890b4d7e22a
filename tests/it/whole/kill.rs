//! Killed without a warning in the middle of everything: what was acknowledged is there, and once means once.

use super::browser::{Browser, SESSION, codes_on, field};
use super::phone::Phone;
use super::site::{Dice, LOGIN, Net, PASSWORD, Plan, free_port, write_site};
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use vestibule::app::Office;
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::authenticator::TotpBinding;
use vestibule::domain::id::AuthenticatorId;
use vestibule::domain::secret::Password;
use vestibule::env::{Entropy as _, Env};
use vestibule::store::Change;
use vestibule::vault::Purpose;

const ROUNDS: usize = 5;
const PEOPLE: usize = 40;

/// What a browser was told has happened.
#[derive(Default)]
struct Told {
    sessions: Vec<Browser>,
    snoozed: Vec<String>,
    bound: Vec<String>,
    /// Login, step and code.
    codes: Vec<(String, u64, String)>,
    emergency: Vec<(String, String)>,
}

pub(super) async fn serve(config: &Path, net: &Net) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["serve", "--log", "error", "--config"])
        .arg(config)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for _ in 0..400 {
        let mut b = Browser::new(net.clone());
        let ask = b.visit(&net.url(LOGIN, "/signed-out"));
        if let Some(answer) = b.try_send(&ask).await {
            assert_eq!(answer.status, 200);
            return child;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "it does not start again"
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it does not answer");
}

fn now() -> i64 {
    Env::system().now().seconds()
}

/// Signs in and puts the reminder off.
async fn postpones(net: Net, login: String, told: Arc<Mutex<Told>>) {
    let mut b = Browser::new(net);
    let answer = b.password(&login).await;
    if answer.header("location") == Some("/remind") {
        let answer = b.step("/remind", "/remind", &[("do", "later")]).await;
        if answer.status == 303 && b.cookie(LOGIN, SESSION).is_some() {
            told.lock().snoozed.push(login);
        }
    }
    if b.cookie(LOGIN, SESSION).is_some() {
        told.lock().sessions.push(b);
    }
}

/// Signs in and binds a phone, then comes back with an emergency code.
async fn enrols(net: Net, login: String, told: Arc<Mutex<Told>>) {
    let mut b = Browser::new(net.clone());
    let answer = b.password(&login).await;
    if answer.header("location") != Some("/remind") {
        return;
    }
    let _ = b.step("/remind", "/remind", &[("do", "enrol")]).await;
    let _ = b.step("/enrol/app", "/enrol/app", &[("app", "own")]).await;
    let Some(phone) = Phone::scan(&b.page("/enrol/scan").await.text()) else {
        return;
    };
    let at = now();
    let code = phone.code(at);
    let answer = b
        .step("/enrol/confirm", "/enrol/confirm", &[("code", &code)])
        .await;
    if answer.header("location") != Some("/enrol/codes") {
        return;
    }
    told.lock().bound.push(login.clone());
    told.lock()
        .codes
        .push((login.clone(), u64::try_from(at / 30).unwrap(), code));
    let codes = codes_on(&b.page("/enrol/codes").await.text());
    let answer = b.finish().await;
    if answer.status != 303 || b.cookie(LOGIN, SESSION).is_none() {
        return;
    }
    told.lock().sessions.push(b);
    let mut b = Browser::new(net);
    let _ = b.password(&login).await;
    let path = "/signin/emergency-code";
    let answer = b.step(path, path, &[("emergency", &codes[0])]).await;
    if answer.header("location") == Some("/signin/lost") {
        told.lock().emergency.push((login, codes[0].clone()));
    }
}

/// Signs in with the code of a phone.
async fn enters(net: Net, login: String, phone: Phone, told: Arc<Mutex<Told>>) {
    let mut b = Browser::new(net);
    let answer = b.password(&login).await;
    if answer.header("location") != Some("/signin/code") {
        return;
    }
    let at = now();
    let code = phone.code(at);
    let answer = b.code(&code).await;
    if answer.status == 303 && b.cookie(LOGIN, SESSION).is_some() {
        told.lock()
            .codes
            .push((login, u64::try_from(at / 30).unwrap(), code));
        told.lock().sessions.push(b);
    }
}

pub(super) async fn is_whole(file: &Path) {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = sqlx::sqlite::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let word: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(word, "ok");
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert!(orphans.is_empty());
    db.close().await.unwrap();
}

async fn all_is_there(net: &Net, office: &Office, told: &Mutex<Told>, seen: &mut [usize; 5]) {
    let told = std::mem::take(&mut *told.lock());
    let counts = [
        &told.sessions.len(),
        &told.snoozed.len(),
        &told.bound.len(),
        &told.codes.len(),
        &told.emergency.len(),
    ];
    for (all, new) in seen.iter_mut().zip(counts) {
        *all += *new;
    }
    let find = async |login: &str| office.authn.find_account(login).await.unwrap().unwrap();
    for mut b in told.sessions {
        assert!(b.is_signed_in().await, "an acknowledged session is gone");
    }
    for login in told.snoozed {
        assert!(
            find(&login).await.reminder.snoozed_until.is_some(),
            "{login} put it off"
        );
    }
    for login in &told.bound {
        assert!(find(login).await.totp.is_some(), "{login} bound a phone");
    }
    for (login, step, code) in told.codes {
        assert!(
            find(&login).await.totp.unwrap().last_step >= step,
            "{login} spent a step"
        );
        let mut b = Browser::new(net.clone());
        let _ = b.password(&login).await;
        assert_eq!(b.code(&code).await.status, 422, "{login}: a code twice");
    }
    for (login, code) in told.emergency {
        let mut b = Browser::new(net.clone());
        let _ = b.password(&login).await;
        let path = "/signin/emergency-code";
        let csrf = field(&b.page(path).await.text(), "csrf").unwrap();
        let ask = b.form(path, &[("csrf", &csrf), ("emergency", &code)]);
        assert_eq!(
            b.send(ask).await.status,
            422,
            "{login}: an emergency code twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (_wiki, wiki) = Upstream::start(None).await;
    let port = free_port();
    let plan = Plan {
        policy: "policy: recommended",
        more: "throttle: { code: { free: 100 } }",
        ..Plan::default()
    };
    let file = write_site(dir.path(), &ca, &plan, port, [wiki, wiki]);
    let settings = config::load(&file).unwrap();
    let office = Office::open(settings.clone(), Env::system()).await.unwrap();
    let hash = office
        .authn
        .hash_password(Password::new(PASSWORD).unwrap())
        .await
        .unwrap();
    let mut phones = std::collections::VecDeque::new();
    for kind in ["later", "enrol", "enter"] {
        for n in 0..PEOPLE {
            let new = NewAccount {
                login: format!("{kind}{n}"),
                password: Some(hash.clone()),
                ..NewAccount::default()
            };
            let account = office.authn.add_account(new).await.unwrap().unwrap();
            if kind == "enter" {
                let mut secret = [0; 20];
                Dice.fill(&mut secret);
                let owner = account.id.uuid();
                let binding = TotpBinding {
                    id: AuthenticatorId::from_uuid(office.env.uuid()),
                    sealed_secret: office.vault.seal(
                        Purpose::TotpSecret,
                        owner.as_bytes(),
                        &secret,
                    ),
                    bound_at: office.env.now(),
                    last_step: 0,
                    codes_unconfirmed: false,
                };
                let bind = Change::BindTotp {
                    first: true,
                    account: account.id,
                    binding,
                };
                let _ = office.store.commit(&[bind]).await.unwrap();
                phones.push_back(Phone::with(&secret));
            }
        }
    }
    let net = Net {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        roots: Arc::new(ca.roots()),
    };
    let told = Arc::new(Mutex::new(Told::default()));
    let mut seen = [0; 5];
    let mut child = serve(&file, &net).await;
    for round in 0..ROUNDS {
        let people = PEOPLE / ROUNDS;
        let mut storm = Vec::new();
        for n in round * people..(round + 1) * people {
            let (net, told) = (net.clone(), told.clone());
            let phone = phones.pop_front().unwrap();
            storm.push(tokio::spawn(postpones(
                net.clone(),
                format!("later{n}"),
                told.clone(),
            )));
            storm.push(tokio::spawn(enrols(
                net.clone(),
                format!("enrol{n}"),
                told.clone(),
            )));
            storm.push(tokio::spawn(enters(net, format!("enter{n}"), phone, told)));
        }
        let chance = office.env.random::<1>()[0];
        tokio::time::sleep(Duration::from_millis(700 + 5 * u64::from(chance))).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        for task in storm {
            // those who were cut off know nothing
            let _ = task.await;
        }
        is_whole(settings.storage.file().unwrap()).await;
        child = serve(&file, &net).await;
        all_is_there(&net, &office, &told, &mut seen).await;
    }
    assert!(
        seen.iter().sum::<usize>() > 3 * ROUNDS,
        "the storm was a breeze: {seen:?}"
    );
    println!("sessions, postponed, bound, codes, emergency codes acknowledged: {seen:?}");
}
