//! One decision, one transaction.
//!
//! READ COMMITTED, with rows locked beforehand. What a list of changes is about (its accounts, sessions, counters) is
//! locked first, in one order ([`locks`]), and only then read: each statement sees what was committed before it
//! began, so nothing that was read of a locked row can have changed when the transaction commits. What must
//! happen once is one statement that finds its row in the state that was expected; another transaction that
//! waits for the same row looks at it again when it may go on, and meets it no more. The number of rows met is the
//! answer.
//!
//! SERIALIZABLE would give the same answers by letting transactions fail and repeating them: of fifty that
//! meet at one counter, forty-nine at a time. Here they queue. Repeated is only what the server ends to
//! resolve a deadlock, which the order of the locks leaves to accounts that are deleted under somebody's hands.

use super::{
    accounts, attempts, audit, authenticators, certificates, desk, devices, keys, locks, mail,
    notices, sessions, throttle,
};
use crate::store::{Change, Commit, Notice, log_audit};
use sqlx::postgres::PgQueryResult;
use sqlx::{PgConnection, Postgres, Transaction};

/// A transaction at work, and what others are to be told of it.
pub(super) struct Work {
    tx: Transaction<'static, Postgres>,
    told: Vec<Notice>,
}

impl Work {
    pub(super) fn db(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Written at the end, see [`notices`].
    pub(super) fn tell(&mut self, notice: Notice) {
        self.told.push(notice);
    }
}

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    /// What it was made for is not there any more.
    TooLate,
}

impl Outcome {
    /// For a change that must meet its row.
    pub(super) fn if_met(result: &PgQueryResult) -> Self {
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
    tx: Transaction<'static, Postgres>,
    changes: &[Change],
) -> Result<Commit, sqlx::Error> {
    let told = Vec::new();
    let mut work = Work { tx, told };
    locks::Held::by(changes).take(work.db()).await?;
    for (position, change) in changes.iter().enumerate() {
        let lost = match apply(&mut work, change).await {
            Ok(Outcome::Applied) => false,
            Ok(Outcome::TooLate) => true,
            Err(e) if is_taken_or_gone(&e) => true,
            // Dropping the transaction rolls it back.
            Err(e) => return Err(e),
        };
        if lost {
            work.tx.rollback().await?;
            return Ok(Commit::Lost(position));
        }
    }
    notices::write(&mut work.tx, &work.told).await?;
    work.tx.commit().await?;
    log_audit(changes);
    Ok(Commit::Done)
}

/// The server ended the transaction, and nothing of it is in force: it may be tried again.
pub(super) fn may_be_repeated(error: &sqlx::Error) -> bool {
    const DEADLOCK: &str = "40P01";
    const SERIALIZATION: &str = "40001";
    let code = error.as_database_error().and_then(|e| e.code());
    code.is_some_and(|code| matches!(&*code, DEADLOCK | SERIALIZATION))
}

/// The tables' own word on who was first: a name or token is taken, an account or session is gone.
fn is_taken_or_gone(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|e| e.is_unique_violation() || e.is_foreign_key_violation())
}

