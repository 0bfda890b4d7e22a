//! Throttling of guesses: counted before they are checked, so that parallel guesses cannot outrun it.
//!
//! One counter per account over all spellings of its name, one per account over all second methods, one
//! per network prefix (SP 800-63B-4 3.2.2). The store runs [`admit`] inside one write transaction.

use super::network::network_of;
use super::timestamp::Timestamp;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Passwords of one account, or of one name that no account has.
    Password,
    /// Second methods of one account, all together.
    Code,
    /// Everything from one network prefix: IPv4 /32, IPv6 /64.
    Network,
    /// Passwords from one known browser of an account: a lane of its own, so that nobody else's guesses keep the
    /// owner out.
    DevicePassword,
    /// Codes from one known browser of an account.
    DeviceCode,
    /// Mails that anybody can ask for: links to reset a password, codes for an enrolment.
    Mail,
    /// One-time codes issued by one agent.
    Agent,
    /// Requests of one token of the API within one minute.
    Token,
}

impl Kind {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Network => "network",
            Self::DevicePassword => "device_password",
            Self::DeviceCode => "device_code",
            Self::Mail => "mail",
            Self::Agent => "agent",
            Self::Token => "token",
        }
    }
}

/// A counter's key. Names are hashed: the table of counters names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    pub kind: Kind,
    pub key: [u8; 32],
}

impl Bucket {
    /// For an account (its id's bytes) or an unknown name (its canonical spelling).
    pub fn new(kind: Kind, subject: &[u8]) -> Self {
        Self {
            kind,
            key: Sha256::digest(subject).into(),
        }
    }

    pub fn network(address: IpAddr) -> Self {
        match network_of(address) {
            IpAddr::V4(v4) => Self::new(Kind::Network, &v4.octets()),
            IpAddr::V6(v6) => Self::new(Kind::Network, &v6.octets()),
        }
    }
}

/// How many tries are free, and how long the pauses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Tries before the first pause.
    pub free: u32,
    /// Tries between one pause and the next.
    pub then: u32,
    pub first_pause: Duration,
    /// Pauses double up to this.
    pub longest_pause: Duration,
    /// A counter untouched for this long starts afresh.
    pub forget_after: Duration,
    /// After this many wrong tries in a row, however far apart, nothing is right any more until the counter is
    /// cleared: at most 100 (SP 800-63B-4 3.2.2). `None` where there is no authenticator to disable.
    pub exhausted_after: Option<u32>,
}

/// Mails that anybody can ask for: three, then one a pause of a quarter of an hour to an hour.
pub const MAIL: Rule = Rule {
    free: 3,
    then: 1,
    first_pause: Duration::from_secs(15 * 60),
    longest_pause: Duration::from_secs(60 * 60),
    forget_after: Duration::from_secs(24 * 60 * 60),
    exhausted_after: None,
};

/// SP 800-63B-4 3.2.2: no more than this many failures in a row.
pub const MOST_FAILURES: u32 = 100;

impl Rule {
    /// The same, for a name that no account has: there is nothing to disable, and nothing to remember for long.
    pub const fn without_end(self) -> Self {
        Self {
            exhausted_after: None,
            ..self
        }
    }
}

/// The three rules of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub password: Rule,
    pub code: Rule,
    pub network: Rule,
}

/// A counter as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub tries: u32,
    pub pauses: u32,
    pub paused_until: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Wrong tries in a row; no time forgets them.
    pub failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on and check. `pause_if_wrong`: should this one fail, nothing is admitted before that moment.
    Admitted {
        pause_if_wrong: Option<Timestamp>,
        exhaustion: Exhaustion,
    },
    /// Do not look at it.
    Paused { until: Timestamp },
}

/// Whether an authenticator has met its last wrong try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exhaustion {
    /// Far from it.
    No,
    /// Should this try fail, it was the last.
    IfWrong,
    /// Whatever is entered counts as wrong.
    Yes,
}

