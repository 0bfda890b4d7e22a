//! Portal sessions, their children on application hosts, and the tickets between the two.
//!
//! An ended session is a deleted row: children and tickets go with it, the audit trail keeps the history.

use super::commit::{Applied, Outcome};
use super::rows::{self, session_columns, subject_columns};
use super::{accounts, notices};
use crate::domain::host::Host;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::secret::TokenHash;
use crate::domain::session::{Record, Session, View};
use crate::domain::timestamp::Timestamp;
use crate::store::{Fault, Ticket};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction, query};
use std::collections::HashMap;

/// Sessions touched in one transaction, so that other writers come in between.
pub(super) const TOUCHED_AT_ONCE: usize = 500;

/// One statement, so that session, subject and groups are of one moment.
pub(super) async fn find(
    db: &SqlitePool,
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
    db: &SqlitePool,
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
        Some(id) => wanted.bind(id.uuid().as_bytes().to_vec()),
        None => wanted,
    };
    let rows = wanted.fetch_all(db).await?;
    rows.iter().map(rows::session_record).collect()
}

pub(super) async fn hosts_opened(
    db: &SqlitePool,
    account: AccountId,
) -> Result<HashMap<SessionId, Vec<Host>>, Fault> {
    let rows = query(
        "SELECT DISTINCT c.parent_id, c.host FROM application_sessions c
         JOIN portal_sessions s ON s.id = c.parent_id
         WHERE s.account_id = $1 ORDER BY c.host",
    )
    .bind(&account.uuid().as_bytes()[..])
    .fetch_all(db)
    .await?;
    let mut opened: HashMap<SessionId, Vec<Host>> = HashMap::new();
    for row in &rows {
        let (session, host) = rows::opened(row)?;
        opened.entry(session).or_default().push(host);
    }
    Ok(opened)
}

pub(super) async fn ticket(db: &SqlitePool, token: &TokenHash) -> Result<Option<Ticket>, Fault> {
    let row = query(
        "SELECT session_id, host, return_to, binding, expires_at FROM tickets WHERE token = $1",
    )
    .bind(&token.bytes()[..])
    .fetch_optional(db)
    .await?;
    row.as_ref().map(rows::ticket).transpose()
}

/// Trust that has ended meanwhile opens nothing: the sign-in is asked for a code.
pub(super) async fn open(c: &mut SqliteConnection, record: &Record, token: &TokenHash) -> Applied {
    let session = &record.session;
    let done = query(
        "INSERT INTO portal_sessions (id, token, account_id, second_factor, auth_time, password_at,
             second_factor_at, expires_at, last_seen_at, address, user_agent, trusted_device_id)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         WHERE $12 IS NULL OR EXISTS
             (SELECT 1 FROM devices WHERE id = $12 AND account_id = $3 AND trusted_until > $5)",
    )
    .bind(&session.id.uuid().as_bytes()[..])
    .bind(&token.bytes()[..])
    .bind(&record.account.uuid().as_bytes()[..])
    .bind(rows::second_factor_code(session.factors))
    .bind(session.auth_time.seconds())
    .bind(session.password_at.seconds())
    .bind(session.second_factor_at.map(Timestamp::seconds))
    .bind(session.expires_at.seconds())
    .bind(session.last_seen_at.seconds())
    .bind(record.begun.address.as_deref())
    .bind(record.begun.user_agent.as_deref())
    .bind(
        session
            .trusted_device
            .as_ref()
            .map(|id| id.uuid().as_bytes().to_vec()),
    )
    .execute(&mut *c)
    .await?;
    accounts::signed_in(c, record.account, session.auth_time).await?;
    Ok(Outcome::if_met(&done))
}

/// A session past its absolute end, by the new record's own last sight, is not brought back. Nor is trust: what is
/// raised was read before, and the trust it rested on may have ended since.
pub(super) async fn raise(
    c: &mut SqliteConnection,
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
    .bind(&session.id.uuid().as_bytes()[..])
    .bind(&token.bytes()[..])
    .bind(&account.uuid().as_bytes()[..])
    .bind(rows::second_factor_code(session.factors))
    .bind(session.auth_time.seconds())
    .bind(session.password_at.seconds())
    .bind(session.second_factor_at.map(Timestamp::seconds))
    .bind(session.expires_at.seconds())
    .bind(session.last_seen_at.seconds())
    .bind(
        session
            .trusted_device
            .as_ref()
            .map(|id| id.uuid().as_bytes().to_vec()),
    )
    .execute(&mut *c)
    .await?;
    notices::session(c, session.id).await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn end(c: &mut SqliteConnection, session: SessionId) -> Applied {
    let done = query("DELETE FROM portal_sessions WHERE id = $1")
        .bind(&session.uuid().as_bytes()[..])
        .execute(&mut *c)
        .await?;
    if done.rows_affected() > 0 {
        notices::session(c, session).await?;
    }
    Ok(Outcome::Applied)
}

pub(super) async fn end_all_of(
    c: &mut SqliteConnection,
    account: AccountId,
    except: Option<SessionId>,
) -> Applied {
    let done =
        query("DELETE FROM portal_sessions WHERE account_id = $1 AND ($2 IS NULL OR id <> $2)")
            .bind(&account.uuid().as_bytes()[..])
            .bind(except.map(|id| id.uuid().as_bytes().to_vec()))
            .execute(&mut *c)
            .await?;
    if done.rows_affected() > 0 {
        notices::account(c, account).await?;
    }
    Ok(Outcome::Applied)
}

pub(super) async fn issue_ticket(
    c: &mut SqliteConnection,
    token: &TokenHash,
    ticket: &Ticket,
) -> Applied {
    query(
        "INSERT INTO tickets (token, session_id, host, return_to, binding, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&token.bytes()[..])
    .bind(&ticket.session.uuid().as_bytes()[..])
    .bind(ticket.host.as_str())
    .bind(&ticket.return_to)
    .bind(&ticket.binding.bytes()[..])
    .bind(ticket.expires_at.seconds())
    .execute(c)
    .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn redeem_ticket(c: &mut SqliteConnection, token: &TokenHash) -> Applied {
    let done = query("DELETE FROM tickets WHERE token = $1")
        .bind(&token.bytes()[..])
        .execute(c)
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn open_child(
    c: &mut SqliteConnection,
    parent: SessionId,
    host: &Host,
    token: &TokenHash,
    created_at: Timestamp,
) -> Applied {
    let done = query(
        "INSERT INTO application_sessions (token, parent_id, host, created_at)
         SELECT $2, id, $3, $4 FROM portal_sessions WHERE id = $1 AND expires_at > $4",
    )
    .bind(&parent.uuid().as_bytes()[..])
    .bind(&token.bytes()[..])
    .bind(host.as_str())
    .bind(created_at.seconds())
    .execute(c)
    .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn touch(
    mut tx: Transaction<'static, Sqlite>,
    seen: &[(SessionId, Timestamp)],
) -> Result<(), Fault> {
    for (session, at) in seen {
        query("UPDATE portal_sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
            .bind(&session.uuid().as_bytes()[..])
            .bind(at.seconds())
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}
