//! What a transaction takes hold of before it writes, always in the same order, so that two of them wait for each
//! other instead of stopping each other: accounts, sessions, then names of things (advisory locks), and the lock
//! of the notices last.

use crate::domain::id::{AccountId, SessionId};
use crate::domain::throttle::Bucket;
use crate::store::Change;
use sqlx::{PgConnection, query};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Migrations; held by a connection, not by a transaction.
pub(super) const MIGRATIONS: i64 = 0x5645_5354_0000_0001;
/// The numbers of the notices.
pub(super) const NOTICES: i64 = 0x5645_5354_0000_0002;
/// The set of signing keys.
const KEYS: i64 = 0x5645_5354_0000_0003;

/// What a list of changes is about.
#[derive(Default)]
pub(super) struct Held {
    accounts: BTreeSet<Uuid>,
    sessions: BTreeSet<Uuid>,
    named: BTreeSet<i64>,
}

impl Held {
    pub(super) fn by(changes: &[Change]) -> Self {
        let mut held = Self::default();
        for change in changes {
            held.add(change);
        }
        held
    }

    /// Rows are locked as an UPDATE that leaves their keys alone locks them: rows that refer to them may still
    /// come in meanwhile.
    pub(super) async fn take(self, c: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (statement, ids) in [
            (
                "SELECT 1 FROM accounts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
                self.accounts,
            ),
            (
                "SELECT 1 FROM portal_sessions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
                self.sessions,
            ),
        ] {
            if !ids.is_empty() {
                query(statement)
                    .bind(Vec::from_iter(ids))
                    .execute(&mut *c)
                    .await?;
            }
        }
        take(c, &Vec::from_iter(self.named)).await
    }

    fn account(&mut self, id: AccountId) {
        self.accounts.insert(id.uuid());
    }

    fn session(&mut self, id: SessionId) {
        self.sessions.insert(id.uuid());
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::SetStatus { account, .. }
            | Change::ExpectAccount { account, .. }
            | Change::ExpectGroups { account, .. }
            | Change::RehashPassword { account, .. }
            | Change::SetPassword { account, .. }
            | Change::SetContact { account, .. }
            | Change::PlanDeletion { account, .. }
            | Change::DeleteAccount { account, .. }
            | Change::Mark { account, .. }
            | Change::SetGroups { account, .. }
            | Change::SetReminder { account, .. }
            | Change::Exempt { account, .. }
            | Change::SpendTotpStep { account, .. }
            | Change::SpendEmergencyCode { account, .. }
            | Change::SpendOneTimeCode { account, .. }
            | Change::CountWrongOneTimeCode { account }
            | Change::BindTotp { account, .. }
            | Change::RemoveSecondFactor { account }
            | Change::ReplaceEmergencyCodes { account, .. }
            | Change::ConfirmCodesStored { account }
            | Change::IssueOneTimeCode { account, .. }
            | Change::RemoveDevice { account, .. }
            | Change::RemoveDevicesOf { account }
            | Change::UntrustDevicesOf { account }
            | Change::DropLinksOf { account }
            | Change::EndSessionsOf { account, .. }
            | Change::DropAttemptsOf { account, .. } => self.account(*account),
            Change::AddDevice { device, .. } => self.account(device.account),
            Change::IssueLink { link, .. } => self.account(link.account),
            Change::StartAttempt { attempt, .. } => self.account(attempt.account),
            Change::RequestApproval(approval) => {
                self.account(approval.target);
                self.account(approval.requested_by);
            }
            Change::QueueMail(mail) => {
                if let Some(account) = mail.account {
                    self.account(account);
                }
            }
            Change::OpenSession { record, .. } => self.account(record.account),
            Change::RaiseSession {
                account, session, ..
            } => {
                self.account(*account);
                self.session(session.id);
            }
            Change::EndSession { session } => self.session(*session),
            Change::IssueTicket { ticket, .. } => self.session(ticket.session),
            Change::OpenChild { parent, .. } => self.session(*parent),
            Change::ForgiveAll(one) | Change::ForgiveOne(one) => {
                self.named.insert(bucket(one));
            }
            Change::AddSigningKey(_) | Change::RetireOtherKeys { .. } => {
                self.named.insert(KEYS);
            }
            // one statement on one row, or a row of their own
            Change::AddAccount(_)
            | Change::UseDevice { .. }
            | Change::MailSent { .. }
            | Change::MailDeferred { .. }
            | Change::MailGivenUp { .. }
            | Change::SpendLink { .. }
            | Change::SettleApproval { .. }
            | Change::AddApiToken { .. }
            | Change::UseApiToken { .. }
            | Change::RevokeApiToken { .. }
            | Change::RecordAdoption(_)
            | Change::MoveAttempt { .. }
            | Change::EndAttempt { .. }
            | Change::DropAttempt { .. }
            | Change::RedeemTicket { .. }
            | Change::AddAcmeAccount { .. }
            | Change::ForgetAcmeAccount { .. }
            | Change::KeepCertificate { .. }
            | Change::DeferOrder { .. }
            | Change::DeferOrders { .. }
            | Change::Audit(_) => {}
        }
    }
}

/// Takes advisory locks, in the order given, until the end of the transaction.
pub(super) async fn take(c: &mut PgConnection, names: &[i64]) -> Result<(), sqlx::Error> {
    for name in names {
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(*name)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// A counter's lock: there may be no row yet to lock. Two counters with one lock only wait for each other. The key is
/// a hash already.
pub(super) fn bucket(bucket: &Bucket) -> i64 {
    let kind = bucket.kind.code().bytes();
    let kind = kind.fold(0_i64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let (start, _) = bucket.key.split_first_chunk().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*start) ^ kind
}
