//! What is asked of people: second factors, passwords, sessions, throttles, roles.

use super::Check;
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::settings::{Hashing, PasswordSettings};
use crate::config::source::At;
use crate::domain::binding::EnrolmentProof;
use crate::domain::desk::Roles;
use crate::domain::password_rules::{self, Blocklist, Minimum};
use crate::domain::policy::{TwoFactor, TwoFactorRules};
use crate::domain::{session, throttle};
use std::time::Duration;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
const HOUR: Duration = seconds(3_600);
const DAY: Duration = seconds(86_400);

impl From<schema::Policy> for TwoFactor {
    fn from(policy: schema::Policy) -> Self {
        match policy {
            schema::Policy::Optional => Self::Optional,
            schema::Policy::Recommended => Self::Recommended,
            schema::Policy::Required => Self::Required,
        }
    }
}

impl Check<'_> {
    pub(super) fn two_factor_rules(&mut self, file: &schema::File) -> TwoFactorRules {
        let at = self.at(&["two_factor"]);
        let none = schema::TwoFactor::default();
        let section = file.two_factor.as_ref().unwrap_or(&none);
        // a policy that could not be read: no further complaints that rest on it
        let unclear = section.policy.is_none() && !at.key("policy").is_missing();
        let policy = match section.policy {
            Some(policy) => TwoFactor::from(policy),
            None if unclear => TwoFactor::Required,
            None => TwoFactor::Recommended,
        };
        let mut rules = TwoFactorRules {
            remind_every: section.remind_every.as_ref().map(|d| d.0),
            grace: section.grace.as_ref().map(|d| d.0),
            deadline: section.deadline.as_ref().map(|d| d.0),
            trusted_devices: self.trusted_devices(section.trusted_devices.as_ref().map(|d| d.0)),
            ..TwoFactorRules::with_policy(policy)
        };
        for (name, group) in file.groups.iter().flatten() {
            let at = self.at(&["groups"]).key(name);
            if !at.key("two_factor").exists() {
                self.error(
                    &at,
                    "nothing is said about this group",
                    "write for example `two_factor: { policy: required }`, or remove the group",
                );
            }
            let Some(two_factor) = &group.two_factor else {
                continue;
            };
            let at = at.key("two_factor");
            if !at.key("policy").exists() && !at.key("trusted_devices").exists() {
                self.error(
                    &at,
                    "nothing is said about this group",
                    "write for example `policy: required` or `trusted_devices: false`",
                );
            }
            if let Some(trusted) = two_factor.trusted_devices {
                self.trust_means_something(&at.key("trusted_devices"), file, trusted);
                if !trusted {
                    rules.untrusted_groups.insert(name.clone());
                }
            }
            let Some(of_group) = two_factor.policy.map(TwoFactor::from) else {
                continue;
            };
            if of_group <= policy && !unclear {
                let message = format!(
                    "changes nothing: {} is asked of everybody already",
                    policy.code()
                );
                self.warning(&at.key("policy"), message, "of several policies the strictest holds; lower two_factor.policy, or remove the group");
            }
            rules.groups.insert(name.clone(), of_group);
        }
        let somebody = rules.groups.values().copied().fold(policy, TwoFactor::max);
        for key in ["grace", "deadline"] {
            if at.key(key).exists() && somebody != TwoFactor::Required {
                self.warning(
                    &at.key(key),
                    "has no effect: nobody is required to use two factors",
                    "write `policy: required` here or for a group",
                );
            }
        }
        rules
    }

    fn trusted_devices(&mut self, written: Option<Duration>) -> Option<Duration> {
        let span = written?;
        if span < DAY || span > 365 * DAY {
            self.error(
                &self.at(&["two_factor", "trusted_devices"]),
                "is not between 1 and 365 days",
                "write for example `trusted_devices: 30d`, or remove the line: then no device is trusted",
            );
        }
        Some(span)
    }

    /// `true` is what holds anyway, and without the general switch there is nothing to switch off.
    pub(super) fn trust_means_something(
        &mut self,
        at: &At<'_>,
        file: &schema::File,
        trusted: bool,
    ) {
        let switched_on = file
            .two_factor
            .as_ref()
            .is_some_and(|t| t.trusted_devices.is_some());
        if !switched_on {
            self.warning(
                at,
                "has no effect: no device is trusted anywhere",
                "write `two_factor: { trusted_devices: 30d }`, or remove the line",
            );
        } else if trusted {
            self.warning(
                at,
                "changes nothing: trusted devices are not asked for a code unless it is switched off",
                "write `trusted_devices: false`, or remove the line",
            );
        }
    }

    /// Where nothing is written, the safest proof that costs nobody a call.
    pub(super) fn enrolment_proof(
        &mut self,
        section: Option<&schema::TwoFactor>,
        has_mail: bool,
    ) -> EnrolmentProof {
        let at = self.at(&["two_factor", "enrolment_proof"]);
        match section.and_then(|s| s.enrolment_proof) {
            Some(schema::EnrolmentProof::Helpdesk) => EnrolmentProof::Helpdesk,
            Some(schema::EnrolmentProof::None) => EnrolmentProof::None,
            Some(schema::EnrolmentProof::Email) => {
                if !has_mail {
                    self.error(&at, "`email` asks for a code by mail, and there is no mail server", "write `mail: { smtp: ..., from: ... }`; or `enrolment_proof: helpdesk`: the first enrolment then asks for a one-time code of the helpdesk");
                }
                EnrolmentProof::Email
            }
            None if has_mail => EnrolmentProof::Email,
            None => {
                if at.is_missing() {
                    self.warning(&at, "a stolen password alone can bind a phone", "write `enrolment_proof: helpdesk` (a one-time code is asked at the first enrolment), or name a mail server in `mail` (a code is mailed), or write `none` if that is meant");
                }
                EnrolmentProof::None
            }
        }
    }

    pub(super) fn emergency_codes(&mut self, section: Option<&schema::TwoFactor>) -> usize {
        let count = section.and_then(|s| s.emergency_codes).unwrap_or(8);
        if !(1..=16).contains(&count) {
            let at = self.at(&["two_factor", "emergency_codes"]);
            self.error(
                &at,
                format!("{count} is not between 1 and 16"),
                "write for example `emergency_codes: 8`",
            );
        }
        usize::try_from(count).unwrap_or(8)
    }

    pub(super) fn password(
        &mut self,
        section: Option<&schema::Password>,
        two_factor: &TwoFactorRules,
    ) -> PasswordSettings {
        let at = self.at(&["password", "minimum_length"]);
        let minimum = match section.and_then(|s| s.minimum_length) {
            Some(length) => self.minimum_length(&at, length, two_factor),
            None => Minimum::by_policy(two_factor),
        };
        let blocklist = section.and_then(|s| s.blocklist.as_ref()).map(|list| {
            let at = self.at(&["password", "blocklist"]);
            self.readable_up_to(&at, list, Blocklist::MOST_BYTES)
        });
        PasswordSettings { minimum, blocklist }
    }

    fn minimum_length(&mut self, at: &At<'_>, length: u32, two_factor: &TwoFactorRules) -> Minimum {
        let minimum = Minimum::written(usize::try_from(length).unwrap_or(usize::MAX));
        if minimum.length < Minimum::WITH_SECOND_FACTOR {
            self.error(
                at,
                format!("{length} characters are too few"),
                "write at least 8; 15 where a password alone opens something",
            );
        } else if length > 64 {
            self.error(
                at,
                format!("{length} characters are too many to ask for"),
                "write at most 64; longer passwords are accepted anyway",
            );
        } else if minimum.length < Minimum::ALONE && password_rules::password_alone(two_factor) {
            let (why, instead) = match two_factor.policy {
                TwoFactor::Required => (
                    "two factors can be put off",
                    "remove `grace` and `deadline` of two_factor",
                ),
                TwoFactor::Optional | TwoFactor::Recommended => (
                    "two factors are not required of everybody",
                    "`two_factor: { policy: required }`",
                ),
            };
            let message =
                format!("passwords of {length} characters alone open something, as {why}");
            self.warning(
                at,
                message,
                format!("write `minimum_length: 15` (SP 800-63B-4), or {instead}"),
            );
        }
        minimum
    }

    pub(super) fn sessions(
        &mut self,
        section: Option<&schema::Sessions>,
    ) -> (session::Rules, bool) {
        let at = self.at(&["sessions"]);
        let none = schema::Sessions::default();
        let section = section.unwrap_or(&none);
        let idle = self.span(&at.key("idle"), section.idle.as_ref(), HOUR);
        let lifetime = self.span(&at.key("lifetime"), section.lifetime.as_ref(), 10 * HOUR);
        if idle > lifetime {
            let key = if at.key("idle").exists() {
                "idle"
            } else {
                "lifetime"
            };
            self.error(&at.key(key), "`idle` is longer than `lifetime`", "a session that may be silent longer than it lives never ends by silence; lower `idle` or raise `lifetime`");
        }
        if idle > HOUR {
            self.warning(
                &at.key("idle"),
                "longer than 1h: the sessions do not count as AAL2",
                "write at most 1h (SP 800-63B-4 2.2.3)",
            );
        }
        if lifetime > DAY {
            self.warning(
                &at.key("lifetime"),
                "longer than 24h: the sessions do not count as AAL2",
                "write at most 24h (SP 800-63B-4 2.2.3)",
            );
        }
        let rules = session::Rules { idle, lifetime };
        (rules, section.remember_account.unwrap_or(true))
    }

    pub(super) fn throttle(
        &mut self,
        section: Option<&schema::Throttle>,
    ) -> (throttle::Rules, Hashing) {
        let at = self.at(&["throttle"]);
        let none = schema::Throttle::default();
        let section = section.unwrap_or(&none);
        let password = throttle::Rule {
            free: 10,
            then: 1,
            first_pause: seconds(30),
            longest_pause: HOUR,
            forget_after: DAY,
            exhausted_after: Some(throttle::MOST_FAILURES),
        };
        let code = throttle::Rule {
            free: 5,
            then: 5,
            first_pause: seconds(900),
            ..password
        };
        let network = throttle::Rule {
            free: 500,
            then: 50,
            first_pause: seconds(60),
            longest_pause: seconds(900),
            forget_after: seconds(600),
            exhausted_after: None,
        };
        let rules = throttle::Rules {
            password: self.throttle_rule(
                &at.key("password"),
                section.password.as_ref(),
                password,
                100,
            ),
            code: self.throttle_rule(&at.key("code"), section.code.as_ref(), code, 100),
            network: self.throttle_rule(
                &at.key("network"),
                section.network.as_ref(),
                network,
                u32::MAX,
            ),
        };
        let threads = section.hashing_threads.unwrap_or(0);
        if threads > 1024 {
            self.error(
                &at.key("hashing_threads"),
                format!("{threads} threads are too many"),
                "write 0 for as many as there are cores",
            );
        }
        let queue = section.hashing_queue.unwrap_or(64);
        if !(1..=100_000).contains(&queue) {
            self.error(
                &at.key("hashing_queue"),
                format!("{queue} is not between 1 and 100000"),
                "write for example 64",
            );
        }
        let hashing = Hashing {
            threads: usize::try_from(threads).unwrap_or(0),
            queue: usize::try_from(queue).unwrap_or(64),
        };
        (rules, hashing)
    }

    /// What is not written is as in `default`.
    fn throttle_rule(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::ThrottleRule>,
        default: throttle::Rule,
        most_free: u32,
    ) -> throttle::Rule {
        let Some(section) = section else {
            return default;
        };
        let rule = throttle::Rule {
            free: section.free.unwrap_or(default.free),
            then: section.then.unwrap_or(default.then),
            first_pause: self.span(
                &at.key("first_pause"),
                section.first_pause.as_ref(),
                default.first_pause,
            ),
            longest_pause: self.span(
                &at.key("longest_pause"),
                section.longest_pause.as_ref(),
                default.longest_pause,
            ),
            forget_after: self.span(
                &at.key("forget_after"),
                section.forget_after.as_ref(),
                default.forget_after,
            ),
            exhausted_after: default.exhausted_after,
        };
        for (key, tries) in [("free", rule.free), ("then", rule.then)] {
            if tries == 0 {
                self.error(
                    &at.key(key),
                    "nobody could sign in: no try is allowed",
                    "write at least 1",
                );
            }
        }
        if rule.free > most_free {
            let message = format!(
                "{} wrong tries before the first pause are too many",
                rule.free
            );
            self.error(
                &at.key("free"),
                message,
                format!("write at most {most_free} (SP 800-63B-4 3.2.2)"),
            );
        }
        if rule.first_pause > rule.longest_pause {
            let key = if at.key("first_pause").exists() {
                "first_pause"
            } else {
                "longest_pause"
            };
            self.error(
                &at.key(key),
                "`first_pause` is longer than `longest_pause`",
                "pauses begin with the first and grow up to the longest",
            );
        }
        if rule.forget_after < rule.first_pause {
            let key = if at.key("forget_after").exists() {
                "forget_after"
            } else {
                "first_pause"
            };
            self.error(&at.key(key), "`forget_after` is shorter than `first_pause`", "a pause would be forgotten before it ends; write at least as much as `first_pause`");
        }
        rule
    }

    pub(super) fn roles(&mut self, section: Option<&schema::Roles>) -> Roles {
        let at = self.at(&["roles"]);
        let none = schema::Roles::default();
        let section = section.unwrap_or(&none);
        let empty = "name a group, or remove the line: then nobody has this role";
        Roles {
            helpdesk: self.group_list(&at.key("helpdesk"), section.helpdesk.as_ref(), empty),
            administrator: self.group_list(
                &at.key("administrator"),
                section.administrator.as_ref(),
                empty,
            ),
            auditor: self.group_list(&at.key("auditor"), section.auditor.as_ref(), empty),
        }
    }

    pub(super) fn load_testing(&mut self, section: Option<&schema::LoadTesting>) -> Option<String> {
        let section = section?;
        let at = self.at(&["load_testing"]);
        self.require(&at, "account_prefix", "load-");
        let prefix = section.account_prefix.as_ref()?;
        if prefix.trim().chars().count() < 3 {
            let message = format!(
                "`{}` would allow sessions of real accounts",
                shortened(prefix, 20)
            );
            self.error(
                &at.key("account_prefix"),
                message,
                "write at least 3 characters, for example load-",
            );
            return None;
        }
        let message = format!(
            "anybody who may run `vestibule session mint` here can sign in as any account whose name begins with \
             `{}`, without password and code",
            shortened(prefix, 20)
        );
        self.warning(
            &at,
            message,
            "have it while you test and no longer: then remove the section, and end what is left with `vestibule \
             session revoke`",
        );
        Some(prefix.clone())
    }
}
