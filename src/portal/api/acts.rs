//! What the helpdesk does to an account.

use super::problem::Problem;
use super::request::Case;
use super::shapes::{moment, parse_moment};
use super::{Call, Done, Reply};
use crate::authn::desk::{Denied, Issued, Order, Outcome, Parameters, Send};
use crate::domain::desk::{Act, IdentityCheck, Refusal};
use crate::domain::id::AccountId;
use axum::body::Body;
use serde::Deserialize;
use serde_json::json;

pub(super) fn order(act: Act, target: AccountId, case: Case, parameters: Parameters) -> Order {
    Order {
        act,
        target,
        case: case.0,
        check: None,
        parameters,
    }
}

/// Does it; how many sessions or devices it touched, and the code where one was asked for.
pub(super) async fn done(call: &Call, order: Order) -> Result<(usize, Option<Issued>), Problem> {
    let authn = &call.portal.authn;
    let outcome = authn.desk_act(&call.agent, order, &call.place).await?;
    match outcome {
        Ok(Outcome::Done { code, count }) => Ok((count, code)),
        // what waits for a second agent is nothing that a program asks for
        Ok(Outcome::Waiting(_)) => Err(Denied::Refusal(Refusal::Scope).into()),
        Err(Denied::Quota { until }) => {
            let pause = until.since(call.portal.env.now());
            Err(Problem::TOO_MANY_CODES.after(pause))
        }
        Err(denied) => Err(denied.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    case: Case,
}

pub(super) async fn plain(call: &Call, act: Act, body: Body) -> Done {
    call.query.allow(&[])?;
    let id = call.account()?;
    let Plain { case } = call.json(body).await?;
    answer(call, order(act, id, case, Parameters::default())).await
}

pub(super) async fn answer(call: &Call, order: Order) -> Done {
    let id = order.target.to_string();
    let (count, _) = done(call, order).await?;
    Reply::ok(json!({ "id": id, "count": count }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemption {
    case: Case,
    until: String,
}

pub(super) async fn exempt(call: &Call, body: Body) -> Done {
    call.query.allow(&[])?;
    let id = call.account()?;
    let Exemption { case, until } = call.json(body).await?;
    let until = parse_moment(&until)
        .ok_or_else(|| Problem::invalid("`until`: write a moment like 2026-01-31T12:00:00Z."))?;
    let parameters = Parameters {
        until: Some(until),
        ..Parameters::default()
    };
    done(call, order(Act::Exempt, id, case, parameters)).await?;
    Reply::ok(json!({ "id": id.to_string(), "exempt_until": moment(until) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    case: Case,
    check: IdentityCheck,
}

/// The link goes to the person by mail, and is in no answer.
pub(super) async fn reset_password(call: &Call, body: Body) -> Done {
    call.query.allow(&[])?;
    let id = call.account()?;
    let Reset { case, check } = call.json(body).await?;
    let order = Order {
        check: Some(check),
        ..order(Act::StartPasswordReset, id, case, Parameters::default())
    };
    answer(call, order).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    case: Case,
    check: IdentityCheck,
    send: Send,
}

/// The code is in the answer where it is to be shown: that is what was asked for, and it is nowhere else.
pub(super) async fn issue_code(call: &Call, body: Body) -> Done {
    call.query.allow(&[])?;
    let id = call.account()?;
    let Code { case, check, send } = call.json(body).await?;
    let parameters = Parameters {
        send: Some(send),
        ..Parameters::default()
    };
    let order = Order {
        check: Some(check),
        ..order(Act::IssueCode, id, case, parameters)
    };
    let (_, issued) = done(call, order).await?;
    let issued = issued.ok_or(Problem::INTERNAL)?;
    Reply::ok(json!({
        "id": id.to_string(),
        "code": issued.code.as_ref().map(|code| code.as_str()),
        "expires_at": moment(issued.expires_at),
    }))
}
