//! How rows become domain values, and values columns.

use crate::domain::account::{Account, Attributes, History, PasswordHash, Status};
use crate::domain::adoption::{Figures, Snapshot};
use crate::domain::api_token::{ApiToken, Scope};
use crate::domain::assurance::{Factors, SecondFactor};
use crate::domain::audit::{Actor, Event, Logged, Place, Record};
use crate::domain::authenticator::{EmergencyCode, OneTimeCode, TotpBinding};
use crate::domain::desk::{Act, Approval, IdentityCheck};
use crate::domain::device::Device;
use crate::domain::host::Host;
use crate::domain::id::{
    AccountId, ApiTokenId, ApprovalId, AuthenticatorId, DeviceId, MailId, SessionId,
};
use crate::domain::reminder;
use crate::domain::secret::TokenHash;
use crate::domain::session::{self, Beginning, Session, View};
use crate::domain::subject::{Facts, Subject};
use crate::domain::throttle::Counter;
use crate::domain::timestamp::Timestamp;
use crate::store::{
    ClaimedMail, Fault, Link, LinkPurpose, Notice, OrderState, QueuedMail, StoredAttempt,
    StoredCertificate, StoredKey, Ticket,
};
use sqlx::{Decode, Row as _, Sqlite, Type};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

pub(super) type Row = sqlx::sqlite::SqliteRow;

/// An account `a` and one of its groups `g`: an account comes as one row for each group, next to each other.
macro_rules! account_columns {
    () => {
        "a.id AS a_id, a.login, a.email, a.name, a.attributes, a.language, a.status, a.created_at, \
         a.password_hash, a.totp_id, a.totp_sealed_secret, a.totp_bound_at, a.totp_last_step, \
         a.totp_codes_unconfirmed, a.grace_started_at, a.grace_ends_at, a.snoozed_until, a.exempt_until, \
         a.password_changed_at, a.initial_password_until, a.contact_changed_at, a.last_sign_in_at, \
         a.delete_at, g.group_name"
    };
}
pub(super) use account_columns;

/// What requests need of an account `a` and one of its groups `g`.
macro_rules! subject_columns {
    () => {
        "a.id AS a_id, a.login, a.email, a.name, a.language, a.attributes, a.status, \
         a.totp_id IS NOT NULL AS has_second_factor, a.grace_started_at, a.grace_ends_at, \
         a.snoozed_until, a.exempt_until, g.group_name"
    };
}
pub(super) use subject_columns;

/// A portal session `s`.
macro_rules! session_columns {
    () => {
        "s.id AS s_id, s.second_factor, s.auth_time, s.password_at, s.second_factor_at, \
         s.expires_at, s.last_seen_at, s.trusted_device_id"
    };
}
pub(super) use session_columns;

pub(super) fn get<'r, T>(row: &'r Row, column: &str) -> Result<T, Fault>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    Ok(row.try_get(column)?)
}

fn time(row: &Row, column: &str) -> Result<Timestamp, Fault> {
    get(row, column).map(Timestamp::from_seconds)
}

fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, Fault> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_seconds))
}

fn optional_uuid(row: &Row, column: &str) -> Result<Option<Uuid>, Fault> {
    get::<Option<&[u8]>>(row, column)?
        .map(|bytes| Uuid::from_slice(bytes).map_err(|_| corrupt(column, "no UUID")))
        .transpose()
}

fn uuid(row: &Row, column: &str) -> Result<Uuid, Fault> {
    optional_uuid(row, column)?.ok_or_else(|| corrupt(column, "missing"))
}

fn hash(row: &Row, column: &str) -> Result<TokenHash, Fault> {
    get::<&[u8]>(row, column)?
        .try_into()
        .map(TokenHash::from_bytes)
        .map_err(|_| corrupt(column, "not 32 bytes"))
}

fn number<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<T, Fault> {
    T::try_from(get(row, column)?).map_err(|_| corrupt(column, "out of range"))
}

fn host(row: &Row, column: &str) -> Result<Host, Fault> {
    Host::parse(get(row, column)?).ok_or_else(|| corrupt(column, "no host"))
}

/// Never the value itself: what cannot be read may be anything.
fn corrupt(column: &str, why: &str) -> Fault {
    Fault::Corrupt(format!("column {column}: {why}"))
}

// --- accounts

