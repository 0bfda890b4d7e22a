//! After a round: whether what people were told is so, through the front door and in the store, and whether anything
//! is there by half.

use super::ledger::{Entries, Ledger, Once, Revoked, Use};
use super::people::{now, step_of};
use super::walker::{Sent, Walker};
use super::world::{Person, World};
use crate::support::client::Wire;
use crate::whole::browser::SESSION;
use crate::whole::site::{LOGIN, WIKI};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::audit::Event;
use vestibule::store::AuditFilter;

/// Longest that a session may open anything after it was ended and everything is back: what the cache believes
/// without a word from the store.
pub(super) const TO_REVOKE: Duration = vestibule::authn::sessions::CACHE_TTL;

/// When a revoked session opened anything for the last time, on any node. All are refused in the end.
pub(super) async fn revoked_are_out(
    world: &World,
    revoked: &[Revoked],
    (back, patience): (Instant, Duration),
    ledger: &Ledger,
) -> Duration {
    let tries = revoked.iter().flat_map(|one| {
        let nodes = world.nodes.iter();
        nodes.map(move |node| is_refused(one, one.walker.at(&node.net), (back, patience)))
    });
    let mut worst = Duration::ZERO;
    for took in join_all(tries).await {
        match took {
            Ok(took) => worst = worst.max(took),
            Err(what) => ledger.violation(what),
        }
    }
    worst
}

