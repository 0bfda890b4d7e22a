//! Portal sessions, their children on application hosts, and the tickets between the two.
//!
//! An ended session is a deleted row: children and tickets go with it, the audit trail keeps the history.

use super::accounts;
use super::commit::{Applied, Outcome, Work};
use super::rows::{self, session_columns, subject_columns};
use crate::domain::host::Host;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::secret::TokenHash;
use crate::domain::session::{Record, Session, View};
use crate::domain::timestamp::Timestamp;
use crate::store::{Fault, Notice, Ticket};
use sqlx::{PgPool, query};
use std::collections::HashMap;
use uuid::Uuid;

/// Sessions touched by one statement, so that other writers come in between.
pub(super) const TOUCHED_AT_ONCE: usize = 500;

/// One statement, so that session, subject and groups are of one moment.
pub(super) async fn find(
    db: &PgPool,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<View>, Fault> {
    const SQL: &str = concat!(
        "WITH found (session_id, host) AS (
             SELECT id, CAST(NULL AS TEXT) FROM portal_sessions WHERE token = $1
             UNION ALL
             SELECT parent_id, host FROM application_sessions WHERE token = $1)
         SELECT ",
        session_columns!(),
        ", found.host, ",
        subject_columns!(),
        " FROM found
          JOIN portal_sessions s ON s.id = found.session_id
          JOIN accounts a ON a.id = s.account_id
          LEFT JOIN account_groups g ON g.account_id = a.id
          WHERE s.expires_at > $2"
    );
    let rows = query(SQL)
        .bind(&token.bytes()[..])
        .bind(now.seconds())
        .fetch_all(db)
        .await?;
    rows::view(&rows)
}

/// Newest first.
pub(super) async fn list(
    db: &PgPool,
    account: Option<AccountId>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    const ALL: &str = concat!(
        "SELECT ",
        session_columns!(),
        ", s.account_id, s.address, s.user_agent
          FROM portal_sessions s WHERE s.expires_at > $1 ORDER BY s.id DESC LIMIT $2"
    );
    const OF_ONE: &str = concat!(
        "SELECT ",
        session_columns!(),
        ", s.account_id, s.address, s.user_agent
          FROM portal_sessions s WHERE s.expires_at > $1 AND s.account_id = $3
          ORDER BY s.id DESC LIMIT $2"
    );
    let wanted = query(if account.is_some() { OF_ONE } else { ALL })
        .bind(now.seconds())
        .bind(i64::from(limit));
    let wanted = match account {
        Some(id) => wanted.bind(id.uuid()),
        None => wanted,
    };
    let rows = wanted.fetch_all(db).await?;
    rows.iter().map(rows::session_record).collect()
}

pub(super) async fn hosts_opened(
    db: &PgPool,
    account: AccountId,
) -> Result<HashMap<SessionId, Vec<Host>>, Fault> {
    let rows = query(
        "SELECT DISTINCT c.parent_id, c.host FROM application_sessions c
         JOIN portal_sessions s ON s.id = c.parent_id
         WHERE s.account_id = $1 ORDER BY c.host",
    )
    .bind(account.uuid())
    .fetch_all(db)
    .await?;
    let mut opened: HashMap<SessionId, Vec<Host>> = HashMap::new();
    for row in &rows {
        let (session, host) = rows::opened(row)?;
        opened.entry(session).or_default().push(host);
    }
    Ok(opened)
}

pub(super) async fn ticket(db: &PgPool, token: &TokenHash) -> Result<Option<Ticket>, Fault> {
    let row = query(
        "SELECT session_id, host, return_to, binding, expires_at FROM tickets WHERE token = $1",
    )
    .bind(&token.bytes()[..])
    .fetch_optional(db)
    .await?;
    row.as_ref().map(rows::ticket).transpose()
}

/// Trust that has ended meanwhile opens nothing: the sign-in is asked for a code.
pub(super) async fn open(w: &mut Work, record: &Record, token: &TokenHash) -> Applied {
    let session = &record.session;
    let done = query(
        "INSERT INTO portal_sessions (id, token, account_id, second_factor, auth_time, password_at,
             second_factor_at, expires_at, last_seen_at, address, user_agent, trusted_device_id)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         WHERE $12 IS NULL OR EXISTS
             (SELECT 1 FROM devices WHERE id = $12 AND account_id = $3 AND trusted_until > $5)",
    )
    .bind(session.id.uuid())
    .bind(&token.bytes()[..])
    .bind(record.account.uuid())
    .bind(rows::second_factor_code(session.factors))
    .bind(session.auth_time.seconds())
    .bind(session.password_at.seconds())
    .bind(session.second_factor_at.map(Timestamp::seconds))
    .bind(session.expires_at.seconds())
    .bind(session.last_seen_at.seconds())
    .bind(record.begun.address.as_deref())
    .bind(rows::optional_text(record.begun.user_agent.as_deref()))
    .bind(session.trusted_device.as_ref().map(|id| id.uuid()))
    .execute(w.db())
    .await?;
    accounts::signed_in(w, record.account, session.auth_time).await?;
    Ok(Outcome::if_met(&done))
}

