//! Accounts, their names and groups.

use super::commit::{Applied, Outcome, Work};
use super::rows::{self, account_columns};
use crate::domain::account::{Account, NameKey, PasswordHash, Status};
use crate::domain::authenticator::TotpBinding;
use crate::domain::id::{AccountId, AuthenticatorId};
use crate::domain::reminder;
use crate::domain::timestamp::Timestamp;
use crate::store::fault::unfit;
use crate::store::{Census, Fault, Notice};
use sqlx::{PgPool, Row as _, query};
use std::collections::BTreeSet;

pub(super) async fn by_name(db: &PgPool, name: &NameKey) -> Result<Option<Account>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        account_columns!(),
        " FROM account_names n
          JOIN accounts a ON a.id = n.account_id
          LEFT JOIN account_groups g ON g.account_id = a.id
          WHERE n.name_key = $1"
    );
    let rows = query(SQL).bind(name.as_str()).fetch_all(db).await?;
    Ok(rows::accounts(&rows)?.into_iter().next())
}

pub(super) async fn by_id(db: &PgPool, id: AccountId) -> Result<Option<Account>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        account_columns!(),
        " FROM accounts a
          LEFT JOIN account_groups g ON g.account_id = a.id
          WHERE a.id = $1"
    );
    let rows = query(SQL).bind(id.uuid()).fetch_all(db).await?;
    Ok(rows::accounts(&rows)?.into_iter().next())
}

pub(super) async fn page(
    db: &PgPool,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Account>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        account_columns!(),
        " FROM (SELECT * FROM accounts WHERE login > $1 ORDER BY login LIMIT $2) a
          LEFT JOIN account_groups g ON g.account_id = a.id
          ORDER BY a.login"
    );
    // No login is empty, so that every login comes after "".
    let rows = query(SQL)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?;
    rows::accounts(&rows)
}

pub(super) async fn census(db: &PgPool, now: Timestamp) -> Result<Census, Fault> {
    let row = query(
        "SELECT count(*) AS accounts,
                count(*) FILTER (WHERE status = 'active') AS active_accounts,
                count(totp_id) AS with_second_factor,
                (SELECT count(*) FROM portal_sessions WHERE expires_at > $1) AS sessions
         FROM accounts",
    )
    .bind(now.seconds())
    .fetch_one(db)
    .await?;
    let count = |column| rows::get::<i64>(&row, column).map(i64::unsigned_abs);
    Ok(Census {
        accounts: count("accounts")?,
        active_accounts: count("active_accounts")?,
        with_second_factor: count("with_second_factor")?,
        sessions: count("sessions")?,
    })
}

/// The tables refuse an id or a name that is taken; one account may use the same name twice (its e-mail
/// address as its login).
pub(super) async fn add(w: &mut Work, account: &Account) -> Applied {
    let keys: BTreeSet<NameKey> = account.name_keys().collect();
    if keys.is_empty() {
        return Err(unfit(NobodyCouldFindIt));
    }
    insert(w, account).await?;
    for key in &keys {
        query("INSERT INTO account_names (name_key, account_id) VALUES ($1, $2)")
            .bind(key.as_str())
            .bind(account.id.uuid())
            .execute(w.db())
            .await?;
    }
    insert_groups(w, account.id, &account.groups).await?;
    Ok(Outcome::Applied)
}

#[derive(Debug, thiserror::Error)]
#[error("an account needs a login name that can be typed")]
struct NobodyCouldFindIt;

async fn insert(w: &mut Work, account: &Account) -> Result<(), sqlx::Error> {
    let totp = account.totp.as_ref();
    let last_step = totp.map(|t| i64::try_from(t.last_step)).transpose();
    query(
        "INSERT INTO accounts (id, login, email, name, attributes, language, status, created_at,
             password_hash, totp_id, totp_sealed_secret, totp_bound_at, totp_last_step,
             totp_codes_unconfirmed, grace_started_at, grace_ends_at, snoozed_until, exempt_until,
             password_changed_at, initial_password_until, contact_changed_at, last_sign_in_at,
             delete_at, name_folded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, $23, $24)",
    )
    .bind(account.id.uuid())
    .bind(&account.login)
    .bind(&account.email)
    .bind(rows::text(&account.name))
    .bind(serde_json::to_string(&account.attributes).map_err(unfit)?)
    .bind(&account.language)
    .bind(rows::status_code(account.status))
    .bind(account.created_at.seconds())
    .bind(account.password.as_ref().map(PasswordHash::encoded))
    .bind(totp.map(|t| t.id.uuid()))
    .bind(totp.map(|t: &TotpBinding| t.sealed_secret.as_slice()))
    .bind(totp.map(|t| t.bound_at.seconds()))
    .bind(last_step.map_err(unfit)?)
    .bind(totp.map(|t| t.codes_unconfirmed))
    .bind(account.reminder.grace_started_at.map(Timestamp::seconds))
    .bind(account.reminder.grace_ends_at.map(Timestamp::seconds))
    .bind(account.reminder.snoozed_until.map(Timestamp::seconds))
    .bind(account.reminder.exempt_until.map(Timestamp::seconds))
    .bind(account.history.password_changed_at.map(Timestamp::seconds))
    .bind(
        account
            .history
            .initial_password_until
            .map(Timestamp::seconds),
    )
    .bind(account.history.contact_changed_at.map(Timestamp::seconds))
    .bind(account.history.last_sign_in_at.map(Timestamp::seconds))
    .bind(account.history.delete_at.map(Timestamp::seconds))
    .bind(folded(&account.name))
    .execute(w.db())
    .await?;
    Ok(())
}

