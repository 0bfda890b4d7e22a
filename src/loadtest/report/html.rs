//! One page with everything, for people: no script, nothing loaded, light and dark.

use super::plot::{Chart, Scale, Series, nines, time_text};
use super::text::{grouped, per_second, size, span};
use super::{Measured, Report};
use crate::loadtest::ratio::Ratio;
use std::fmt::Write as _;

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    let _ = write!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Load test of {}</title><style>{}</style></head><body><main>",
        escaped(&first_url(&report.measured)),
        include_str!("report.css")
    );
    head(&mut out, report);
    verdicts(&mut out, report);
    if report.compare.is_some() {
        compared(&mut out, report);
    } else {
        heroes(&mut out, &report.measured);
    }
    spectrum(&mut out, report);
    over_time(&mut out, &report.measured);
    for (name, side) in sides(report) {
        details(&mut out, name, side);
    }
    if let Some(how) = &report.sign_ins {
        let _ = write!(
            out,
            "<section><h2>Sign-ins</h2><p>{} of {} signed in through the pages in {:.1} s, {:.1} a second. \
             Half of them took less than {}, the slowest {}.</p></section>",
            grouped(how.succeeded),
            grouped(how.succeeded + how.failed),
            how.seconds,
            how.per_second,
            span(how.latency.p50_us),
            span(how.latency.max_us)
        );
    }
    footer(&mut out, report);
    out.push_str("</main></body></html>\n");
    out
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn first_url(side: &Measured) -> String {
    side.urls
        .first()
        .map_or_else(String::new, |target| target.url.clone())
}

/// The sides with the letters they go by, where there are two.
fn sides(report: &Report) -> Vec<(&'static str, &Measured)> {
    match &report.compare {
        None => vec![("", &report.measured)],
        Some(other) => vec![("A", &report.measured), ("B", other)],
    }
}

fn head(out: &mut String, report: &Report) {
    use time::format_description::well_known::Rfc3339;
    let when = time::OffsetDateTime::from_unix_timestamp(report.started_at)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default();
    let plan = &report.plan;
    let how = match plan.rate {
        Some(rate) => format!(
            "{} requests a second, whatever the server does",
            per_second(rate)
        ),
        None => "each user sends when the answer before is there".to_owned(),
    };
    out.push_str("<header><p class=\"over\">Load test</p><h1>");
    for (name, side) in sides(report) {
        let letter = if name.is_empty() {
            String::new()
        } else {
            format!("<b class=\"letter {}\">{name}</b> ", name.to_lowercase())
        };
        let more = match side.urls.len() {
            0 | 1 => String::new(),
            many => format!(" <small>and {} more</small>", many - 1),
        };
        let _ = write!(
            out,
            "<span>{letter}{}{more}</span>",
            escaped(&first_url(side))
        );
    }
    let _ = write!(
        out,
        "</h1><p class=\"soft\">{when} · {} {} over HTTP/{} · {how} · {:.0} s</p></header>",
        grouped(plan.connections as u64),
        if plan.connections == 1 {
            "connection"
        } else {
            "connections"
        },
        plan.http,
        plan.duration_seconds
    );
}

fn verdicts(out: &mut String, report: &Report) {
    if report.conditions.is_empty() && report.notes.is_empty() && !report.interrupted {
        return;
    }
    out.push_str("<ul class=\"verdicts\">");
    for checked in &report.conditions {
        let (class, word) = if checked.failed {
            ("bad", "Failed")
        } else {
            ("good", "Fine")
        };
        let _ = write!(
            out,
            "<li class=\"{class}\"><b>{word}</b> fails if <code>{}</code>{}</li>",
            escaped(&checked.condition),
            checked.value.map_or_else(
                || ": nothing was measured".to_owned(),
                |v| format!(", is {}", checked.unit.text(v))
            )
        );
    }
    if report.interrupted {
        out.push_str(
            "<li class=\"note\"><b>Note</b> Ended by hand; this is what was seen until then.</li>",
        );
    }
    for note in &report.notes {
        let _ = write!(
            out,
            "<li class=\"note\"><b>Note</b> {}.</li>",
            escaped(note)
        );
    }
    out.push_str("</ul>");
}

