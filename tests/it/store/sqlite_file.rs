//! What is particular to the embedded store: its file.

use super::sample::*;
use sqlx::{ConnectOptions as _, Connection as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use vestibule::domain::audit::Event;
use vestibule::domain::secret::{Password, Token};
use vestibule::store::sqlite::SqliteStore;
use vestibule::store::{Change, Commit, Fault, SharedStore, Store as _};

/// An empty store and two handles on it, as two processes have them.
pub async fn fresh() -> (TempDir, SharedStore, SharedStore) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("data/vestibule.db");
    let one = SqliteStore::open(&path).await.unwrap();
    let other = SqliteStore::open_existing(&path).await.unwrap();
    (place, Arc::new(one), Arc::new(other))
}

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

async fn run(path: &Path, sql: &'static str) -> Result<u64, String> {
    let mut connection = raw(path).await;
    let done = sqlx::query(sql).execute(&mut connection).await;
    connection.close().await.unwrap();
    done.map(|d| d.rows_affected()).map_err(|e| e.to_string())
}

#[tokio::test]
async fn only_its_owner_reads_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a/b/vestibule.db");
    let store = SqliteStore::open(&path).await.unwrap();
    done(&store, [add(1)]).await;
    let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_store_that_must_be_there_is_not_made() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    let error = SqliteStore::open_existing(&path).await.unwrap_err();
    assert!(
        matches!(&error, Fault::Open(why) if why.starts_with("there is no store at ")),
        "{error}"
    );
    assert!(!path.exists());
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    let store = SqliteStore::open(&path).await.unwrap();
    done(&store, [add(1), bind(1, 1), open(1, 1, 1), audit]).await;
    drop(store);
    for _ in 0..2 {
        let store = SqliteStore::open(&path).await.unwrap();
        assert_eq!(get(&store, 1).await.totp, Some(binding(1)));
        assert!(store.session(&token(1), NOW).await.unwrap().is_some());
        assert_eq!(trail(&store).await.len(), 1);
        assert_eq!(store.last_notice().await.unwrap(), 1);
        store.close().await;
    }
    assert!(!path.with_extension("db-wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let place = tempfile::tempdir().unwrap();
        let path = Arc::new(place.path().join("vestibule.db"));
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let path = path.clone();
                tokio::spawn(async move {
                    let store = SqliteStore::open(&path).await.unwrap();
                    store.commit(&[add(n)]).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Commit::Done);
        }
    }
}

#[tokio::test]
async fn a_backup_is_a_whole_store() {
    let (place, store, _) = fresh().await;
    done(store.as_ref(), [add(1), open(1, 1, 1)]).await;
    let live = SqliteStore::open_existing(&place.path().join("data/vestibule.db"))
        .await
        .unwrap();
    let to = place.path().join("copy.db");
    live.backup(&to).await.unwrap();
    let mode = std::fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    done(&live, [add(2)]).await;
    let again = live.backup(&to).await;
    assert!(matches!(again, Err(Fault::Open(_))), "never over a file");

    let copy = SqliteStore::open_existing(&to).await.unwrap();
    assert_eq!(get(&copy, 1).await, signed_in(1));
    assert!(copy.session(&token(1), NOW).await.unwrap().is_some());
    assert_eq!(copy.account(account_id(2)).await.unwrap(), None);
    done(&copy, [add(3)]).await;
}

#[tokio::test]
async fn the_audit_trail_is_append_only() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    done(&store, [audit]).await;
    for sql in [
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (id, at, event, actor, detail)
         VALUES (1, 0, 'signed_in', 'system', '')",
    ] {
        let error = run(&path, sql).await.unwrap_err();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    let want = record(Event::SignedIn, Some(1), NOW);
    assert_eq!(trail(&store).await, [want]);
}

