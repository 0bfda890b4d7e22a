//! What is kept: accounts, authenticators, sessions, sign-ins, tickets, counters, keys, the audit trail.
//!
//! Reads give domain values. All writing goes through [`Store::commit`]: the decision of a use case, spelled
//! out as [`Change`]s, becomes one whole transaction; a change that must happen once (spending a code, moving
//! a sign-in on) is a compare-and-set, and the loser of a race gets [`Commit::Lost`] with nothing written.
//! Counting a try is the one exception: [`Store::count_try`] runs `throttle::admit` inside its own write
//! transaction, before anything is checked.
//!
//! Invariants: tokens and codes only as hashes; secrets only sealed; what was acknowledged is on disk.

mod fault;
pub mod postgres;
pub mod sqlite;
pub mod tables;
pub mod transfer;

pub use fault::FaultKind;

use crate::domain::account::{Account, NameKey, PasswordHash, Status};
use crate::domain::adoption::Snapshot;
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Actor, Event, Logged, Record};
use crate::domain::authenticator::{EmergencyCode, OneTimeCode, TotpBinding};
use crate::domain::desk::Approval;
use crate::domain::device::Device;
use crate::domain::host::Host;
use crate::domain::id::{
    AccountId, ApiTokenId, ApprovalId, AuthenticatorId, DeviceId, MailId, SessionId,
};
use crate::domain::reminder;
use crate::domain::secret::TokenHash;
use crate::domain::session::{self, Session, View};
use crate::domain::throttle::{Admission, Bucket, Counter, Rule};
use crate::domain::timestamp::Timestamp;
use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The store does not work: to be answered with 503, never with a way in.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the store cannot be opened: {0}")]
    Open(String),
    /// No way there, or no answer in time.
    #[error("the store is away: {0}")]
    Away(String),
    /// A disk mounted read-only, a standby, a server that was told so.
    #[error("the store takes no changes: {0}")]
    ReadOnly(String),
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// It works, for others: locks, connections or memory are taken.
    #[error("the store is too busy: {0}")]
    Busy(String),
    /// None of our connections became free.
    #[error("the store is too busy: no connection became free")]
    NoConnection,
    #[error("the store failed: {0}")]
    Query(String),
    #[error("the store holds a value that cannot be read: {0}")]
    Corrupt(String),
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    Done,
    /// Somebody else was first: the change at this position of the list did not apply; nothing was written.
    Lost(usize),
}

/// A sign-in as stored: its state sealed by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAttempt {
    /// Whose it is, in plain, so that [`Change::DropAttemptsOf`] finds it.
    pub account: AccountId,
    pub sealed: Vec<u8>,
    /// Moves on by one with each step; a step is committed against the version it was made from.
    pub version: i64,
    pub expires_at: Timestamp,
}

/// A ticket as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub session: SessionId,
    pub host: Host,
    pub return_to: String,
    /// Hash of the pre-session cookie that must come along.
    pub binding: TokenHash,
    pub expires_at: Timestamp,
}

/// A signing key as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub id: String,
    /// PKCS#8, sealed.
    pub sealed: Vec<u8>,
    /// Uncompressed public point, 65 bytes.
    pub public: Vec<u8>,
    pub created_at: Timestamp,
    /// Published until then; `None` for the key in use.
    pub retired_until: Option<Timestamp>,
}

/// A mail that waits, its letter sealed by the caller with the mail's id as associated data.
#[derive(Clone, PartialEq, Eq)]
pub struct QueuedMail {
    pub id: MailId,
    pub account: Option<AccountId>,
    pub sealed: Vec<u8>,
    pub queued_at: Timestamp,
}

/// A mail that was claimed for one try at sending it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    pub mail: QueuedMail,
    /// Tries so far, this one counted.
    pub tries: u32,
}

/// What waits for the mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    pub waiting: u64,
    pub oldest_queued_at: Option<Timestamp>,
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To choose a new password.
    Reset,
    /// To choose the first password of a new account.
    Invitation,
}

/// A link as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub account: AccountId,
    pub purpose: LinkPurpose,
    pub expires_at: Timestamp,
}