async fn apply(w: &mut Work, change: &Change) -> Applied {
    match change {
        Change::AddAccount(account) => accounts::add(w, account).await,
        Change::SetStatus { account, status } => accounts::set_status(w, *account, *status).await,
        Change::ExpectAccount {
            account,
            password,
            authenticator,
        } => accounts::expect(w, *account, password.as_ref(), *authenticator).await,
        Change::ExpectGroups { account, groups } => {
            accounts::expect_groups(w, *account, groups).await
        }
        Change::RehashPassword { account, password } => {
            accounts::rehash_password(w, *account, password).await
        }
        Change::SetPassword {
            account,
            password,
            at,
            initial_until,
        } => accounts::set_password(w, *account, password, (*at, *initial_until)).await,
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
            accounts::set_contact(w, *account, &contact, *at).await
        }
        Change::PlanDeletion { account, at } => accounts::plan_deletion(w, *account, *at).await,
        Change::DeleteAccount { account, due } => accounts::delete(w, *account, *due).await,
        Change::Mark { account, mark, at } => desk::mark(w, *account, mark, *at).await,
        Change::SetGroups { account, groups } => accounts::set_groups(w, *account, groups).await,
        Change::SetReminder { account, reminder } => {
            accounts::set_reminder(w, *account, reminder).await
        }

        Change::Exempt { account, until } => accounts::exempt(w, *account, *until).await,

        Change::SpendTotpStep {
            account,
            authenticator,
            step,
        } => authenticators::spend_totp_step(w, *account, *authenticator, *step).await,
        Change::SpendEmergencyCode { account, code } => {
            authenticators::spend_emergency_code(w, *account, *code).await
        }
        Change::SpendOneTimeCode { account, code } => {
            authenticators::spend_one_time_code(w, *account, *code).await
        }
        Change::CountWrongOneTimeCode { account } => {
            authenticators::count_wrong_one_time_code(w, *account).await
        }
        Change::BindTotp {
            account,
            binding,
            first,
        } => authenticators::bind_totp(w, *account, binding, *first).await,
        Change::RemoveSecondFactor { account } => {
            authenticators::remove_second_factor(w, *account).await
        }
        Change::ReplaceEmergencyCodes { account, codes } => {
            authenticators::replace_emergency_codes(w, *account, codes).await
        }
        Change::ConfirmCodesStored { account } => {
            authenticators::confirm_codes_stored(w, *account).await
        }
        Change::IssueOneTimeCode { account, code } => {
            authenticators::issue_one_time_code(w, *account, code).await
        }

        Change::AddDevice { device, token } => devices::add(w, device, token).await,
        Change::UseDevice { device, at } => devices::touch(w, *device, *at).await,
        Change::RemoveDevice { account, device } => devices::remove(w, *account, *device).await,
        Change::RemoveDevicesOf { account } => devices::remove_all_of(w, *account).await,
        Change::UntrustDevicesOf { account } => devices::untrust_all_of(w, *account).await,

        Change::QueueMail(queued) => mail::queue(w, queued).await,
        Change::MailSent { mail } | Change::MailGivenUp { mail } => mail::remove(w, *mail).await,
        Change::MailDeferred { mail, due_at } => mail::defer(w, *mail, *due_at).await,
        Change::IssueLink { token, link } => mail::issue_link(w, token, link).await,
        Change::SpendLink { token } => mail::spend_link(w, token).await,
        Change::DropLinksOf { account } => mail::drop_links_of(w, *account).await,

        Change::RequestApproval(approval) => desk::request(w, approval).await,
        Change::SettleApproval { approval } => desk::settle(w, *approval).await,
        Change::AddApiToken { token, record } => desk::add_token(w, token, record).await,
        Change::UseApiToken { token, at } => desk::use_token(w, *token, *at).await,
        Change::RevokeApiToken { token } => desk::revoke_token(w, *token).await,
        Change::RecordAdoption(snapshots) => desk::record_adoption(w, snapshots).await,

        Change::StartAttempt { token, attempt } => attempts::start(w, token, attempt).await,
        Change::MoveAttempt {
            token,
            from_version,
            sealed,
        } => attempts::advance(w, token, *from_version, sealed).await,
        Change::EndAttempt {
            token,
            from_version,
        } => attempts::end(w, token, *from_version).await,
        Change::DropAttempt { token } => attempts::discard(w, token).await,

        Change::OpenSession { record, token } => sessions::open(w, record, token).await,
        Change::RaiseSession {
            account,
            session,
            token,
        } => sessions::raise(w, *account, session, token).await,
        Change::EndSession { session } => sessions::end(w, *session).await,
        Change::EndSessionsOf { account, except } => {
            sessions::end_all_of(w, *account, *except).await
        }
        Change::DropAttemptsOf { account, except } => {
            attempts::discard_all_of(w, *account, except.as_ref()).await
        }
        Change::IssueTicket { token, ticket } => sessions::issue_ticket(w, token, ticket).await,
        Change::RedeemTicket { token } => sessions::redeem_ticket(w, token).await,
        Change::OpenChild {
            parent,
            host,
            token,
            created_at,
        } => sessions::open_child(w, *parent, host, token, *created_at).await,

        Change::ForgiveAll(bucket) => throttle::forgive_all(w, bucket).await,
        Change::ForgiveOne(bucket) => throttle::forgive_one(w, bucket).await,

        Change::AddSigningKey(key) => keys::add(w, key).await,
        Change::RetireOtherKeys {
            current,
            published_until,
        } => keys::retire_others(w, current, *published_until).await,

        Change::AddAcmeAccount { directory, sealed } => {
            certificates::add_account(w, directory, sealed).await
        }
        Change::ForgetAcmeAccount { directory } => certificates::forget_account(w, directory).await,
        Change::KeepCertificate {
            certificate,
            next_try_at,
        } => certificates::keep(w, certificate, *next_try_at).await,
        Change::DeferOrder {
            directory,
            host,
            next_try_at,
        } => certificates::defer(w, (directory, host.as_str()), *next_try_at).await,
        Change::DeferOrders {
            directory,
            next_try_at,
        } => certificates::defer_all(w, directory, *next_try_at).await,

        Change::Audit(record) => audit::append(w, record).await,
    }
}
