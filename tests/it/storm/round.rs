//! One round: fresh people, what they do all at once, harm in the middle of it, and the reckoning.

use super::checker::{self, TO_REVOKE};
use super::console;
use super::dice::Dice;
use super::harm::Harm;
use super::ledger::{Entries, Ledger};
use super::people;
use super::walker::Walker;
use super::world::World;
use crate::support::sqlite;
use crate::whole::site::WIKI;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vestibule::domain::assurance::SecondFactor;

const APP: Option<SecondFactor> = Some(SecondFactor::Totp);

/// What a round has shown.
pub(super) struct Outcome {
    pub(super) entries: Entries,
    /// From everything being back to a sign-in through every node.
    pub(super) recovery: Duration,
    /// From then until a session that was revoked before opened anything for the last time.
    pub(super) revocation: Duration,
    /// Sessions that are over for good.
    pub(super) ghosts: Vec<Walker>,
}

/// What people are about to do, each from a moment of their own on.
struct Crowd<'a> {
    all: Vec<BoxFuture<'static, Option<()>>>,
    dice: &'a mut Dice,
}

impl Crowd<'_> {
    fn begin(&mut self, doing: impl Future<Output = Option<()>> + Send + 'static) {
        let pause = Duration::from_millis(self.dice.up_to(900));
        let doing = async move {
            sleep(pause).await;
            doing.await
        };
        self.all.push(doing.boxed());
    }
}

pub(super) async fn run(
    world: &mut World,
    (round, harm): (usize, Harm),
    dice: &mut Dice,
    ghosts: Vec<Walker>,
) -> Outcome {
    let ledger = Arc::new(Ledger::default());
    let over = Arc::new(AtomicBool::new(false));
    let name = |what: &str| format!("{what}-{round}");
    let (mut everybody, mut sockets) = (Vec::new(), Vec::new());
    let mut crowd = Crowd {
        all: Vec::new(),
        dice,
    };
    for n in 0..3 {
        let who = world.with_app(name(&format!("enters{n}")), &[]).await;
        everybody.push(who.0.clone());
        crowd.begin(people::enters(world.walker(), who, Arc::clone(&ledger)));
    }
    for n in 0..2 {
        let person = world.person(name(&format!("enrols{n}")), &[]).await;
        everybody.push(person.clone());
        crowd.begin(people::enrols(world.walker(), person, Arc::clone(&ledger)));
        let person = world.person(name(&format!("postpones{n}")), &[]).await;
        everybody.push(person.clone());
        crowd.begin(people::postpones(
            world.walker(),
            person,
            Arc::clone(&ledger),
        ));
    }
    let mut agents = Vec::new();
    for n in 0..2 {
        let (agent, _) = world.with_app(name(&format!("agent{n}")), &["it"]).await;
        agents.push(world.inside(&agent, APP).await);
        ledger.note(|e| e.inside.push((agent.login, agents[n].clone())));
    }
    let (one, two) = (agents[0].clone(), agents[1].clone());
    for (n, kind) in ["leaves", "disabled", "ended", "reset", "reads", "groups"]
        .into_iter()
        .enumerate()
    {
        let (mut person, _) = world.with_app(name(kind), &[]).await;
        person.was_inside = true;
        everybody.push(person.clone());
        let walker = world.inside(&person, APP).await;
        // every node knows the session
        for node in &world.nodes {
            let _ = walker.at(&node.net).get(WIKI, "/").await;
        }
        let node = &world.nodes[n % world.nodes.len()];
        if ["leaves", "ended"].contains(&kind) {
            sockets.push((person.login.clone(), walker.at(&node.net).socket().await));
        }
        let (ledger, theirs) = (Arc::clone(&ledger), (person.clone(), walker.clone()));
        match kind {
            "leaves" => crowd.begin(people::leaves(walker, person, ledger)),
            "disabled" => crowd.begin(console::disables(one.clone(), theirs, ledger)),
            "ended" => crowd.begin(console::signs_out(two.clone(), theirs, ledger)),
            "reads" => {
                let over = Arc::clone(&over);
                crowd.begin(people::reads(walker, person, ledger, over));
            }
            "groups" => crowd.begin(console::sets_groups(one.clone(), person, ledger)),
            _ => {
                let agents = (one.clone(), two.clone());
                let office = Arc::clone(&world.office);
                crowd.begin(console::reset_by_two(office, agents, theirs, ledger));
            }
        }
    }
    let (person, phone) = world.with_app(name("given"), &[]).await;
    everybody.push(person.clone());
    let given = (world.walker(), person, phone);
    crowd.begin(console::gives_code(two, given, Arc::clone(&ledger)));
    for ghost in ghosts {
        crowd.begin(people::haunts(
            ghost,
            Arc::clone(&ledger),
            Arc::clone(&over),
        ));
    }
    ledger.note(|e| e.people = everybody);

    let Crowd { all, dice } = crowd;
    let mut all: JoinSet<Option<()>> = all.into_iter().collect();
    sleep(Duration::from_millis(50 + dice.up_to(1200))).await;
    harm.strike(world, dice).await;
    let back = Instant::now();
    // who was told before is out as soon as everything is back
    let told = ledger.revoked_by_now();
    let (recovery, revocation) = tokio::join!(
        answers_again(world, &ledger),
        checker::revoked_are_out(world, &told, (back, TO_REVOKE), &ledger)
    );
    over.store(true, Ordering::Relaxed);
    while let Some(done) = all.join_next().await {
        if let Err(panicked) = done {
            ledger.violation(format!("somebody fell over: {panicked}"));
        }
    }
    let mut entries = ledger.close();
    let later = &entries.revoked[told.len()..];
    checker::revoked_are_out(world, later, (back, TO_REVOKE), &ledger).await;
    checker::sockets_end(sockets, (&entries.revoked, TO_REVOKE), &ledger).await;
    checker::those_inside_stay(world, &entries.inside, &ledger).await;
    checker::the_store_agrees(world, &entries, &ledger).await;
    checker::once_is_once(world, std::mem::take(&mut entries.uses), &ledger).await;
    if let Some(file) = world.file()
        && let Some(damage) = sqlite::damage(&file).await
    {
        ledger.violation(format!("the file is broken: {damage}"));
    }
    entries.violations.extend(ledger.close().violations);
    let ghosts = entries.revoked.iter().take(2).map(|r| r.walker.clone());
    Outcome {
        ghosts: ghosts.collect(),
        recovery,
        revocation,
        entries,
    }
}

/// Until somebody passes the first door on every node, each of which has been begun by now.
async fn answers_again(world: &World, ledger: &Ledger) -> Duration {
    const AT_MOST: Duration = Duration::from_secs(60);
    let since = Instant::now();
    for node in &world.nodes {
        while world
            .walker()
            .at(&node.net)
            .password("probe")
            .await
            .is_none()
        {
            if since.elapsed() > AT_MOST {
                let address = node.net.address;
                ledger.violation(format!("{address} does not answer again"));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    since.elapsed()
}