/// A certificate of an ACME server as stored, one a host and server.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// The server's directory.
    pub directory: String,
    pub host: Host,
    /// PEM, the certificate first.
    pub chain: String,
    /// PKCS#8 in PEM, sealed.
    pub sealed_key: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// Somebody wants to order a certificate.
#[derive(Clone, Debug)]
pub struct OrderClaim {
    pub directory: String,
    pub host: Host,
    /// The end of the one that is there; somebody else may have been faster.
    pub replaces: Option<Timestamp>,
    pub now: Timestamp,
    /// Until then nobody else orders it.
    pub lease_until: Timestamp,
}

/// How often an order has failed in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Because of the host.
    pub failures: u32,
    /// Because of the server, for all hosts together.
    pub server_failures: u32,
}

/// One thing to be written. Changes marked *once* decide the transaction.
///
/// A change to something that does not exist any more, or that takes an identifier or a token already taken,
/// has lost as well: nothing is acknowledged that is not written. Ending what has ended is no loss.
#[derive(Clone, Debug)]
pub enum Change {
    // --- accounts
    /// Once: fails where the id or one of its names is taken.
    AddAccount(Box<Account>),
    SetStatus {
        account: AccountId,
        status: Status,
    },
    /// Once: the account is active, and its password and authenticator are still those that were read. A check takes
    /// a while, and what an operator does meanwhile comes first.
    ExpectAccount {
        account: AccountId,
        password: Option<PasswordHash>,
        authenticator: Option<AuthenticatorId>,
    },
    /// Once: the account is there and in these groups: what was allowed because of them is so still.
    ExpectGroups {
        account: AccountId,
        groups: Arc<BTreeSet<String>>,
    },
    /// The same password under another hash: no date moves.
    RehashPassword {
        account: AccountId,
        password: PasswordHash,
    },
    /// Another password. `initial_until`: given by somebody else, good until then, to be changed first of all.
    SetPassword {
        account: AccountId,
        password: PasswordHash,
        at: Timestamp,
        initial_until: Option<Timestamp>,
    },
    /// Name, e-mail address and language. Once: fails where the address is somebody else's name.
    SetContact {
        account: AccountId,
        email: Option<String>,
        name: String,
        language: Option<String>,
        at: Timestamp,
    },
    /// Disables the account, to be removed then; `None`: it stays, disabled.
    PlanDeletion {
        account: AccountId,
        at: Option<Timestamp>,
    },
    /// Once: the account is there and disabled, and its deletion was planned for this moment or an earlier one.
    DeleteAccount {
        account: AccountId,
        due: Timestamp,
    },
    /// Once: the mark was not there yet.
    Mark {
        account: AccountId,
        mark: String,
        at: Timestamp,
    },
    SetGroups {
        account: AccountId,
        groups: BTreeSet<String>,
    },
    /// Grace and snooze. An exemption stays as it is: it is given by somebody else, perhaps in this very moment.
    SetReminder {
        account: AccountId,
        reminder: reminder::Record,
    },
    /// Lets somebody off until then; `None`: no longer.
    Exempt {
        account: AccountId,
        until: Option<Timestamp>,
    },

    // --- authenticators
    /// Once: accepted only if later than the last step accepted by this very authenticator.
    SpendTotpStep {
        account: AccountId,
        authenticator: AuthenticatorId,
        step: u64,
    },
    /// Once.
    SpendEmergencyCode {
        account: AccountId,
        code: AuthenticatorId,
    },
    /// Once.
    SpendOneTimeCode {
        account: AccountId,
        code: AuthenticatorId,
    },
    /// A wrong entry against the open one-time code.
    CountWrongOneTimeCode {
        account: AccountId,
    },
    /// Replaces whatever was bound, and clears the reminder's snooze. Once where it is to be the `first`:
    /// fails where one is bound already.
    BindTotp {
        account: AccountId,
        binding: TotpBinding,
        first: bool,
    },
    /// Removes the authenticator, its emergency codes and the open one-time code.
    RemoveSecondFactor {
        account: AccountId,
    },
    /// Nobody has said yet that the new ones are stored.
    ReplaceEmergencyCodes {
        account: AccountId,
        codes: Vec<EmergencyCode>,
    },
    /// The person has said that the emergency codes are stored.
    ConfirmCodesStored {
        account: AccountId,
    },
    /// Replaces an open one.
    IssueOneTimeCode {
        account: AccountId,
        code: OneTimeCode,
    },

