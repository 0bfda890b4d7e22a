//! What waits, how far two-factor authentication has come, and the trail.

use super::cursor::List;
use super::problem::Problem;
use super::shapes::{figures, moment, record, waiting, week};
use super::{Call, Done, Reply};
use crate::authn::desk::Question;
use crate::domain::audit::Event;
use serde_json::{Value, json};
use std::str::FromStr as _;

pub(super) async fn approvals(call: &Call) -> Done {
    call.query.allow(&[])?;
    let authn = &call.portal.authn;
    let found = authn.desk_waiting(&call.agent, &call.place).await??;
    let approvals: Vec<Value> = found.iter().map(waiting).collect();
    Reply::ok(json!({ "approvals": approvals }))
}

pub(super) async fn adoption(call: &Call) -> Done {
    call.query.allow(&[])?;
    let authn = &call.portal.authn;
    let today = authn.adoption().await?;
    let curve = authn.adoption_curve().await?;
    let groups: serde_json::Map<String, Value> = today
        .tally
        .groups
        .iter()
        .map(|(group, of_group)| (group.clone(), figures(*of_group)))
        .collect();
    let weeks: Vec<Value> = curve.iter().map(|w| week(w.monday, w.figures)).collect();
    Reply::ok(json!({
        "at": moment(today.at),
        "all": figures(today.tally.all),
        "groups": groups,
        "weeks": weeks,
    }))
}

pub(super) async fn trail(call: &Call) -> Done {
    let query = &call.query;
    query.allow(&["account", "actor", "event", "from", "to", "before", "limit"])?;
    let before = call.position(List::Trail, "before")?;
    let before = before.map(|number| i64::from_str(&number));
    let words = "write the code of an event, like `session.opened`";
    let question = Question {
        account: query.text("account").unwrap_or_default(),
        actor: query.text("actor").unwrap_or_default(),
        event: query.read("event", words, Event::parse)?,
        since: query.moment("from")?,
        until: query.moment("to")?,
        before: before.transpose().map_err(|_| Problem::INTERNAL)?,
    };
    let (authn, limit) = (&call.portal.authn, query.limit()?);
    let page = authn
        .desk_trail_page(&call.agent, question, limit, &call.place)
        .await??;
    let records: Vec<Value> = page.entries.iter().map(record).collect();
    let next = page
        .older
        .map(|number| call.next(List::Trail, &number.to_string()));
    Reply::ok(json!({ "records": records, "next": next }))
}
