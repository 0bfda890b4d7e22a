//! Removing what has run out. Nothing depends on it: whatever has run out is not accepted either.
//!
//! In small transactions of [`ROWS`] rows, so that sign-ins come in between. Rows that somebody works on, or another
//! node removes, are left to the next sweep.

use crate::domain::timestamp::Timestamp;
use crate::store::Fault;
use sqlx::{PgPool, query};

/// Rows removed in one transaction.
pub(super) const ROWS: u64 = 500;
/// Transactions for one statement in one sweep; the next sweep goes on.
pub(super) const ROUNDS: usize = 20;

/// `$1` is now, `$2` the number of rows. A notice stays for an hour after the first sweep that met it (the
/// commit that wrote it has no clock): caches ask every second.
/// An array, not a set: whatever the planner makes of its size, no table is read from end to end for a few rows.
/// The newest stays, so that the newest number is always known.
pub(super) const STATEMENTS: &[&str] = &[
    "DELETE FROM tickets WHERE token = ANY (ARRAY
         (SELECT token FROM tickets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM attempts WHERE token = ANY (ARRAY
         (SELECT token FROM attempts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM one_time_codes WHERE account_id = ANY (ARRAY
         (SELECT account_id FROM one_time_codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM portal_sessions WHERE id = ANY (ARRAY
         (SELECT id FROM portal_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM throttle WHERE (kind, bucket) IN
         (SELECT kind, bucket FROM throttle WHERE forget_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM devices WHERE id = ANY (ARRAY
         (SELECT id FROM devices WHERE last_used_at <= $1 - 15552000 ORDER BY last_used_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM links WHERE token = ANY (ARRAY
         (SELECT token FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM approvals WHERE id = ANY (ARRAY
         (SELECT id FROM approvals WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM api_tokens WHERE id = ANY (ARRAY
         (SELECT id FROM api_tokens WHERE expires_at <= $1 - 7776000 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM signing_keys WHERE id = ANY (ARRAY
         (SELECT id FROM signing_keys WHERE retired_until <= $1 ORDER BY retired_until LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM acme_certificates WHERE (directory, host) IN
         (SELECT directory, host FROM acme_certificates WHERE not_after <= $1 - 2592000 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM notices WHERE id = ANY (ARRAY
         (SELECT id FROM notices WHERE at <= $1 - 3600 AND id < (SELECT MAX(id) FROM notices)
          ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "UPDATE notices SET at = $1 WHERE id = ANY (ARRAY
         (SELECT id FROM notices WHERE at IS NULL ORDER BY id DESC LIMIT $2 FOR UPDATE SKIP LOCKED))",
];

/// One statement once; how many rows it met.
pub(super) async fn round(
    db: &PgPool,
    statement: &'static str,
    now: Timestamp,
) -> Result<u64, Fault> {
    let done = query(statement)
        .bind(now.seconds())
        .bind(i64::try_from(ROWS).unwrap_or(i64::MAX))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