/// A session past its absolute end, by the new record's own last sight, is not brought back. Nor is trust: what is
/// raised was read before, and the trust it rested on may have ended since.
pub(super) async fn raise(
    w: &mut Work,
    account: AccountId,
    session: &Session,
    token: &TokenHash,
) -> Applied {
    let done = query(
        "UPDATE portal_sessions SET token = $2, second_factor = $4, auth_time = $5,
             password_at = $6, second_factor_at = $7,
             expires_at = CASE WHEN expires_at < $8 THEN expires_at ELSE $8 END,
             last_seen_at = CASE WHEN last_seen_at < $9 THEN $9 ELSE last_seen_at END,
             trusted_device_id = CASE WHEN trusted_device_id = $10 THEN $10 END
         WHERE id = $1 AND account_id = $3 AND expires_at > $9",
    )
    .bind(session.id.uuid())
    .bind(&token.bytes()[..])
    .bind(account.uuid())
    .bind(rows::second_factor_code(session.factors))
    .bind(session.auth_time.seconds())
    .bind(session.password_at.seconds())
    .bind(session.second_factor_at.map(Timestamp::seconds))
    .bind(session.expires_at.seconds())
    .bind(session.last_seen_at.seconds())
    .bind(session.trusted_device.as_ref().map(|id| id.uuid()))
    .execute(w.db())
    .await?;
    w.tell(Notice::Session(session.id));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn end(w: &mut Work, session: SessionId) -> Applied {
    let done = query("DELETE FROM portal_sessions WHERE id = $1")
        .bind(session.uuid())
        .execute(w.db())
        .await?;
    if done.rows_affected() > 0 {
        w.tell(Notice::Session(session));
    }
    Ok(Outcome::Applied)
}

pub(super) async fn end_all_of(
    w: &mut Work,
    account: AccountId,
    except: Option<SessionId>,
) -> Applied {
    let done = query(
        "DELETE FROM portal_sessions WHERE id IN
                 (SELECT id FROM portal_sessions WHERE account_id = $1 AND id IS DISTINCT FROM $2
                  ORDER BY id FOR UPDATE)",
    )
    .bind(account.uuid())
    .bind(except.map(|id| id.uuid()))
    .execute(w.db())
    .await?;
    if done.rows_affected() > 0 {
        w.tell(Notice::Account(account));
    }
    Ok(Outcome::Applied)
}

pub(super) async fn issue_ticket(w: &mut Work, token: &TokenHash, ticket: &Ticket) -> Applied {
    query(
        "INSERT INTO tickets (token, session_id, host, return_to, binding, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&token.bytes()[..])
    .bind(ticket.session.uuid())
    .bind(ticket.host.as_str())
    .bind(&ticket.return_to)
    .bind(&ticket.binding.bytes()[..])
    .bind(ticket.expires_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn redeem_ticket(w: &mut Work, token: &TokenHash) -> Applied {
    let done = query("DELETE FROM tickets WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn open_child(
    w: &mut Work,
    parent: SessionId,
    host: &Host,
    token: &TokenHash,
    created_at: Timestamp,
) -> Applied {
    let done = query(
        "INSERT INTO application_sessions (token, parent_id, host, created_at)
         SELECT $2, id, $3, $4 FROM portal_sessions WHERE id = $1 AND expires_at > $4",
    )
    .bind(parent.uuid())
    .bind(&token.bytes()[..])
    .bind(host.as_str())
    .bind(created_at.seconds())
    .execute(w.db())
    .await?;
    Ok(Outcome::if_met(&done))
}

/// In the order in which everybody locks sessions.
pub(super) async fn touch(db: &PgPool, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
    let (ids, times): (Vec<Uuid>, Vec<i64>) = seen
        .iter()
        .map(|(session, at)| (session.uuid(), at.seconds()))
        .unzip();
    query(
        "WITH seen AS (SELECT id, max(at) AS at FROM unnest($1::uuid[], $2::bigint[]) AS s (id, at) GROUP BY id),
              held AS (SELECT id FROM portal_sessions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
         UPDATE portal_sessions s SET last_seen_at = seen.at FROM seen, held
         WHERE s.id = seen.id AND s.id = held.id AND s.last_seen_at < seen.at",
    )
    .bind(ids)
    .bind(times)
    .execute(db)
    .await?;
    Ok(())
}
