//! What is mailed: read as it was queued, with the key file.

use super::site::{Plan, Site};
use std::fmt::Write as _;
use url::Url;
use vestibule::domain::letter::{Letter, Matter};
use vestibule::vault::Purpose;

/// A mail server that never answers.
pub(super) const MAIL: &str =
    "mail: { smtp: \"smtp://127.0.0.1:1\", from: noreply@northgate.example }";

pub(super) fn with_mail() -> Plan {
    Plan {
        more: MAIL,
        ..Plan::default()
    }
}

/// A site that keeps a copy of every letter to somebody: the clock is moved, and what has become useless leaves the
/// outbox.
pub(super) async fn site_with_post(plan: Plan) -> Site {
    let site = Site::with(plan).await;
    let mut db = site.database().await;
    for sql in [
        "CREATE TABLE kept (id BLOB NOT NULL, sealed BLOB NOT NULL)",
        "CREATE TRIGGER keep AFTER INSERT ON outbox WHEN NEW.account_id IS NOT NULL
         BEGIN INSERT INTO kept (id, sealed) VALUES (NEW.id, NEW.sealed); END",
    ] {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    site
}

impl Site {
    async fn database(&self) -> sqlx::SqliteConnection {
        use sqlx::Connection as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.settings.storage.file().unwrap())
            .busy_timeout(std::time::Duration::from_secs(10));
        sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap()
    }

    /// Every letter that was queued for somebody, oldest first.
    pub(super) async fn letters(&self) -> Vec<Letter> {
        use sqlx::Row as _;
        self.running.authn().resets_looked_after().await;
        let mut db = self.database().await;
        let rows = sqlx::query("SELECT id, sealed FROM kept ORDER BY rowid")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let open = |row: &sqlx::sqlite::SqliteRow| {
            let (id, sealed): (Vec<u8>, Vec<u8>) = (row.get("id"), row.get("sealed"));
            let plain = self.office.vault.open_sealed(Purpose::Letter, &id, &sealed);
            serde_json::from_slice(&plain.unwrap()).unwrap()
        };
        rows.iter().map(open).collect()
    }

    /// Where the links point that were mailed to somebody to choose a password, oldest first.
    pub(super) async fn links_to(&self, login: &str) -> Vec<Url> {
        let to = format!("{login}@northgate.example");
        let letters = self.letters().await;
        let link = |letter: &Letter| match &letter.matter {
            Matter::Reset { link, .. } | Matter::Invitation { link, .. } if letter.to == to => {
                Some(Url::parse(link).unwrap())
            }
            _ => None,
        };
        letters.iter().filter_map(link).collect()
    }

    /// The codes that were mailed to somebody to prove an enrolment, oldest first.
    pub(super) async fn mailed_codes(&self, login: &str) -> Vec<String> {
        let to = format!("{login}@northgate.example");
        let letters = self.letters().await;
        let code = |letter: &Letter| match &letter.matter {
            Matter::EnrolmentCode { code, .. } if letter.to == to => Some(code.clone()),
            _ => None,
        };
        letters.iter().filter_map(code).collect()
    }

    /// What else they were told, in words of one kind each.
    pub(super) async fn told(&self, login: &str) -> String {
        let to = format!("{login}@northgate.example");
        let mut told = String::new();
        for letter in self.letters().await {
            let word = match letter.matter {
                Matter::Remind { .. } => "remind",
                Matter::DeadlinePassed => "passed",
                Matter::PasswordChanged => "password",
                _ => continue,
            };
            if letter.to == to {
                let _ = write!(told, "{word} ");
            }
        }
        told.trim_end().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_does_on_the_command_line_is_told() {
    use vestibule::domain::account::Status;
    use vestibule::domain::letter::DeskAct;
    use vestibule::domain::secret::Password;

    let site = site_with_post(with_mail()).await;
    site.account_with_app("mikael", &[]).await;
    let (authn, id) = (&site.office.authn, site.find("mikael").await.id);
    let before = site.letters().await.len();
    site.helpdesk_code("mikael").await;
    let hash = authn.hash_password(Password::new("quite another password").unwrap());
    authn.set_password(id, hash.await.unwrap()).await.unwrap();
    authn.reset_second_factor(id).await.unwrap();
    authn.revoke_sessions(id).await.unwrap();
    site.set_groups("mikael", &["staff"]).await;
    authn.set_status(id, Status::Disabled).await.unwrap();
    authn.set_status(id, Status::Active).await.unwrap();

    let desk = |act| Matter::DeskAction { act, case: None };
    let expected = [
        Matter::OneTimeCodeShown { case: None },
        desk(DeskAct::PasswordReset),
        desk(DeskAct::AuthenticatorReset),
        desk(DeskAct::SignedOutEverywhere),
        desk(DeskAct::GroupsChanged),
        desk(DeskAct::Disabled),
        desk(DeskAct::Enabled),
    ];
    let letters = site.letters().await;
    let told: Vec<Matter> = letters[before..].iter().map(|l| l.matter.clone()).collect();
    assert!(told == expected, "{} letters", told.len());
}
