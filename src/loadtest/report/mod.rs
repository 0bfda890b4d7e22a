//! What a run came to, as people and programs read it. `--json` prints [`Report`] as it is.

mod csv;
mod html;
mod plot;
mod text;

use super::client::{Failure, Protocol};
use super::compare::Comparison;
use super::fail_if::Checked;
use super::plan::{Loop, Plan};
use super::sign_in::SignIns;
use super::stats::{Latencies, Tally, TargetTally};
use super::watch::Look;
use crate::domain::timestamp::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

pub use csv::csv;
pub use html::html;
pub use text::{sign_ins, span, text};

/// Grows when a field changes its meaning or goes.
pub const FORMAT: u32 = 1;

/// What a side's slices have collected.
#[derive(Debug)]
pub struct Sources {
    pub(super) names: Vec<(String, u32)>,
    pub(super) tally: Tally,
    pub(super) unsent: u64,
    pub(super) measured_for: Duration,
    /// How long one point of time is.
    pub(super) step: Duration,
    pub(super) watched: Option<(Duration, Look)>,
    pub(super) complaint: Option<String>,
}

impl Sources {
    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.unsent += other.unsent;
        self.measured_for += other.measured_for;
        if let (Some((spent, look)), Some((more, later))) = (&mut self.watched, &other.watched) {
            *spent += *more;
            if later.memory >= look.memory {
                look.clone_from(later);
            }
        }
        if self.complaint.is_none() {
            self.complaint.clone_from(&other.complaint);
        }
    }

    pub(super) fn measured(self) -> Measured {
        let whole = self.tally.whole();
        let seconds = self.measured_for.as_secs_f64();
        let targets = self.names.iter().zip(&self.tally.targets);
        let sent = self.tally.sent;
        Measured {
            urls: targets
                .map(|((url, weight), tally)| Target::new(url, *weight, tally, seconds))
                .collect(),
            seconds,
            requests: whole.answers + whole.failed() + self.unsent,
            answers: whole.answers,
            throughput: rate(whole.in_time, seconds),
            bytes: whole.bytes,
            errors: Errors::new(&whole, self.unsent),
            first_failure: self.complaint,
            statuses: statuses(&whole),
            latency: Figures::of(&whole.latency),
            service: whole.service.as_ref().map(Figures::of),
            connecting: Figures::of(&self.tally.connects),
            reconnects: self.tally.reconnects,
            warm_up: self.tally.warm_up,
            spectrum: spectrum(&whole.latency),
            timeline: timeline(&self.tally, self.step, self.measured_for),
            watched: self.watched.map(|(spent, look)| Watched {
                cpu_seconds: spent.as_secs_f64(),
                cpu_us_per_request: (sent > 0).then(|| spent.as_secs_f64() * 1e6 / sent as f64),
                memory_bytes: look.memory,
                processes: look.processes,
            }),
            histogram: whole.latency,
        }
    }
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub format: u32,
    pub version: &'static str,
    /// Seconds since 1970.
    pub started_at: i64,
    pub plan: Planned,
    /// The side of `--url`.
    #[serde(flatten)]
    pub measured: Measured,
    /// The side of `--compare`.
    pub compare: Option<Measured>,
    pub comparison: Option<Comparison>,
    pub client: Client,
    pub sign_ins: Option<SignIns>,
    pub conditions: Vec<Checked>,
    /// Ended by hand.
    pub interrupted: bool,
    /// What a reader must know to read the figures right.
    pub notes: Vec<String>,
}

/// The plan, as far as it is no secret.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    pub mode: &'static str,
    pub rate: Option<f64>,
    pub think_time_ms: Option<u64>,
    pub expected_interval_ms: Option<f64>,
    pub connections: usize,
    pub streams: usize,
    pub threads: usize,
    pub http: u8,
    pub ramp_up_seconds: f64,
    pub duration_seconds: f64,
    pub timeout_seconds: f64,
    pub method: String,
    pub body_bytes: usize,
    pub sessions: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub urls: Vec<Target>,
    /// What the throughput is over.
    pub seconds: f64,
    /// Answered, failed, and due but unsent.
    pub requests: u64,
    pub answers: u64,
    /// Answers a second.
    pub throughput: f64,
    /// Of bodies.
    pub bytes: u64,
    pub errors: Errors,
    /// What the system said of the first failure.
    pub first_failure: Option<String>,
    pub statuses: BTreeMap<u16, u64>,
    pub latency: Figures,
    /// With a fixed rate: from sent, not from due.
    pub service: Option<Figures>,
    /// Connections opened, TLS included.
    pub connecting: Figures,
    pub reconnects: u64,
    /// Sent before the measurement began.
    pub warm_up: u64,
    /// Percentile and latency.
    pub spectrum: Vec<Spectral>,
    pub timeline: Vec<Moment>,
    pub watched: Option<Watched>,
    #[serde(skip)]
    pub histogram: Latencies,
}