async fn insert_groups(
    w: &mut Work,
    account: AccountId,
    groups: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    for group in groups {
        query("INSERT INTO account_groups (account_id, group_name) VALUES ($1, $2)")
            .bind(account.uuid())
            .bind(group)
            .execute(w.db())
            .await?;
    }
    Ok(())
}

pub(super) async fn set_status(w: &mut Work, account: AccountId, status: Status) -> Applied {
    let done = query("UPDATE accounts SET status = $2 WHERE id = $1")
        .bind(account.uuid())
        .bind(rows::status_code(status))
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn expect(
    w: &mut Work,
    account: AccountId,
    password: Option<&PasswordHash>,
    authenticator: Option<AuthenticatorId>,
) -> Applied {
    let found = query(
        "SELECT 1 FROM accounts WHERE id = $1 AND status = 'active'
             AND password_hash IS NOT DISTINCT FROM $2 AND totp_id IS NOT DISTINCT FROM $3",
    )
    .bind(account.uuid())
    .bind(password.map(PasswordHash::encoded))
    .bind(authenticator.map(|id| id.uuid()))
    .fetch_optional(w.db())
    .await?;
    Ok(match found {
        Some(_) => Outcome::Applied,
        None => Outcome::TooLate,
    })
}

pub(super) async fn expect_groups(
    w: &mut Work,
    account: AccountId,
    groups: &BTreeSet<String>,
) -> Applied {
    let id = account.uuid();
    let there = query("SELECT 1 FROM accounts WHERE id = $1")
        .bind(id)
        .fetch_optional(w.db())
        .await?;
    let rows = query("SELECT group_name FROM account_groups WHERE account_id = $1")
        .bind(id)
        .fetch_all(w.db())
        .await?;
    let names: BTreeSet<String> = rows
        .iter()
        .map(|row| row.try_get("group_name"))
        .collect::<Result<_, _>>()?;
    Ok(if there.is_some() && names == *groups {
        Outcome::Applied
    } else {
        Outcome::TooLate
    })
}

pub(super) async fn rehash_password(
    w: &mut Work,
    account: AccountId,
    password: &PasswordHash,
) -> Applied {
    let done = query("UPDATE accounts SET password_hash = $2 WHERE id = $1")
        .bind(account.uuid())
        .bind(password.encoded())
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn set_password(
    w: &mut Work,
    account: AccountId,
    password: &PasswordHash,
    (at, initial_until): (Timestamp, Option<Timestamp>),
) -> Applied {
    let done = query(
        "UPDATE accounts SET password_hash = $2, password_changed_at = $3,
             initial_password_until = $4
         WHERE id = $1",
    )
    .bind(account.uuid())
    .bind(password.encoded())
    .bind(at.seconds())
    .bind(initial_until.map(Timestamp::seconds))
    .execute(w.db())
    .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) struct Contact<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) language: Option<&'a str>,
}

