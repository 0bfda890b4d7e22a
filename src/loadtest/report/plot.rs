//! Lines as SVG, drawn here so that a page needs no script.

use super::text::span;
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 84.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 44.0;

/// One line: its class gives the colour, its name stands at its end.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero.
    Linear,
    Logarithmic,
}

pub(super) struct Chart<'a> {
    /// Said to those who cannot see it.
    pub(super) label: String,
    pub(super) x_name: &'a str,
    /// Place and text.
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) y_scale: Scale,
    pub(super) y_text: fn(f64) -> String,
    pub(super) series: Vec<Series<'a>>,
    /// Places on the line of x that are marked, with what is said of them.
    pub(super) marks: Vec<(f64, String)>,
}

/// How values become places.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let place = |v: f64| if self.logarithmic { v.log10() } else { v };
        let (low, high) = (place(self.low), place(self.high));
        let part = (place(value.clamp(self.low, self.high)) - low) / (high - low).max(1e-12);
        self.from + part * (self.to - self.from)
    }
}

impl Chart<'_> {
    /// `None` where there are not two points to draw a line between.
    pub(super) fn svg(&self) -> Option<String> {
        let points = || self.series.iter().flat_map(|s| s.points.iter().copied());
        if points().count() < 2 {
            return None;
        }
        let most = |of: fn((f64, f64)) -> f64| points().map(of).fold(f64::MIN, f64::max);
        let least = |of: fn((f64, f64)) -> f64| points().map(of).fold(f64::MAX, f64::min);
        let x = Axis {
            low: least(|p| p.0).min(self.x_ticks.first().map_or(f64::MAX, |t| t.0)),
            high: most(|p| p.0).max(1e-9),
            from: LEFT,
            to: WIDTH - RIGHT,
            logarithmic: false,
        };
        let (low, high, ticks) = match self.y_scale {
            Scale::Linear => linear_ticks(most(|p| p.1)),
            Scale::Logarithmic => logarithmic_ticks(least(|p| p.1), most(|p| p.1)),
        };
        let y = Axis {
            low,
            high,
            from: HEIGHT - BOTTOM,
            to: TOP,
            logarithmic: self.y_scale == Scale::Logarithmic,
        };
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            super::html::escaped(&self.label)
        );
        self.axes(&mut out, &x, &y, &ticks);
        for (at, text) in &self.marks {
            let at = x.at(*at);
            let _ = write!(
                out,
                "<g class=\"mark\"><title>{}</title><path d=\"M{at:.1} {TOP}V{:.1}\"/></g>",
                super::html::escaped(text),
                HEIGHT - BOTTOM
            );
        }
        self.lines(&mut out, &x, &y);
        out.push_str("</svg>");
        Some(out)
    }

    fn axes(&self, out: &mut String, x: &Axis, y: &Axis, ticks: &[f64]) {
        for tick in ticks {
            let at = y.at(*tick);
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                (self.y_text)(*tick)
            );
        }
        for (tick, text) in &self.x_ticks {
            let at = x.at(*tick);
            let _ = write!(
                out,
                "<path class=\"grid faint\" d=\"M{at:.1} {TOP}V{:.1}\"/><text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{text}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 18.0
            );
        }
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 6.0,
            self.x_name
        );
    }

    fn lines(&self, out: &mut String, x: &Axis, y: &Axis) {
        let mut taken: Vec<f64> = Vec::new();
        for series in &self.series {
            let mut path = String::new();
            for (at, point) in series.points.iter().enumerate() {
                let step = if at == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{step}{:.1} {:.1}", x.at(point.0), y.at(point.1));
            }
            let _ = write!(out, "<path class=\"line {}\" d=\"{path}\"/>", series.class);
            if let Some(last) = series.points.last() {
                // names at the ends of lines keep clear of each other
                let mut at = y.at(last.1) + 4.0;
                while let Some(other) = taken.iter().find(|t| (**t - at).abs() < 14.0) {
                    at = other + 14.0;
                }
                taken.push(at);
                let _ = write!(
                    out,
                    "<text class=\"name {}\" x=\"{:.1}\" y=\"{at:.1}\">{}</text>",
                    series.class,
                    x.at(last.0) + 8.0,
                    series.name
                );
            }
        }
    }
}

