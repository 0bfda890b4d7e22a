//! Notices to other processes, written in the transaction of the change they speak of.
//!
//! Numbers are given out by the one writer at a time, so that they become visible in their order.

use super::rows;
use crate::domain::id::{AccountId, SessionId};
use crate::store::{Fault, Notice};
use sqlx::{SqliteConnection, SqlitePool, query};

/// Read at once; who is further behind asks again.
const AT_ONCE: i64 = 1000;

pub(super) async fn last(db: &SqlitePool) -> Result<i64, Fault> {
    let row = query("SELECT COALESCE(MAX(id), 0) AS id FROM notices")
        .fetch_one(db)
        .await?;
    rows::get(&row, "id")
}

pub(super) async fn after(db: &SqlitePool, after: i64) -> Result<(i64, Vec<Notice>), Fault> {
    let rows = query("SELECT id, kind, subject FROM notices WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(AT_ONCE)
        .fetch_all(db)
        .await?;
    let mut next = after;
    let mut notices = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, notice) = rows::notice(row)?;
        next = id;
        notices.push(notice);
    }
    Ok((next, notices))
}

pub(super) async fn session(c: &mut SqliteConnection, id: SessionId) -> Result<(), sqlx::Error> {
    write(c, "session", Some(&id.uuid().as_bytes()[..])).await
}

pub(super) async fn account(c: &mut SqliteConnection, id: AccountId) -> Result<(), sqlx::Error> {
    write(c, "account", Some(&id.uuid().as_bytes()[..])).await
}

pub(super) async fn keys(c: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    write(c, "keys", None).await
}

async fn write(
    c: &mut SqliteConnection,
    kind: &str,
    subject: Option<&[u8]>,
) -> Result<(), sqlx::Error> {
    query("INSERT INTO notices (kind, subject) VALUES ($1, $2)")
        .bind(kind)
        .bind(subject)
        .execute(c)
        .await?;
    Ok(())
}
