//! One decision, one transaction.

use super::{accounts, attempts, audit, authenticators, keys, sessions, throttle};
use crate::store::{Change, Commit, Fault, log_audit};
use sqlx::{Sqlite, SqliteConnection, Transaction};

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    /// What it was made for is not there any more.
    TooLate,
}

impl Outcome {
    /// For a change that must meet its row.
    pub(super) fn if_met(result: &sqlx::sqlite::SqliteQueryResult) -> Self {
        if result.rows_affected() == 0 {
            Self::TooLate
        } else {
            Self::Applied
        }
    }
}

pub(super) type Applied = Result<Outcome, sqlx::Error>;

/// Applies all changes or, where one of them comes too late, none.
pub(super) async fn run(
    mut tx: Transaction<'static, Sqlite>,
    changes: &[Change],
) -> Result<Commit, Fault> {
    for (position, change) in changes.iter().enumerate() {
        let lost = match apply(&mut tx, change).await {
            Ok(Outcome::Applied) => false,
            Ok(Outcome::TooLate) => true,
            Err(e) if is_taken_or_gone(&e) => true,
            // Dropping the transaction rolls it back.
            Err(e) => return Err(e.into()),
        };
        if lost {
            tx.rollback().await?;
            return Ok(Commit::Lost(position));
        }
    }
    tx.commit().await?;
    log_audit(changes);
    Ok(Commit::Done)
}

/// The tables' own word on who was first: a name or token is taken, an account or session is gone.
fn is_taken_or_gone(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|e| e.is_unique_violation() || e.is_foreign_key_violation())
}

async fn apply(c: &mut SqliteConnection, change: &Change) -> Applied {
    match change {
        Change::AddAccount(account) => accounts::add(c, account).await,
        Change::SetStatus { account, status } => accounts::set_status(c, *account, *status).await,
        Change::SetPassword { account, password } => {
            accounts::set_password(c, *account, password).await
        }
        Change::SetGroups { account, groups } => accounts::set_groups(c, *account, groups).await,
        Change::SetReminder { account, reminder } => {
            accounts::set_reminder(c, *account, reminder).await
        }

        Change::SpendTotpStep {
            account,
            authenticator,
            step,
        } => authenticators::spend_totp_step(c, *account, *authenticator, *step).await,
        Change::SpendEmergencyCode { account, code } => {
            authenticators::spend_emergency_code(c, *account, *code).await
        }
        Change::SpendOneTimeCode { account, code } => {
            authenticators::spend_one_time_code(c, *account, *code).await
        }
        Change::CountWrongOneTimeCode { account } => {
            authenticators::count_wrong_one_time_code(c, *account).await
        }
        Change::BindTotp {
            account,
            binding,
            first,
        } => authenticators::bind_totp(c, *account, binding, *first).await,
        Change::RemoveSecondFactor { account } => {
            authenticators::remove_second_factor(c, *account).await
        }
        Change::ReplaceEmergencyCodes { account, codes } => {
            authenticators::replace_emergency_codes(c, *account, codes).await
        }
        Change::ConfirmCodesStored { account } => {
            authenticators::confirm_codes_stored(c, *account).await
        }
        Change::IssueOneTimeCode { account, code } => {
            authenticators::issue_one_time_code(c, *account, code).await
        }

        Change::StartAttempt { token, attempt } => attempts::start(c, token, attempt).await,
        Change::MoveAttempt {
            token,
            from_version,
            sealed,
        } => attempts::advance(c, token, *from_version, sealed).await,
        Change::EndAttempt {
            token,
            from_version,
        } => attempts::end(c, token, *from_version).await,
        Change::DropAttempt { token } => attempts::discard(c, token).await,

        Change::OpenSession { session, token } => sessions::open(c, session, token).await,
        Change::RaiseSession { session, token } => sessions::raise(c, session, token).await,
        Change::EndSession { session } => sessions::end(c, *session).await,
        Change::EndSessionsOf { account, except } => {
            sessions::end_all_of(c, *account, *except).await
        }
        Change::DropAttemptsOf { account, except } => {
            attempts::discard_all_of(c, *account, except.as_ref()).await
        }
        Change::IssueTicket { token, ticket } => sessions::issue_ticket(c, token, ticket).await,
        Change::RedeemTicket { token } => sessions::redeem_ticket(c, token).await,
        Change::OpenChild {
            parent,
            host,
            token,
            created_at,
        } => sessions::open_child(c, *parent, host, token, *created_at).await,

        Change::ForgiveAll(bucket) => throttle::forgive_all(c, bucket).await,
        Change::ForgiveOne(bucket) => throttle::forgive_one(c, bucket).await,

        Change::AddSigningKey(key) => keys::add(c, key).await,
        Change::RetireOtherKeys {
            current,
            published_until,
        } => keys::retire_others(c, current, *published_until).await,

        Change::Audit(record) => audit::append(c, record).await,
    }
}
