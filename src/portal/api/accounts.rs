//! Accounts: list, show, make, change, plan the deletion of.

use super::acts;
use super::cursor::List;
use super::problem::Problem;
use super::request::{Case, is_plain};
use super::shapes::{AccountDetail, AccountLine, moment};
use super::{BASE, Call, Done, Reply};
use crate::authn::desk::{Begins, Newcomer, Parameters, Unfit, Unlisted};
use crate::domain::adoption::Standing;
use crate::domain::desk::Act;
use crate::i18n::Language;
use axum::body::Body;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

pub(super) async fn list(call: &Call) -> Done {
    call.query.allow(&["q", "standing", "after", "limit"])?;
    let words = "write `on`, `grace`, `due` or `exempt`";
    let standing = call.query.read("standing", words, Standing::parse)?;
    let after = call.position(List::Accounts, "after")?;
    let limit = usize::try_from(call.query.limit()?).unwrap_or(1);
    let authn = &call.portal.authn;
    let listed = authn
        .desk_list(
            &call.agent,
            call.query.text("q"),
            standing,
            (after.as_deref(), limit),
            &call.place,
        )
        .await??;
    let listed = listed.map_err(|Unlisted::TooMany| Problem::TOO_MANY_MATCHES)?;
    let lines: Vec<AccountLine<'_>> = listed.matches.iter().map(AccountLine::of).collect();
    let next = listed.next.map(|login| call.next(List::Accounts, &login));
    Reply::ok(json!({ "accounts": lines, "next": next }))
}

pub(super) async fn show(call: &Call) -> Done {
    call.query.allow(&[])?;
    let (authn, id) = (&call.portal.authn, call.account()?);
    let looked = authn.desk_look(&call.agent, id, &call.place).await??;
    Reply::ok(AccountDetail::of(&looked))
}

/// How a new account begins. There is no password in any answer: a program has nobody to tell it to.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Start {
    None,
    /// With a link by mail, to choose the first password.
    Invite,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    login: String,
    name: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    language: Option<String>,
    start: Start,
}

pub(super) async fn create(call: &Call, body: Body) -> Done {
    call.query.allow(&[])?;
    let new: New = call.json(body).await?;
    let begins = match new.start {
        Start::None => Begins::Bare,
        Start::Invite => Begins::Invited,
    };
    if !is_plain(&new.name) || new.name.chars().count() > 254 {
        return Err(unfit(&[Unfit::NameEmpty]));
    }
    let is_known = |tag: &String| Language::parse(tag).is_some();
    if new.language.as_ref().is_some_and(|tag| !is_known(tag)) {
        return Err(Problem::ACCOUNT_UNFIT
            .saying("`language` is none of those that the pages speak: en, fi, sv, nb, da, de."));
    }
    let newcomer = Newcomer {
        login: new.login,
        email: new.email,
        name: new.name,
        groups: new.groups,
        language: new.language,
        begins,
    };
    let authn = &call.portal.authn;
    let created = authn
        .desk_create(&call.agent, newcomer, &call.place)
        .await??
        .map_err(|reasons| unfit(&reasons))?;
    let id = created.account.id;
    Ok(Reply {
        status: StatusCode::CREATED,
        body: json!({ "id": id.to_string(), "login": created.account.login }),
        location: Some(format!("{BASE}/accounts/{id}")),
    })
}

/// The first reason decides the code, `detail` names all.
fn unfit(reasons: &[Unfit]) -> Problem {
    let sentence = |reason: &Unfit| match reason {
        Unfit::NameEmpty => "`name` has 1 to 254 characters, and no control character.",
        Unfit::LoginEmpty | Unfit::Login => "`login` has 1 to 254 bytes, and no control character.",
        Unfit::LoginTaken => "`login` is taken.",
        Unfit::Email => "`email` is no address: write name@domain.",
        Unfit::EmailTaken => "`email` is taken.",
        Unfit::NoInvitation => {
            "`email` is missing, or there is no mail server: nothing to invite by."
        }
        Unfit::Groups => {
            "`groups`: a name has 1 to 128 bytes, no comma, no control character and no blank at its ends."
        }
        Unfit::Role => "`groups`: one of them gives a role in the console.",
    };
    if reasons.contains(&Unfit::Role) {
        return Problem::ACCOUNT_PRIVILEGED;
    }
    let sentences: Vec<&str> = reasons.iter().map(sentence).collect();
    Problem::ACCOUNT_UNFIT.saying(sentences.join(" "))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NewStatus {
    Active,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amendment {
    case: Case,
    #[serde(default)]
    groups: Option<BTreeSet<String>>,
    #[serde(default)]
    status: Option<NewStatus>,
}

/// One thing at a time, so that each is whole: all groups anew, or the status.
pub(super) async fn amend(call: &Call, body: Body) -> Done {
    call.query.allow(&[])?;
    let id = call.account()?;
    let Amendment {
        case,
        groups,
        status,
    } = call.json(body).await?;
    let act = match (&groups, status) {
        (Some(_), None) => Act::SetGroups,
        (None, Some(NewStatus::Active)) => Act::Enable,
        (None, Some(NewStatus::Disabled)) => Act::Disable,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid(
                "Send `groups` or `status`, one of the two in a request.",
            ));
        }
    };
    let parameters = Parameters {
        groups,
        ..Parameters::default()
    };
    acts::answer(call, acts::order(act, id, case, parameters)).await
}

pub(super) async fn delete(call: &Call) -> Done {
    call.query.allow(&["case"])?;
    let id = call.account()?;
    let case = call.query.text("case").unwrap_or_default().to_owned();
    let case = Case::try_from(case).map_err(|error| Problem::invalid(format!("{error}.")))?;
    acts::done(
        call,
        acts::order(Act::Delete, id, case, Parameters::default()),
    )
    .await?;
    let account = call.portal.authn.store().account(id).await;
    let account = account.map_err(crate::authn::Fault::from)?;
    let at = account.and_then(|account| account.history.delete_at);
    let at = at.ok_or(Problem::OVERTAKEN)?;
    Reply::ok(json!({ "id": id.to_string(), "delete_at": moment(at) }))
}
