//! What a storm comes to: a line every ten rounds, and a table at its end.

use super::harm::Harm;
use super::round::Outcome;
use super::walker::Counts;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Report {
    rounds: usize,
    harms: BTreeMap<Harm, (u64, Duration)>,
    kinds: BTreeMap<&'static str, u64>,
    revocations: Vec<Duration>,
    pub(super) violations: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, harm: Harm, outcome: &Outcome) {
        self.rounds += 1;
        let (times, worst) = self.harms.entry(harm).or_default();
        *times += 1;
        *worst = outcome.recovery.max(*worst);
        for (kind, number) in &outcome.entries.kinds {
            *self.kinds.entry(kind).or_default() += number;
        }
        self.revocations.push(outcome.revocation);
        for what in &outcome.entries.violations {
            let what = format!("round {}, {}: {what}", self.rounds, harm.name());
            println!("VIOLATION {what}");
            self.violations.push(what);
        }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.kinds.values().sum()
    }

    fn slowest(&self) -> (f64, f64) {
        let revoked = self.revocations.iter().max().copied().unwrap_or_default();
        let back = self.harms.values().map(|(_, worst)| *worst).max();
        (
            revoked.as_secs_f64(),
            back.unwrap_or_default().as_secs_f64(),
        )
    }

    pub(super) fn line(&self, of: usize) {
        let (revoked, back) = self.slowest();
        println!(
            "{} of {of} rounds, {} acknowledged, {} violations, revoked sessions open for {revoked:.1} s, back after {back:.1} s at most",
            self.rounds,
            self.acknowledged(),
            self.violations.len()
        );
    }

    pub(super) fn table(&self, title: &str, counts: &Counts) {
        let n = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        println!("\n{title}\n");
        println!("| | |\n| --- | --- |");
        println!("| rounds | {} |", self.rounds);
        for (harm, (times, worst)) in &self.harms {
            let worst = worst.as_secs_f64();
            println!(
                "| {} | {times}, back after {worst:.1} s at most |",
                harm.name()
            );
        }
        println!("| requests | {} |", n(&counts.requests));
        println!(
            "| of them without a word that counts | {} |",
            n(&counts.unanswered)
        );
        for (kind, number) in &self.kinds {
            println!("| acknowledged: {kind} | {number} |");
        }
        println!("| acknowledged, all | {} |", self.acknowledged());
        println!("| codes tried again | {} |", n(&counts.replays));
        let (revoked, back) = self.slowest();
        println!(
            "| a revoked session opens something, once everything is back, for | {revoked:.1} s at most |"
        );
        println!("| everything answers again after | {back:.1} s at most |");
        println!("| violations | {} |", self.violations.len());
    }
}
