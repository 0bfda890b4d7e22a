//! Doing something to an account: the page that asks why, and the act.

use super::super::{Desk, Get, Outcome, Post, Stop};
use super::users::mail_off;
use super::{Console, act_of, number};
use crate::authn::desk::Outcome as Acted;
use crate::authn::desk::{
    Cannot, DELETION_GRACE, Denied, Issued, Looked, MOST_EXEMPT, Missing, Order, Parameters, Send,
};
use crate::domain::audit::Event;
use crate::domain::desk::{Act, IdentityCheck, Permission};
use crate::domain::id::AccountId;
use crate::domain::timestamp::{Timestamp, minutes_rounded_up};
use crate::portal::errors;
use crate::portal::form::Form;
use crate::portal::pages::desk as view;
use crate::portal::respond::Reply;
use crate::portal::steps::sign_in::WRONG;
use crate::store::AuditFilter;
use axum::extract::Path;
use axum::response::Response;
use http::{StatusCode, header};
use std::collections::BTreeSet;

/// What stands in a form.
#[derive(Default)]
struct Filled {
    case: String,
    check: Option<IdentityCheck>,
    send: Option<view::Send>,
    until: String,
    groups: String,
}

impl Filled {
    fn of(form: &Form) -> Self {
        Self {
            case: form.field("case").to_owned(),
            check: IdentityCheck::parse(form.field("check")),
            send: view::Send::parse(form.field("send")),
            until: form.field("until").to_owned(),
            groups: form.field("groups").to_owned(),
        }
    }

    fn order(&self, act: Act, target: AccountId) -> Order {
        Order {
            act,
            target,
            case: self.case.clone(),
            check: self.check,
            parameters: Parameters {
                send: self
                    .send
                    .filter(|_| act == Act::IssueCode)
                    .map(|send| match send {
                        view::Send::Email => Send::Email,
                        view::Send::Show => Send::Show,
                    }),
                until: last_moment(&self.until).filter(|_| act == Act::Exempt),
                groups: (act == Act::SetGroups).then(|| groups_of(&self.groups)),
            },
        }
    }
}

/// Groups, separated by commas.
pub(super) fn groups_of(text: &str) -> BTreeSet<String> {
    let groups = text.split(',').map(str::trim).filter(|g| !g.is_empty());
    groups.map(str::to_owned).collect()
}

/// The end of a day written `2026-12-31`.
fn last_moment(text: &str) -> Option<Timestamp> {
    let format = time::format_description::well_known::Iso8601::DATE;
    let day = time::Date::parse(text, &format).ok()?;
    let start = day.midnight().assume_utc().unix_timestamp();
    Some(Timestamp::from_seconds(start).end_of_day())
}

async fn known(
    desk: Desk,
    id: &str,
    act: &str,
) -> Result<(Desk, AccountId, view::Act, Act), Response> {
    let (desk, id) = number(desk, id).await?;
    let found = view::Act::parse(act).and_then(|page| Some((page, act_of(page)?)));
    match found {
        Some((page, act)) => Ok((desk, id, page, act)),
        None => Err(errors::not_found(Get(desk)).await),
    }
}

/// GET `/desk/users/{id}/{act}`
pub async fn show(Path((id, act)): Path<(String, String)>, Get(desk): Get) -> Response {
    match known(desk, &id, &act).await {
        Ok((desk, id, page, act)) => {
            let outcome = form_page(&desk, id, (page, act)).await;
            desk.finish(outcome)
        }
        Err(response) => response,
    }
}

async fn form_page(desk: &Desk, id: AccountId, acts: (view::Act, Act)) -> Outcome {
    let console = desk.console().await?;
    let mut filled = Filled::default();
    if acts.1 == Act::SetGroups
        && let Some(account) = desk.portal.authn.store().account(id).await?
    {
        let groups: Vec<&str> = account.groups.iter().map(String::as_str).collect();
        filled.groups = groups.join(", ");
    }
    ask(&console, id, acts, &filled, StatusCode::OK, None).await
}

/// The page that asks. Whoever may not do it, or has to confirm first, learns it here and not after typing.
async fn ask(
    console: &Console<'_>,
    id: AccountId,
    (page, act): (view::Act, Act),
    filled: &Filled,
    status: StatusCode,
    error: Option<Denied>,
) -> Outcome {
    let place = console.desk.visit.place();
    let authn = &console.desk.portal.authn;
    let target = authn.store().account(id).await?;
    let may = authn
        .desk_authorise(&console.agent, act, target.as_ref(), &place)
        .await?;
    let permission = match may {
        Ok(permission) => permission,
        Err(denied) => return console.denied(denied, Some(id)).await,
    };
    let looked = match authn.desk_look(&console.agent, id, &place).await? {
        Ok(looked) => looked,
        Err(denied) => return console.denied(denied, None).await,
    };
    let second_agent = permission == Permission::SecondAgent;
    if act == Act::IssueCode {
        return issue_page(console, &looked, second_agent, filled, status, error).await;
    }
    let errors: Vec<view::ActError> = error
        .into_iter()
        .filter_map(|error| match error {
            Denied::Missing(Missing::Case) => Some(view::ActError::Case),
            Denied::Missing(Missing::Check) => Some(view::ActError::Check),
            Denied::Missing(Missing::Until) if filled.until.is_empty() => {
                Some(view::ActError::UntilEmpty)
            }
            Denied::Missing(Missing::Until) => Some(view::ActError::Until {
                most_days: MOST_EXEMPT.as_secs() / 86_400,
            }),
            Denied::Missing(Missing::Groups) => Some(view::ActError::Groups),
            _ => None,
        })
        .collect();
    let account = &looked.account;
    let view = view::ActPage {
        desk: console.frame(view::Section::Users).await?,
        act: page,
        id: &id.to_string(),
        name: &account.name,
        shown_as: account.shown_as(),
        case: &filled.case,
        asks_check: act.asks_check(),
        check: filled.check,
        until: &filled.until,
        groups: &filled.groups,
        grace_days: DELETION_GRACE.as_secs() / 86_400,
        second_agent,
        errors: &errors,
    };
    console.page(status, &view)
}

