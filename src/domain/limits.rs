//! What one client may cost: connections, time, and the least pace of bodies.

use std::time::Duration;

/// Limits of all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most client connections at all.
    pub connections: u32,
    /// Most from one IPv4 address or IPv6 /64.
    pub connections_per_address: u32,
    /// Most requests under way of one, WebSockets included.
    pub requests_per_address: u32,
    /// Longest time for a TLS handshake.
    pub handshake: Duration,
    /// Longest time for a whole request head.
    pub header: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle: Duration,
    /// Longest silence of a client while it sends or takes a body.
    pub stall: Duration,
    /// Least pace of an upload, in bytes a second; `None`: any.
    pub body_rate: Option<u64>,
    /// How long an upload may be slower than that.
    pub body_grace: Duration,
    /// Least pace at which an answer is taken, in bytes a second; `None`: any.
    pub read_rate: Option<u64>,
    /// Longest wait for requests in flight when the process ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections: 16_384,
            connections_per_address: 1024,
            requests_per_address: 2048,
            handshake: seconds(10),
            header: seconds(15),
            idle: seconds(60),
            stall: seconds(60),
            body_rate: Some(1024),
            body_grace: seconds(30),
            read_rate: Some(1024),
            drain: seconds(30),
        }
    }
}

/// Limits of the requests to one route, beside the size of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteLimits {
    /// Most requests of one person, or of one network on public paths.
    pub rate: Option<Rate>,
    /// Longest time for a request with its answer; `None`: no limit.
    pub time: Option<Duration>,
    /// In place of [`Limits::body_rate`].
    pub body_rate: Option<u64>,
}

/// So many requests in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    pub requests: u32,
    pub span: Duration,
}

impl Rate {
    /// The time from one request to the next at this rate.
    pub fn interval(self) -> Duration {
        self.span / self.requests.max(1)
    }
    /// How many may come at once: what a second holds, and one at least.
    pub fn burst(self) -> u32 {
        let second = Duration::from_secs(1).as_nanos();
        let many = second.checked_div(self.interval().as_nanos().max(1));
        let many = many.and_then(|n| u32::try_from(n).ok());
        many.unwrap_or(u32::MAX).max(1)
    }
}

/// Whether bytes keep a least pace. Waiting costs patience, bytes give it back, and no stock of it is laid in:
/// who has sent a gigabyte may not drip for a day.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    bytes_per_second: u64,
    most: Duration,
    left: Duration,
}

impl Pace {
    /// `None` as a rate: any pace will do.
    pub fn new(bytes_per_second: Option<u64>, patience: Duration) -> Option<Self> {
        Some(Self {
            bytes_per_second: bytes_per_second.filter(|rate| *rate > 0)?,
            most: patience,
            left: patience,
        })
    }
    /// What waiting may still take.
    pub const fn left(&self) -> Duration {
        self.left
    }
    /// `false`: too slow.
    #[must_use]
    pub fn waited(&mut self, span: Duration) -> bool {
        let enough = self.left > span;
        self.left = self.left.saturating_sub(span);
        enough
    }
    pub fn moved(&mut self, bytes: usize) {
        let nanoseconds = (bytes as u128).saturating_mul(1_000_000_000);
        let worth = nanoseconds.checked_div(u128::from(self.bytes_per_second));
        let worth = worth.and_then(|n| u64::try_from(n).ok());
        let worth = Duration::from_nanos(worth.unwrap_or(u64::MAX));
        self.left = self.left.saturating_add(worth).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pace_is_kept_or_patience_runs_out() {
        let mut steady = Pace::new(Some(1000), SECOND * 10).unwrap();
        for _ in 0..1000 {
            assert!(steady.waited(SECOND));
            steady.moved(1000);
        }
        let mut dripping = Pace::new(Some(1000), SECOND * 10).unwrap();
        dripping.moved(1_000_000_000);
        let mut waited = 0;
        while dripping.waited(SECOND) {
            dripping.moved(1);
            waited += 1;
        }
        assert_eq!(waited, 10, "what was sent before lays in no stock");
        assert!(Pace::new(None, SECOND).is_none());
        assert!(Pace::new(Some(0), SECOND).is_none());
    }

    #[test]
    fn a_burst_is_what_a_second_holds() {
        let check = |requests, seconds, interval_ms, burst| {
            let span = Duration::from_secs(seconds);
            let rate = Rate { requests, span };
            assert_eq!(rate.interval(), Duration::from_millis(interval_ms));
            assert_eq!(rate.burst(), burst, "{requests} in {seconds} s");
        };
        check(50, 1, 20, 50);
        check(600, 60, 100, 10);
        check(10, 60, 6000, 1);
        check(1, 3600, 3_600_000, 1);
    }
}