fn heroes(out: &mut String, side: &Measured) {
    let share = side.errors.total as f64 * 100.0 / side.requests.max(1) as f64;
    let errors = match side.errors.total {
        0 => "none".to_owned(),
        some => format!("{} ({share:.2} %)", grouped(some)),
    };
    out.push_str("<dl class=\"heroes\">");
    for (name, value) in [
        ("answers a second", per_second(side.throughput)),
        ("half were faster than", span(side.latency.p50_us)),
        ("99 % were faster than", span(side.latency.p99_us)),
        ("errors", errors),
    ] {
        let _ = write!(out, "<div><dd>{value}</dd><dt>{name}</dt></div>");
    }
    out.push_str("</dl>");
}

fn compared(out: &mut String, report: &Report) {
    let (Some(comparison), Some(other)) = (&report.comparison, &report.compare) else {
        return;
    };
    let _ = write!(
        out,
        "<section><h2>A over B</h2><p class=\"soft\">{} pairs of {} ms in random order: the median of their ratios, and \
         where it lies with 95 %.</p><table><thead><tr><th></th><th class=\"a\">A</th><th class=\"b\">B</th><th>A over B</th><th>95 %</th>\
         <th></th></tr></thead><tbody>",
        comparison.pairs.len(),
        comparison.slice_ms
    );
    let (a, b) = (&report.measured, other);
    let cpu = |side: &Measured| {
        let each = side.watched.and_then(|w| w.cpu_us_per_request);
        each.map_or_else(|| "–".to_owned(), |us| format!("{us:.1} µs"))
    };
    let values = [
        (per_second(a.throughput), per_second(b.throughput)),
        (span(a.latency.mean_us), span(b.latency.mean_us)),
        (span(a.latency.p50_us), span(b.latency.p50_us)),
        (span(a.latency.p90_us), span(b.latency.p90_us)),
        (span(a.latency.p99_us), span(b.latency.p99_us)),
        (cpu(a), cpu(b)),
    ];
    let ratios = comparison.ratios();
    // one scale for all, so that rows can be compared by eye
    let widest = ratios
        .iter()
        .filter_map(|(_, ratio)| ratio.and_then(|r| r.interval))
        .flat_map(|i| [i.high.max(1e-3).ln().abs(), i.low.max(1e-3).ln().abs()])
        .fold(0.1, f64::max);
    for ((name, ratio), (a, b)) in ratios.into_iter().zip(values) {
        if let Some(ratio) = ratio {
            let _ = write!(
                out,
                "<tr><th>{name}</th><td>{a}</td><td>{b}</td><td><b>{:.3}</b></td><td>{}</td><td>{}</td></tr>",
                ratio.median,
                ratio.interval.map_or_else(
                    || "too few pairs".to_owned(),
                    |i| format!("{:.3} – {:.3}", i.low, i.high)
                ),
                strip(&ratio, widest)
            );
        }
    }
    out.push_str("</tbody></table></section>");
}

/// A ratio beside 1, with its interval; equal distances are equal factors.
fn strip(ratio: &Ratio, widest: f64) -> String {
    let at = |value: f64| 80.0 + 72.0 * (value.max(1e-3).ln() / widest).clamp(-1.0, 1.0);
    let interval = ratio.interval.map_or_else(String::new, |i| {
        format!(
            "<path class=\"line\" d=\"M{:.1} 8H{:.1}\"/>",
            at(i.low),
            at(i.high)
        )
    });
    let class = if ratio.differs() { "differs" } else { "alike" };
    format!(
        "<svg class=\"strip {class}\" viewBox=\"0 0 160 16\" aria-hidden=\"true\"><path class=\"grid\" d=\"M80 0V16\"/>\
         {interval}<circle cx=\"{:.1}\" cy=\"8\" r=\"4\"/></svg>",
        at(ratio.median)
    )
}

