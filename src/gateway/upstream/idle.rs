//! Connections to upstreams that wait for the next request.
//!
//! For requests that go the short way ([`crate::gateway::direct`]). Pingora's own pool has a task for each connection
//! that waits; here nothing happens until a connection is wanted, or its time is over. The one that was used last is
//! taken first, so that those which nobody needs grow old.

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use pingora::protocols::Stream;
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

/// How often connections are looked through for those that are of no use any more.
pub(in crate::gateway) const TIDY: Duration = Duration::from_secs(5);

/// As good as for ever.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub(in crate::gateway) struct Idle {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By what two connections must have in common to be each other's equal; the one that was used last is at the end.
    by_key: HashMap<u64, Vec<Waiting>>,
    count: usize,
}

struct Waiting {
    stream: Stream,
    since: Instant,
    until: Instant,
}

impl Idle {
    /// `most`: of all keys together.
    pub(in crate::gateway) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// A connection on which nothing has come since it was put here, and whose time is not over: its upstream may
    /// be about to close it.
    pub(in crate::gateway) fn take(&self, key: u64) -> Option<Stream> {
        let now = Instant::now();
        loop {
            let waiting = {
                let mut kept = self.kept.lock();
                let waiting = kept.by_key.get_mut(&key)?.pop()?;
                kept.count = kept.count.saturating_sub(1);
                waiting
            };
            let mut stream = waiting.stream;
            if waiting.until > now && is_quiet(&mut stream) {
                return Some(stream);
            }
        }
    }

    /// Keeps it for so long. Where there is no room the one that has waited longest is closed.
    pub(in crate::gateway) fn put(&self, key: u64, mut stream: Stream, time: Option<Duration>) {
        if !is_quiet(&mut stream) {
            return;
        }
        let since = Instant::now();
        let until = since + time.unwrap_or(YEAR);
        let oldest = {
            let mut kept = self.kept.lock();
            let oldest = match kept.count < self.most {
                true => None,
                false => kept.remove_oldest(),
            };
            let place = kept.by_key.entry(key).or_default();
            place.push(Waiting {
                stream,
                since,
                until,
            });
            kept.count += 1;
            oldest
        };
        // closed after the lock is free
        drop(oldest);
    }

    /// Closes those whose time is over, and those that their upstreams have closed.
    pub(in crate::gateway) fn tidy(&self) {
        let now = Instant::now();
        let keys: Vec<u64> = self.kept.lock().by_key.keys().copied().collect();
        for key in keys {
            let mut closed = Vec::new();
            let mut kept = self.kept.lock();
            let Some(all) = kept.by_key.get_mut(&key) else {
                continue;
            };
            let before = all.len();
            for mut waiting in std::mem::take(all) {
                match waiting.until > now && is_quiet(&mut waiting.stream) {
                    true => all.push(waiting),
                    false => closed.push(waiting),
                }
            }
            let gone = before - all.len();
            if all.is_empty() {
                kept.by_key.remove(&key);
            }
            kept.count = kept.count.saturating_sub(gone);
            drop(kept);
        }
    }
}

impl Kept {
    fn remove_oldest(&mut self) -> Option<Waiting> {
        let first = |all: &Vec<Waiting>| all.first().map(|w| w.since);
        let (_, all) = self
            .by_key
            .iter_mut()
            .filter(|(_, all)| !all.is_empty())
            .min_by_key(|(_, all)| first(all))?;
        self.count = self.count.saturating_sub(1);
        Some(all.remove(0))
    }
}

/// An upstream says nothing that it was not asked for: what can be read is its good-bye, or an answer to nobody.
fn is_quiet(stream: &mut Stream) -> bool {
    let mut byte = [0];
    tokio::task::unconstrained(stream.read(&mut byte))
        .now_or_never()
        .is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pingora::protocols::l4::stream::Stream as L4;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair(listener: &TcpListener) -> (Stream, TcpStream) {
        let ours = TcpStream::connect(listener.local_addr().unwrap());
        let (ours, theirs) = tokio::join!(ours, listener.accept());
        (Box::new(L4::from(ours.unwrap())), theirs.unwrap().0)
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    /// Until the socket has noticed.
    async fn gone(idle: &Idle, key: u64) -> bool {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            match idle.take(key) {
                None => return true,
                Some(stream) => idle.put(key, stream, None),
            }
        }
        false
    }

    #[tokio::test]
    async fn the_last_one_used_is_the_first_one_taken() {
        let (listener, idle) = (listener().await, Idle::new(10));
        let (a, _a) = pair(&listener).await;
        let (b, _b) = pair(&listener).await;
        let last = b.id();
        idle.put(1, a, None);
        idle.put(1, b, None);
        assert!(idle.take(2).is_none());
        assert_eq!(idle.take(1).unwrap().id(), last);
        assert!(idle.take(1).is_some());
        assert!(idle.take(1).is_none());
    }

    #[tokio::test]
    async fn one_that_was_closed_or_has_spoken_is_not_taken() {
        let (listener, idle) = (listener().await, Idle::new(10));
        let (closed, theirs) = pair(&listener).await;
        idle.put(1, closed, None);
        drop(theirs);
        assert!(gone(&idle, 1).await);
        let (spoken, mut theirs) = pair(&listener).await;
        idle.put(1, spoken, None);
        theirs.write_all(b"x").await.unwrap();
        assert!(gone(&idle, 1).await);
    }

    #[tokio::test]
    async fn those_that_may_wait_for_long_make_room_for_those_that_may_not() {
        let (listener, idle) = (listener().await, Idle::new(2));
        let mut theirs = Vec::new();
        for (key, time) in [(1, 3600), (1, 3600), (2, 4), (2, 4)] {
            let (ours, other) = pair(&listener).await;
            theirs.push(other);
            idle.put(key, ours, Some(Duration::from_secs(time)));
        }
        assert!(idle.take(2).is_some() && idle.take(2).is_some());
        assert!(idle.take(1).is_none());
    }

    #[tokio::test]
    async fn the_oldest_makes_room_and_time_is_kept() {
        let (listener, idle) = (listener().await, Idle::new(2));
        let mut theirs = Vec::new();
        for key in [1, 2, 3] {
            let (ours, other) = pair(&listener).await;
            theirs.push(other);
            idle.put(key, ours, Some(Duration::from_secs(60)));
        }
        assert!(idle.take(1).is_none());
        assert!(idle.take(2).is_some());
        assert_eq!(idle.kept.lock().count, 1);
        for is_tidied in [true, false] {
            let (ours, _other) = pair(&listener).await;
            idle.put(4, ours, Some(Duration::ZERO));
            if is_tidied {
                idle.tidy();
            }
            assert!(idle.take(4).is_none());
        }
        assert!(idle.take(3).is_some());
        assert_eq!(idle.kept.lock().count, 0);
    }
}