    // --- devices
    /// A browser the account is used in from now on; beyond [`crate::domain::device::MOST`] the one used longest ago goes.
    AddDevice {
        device: Box<Device>,
        token: TokenHash,
    },
    /// It was used again.
    UseDevice {
        device: DeviceId,
        at: Timestamp,
    },
    /// Forgets a browser, trusted or not.
    RemoveDevice {
        account: AccountId,
        device: DeviceId,
    },
    /// Forgets all browsers of an account. Sessions that rest on their trust are asked for a code where one is asked.
    RemoveDevicesOf {
        account: AccountId,
    },
    /// They stay known, and are trusted no more.
    UntrustDevicesOf {
        account: AccountId,
    },

    // --- mail
    QueueMail(QueuedMail),
    /// The mail server has taken it.
    MailSent {
        mail: MailId,
    },
    /// To be tried again, not before then.
    MailDeferred {
        mail: MailId,
        due_at: Timestamp,
    },
    /// It will not be tried again.
    MailGivenUp {
        mail: MailId,
    },
    /// Replaces an earlier link of this purpose.
    IssueLink {
        token: TokenHash,
        link: Link,
    },
    /// Once: the link is there.
    SpendLink {
        token: TokenHash,
    },
    /// Links of the account that were mailed are dead.
    DropLinksOf {
        account: AccountId,
    },

    // --- the console
    /// Replaces an earlier request for the same act on the same account.
    RequestApproval(Approval),
    /// Once: the request still waits.
    SettleApproval {
        approval: ApprovalId,
    },
    /// Once: fails where the name is taken.
    AddApiToken {
        token: TokenHash,
        record: Box<ApiToken>,
    },
    UseApiToken {
        token: ApiTokenId,
        at: Timestamp,
    },
    /// Once: the token is there.
    RevokeApiToken {
        token: ApiTokenId,
    },
    /// Replaces the figures of the same day and group.
    RecordAdoption(Vec<Snapshot>),

    // --- sign-ins
    /// Once: fails where the token exists.
    StartAttempt {
        token: TokenHash,
        attempt: StoredAttempt,
    },
    /// Once: the attempt must still be at `from_version`; afterwards it is at `from_version + 1`.
    MoveAttempt {
        token: TokenHash,
        from_version: i64,
        sealed: Vec<u8>,
    },
    /// Once: the attempt must still be at `from_version`; afterwards it is gone.
    EndAttempt {
        token: TokenHash,
        from_version: i64,
    },
    /// Gone whatever its version, if it is there at all.
    DropAttempt {
        token: TokenHash,
    },

    // --- sessions
    /// The account's last sign-in is this one. Once: where it rests on a trusted device, fails where that is not
    /// trusted any more.
    OpenSession {
        record: Box<session::Record>,
        token: TokenHash,
    },
    /// Raises a live session under a new token; its old token dies, its children live on. Its end never moves
    /// further away: a second factor alone does not prolong a session.
    /// Once: fails where the session has ended meanwhile.
    RaiseSession {
        account: AccountId,
        session: Box<Session>,
        token: TokenHash,
    },
    /// Ends a portal session and its children.
    EndSession {
        session: SessionId,
    },
    /// Ends every session of the account, but for one.
    EndSessionsOf {
        account: AccountId,
        except: Option<SessionId>,
    },
    /// Ends every open sign-in of the account, but for one.
    DropAttemptsOf {
        account: AccountId,
        except: Option<TokenHash>,
    },
    IssueTicket {
        token: TokenHash,
        ticket: Ticket,
    },
    /// Once: the ticket is there and not redeemed.
    RedeemTicket {
        token: TokenHash,
    },
    /// A child of a portal session for one application host. Once: fails where the parent has ended.
    OpenChild {
        parent: SessionId,
        host: Host,
        token: TokenHash,
        created_at: Timestamp,
    },