async fn issue_page(
    console: &Console<'_>,
    looked: &Looked,
    second_agent: bool,
    filled: &Filled,
    status: StatusCode,
    error: Option<Denied>,
) -> Outcome {
    let account = &looked.account;
    let may_mail = console.desk.portal.authn.may_mail_code(account);
    let errors: Vec<view::IssueError> = error
        .into_iter()
        .filter_map(|error| match error {
            Denied::Missing(Missing::Case) => Some(view::IssueError::Case),
            Denied::Missing(Missing::Check) => Some(view::IssueError::Check),
            Denied::Missing(Missing::Send)
            | Denied::Cannot(Cannot::NoMail | Cannot::ContactChanged | Cannot::OnlyByMail) => {
                Some(view::IssueError::Send)
            }
            Denied::Quota { until } => Some(view::IssueError::Quota {
                minutes: minutes_rounded_up(until.since(console.desk.portal.env.now())),
            }),
            _ => None,
        })
        .collect();
    let page = view::IssueCode {
        desk: console.frame(view::Section::Users).await?,
        id: &account.id.to_string(),
        name: &account.name,
        shown_as: account.shown_as(),
        email: account.email.as_deref(),
        mail_off: may_mail
            .err()
            .map(|cannot| mail_off(cannot, account.email.is_some())),
        replaces: looked.one_time_code_until.is_some(),
        after: last_issue(console, account.id).await?,
        second_agent,
        check: filled.check,
        send: filled.send,
        case: &filled.case,
        errors: &errors,
    };
    console.page(status, &page)
}

/// The number of the account's latest code in the trail: a form that was sent once is recognised by it, so that a
/// reload of the page with the code issues no other one.
async fn last_issue(console: &Console<'_>, id: AccountId) -> Result<i64, Stop> {
    let filter = AuditFilter {
        account: Some(id),
        events: vec![Event::OneTimeCodeIssued],
        limit: 1,
        ..AuditFilter::default()
    };
    let found = console.desk.portal.authn.store().audit(&filter).await?;
    Ok(found.first().map_or(0, |logged| logged.number))
}

/// POST `/desk/users/{id}/{act}`
pub async fn submit(Path((id, act)): Path<(String, String)>, Post(desk, form): Post) -> Response {
    match known(desk, &id, &act).await {
        Ok((desk, id, page, act)) => {
            let outcome = match form {
                Ok(form) => submitted(&desk, id, (page, act), &form).await,
                Err(stop) => Err(stop),
            };
            desk.finish(outcome)
        }
        Err(response) => response,
    }
}

async fn submitted(
    desk: &Desk,
    id: AccountId,
    (page, act): (view::Act, Act),
    form: &Form,
) -> Outcome {
    let console = desk.console().await?;
    let filled = Filled::of(form);
    if act == Act::IssueCode {
        let after: Option<i64> = form.field("after").parse().ok();
        if after != Some(last_issue(&console, id).await?) {
            return Ok(Reply::see_other(format!("/desk/users/{id}")));
        }
    }
    let order = filled.order(act, id);
    let place = desk.visit.place();
    let acted = desk
        .portal
        .authn
        .desk_act(&console.agent, order, &place)
        .await?;
    match acted {
        Ok(Acted::Done {
            code:
                Some(Issued {
                    code: Some(code),
                    expires_at,
                }),
            ..
        }) => shown(&console, id, &code, expires_at).await,
        Ok(Acted::Done { count, .. }) => Ok(Reply::see_other(format!(
            "/desk/users/{id}?done={}&n={count}",
            page.code()
        ))),
        Ok(Acted::Waiting(_)) => Ok(Reply::see_other(format!(
            "/desk/users/{id}?done={}",
            page.code()
        ))),
        Err(
            denied @ (Denied::Missing(_)
            | Denied::Cannot(Cannot::NoMail | Cannot::ContactChanged | Cannot::OnlyByMail)),
        ) => ask(&console, id, (page, act), &filled, WRONG, Some(denied)).await,
        Err(denied @ Denied::Quota { until }) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let reply = ask(&console, id, (page, act), &filled, status, Some(denied)).await?;
            let wait = until.since(desk.portal.env.now());
            Ok(reply.header(header::RETRY_AFTER, wait.as_secs().max(1).to_string()))
        }
        Err(denied) => console.denied(denied, Some(id)).await,
    }
}

/// The code, in this answer and nowhere else.
async fn shown(console: &Console<'_>, id: AccountId, code: &str, until: Timestamp) -> Outcome {
    let account = console.desk.portal.authn.store().account(id).await?;
    let name = account.map(|account| account.name).unwrap_or_default();
    let now = console.desk.portal.env.now();
    let page = view::CodeShown {
        desk: console.frame(view::Section::Users).await?,
        id: &id.to_string(),
        name: &name,
        code,
        until: until.seconds(),
        minutes: minutes_rounded_up(until.since(now)),
    };
    console.page(StatusCode::OK, &page)
}
