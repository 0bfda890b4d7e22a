//! Sign-ins under way.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::id::AccountId;
use crate::domain::secret::TokenHash;
use crate::store::{Fault, StoredAttempt};
use sqlx::{PgPool, query};

pub(super) async fn find(db: &PgPool, token: &TokenHash) -> Result<Option<StoredAttempt>, Fault> {
    let row =
        query("SELECT account_id, sealed, version, expires_at FROM attempts WHERE token = $1")
            .bind(&token.bytes()[..])
            .fetch_optional(db)
            .await?;
    row.as_ref().map(rows::attempt).transpose()
}

pub(super) async fn start(w: &mut Work, token: &TokenHash, attempt: &StoredAttempt) -> Applied {
    query(
        "INSERT INTO attempts (token, account_id, sealed, version, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&token.bytes()[..])
    .bind(attempt.account.uuid())
    .bind(&attempt.sealed)
    .bind(attempt.version)
    .bind(attempt.expires_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn advance(
    w: &mut Work,
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
    .execute(w.db())
    .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn end(w: &mut Work, token: &TokenHash, from_version: i64) -> Applied {
    let done = query("DELETE FROM attempts WHERE token = $1 AND version = $2")
        .bind(&token.bytes()[..])
        .bind(from_version)
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn discard(w: &mut Work, token: &TokenHash) -> Applied {
    query("DELETE FROM attempts WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn discard_all_of(
    w: &mut Work,
    account: AccountId,
    except: Option<&TokenHash>,
) -> Applied {
    query("DELETE FROM attempts WHERE account_id = $1 AND ($2 IS NULL OR token <> $2)")
        .bind(account.uuid())
        .bind(except.map(|t| t.bytes().to_vec()))
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}
