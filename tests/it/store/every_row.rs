//! A row of every kind in a store, and the list of tables and columns against the schemas.

use super::people::{add_device, approval, mail};
use super::sample::*;
use super::{certificates, throttle};
use crate::support::postgres::Database;
use sqlx::{ConnectOptions as _, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;
use vestibule::domain::adoption::{Figures, Snapshot};
use vestibule::domain::api_token::{ApiToken, Scope};
use vestibule::domain::audit::Event;
use vestibule::domain::desk::Act;
use vestibule::domain::id::ApiTokenId;
use vestibule::domain::throttle::Kind as Bucket;
use vestibule::store::sqlite::SqliteStore;
use vestibule::store::tables::{Kind, TABLES};
use vestibule::store::{Change, Link, LinkPurpose, Store};

/// People 1 to 12, and something of every table that belongs to nobody who signs in.
pub(crate) async fn fill(s: &dyn Store) {
    let people: Vec<Change> = (1..=12).map(add).collect();
    done(s, people).await;
    let trusted = vestibule::domain::session::Session {
        trusted_device: Some(Box::new(vestibule::domain::id::DeviceId::from_uuid(
            Uuid::from_u128(0xd001),
        ))),
        ..session(1)
    };
    let account = account_id(1);
    done(
        s,
        [
            bind(1, 1),
            Change::ReplaceEmergencyCodes {
                account,
                codes: vec![emergency_code(1), emergency_code(2)],
            },
            Change::IssueOneTimeCode {
                account: account_id(2),
                code: one_time_code(3),
            },
            start(1, 2),
            add_device(1, 1, NOW, 1),
            add_device(2, 2, NOW, 2),
            opening(trusted, account, token(1)),
            open(2, 2, 2),
            child(1, 3),
            Change::IssueTicket {
                token: token(4),
                ticket: ticket(1),
            },
            Change::AddSigningKey(signing_key(1, 10)),
            Change::AddSigningKey(signing_key(2, 0)),
            Change::RetireOtherKeys {
                current: "key2".to_owned(),
                published_until: later(100),
            },
            Change::Audit(record(Event::SignedIn, Some(1), NOW)),
            Change::Audit(record(Event::SignedOut, None, later(1))),
            Change::QueueMail(mail(1, Some(1), NOW)),
            Change::QueueMail(mail(2, None, NOW)),
            Change::IssueLink {
                token: token(5),
                link: Link {
                    account,
                    purpose: LinkPurpose::Invitation,
                    expires_at: later(99),
                },
            },
            Change::Mark {
                account,
                mark: "deadline".to_owned(),
                at: NOW,
            },
            Change::RequestApproval(approval(1, Act::SignOutEverywhere, 1)),
            Change::RecordAdoption(vec![Snapshot {
                day: 20_000,
                group: Some("staff".to_owned()),
                figures: Figures {
                    on: 1,
                    reminding: 2,
                    overdue: 3,
                    exempt: 4,
                },
            }]),
            Change::AddApiToken {
                token: token(6),
                record: Box::new(ApiToken {
                    id: ApiTokenId::from_uuid(Uuid::from_u128(7)),
                    name: "Inventory".to_owned(),
                    scopes: Scope::ALL.into(),
                    created_at: NOW,
                    expires_at: later(6_000_000),
                    last_used_at: None,
                }),
            },
        ],
    )
    .await;
    let rules = [(throttle::bucket(Bucket::Code, 1), throttle::RULE)];
    let _ = s.count_try(&rules, NOW).await.unwrap();
    let claim = certificates::claim("a.test", None, NOW);
    let _ = s.claim_order(&claim).await.unwrap();
    done(
        s,
        [Change::AddAcmeAccount {
            directory: claim.directory,
            sealed: vec![9],
        }],
    )
    .await;
}

/// Table, column and kind, as the list has them.
fn listed() -> BTreeSet<(String, String, Kind)> {
    let columns = TABLES.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.map(|(column, kind)| (table.name.to_owned(), (*column).to_owned(), *kind))
    });
    columns.collect()
}

#[tokio::test]
async fn the_list_is_every_column_of_the_embedded_store() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("v.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut db = options.connect().await.unwrap();
    let rows = sqlx::query(
        "SELECT t.name, c.name, c.type, c.pk FROM sqlite_master AS t, pragma_table_info(t.name) AS c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let there: BTreeSet<(String, String)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    let listed = listed();
    let names = listed.iter().map(|(t, c, _)| (t.clone(), c.clone()));
    assert_eq!(there, names.collect());
    for row in &rows {
        let (table, column, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let (.., listed) = listed
            .iter()
            .find(|(t, c, _)| *t == table && *c == column)
            .unwrap();
        let want = match listed {
            Kind::Id | Kind::Bytes => "BLOB",
            Kind::Text => "TEXT",
            Kind::Integer | Kind::YesNo => "INTEGER",
        };
        assert_eq!(kind, want, "{table}.{column}");
        let is_key = row.get::<i64, _>(3) > 0;
        let table = TABLES.iter().find(|t| t.name == table).unwrap();
        assert_eq!(is_key, table.key.contains(&column.as_str()), "{column}");
    }
}

#[tokio::test]
async fn the_list_is_every_column_of_the_server() {
    let place = Database::with_tables().await;
    let there = place
        .text(
            "SELECT string_agg(table_name || ' ' || column_name || ' ' || data_type || ' ' || is_identity, ',')
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
        )
        .await;
    let mut there: Vec<&str> = there.split(',').collect();
    there.sort_unstable();
    let mut want: Vec<String> = listed()
        .iter()
        .map(|(table, column, kind)| {
            let kind = match kind {
                Kind::Id => "uuid",
                Kind::Bytes => "bytea",
                Kind::Text => "text",
                Kind::Integer => "bigint",
                Kind::YesNo => "boolean",
            };
            let found = TABLES.iter().find(|t| t.name == table).unwrap();
            let is_numbered = found.is_numbered && found.key == [column.as_str()];
            let identity = if is_numbered { "YES" } else { "NO" };
            format!("{table} {column} {kind} {identity}")
        })
        .collect();
    want.sort_unstable();
    assert_eq!(there, want);
}

#[tokio::test]
async fn every_table_can_be_filled() {
    let (_place, one, _) = super::sqlite_file::fresh().await;
    fill(one.as_ref()).await;
    let path = _place.path().join("data/vestibule.db");
    let mut copy = vestibule::store::sqlite::copy::Copy::examine(&path)
        .await
        .unwrap();
    for (table, rows) in copy.rows().await.unwrap() {
        assert!(rows > 0, "{table} is empty");
    }
    copy.close().await.unwrap();
}
