//! Mail that waits, and links that were mailed.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::id::{AccountId, MailId};
use crate::domain::secret::TokenHash;
use crate::domain::timestamp::Timestamp;
use crate::store::{ClaimedMail, Fault, Link, Outbox, QueuedMail};
use sqlx::{PgPool, query};

pub(super) async fn queue(w: &mut Work, mail: &QueuedMail) -> Applied {
    query(
        "INSERT INTO outbox (id, account_id, sealed, queued_at, due_at, tries)
         VALUES ($1, $2, $3, $4, $4, 0)",
    )
    .bind(mail.id.uuid())
    .bind(mail.account.map(|id| id.uuid()))
    .bind(&mail.sealed)
    .bind(mail.queued_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

/// Looked for without a write transaction first: mostly there is nothing to send.
pub(super) async fn any_due(db: &PgPool, now: Timestamp) -> Result<bool, Fault> {
    let row = query("SELECT 1 AS due FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT 1")
        .bind(now.seconds())
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn claim(
    db: &PgPool,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedMail>, Fault> {
    let rows = query(
        "UPDATE outbox SET due_at = $2, tries = tries + 1 WHERE id = ANY (ARRAY
             (SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING id, account_id, sealed, queued_at, tries",
    )
    .bind(now.seconds())
    .bind(lease_until.seconds())
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    let mut claimed: Vec<ClaimedMail> = rows
        .iter()
        .map(rows::claimed_mail)
        .collect::<Result<_, _>>()?;
    claimed.sort_by_key(|claimed| (claimed.mail.queued_at, claimed.mail.id));
    Ok(claimed)
}

pub(super) async fn remove(w: &mut Work, mail: MailId) -> Applied {
    query("DELETE FROM outbox WHERE id = $1")
        .bind(mail.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn defer(w: &mut Work, mail: MailId, due_at: Timestamp) -> Applied {
    query("UPDATE outbox SET due_at = $2 WHERE id = $1")
        .bind(mail.uuid())
        .bind(due_at.seconds())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn outbox(db: &PgPool) -> Result<Outbox, Fault> {
    let row = query("SELECT count(*) AS waiting, min(queued_at) AS oldest FROM outbox")
        .fetch_one(db)
        .await?;
    Ok(Outbox {
        waiting: rows::get::<i64>(&row, "waiting")?.unsigned_abs(),
        oldest_queued_at: rows::get::<Option<i64>>(&row, "oldest")?.map(Timestamp::from_seconds),
    })
}

pub(super) async fn issue_link(w: &mut Work, token: &TokenHash, link: &Link) -> Applied {
    query("DELETE FROM links WHERE account_id = $1 AND purpose = $2")
        .bind(link.account.uuid())
        .bind(rows::link_purpose_code(link.purpose))
        .execute(w.db())
        .await?;
    query("INSERT INTO links (token, account_id, purpose, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&token.bytes()[..])
        .bind(link.account.uuid())
        .bind(rows::link_purpose_code(link.purpose))
        .bind(link.expires_at.seconds())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn link(db: &PgPool, token: &TokenHash) -> Result<Option<Link>, Fault> {
    let row = query("SELECT account_id, purpose, expires_at FROM links WHERE token = $1")
        .bind(&token.bytes()[..])
        .fetch_optional(db)
        .await?;
    row.as_ref().map(rows::link).transpose()
}

pub(super) async fn spend_link(w: &mut Work, token: &TokenHash) -> Applied {
    let done = query("DELETE FROM links WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn drop_links_of(w: &mut Work, account: AccountId) -> Applied {
    query("DELETE FROM links WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}
