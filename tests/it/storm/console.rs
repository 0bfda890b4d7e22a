//! What agents do to others while the storm goes on.

use super::ledger::Ledger;
use super::people::was_given;
use super::walker::{Sent, Walker};
use super::world::Person;
use crate::whole::browser::field;
use crate::whole::phone::Phone;
use std::sync::Arc;
use vestibule::app::Office;

async fn act(agent: &mut Walker, person: &Person, act: &str, more: &[(&str, &str)]) -> bool {
    let path = format!("/desk/users/{}/{act}", person.account.id);
    let fields = [&[("case", "CS-1"), ("check", "id")][..], more].concat();
    let done = format!("/desk/users/{}?done={act}", person.account.id);
    let sent = agent.form("/signout", &path, &fields).await;
    sent.location()
        .is_some_and(|location| location.starts_with(&done))
}

pub(super) async fn disables(
    mut agent: Walker,
    (person, theirs): (Person, Walker),
    ledger: Arc<Ledger>,
) -> Option<()> {
    if act(&mut agent, &person, "disable", &[]).await {
        ledger.revoked("accounts disabled", &person, theirs);
        ledger.note(|e| e.disabled.push(person));
    }
    Some(())
}

pub(super) async fn signs_out(
    mut agent: Walker,
    (person, theirs): (Person, Walker),
    ledger: Arc<Ledger>,
) -> Option<()> {
    if act(&mut agent, &person, "sign-out", &[]).await {
        ledger.revoked("sessions ended", &person, theirs);
    }
    Some(())
}

pub(super) async fn sets_groups(
    mut agent: Walker,
    person: Person,
    ledger: Arc<Ledger>,
) -> Option<()> {
    let groups = format!("g-{}", person.login);
    if act(&mut agent, &person, "groups", &[("groups", &groups)]).await {
        ledger.told("groups set", |e| e.groups.push((person, groups)));
    }
    Some(())
}

/// One asks, another one approves.
pub(super) async fn reset_by_two(
    office: Arc<Office>,
    (mut one, mut two): (Walker, Walker),
    (person, theirs): (Person, Walker),
    ledger: Arc<Ledger>,
) -> Option<()> {
    if !act(&mut one, &person, "reset", &[]).await {
        return None;
    }
    // this handle is not spared when the server itself is down
    let waiting = office.store.approvals(office.env.now()).await.ok()?;
    let Some(request) = waiting.iter().find(|a| a.target == person.account.id) else {
        ledger.violation(format!("{}: a request for approval is lost", person.login));
        return None;
    };
    let path = format!("/desk/approvals/{}", request.id);
    let sent = two.form("/signout", &path, &[("do", "approve")]).await;
    if sent.leads_to("/desk/approvals?done=approved") {
        ledger.revoked("second factors reset", &person, theirs);
        ledger.note(|e| e.reset.push(person));
    }
    Some(())
}

/// Gives somebody a one-time code, who comes in with it at once.
pub(super) async fn gives_code(
    mut agent: Walker,
    (walker, person, phone): (Walker, Person, Phone),
    ledger: Arc<Ledger>,
) -> Option<()> {
    let path = format!("/desk/users/{}/one-time-code", person.account.id);
    let after = field(&agent.page(&path).await?.text(), "after")?;
    let fields = [
        ("check", "callback"),
        ("send", "show"),
        ("case", "CS-1"),
        ("after", after.as_str()),
    ];
    let Sent::Answered(answer) = agent.form(&path, &path, &fields).await else {
        return None;
    };
    let html = answer.text();
    let (_, rest) = html.split_once("<p class=\"big\" translate=\"no\">")?;
    let code = rest.split('<').next()?.to_owned();
    ledger.told("one-time codes issued", |e| e.issued.push(person.clone()));
    was_given(walker, (&person, &phone, code), &ledger).await
}
