//! Two sides in turn: short slices in random order, so that what drifts on the machine touches both alike.

use super::engine::{Driven, Observer, Progress, arrivals, expected_interval};
use super::plan::Plan;
use super::ratio::Ratio;
use super::report::Sources;
use super::slice::Slice;
use super::stats::Window;
use super::{Stop, Wrong};
use crate::env::Env;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// What one slice of one side came to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Turn {
    pub requests: u64,
    pub errors: u64,
    pub throughput: f64,
    pub mean_us: f64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    /// Where a process is watched.
    pub cpu_us_per_request: Option<f64>,
}

/// A slice of each side.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pair {
    /// Whether the side of `--url` came first.
    pub url_first: bool,
    pub url: Turn,
    pub compare: Turn,
}

/// How the two compare: `--url` over `--compare`.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub slice_ms: u64,
    pub throughput: Option<Ratio>,
    pub mean: Option<Ratio>,
    pub p50: Option<Ratio>,
    pub p90: Option<Ratio>,
    pub p99: Option<Ratio>,
    /// Where both sides are watched.
    pub cpu_per_request: Option<Ratio>,
    pub pairs: Vec<Pair>,
}

impl Comparison {
    fn of(slice: Duration, pairs: Vec<Pair>) -> Self {
        let ratio = |figure: &dyn Fn(&Turn) -> f64| {
            Ratio::of(pairs.iter().map(|p| (figure(&p.url), figure(&p.compare))))
        };
        let cpu = |turn: &Turn| turn.cpu_us_per_request.unwrap_or(f64::NAN);
        Self {
            slice_ms: u64::try_from(slice.as_millis()).unwrap_or(u64::MAX),
            throughput: ratio(&|t| t.throughput),
            mean: ratio(&|t| t.mean_us),
            p50: ratio(&|t| t.p50_us),
            p90: ratio(&|t| t.p90_us),
            p99: ratio(&|t| t.p99_us),
            cpu_per_request: ratio(&cpu),
            pairs,
        }
    }

    /// The ratios by name.
    pub fn ratios(&self) -> [(&'static str, Option<Ratio>); 6] {
        [
            ("throughput", self.throughput),
            ("mean", self.mean),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("CPU per request", self.cpu_per_request),
        ]
    }
}

/// Drives both in turn until the time is over.
pub(super) async fn run(
    plan: &Plan,
    env: &Env,
    (a, b): (&Driven, &Driven),
    stop: &Stop,
    observer: &mut dyn Observer,
) -> Result<(Sources, Sources, Comparison), Wrong> {
    let count = plan.duration.as_nanos() / (plan.slice.as_nanos() * 2).max(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let began = Instant::now();
    let (mut all_a, mut all_b): (Option<Sources>, Option<Sources>) = (None, None);
    let mut pairs = Vec::new();
    for done in 0..count {
        let [coin] = env.random::<1>();
        let url_first = coin & 1 == 0;
        let (first, second) = if url_first { (a, b) } else { (b, a) };
        let first = one(plan, first, stop).await?;
        let second = one(plan, second, stop).await?;
        let (of_a, of_b) = if url_first {
            (first, second)
        } else {
            (second, first)
        };
        if !stop.is_stopped() {
            let (url, compare) = (turn(&of_a), turn(&of_b));
            observer.progress(&Progress {
                elapsed: began.elapsed().min(plan.duration),
                total: plan.duration,
                requests: url.requests + compare.requests,
                errors: url.errors + compare.errors,
                per_second: url.throughput,
                p99: Duration::from_secs_f64(url.p99_us / 1e6),
                pairs: Some((done + 1, count)),
            });
            pairs.push(Pair {
                url_first,
                url,
                compare,
            });
        }
        add(&mut all_a, of_a);
        add(&mut all_b, of_b);
        if stop.is_stopped() {
            break;
        }
    }
    match (all_a, all_b) {
        (Some(a), Some(b)) => Ok((a, b, Comparison::of(plan.slice, pairs))),
        _ => Err(Wrong::new("nothing was driven")),
    }
}

fn add(all: &mut Option<Sources>, more: Sources) {
    match all {
        None => *all = Some(more),
        Some(all) => all.merge(&more),
    }
}

/// A slice of one side. Its first tenth wakes everything up and is not measured.
async fn one(plan: &Plan, side: &Driven, stop: &Stop) -> Result<Sources, Wrong> {
    let slice = |begins: Instant| {
        let window = Window {
            from: begins + plan.slice / 10,
            to: begins + plan.slice,
            points: 0,
            expected_interval: expected_interval(plan),
        };
        let arrivals = arrivals(plan, Duration::ZERO);
        Slice::new(begins, window, Duration::ZERO, None, arrivals)
    };
    side.slice(slice, stop, &mut |_, _| {}).await
}

fn turn(sources: &Sources) -> Turn {
    let whole = sources.tally.whole();
    let us = |quantile: f64| whole.latency.value_at_quantile(quantile) as f64 / 1000.0;
    let seconds = sources.measured_for.as_secs_f64();
    let sent = sources.tally.sent;
    let cpu = sources.watched.as_ref().filter(|_| sent > 0);
    Turn {
        requests: whole.answers + whole.failed() + sources.unsent,
        errors: whole.errors() + sources.unsent,
        throughput: whole.in_time as f64 / seconds.max(f64::MIN_POSITIVE),
        mean_us: whole.latency.mean() / 1000.0,
        p50_us: us(0.5),
        p90_us: us(0.9),
        p99_us: us(0.99),
        cpu_us_per_request: cpu.map(|(spent, _)| spent.as_secs_f64() * 1e6 / sent as f64),
    }
}
