//! `--fail-if 'p99>50ms'`: what a run must not be, for scripts.

use super::Wrong;
use super::plan::{Loop, Plan};
use super::report::{Measured, Report};
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    /// Of this percentile.
    Latency(f64),
    Mean,
    Max,
    Errors,
    /// In hundred requests.
    ErrorShare,
    /// Answers a second.
    Throughput,
    /// Of the process that is watched: CPU for each request.
    Cpu,
    /// Throughput of the one side over that of the other.
    Ratio,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// A condition as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    text: String,
    figure: Figure,
    compare: Compare,
    /// Nanoseconds for latencies and CPU.
    limit: f64,
}

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Microseconds,
    PerSecond,
    Percent,
    Plain,
}

impl Unit {
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Microseconds => super::report::span(value),
            Self::PerSecond => format!("{value:.1}/s"),
            Self::Percent => format!("{value:.3} %"),
            Self::Plain if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Plain => format!("{value:.3}"),
        }
    }
}

/// A condition, looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    pub condition: String,
    /// `None`: nothing was measured.
    pub value: Option<f64>,
    pub unit: Unit,
    /// The run has failed because of it.
    pub failed: bool,
}

const HELP: &str = "write for example 'p99>50ms', 'max>1s', 'mean>=5ms', 'errors>0', 'errors%>0.1', \
     'throughput<1000', 'cpu>100us' or 'ratio<0.9'";

impl Condition {
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |why: &str| Wrong::new(format!("--fail-if '{text}': {why}; {HELP}"));
        let at = text
            .find(['<', '>'])
            .ok_or_else(|| wrong("there is neither > nor <"))?;
        let (name, rest) = text.split_at(at);
        let (compare, limit) = if let Some(rest) = rest.strip_prefix(">=") {
            (Compare::AtLeast, rest)
        } else if let Some(rest) = rest.strip_prefix("<=") {
            (Compare::AtMost, rest)
        } else if let Some(rest) = rest.strip_prefix('>') {
            (Compare::Above, rest)
        } else {
            (Compare::Below, rest.strip_prefix('<').unwrap_or_default())
        };
        let figure = figure(name.trim())
            .ok_or_else(|| wrong(&format!("`{}` is nothing that is measured", name.trim())))?;
        let limit = limit.trim();
        let limit = match figure {
            Figure::Latency(_) | Figure::Mean | Figure::Max | Figure::Cpu => span(limit)
                .map(|span| span.as_nanos() as f64)
                .ok_or_else(|| wrong(&format!("`{limit}` is no time")))?,
            Figure::ErrorShare => number(limit.trim_end_matches('%'))
                .ok_or_else(|| wrong(&format!("`{limit}` is no number")))?,
            Figure::Errors | Figure::Throughput | Figure::Ratio => {
                number(limit.trim_end_matches("/s"))
                    .ok_or_else(|| wrong(&format!("`{limit}` is no number")))?
            }
        };
        Ok(Self {
            text: text.to_owned(),
            figure,
            compare,
            limit,
        })
    }

    /// Whether the plan will measure what this is about.
    pub(super) fn fits(&self, plan: &Plan) -> Result<(), Wrong> {
        let missing = match self.figure {
            Figure::Ratio if plan.compare.is_none() => "--compare",
            Figure::Ratio if matches!(plan.kind, Loop::Open { .. }) => {
                return Err(Wrong::new(format!(
                    "--fail-if '{}': with --rate both sides are asked the same; leave one of the two out",
                    self.text
                )));
            }
            Figure::Cpu if plan.side.watch.is_empty() => "--watch",
            _ => return Ok(()),
        };
        Err(Wrong::new(format!(
            "--fail-if '{}' needs {missing}",
            self.text
        )))
    }

    /// A figure that was not measured fails: a run without an answer has no p99 to be content with.
    pub fn check(&self, report: &Report) -> Checked {
        let value = self.value(&report.measured, report);
        let failed = value.is_none_or(|value| match self.compare {
            Compare::Above => value > self.limit,
            Compare::AtLeast => value >= self.limit,
            Compare::Below => value < self.limit,
            Compare::AtMost => value <= self.limit,
        });
        let (unit, scale) = match self.figure {
            Figure::Latency(_) | Figure::Mean | Figure::Max | Figure::Cpu => {
                (Unit::Microseconds, 1000.0)
            }
            Figure::Throughput => (Unit::PerSecond, 1.0),
            Figure::ErrorShare => (Unit::Percent, 1.0),
            Figure::Errors | Figure::Ratio => (Unit::Plain, 1.0),
        };
        Checked {
            condition: self.text.clone(),
            value: value.map(|value| value / scale),
            unit,
            failed,
        }
    }

    fn value(&self, side: &Measured, report: &Report) -> Option<f64> {
        let latency = &side.histogram;
        let measured = !latency.is_empty();
        match self.figure {
            Figure::Latency(percent) => {
                measured.then(|| latency.value_at_quantile(percent / 100.0) as f64)
            }
            Figure::Mean => measured.then(|| latency.mean()),
            Figure::Max => measured.then(|| latency.max() as f64),
            Figure::Errors => Some(side.errors.total as f64),
            Figure::ErrorShare => {
                (side.requests > 0).then(|| side.errors.total as f64 * 100.0 / side.requests as f64)
            }
            Figure::Throughput => Some(side.throughput),
            Figure::Cpu => side
                .watched
                .as_ref()
                .and_then(|watched| watched.cpu_us_per_request)
                .map(|us| us * 1000.0),
            Figure::Ratio => report
                .comparison
                .as_ref()
                .and_then(|c| c.throughput)
                .map(|ratio| ratio.median),
        }
    }
}

