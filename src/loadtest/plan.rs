//! What is to be done, checked as far as it can be without the network.

use super::Wrong;
use super::client::Protocol;
use super::fail_if::Condition;
use super::sessions::Sessions;
use super::target::{Override, Reach, Weighted};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

/// The most of everything. A run holds what it learns in memory, whatever its length: some 10 MiB, and up to 300 KiB
/// for each thread and URL.
pub mod ceilings {
    use std::time::Duration;

    pub const CONNECTIONS: usize = 10_000;
    /// Requests under way at once on one HTTP/2 connection.
    pub const STREAMS: usize = 1000;
    pub const THREADS: usize = 32;
    pub const URLS: usize = 16;
    /// A second.
    pub const RATE: f64 = 1_000_000.0;
    pub const DURATION: Duration = Duration::from_secs(24 * 3600);
    pub const TIMEOUT: Duration = Duration::from_secs(600);
    pub const SESSIONS: usize = 100_000;
    pub const SIGN_INS: usize = 10_000;
    pub const BODY_BYTES: u64 = 16 * 1024 * 1024;
    /// Of a file with cookies or with people.
    pub const FILE_BYTES: u64 = 256 * 1024 * 1024;
    pub const WATCHED: usize = 16;
    pub const CONDITIONS: usize = 64;
    /// Points on the line of time.
    pub const POINTS: u32 = 120;
}

/// What the load tester calls itself.
pub const USER_AGENT: &str = concat!("vestibule-loadtest/", env!("CARGO_PKG_VERSION"));

/// How arrivals come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loop {
    /// Each user sends when the answer before is there.
    Closed {
        /// On average; between half of it and one and a half.
        think: Duration,
        /// How often a user would have sent, had the server not kept it waiting: requests that a stall has swallowed
        /// are put back into the latencies.
        expected: Option<Duration>,
    },
    /// So many requests a second, whatever the server does.
    Open { rate: f64 },
}

/// What is driven.
#[derive(Clone, Debug)]
pub struct Side {
    pub targets: Vec<Weighted>,
    /// Processes whose use of CPU and memory is read, with those they have started.
    pub watch: Vec<u32>,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub side: Side,
    /// Driven in turn with the first.
    pub compare: Option<Side>,
    /// Of a comparison: how long one side is driven before the other.
    pub slice: Duration,
    pub kind: Loop,
    pub connections: usize,
    /// Requests at once on one connection; 1 but for HTTP/2.
    pub streams: usize,
    pub threads: usize,
    pub protocol: Protocol,
    pub ramp_up: Duration,
    /// Of the measurement, after the ramp-up.
    pub duration: Duration,
    /// Ends earlier once so many were sent.
    pub requests: Option<u64>,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub timeout: Duration,
    /// Certificates that are trusted in place of the system's.
    pub ca: Option<Vec<u8>>,
    pub overrides: Vec<Override>,
    pub reach: Reach,
    pub expected: Expected,
    pub sessions: Sessions,
    pub conditions: Vec<Condition>,
}

/// Which statuses are what was hoped for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(Vec<(u16, u16)>);

impl Default for Expected {
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl Expected {
    /// `200,204,300-399`.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new(format!(
                "`{text}` is no list of statuses; write for example 200,204 or 200-299,404"
            ))
        };
        let status = |text: &str| {
            let number: u16 = text.trim().parse().map_err(|_| wrong())?;
            match StatusCode::from_u16(number) {
                Ok(status) if number <= 599 => Ok(status.as_u16()),
                _ => Err(wrong()),
            }
        };
        let ranges = text.split(',').map(|part| match part.split_once('-') {
            Some((from, to)) => Ok((status(from)?, status(to)?)),
            None => status(part).map(|one| (one, one)),
        });
        Ok(Self(ranges.collect::<Result<_, _>>()?))
    }

    pub fn has(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&status))
    }
}

impl Plan {
    /// What no network is needed for to see.
    pub fn check(&self) -> Result<(), Wrong> {
        let at_most = |what: &str, value: usize, most: usize| {
            let fine = (1..=most).contains(&value);
            fine.then_some(())
                .ok_or_else(|| Wrong::new(format!("{what}: {value}; from 1 to {most}")))
        };
        let between = |what: &str, value: Duration, least: Duration, most: Duration| {
            let fine = (least..=most).contains(&value);
            fine.then_some(()).ok_or_else(|| {
                let text = format!("{what}: {value:?}; from {least:?} to {most:?}");
                Wrong::new(text)
            })
        };
        at_most("--connections", self.connections, ceilings::CONNECTIONS)?;
        at_most("--streams", self.streams, ceilings::STREAMS)?;
        at_most(
            "--connections times --streams",
            self.connections.saturating_mul(self.streams),
            ceilings::CONNECTIONS,
        )?;
        at_most("--threads", self.threads, ceilings::THREADS)?;
        between(
            "--duration",
            self.duration,
            Duration::from_millis(100),
            ceilings::DURATION,
        )?;
        between(
            "--timeout",
            self.timeout,
            Duration::from_millis(1),
            ceilings::TIMEOUT,
        )?;
        between(
            "--ramp-up",
            self.ramp_up,
            Duration::ZERO,
            ceilings::DURATION,
        )?;
        if self.streams > 1 && self.protocol == Protocol::Http1 {
            return Err(Wrong::new(
                "--streams: only HTTP/2 carries several requests at once; add --http 2",
            ));
        }
        for side in std::iter::once(&self.side).chain(&self.compare) {
            at_most("URLs", side.targets.len(), ceilings::URLS)?;
            at_most("--watch", side.watch.len() + 1, ceilings::WATCHED + 1)?;
        }
        match self.kind {
            Loop::Open { rate } if !(0.001..=ceilings::RATE).contains(&rate) => {
                let text = format!("--rate: {rate}; from 0.001 to {} a second", ceilings::RATE);
                return Err(Wrong::new(text));
            }
            Loop::Closed { think, .. } => {
                between(
                    "--think-time",
                    think,
                    Duration::ZERO,
                    Duration::from_secs(3600),
                )?;
            }
            Loop::Open { .. } => {}
        }
        if self.compare.is_some() {
            between(
                "--slice",
                self.slice,
                Duration::from_millis(50),
                Duration::from_secs(600),
            )?;
            if self.duration < self.slice * 2 {
                return Err(Wrong::new(
                    "--duration is shorter than one slice of each side",
                ));
            }
            if !self.ramp_up.is_zero() || self.requests.is_some() {
                return Err(Wrong::new(
                    "--compare goes with neither --ramp-up nor --requests",
                ));
            }
        }
        if self.requests == Some(0) {
            return Err(Wrong::new("--requests: at least 1"));
        }
        at_most(
            "--fail-if",
            self.conditions.len() + 1,
            ceilings::CONDITIONS + 1,
        )?;
        self.conditions.iter().try_for_each(|c| c.fits(self))
    }

    /// How many send at once, on each side.
    pub fn users(&self) -> usize {
        self.connections * self.streams
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_hoped_for() {
        let expected = Expected::parse("200, 300-399,404").unwrap();
        for (status, want) in [
            (200, true),
            (201, false),
            (302, true),
            (404, true),
            (500, false),
        ] {
            assert_eq!(expected.has(status), want, "{status}");
        }
        for bad in ["", "20", "200-", "600", "x", "200,,204"] {
            assert!(Expected::parse(bad).is_err(), "{bad}");
        }
        assert!(Expected::default().has(302) && !Expected::default().has(401));
    }
}
