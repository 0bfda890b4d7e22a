//! How many have two-factor authentication.

use super::chart::{self, Chart, Point};
use super::users::Counts;
use super::{Desk, Frame, Moment};

/// A group's figures.
pub struct GroupShare<'a> {
    pub name: &'a str,
    pub counts: Counts,
}

/// Whole per cent, rounded down: 100 means everybody.
pub struct Share(pub u64);

impl Share {
    pub fn of(counts: Counts) -> Self {
        Self(
            counts
                .on
                .saturating_mul(100)
                .checked_div(counts.total())
                .unwrap_or(0),
        )
    }
}

impl GroupShare<'_> {
    fn percent(&self) -> u64 {
        Share::of(self.counts).0
    }
}

/// GET `/desk/adoption`; the figures as CSV at `/desk/adoption.csv`.
pub struct Adoption<'a> {
    pub desk: Desk<'a>,
    pub counts: Counts,
    /// One a week.
    pub points: &'a [Point],
    pub deadline: Option<i64>,
    /// Empty: the table is left out.
    pub groups: &'a [GroupShare<'a>],
    /// Links to the lists of people are for roles that may see them.
    pub people: bool,
}
template!(Adoption<'_>, "desk/adoption.html");

impl Adoption<'_> {
    fn percent(&self) -> u64 {
        Share::of(self.counts).0
    }
    fn on_hint(&self, f: &Frame<'_>) -> String {
        f.tr.with_two(
            "desk-adopt-on-hint",
            ("n", self.counts.on),
            ("total", self.counts.total()),
        )
    }
    fn chart(&self) -> Chart {
        chart::chart(self.points, self.deadline)
    }
    /// In order of time, the newest first.
    fn newest_first(&self) -> Vec<Point> {
        let mut points = self.points.to_vec();
        points.sort_by_key(|point| std::cmp::Reverse(point.at));
        points
    }
    fn due_text(&self, f: &Frame<'_>) -> Option<String> {
        self.deadline
            .map(|at| f.s("desk-adopt-deadline", "date", &f.plain_date(at)))
    }
    /// What the curve shows, in words.
    fn alt(&self, f: &Frame<'_>) -> String {
        let points = self.newest_first();
        let words = match (points.last(), points.first()) {
            (Some(first), Some(last)) if points.len() > 1 => f.tr.with_all(
                "desk-adopt-alt",
                &[
                    ("a", &first.whole().to_string()),
                    ("date", &f.plain_date(first.at)),
                    ("b", &last.whole().to_string()),
                    ("date2", &f.plain_date(last.at)),
                ],
            ),
            (Some(only), _) => f.tr.with_all(
                "desk-adopt-alt-one",
                &[
                    ("b", &only.whole().to_string()),
                    ("date2", &f.plain_date(only.at)),
                ],
            ),
            (None, _) => f.t("desk-adopt-empty"),
        };
        match self.due_text(f) {
            Some(due) => format!("{words} {due}."),
            None => words,
        }
    }
}
