//! A storm over several nodes behind a load balancer: processes are killed and stopped, cables cut, while people sign
//! in, enrol, use codes and agents act in the console. Nothing that was acknowledged is lost, and once means once.
//!
//! Few rounds here; many with `STORM_ROUNDS=200 cargo test --test it storm:: -- --ignored --nocapture`, see
//! `docs/reliability.md`.

mod balancer;
mod cable;
mod checker;
mod checker_checked;
mod console;
mod database;
mod dice;
mod harm;
mod ledger;
pub(crate) mod nodes;
mod people;
mod report;
mod round;
mod walker;
mod world;

use database::Database;
use dice::Dice;
use harm::Harm;
use report::Report;
use vestibule::env::{Env, variable};
use world::World;

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

async fn storm(nodes: usize, database: Option<Database>, harms: &[Harm], rounds: usize) {
    let chance = || u64::from_le_bytes(Env::system().random());
    let seed = number("STORM_SEED").unwrap_or_else(chance);
    println!("STORM_SEED={seed}");
    let server = match &database {
        Some(database) => format!("PostgreSQL {}", database.version().await),
        None => "SQLite".to_owned(),
    };
    let title = format!("{nodes} nodes on {server}, seed {seed}");
    let mut world = World::new(nodes, database).await;
    world.person("probe".to_owned(), &[]).await;
    let (mut dice, mut report) = (Dice::new(seed), Report::default());
    let mut ghosts = Vec::new();
    for n in 0..rounds {
        let harm = harms[n % harms.len()];
        let outcome = round::run(&mut world, (n, harm), &mut dice, ghosts).await;
        report.add(harm, &outcome);
        if !outcome.entries.violations.is_empty() {
            for node in &world.nodes {
                println!("{}", node.last_words());
            }
        }
        ghosts = outcome.ghosts;
        if (n + 1) % 10 == 0 {
            report.line(rounds);
        }
    }
    report.table(&title, &world.counts);
    assert_eq!(report.violations, Vec::<String>::new());
    // a storm in which nothing is done shows nothing
    let least = 5 * rounds as u64;
    assert!(report.acknowledged() > least, "the storm was a breeze");
}

fn long() -> usize {
    usize::try_from(number("STORM_ROUNDS").unwrap_or(20)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_lose_nothing_and_use_nothing_twice() {
    let harms = &Harm::ON_A_SERVER[..4];
    storm(2, Some(Database::start().await), harms, harms.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_lose_nothing_and_use_nothing_twice() {
    let harms = &Harm::ON_A_SERVER[4..7];
    storm(3, Some(Database::start().await), harms, harms.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_file_loses_nothing_and_stays_whole() {
    storm(1, None, &Harm::ON_ONE_FILE, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: docs/reliability.md has the command"]
async fn two_nodes_for_long() {
    storm(2, Some(Database::start().await), &Harm::ON_A_SERVER, long()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: docs/reliability.md has the command"]
async fn three_nodes_for_long() {
    storm(3, Some(Database::start().await), &Harm::ON_A_SERVER, long()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: docs/reliability.md has the command"]
async fn one_file_for_long() {
    storm(1, None, &Harm::ON_ONE_FILE, long()).await;
}