/// Accounts in the order of the rows, the rows of one account next to each other.
pub(super) fn accounts(rows: &[Row]) -> Result<Vec<Account>, Fault> {
    let mut accounts: Vec<Account> = Vec::new();
    for row in rows {
        let id = AccountId::from_uuid(uuid(row, "a_id")?);
        let group: Option<String> = get(row, "group_name")?;
        match accounts.last_mut().filter(|last| last.id == id) {
            Some(same) => Arc::make_mut(&mut same.groups).extend(group),
            None => accounts.push(account(row, id, group)?),
        }
    }
    Ok(accounts)
}

fn account(row: &Row, id: AccountId, group: Option<String>) -> Result<Account, Fault> {
    Ok(Account {
        id,
        login: get(row, "login")?,
        email: get(row, "email")?,
        name: get(row, "name")?,
        groups: Arc::new(BTreeSet::from_iter(group)),
        attributes: attributes(row)?,
        language: get(row, "language")?,
        status: status(row)?,
        created_at: time(row, "created_at")?,
        password: get::<Option<String>>(row, "password_hash")?.map(PasswordHash::from_encoded),
        totp: totp(row)?,
        reminder: reminder(row)?,
        history: History {
            password_changed_at: optional_time(row, "password_changed_at")?,
            initial_password_until: optional_time(row, "initial_password_until")?,
            contact_changed_at: optional_time(row, "contact_changed_at")?,
            last_sign_in_at: optional_time(row, "last_sign_in_at")?,
            delete_at: optional_time(row, "delete_at")?,
        },
    })
}

fn attributes(row: &Row) -> Result<Attributes, Fault> {
    serde_json::from_str(get(row, "attributes")?)
        .map_err(|_| corrupt("attributes", "no object of texts"))
}

fn status(row: &Row) -> Result<Status, Fault> {
    match get(row, "status")? {
        "active" => Ok(Status::Active),
        "disabled" => Ok(Status::Disabled),
        _ => Err(corrupt("status", "unknown")),
    }
}

fn reminder(row: &Row) -> Result<reminder::Record, Fault> {
    Ok(reminder::Record {
        grace_started_at: optional_time(row, "grace_started_at")?,
        grace_ends_at: optional_time(row, "grace_ends_at")?,
        snoozed_until: optional_time(row, "snoozed_until")?,
        exempt_until: optional_time(row, "exempt_until")?,
    })
}

/// `rows`: this one, and one for each further group.
fn subject(row: &Row, rows: &[Row]) -> Result<Subject, Fault> {
    let groups = rows
        .iter()
        .map(|row| get::<Option<String>>(row, "group_name"));
    let groups: BTreeSet<String> = groups
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    Ok(Subject::new(Facts {
        id: AccountId::from_uuid(uuid(row, "a_id")?),
        login: get(row, "login")?,
        email: get(row, "email")?,
        name: get(row, "name")?,
        language: get(row, "language")?,
        groups: Arc::new(groups),
        attributes: attributes(row)?,
        reminder: reminder(row)?,
        status: status(row)?,
        has_second_factor: get::<i64>(row, "has_second_factor")? != 0,
    }))
}

fn totp(row: &Row) -> Result<Option<TotpBinding>, Fault> {
    let Some(id) = optional_uuid(row, "totp_id")? else {
        return Ok(None);
    };
    Ok(Some(TotpBinding {
        id: AuthenticatorId::from_uuid(id),
        sealed_secret: get(row, "totp_sealed_secret")?,
        bound_at: time(row, "totp_bound_at")?,
        last_step: number(row, "totp_last_step")?,
        codes_unconfirmed: get::<i64>(row, "totp_codes_unconfirmed")? != 0,
    }))
}

pub(super) const fn status_code(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
    }
}

// --- authenticators

pub(super) fn emergency_code(row: &Row) -> Result<EmergencyCode, Fault> {
    Ok(EmergencyCode {
        id: AuthenticatorId::from_uuid(uuid(row, "id")?),
        selector: get(row, "selector")?,
        hash: get(row, "code_hash")?,
    })
}

pub(super) fn one_time_code(row: &Row) -> Result<OneTimeCode, Fault> {
    Ok(OneTimeCode {
        id: AuthenticatorId::from_uuid(uuid(row, "id")?),
        hash: get(row, "code_hash")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        wrong: number(row, "wrong")?,
    })
}

// --- sign-ins

