//! Authenticators and recovery codes. Whatever is spent is spent by the one statement that finds it.

use super::commit::{Applied, Outcome, Work};
use super::rows;
use crate::domain::authenticator::{EmergencyCode, OneTimeCode, TotpBinding};
use crate::domain::id::{AccountId, AuthenticatorId};
use crate::store::fault::unfit;
use crate::store::{Fault, Notice};
use sqlx::{PgPool, query};

pub(super) async fn emergency_codes(
    db: &PgPool,
    account: AccountId,
) -> Result<Vec<EmergencyCode>, Fault> {
    let rows = query(
        "SELECT id, selector, code_hash FROM emergency_codes WHERE account_id = $1 ORDER BY id",
    )
    .bind(account.uuid())
    .fetch_all(db)
    .await?;
    rows.iter().map(rows::emergency_code).collect()
}

pub(super) async fn one_time_code(
    db: &PgPool,
    account: AccountId,
) -> Result<Option<OneTimeCode>, Fault> {
    let row = query(
        "SELECT id, code_hash, issued_at, expires_at, wrong FROM one_time_codes
         WHERE account_id = $1",
    )
    .bind(account.uuid())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(rows::one_time_code).transpose()
}

pub(super) async fn spend_totp_step(
    w: &mut Work,
    account: AccountId,
    authenticator: AuthenticatorId,
    step: u64,
) -> Applied {
    let done = query(
        "UPDATE accounts SET totp_last_step = $3
         WHERE id = $1 AND totp_id = $2 AND totp_last_step < $3",
    )
    .bind(account.uuid())
    .bind(authenticator.uuid())
    .bind(i64::try_from(step).map_err(unfit)?)
    .execute(w.db())
    .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn spend_emergency_code(
    w: &mut Work,
    account: AccountId,
    code: AuthenticatorId,
) -> Applied {
    let done = query("DELETE FROM emergency_codes WHERE id = $2 AND account_id = $1")
        .bind(account.uuid())
        .bind(code.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

pub(super) async fn spend_one_time_code(
    w: &mut Work,
    account: AccountId,
    code: AuthenticatorId,
) -> Applied {
    let done = query("DELETE FROM one_time_codes WHERE account_id = $1 AND id = $2 AND wrong < $3")
        .bind(account.uuid())
        .bind(code.uuid())
        .bind(i64::from(OneTimeCode::MAX_WRONG))
        .execute(w.db())
        .await?;
    Ok(Outcome::if_met(&done))
}

/// Where no code is open there is nothing to count.
pub(super) async fn count_wrong_one_time_code(w: &mut Work, account: AccountId) -> Applied {
    query("UPDATE one_time_codes SET wrong = wrong + 1 WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    Ok(Outcome::Applied)
}

pub(super) async fn bind_totp(
    w: &mut Work,
    account: AccountId,
    binding: &TotpBinding,
    first: bool,
) -> Applied {
    let done = query(
        "UPDATE accounts SET totp_id = $2, totp_sealed_secret = $3, totp_bound_at = $4,
             totp_last_step = $5, totp_codes_unconfirmed = $6, snoozed_until = NULL
         WHERE id = $1 AND (totp_id IS NULL OR NOT $7)",
    )
    .bind(account.uuid())
    .bind(binding.id.uuid())
    .bind(&binding.sealed_secret)
    .bind(binding.bound_at.seconds())
    .bind(i64::try_from(binding.last_step).map_err(unfit)?)
    .bind(binding.codes_unconfirmed)
    .bind(first)
    .execute(w.db())
    .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn remove_second_factor(w: &mut Work, account: AccountId) -> Applied {
    let done = query(
        "UPDATE accounts SET totp_id = NULL, totp_sealed_secret = NULL, totp_bound_at = NULL,
             totp_last_step = NULL, totp_codes_unconfirmed = NULL
         WHERE id = $1",
    )
    .bind(account.uuid())
    .execute(w.db())
    .await?;
    delete_emergency_codes(w, account).await?;
    query("DELETE FROM one_time_codes WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn replace_emergency_codes(
    w: &mut Work,
    account: AccountId,
    codes: &[EmergencyCode],
) -> Applied {
    delete_emergency_codes(w, account).await?;
    for code in codes {
        query(
            "INSERT INTO emergency_codes (id, account_id, selector, code_hash)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(code.id.uuid())
        .bind(account.uuid())
        .bind(&code.selector)
        .bind(&code.hash)
        .execute(w.db())
        .await?;
    }
    query(
        "UPDATE accounts SET totp_codes_unconfirmed = true WHERE id = $1 AND totp_id IS NOT NULL",
    )
    .bind(account.uuid())
    .execute(w.db())
    .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::Applied)
}

async fn delete_emergency_codes(w: &mut Work, account: AccountId) -> Result<(), sqlx::Error> {
    query("DELETE FROM emergency_codes WHERE account_id = $1")
        .bind(account.uuid())
        .execute(w.db())
        .await?;
    Ok(())
}

/// Lost where no authenticator is bound (any more): then these codes are not in force either.
pub(super) async fn confirm_codes_stored(w: &mut Work, account: AccountId) -> Applied {
    let done = query(
        "UPDATE accounts SET totp_codes_unconfirmed = false WHERE id = $1 AND totp_id IS NOT NULL",
    )
    .bind(account.uuid())
    .execute(w.db())
    .await?;
    w.tell(Notice::Account(account));
    Ok(Outcome::if_met(&done))
}

pub(super) async fn issue_one_time_code(
    w: &mut Work,
    account: AccountId,
    code: &OneTimeCode,
) -> Applied {
    query(
        "INSERT INTO one_time_codes (account_id, id, code_hash, issued_at, expires_at, wrong)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account_id) DO UPDATE SET id = excluded.id, code_hash = excluded.code_hash,
             issued_at = excluded.issued_at, expires_at = excluded.expires_at,
             wrong = excluded.wrong",
    )
    .bind(account.uuid())
    .bind(code.id.uuid())
    .bind(&code.hash)
    .bind(code.issued_at.seconds())
    .bind(code.expires_at.seconds())
    .bind(i64::from(code.wrong))
    .execute(w.db())
    .await?;
    Ok(Outcome::Applied)
}
