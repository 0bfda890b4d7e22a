//! How two things that were measured in turn compare: the median of the ratios of their pairs, and how sure it is.
//!
//! The interval is that of order statistics: the median of whatever the ratios are drawn from lies between the k-th
//! smallest and the k-th largest of n with a probability that is the binomial's, whatever their distribution. Nothing
//! is assumed but that pairs do not depend on each other, which their random order takes care of.

use serde::Serialize;

/// A ratio with its spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    pub median: f64,
    /// `None` with fewer than six pairs, which cannot tell.
    pub interval: Option<Interval>,
    pub pairs: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// At least 0.95.
    pub confidence: f64,
}

impl Ratio {
    /// Of `(numerator, denominator)`; pairs that have no ratio are left out. `None` where nothing is left.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut ratios: Vec<f64> = pairs
            .into_iter()
            .filter(|(a, b)| a.is_finite() && b.is_finite() && *a >= 0.0 && *b > 0.0)
            .map(|(a, b)| a / b)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let median = middle(&ratios)?;
        Some(Self {
            median,
            interval: interval(&ratios),
            pairs: ratios.len(),
        })
    }

    /// Whether the two surely differ.
    pub fn differs(&self) -> bool {
        self.interval
            .is_some_and(|interval| interval.low > 1.0 || interval.high < 1.0)
    }
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(*upper);
    }
    Some(f64::midpoint(*sorted.get(half.checked_sub(1)?)?, *upper))
}

fn interval(sorted: &[f64]) -> Option<Interval> {
    let n = sorted.len();
    // the chance that fewer than `cut` of n lie on one side of the median
    let mut below = 0.0;
    let mut cut = 0;
    for k in 0..n / 2 {
        let next = below + chance(n, k);
        if next > 0.025 {
            break;
        }
        (below, cut) = (next, k + 1);
    }
    let at = cut.checked_sub(1)?;
    Some(Interval {
        low: *sorted.get(at)?,
        high: *sorted.get(n.checked_sub(cut)?)?,
        confidence: 1.0 - 2.0 * below,
    })
}

/// Exactly k of n tosses of a coin.
fn chance(n: usize, k: usize) -> f64 {
    let logarithm: f64 = (0..k)
        .map(|i| ((n - i) as f64).ln() - ((i + 1) as f64).ln())
        .sum();
    (logarithm - n as f64 * std::f64::consts::LN_2).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_paired_ratios() {
        let check = |pairs: &[(f64, f64)], want: Option<f64>| {
            let found = Ratio::of(pairs.iter().copied()).map(|r| r.median);
            assert_eq!(found, want, "{pairs:?}");
        };
        check(&[], None);
        check(&[(2.0, 1.0)], Some(2.0));
        check(&[(2.0, 1.0), (4.0, 1.0)], Some(3.0));
        check(&[(9.0, 1.0), (1.0, 1.0), (2.0, 1.0)], Some(2.0));
        // nothing to compare with
        check(
            &[
                (1.0, 0.0),
                (f64::NAN, 1.0),
                (f64::INFINITY, 1.0),
                (6.0, 2.0),
            ],
            Some(3.0),
        );
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Conover, Practical Nonparametric Statistics: ranks of the interval for the median at 95 %
        for (n, rank, confidence) in [
            (6, 1, 0.969),
            (8, 1, 0.992),
            (9, 2, 0.961),
            (10, 2, 0.979),
            (15, 4, 0.965),
            (20, 6, 0.959),
            (25, 8, 0.957),
            (50, 18, 0.967),
        ] {
            let ratio = Ratio::of((1..=n).map(|x| (f64::from(x), 1.0))).unwrap();
            let found = ratio.interval.unwrap();
            assert_eq!(
                (found.low, found.high),
                (f64::from(rank), f64::from(n + 1 - rank)),
                "{n}"
            );
            assert!(
                (found.confidence - confidence).abs() < 0.001,
                "{n} {}",
                found.confidence
            );
        }
        for few in 1..6 {
            let ratio = Ratio::of((1..=few).map(|x| (f64::from(x), 1.0))).unwrap();
            assert_eq!((ratio.interval, ratio.differs()), (None, false), "{few}");
        }
        // many: nothing overflows
        let ratio = Ratio::of((1..=5000).map(|x| (f64::from(x), 1.0))).unwrap();
        assert!(ratio.interval.unwrap().confidence >= 0.95);
    }

    #[test]
    fn one_outlier_changes_nothing() {
        let mut pairs: Vec<(f64, f64)> = (0..20)
            .map(|n| (1.0 + f64::from(n % 3) / 100.0, 1.0))
            .collect();
        pairs[7] = (1000.0, 1.0);
        let ratio = Ratio::of(pairs).unwrap();
        assert!((ratio.median - 1.01).abs() < 1e-9, "{ratio:?}");
        assert!(ratio.interval.unwrap().high < 1.03, "{ratio:?}");
        assert!(Ratio::of((0..10).map(|_| (1.2, 1.0))).unwrap().differs());
    }
}