pub(super) fn attempt(row: &Row) -> Result<StoredAttempt, Fault> {
    Ok(StoredAttempt {
        account: AccountId::from_uuid(uuid(row, "account_id")?),
        sealed: get(row, "sealed")?,
        version: get(row, "version")?,
        expires_at: time(row, "expires_at")?,
    })
}

// --- sessions

/// The rows of one session, one for each group of its subject.
pub(super) fn view(rows: &[Row]) -> Result<Option<View>, Fault> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let host = match get::<Option<&str>>(row, "host")? {
        Some(_) => Some(host(row, "host")?),
        None => None,
    };
    Ok(Some(View {
        session: session(row)?,
        subject: Arc::new(subject(row, rows)?),
        host,
    }))
}

/// The columns of a [`session`], and what else is stored of it.
pub(super) fn session_record(row: &Row) -> Result<session::Record, Fault> {
    Ok(session::Record {
        account: AccountId::from_uuid(uuid(row, "account_id")?),
        session: session(row)?,
        begun: Beginning {
            address: get(row, "address")?,
            user_agent: get(row, "user_agent")?,
        },
    })
}

fn session(row: &Row) -> Result<Session, Fault> {
    let second = match get::<Option<&str>>(row, "second_factor")? {
        None => None,
        Some("totp") => Some(SecondFactor::Totp),
        Some("emergency_code") => Some(SecondFactor::EmergencyCode),
        Some("one_time_code") => Some(SecondFactor::OneTimeCode),
        Some(_) => return Err(corrupt("second_factor", "unknown")),
    };
    Ok(Session {
        id: SessionId::from_uuid(uuid(row, "s_id")?),
        factors: Factors { second },
        auth_time: time(row, "auth_time")?,
        password_at: time(row, "password_at")?,
        second_factor_at: optional_time(row, "second_factor_at")?,
        expires_at: time(row, "expires_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        trusted_device: optional_uuid(row, "trusted_device_id")?
            .map(|id| Box::new(DeviceId::from_uuid(id))),
    })
}

pub(super) fn second_factor_code(factors: Factors) -> Option<&'static str> {
    factors.second.map(|second| match second {
        SecondFactor::Totp => "totp",
        SecondFactor::EmergencyCode => "emergency_code",
        SecondFactor::OneTimeCode => "one_time_code",
    })
}