fn spectrum(out: &mut String, report: &Report) {
    let sides = sides(report);
    let series: Vec<Series<'_>> = sides
        .iter()
        .map(|(name, side)| Series {
            name: if name.is_empty() { "latency" } else { name },
            class: if *name == "B" { "b" } else { "a" },
            points: side
                .spectrum
                .iter()
                .filter(|point| point.percentile < 100.0)
                .map(|point| (nines(point.percentile), point.us))
                .collect(),
        })
        .collect();
    let most = series.iter().flat_map(|s| s.points.iter()).map(|p| p.0);
    let most = most.fold(0.0, f64::max);
    let ticks = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
    let ticks = ticks.into_iter().filter(|tick| nines(*tick) <= most + 1e-6);
    let latency = &report.measured.latency;
    let chart = Chart {
        label: format!(
            "Latency by percentile: half below {}, 99 % below {}, the highest {}",
            span(latency.p50_us),
            span(latency.p99_us),
            span(latency.max_us)
        ),
        x_name: "per cent of requests that were at least as fast",
        x_ticks: ticks.map(|tick| (nines(tick), tick.to_string())).collect(),
        y_scale: Scale::Logarithmic,
        y_text: time_text,
        series,
        marks: Vec::new(),
    };
    if let Some(svg) = chart.svg() {
        let from = if report.plan.mode == "open" {
            "Counted from the moment a request was due, so that a stall is in it in full."
        } else {
            "Counted from when each request was sent; what a stall has kept from being sent is not in it."
        };
        let _ = write!(
            out,
            "<section><h2>Latency by percentile</h2><p class=\"soft\">{from}</p><figure>{svg}</figure></section>"
        );
    }
}

fn over_time(out: &mut String, side: &Measured) {
    let Some(last) = side.timeline.last() else {
        return;
    };
    let ticks = || -> Vec<(f64, String)> {
        (0..=5)
            .map(|n| last.seconds * f64::from(n) / 5.0)
            .map(|at| {
                let digits = usize::from(last.seconds < 10.0);
                (at, format!("{at:.digits$}"))
            })
            .collect()
    };
    let marks = || -> Vec<(f64, String)> {
        let bad = side.timeline.iter().filter(|moment| moment.errors > 0);
        bad.map(|moment| (moment.seconds, format!("{} errors", moment.errors)))
            .collect()
    };
    let line = |name, class, of: fn(&super::Moment) -> f64| Series {
        name,
        class,
        points: side
            .timeline
            .iter()
            .filter(|moment| of(moment) > 0.0)
            .map(|moment| (moment.seconds, of(moment)))
            .collect(),
    };
    let latency = Chart {
        label: "Latency over time: the 50th, 90th and 99th percentile and the highest".to_owned(),
        x_name: "seconds",
        x_ticks: ticks(),
        y_scale: Scale::Logarithmic,
        y_text: time_text,
        series: vec![
            line("max", "d4", |m| m.max_us),
            line("p99", "d3", |m| m.p99_us),
            line("p90", "d2", |m| m.p90_us),
            line("p50", "d1", |m| m.p50_us),
        ],
        marks: marks(),
    };
    if let Some(svg) = latency.svg() {
        let _ = write!(
            out,
            "<section><h2>Latency over time</h2><figure>{svg}</figure></section>"
        );
    }
    let rate = Chart {
        label: "Requests a second over time".to_owned(),
        x_name: "seconds",
        x_ticks: ticks(),
        y_scale: Scale::Linear,
        y_text: |rate| grouped(rate.round() as u64),
        series: vec![line("a second", "a", |m| m.per_second)],
        marks: marks(),
    };
    if let Some(svg) = rate.svg() {
        let _ = write!(
            out,
            "<section><h2>Requests a second over time</h2><p class=\"soft\">Where there were errors, a line marks \
             it.</p><figure>{svg}</figure></section>"
        );
    }
}