async fn is_refused(
    one: &Revoked,
    mut thief: Walker,
    (back, patience): (Instant, Duration),
) -> Result<Duration, String> {
    let since = one.at.max(back);
    let mut opened = Duration::ZERO;
    loop {
        let wiki = thief.get(WIKI, "/").await.map(|a| a.status);
        let portal = thief.clone().get(LOGIN, "/").await.map(|a| a.status);
        if wiki == Some(302) && portal == Some(303) {
            return Ok(opened);
        }
        if wiki == Some(200) || portal == Some(200) {
            opened = since.elapsed();
        }
        if since.elapsed() > patience {
            let address = thief.browser.net.address;
            return Err(format!(
                "{} ({}): the session still lives on {address}: {wiki:?} {portal:?}",
                one.person.login, one.why
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sockets of sessions that are over are closed.
pub(super) async fn sockets_end(
    sockets: Vec<(String, Wire)>,
    (revoked, patience): (&[Revoked], Duration),
    ledger: &Ledger,
) {
    for (login, mut wire) in sockets {
        if revoked.iter().any(|r| r.person.login == login) && !wire.closes_within(patience).await {
            ledger.violation(format!("{login}: a WebSocket outlived its session"));
        }
    }
}

pub(super) async fn those_inside_stay(world: &World, inside: &[(String, Walker)], ledger: &Ledger) {
    let looks = inside.iter().flat_map(|(login, walker)| {
        let nodes = world.nodes.iter();
        nodes.map(move |node| {
            let mut walker = walker.at(&node.net);
            async move {
                let status = walker.page("/").await.map(|a| a.status);
                // and not at the door
                let at_home = walker.browser.at.ends_with('/');
                (status == Some(200) && at_home).then_some(()).ok_or(login)
            }
        })
    });
    for look in join_all(looks).await {
        if let Err(login) = look {
            ledger.violation(format!("{login}: an acknowledged session is gone"));
        }
    }
}

/// What was used once is not used again, on no node; and whoever has an app comes in with its next code.
pub(super) async fn once_is_once(world: &World, uses: Vec<Use>, ledger: &Ledger) {
    let all = uses.into_iter().map(|used| replay(world, used));
    for done in join_all(all).await {
        if let Err(what) = done {
            ledger.violation(what);
        }
    }
}

async fn replay(world: &World, used: Use) -> Result<(), String> {
    let login = &used.person.login;
    let account = world.find(&used.person).await;
    let Some(totp) = account.totp else {
        // an enrolment that nobody was told of, and that was not
        return match used.told {
            true => Err(format!("{login}: no app is bound")),
            false => Ok(()),
        };
    };
    if let (Once::Totp { step, .. }, true) = (&used.once, used.told)
        && totp.last_step < *step
    {
        return Err(format!("{login}: step {step} is not spent"));
    }
    let mut walker = at_door(world, login).await?;
    let mut accepted = 0;
    // what nobody was told of may be good still: once
    for _ in 0..if used.told { 1 } else { 2 } {
        for node in &world.nodes {
            let mut there = walker.at(&node.net);
            if tries(&mut there, login, &used.once).await? {
                accepted += 1;
                walker = at_door(world, login).await?;
            } else {
                walker = there;
            }
        }
    }
    if accepted > usize::from(!used.told) {
        let told = used.told;
        return Err(format!(
            "{login}: a code twice (told: {told}, again: {accepted})"
        ));
    }
    let Some(phone) = used.phone else {
        return Ok(());
    };
    let last = world
        .find(&used.person)
        .await
        .totp
        .map_or(0, |t| t.last_step);
    let step = step_of(now()).max(last + 1);
    let code = phone.code(i64::try_from(step * 30).unwrap());
    let next = Once::Totp { step, code };
    let is_right = tries(&mut walker, login, &next).await?;
    if is_right && walker.browser.cookie(LOGIN, SESSION).is_none() {
        // who was cut off before the emergency codes were stored is shown them now
        let fields = [("stored", "1"), ("do", "finish")];
        let _ = walker.form("/enrol/codes", "/enrol/codes", &fields).await;
    }
    if !is_right || walker.browser.cookie(LOGIN, SESSION).is_none() {
        return Err(format!(
            "{login}: the next code of the app lets nobody in (accepted: {is_right})"
        ));
    }
    let mut walker = at_door(world, login).await?;
    for node in &world.nodes {
        walker = walker.at(&node.net);
        if tries(&mut walker, login, &next).await? {
            return Err(format!("{login}: a code of after the storm twice"));
        }
    }
    Ok(())
}

async fn at_door(world: &World, login: &str) -> Result<Walker, String> {
    let mut walker = world.walker();
    match walker.at_second_door(login).await {
        Some(()) => Ok(walker),
        None => Err(format!(
            "{login}: no way to the second door after the storm"
        )),
    }
}

/// Whether a code was accepted.
async fn tries(walker: &mut Walker, login: &str, once: &Once) -> Result<bool, String> {
    let (path, field) = once.door();
    let mut sent = Sent::Not;
    for _ in 0..3 {
        walker.replay();
        sent = walker.form(path, path, &[(field, once.text())]).await;
        // a machine that is busy with other tests may be late
        if matches!(sent, Sent::Answered(_)) {
            break;
        }
    }
    match &sent {
        Sent::Answered(answer) if answer.status == 422 => Ok(false),
        Sent::Answered(answer) if answer.status == 303 && !sent.leads_to("/signin") => Ok(true),
        Sent::Answered(answer) => {
            let head = answer.head.lines().next().unwrap_or_default();
            let to = sent.location();
            Err(format!(
                "{login}: after the storm {path} says {head} {to:?}"
            ))
        }
        Sent::Not => Err(format!("{login}: no page at {path} after the storm")),
        Sent::InTheDark => Err(format!("{login}: no answer at {path} after the storm")),
    }
}

/// What the store says, before anybody knocks again.
pub(super) async fn the_store_agrees(world: &World, entries: &Entries, ledger: &Ledger) {
    let store = |person: &Person, what: &str| ledger.violation(format!("{}: {what}", person.login));
    for person in &entries.postponed {
        if world.find(person).await.reminder.snoozed_until.is_none() {
            store(person, "the reminder was postponed and is not");
        }
    }
    for person in &entries.bound {
        if world.find(person).await.totp.is_none() {
            store(person, "an app was bound and is not");
        }
    }
    for person in &entries.disabled {
        if world.find(person).await.is_active() {
            store(person, "was disabled and is active");
        }
        if world.walker().at_second_door(&person.login).await.is_some() {
            store(person, "was disabled and passes the first door");
        }
    }
    for person in &entries.reset {
        if world.find(person).await.totp.is_some() {
            store(person, "the second factor was reset and is there");
        }
    }
    for (person, group) in &entries.groups {
        if !world.find(person).await.groups.contains(group) {
            store(person, "was given a group and is not in it");
        }
    }
    for (person, codes) in &entries.codes_shown {
        let kept = world.office.store.emergency_codes(person.account.id).await;
        let used = count(world, person, Event::EmergencyCodeUsed).await;
        if kept.unwrap().len() + used != codes.len() {
            store(person, "emergency codes were shown and are not kept");
        }
    }
    for person in &entries.issued {
        if count(world, person, Event::OneTimeCodeIssued).await != 1 {
            store(person, "a one-time code was given and is not in the trail");
        }
    }
    for one in &entries.revoked {
        let event = match one.why {
            "sign-outs" => Event::SignedOut,
            "sessions ended" => Event::SessionRevoked,
            // counted with the account itself
            _ => continue,
        };
        if count(world, &one.person, event).await == 0 {
            store(
                &one.person,
                "a session was ended and the trail does not know",
            );
        }
    }
    for person in &entries.people {
        if let Err(what) = is_whole(world, person).await {
            store(person, &what);
        }
    }
}

async fn count(world: &World, person: &Person, event: Event) -> usize {
    let filter = AuditFilter {
        account: Some(person.account.id),
        events: vec![event],
        limit: 1000,
        ..AuditFilter::default()
    };
    world.office.store.audit(&filter).await.unwrap().len()
}

/// Each change of an account is there with its record in the trail, or neither is.
async fn is_whole(world: &World, person: &Person) -> Result<(), String> {
    let account = world.find(person).await;
    let codes = world
        .office
        .store
        .emergency_codes(account.id)
        .await
        .unwrap();
    let sessions = world
        .office
        .store
        .sessions_of(Some(account.id), world.office.env.now(), 100);
    let sessions = sessions.await.unwrap().len();
    let n = async |event| count(world, person, event).await;
    let mut wrong = Vec::new();
    let mut same = |what: &str, state: usize, records: usize| {
        if state != records {
            wrong.push(format!(
                "{what}: {state} in the account, {records} in the trail"
            ));
        }
    };
    let is = usize::from;
    same(
        "disabled",
        is(!account.is_active()),
        n(Event::AccountDisabled).await,
    );
    same(
        "groups",
        is(!account.groups.is_empty()),
        n(Event::GroupsChanged).await,
    );
    let reset = n(Event::AuthenticatorReset).await;
    let bound = n(Event::AuthenticatorBound).await;
    same(
        "app",
        is(account.totp.is_some()) + reset,
        bound + is(person.had_app),
    );
    let snoozed = is(account.reminder.snoozed_until.is_some());
    same("postponed", snoozed, n(Event::ReminderPostponed).await);
    if let Some(totp) = &account.totp {
        let accepted = n(Event::CodeAccepted).await;
        same("codes", is(totp.last_step > 0), accepted + bound);
    }
    if bound > 0 {
        same(
            "emergency codes",
            codes.len() + n(Event::EmergencyCodeUsed).await,
            3,
        );
    }
    if !person.was_inside {
        same("sessions", sessions, n(Event::SignedIn).await);
    }
    if n(Event::OneTimeCodeUsed).await > 1 {
        wrong.push("a one-time code twice in the trail".to_owned());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("; ")),
    }
}
