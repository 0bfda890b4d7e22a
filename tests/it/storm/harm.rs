//! What is done to nodes, database and cables, and undone again.

use super::cable::State;
use super::dice::Dice;
use super::nodes::Node;
use super::world::World;
use std::time::Duration;
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    NodeKilled,
    AllNodesKilled,
    NodeStopped,
    DatabaseKilled,
    /// One process of the server, which then begins anew by itself.
    DatabaseWounded,
    DatabaseStopped,
    EverythingKilled,
    CableCut,
    CableStalled,
    CableLost,
    AllCablesLost,
}

impl Harm {
    pub(super) const ON_ONE_FILE: [Self; 2] = [Self::NodeKilled, Self::NodeStopped];
    /// The first of them are for two nodes in every run of the tests, the next for three, the rest for long storms.
    pub(super) const ON_A_SERVER: [Self; 11] = [
        Self::NodeKilled,
        Self::DatabaseKilled,
        Self::CableLost,
        Self::NodeStopped,
        Self::AllNodesKilled,
        Self::CableCut,
        Self::DatabaseWounded,
        Self::DatabaseStopped,
        Self::CableStalled,
        Self::EverythingKilled,
        Self::AllCablesLost,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NodeKilled => "node killed",
            Self::AllNodesKilled => "all nodes killed",
            Self::NodeStopped => "node stopped for 2 s",
            Self::DatabaseKilled => "PostgreSQL killed",
            Self::DatabaseWounded => "one process of PostgreSQL killed",
            Self::DatabaseStopped => "PostgreSQL stopped for 2 s",
            Self::EverythingKilled => "all nodes and PostgreSQL killed",
            Self::CableCut => "connections of a node reset",
            Self::CableStalled => "connections of a node stalled",
            Self::CableLost => "connections of a node lost silently",
            Self::AllCablesLost => "connections of all nodes lost silently",
        }
    }

    /// Does it, waits, and undoes it. Killed processes are started again, nothing else is.
    pub(super) async fn strike(self, world: &mut World, dice: &mut Dice) {
        let one = dice.below(world.nodes.len());
        let spell = Duration::from_millis(300 + dice.up_to(1700));
        match self {
            Self::NodeKilled => {
                world.nodes[one].kill().await;
                sleep(spell / 2).await;
                world.nodes[one].begin();
            }
            Self::AllNodesKilled => {
                for node in &mut world.nodes {
                    node.kill().await;
                }
                world.nodes.iter_mut().for_each(Node::begin);
            }
            Self::NodeStopped => {
                world.nodes[one].stop();
                sleep(Duration::from_secs(2)).await;
                world.nodes[one].go_on();
            }
            Self::DatabaseKilled => {
                let database = world.database.as_mut().unwrap();
                database.kill();
                sleep(spell / 2).await;
                database.revive().await;
            }
            Self::DatabaseWounded => {
                let database = world.database.as_ref().unwrap();
                database.wound(dice).await;
            }
            Self::DatabaseStopped => {
                let database = world.database.as_ref().unwrap();
                database.stop();
                sleep(Duration::from_secs(2)).await;
                database.go_on();
            }
            Self::EverythingKilled => {
                world.database.as_mut().unwrap().kill();
                for node in &mut world.nodes {
                    node.kill().await;
                }
                world.database.as_mut().unwrap().revive().await;
                world.nodes.iter_mut().for_each(Node::begin);
            }
            Self::CableCut => pull(world, Some(one), State::Cut, spell).await,
            Self::CableStalled => pull(world, Some(one), State::Stalled, spell).await,
            Self::CableLost => pull(world, Some(one), State::Lost, spell).await,
            Self::AllCablesLost => pull(world, None, State::Lost, spell).await,
        }
    }
}

async fn pull(world: &World, which: Option<usize>, state: State, spell: Duration) {
    world.set_cables(which, state);
    sleep(spell).await;
    world.set_cables(which, State::Whole);
}