/// Counts one try. The counter returned is stored whatever the check then says; success forgives it.
pub fn admit(counter: Counter, rule: &Rule, now: Timestamp) -> (Counter, Admission) {
    let stale = counter
        .last_at
        .is_some_and(|last| now.since(last) >= rule.forget_after);
    // no pause is longer than the longest: one that seems to be was counted by a clock that ran ahead
    let paused = counter
        .paused_until
        .filter(|until| now < *until && until.since(now) <= rule.longest_pause);
    if let Some(until) = paused {
        return (counter, Admission::Paused { until });
    }
    let mut next = if stale {
        Counter {
            failures: counter.failures,
            ..Counter::default()
        }
    } else {
        counter
    };
    let exhaustion = match rule.exhausted_after {
        Some(most) if counter.failures >= most => Exhaustion::Yes,
        Some(most) if counter.failures.saturating_add(1) >= most => Exhaustion::IfWrong,
        Some(_) | None => Exhaustion::No,
    };
    next.failures = next.failures.saturating_add(1);
    next.tries = next.tries.saturating_add(1);
    next.last_at = Some(now);
    next.paused_until = None;
    let allowed = if next.pauses == 0 {
        rule.free
    } else {
        rule.then
    };
    if next.tries < allowed {
        let admission = Admission::Admitted {
            pause_if_wrong: None,
            exhaustion,
        };
        return (next, admission);
    }
    let until = now.plus(pause(rule, next.pauses));
    next.tries = 0;
    next.pauses = next.pauses.saturating_add(1);
    next.paused_until = Some(until);
    let admission = Admission::Admitted {
        pause_if_wrong: Some(until),
        exhaustion,
    };
    (next, admission)
}

fn pause(rule: &Rule, earlier: u32) -> Duration {
    let factor = 1u32.checked_shl(earlier).unwrap_or(u32::MAX);
    rule.first_pause
        .saturating_mul(factor)
        .min(rule.longest_pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        free: 5,
        then: 5,
        first_pause: Duration::from_secs(900),
        longest_pause: Duration::from_secs(3600),
        forget_after: Duration::from_secs(86_400),
        exhausted_after: Some(MOST_FAILURES),
    };

    /// Runs tries at the given seconds and spells out what happened: `a` admitted, `l` last, `p` paused.
    fn story(rule: &Rule, at: &[i64]) -> String {
        let mut counter = Counter::default();
        at.iter()
            .map(|&s| {
                let (next, admission) = admit(counter, rule, Timestamp::from_seconds(s));
                counter = next;
                match admission {
                    Admission::Admitted {
                        pause_if_wrong: None,
                        ..
                    } => 'a',
                    Admission::Admitted {
                        pause_if_wrong: Some(_),
                        ..
                    } => 'l',
                    Admission::Paused { .. } => 'p',
                }
            })
            .collect()
    }

    #[test]
    fn fifty_at_once_get_five() {
        let got = story(&RULE, &[0; 50]);
        assert_eq!(got, format!("aaaal{}", "p".repeat(45)));
    }

    #[test]
    fn pauses_grow_15_30_60_60() {
        let at = [
            0, 0, 0, 0, 0, 899, 900, 900, 900, 900, 900, 2699, 2700, 2700, 2700, 2700, 2700, 6299,
            6300, 6300, 6300, 6300, 6300, 9899, 9900,
        ];
        assert_eq!(story(&RULE, &at), "aaaalpaaaalpaaaalpaaaalpa");
    }

    #[test]
    fn a_day_of_rest_forgets() {
        assert_eq!(story(&RULE, &[0, 0, 0, 0, 90_000, 90_000]), "aaaaaa");
    }

    #[test]
    fn a_password_pauses_after_each_further_try() {
        let rule = Rule {
            free: 3,
            then: 1,
            first_pause: Duration::from_secs(30),
            ..RULE
        };
        assert_eq!(story(&rule, &[0, 0, 0, 1, 30, 31, 89, 90]), "aalplppl");
    }

    #[test]
    fn a_clock_that_ran_ahead_pauses_nobody_for_ever() {
        let far = Timestamp::from_seconds(10_000_000);
        let counter = Counter {
            paused_until: Some(far),
            ..Counter::default()
        };
        let admitted = |at: i64| {
            let now = Timestamp::from_seconds(at);
            matches!(admit(counter, &RULE, now).1, Admission::Admitted { .. })
        };
        assert!(admitted(0));
        assert!(!admitted(10_000_000 - 3600));
    }

    #[test]
    fn v4_mapped_addresses_share_a_bucket() {
        let b = |s: &str| Bucket::network(s.parse().unwrap());
        assert_eq!(b("10.0.0.1"), b("::ffff:10.0.0.1"));
        assert_eq!(b("2001:db8::1"), b("2001:db8::ffff"));
        assert_ne!(b("2001:db8::1"), b("2001:db8:0:1::1"));
    }
}
