//! The audit trail. Triggers of the table refuse every change and removal.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::audit::{Event, Logged, Record};
use crate::domain::id::AccountId;
use crate::domain::timestamp::Timestamp;
use crate::store::{AuditFilter, Fault};
use sqlx::{PgPool, query};

/// Newest first. Each part of the filter is left out by a NULL.
pub(super) async fn list(db: &PgPool, filter: &AuditFilter) -> Result<Vec<Logged>, Fault> {
    let mut sql = String::from(
        "SELECT id, at, event, account_id, actor, address, user_agent, detail FROM audit WHERE 1 = 1",
    );
    // only what is asked for stands in the statement, so that the index that fits is used
    let asked = [
        (filter.account.is_some(), " AND account_id = $2"),
        (filter.actor.is_some(), " AND actor = $3"),
        (filter.since.is_some(), " AND at >= $4"),
        (filter.until.is_some(), " AND at < $5"),
        (filter.before.is_some(), " AND id < $6"),
        (!filter.events.is_empty(), " AND event = ANY($7)"),
    ];
    for (_, condition) in asked.iter().filter(|(is_asked, _)| *is_asked) {
        sql.push_str(condition);
    }
    sql.push_str(" ORDER BY id DESC LIMIT $1");
    let events: Vec<&str> = filter.events.iter().map(|event| event.code()).collect();
    let rows = query(sqlx::AssertSqlSafe(sql))
        .bind(i64::from(filter.limit))
        .bind(filter.account.map(|id| id.uuid()))
        .bind(filter.actor.as_ref().map(|actor| actor.code().into_owned()))
        .bind(filter.since.map(Timestamp::seconds))
        .bind(filter.until.map(Timestamp::seconds))
        .bind(filter.before)
        .bind(events)
        .fetch_all(db)
        .await?;
    rows.iter().map(rows::logged).collect()
}

pub(super) async fn count(
    db: &PgPool,
    account: AccountId,
    event: Event,
    since: Timestamp,
) -> Result<u32, Fault> {
    let row =
        query("SELECT count(*) AS n FROM audit WHERE account_id = $1 AND event = $2 AND at >= $3")
            .bind(account.uuid())
            .bind(event.code())
            .bind(since.seconds())
            .fetch_one(db)
            .await?;
    Ok(u32::try_from(rows::get::<i64>(&row, "n")?).unwrap_or(u32::MAX))
}

pub(super) async fn append(w: &mut Work, record: &Record) -> Applied {
    query(
        "INSERT INTO audit (at, event, account_id, actor, address, user_agent, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(record.at.seconds())
    .bind(record.event.code())
    .bind(record.account.map(|id| id.uuid()))
    .bind(record.actor.code().into_owned())
    .bind(record.place.address.map(|a| a.to_string()))
    .bind(rows::optional_text(record.place.user_agent.as_deref()))
    .bind(rows::text(&record.detail))
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}