#[tokio::test]
async fn no_secret_is_in_the_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let tokens: [Token; 4] = std::array::from_fn(|i| Token::from_random([0x41 + i as u8; 32]));
    let [session_token, child_token, attempt_token, ticket_token] = &tokens;
    let password = Password::new("correct horse battery staple").unwrap();
    let digits = "7KQM4XTD";
    let hash = |text: &str| {
        vestibule::domain::verifier::recovery_code::hash(text, &[7; 16])
            .unwrap()
            .1
    };
    let mut code = one_time_code(1);
    code.hash = hash(digits);
    let mut emergency = emergency_code(2);
    emergency.hash = hash(digits);
    let account = account_id(1);
    done(
        &store,
        [
            add(1),
            bind(1, 1),
            Change::SetPassword {
                account,
                password: vestibule::domain::account::PasswordHash::from_encoded(hash(
                    password.reveal(),
                )),
                at: NOW,
                initial_until: None,
            },
            opening(session(1), account, session_token.hash()),
            Change::OpenChild {
                parent: session_id(1),
                host: host("wiki.example.com"),
                token: child_token.hash(),
                created_at: NOW,
            },
            Change::StartAttempt {
                token: attempt_token.hash(),
                attempt: attempt(1),
            },
            Change::IssueTicket {
                token: ticket_token.hash(),
                ticket: ticket(1),
            },
            Change::IssueOneTimeCode { account, code },
            Change::ReplaceEmergencyCodes {
                account,
                codes: vec![emergency],
            },
        ],
    )
    .await;
    let mut bytes = std::fs::read(path.with_extension("db-wal")).unwrap();
    store.close().await;
    bytes.extend(std::fs::read(&path).unwrap());
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    assert!(holds(session_token.hash().bytes()), "the search finds");
    for (i, token) in tokens.iter().enumerate() {
        assert!(!holds(&[0x41 + i as u8; 32]), "token {i}");
        assert!(!holds(token.reveal().as_bytes()), "token {i} as text");
    }
    assert!(!holds(digits.as_bytes()));
    assert!(!holds(password.reveal().as_bytes()));
}

#[tokio::test]
async fn a_place_that_does_not_work_is_a_fault() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("folder.db");
    std::fs::create_dir(&folder).unwrap();
    let text = place.path().join("text.db");
    std::fs::write(
        &text,
        "this is not a database, however long it goes on".repeat(99),
    )
    .unwrap();
    let below_a_file = text.join("vestibule.db");
    for path in [folder, text, below_a_file] {
        let error = SqliteStore::open(&path).await.unwrap_err();
        assert!(matches!(error, Fault::Open(_)), "{path:?}: {error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()));
    }
}

#[tokio::test]
async fn a_file_that_went_away_is_a_fault() {
    let (place, store, _) = fresh().await;
    done(store.as_ref(), [add(1)]).await;
    let path = place.path().join("data");
    std::fs::rename(&path, place.path().join("moved")).unwrap();
    everything_is_a_fault(&store).await;

    // Another store in its place is not taken for it.
    let _new = SqliteStore::open(&path.join("vestibule.db")).await.unwrap();
    everything_is_a_fault(&store).await;

    std::fs::remove_dir_all(&path).unwrap();
    std::fs::rename(place.path().join("moved"), &path).unwrap();
    done(store.as_ref(), [add(2)]).await;
}

async fn everything_is_a_fault(store: &SharedStore) {
    let rules = [(
        super::throttle::bucket(vestibule::domain::throttle::Kind::Code, 1),
        super::throttle::RULE,
    )];
    let faults = [
        store.commit(&[add(5)]).await.err(),
        store.account(account_id(1)).await.err(),
        store.session(&token(1), NOW).await.err(),
        store.count_try(&rules, NOW).await.err(),
        store.touch(&[(session_id(1), NOW)]).await.err(),
        store.sweep(NOW).await.err(),
        store.last_notice().await.err(),
    ];
    for (i, fault) in faults.into_iter().enumerate() {
        assert!(
            matches!(fault, Some(Fault::Away(_) | Fault::Query(_))),
            "{i}: {fault:?}"
        );
    }
}

#[tokio::test]
async fn a_read_only_file_is_a_fault() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    let store = SqliteStore::open(&path).await.unwrap();
    done(&store, [add(1)]).await;
    store.close().await;
    let mut rights = std::fs::metadata(&path).unwrap().permissions();
    rights.set_mode(0o400);
    std::fs::set_permissions(&path, rights).unwrap();
    if std::fs::OpenOptions::new().append(true).open(&path).is_ok() {
        return; // The superuser writes where nobody may; there is nothing to see.
    }
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_a_fault() {
    let (place, store, _) = fresh().await;
    let path = place.path().join("data/vestibule.db");
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    done(store.as_ref(), [add(1), open(1, 1, 1), audit]).await;
    run(&path, "UPDATE accounts SET attributes = '[1]'")
        .await
        .unwrap();
    let view = store.session(&token(1), NOW).await;
    assert!(matches!(view, Err(Fault::Corrupt(_))));
    let found = store.account_by_name(&key("user1")).await;
    assert!(matches!(found, Err(Fault::Corrupt(_))), "{found:?}");

    run(&path, "DROP TABLE throttle").await.unwrap();
    let swept = store.sweep(NOW).await;
    assert!(
        matches!(&swept, Err(Fault::Query(why)) if why.contains("no such table")),
        "{swept:?}"
    );
    // The connection goes on working.
    done(store.as_ref(), [add(2)]).await;
}

#[tokio::test]
async fn a_newer_program_s_store_is_not_touched() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vestibule.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    run(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .await
    .unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("9999"), "{error}");
}
