//! One decision, one transaction.

use super::{
    accounts, attempts, audit, authenticators, certificates, desk, devices, keys, mail, sessions,
    throttle,
};
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
        Change::ExpectAccount {
            account,
            password,
            authenticator,
        } => accounts::expect(c, *account, password.as_ref(), *authenticator).await,
        Change::ExpectGroups { account, groups } => {
            accounts::expect_groups(c, *account, groups).await
        }
        Change::RehashPassword { account, password } => {
            accounts::rehash_password(c, *account, password).await
        }
        Change::SetPassword {
            account,
            password,
            at,
            initial_until,
        } => accounts::set_password(c, *account, password, (*at, *initial_until)).await,
        Change::SetContact {
            account,
            email,
            name,
            language,
            at,
        } => {
            let contact = accounts::Contact {
                email: email.as_deref(),
                name,
                language: language.as_deref(),
            };
            accounts::set_contact(c, *account, &contact, *at).await
        }
        Change::PlanDeletion { account, at } => accounts::plan_deletion(c, *account, *at).await,
        Change::DeleteAccount { account, due } => accounts::delete(c, *account, *due).await,
        Change::Mark { account, mark, at } => desk::mark(c, *account, mark, *at).await,
        Change::SetGroups { account, groups } => accounts::set_groups(c, *account, groups).await,
        Change::SetReminder { account, reminder } => {
            accounts::set_reminder(c, *account, reminder).await
        }

        Change::Exempt { account, until } => accounts::exempt(c, *account, *until).await,

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

        Change::AddDevice { device, token } => devices::add(c, device, token).await,
        Change::UseDevice { device, at } => devices::touch(c, *device, *at).await,
        Change::RemoveDevice { account, device } => devices::remove(c, *account, *device).await,
        Change::RemoveDevicesOf { account } => devices::remove_all_of(c, *account).await,
        Change::UntrustDevicesOf { account } => devices::untrust_all_of(c, *account).await,

        Change::QueueMail(queued) => mail::queue(c, queued).await,
        Change::MailSent { mail } | Change::MailGivenUp { mail } => mail::remove(c, *mail).await,
        Change::MailDeferred { mail, due_at } => mail::defer(c, *mail, *due_at).await,
        Change::IssueLink { token, link } => mail::issue_link(c, token, link).await,
        Change::SpendLink { token } => mail::spend_link(c, token).await,
        Change::DropLinksOf { account } => mail::drop_links_of(c, *account).await,

        Change::RequestApproval(approval) => desk::request(c, approval).await,
        Change::SettleApproval { approval } => desk::settle(c, *approval).await,
        Change::AddApiToken { token, record } => desk::add_token(c, token, record).await,
        Change::UseApiToken { token, at } => desk::use_token(c, *token, *at).await,
        Change::RevokeApiToken { token } => desk::revoke_token(c, *token).await,
        Change::RecordAdoption(snapshots) => desk::record_adoption(c, snapshots).await,

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

        Change::OpenSession { record, token } => sessions::open(c, record, token).await,
        Change::RaiseSession {
            account,
            session,
            token,
        } => sessions::raise(c, *account, session, token).await,
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

        Change::AddAcmeAccount { directory, sealed } => {
            certificates::add_account(c, directory, sealed).await
        }
        Change::ForgetAcmeAccount { directory } => certificates::forget_account(c, directory).await,
        Change::KeepCertificate {
            certificate,
            next_try_at,
        } => certificates::keep(c, certificate, *next_try_at).await,
        Change::DeferOrder {
            directory,
            host,
            next_try_at,
        } => certificates::defer(c, (directory, host.as_str()), *next_try_at).await,
        Change::DeferOrders {
            directory,
            next_try_at,
        } => certificates::defer_all(c, directory, *next_try_at).await,

        Change::Audit(record) => audit::append(c, record).await,
    }
}
