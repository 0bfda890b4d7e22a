//! Counters of tries. The rule is the domain's (`throttle::admit`); here it runs inside one transaction that holds the
//! locks of all its counters, on whichever node.

use super::commit::{Applied, Outcome, Work};
use super::locks;
use super::rows;
use crate::domain::throttle::{Admission, Bucket, Counter, Exhaustion, Rule, admit};
use crate::domain::timestamp::Timestamp;
use crate::store::Fault;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, query};
use std::collections::BTreeSet;
use std::time::Duration;

/// Ten years.
const KEEP_FAILURES: Duration = Duration::from_secs(3_650 * 86_400);

/// Counts one try against every bucket, or against none where one is paused.
pub(super) async fn count(
    mut tx: Transaction<'static, Postgres>,
    buckets: &[(Bucket, Rule)],
    now: Timestamp,
) -> Result<Admission, Fault> {
    let names: BTreeSet<i64> = buckets.iter().map(|(one, _)| locks::bucket(one)).collect();
    locks::take(&mut tx, &Vec::from_iter(names)).await?;
    let mut counted = Vec::with_capacity(buckets.len());
    let mut longest_pause = None;
    let mut latest_if_wrong = None;
    let mut exhaustion_of_all = Exhaustion::No;
    for (bucket, rule) in buckets {
        let (next, admission) = admit(load(&mut tx, bucket).await?, rule, now);
        match admission {
            Admission::Paused { until } => longest_pause = longest_pause.max(Some(until)),
            Admission::Admitted {
                pause_if_wrong,
                exhaustion,
            } => {
                latest_if_wrong = latest_if_wrong.max(pause_if_wrong);
                exhaustion_of_all = exhaustion_of_all.max(exhaustion);
            }
        }
        counted.push((bucket, rule, next));
    }
    if let Some(until) = longest_pause {
        tx.rollback().await?;
        return Ok(Admission::Paused { until });
    }
    for (bucket, rule, next) in counted {
        save(&mut tx, bucket, rule, &next, now).await?;
    }
    tx.commit().await?;
    Ok(Admission::Admitted {
        pause_if_wrong: latest_if_wrong,
        exhaustion: exhaustion_of_all,
    })
}

async fn load(c: &mut PgConnection, bucket: &Bucket) -> Result<Counter, Fault> {
    counter(select(bucket).fetch_optional(c).await?)
}

/// A counter as it stands.
pub(super) async fn stored(db: &PgPool, bucket: &Bucket) -> Result<Counter, Fault> {
    counter(select(bucket).fetch_optional(db).await?)
}

fn select(bucket: &Bucket) -> Query<'_, Postgres, PgArguments> {
    query(
        "SELECT tries, pauses, paused_until, last_at, failures FROM throttle
         WHERE kind = $1 AND bucket = $2",
    )
    .bind(bucket.kind.code())
    .bind(&bucket.key[..])
}

fn counter(row: Option<PgRow>) -> Result<Counter, Fault> {
    let counter = row.as_ref().map(rows::counter).transpose()?;
    Ok(counter.unwrap_or_default())
}

async fn save(
    c: &mut PgConnection,
    bucket: &Bucket,
    rule: &Rule,
    counter: &Counter,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    // failures in a row are not forgotten by time
    let keep = match rule.exhausted_after {
        Some(_) => KEEP_FAILURES,
        None => rule.forget_after,
    };
    let forget_at = now.plus(keep).max(counter.paused_until.unwrap_or(now));
    query(
        "INSERT INTO throttle (kind, bucket, tries, pauses, paused_until, last_at,
             tries_before_pause, forget_at, failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (kind, bucket) DO UPDATE SET tries = excluded.tries,
             pauses = excluded.pauses, paused_until = excluded.paused_until,
             last_at = excluded.last_at, tries_before_pause = excluded.tries_before_pause,
             forget_at = excluded.forget_at, failures = excluded.failures",
    )
    .bind(bucket.kind.code())
    .bind(&bucket.key[..])
    .bind(i64::from(counter.tries))
    .bind(i64::from(counter.pauses))
    .bind(counter.paused_until.map(Timestamp::seconds))
    .bind(counter.last_at.map(Timestamp::seconds))
    .bind(i64::from(tries_before_pause(rule, counter)))
    .bind(forget_at.seconds())
    .bind(i64::from(counter.failures))
    .execute(c)
    .await?;
    Ok(())
}

/// The tries that had been counted when the last one brought the pause.
const fn tries_before_pause(rule: &Rule, counter: &Counter) -> u32 {
    let allowed = if counter.pauses <= 1 {
        rule.free
    } else {
        rule.then
    };
    allowed.saturating_sub(1)
}

pub(super) async fn forgive_all(w: &mut Work, bucket: &Bucket) -> Applied {
    query("DELETE FROM throttle WHERE kind = $1 AND bucket = $2")
        .bind(bucket.kind.code())
        .bind(&bucket.key[..])
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

/// One try fewer: a pause that stands because of it is lifted.
pub(super) async fn forgive_one(w: &mut Work, bucket: &Bucket) -> Applied {
    query(
        "UPDATE throttle SET
             tries = CASE WHEN paused_until IS NOT NULL THEN tries_before_pause
                          WHEN tries > 0 THEN tries - 1
                          ELSE 0 END,
             pauses = CASE WHEN paused_until IS NOT NULL THEN pauses - 1 ELSE pauses END,
             paused_until = NULL,
             failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END
         WHERE kind = $1 AND bucket = $2",
    )
    .bind(bucket.kind.code())
    .bind(&bucket.key[..])
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}