/// From zero to a round number above the highest.
fn linear_ticks(high: f64) -> (f64, f64, Vec<f64>) {
    let step = round_up(high.max(1e-9) / 4.0);
    let steps = (high / step).ceil().clamp(1.0, 10.0);
    let ticks = (0..=steps as u32).map(|n| f64::from(n) * step);
    (0.0, steps * step, ticks.collect())
}

/// 1, 2 or 5 times a power of ten, not below the value.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let parts = [1.0, 2.0, 5.0, 10.0];
    let fits = parts
        .iter()
        .find(|part| **part * power >= value * 0.999_999);
    fits.copied().unwrap_or(10.0) * power
}

fn logarithmic_ticks(low: f64, high: f64) -> (f64, f64, Vec<f64>) {
    let low = low.max(1e-3);
    let high = high.max(low * 1.5);
    let decades = (high / low).log10();
    let parts: &[f64] = if decades > 2.5 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let mut ticks = Vec::new();
    let mut power = 10f64.powf(low.log10().floor());
    while power <= high * 10.0 && ticks.len() < 40 {
        ticks.extend(parts.iter().map(|part| part * power));
        power *= 10.0;
    }
    // one tick below the lowest value to one above the highest
    let from = ticks
        .iter()
        .rposition(|t| *t <= low * 1.000_001)
        .unwrap_or(0);
    let to = ticks
        .iter()
        .position(|t| *t >= high * 0.999_999)
        .unwrap_or(ticks.len());
    let kept: Vec<f64> = ticks.into_iter().take(to + 1).skip(from).collect();
    match (kept.first(), kept.last()) {
        (Some(first), Some(last)) if last > first => (*first, *last, kept.clone()),
        _ => (low, high, vec![low, high]),
    }
}

/// Microseconds on an axis.
pub(super) fn time_text(us: f64) -> String {
    let text = span(us);
    // 200.0 ms is 200 ms on an axis
    text.replace(".00 ", " ").replace(".0 ", " ")
}

/// Where a percentile stands: each nine takes as much room as the one before.
pub(super) fn nines(percentile: f64) -> f64 {
    -((1.0 - percentile / 100.0).max(1e-9)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_everything() {
        for (high, want) in [
            (9.0, 10.0),
            (10.0, 10.0),
            (11.0, 15.0),
            (16_728.0, 20_000.0),
            (0.0, 1e-9),
        ] {
            let (low, top, ticks) = linear_ticks(high);
            assert_eq!(low, 0.0);
            assert!((top - want).abs() < want * 0.01 + 1e-6, "{high} {top}");
            assert!(ticks.len() <= 11, "{ticks:?}");
        }
        for (low, high) in [
            (80.0, 900.0),
            (1.0, 1.0),
            (100.0, 10_000_000.0),
            (0.0, 5.0),
            (200.0, 500.0),
        ] {
            let (from, to, ticks) = logarithmic_ticks(low, high);
            assert!(
                from <= low.max(1e-3) && to >= high,
                "{low} {high}: {from} {to}"
            );
            assert!((2..12).contains(&ticks.len()), "{low} {high}: {ticks:?}");
        }
    }

    #[test]
    fn nothing_to_draw_is_no_chart() {
        let chart = |points| Chart {
            label: "a \"b\"".into(),
            x_name: "s",
            x_ticks: vec![],
            y_scale: Scale::Logarithmic,
            y_text: time_text,
            series: vec![Series {
                name: "p50",
                class: "a",
                points,
            }],
            marks: vec![],
        };
        assert!(chart(vec![]).svg().is_none());
        assert!(chart(vec![(0.0, 1.0)]).svg().is_none());
        let svg = chart(vec![(0.0, 0.0), (1.0, f64::MAX)]).svg().unwrap();
        assert!(
            svg.contains("a &quot;b&quot;") && !svg.contains("NaN") && !svg.contains("inf"),
            "{svg}"
        );
    }
}
