//! How long a client's certificate is believed: while the authorities it was verified against are.
//!
//! A connection is verified once, and may last. When the authorities change, or the listener asks nobody any more,
//! what had been verified before counts no longer: requests on such a connection are sent to a new one, and what is
//! open on it ends.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a connection holds.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Belief(Arc<AtomicBool>);

impl Belief {
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(in crate::gateway) fn holds(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// All beliefs that rest on the same authorities; the last is for new connections.
#[derive(Debug, Default)]
pub(super) struct Beliefs(Mutex<Vec<Belief>>);

impl Beliefs {
    /// For the connections of another acceptor.
    pub(super) fn begin(&self) -> Belief {
        let belief = Belief::new();
        let mut all = self.0.lock();
        // those that no connection holds any more
        all.retain(|b| Arc::strong_count(&b.0) > 1);
        all.push(belief.clone());
        belief
    }

    /// The authorities are others now.
    pub(super) fn end(&self) {
        for belief in self.0.lock().drain(..) {
            belief.0.store(false, Ordering::Release);
        }
    }

    /// The same authorities are another listener's from now on.
    pub(super) fn pass_on(&self, next: &Self) {
        let mine = std::mem::take(&mut *self.0.lock());
        next.0.lock().extend(mine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beliefs_end_with_the_authorities_wherever_they_went() {
        let (first, second) = (Beliefs::default(), Beliefs::default());
        let old = first.begin();
        let idle = first.begin();
        drop(idle);
        let new = second.begin();
        first.pass_on(&second);
        first.end();
        assert!(old.holds() && new.holds());
        second.end();
        assert!(!old.holds() && !new.holds());
        assert!(second.begin().holds());
    }
}