fn figure(name: &str) -> Option<Figure> {
    match name.to_ascii_lowercase().as_str() {
        "mean" | "avg" => Some(Figure::Mean),
        "max" | "p100" => Some(Figure::Max),
        "errors" => Some(Figure::Errors),
        "errors%" => Some(Figure::ErrorShare),
        "throughput" | "rate" => Some(Figure::Throughput),
        "cpu" => Some(Figure::Cpu),
        "ratio" => Some(Figure::Ratio),
        percentile => {
            let percent: f64 = number(percentile.strip_prefix('p')?)?;
            (percent > 0.0 && percent < 100.0).then_some(Figure::Latency(percent))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse().ok().filter(|n: &f64| plain && n.is_finite())
}

/// `50ms`, `1.5s`, `300us`, `10m`: a number and a unit.
pub fn span(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, unit) = text.split_at(at);
    let unit = match unit.trim() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let seconds = number(digits)? * unit;
    // no more than a century, and what is too short for the clock is nothing
    let fine = seconds <= 3.2e9;
    Duration::try_from_secs_f64(seconds).ok().filter(|_| fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_can_be_read() {
        let check = |text: &str, figure: Figure, compare: Compare, limit: f64| {
            let found = Condition::parse(text).unwrap();
            assert_eq!((found.figure, found.compare), (figure, compare), "{text}");
            assert!(
                (found.limit - limit).abs() <= limit * 1e-9,
                "{text} {}",
                found.limit
            );
        };
        check("p99>50ms", Figure::Latency(99.0), Compare::Above, 50e6);
        check(
            "p99.99 >= 1.5 s",
            Figure::Latency(99.99),
            Compare::AtLeast,
            1.5e9,
        );
        check("p50>300us", Figure::Latency(50.0), Compare::Above, 300e3);
        check("max>1s", Figure::Max, Compare::Above, 1e9);
        check("mean<=2ms", Figure::Mean, Compare::AtMost, 2e6);
        check("errors>0", Figure::Errors, Compare::Above, 0.0);
        check("errors%>=0.1", Figure::ErrorShare, Compare::AtLeast, 0.1);
        check("errors%>1%", Figure::ErrorShare, Compare::Above, 1.0);
        check("rate<1000", Figure::Throughput, Compare::Below, 1000.0);
        check(
            "throughput<1000/s",
            Figure::Throughput,
            Compare::Below,
            1000.0,
        );
        check("cpu>100us", Figure::Cpu, Compare::Above, 100e3);
        check("ratio<0.9", Figure::Ratio, Compare::Below, 0.9);
    }

    #[test]
    fn conditions_that_cannot() {
        for bad in [
            "",
            "p99",
            "p99>50",
            "p99>ms",
            "p99=50ms",
            "p0>1ms",
            "p101>1ms",
            "px>1ms",
            "p>1ms",
            "errors>",
            "errors>x",
            "errors>-1",
            "errors>1ms",
            "p99>>1ms",
            "p99>-1ms",
            "p99>1parsec",
            "throughput<1e9",
            "p99>1ms and p50>1ms",
            "p99<>1ms",
            "cpu>5",
            "p99>inf",
            "rate<NaN",
        ] {
            let wrong = Condition::parse(bad).unwrap_err();
            assert!(
                wrong.to_string().contains("write for example"),
                "{bad}: {wrong}"
            );
        }
    }

    #[test]
    fn times() {
        for (text, want) in [
            ("10s", 10_000_000),
            ("1.5s", 1_500_000),
            ("50ms", 50_000),
            ("300us", 300),
            ("2m", 120_000_000),
            ("1h", 3_600_000_000),
        ] {
            assert_eq!(span(text), Some(Duration::from_micros(want)), "{text}");
        }
        for bad in ["", "s", "10", "1..5s", "-1s", "1 d", "999999999999h"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