/// The names the account is found by follow; the tables refuse one that is taken.
pub(super) async fn set_contact(
    w: &mut Work,
    account: AccountId,
    contact: &Contact<'_>,
    at: Timestamp,
) -> Applied {
    let row = query(
        "UPDATE accounts SET email = $2, name = $3, language = $4, contact_changed_at = $5,
             name_folded = $6
         WHERE id = $1 RETURNING login",
    )
    .bind(account.uuid())
    .bind(contact.email)
    .bind(rows::text(contact.name))
    .bind(contact.language)
    .bind(at.seconds())
    .bind(folded(contact.name))
    .fetch_optional(w.db())
    .await?;
    let Some(row) = row else {
        return Ok(Outcome::TooLate);
    };
    let login: String = sqlx::Row::try_get(&row, "login")?;
    query("DELETE FROM account_names WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    let keys: BTreeSet<NameKey> = [Some(login.as_str()), contact.email]
        .into_iter()
        .flatten()
        .filter_map(NameKey::new)
        .collect();
    for key in &keys {
        query("INSERT INTO account_names (name_key, account_id) VALUES ($1, $2)")
            .bind(key.as_str())
            .bind(account.uuid())
            .execute(w.db())
            .await?;
    }
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}

pub(super) async fn plan_deletion(
    w: &mut Work,
    account: AccountId,
    at: Option<Timestamp>,
) -> Applied {
    let done = query("UPDATE accounts SET status = 'disabled', delete_at = $2 WHERE id = $1")
        .bind(account.uuid())
        .bind(at.map(Timestamp::seconds))
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn delete(w: &mut Work, account: AccountId, due: Timestamp) -> Applied {
    // only who may not sign in any more: a deletion never falls on somebody at work
    let done =
        query("DELETE FROM accounts WHERE id = $1 AND delete_at <= $2 AND status = 'disabled'")
            .bind(account.uuid())
            .bind(due.seconds())
            .execute(w.db())
            .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn signed_in(
    w: &mut Work,
    account: AccountId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    query("UPDATE accounts SET last_sign_in_at = $2 WHERE id = $1")
        .bind(account.uuid())
        .bind(at.seconds())
        .execute(w.db())
        .await?;
    Ok(())
}

/// As names and addresses are looked for.
fn folded(text: &str) -> String {
    let text = rows::text(text);
    NameKey::new(&text).map_or_else(|| text.trim().to_lowercase(), |key| key.as_str().to_owned())
}

/// Each branch brings as many as are shown, so that what matches everybody is not put together first. An account has
/// two names at most.
pub(super) async fn search(db: &PgPool, text: &str, limit: u32) -> Result<Vec<Account>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        account_columns!(),
        " FROM (SELECT * FROM accounts WHERE id IN
                 ((SELECT id FROM accounts WHERE name_folded LIKE $1 ESCAPE '\\'
                       ORDER BY login LIMIT $2)
                  UNION ALL
                  (SELECT o.id FROM account_names n JOIN accounts o ON o.id = n.account_id
                       WHERE n.name_key LIKE $1 ESCAPE '\\' ORDER BY o.login LIMIT $2 * 2)
                  UNION ALL
                  SELECT $3)
                ORDER BY login LIMIT $2) a
          LEFT JOIN account_groups g ON g.account_id = a.id
          ORDER BY a.login"
    );
    let escaped: String = folded(text)
        .chars()
        .flat_map(|c| {
            matches!(c, '%' | '_' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect();
    let id = AccountId::parse(text.trim()).map(|id| id.uuid());
    // planned for each text: the few called so are looked up, of the many the first by login are taken
    let rows = query(SQL)
        .persistent(false)
        .bind(format!("%{escaped}%"))
        .bind(i64::from(limit))
        .bind(id)
        .fetch_all(db)
        .await?;
    rows::accounts(&rows)
}

pub(super) async fn deletions_due(
    db: &PgPool,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Account>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        account_columns!(),
        " FROM (SELECT * FROM accounts WHERE delete_at <= $1 AND status = 'disabled'
                ORDER BY delete_at, login LIMIT $2) a
          LEFT JOIN account_groups g ON g.account_id = a.id
          ORDER BY a.login"
    );
    let rows = query(SQL)
        .bind(now.seconds())
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?;
    rows::accounts(&rows)
}

pub(super) async fn set_groups(
    w: &mut Work,
    account: AccountId,
    groups: &BTreeSet<String>,
) -> Applied {
    // The foreign key sees to an account that is gone, unless there is nothing to insert.
    let known = query("SELECT 1 FROM accounts WHERE id = $1")
        .bind(account.uuid())
        .fetch_optional(w.db())
        .await?;
    if known.is_none() {
        return Ok(Outcome::TooLate);
    }
    query("DELETE FROM account_groups WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    insert_groups(w, account, groups).await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}

pub(super) async fn exempt(w: &mut Work, account: AccountId, until: Option<Timestamp>) -> Applied {
    let done = query("UPDATE accounts SET exempt_until = $2 WHERE id = $1")
        .bind(account.uuid())
        .bind(until.map(Timestamp::seconds))
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn set_reminder(
    w: &mut Work,
    account: AccountId,
    reminder: &reminder::Record,
) -> Applied {
    let done = query(
        "UPDATE accounts SET grace_started_at = $2, grace_ends_at = $3, snoozed_until = $4
         WHERE id = $1",
    )
    .bind(account.uuid())
    .bind(reminder.grace_started_at.map(Timestamp::seconds))
    .bind(reminder.grace_ends_at.map(Timestamp::seconds))
    .bind(reminder.snoozed_until.map(Timestamp::seconds))
    .execute(w.db())
    .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}