    // --- throttling
    /// Success: the counter starts afresh.
    ForgiveAll(Bucket),
    /// Success: this one try does not count (shared counters).
    ForgiveOne(Bucket),

    // --- keys
    AddSigningKey(StoredKey),
    /// Retires every key in use but this one.
    RetireOtherKeys {
        current: String,
        published_until: Timestamp,
    },

    // --- certificates of an ACME server
    /// Once: fails where there is an account already. Its key is sealed.
    AddAcmeAccount {
        directory: String,
        sealed: Vec<u8>,
    },
    /// The server does not know it (any more).
    ForgetAcmeAccount {
        directory: String,
    },
    /// Replaces the one before; failures are forgotten. Not to be ordered again before then.
    KeepCertificate {
        certificate: Box<StoredCertificate>,
        next_try_at: Timestamp,
    },
    /// An order failed, because of this host.
    DeferOrder {
        directory: String,
        host: Host,
        next_try_at: Timestamp,
    },
    /// An order failed, because of the server: nothing is ordered there before then.
    DeferOrders {
        directory: String,
        next_try_at: Timestamp,
    },

    /// Append-only.
    Audit(Record),
}

/// Something that other processes must take note of: caches drop what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The session ended, or changed.
    Session(SessionId),
    /// The account changed: groups, status, authenticators, reminder.
    Account(AccountId),
    /// Signing keys were rotated.
    Keys,
}

/// Numbers for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub accounts: u64,
    pub active_accounts: u64,
    pub with_second_factor: u64,
    pub sessions: u64,
}

/// The audit trail, newest first. What is not set does not narrow it.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub account: Option<AccountId>,
    pub actor: Option<Actor>,
    /// Of these events; empty: of all.
    pub events: Vec<Event>,
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Only records numbered lower: where an earlier page ended.
    pub before: Option<i64>,
    pub limit: u32,
}

