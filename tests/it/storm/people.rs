//! What people do while the storm goes on. Whoever is left in the dark asks again or gives up; only what an answer
//! says is written down as done.

use super::ledger::{Ledger, Once, Use};
use super::walker::{Sent, Walker};
use super::world::Person;
use crate::whole::browser::{SESSION, codes_on};
use crate::whole::phone::Phone;
use crate::whole::site::{LOGIN, WIKI};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vestibule::env::Env;

fn has_session(walker: &Walker) -> bool {
    walker.browser.cookie(LOGIN, SESSION).is_some()
}

pub(super) fn now() -> i64 {
    Env::system().now().seconds()
}

pub(super) fn step_of(at: i64) -> u64 {
    u64::try_from(at / 30).unwrap()
}

/// The code of this moment.
fn code_now(phone: &Phone) -> Once {
    let at = now();
    Once::Totp {
        step: step_of(at),
        code: phone.code(at),
    }
}

/// Sends a code, and sends it again where nothing comes back. `place` is where a right one leads.
async fn spends(
    walker: &mut Walker,
    ledger: &Ledger,
    (person, once, phone): (&Person, &Once, Option<&Phone>),
    is_right: impl Fn(&Walker, &Sent) -> bool,
) -> bool {
    let (path, field) = once.door();
    let (mut sent, mut told) = (false, false);
    for _ in 0..2 {
        let answer = walker.form(path, path, &[(field, once.text())]).await;
        sent |= !matches!(answer, Sent::Not);
        told = is_right(walker, &answer);
        if !matches!(answer, Sent::InTheDark) {
            break;
        }
    }
    if sent {
        let used = Use {
            person: person.clone(),
            once: once.clone(),
            told,
            phone: phone.cloned(),
        };
        match told {
            true => ledger.told("codes used", |e| e.uses.push(used)),
            false => ledger.note(|e| e.uses.push(used)),
        }
    }
    told
}

/// Signs in with the code of a phone.
pub(super) async fn enters(
    mut walker: Walker,
    who: (Person, Phone),
    ledger: Arc<Ledger>,
) -> Option<()> {
    let (person, phone) = who;
    walker.at_second_door(&person.login).await?;
    let once = code_now(&phone);
    let about = (&person, &once, Some(&phone));
    let is_right = |walker: &Walker, sent: &Sent| sent.location().is_some() && has_session(walker);
    if spends(&mut walker, &ledger, about, is_right).await {
        ledger.inside(&person, walker);
    }
    Some(())
}

/// Signs in and puts the reminder off.
pub(super) async fn postpones(
    mut walker: Walker,
    person: Person,
    ledger: Arc<Ledger>,
) -> Option<()> {
    let answer = walker.password(&person.login).await?;
    if answer.header("location") == Some("/remind") {
        let sent = walker.form("/remind", "/remind", &[("do", "later")]).await;
        if sent.location().is_some() && has_session(&walker) {
            ledger.told("reminders postponed", |e| e.postponed.push(person.clone()));
            ledger.inside(&person, walker);
        }
    }
    Some(())
}

/// Signs in and binds a phone, then comes back with an emergency code.
pub(super) async fn enrols(mut walker: Walker, person: Person, ledger: Arc<Ledger>) -> Option<()> {
    let fresh = walker.clone();
    let answer = walker.password(&person.login).await?;
    if answer.header("location") != Some("/remind") {
        return None;
    }
    let _ = walker.form("/remind", "/remind", &[("do", "enrol")]).await;
    let _ = walker
        .form("/enrol/app", "/enrol/app", &[("app", "own")])
        .await;
    let phone = Phone::scan(&walker.page("/enrol/scan").await?.text())?;
    let once = code_now(&phone);
    let sent = walker
        .form("/enrol/confirm", "/enrol/confirm", &[("code", once.text())])
        .await;
    let told = sent.leads_to("/enrol/codes");
    let used = Use {
        person: person.clone(),
        once,
        told,
        phone: Some(phone),
    };
    match sent {
        Sent::Not => return None,
        Sent::Answered(_) if told => {
            ledger.told("enrolments", |e| {
                e.bound.push(person.clone());
                e.uses.push(used);
            });
        }
        Sent::InTheDark | Sent::Answered(_) => {
            ledger.note(|e| e.uses.push(used));
            return None;
        }
    }
    let codes = codes_on(&walker.page("/enrol/codes").await?.text());
    let [first, ..] = codes.as_slice() else {
        return None;
    };
    let once = Once::Emergency(first.clone());
    ledger.told("emergency codes shown", |e| {
        e.codes_shown.push((person.clone(), codes.clone()))
    });
    let fields = [("stored", "1"), ("do", "finish")];
    let sent = walker.form("/enrol/codes", "/enrol/codes", &fields).await;
    if sent.location().is_some() && has_session(&walker) {
        ledger.inside(&person, walker);
    }
    let mut walker = fresh;
    walker.at_second_door(&person.login).await?;
    let is_right = |_: &Walker, sent: &Sent| sent.leads_to("/signin/lost");
    spends(&mut walker, &ledger, (&person, &once, None), is_right).await;
    Some(())
}

/// Comes in with the code that the helpdesk has just given.
pub(super) async fn was_given(
    mut walker: Walker,
    (person, phone, code): (&Person, &Phone, String),
    ledger: &Ledger,
) -> Option<()> {
    walker.at_second_door(&person.login).await?;
    let about = (person, &Once::OneTime(code), Some(phone));
    let is_right = |_: &Walker, sent: &Sent| sent.leads_to("/signin/lost");
    if spends(&mut walker, ledger, about, is_right).await {
        let fields = [("lost", "temporary")];
        let sent = walker.form("/signin/lost", "/signin/lost", &fields).await;
        if sent.location().is_some() && has_session(&walker) {
            ledger.inside(person, walker);
        }
    }
    Some(())
}

/// Signs out of the session that is open.
pub(super) async fn leaves(mut walker: Walker, person: Person, ledger: Arc<Ledger>) -> Option<()> {
    let stolen = walker.clone();
    let sent = walker.form("/signout", "/signout", &[]).await;
    if sent.leads_to("/signed-out") {
        ledger.revoked("sign-outs", &person, stolen);
    }
    Some(())
}

/// Reads in the wiki until it is over, and is never sent to the door.
pub(super) async fn reads(
    mut walker: Walker,
    person: Person,
    ledger: Arc<Ledger>,
    over: Arc<AtomicBool>,
) -> Option<()> {
    while !over.load(Ordering::Relaxed) {
        if let Some(answer) = walker.get(WIKI, "/").await
            && answer.status != 200
        {
            let status = answer.status;
            ledger.violation(format!("{} is inside and got {status}", person.login));
            return None;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    ledger.inside(&person, walker);
    Some(())
}

/// Tries a session that has been over for long, until the storm is.
pub(super) async fn haunts(
    mut walker: Walker,
    ledger: Arc<Ledger>,
    over: Arc<AtomicBool>,
) -> Option<()> {
    while !over.load(Ordering::Relaxed) {
        for host in [WIKI, LOGIN] {
            if let Some(answer) = walker.get(host, "/").await
                && answer.status == 200
            {
                ledger.violation(format!("a session of an earlier round opened {host}"));
                return None;
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Some(())
}
