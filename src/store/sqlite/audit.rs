//! The audit trail. Triggers of the table refuse every change and removal.

use super::commit::{Applied, Outcome};
use super::rows;
use crate::domain::audit::{Event, Record};
use crate::domain::id::AccountId;
use crate::domain::timestamp::Timestamp;
use crate::store::{AuditFilter, Fault};
use sqlx::{SqliteConnection, SqlitePool, query};

/// Newest first.
pub(super) async fn list(db: &SqlitePool, filter: AuditFilter) -> Result<Vec<Record>, Fault> {
    const ALL: &str = "SELECT at, event, account_id, actor, address, user_agent, detail
         FROM audit ORDER BY id DESC LIMIT $1";
    const OF_ONE: &str = "SELECT at, event, account_id, actor, address, user_agent, detail
         FROM audit WHERE account_id = $2 ORDER BY id DESC LIMIT $1";
    let wanted = query(if filter.account.is_some() {
        OF_ONE
    } else {
        ALL
    })
    .bind(i64::from(filter.limit));
    let wanted = match filter.account {
        Some(id) => wanted.bind(id.uuid().as_bytes().to_vec()),
        None => wanted,
    };
    let rows = wanted.fetch_all(db).await?;
    rows.iter().map(rows::record).collect()
}

pub(super) async fn count(
    db: &SqlitePool,
    account: AccountId,
    event: Event,
    since: Timestamp,
) -> Result<u32, Fault> {
    let row =
        query("SELECT count(*) AS n FROM audit WHERE account_id = $1 AND event = $2 AND at >= $3")
            .bind(&account.uuid().as_bytes()[..])
            .bind(event.code())
            .bind(since.seconds())
            .fetch_one(db)
            .await?;
    Ok(u32::try_from(rows::get::<i64>(&row, "n")?).unwrap_or(u32::MAX))
}

pub(super) async fn append(c: &mut SqliteConnection, record: &Record) -> Applied {
    query(
        "INSERT INTO audit (at, event, account_id, actor, address, user_agent, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(record.at.seconds())
    .bind(record.event.code())
    .bind(record.account.map(|id| id.uuid().as_bytes().to_vec()))
    .bind(record.actor.code())
    .bind(record.place.address.map(|a| a.to_string()))
    .bind(&record.place.user_agent)
    .bind(&record.detail)
    .execute(c)
    .await?;
    Ok(Outcome::Applied)
}
