//! For spreadsheets: the line of time, and of a comparison its pairs.

use super::Report;
use std::fmt::Write as _;

/// One line for each moment; of a comparison one for each pair.
pub fn csv(report: &Report) -> String {
    let mut out = String::new();
    if let Some(comparison) = &report.comparison {
        out.push_str(
            "pair,url_first,url_per_second,compare_per_second,url_p50_us,compare_p50_us,url_p99_us,compare_p99_us,\
             url_errors,compare_errors,url_cpu_us_per_request,compare_cpu_us_per_request\n",
        );
        let cpu = |us: Option<f64>| us.map_or_else(String::new, |us| format!("{us:.3}"));
        for (at, pair) in comparison.pairs.iter().enumerate() {
            let (a, b) = (&pair.url, &pair.compare);
            let _ = writeln!(
                out,
                "{},{},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3},{},{},{},{}",
                at + 1,
                pair.url_first,
                a.throughput,
                b.throughput,
                a.p50_us,
                b.p50_us,
                a.p99_us,
                b.p99_us,
                a.errors,
                b.errors,
                cpu(a.cpu_us_per_request),
                cpu(b.cpu_us_per_request)
            );
        }
        return out;
    }
    out.push_str("seconds,per_second,errors,p50_us,p90_us,p99_us,max_us\n");
    for moment in &report.measured.timeline {
        let _ = writeln!(
            out,
            "{:.3},{:.3},{},{:.3},{:.3},{:.3},{:.3}",
            moment.seconds,
            moment.per_second,
            moment.errors,
            moment.p50_us,
            moment.p90_us,
            moment.p99_us,
            moment.max_us
        );
    }
    out
}
