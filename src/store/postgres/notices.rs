//! Notices to other processes: rows in the transaction of the change they speak of, and a call (`NOTIFY`) that
//! goes out when it commits.
//!
//! The rows are the truth, the call only says that it is time to look: who was away, or missed it, reads on from
//! the last number it knows. That needs numbers that become visible in their order, which those of a sequence
//! do not: a later number may be committed first, and a reader that has gone past the earlier one never sees it.
//! Hence [`write()`] takes one lock of the whole database before it takes numbers, as the last thing of its
//! transaction, and the lock goes when the transaction is visible. Commits with notices follow each other; all
//! other commits are not held up.

use super::locks;
use super::rows;
use crate::store::{Fault, Notice};
use sqlx::{PgConnection, PgPool, query};
use uuid::Uuid;

/// What is listened to.
pub(super) const CHANNEL: &str = "vestibule_notices";

/// Read at once; who is further behind asks again.
const AT_ONCE: i64 = 1000;

pub(super) async fn last(db: &PgPool) -> Result<i64, Fault> {
    let row = query("SELECT COALESCE(MAX(id), 0) AS id FROM notices")
        .fetch_one(db)
        .await?;
    rows::get(&row, "id")
}

pub(super) async fn after(db: &PgPool, after: i64) -> Result<(i64, Vec<Notice>), Fault> {
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

/// Must be followed by the commit and nothing else.
pub(super) async fn write(c: &mut PgConnection, notices: &[Notice]) -> Result<(), sqlx::Error> {
    if notices.is_empty() {
        return Ok(());
    }
    let (kinds, subjects): (Vec<&str>, Vec<Option<Uuid>>) = notices
        .iter()
        .map(|notice| match notice {
            Notice::Session(id) => ("session", Some(id.uuid())),
            Notice::Account(id) => ("account", Some(id.uuid())),
            Notice::Keys => ("keys", None),
        })
        .unzip();
    locks::take(c, &[locks::NOTICES]).await?;
    query(
        "INSERT INTO notices (kind, subject)
         SELECT kind, subject FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS n (kind, subject, place)
         ORDER BY place",
    )
    .bind(kinds)
    .bind(subjects)
    .execute(&mut *c)
    .await?;
    query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(c)
        .await?;
    Ok(())
}
