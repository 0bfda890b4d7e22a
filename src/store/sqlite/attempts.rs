//! Sign-ins under way.

use super::commit::{Applied, Outcome};
use super::rows;
use crate::domain::id::AccountId;
use crate::domain::secret::TokenHash;
use crate::store::{Fault, StoredAttempt};
use sqlx::{SqliteConnection, SqlitePool, query};

pub(super) async fn find(
    db: &SqlitePool,
    token: &TokenHash,
) -> Result<Option<StoredAttempt>, Fault> {
    let row =
        query("SELECT account_id, sealed, version, expires_at FROM attempts WHERE token = $1")
            .bind(&token.bytes()[..])
            .fetch_optional(db)
            .await?;
    row.as_ref().map(rows::attempt).transpose()
}

pub(super) async fn start(
    c: &mut SqliteConnection,
    token: &TokenHash,
    attempt: &StoredAttempt,
) -> Applied {
    query(
        "INSERT INTO attempts (token, account_id, sealed, version, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&token.bytes()[..])
    .bind(&attempt.account.uuid().as_bytes()[..])
    .bind(&attempt.sealed)
    .bind(attempt.version)
    .bind(attempt.expires_at.seconds())
    .execute(c)
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn advance(
    c: &mut SqliteConnection,
    token: &TokenHash,
    from_version: i64,
    sealed: &[u8],
) -> Applied {
    let done = query(
        "UPDATE attempts SET sealed = $3, version = version + 1 WHERE token = $1 AND version = $2",
    )
    .bind(&token.bytes()[..])
    .bind(from_version)
    .bind(sealed)
    .execute(c)
    .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn end(c: &mut SqliteConnection, token: &TokenHash, from_version: i64) -> Applied {
    let done = query("DELETE FROM attempts WHERE token = $1 AND version = $2")
        .bind(&token.bytes()[..])
        .bind(from_version)
        .execute(c)
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn discard(c: &mut SqliteConnection, token: &TokenHash) -> Applied {
    query("DELETE FROM attempts WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn discard_all_of(
    c: &mut SqliteConnection,
    account: AccountId,
    except: Option<&TokenHash>,
) -> Applied {
    query("DELETE FROM attempts WHERE account_id = $1 AND ($2 IS NULL OR token <> $2)")
        .bind(&account.uuid().as_bytes()[..])
        .bind(except.map(|t| t.bytes().to_vec()))
        .execute(c)
        .await?;
    Ok(Outcome::Applied)
}