#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub url: String,
    pub weight: u32,
    pub answers: u64,
    pub throughput: f64,
    pub bytes: u64,
    pub errors: Errors,
    pub statuses: BTreeMap<u16, u64>,
    pub latency: Figures,
}

impl Target {
    fn new(url: &str, weight: u32, tally: &TargetTally, seconds: f64) -> Self {
        Self {
            url: url.to_owned(),
            weight,
            answers: tally.answers,
            throughput: rate(tally.in_time, seconds),
            bytes: tally.bytes,
            errors: Errors::new(tally, 0),
            statuses: statuses(tally),
            latency: Figures::of(&tally.latency),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Errors {
    pub total: u64,
    /// By [`Failure::code`].
    pub failures: BTreeMap<&'static str, u64>,
    pub unexpected_status: u64,
    pub not_signed_in: u64,
    /// Due at a fixed rate, and never sent.
    pub unsent: u64,
}

impl Errors {
    fn new(tally: &TargetTally, unsent: u64) -> Self {
        let failures = Failure::ALL.iter().zip(tally.failures);
        Self {
            total: tally.errors() + unsent,
            failures: failures
                .filter(|(_, count)| *count > 0)
                .map(|(failure, count)| (failure.code(), count))
                .collect(),
            unexpected_status: tally.unexpected,
            not_signed_in: tally.not_signed_in,
            unsent,
        }
    }
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    pub count: u64,
    pub min_us: f64,
    pub mean_us: f64,
    pub stdev_us: f64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    #[serde(rename = "p99.9_us")]
    pub p999_us: f64,
    #[serde(rename = "p99.99_us")]
    pub p9999_us: f64,
    pub max_us: f64,
}

impl Figures {
    pub fn of(latency: &Latencies) -> Self {
        let us = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
        let some = !latency.is_empty();
        Self {
            count: latency.len(),
            min_us: if some {
                latency.min() as f64 / 1000.0
            } else {
                0.0
            },
            mean_us: if some { latency.mean() / 1000.0 } else { 0.0 },
            stdev_us: if some { latency.stdev() / 1000.0 } else { 0.0 },
            p50_us: us(0.5),
            p90_us: us(0.9),
            p99_us: us(0.99),
            p999_us: us(0.999),
            p9999_us: us(0.9999),
            max_us: if some {
                latency.max() as f64 / 1000.0
            } else {
                0.0
            },
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spectral {
    pub percentile: f64,
    pub us: f64,
}

/// One point of time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Moment {
    /// Its end, from the beginning of the measurement.
    pub seconds: f64,
    pub per_second: f64,
    pub errors: u64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
}

/// Of the processes under test.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Watched {
    pub cpu_seconds: f64,
    /// Over everything that was sent.
    pub cpu_us_per_request: Option<f64>,
    /// Resident, at the end; of a comparison the most.
    pub memory_bytes: u64,
    pub processes: usize,
}

/// What the load itself has cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Client {
    pub cpu_seconds: f64,
    pub cpu_us_per_request: Option<f64>,
    /// Of all its threads, from 0 to 1: near 1 the client is what is measured.
    pub busy: f64,
}

impl Client {
    pub(super) fn new(plan: &Plan, spent: Duration, elapsed: Duration, sent: u64) -> Self {
        let threads = plan.threads.min(cores()) as f64;
        Self {
            cpu_seconds: spent.as_secs_f64(),
            cpu_us_per_request: (sent > 0).then(|| spent.as_secs_f64() * 1e6 / sent as f64),
            busy: spent.as_secs_f64() / (elapsed.as_secs_f64() * threads).max(f64::MIN_POSITIVE),
        }
    }
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        started_at: Timestamp,
        measured: Measured,
        (comparison, compare): (Option<Comparison>, Option<Measured>),
        client: Client,
    ) -> Self {
        let milliseconds = |span: Duration| span.as_secs_f64() * 1000.0;
        let (mode, rate, think, expected) = match plan.kind {
            Loop::Open { rate } => ("open", Some(rate), None, None),
            Loop::Closed { think, expected } => ("closed", None, Some(think), expected),
        };
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            started_at: started_at.seconds(),
            plan: Planned {
                mode,
                rate,
                think_time_ms: think.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
                expected_interval_ms: expected.map(milliseconds),
                connections: plan.connections,
                streams: plan.streams,
                threads: plan.threads,
                http: match plan.protocol {
                    Protocol::Http1 => 1,
                    Protocol::Http2 => 2,
                },
                ramp_up_seconds: plan.ramp_up.as_secs_f64(),
                duration_seconds: plan.duration.as_secs_f64(),
                timeout_seconds: plan.timeout.as_secs_f64(),
                method: plan.method.to_string(),
                body_bytes: plan.body.len(),
                sessions: plan.sessions.len(),
            },
            measured,
            compare,
            comparison,
            client,
            sign_ins: None,
            conditions: Vec::new(),
            interrupted: false,
            notes: Vec::new(),
        }
    }

    /// Looks at the conditions, and notes what a reader must know.
    pub(super) fn conclude(&mut self, plan: &Plan) {
        let checked = plan.conditions.iter().map(|c| c.check(self)).collect();
        self.conditions = checked;
        let mut notes = Vec::new();
        if self.client.busy > 0.85 {
            notes.push(format!(
                "the load tester was busy for {:.0} % of its threads' time: it may be what was measured",
                self.client.busy * 100.0
            ));
        }
        for side in std::iter::once(&self.measured).chain(&self.compare) {
            notes.extend(side.notes());
        }
        let pairs = self.comparison.as_ref().map(|c| c.pairs.len());
        if let Some(few) = pairs.filter(|pairs| *pairs < 6) {
            notes.push(format!(
                "{few} pairs are too few for an interval; at least 6 are needed, so measure for longer"
            ));
        }
        self.notes = notes;
    }

    /// Nothing has gone through, or a condition says that it must not be so.
    pub fn has_failed(&self) -> bool {
        let nothing = |side: &Measured| side.requests > 0 && side.errors.total >= side.requests;
        let sides = std::iter::once(&self.measured).chain(&self.compare);
        self.conditions.iter().any(|c| c.failed) || sides.into_iter().any(nothing)
    }
}

impl Measured {
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let errors = &self.errors;
        if errors.not_signed_in > 0 {
            notes.push(format!(
                "not signed in: {} answers were 401 or led to a sign-in page; give sessions with --cookies or --sign-in",
                errors.not_signed_in
            ));
        }
        if errors.unsent > 0 {
            notes.push(format!(
                "the rate was not reached: {} requests were due and could not be sent, all connections being busy; \
                 they are in the latencies with the time they had waited at the end",
                errors.unsent
            ));
        }
        notes
    }
}

