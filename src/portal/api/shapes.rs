//! How things are written as JSON: ids as UUIDs, moments as RFC 3339 in UTC. Never a secret, a hash or a seed.

use crate::authn::desk::{Looked, Match, Shown, Waiting};
use crate::domain::account::{Account, Status};
use crate::domain::adoption::{Figures, Standing};
use crate::domain::timestamp::{DAY, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `None` for moments beyond the calendar.
pub(super) fn moment(at: Timestamp) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).ok()?;
    moment.format(&Rfc3339).ok()
}

pub(super) fn parse_moment(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(Timestamp::from_seconds(moment.unix_timestamp()))
}

/// A day since 1970-01-01 as a date.
fn date(day: i64) -> Option<String> {
    let text = moment(Timestamp::from_seconds(day.saturating_mul(DAY)))?;
    text.get(..10).map(str::to_owned)
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
    }
}

#[derive(Serialize)]
pub(super) struct AccountLine<'a> {
    id: String,
    login: &'a str,
    email: Option<&'a str>,
    name: &'a str,
    groups: &'a BTreeSet<String>,
    language: Option<&'a str>,
    status: &'static str,
    created_at: Option<String>,
    last_sign_in_at: Option<String>,
    delete_at: Option<String>,
    two_factor: TwoFactorLine,
}

#[derive(Serialize)]
struct TwoFactorLine {
    standing: &'static str,
    bound_at: Option<String>,
    deadline: Option<String>,
    exempt_until: Option<String>,
}

impl<'a> AccountLine<'a> {
    fn new(account: &'a Account, standing: Standing, deadline: Option<Timestamp>) -> Self {
        Self {
            id: account.id.to_string(),
            login: &account.login,
            email: account.email.as_deref(),
            name: &account.name,
            groups: &account.groups,
            language: account.language.as_deref(),
            status: status(account.status),
            created_at: moment(account.created_at),
            last_sign_in_at: account.history.last_sign_in_at.and_then(moment),
            delete_at: account.history.delete_at.and_then(moment),
            two_factor: TwoFactorLine {
                standing: standing.code(),
                bound_at: account.totp.as_ref().and_then(|totp| moment(totp.bound_at)),
                deadline: deadline.and_then(moment),
                exempt_until: account.reminder.exempt_until.and_then(moment),
            },
        }
    }

    pub(super) fn of(found: &'a Match) -> Self {
        Self::new(&found.account, found.standing, found.deadline)
    }
}

#[derive(Serialize)]
pub(super) struct AccountDetail<'a> {
    #[serde(flatten)]
    line: AccountLine<'a>,
    emergency_codes_left: usize,
    trusted_devices: usize,
    sessions: usize,
    one_time_code_until: Option<String>,
    paused_until: Option<String>,
    contact_changed_at: Option<String>,
}

impl<'a> AccountDetail<'a> {
    pub(super) fn of(looked: &'a Looked) -> Self {
        Self {
            line: AccountLine::new(&looked.account, looked.standing, looked.deadline),
            emergency_codes_left: looked.emergency_codes_left,
            trusted_devices: looked.trusted_devices,
            sessions: looked.sessions,
            one_time_code_until: looked.one_time_code_until.and_then(moment),
            paused_until: looked.paused_until.and_then(moment),
            contact_changed_at: looked.contact_changed_at.and_then(moment),
        }
    }
}

pub(super) fn waiting(waiting: &Waiting) -> Value {
    let approval = &waiting.approval;
    json!({
        "id": approval.id.to_string(),
        "act": approval.act.code(),
        "account": approval.target.to_string(),
        "account_name": waiting.target.as_ref().map(|account| &account.login),
        "requested_by": approval.requested_by.to_string(),
        "requested_by_name": waiting.requested_by.as_ref().map(|account| &account.login),
        "requested_at": moment(approval.requested_at),
        "expires_at": moment(approval.expires_at),
        "case": approval.case,
        "check": approval.check.map(|check| check.code()),
    })
}

pub(super) fn figures(figures: Figures) -> Value {
    json!({
        "on": figures.on,
        "grace": figures.reminding,
        "due": figures.overdue,
        "exempt": figures.exempt,
        "total": figures.total(),
    })
}

pub(super) fn week(monday: i64, of_week: Figures) -> Value {
    json!({ "monday": date(monday), "figures": figures(of_week) })
}

pub(super) fn record(shown: &Shown) -> Value {
    let record = &shown.logged.record;
    json!({
        "number": shown.logged.number,
        "at": moment(record.at),
        "event": record.event.code(),
        "account": record.account.map(|id| id.to_string()),
        "account_name": shown.account,
        "actor": record.actor.code(),
        "actor_name": shown.actor,
        "address": record.place.address.map(|address| address.to_string()),
        "user_agent": record.place.user_agent,
        "detail": record.detail,
    })
}
