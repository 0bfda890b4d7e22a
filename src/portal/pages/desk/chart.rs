//! The curve of the adoption page: points in, what SVG attributes say out. Pure.

/// The drawing's own units; the page stretches it to the room there is.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;
const DAY: i64 = 86_400;

/// The share of users with two-factor on, on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds since the epoch.
    pub at: i64,
    /// 0 to 100.
    pub percent: f64,
}

impl Point {
    /// Whole per cent, within 0 to 100; what is not a number is 0.
    pub(super) fn whole(&self) -> u8 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 100"
        )]
        let whole = self.share().round() as u8;
        whole
    }
    fn share(&self) -> f64 {
        if self.percent.is_finite() {
            self.percent.clamp(0.0, 100.0)
        } else {
            0.0
        }
    }
}

/// A day below the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    pub at: i64,
    /// Per cent of the width.
    pub x: f64,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
    /// Left out on a narrow screen.
    pub minor: bool,
}

/// What is drawn.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Chart {
    /// `d` of the line; empty without points.
    pub curve: String,
    /// `d` of what is below it.
    pub area: String,
    /// Of the last point, in per cent of width and height.
    pub last: Option<(String, String)>,
    /// Per cent of the width, where the deadline is drawn.
    pub due: Option<String>,
    pub ticks: Vec<Tick>,
}

/// In order of time whatever the order given. The deadline is drawn where that leaves the curve its room.
pub(super) fn chart(points: &[Point], deadline: Option<i64>) -> Chart {
    let mut points = points.to_vec();
    points.sort_by_key(|point| point.at);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Chart::default();
    };
    let span = last.at.saturating_sub(first.at);
    let room = span.saturating_mul(2).max(56 * DAY);
    let due = deadline.filter(|due| *due >= first.at && due.saturating_sub(last.at) <= room);
    let end = due.map_or(last.at, |due| due.max(last.at));
    let length = end.saturating_sub(first.at);
    let fraction = |at: i64| {
        #[expect(clippy::cast_precision_loss, reason = "days, not bits")]
        let (from, of) = (at.saturating_sub(first.at) as f64, length as f64);
        if length == 0 {
            0.5
        } else {
            (from / of).clamp(0.0, 1.0)
        }
    };
    let y = |point: &Point| HEIGHT - point.share() / 100.0 * HEIGHT;
    let steps: Vec<String> = points
        .iter()
        .map(|point| format!("{} {}", short(fraction(point.at) * WIDTH), short(y(point))))
        .collect();
    let curve = format!("M{}", steps.join("L"));
    let area = format!(
        "M{start} {HEIGHT}L{line}L{end} {HEIGHT}Z",
        start = short(fraction(first.at) * WIDTH),
        line = steps.join("L"),
        end = short(fraction(last.at) * WIDTH),
    );
    Chart {
        curve,
        area,
        last: Some((
            short(fraction(last.at) * 100.0),
            short(100.0 - last.share()),
        )),
        due: due.map(|due| short(fraction(due) * 100.0)),
        ticks: ticks(first.at, end, length),
    }
}

/// At most five, evenly, on different days.
fn ticks(first: i64, end: i64, length: i64) -> Vec<Tick> {
    if length < DAY {
        return vec![Tick {
            at: end,
            x: 50.0,
            anchor: "middle",
            minor: false,
        }];
    }
    let parts = (length / DAY).clamp(1, 4);
    (0..=parts)
        .map(|n| {
            #[expect(clippy::cast_precision_loss, reason = "at most four")]
            let x = n as f64 / parts as f64 * 100.0;
            Tick {
                at: first.saturating_add(length / parts * n).min(end),
                x,
                anchor: match n {
                    0 => "start",
                    n if n == parts => "end",
                    _ => "middle",
                },
                minor: parts == 4 && n % 2 == 1,
            }
        })
        .collect()
}

/// With one decimal at most.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: i64 = 7 * DAY;

    fn weekly(shares: &[f64]) -> Vec<Point> {
        shares
            .iter()
            .zip(0i64..)
            .map(|(percent, n)| Point {
                at: 1_788_000_000 + n * WEEK,
                percent: *percent,
            })
            .collect()
    }

    #[test]
    fn nothing_one_and_two() {
        assert_eq!(chart(&[], Some(1_800_000_000)), Chart::default());
        let one = chart(&weekly(&[40.0]), None);
        assert_eq!(one.curve, "M300 120");
        assert_eq!(one.last, Some(("50".into(), "60".into())));
        assert_eq!(one.ticks.len(), 1);
        let two = chart(&weekly(&[40.0, 50.0]), None);
        assert_eq!(two.curve, "M0 120L600 100");
        assert_eq!(two.area, "M0 200L0 120L600 100L600 200Z");
        assert_eq!(two.due, None);
    }

    #[test]
    fn the_deadline_is_drawn_where_there_is_room_for_it() {
        let points = weekly(&[10.0, 20.0, 30.0]);
        let first = points[0].at;
        let due = |at| chart(&points, Some(at)).due;
        assert_eq!(due(first + 4 * WEEK).as_deref(), Some("100"));
        assert_eq!(due(first + WEEK).as_deref(), Some("50"));
        assert_eq!(due(first - 1), None);
        assert_eq!(due(first + 60 * WEEK), None);
        assert_eq!(due(i64::MAX), None);
        assert_eq!(
            chart(&points, Some(first + 4 * WEEK)).curve,
            "M0 180L150 160L300 140"
        );
    }

    #[test]
    fn many_points_and_bad_ones_stay_inside() {
        let mut shares: Vec<f64> = (0..200).map(|n| f64::from(n) / 2.0).collect();
        shares.extend([f64::NAN, f64::INFINITY, -3.0, 250.0]);
        let mut points = weekly(&shares);
        points.reverse();
        let chart = chart(&points, None);
        let numbers: Vec<f64> = chart
            .curve
            .split(['M', 'L', ' '])
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().unwrap())
            .collect();
        assert_eq!(numbers.len(), 2 * 204);
        assert!(
            numbers
                .chunks(2)
                .all(|p| (0.0..=600.0).contains(&p[0]) && (0.0..=200.0).contains(&p[1]))
        );
        assert!(numbers.chunks(2).is_sorted_by_key(|p| p[0]));
        assert_eq!(chart.ticks.len(), 5);
        assert_eq!(chart.ticks[4].anchor, "end");
    }
}
