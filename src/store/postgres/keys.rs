//! Signing keys.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::timestamp::Timestamp;
use crate::store::{Fault, Notice, StoredKey};
use sqlx::{PgPool, query};

/// Newest first.
pub(super) async fn published(db: &PgPool, now: Timestamp) -> Result<Vec<StoredKey>, Fault> {
    let rows = query(
        "SELECT id, sealed, public, created_at, retired_until FROM signing_keys
         WHERE retired_until IS NULL OR retired_until > $1
         ORDER BY created_at DESC, id DESC",
    )
    .bind(now.seconds())
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::signing_key).collect()
}

pub(super) async fn add(w: &mut Work, key: &StoredKey) -> Applied {
    query(
        "INSERT INTO signing_keys (id, sealed, public, created_at, retired_until)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&key.id)
    .bind(&key.sealed)
    .bind(&key.public)
    .bind(key.created_at.seconds())
    .bind(key.retired_until.map(Timestamp::seconds))
    .execute(w.db())
    .await?;
    w.tell(Notice::Keys);
    Ok(Outcome::Applied)
}

/// Lost where the key that is to stay is not in use: there must be one to sign with.
pub(super) async fn retire_others(
    w: &mut Work,
    current: &str,
    published_until: Timestamp,
) -> Applied {
    let stays = query("SELECT 1 FROM signing_keys WHERE id = $1 AND retired_until IS NULL")
        .bind(current)
        .fetch_optional(w.db())
        .await?;
    if stays.is_none() {
        return Ok(Outcome::TooLate);
    }
    query("UPDATE signing_keys SET retired_until = $2 WHERE id <> $1 AND retired_until IS NULL")
        .bind(current)
        .bind(published_until.seconds())
        .execute(w.db())
        .await?;
    w.tell(Notice::Keys);
    Ok(Outcome::Applied)
}
