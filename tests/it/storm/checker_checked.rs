//! A checker that finds nothing has to be one that would find it: false entries, each of which it must object to.

use super::checker;
use super::ledger::{Entries, Ledger, Once, Use};
use super::people::{now, step_of};
use super::world::World;
use crate::whole::browser::SESSION;
use crate::whole::site::{LOGIN, WIKI};
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::account::Status;
use vestibule::domain::assurance::SecondFactor;
use vestibule::store::Change;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn false_entries_are_objected_to() {
    let world = World::new(1, None).await;
    let ledger = Ledger::default();
    let named = |name: &str| name.to_owned();

    // what nobody has done
    let idle = world.person(named("idle"), &[]).await;
    let shut = world.person(named("shut"), &[]).await;
    let (app, phone) = world.with_app(named("app"), &[]).await;
    let change = Change::SetStatus {
        account: shut.account.id,
        status: Status::Disabled,
    };
    let _ = world.office.store.commit(&[change]).await.unwrap();
    let entries = Entries {
        postponed: vec![idle.clone()],
        bound: vec![idle.clone()],
        disabled: vec![idle.clone()],
        reset: vec![app.clone()],
        groups: vec![(idle.clone(), named("staff"))],
        issued: vec![idle.clone()],
        codes_shown: vec![(idle, vec![named("code")])],
        // without its record
        people: vec![shut],
        ..Entries::default()
    };
    checker::the_store_agrees(&world, &entries, &ledger).await;
    objected(
        &ledger,
        &[
            "idle: the reminder was postponed and is not",
            "idle: an app was bound and is not",
            "idle: was disabled and is active",
            "app: the second factor was reset and is there",
            "idle: was given a group and is not in it",
            "idle: emergency codes were shown and are not kept",
            "idle: a one-time code was given and is not in the trail",
            "shut: disabled: 1 in the account, 0 in the trail",
        ],
    );

    // a session that lives, and one that does not
    let walker = world.inside(&app, Some(SecondFactor::Totp)).await;
    let socket = walker.socket().await;
    let mut gone = walker.clone();
    gone.browser.plant(LOGIN, SESSION, "nothing");
    gone.browser.plant(WIKI, SESSION, "nothing");
    ledger.revoked("sign-outs", &app, walker);
    ledger.inside(&app, gone);
    let entries = ledger.close();
    let patience = Duration::from_secs(1);
    let back = (Instant::now(), patience);
    checker::revoked_are_out(&world, &entries.revoked, back, &ledger).await;
    let sockets = vec![(named("app"), socket)];
    checker::sockets_end(sockets, (&entries.revoked, patience), &ledger).await;
    checker::those_inside_stay(&world, &entries.inside, &ledger).await;
    checker::the_store_agrees(&world, &entries, &ledger).await;
    objected(
        &ledger,
        &[
            "app (sign-outs): the session still lives on 127.0.1.1",
            "app: a WebSocket outlived its session",
            "app: an acknowledged session is gone",
            "app: a session was ended and the trail does not know",
        ],
    );

    // codes that were told to be used and are good still
    let used = |step| Use {
        person: app.clone(),
        once: Once::Totp {
            step,
            code: phone.code(now()),
        },
        told: true,
        phone: None,
    };
    checker::once_is_once(&world, vec![used(step_of(now()))], &ledger).await;
    checker::once_is_once(&world, vec![used(0)], &ledger).await;
    objected(&ledger, &["app: step", "app: a code twice"]);
}

fn objected(ledger: &Ledger, expected: &[&str]) {
    let found = ledger.close().violations;
    let is_so =
        found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
    assert!(is_so, "{found:#?}");
}