#[async_trait]
pub trait Store: Send + Sync {
    // --- reading
    async fn account_by_name(&self, name: &NameKey) -> Result<Option<Account>, Fault>;
    async fn account(&self, id: AccountId) -> Result<Option<Account>, Fault>;
    /// At most `limit` accounts ordered by login, those after `after` (a login) only.
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Account>, Fault>;
    async fn emergency_codes(&self, account: AccountId) -> Result<Vec<EmergencyCode>, Fault>;
    async fn one_time_code(&self, account: AccountId) -> Result<Option<OneTimeCode>, Fault>;
    async fn attempt(&self, token: &TokenHash) -> Result<Option<StoredAttempt>, Fault>;
    /// The session a cookie stands for: the portal's own or a child with its host. Ended or past its
    /// absolute end: `None`. Account and session in one consistent read.
    async fn session(&self, token: &TokenHash, now: Timestamp) -> Result<Option<View>, Fault>;
    async fn sessions_of(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<session::Record>, Fault>;
    /// The applications' hosts that an account's sessions have opened, each once, by name.
    async fn hosts_opened(
        &self,
        account: AccountId,
    ) -> Result<HashMap<SessionId, Vec<Host>>, Fault>;
    async fn ticket(&self, token: &TokenHash) -> Result<Option<Ticket>, Fault>;
    /// Keys in use or still published, newest first.
    async fn signing_keys(&self, now: Timestamp) -> Result<Vec<StoredKey>, Fault>;
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Logged>, Fault>;
    /// How many audit records of this event an account has since then.
    async fn audit_count(
        &self,
        account: AccountId,
        event: Event,
        since: Timestamp,
    ) -> Result<u32, Fault>;
    /// At most `limit` accounts of whose login, e-mail address or name the text is a part, whatever its case,
    /// ordered by login; or the one with this id.
    async fn search_accounts(&self, text: &str, limit: u32) -> Result<Vec<Account>, Fault>;
    /// Accounts whose deletion is due.
    async fn deletions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Account>, Fault>;
    /// The browser of an account that a cookie stands for, however long ago it was used.
    async fn device(&self, account: AccountId, token: &TokenHash) -> Result<Option<Device>, Fault>;
    /// An account's browsers, used last first.
    async fn devices_of(&self, account: AccountId) -> Result<Vec<Device>, Fault>;
    /// A mailed link, run out or not.
    async fn link(&self, token: &TokenHash) -> Result<Option<Link>, Fault>;
    async fn has_mark(&self, account: AccountId, mark: &str) -> Result<bool, Fault>;
    /// Requests that wait for a second agent, oldest first.
    async fn approvals(&self, now: Timestamp) -> Result<Vec<Approval>, Fault>;
    async fn api_token(&self, token: &TokenHash) -> Result<Option<ApiToken>, Fault>;
    /// All tokens of the API, by name; none of them can be told from it.
    async fn api_tokens(&self) -> Result<Vec<ApiToken>, Fault>;
    /// Figures of everybody, or of one group, since that day (days since 1970-01-01), oldest first.
    async fn adoption(&self, since_day: i64, group: Option<&str>) -> Result<Vec<Snapshot>, Fault>;
    /// A counter as it stands.
    async fn counter(&self, bucket: &Bucket) -> Result<Counter, Fault>;
    async fn outbox(&self) -> Result<Outbox, Fault>;
    /// The certificates that an ACME server has issued.
    async fn certificates(&self, directory: &str) -> Result<Vec<StoredCertificate>, Fault>;
    /// The account there, sealed.
    async fn acme_account(&self, directory: &str) -> Result<Option<Vec<u8>>, Fault>;
    async fn census(&self, now: Timestamp) -> Result<Census, Fault>;

    // --- writing
    /// Applies all changes in order in one transaction, or none.
    async fn commit(&self, changes: &[Change]) -> Result<Commit, Fault>;
    /// Counts one try against every bucket, or against none where one of them is paused: then the longest
    /// pause is returned. Of several `pause_if_wrong` the latest is returned.
    async fn count_try(
        &self,
        buckets: &[(Bucket, Rule)],
        now: Timestamp,
    ) -> Result<Admission, Fault>;
    /// Takes up to `limit` mails that are due and counts a try for each. Until `lease_until` nobody else is given
    /// them; a sender that has died leaves them to the next.
    async fn claim_mail(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, Fault>;
    /// The right to order one certificate once, until the lease runs out; `None` while somebody else has it, while
    /// a failure before is too recent, or where the one to be replaced was replaced already.
    async fn claim_order(&self, claim: &OrderClaim) -> Result<Option<OrderState>, Fault>;
    /// Moves `last_seen_at` forward, never back; sessions that have ended are passed over.
    async fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault>;
    /// Removes what has run out: sessions, sign-ins, tickets, codes, counters, keys, old notices.
    async fn sweep(&self, now: Timestamp) -> Result<(), Fault>;

    // --- hearing from other processes
    /// The newest notice's number.
    async fn last_notice(&self) -> Result<i64, Fault>;
    /// Notices after `after`, with the number to ask from next.
    async fn notices(&self, after: i64) -> Result<(i64, Vec<Notice>), Fault>;
    /// Returns when it is time to look for notices: after the usual time, or at once where the store is told of
    /// them.
    async fn wait_for_notices(&self, usual: Duration);
}

/// Writes the audit records of a transaction that is on disk to the log, a JSON line each.
fn log_audit(changes: &[Change]) {
    for change in changes {
        let Change::Audit(record) = change else {
            continue;
        };
        tracing::info!(
            target: "vestibule::audit",
            event = record.event.code(),
            account.id = record.account.map(tracing::field::display),
            actor = %record.actor.code(),
            address = record.place.address.map(tracing::field::display),
            user_agent = record.place.user_agent.as_deref(),
            detail = record.detail,
            at = record.at.seconds(),
            "audit: {}",
            record.event.code(),
        );
    }
}

/// A store that is shared.
pub type SharedStore = Arc<dyn Store>;

impl std::fmt::Debug for StoredAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredAttempt(version {})", self.version)
    }
}

impl std::fmt::Debug for QueuedMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueuedMail({})", self.id)
    }
}

impl std::fmt::Debug for ClaimedMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClaimedMail({}, try {})", self.mail.id, self.tries)
    }
}

impl std::fmt::Debug for StoredCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "StoredCertificate({}, until {})",
            self.host,
            self.not_after.seconds()
        )
    }
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredKey({})", self.id)
    }
}
