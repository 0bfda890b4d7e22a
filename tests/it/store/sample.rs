//! Values to store, told apart by a number.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use vestibule::domain::account::{Account, History, NameKey, PasswordHash, Status};
use vestibule::domain::assurance::Factors;
use vestibule::domain::audit::{Actor, Event, Place, Record};
use vestibule::domain::authenticator::{EmergencyCode, OneTimeCode, TotpBinding};
use vestibule::domain::host::Host;
use vestibule::domain::id::{AccountId, AuthenticatorId, SessionId};
use vestibule::domain::reminder;
use vestibule::domain::secret::TokenHash;
use vestibule::domain::session::{self, Beginning, Session};
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::{AuditFilter, Change, Commit, Store, StoredAttempt, StoredKey, Ticket};

pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub fn account_id(n: u8) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(0xa000 + u128::from(n)))
}

pub fn session_id(n: u8) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(0x5000 + u128::from(n)))
}

pub fn authenticator_id(n: u8) -> AuthenticatorId {
    AuthenticatorId::from_uuid(Uuid::from_u128(0xc000 + u128::from(n)))
}

pub fn token(n: u8) -> TokenHash {
    TokenHash::from_bytes([n; 32])
}

pub fn key(name: &str) -> NameKey {
    NameKey::new(name).expect("a name")
}

pub fn host(name: &str) -> Host {
    Host::parse(name).expect("a host")
}

/// `user<n>`, `user<n>@example.com`.
pub fn account(n: u8) -> Account {
    Account {
        id: account_id(n),
        login: format!("User{n}"),
        email: Some(format!("User{n}@Example.com")),
        name: format!("Ünser Mann №{n}"),
        groups: Arc::new(["staff", "wiki \"editors\""].map(String::from).into()),
        attributes: BTreeMap::from(
            [("employee_id", "00'17"), ("ключ", "värde")]
                .map(|(k, v)| (k.to_owned(), v.to_owned())),
        )
        .into(),
        language: Some("fi".to_owned()),
        status: Status::Active,
        created_at: NOW,
        password: Some(PasswordHash::from_encoded("$argon2id$x".to_owned())),
        totp: None,
        reminder: reminder::Record::default(),
        history: History::default(),
    }
}

/// As [`account`], after a sign-in.
pub fn signed_in(n: u8) -> Account {
    let mut account = account(n);
    account.history.last_sign_in_at = Some(NOW);
    account
}

pub fn binding(n: u8) -> TotpBinding {
    TotpBinding {
        id: authenticator_id(n),
        sealed_secret: vec![0, n, 255],
        bound_at: NOW,
        last_step: 100,
        codes_unconfirmed: true,
    }
}

pub fn emergency_code(n: u8) -> EmergencyCode {
    EmergencyCode {
        id: authenticator_id(n),
        selector: format!("{n:02}"),
        hash: format!("$argon2id$e{n}"),
    }
}

pub fn one_time_code(n: u8) -> OneTimeCode {
    OneTimeCode {
        id: authenticator_id(n),
        hash: format!("$argon2id$o{n}"),
        issued_at: NOW,
        expires_at: later(600),
        wrong: 0,
    }
}

pub fn attempt(account: u8) -> StoredAttempt {
    StoredAttempt {
        account: account_id(account),
        sealed: vec![account, 0, 1],
        version: 0,
        expires_at: later(900),
    }
}

pub fn session(n: u8) -> Session {
    Session {
        id: session_id(n),
        factors: Factors::PASSWORD,
        auth_time: NOW,
        password_at: NOW,
        second_factor_at: None,
        expires_at: later(36_000),
        last_seen_at: NOW,
        trusted_device: None,
    }
}

pub fn begun() -> Beginning {
    Beginning {
        address: Some("2001:db8::1".to_owned()),
        user_agent: Some("Browser/1".to_owned()),
    }
}

pub fn ticket(session: u8) -> Ticket {
    Ticket {
        session: session_id(session),
        host: host("wiki.example.com"),
        return_to: "https://wiki.example.com/a?b=c#d".to_owned(),
        binding: token(99),
        expires_at: later(30),
    }
}

pub fn signing_key(n: u8, age: u64) -> StoredKey {
    StoredKey {
        id: format!("key{n}"),
        sealed: vec![n; 40],
        public: vec![4; 65],
        created_at: NOW.minus(Duration::from_secs(age)),
        retired_until: None,
    }
}

pub fn record(event: Event, account: Option<u8>, at: Timestamp) -> Record {
    Record {
        at,
        event,
        account: account.map(account_id),
        actor: Actor::Person,
        place: Place::new(Some("192.0.2.7".parse().expect("address")), Some("B/1")),
        detail: "what happened; 'quoted'".to_owned(),
    }
}

// --- changes, short

pub fn add(n: u8) -> Change {
    Change::AddAccount(Box::new(account(n)))
}

pub fn open(n: u8, account: u8, t: u8) -> Change {
    opening(session(n), account_id(account), token(t))
}

pub fn opening(session: Session, account: AccountId, token: TokenHash) -> Change {
    let begun = begun();
    let record = session::Record {
        account,
        session,
        begun,
    };
    Change::OpenSession {
        record: Box::new(record),
        token,
    }
}

pub fn child(parent: u8, t: u8) -> Change {
    Change::OpenChild {
        parent: session_id(parent),
        host: host("wiki.example.com"),
        token: token(t),
        created_at: NOW,
    }
}

pub fn start(t: u8, account: u8) -> Change {
    Change::StartAttempt {
        token: token(t),
        attempt: attempt(account),
    }
}

pub fn bind(account: u8, n: u8) -> Change {
    Change::BindTotp {
        account: account_id(account),
        binding: binding(n),
        first: false,
    }
}

/// Bound only where nothing is bound yet.
pub fn bind_first(account: u8, n: u8) -> Change {
    Change::BindTotp {
        account: account_id(account),
        binding: binding(n),
        first: true,
    }
}

pub fn step(account: u8, n: u8, step: u64) -> Change {
    Change::SpendTotpStep {
        account: account_id(account),
        authenticator: authenticator_id(n),
        step,
    }
}

// --- doing

/// Commits and insists that it was done.
pub async fn done(store: &dyn Store, changes: impl AsRef<[Change]>) {
    let changes = changes.as_ref();
    let end = store.commit(changes).await.expect("a working store");
    assert_eq!(end, Commit::Done, "{changes:?}");
}

/// Commits and insists that the change at this position lost.
pub async fn lost(store: &dyn Store, position: usize, changes: impl AsRef<[Change]>) {
    let changes = changes.as_ref();
    let end = store.commit(changes).await.expect("a working store");
    assert_eq!(end, Commit::Lost(position), "{changes:?}");
}

pub async fn get(store: &dyn Store, n: u8) -> Account {
    let found = store.account(account_id(n)).await;
    found.expect("a working store").expect("the account")
}

/// The whole trail.
pub async fn trail(store: &dyn Store) -> Vec<Record> {
    let all = AuditFilter {
        limit: 1000,
        ..AuditFilter::default()
    };
    let logged = store.audit(&all).await.expect("a working store");
    logged.into_iter().map(|logged| logged.record).collect()
}