fn statuses(tally: &TargetTally) -> BTreeMap<u16, u64> {
    let counted = (100u16..).zip(&tally.statuses);
    counted
        .filter(|(_, count)| **count > 0)
        .map(|(status, count)| (status, *count))
        .collect()
}

/// From 0 to as many nines as there are values for.
fn spectrum(latency: &Latencies) -> Vec<Spectral> {
    if latency.is_empty() {
        return Vec::new();
    }
    let mut quantiles: Vec<f64> = (0..18).map(|n| f64::from(n) * 0.05).collect();
    let mut rest = 0.1f64;
    while rest * latency.len() as f64 >= 1.0 && rest > 1e-7 {
        for part in [1.0, 0.75, 0.5, 0.35, 0.25, 0.2, 0.15] {
            quantiles.push(1.0 - rest * part);
        }
        rest /= 10.0;
    }
    quantiles.push(1.0);
    quantiles
        .into_iter()
        .map(|quantile| Spectral {
            percentile: quantile * 100.0,
            us: latency.value_at_quantile(quantile) as f64 / 1000.0,
        })
        .collect()
}

fn timeline(tally: &Tally, step: Duration, measured_for: Duration) -> Vec<Moment> {
    let step = step.as_secs_f64();
    let total = measured_for.as_secs_f64();
    let moments = tally.points.iter().enumerate();
    moments
        .map(|(at, point)| {
            let begins = step * at as f64;
            // the last one may have been cut short
            let length = (total - begins).clamp(step / 10.0, step);
            let us = |quantile: f64| point.latency.value_at_quantile(quantile) as f64 / 1000.0;
            Moment {
                seconds: begins + length,
                per_second: rate(point.requests, length),
                errors: point.errors,
                p50_us: us(0.5),
                p90_us: us(0.9),
                p99_us: us(0.99),
                max_us: us(1.0),
            }
        })
        .collect()
}
