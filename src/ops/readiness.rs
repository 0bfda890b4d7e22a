//! Why a node should not have traffic yet, or no longer.

use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Not ready until every part that was waited for is there. Starts with nothing but the start itself.
#[derive(Debug)]
pub struct Readiness(Mutex<BTreeMap<&'static str, String>>);

/// The part that a new [`Readiness`] waits for.
const START: &str = "start";

impl Readiness {
    /// Not ready: it is starting, until [`Readiness::started`].
    pub fn starting() -> Self {
        Self(Mutex::new(BTreeMap::from([(START, "starting".to_owned())])))
    }

    pub fn started(&self) {
        self.clear(START);
    }

    /// Not ready because of this part, in plain words.
    pub fn wait_for(&self, part: &'static str, reason: impl Into<String>) {
        self.0.lock().insert(part, reason.into());
    }

    /// This part is no longer a reason.
    pub fn clear(&self, part: &'static str) {
        self.0.lock().remove(part);
    }

    /// The end: load balancers take the node out while it finishes what it has begun.
    pub fn stopping(&self) {
        self.wait_for("stop", "stopping");
    }

    /// Empty when ready.
    pub fn reasons(&self) -> Vec<String> {
        self.0.lock().values().cloned().collect()
    }
}
