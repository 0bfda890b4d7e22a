//! What one client may cost.

use super::Check;
use crate::config::scalar::{ByteSize, Duration};
use crate::config::schema;
use crate::config::source::At;
use crate::domain::limits::{Limits, Rate, RouteLimits};
use std::time::Duration as Span;

/// Waiting longer than this for a client is no limit any more.
const LONGEST_WAIT: Span = Span::from_secs(3600);
/// A client on a bad line is not slower than this, so more would shut people out.
const FASTEST_PACE: u64 = 64 * 1024;

impl Check<'_> {
    pub(super) fn limits(&mut self, section: Option<&schema::Limits>) -> Limits {
        let at = self.at(&["limits"]);
        let none = schema::Limits::default();
        let section = section.unwrap_or(&none);
        let default = Limits::default();
        let connections = self.count(
            &at.key("connections"),
            section.connections,
            default.connections,
            1_000_000,
        );
        let connections_per_address = self.count(
            &at.key("connections_per_address"),
            section.connections_per_address,
            default.connections_per_address.min(connections),
            1_000_000,
        );
        let requests_per_address = self.count(
            &at.key("requests_per_address"),
            section.requests_per_address,
            default.requests_per_address,
            1_000_000,
        );
        if connections_per_address > connections {
            self.error(
                &at.key("connections_per_address"),
                format!("{connections_per_address} is more than `connections` ({connections})"),
                "one address would take every connection: write less",
            );
        }
        let mut wait =
            |key: &str, value: Option<&Duration>, default| self.wait(&at.key(key), value, default);
        let handshake = wait(
            "handshake_timeout",
            section.handshake_timeout.as_ref(),
            default.handshake,
        );
        let header = wait(
            "header_timeout",
            section.header_timeout.as_ref(),
            default.header,
        );
        let idle = wait("idle_timeout", section.idle_timeout.as_ref(), default.idle);
        let stall = wait(
            "stall_timeout",
            section.stall_timeout.as_ref(),
            default.stall,
        );
        let body_grace = wait(
            "body_grace",
            section.body_grace.as_ref(),
            default.body_grace,
        );
        let drain = self.drain(&at.key("drain_timeout"), section.drain_timeout.as_ref());
        let body_rate = section.body_rate.as_ref();
        let read_rate = section.read_rate.as_ref();
        Limits {
            connections,
            connections_per_address,
            requests_per_address,
            handshake,
            header,
            idle,
            stall,
            body_grace,
            drain,
            body_rate: self
                .pace(&at.key("body_rate"), body_rate)
                .or(default.body_rate),
            read_rate: self
                .pace(&at.key("read_rate"), read_rate)
                .or(default.read_rate),
        }
    }

    pub(super) fn route_limits(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::RouteLimits>,
    ) -> RouteLimits {
        let Some(section) = section else {
            return RouteLimits::default();
        };
        let time = section
            .time
            .as_ref()
            .map(|time| self.span(&at.key("time"), Some(time), Span::ZERO));
        let rate = section.rate.as_ref().map(|rate| {
            let (requests, span) = rate.0;
            Rate { requests, span }
        });
        if rate.is_some_and(|r| r.requests > 1_000_000) {
            self.error(
                &at.key("rate"),
                "nobody asks as often as that",
                "write at most 1000000, or remove the line",
            );
        }
        RouteLimits {
            rate,
            time,
            body_rate: self.pace(&at.key("body_rate"), section.body_rate.as_ref()),
        }
    }

    fn count(&mut self, at: &At<'_>, value: Option<u32>, default: u32, most: u32) -> u32 {
        let count = value.unwrap_or(default);
        if !(1..=most).contains(&count) {
            self.error(
                at,
                format!("{count} is not between 1 and {most}"),
                format!("write for example {default}, or remove the line"),
            );
            return default;
        }
        count
    }

    fn wait(&mut self, at: &At<'_>, value: Option<&Duration>, default: Span) -> Span {
        let span = self.span(at, value, default);
        if span > LONGEST_WAIT {
            self.error(
                at,
                "is longer than an hour: clients that do nothing would hold every connection",
                "write at most 1h",
            );
        }
        span
    }

    fn drain(&mut self, at: &At<'_>, value: Option<&Duration>) -> Span {
        let span = self.span(at, value, Limits::default().drain);
        if span > LONGEST_WAIT {
            self.error(
                at,
                "is longer than an hour: a stop that takes so long is taken for a process that hangs",
                "write at most 1h; what lasts longer is cut at the end of the process",
            );
        }
        span
    }

    fn pace(&mut self, at: &At<'_>, value: Option<&ByteSize>) -> Option<u64> {
        let pace = value?.0;
        if pace > FASTEST_PACE {
            self.error(
                at,
                format!("{pace} bytes a second shut out people on slow lines"),
                "write at most 64KiB",
            );
        }
        Some(pace)
    }
}
