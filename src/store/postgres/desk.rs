//! What the console and its API keep: requests, tokens, figures, marks.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::adoption::Snapshot;
use crate::domain::api_token::{ApiToken, Scope};
use crate::domain::desk::{Approval, IdentityCheck};
use crate::domain::id::{AccountId, ApiTokenId, ApprovalId};
use crate::domain::secret::TokenHash;
use crate::domain::timestamp::Timestamp;
use crate::store::Fault;
use sqlx::{PgPool, query};

pub(super) async fn request(w: &mut Work, approval: &Approval) -> Applied {
    query("DELETE FROM approvals WHERE account_id = $1 AND act = $2")
        .bind(approval.target.uuid())
        .bind(approval.act.code())
        .execute(w.db())
        .await?;
    query(
        "INSERT INTO approvals (id, act, account_id, requested_by, requested_at, expires_at,
             case_number, identity_check, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(approval.id.uuid())
    .bind(approval.act.code())
    .bind(approval.target.uuid())
    .bind(approval.requested_by.uuid())
    .bind(approval.requested_at.seconds())
    .bind(approval.expires_at.seconds())
    .bind(rows::text(&approval.case))
    .bind(approval.check.map(IdentityCheck::code))
    .bind(rows::text(&approval.details))
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn settle(w: &mut Work, approval: ApprovalId) -> Applied {
    let done = query("DELETE FROM approvals WHERE id = $1")
        .bind(approval.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn approvals(db: &PgPool, now: Timestamp) -> Result<Vec<Approval>, Fault> {
    let rows = query(
        "SELECT id, act, account_id, requested_by, requested_at, expires_at, case_number,
             identity_check, details
         FROM approvals WHERE expires_at > $1 ORDER BY requested_at, id",
    )
    .bind(now.seconds())
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::approval).collect()
}

pub(super) async fn add_token(w: &mut Work, token: &TokenHash, record: &ApiToken) -> Applied {
    let scopes: Vec<&str> = record.scopes.iter().copied().map(Scope::code).collect();
    query(
        "INSERT INTO api_tokens (id, token, name, scopes, created_at, expires_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(record.id.uuid())
    .bind(&token.bytes()[..])
    .bind(&record.name)
    .bind(scopes.join(" "))
    .bind(record.created_at.seconds())
    .bind(record.expires_at.seconds())
    .bind(record.last_used_at.map(Timestamp::seconds))
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn token(db: &PgPool, token: &TokenHash) -> Result<Option<ApiToken>, Fault> {
    let row = query(
        "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_tokens
         WHERE token = $1",
    )
    .bind(&token.bytes()[..])
    .fetch_optional(db)
    .await?;
    row.as_ref().map(rows::api_token).transpose()
}

pub(super) async fn tokens(db: &PgPool) -> Result<Vec<ApiToken>, Fault> {
    let rows = query(
        "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_tokens
         ORDER BY name",
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::api_token).collect()
}

pub(super) async fn use_token(w: &mut Work, token: ApiTokenId, at: Timestamp) -> Applied {
    query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
        .bind(token.uuid())
        .bind(at.seconds())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn revoke_token(w: &mut Work, token: ApiTokenId) -> Applied {
    let done = query("DELETE FROM api_tokens WHERE id = $1")
        .bind(token.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn record_adoption(w: &mut Work, all: &[Snapshot]) -> Applied {
    for snapshot in all {
        let figures = &snapshot.figures;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        query(
            "INSERT INTO adoption (day, group_name, on_count, reminding, overdue, exempt)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (day, group_name) DO UPDATE SET on_count = excluded.on_count,
                 reminding = excluded.reminding, overdue = excluded.overdue,
                 exempt = excluded.exempt",
        )
        .bind(snapshot.day)
        .bind(snapshot.group.as_deref().unwrap_or(""))
        .bind(count(figures.on))
        .bind(count(figures.reminding))
        .bind(count(figures.overdue))
        .bind(count(figures.exempt))
        .execute(w.db())
        .await?;
    }
    Ok(Outcome::Applied)
}

pub(super) async fn adoption(
    db: &PgPool,
    since_day: i64,
    group: Option<&str>,
) -> Result<Vec<Snapshot>, Fault> {
    let rows = query(
        "SELECT day, group_name, on_count, reminding, overdue, exempt FROM adoption
         WHERE day >= $1 AND group_name = $2 ORDER BY day",
    )
    .bind(since_day)
    .bind(group.unwrap_or(""))
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::snapshot).collect()
}

pub(super) async fn mark(w: &mut Work, account: AccountId, mark: &str, at: Timestamp) -> Applied {
    query("INSERT INTO marks (account_id, mark, at) VALUES ($1, $2, $3)")
        .bind(account.uuid())
        .bind(mark)
        .bind(at.seconds())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn has_mark(db: &PgPool, account: AccountId, mark: &str) -> Result<bool, Fault> {
    let row = query("SELECT 1 AS is_there FROM marks WHERE account_id = $1 AND mark = $2")
        .bind(account.uuid())
        .bind(mark)
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}
