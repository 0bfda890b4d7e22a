//! For people.

use super::{Figures, Measured, Report};
use crate::loadtest::ratio::Ratio;
use crate::loadtest::sign_in::SignIns;
use std::fmt::Write as _;

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    if let Some(signed_in) = &report.sign_ins {
        out.push_str(&sign_ins(signed_in));
    }
    let several = report.compare.is_some();
    if several {
        out.push_str("A  --url\n");
    }
    side(&mut out, &report.measured);
    if let Some(other) = &report.compare {
        out.push_str("\nB  --compare\n");
        side(&mut out, other);
    }
    if let Some(comparison) = &report.comparison {
        let _ = write!(
            out,
            "\nA over B, {} pairs of {} ms in random order: median of the ratios, and where it lies with 95 %\n",
            comparison.pairs.len(),
            comparison.slice_ms
        );
        for (name, ratio) in comparison.ratios() {
            if let Some(ratio) = ratio {
                let _ = writeln!(out, "  {name:<16} {}", ratio_text(&ratio));
            }
        }
    }
    let client = &report.client;
    let _ = write!(
        out,
        "\nThis client       {:.2} s of CPU{}, busy for {:.0} %\n",
        client.cpu_seconds,
        client
            .cpu_us_per_request
            .map_or_else(String::new, |us| format!(", {us:.1} µs for each request")),
        client.busy * 100.0
    );
    for note in &report.notes {
        let _ = writeln!(out, "Note: {note}.");
    }
    if report.interrupted {
        out.push_str("Note: ended by hand; this is what was seen until then.\n");
    }
    for checked in &report.conditions {
        let verdict = if checked.failed { "FAILED" } else { "ok    " };
        let value = checked.value.map_or_else(
            || "nothing was measured".to_owned(),
            |v| checked.unit.text(v),
        );
        let _ = writeln!(out, "{verdict}  {}  ({value})", checked.condition);
    }
    out
}

fn side(out: &mut String, side: &Measured) {
    let several = side.urls.len() > 1;
    for target in &side.urls {
        let weight = if several {
            format!("  (weight {})", target.weight)
        } else {
            String::new()
        };
        let _ = writeln!(out, "{}{weight}", target.url);
    }
    let _ = writeln!(
        out,
        "\n  {} answers in {:.1} s: {} a second, {} of bodies",
        grouped(side.answers),
        side.seconds,
        per_second(side.throughput),
        size(side.bytes)
    );
    errors(out, side);
    out.push_str("\n            ");
    for name in ["p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"] {
        let _ = write!(out, "{name:>11}");
    }
    out.push('\n');
    figures(out, "latency", &side.latency);
    if let Some(service) = &side.service {
        figures(out, "from sent", service);
    }
    if side.connecting.count > 0 {
        figures(out, "connecting", &side.connecting);
    }
    if several {
        out.push('\n');
        for target in &side.urls {
            let _ = writeln!(
                out,
                "  {:>10}/s  p50 {:>10}  p99 {:>10}  errors {:<6} {}",
                per_second(target.throughput),
                span(target.latency.p50_us),
                span(target.latency.p99_us),
                target.errors.total,
                target.url
            );
        }
    }
    if let Some(watched) = &side.watched {
        let each = watched
            .cpu_us_per_request
            .map_or_else(|| "-".to_owned(), |us| format!("{us:.1} µs"));
        let _ = writeln!(
            out,
            "\n  under test: {each} of CPU for each request ({:.2} s), {} of memory, {} {}",
            watched.cpu_seconds,
            size(watched.memory_bytes),
            watched.processes,
            if watched.processes == 1 {
                "process"
            } else {
                "processes"
            }
        );
    }
}

fn errors(out: &mut String, side: &Measured) {
    let statuses: Vec<String> = side
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}: {}", grouped(*count)))
        .collect();
    if !statuses.is_empty() {
        let _ = writeln!(out, "  statuses  {}", statuses.join(", "));
    }
    let errors = &side.errors;
    if errors.total == 0 {
        out.push_str("  no errors\n");
        return;
    }
    let mut kinds: Vec<String> = Vec::new();
    let named = [
        ("not signed in", errors.not_signed_in),
        ("unexpected status", errors.unexpected_status),
        ("due but not sent", errors.unsent),
    ];
    for (name, count) in named {
        if count > 0 {
            kinds.push(format!("{name} {}", grouped(count)));
        }
    }
    for (kind, count) in &errors.failures {
        let words = match *kind {
            "connect" => "no connection",
            "tls" => "no TLS",
            "timeout" => "timed out",
            "reset" => "reset",
            "closed" => "closed early",
            _ => "not HTTP",
        };
        kinds.push(format!("{words} {}", grouped(*count)));
    }
    let share = errors.total as f64 * 100.0 / (side.requests.max(1)) as f64;
    let _ = writeln!(
        out,
        "  ERRORS    {} ({share:.2} %): {}",
        grouped(errors.total),
        kinds.join(", ")
    );
    if let Some(why) = &side.first_failure {
        let _ = writeln!(out, "            first: {why}");
    }
}

fn figures(out: &mut String, name: &str, figures: &Figures) {
    let _ = write!(out, "  {name:<10}");
    if figures.count == 0 {
        out.push_str("  nothing was measured\n");
        return;
    }
    for us in [
        figures.p50_us,
        figures.p90_us,
        figures.p99_us,
        figures.p999_us,
        figures.p9999_us,
        figures.max_us,
        figures.mean_us,
    ] {
        let _ = write!(out, "{:>11}", span(us));
    }
    out.push('\n');
}

/// How the sign-ins went.
pub fn sign_ins(sign_ins: &SignIns) -> String {
    let mut out = format!(
        "{} of {} signed in through the pages in {:.1} s ({:.1} a second)\n",
        sign_ins.succeeded,
        sign_ins.succeeded + sign_ins.failed,
        sign_ins.seconds,
        sign_ins.per_second
    );
    if let Some(why) = &sign_ins.first_failure {
        let _ = writeln!(out, "  ERRORS    {}; first: {why}", sign_ins.failed);
    }
    figures(&mut out, "a sign-in", &sign_ins.latency);
    out.push('\n');
    out
}

pub(super) fn ratio_text(ratio: &Ratio) -> String {
    match &ratio.interval {
        Some(interval) => format!(
            "{:.3}   {:.3} to {:.3}{}",
            ratio.median,
            interval.low,
            interval.high,
            if ratio.differs() {
                ""
            } else {
                "   (no difference shown)"
            }
        ),
        None => format!("{:.3}   (too few pairs for an interval)", ratio.median),
    }
}

/// Microseconds, as people write them.
pub fn span(us: f64) -> String {
    match us {
        us if us < 1000.0 => format!("{us:.0} µs"),
        us if us < 10_000.0 => format!("{:.2} ms", us / 1e3),
        us if us < 1e6 => format!("{:.1} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

pub(super) fn per_second(rate: f64) -> String {
    if rate < 100.0 {
        format!("{rate:.1}")
    } else {
        grouped(rate.round() as u64)
    }
}

pub(super) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1024.0 => format!("{b:.0} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b if b < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", b / 1024.0 / 1024.0),
        b => format!("{:.1} GiB", b / 1024.0 / 1024.0 / 1024.0),
    }
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(span(85.4), "85 µs");
        assert_eq!(span(1234.0), "1.23 ms");
        assert_eq!(span(45_678.0), "45.7 ms");
        assert_eq!(span(1_500_000.0), "1.50 s");
        assert_eq!(size(3 * 1024 * 1024), "3.0 MiB");
    }
}