fn details(out: &mut String, name: &str, side: &Measured) {
    let letter = if name.is_empty() {
        String::new()
    } else {
        format!(" of {name}")
    };
    let _ = write!(
        out,
        "<section><h2>Figures{letter}</h2><table><thead><tr><th></th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th>\
         <th>p99.99</th><th>max</th><th>mean</th></tr></thead><tbody>"
    );
    let rows = [
        ("latency", Some(&side.latency)),
        ("from sent", side.service.as_ref()),
        ("connecting", Some(&side.connecting).filter(|c| c.count > 0)),
    ];
    for (name, figures) in rows {
        let Some(f) = figures else { continue };
        let _ = write!(out, "<tr><th>{name}</th>");
        for us in [
            f.p50_us, f.p90_us, f.p99_us, f.p999_us, f.p9999_us, f.max_us, f.mean_us,
        ] {
            let _ = write!(out, "<td>{}</td>", span(us));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    urls(out, side);
    outcomes(out, side);
    if let Some(watched) = &side.watched {
        let each = watched.cpu_us_per_request.unwrap_or_default();
        let _ = write!(
            out,
            "<p>Under test: {each:.1} µs of CPU for each request, {} of memory, {} {}.</p>",
            size(watched.memory_bytes),
            watched.processes,
            if watched.processes == 1 {
                "process"
            } else {
                "processes"
            }
        );
    }
    out.push_str("</section>");
}

fn urls(out: &mut String, side: &Measured) {
    if side.urls.len() < 2 {
        return;
    }
    out.push_str(
        "<table><thead><tr><th>URL</th><th>weight</th><th>a second</th><th>p50</th><th>p99</th><th>errors</th></tr>\
         </thead><tbody>",
    );
    for target in &side.urls {
        let _ = write!(
            out,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&target.url),
            target.weight,
            per_second(target.throughput),
            span(target.latency.p50_us),
            span(target.latency.p99_us),
            grouped(target.errors.total)
        );
    }
    out.push_str("</tbody></table>");
}

fn outcomes(out: &mut String, side: &Measured) {
    let mut chips: Vec<(&str, String)> = Vec::new();
    for (status, count) in &side.statuses {
        let class = if *status < 400 { "good" } else { "bad" };
        chips.push((class, format!("{status} <b>{}</b>", grouped(*count))));
    }
    let errors = &side.errors;
    let others = [
        ("not signed in", errors.not_signed_in),
        ("unexpected status", errors.unexpected_status),
        ("due but not sent", errors.unsent),
    ];
    let failures = errors.failures.iter().map(|(kind, count)| (*kind, *count));
    for (kind, count) in others.into_iter().chain(failures) {
        if count > 0 {
            chips.push(("bad", format!("{kind} <b>{}</b>", grouped(count))));
        }
    }
    out.push_str("<ul class=\"chips\">");
    for (class, text) in chips {
        let _ = write!(out, "<li class=\"{class}\">{text}</li>");
    }
    out.push_str("</ul>");
    if let Some(why) = side
        .first_failure
        .as_ref()
        .filter(|_| !errors.failures.is_empty())
    {
        let _ = write!(
            out,
            "<p class=\"soft\">The first failure: {}</p>",
            escaped(why)
        );
    }
}

fn footer(out: &mut String, report: &Report) {
    let client = &report.client;
    let plan = &report.plan;
    let _ = write!(
        out,
        "<footer><p>{} {}, {} threads, {} sessions, answers waited for {:.0} s at most. The client itself took {:.2} s of \
         CPU and was busy for {:.0} % of its time. Vestibule {}.</p></footer>",
        escaped(&plan.method),
        if plan.body_bytes > 0 {
            size(plan.body_bytes as u64)
        } else {
            "requests".to_owned()
        },
        plan.threads,
        plan.sessions,
        plan.timeout_seconds,
        client.cpu_seconds,
        client.busy * 100.0,
        report.version
    );
}
