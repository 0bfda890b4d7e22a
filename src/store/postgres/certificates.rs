//! Certificates of an ACME server, and who may order one.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::timestamp::Timestamp;
use crate::store::{Fault, OrderClaim, OrderState, StoredCertificate};
use sqlx::{PgPool, Postgres, Transaction, query};

/// By host.
pub(super) async fn list(db: &PgPool, directory: &str) -> Result<Vec<StoredCertificate>, Fault> {
    let rows = query(
        "SELECT directory, host, chain, sealed, not_before, not_after FROM acme_certificates
         WHERE directory = $1 AND chain IS NOT NULL ORDER BY host",
    )
    .bind(directory)
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::certificate).collect()
}

pub(super) async fn account(db: &PgPool, directory: &str) -> Result<Option<Vec<u8>>, Fault> {
    let row = query("SELECT sealed FROM acme_accounts WHERE directory = $1")
        .bind(directory)
        .fetch_optional(db)
        .await?;
    match row {
        Some(row) => rows::get(&row, "sealed"),
        None => Ok(None),
    }
}

pub(super) async fn claim(
    mut tx: Transaction<'static, Postgres>,
    claim: &OrderClaim,
) -> Result<Option<OrderState>, Fault> {
    query(
        "INSERT INTO acme_accounts (directory, sealed, failures, next_try_at) VALUES ($1, NULL, 0, 0)
         ON CONFLICT (directory) DO NOTHING",
    )
    .bind(&claim.directory)
    .execute(&mut *tx)
    .await?;
    query(
        "INSERT INTO acme_certificates (directory, host, failures, next_try_at) VALUES ($1, $2, 0, 0)
         ON CONFLICT (directory, host) DO NOTHING",
    )
    .bind(&claim.directory)
    .bind(claim.host.as_str())
    .execute(&mut *tx)
    .await?;
    let row = query(
        "UPDATE acme_certificates SET next_try_at = $4
         WHERE directory = $1 AND host = $2 AND next_try_at <= $3 AND not_after IS NOT DISTINCT FROM $5
           AND EXISTS (SELECT 1 FROM acme_accounts a WHERE a.directory = $1 AND a.next_try_at <= $3)
         RETURNING failures,
             (SELECT failures FROM acme_accounts a WHERE a.directory = $1) AS server_failures",
    )
    .bind(&claim.directory)
    .bind(claim.host.as_str())
    .bind(claim.now.seconds())
    .bind(claim.lease_until.seconds())
    .bind(claim.replaces.map(Timestamp::seconds))
    .fetch_optional(&mut *tx)
    .await?;
    let state = row.as_ref().map(rows::order_state).transpose()?;
    tx.commit().await?;
    Ok(state)
}

/// Lost where there is an account already.
pub(super) async fn add_account(w: &mut Work, directory: &str, sealed: &[u8]) -> Applied {
    let done = query(
        "INSERT INTO acme_accounts (directory, sealed, failures, next_try_at) VALUES ($1, $2, 0, 0)
         ON CONFLICT (directory) DO UPDATE SET sealed = excluded.sealed WHERE acme_accounts.sealed IS NULL",
    )
    .bind(directory)
    .bind(sealed)
    .execute(w.db())
    .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn forget_account(w: &mut Work, directory: &str) -> Applied {
    query("UPDATE acme_accounts SET sealed = NULL WHERE directory = $1")
        .bind(directory)
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn keep(
    w: &mut Work,
    certificate: &StoredCertificate,
    next_try_at: Timestamp,
) -> Applied {
    query(
        "INSERT INTO acme_certificates
             (directory, host, chain, sealed, not_before, not_after, failures, next_try_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
         ON CONFLICT (directory, host) DO UPDATE SET chain = excluded.chain, sealed = excluded.sealed,
             not_before = excluded.not_before, not_after = excluded.not_after, failures = 0,
             next_try_at = excluded.next_try_at",
    )
    .bind(&certificate.directory)
    .bind(certificate.host.as_str())
    .bind(&certificate.chain)
    .bind(&certificate.sealed_key)
    .bind(certificate.not_before.seconds())
    .bind(certificate.not_after.seconds())
    .bind(next_try_at.seconds())
    .execute(w.db())
    .await?;
    query("UPDATE acme_accounts SET failures = 0 WHERE directory = $1")
        .bind(&certificate.directory)
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn defer(
    w: &mut Work,
    (directory, host): (&str, &str),
    next_try_at: Timestamp,
) -> Applied {
    query(
        "UPDATE acme_certificates SET failures = failures + 1, next_try_at = $3
         WHERE directory = $1 AND host = $2",
    )
    .bind(directory)
    .bind(host)
    .bind(next_try_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn defer_all(w: &mut Work, directory: &str, next_try_at: Timestamp) -> Applied {
    query(
        "UPDATE acme_accounts SET failures = failures + 1, next_try_at = $2 WHERE directory = $1",
    )
    .bind(directory)
    .bind(next_try_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}
