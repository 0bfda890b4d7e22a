//! Mail that waits, and links that were mailed.

use super::commit::{Applied, Outcome};
use super::rows;
use crate::domain::id::{AccountId, MailId};
use crate::domain::secret::TokenHash;
use crate::domain::timestamp::Timestamp;
use crate::store::{ClaimedMail, Fault, Link, Outbox, QueuedMail};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction, query};

pub(super) async fn queue(c: &mut SqliteConnection, mail: &QueuedMail) -> Applied {
    query(
        "INSERT INTO outbox (id, account_id, sealed, queued_at, due_at, tries)
         VALUES ($1, $2, $3, $4, $4, 0)",
    )
    .bind(&mail.id.uuid().as_bytes()[..])
    .bind(mail.account.map(|id| id.uuid().as_bytes().to_vec()))
    .bind(&mail.sealed)
    .bind(mail.queued_at.seconds())
    .execute(c)
    .await?;
    Ok(Outcome::Applied)
}

/// Looked for without a write transaction first: mostly there is nothing to send.
pub(super) async fn any_due(db: &SqlitePool, now: Timestamp) -> Result<bool, Fault> {
    let row = query("SELECT 1 AS due FROM outbox WHERE due_at <= $1 LIMIT 1")
        .bind(now.seconds())
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn claim(
    mut tx: Transaction<'static, Sqlite>,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedMail>, Fault> {
    let rows = query(
        "UPDATE outbox SET due_at = $2, tries = tries + 1 WHERE id IN
             (SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3)
         RETURNING id, account_id, sealed, queued_at, tries",
    )
    .bind(now.seconds())
    .bind(lease_until.seconds())
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    let mut claimed: Vec<ClaimedMail> = rows
        .iter()
        .map(rows::claimed_mail)
        .collect::<Result<_, _>>()?;
    claimed.sort_by_key(|claimed| (claimed.mail.queued_at, claimed.mail.id));
    tx.commit().await?;
    Ok(claimed)
}

pub(super) async fn remove(c: &mut SqliteConnection, mail: MailId) -> Applied {
    query("DELETE FROM outbox WHERE id = $1")
        .bind(&mail.uuid().as_bytes()[..])
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn defer(c: &mut SqliteConnection, mail: MailId, due_at: Timestamp) -> Applied {
    query("UPDATE outbox SET due_at = $2 WHERE id = $1")
        .bind(&mail.uuid().as_bytes()[..])
        .bind(due_at.seconds())
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn outbox(db: &SqlitePool) -> Result<Outbox, Fault> {
    let row = query("SELECT count(*) AS waiting, min(queued_at) AS oldest FROM outbox")
        .fetch_one(db)
        .await?;
    Ok(Outbox {
        waiting: rows::get::<i64>(&row, "waiting")?.unsigned_abs(),
        oldest_queued_at: rows::get::<Option<i64>>(&row, "oldest")?.map(Timestamp::from_seconds),
    })
}

pub(super) async fn issue_link(
    c: &mut SqliteConnection,
    token: &TokenHash,
    link: &Link,
) -> Applied {
    query("DELETE FROM links WHERE account_id = $1 AND purpose = $2")
        .bind(&link.account.uuid().as_bytes()[..])
        .bind(rows::link_purpose_code(link.purpose))
        .execute(&mut *c)
        .await?;
    query("INSERT INTO links (token, account_id, purpose, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&token.bytes()[..])
        .bind(&link.account.uuid().as_bytes()[..])
        .bind(rows::link_purpose_code(link.purpose))
        .bind(link.expires_at.seconds())
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn link(db: &SqlitePool, token: &TokenHash) -> Result<Option<Link>, Fault> {
    let row = query("SELECT account_id, purpose, expires_at FROM links WHERE token = $1")
        .bind(&token.bytes()[..])
        .fetch_optional(db)
        .await?;
    row.as_ref().map(rows::link).transpose()
}

pub(super) async fn spend_link(c: &mut SqliteConnection, token: &TokenHash) -> Applied {
    let done = query("DELETE FROM links WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(c)
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn drop_links_of(c: &mut SqliteConnection, account: AccountId) -> Applied {
    query("DELETE FROM links WHERE account_id = $1")
        .bind(&account.uuid().as_bytes()[..])
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}
