//! Browsers accounts are used in.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::device::{Device, MOST};
use crate::domain::id::{AccountId, DeviceId};
use crate::domain::secret::TokenHash;
use crate::domain::timestamp::Timestamp;
use crate::store::{Fault, Notice};
use sqlx::{PgPool, query};

pub(super) async fn find(
    db: &PgPool,
    account: AccountId,
    token: &TokenHash,
) -> Result<Option<Device>, Fault> {
    let row = query(
        "SELECT id, account_id, known_since, last_used_at, trusted_until, address, user_agent
         FROM devices WHERE token = $2 AND account_id = $1",
    )
    .bind(account.uuid())
    .bind(&token.bytes()[..])
    .fetch_optional(db)
    .await?;
    row.as_ref().map(rows::device).transpose()
}

pub(super) async fn list(db: &PgPool, account: AccountId) -> Result<Vec<Device>, Fault> {
    let rows = query(
        "SELECT id, account_id, known_since, last_used_at, trusted_until, address, user_agent
         FROM devices WHERE account_id = $1 ORDER BY last_used_at DESC, id DESC",
    )
    .bind(account.uuid())
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::device).collect()
}

pub(super) async fn add(w: &mut Work, device: &Device, token: &TokenHash) -> Applied {
    query(
        "INSERT INTO devices (id, token, account_id, known_since, last_used_at, trusted_until,
             address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(device.id.uuid())
    .bind(&token.bytes()[..])
    .bind(device.account.uuid())
    .bind(device.known_since.seconds())
    .bind(device.last_used_at.seconds())
    .bind(device.trusted_until.map(Timestamp::seconds))
    .bind(&device.address)
    .bind(rows::optional_text(device.user_agent.as_deref()))
    .execute(w.db())
    .await?;
    query(
        "DELETE FROM devices WHERE account_id = $1 AND id NOT IN
             (SELECT id FROM devices WHERE account_id = $1
              ORDER BY last_used_at DESC, id DESC LIMIT $2)",
    )
    .bind(device.account.uuid())
    .bind(i64::from(MOST))
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn touch(w: &mut Work, device: DeviceId, at: Timestamp) -> Applied {
    query("UPDATE devices SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2")
        .bind(device.uuid())
        .bind(at.seconds())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

/// Sessions that rest on it lose it with it: the key of the table says so.
pub(super) async fn remove(w: &mut Work, account: AccountId, device: DeviceId) -> Applied {
    query("DELETE FROM devices WHERE id = $2 AND account_id = $1")
        .bind(account.uuid())
        .bind(device.uuid())
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}

pub(super) async fn remove_all_of(w: &mut Work, account: AccountId) -> Applied {
    query("DELETE FROM devices WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}

pub(super) async fn untrust_all_of(w: &mut Work, account: AccountId) -> Applied {
    for statement in [
        "UPDATE devices SET trusted_until = NULL WHERE account_id = $1",
        "UPDATE portal_sessions SET trusted_device_id = NULL WHERE account_id = $1",
    ] {
        query(statement)
            .bind(account.uuid())
            .execute(w.db())
            .await?;
    }
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}
