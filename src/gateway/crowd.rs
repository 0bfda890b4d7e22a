//! How many of something one client has at a time: connections, or requests under way. An IPv6 /64 is one client.

use crate::domain::network::network_of;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, u32>>>);

impl Crowd {
    /// `None`: this client has as many already.
    pub(super) fn join(&self, address: IpAddr, most: u32) -> Option<Member> {
        let network = network_of(address);
        let mut crowd = self.0.lock();
        let held = crowd.get(&network).copied().unwrap_or(0);
        if held >= most {
            return None;
        }
        crowd.insert(network, held.saturating_add(1));
        Some(Member {
            crowd: self.clone(),
            network,
        })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

/// Counts for as long as it lives.
#[derive(Debug)]
pub(super) struct Member {
    crowd: Crowd,
    network: IpAddr,
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut crowd = self.crowd.0.lock();
        let left = crowd.get_mut(&self.network).map(|n| {
            *n = n.saturating_sub(1);
            *n
        });
        if left == Some(0) {
            crowd.remove(&self.network);
        }
    }
}