pub(super) fn ticket(row: &Row) -> Result<Ticket, Fault> {
    Ok(Ticket {
        session: SessionId::from_uuid(uuid(row, "session_id")?),
        host: host(row, "host")?,
        return_to: get(row, "return_to")?,
        binding: hash(row, "binding")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// A session, and an application's host that it has opened.
pub(super) fn opened(row: &Row) -> Result<(SessionId, Host), Fault> {
    let session = SessionId::from_uuid(uuid(row, "parent_id")?);
    Ok((session, host(row, "host")?))
}

// --- throttling, keys, trail, notices

pub(super) fn counter(row: &Row) -> Result<Counter, Fault> {
    Ok(Counter {
        tries: number(row, "tries")?,
        pauses: number(row, "pauses")?,
        paused_until: optional_time(row, "paused_until")?,
        last_at: optional_time(row, "last_at")?,
        failures: number(row, "failures")?,
    })
}

pub(super) fn signing_key(row: &Row) -> Result<StoredKey, Fault> {
    Ok(StoredKey {
        id: get(row, "id")?,
        sealed: get(row, "sealed")?,
        public: get(row, "public")?,
        created_at: time(row, "created_at")?,
        retired_until: optional_time(row, "retired_until")?,
    })
}

pub(super) fn record(row: &Row) -> Result<Record, Fault> {
    let event = Event::parse(get(row, "event")?);
    let actor = Actor::parse(get(row, "actor")?);
    let address = get::<Option<&str>>(row, "address")?
        .map(|text| text.parse().map_err(|_| corrupt("address", "no address")))
        .transpose()?;
    Ok(Record {
        at: time(row, "at")?,
        event: event.ok_or_else(|| corrupt("event", "unknown"))?,
        account: optional_uuid(row, "account_id")?.map(AccountId::from_uuid),
        actor: actor.ok_or_else(|| corrupt("actor", "unknown"))?,
        place: Place {
            address,
            user_agent: get(row, "user_agent")?,
        },
        detail: get(row, "detail")?,
    })
}

pub(super) fn logged(row: &Row) -> Result<Logged, Fault> {
    Ok(Logged {
        number: get(row, "id")?,
        record: record(row)?,
    })
}

// --- devices, mail, console

pub(super) fn device(row: &Row) -> Result<Device, Fault> {
    Ok(Device {
        id: DeviceId::from_uuid(uuid(row, "id")?),
        account: AccountId::from_uuid(uuid(row, "account_id")?),
        known_since: time(row, "known_since")?,
        last_used_at: time(row, "last_used_at")?,
        trusted_until: optional_time(row, "trusted_until")?,
        address: get(row, "address")?,
        user_agent: get(row, "user_agent")?,
    })
}

pub(super) fn claimed_mail(row: &Row) -> Result<ClaimedMail, Fault> {
    Ok(ClaimedMail {
        mail: QueuedMail {
            id: MailId::from_uuid(uuid(row, "id")?),
            account: optional_uuid(row, "account_id")?.map(AccountId::from_uuid),
            sealed: get(row, "sealed")?,
            queued_at: time(row, "queued_at")?,
        },
        tries: number(row, "tries")?,
    })
}

pub(super) const fn link_purpose_code(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::Reset => "reset",
        LinkPurpose::Invitation => "invitation",
    }
}

pub(super) fn link(row: &Row) -> Result<Link, Fault> {
    Ok(Link {
        account: AccountId::from_uuid(uuid(row, "account_id")?),
        purpose: match get(row, "purpose")? {
            "reset" => LinkPurpose::Reset,
            "invitation" => LinkPurpose::Invitation,
            _ => return Err(corrupt("purpose", "unknown")),
        },
        expires_at: time(row, "expires_at")?,
    })
}

pub(super) fn certificate(row: &Row) -> Result<StoredCertificate, Fault> {
    Ok(StoredCertificate {
        directory: get(row, "directory")?,
        host: host(row, "host")?,
        chain: get(row, "chain")?,
        sealed_key: get(row, "sealed")?,
        not_before: time(row, "not_before")?,
        not_after: time(row, "not_after")?,
    })
}

pub(super) fn order_state(row: &Row) -> Result<OrderState, Fault> {
    Ok(OrderState {
        failures: number(row, "failures")?,
        server_failures: number(row, "server_failures")?,
    })
}

pub(super) fn approval(row: &Row) -> Result<Approval, Fault> {
    let check = get::<Option<&str>>(row, "identity_check")?
        .map(|code| IdentityCheck::parse(code).ok_or_else(|| corrupt("identity_check", "unknown")))
        .transpose()?;
    Ok(Approval {
        id: ApprovalId::from_uuid(uuid(row, "id")?),
        act: Act::parse(get(row, "act")?).ok_or_else(|| corrupt("act", "unknown"))?,
        target: AccountId::from_uuid(uuid(row, "account_id")?),
        requested_by: AccountId::from_uuid(uuid(row, "requested_by")?),
        requested_at: time(row, "requested_at")?,
        expires_at: time(row, "expires_at")?,
        case: get(row, "case_number")?,
        check,
        details: get(row, "details")?,
    })
}

pub(super) fn api_token(row: &Row) -> Result<ApiToken, Fault> {
    let scopes = get::<&str>(row, "scopes")?
        .split_ascii_whitespace()
        .map(|code| Scope::parse(code).ok_or_else(|| corrupt("scopes", "unknown")))
        .collect::<Result<_, _>>()?;
    Ok(ApiToken {
        id: ApiTokenId::from_uuid(uuid(row, "id")?),
        name: get(row, "name")?,
        scopes,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
    })
}

pub(super) fn snapshot(row: &Row) -> Result<Snapshot, Fault> {
    let group: String = get(row, "group_name")?;
    Ok(Snapshot {
        day: get(row, "day")?,
        group: (!group.is_empty()).then_some(group),
        figures: Figures {
            on: number(row, "on_count")?,
            reminding: number(row, "reminding")?,
            overdue: number(row, "overdue")?,
            exempt: number(row, "exempt")?,
        },
    })
}

pub(super) fn notice(row: &Row) -> Result<(i64, Notice), Fault> {
    let notice = match get(row, "kind")? {
        "session" => Notice::Session(SessionId::from_uuid(uuid(row, "subject")?)),
        "account" => Notice::Account(AccountId::from_uuid(uuid(row, "subject")?)),
        "keys" => Notice::Keys,
        _ => return Err(corrupt("kind", "unknown")),
    };
    Ok((get(row, "id")?, notice))
}
