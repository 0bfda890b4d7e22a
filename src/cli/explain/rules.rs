//! The rules of a route, in the order in which they are applied.

use super::words::{in_words, joined};
use crate::config::Settings;
use crate::domain::account::Account;
use crate::domain::policy::{self, TwoFactor};
use crate::domain::route::Route;
use std::time::Duration;

pub(super) fn rules(settings: &Settings, route: &Route, account: Option<&Account>) -> Vec<String> {
    let access = &route.access;
    let mut rules = Vec::new();
    if !access.networks.is_empty() {
        let networks: Vec<String> = access.networks.iter().map(ToString::to_string).collect();
        rules.push(format!(
            "access.networks: only from {}",
            networks.join(", ")
        ));
    }
    if access.client_certificate {
        rules.push("access.client_certificate: only with a client certificate".into());
    }
    if !access.methods.is_empty() {
        rules.push(format!("access.methods: only {}", joined(&access.methods)));
    }
    rules.extend(answers(route));
    if !route.public.is_empty() {
        let paths: Vec<&str> = route.public.iter().map(|p| p.as_str()).collect();
        rules.push(format!("public: {} without sign-in", paths.join(", ")));
    }
    rules.push(format!(
        "signed in: for at most {}, silent for at most {}",
        in_words(settings.sessions.lifetime),
        in_words(settings.sessions.idle)
    ));
    if !access.groups.is_empty() {
        rules.push(format!(
            "access.groups: only members of {}",
            joined(&access.groups)
        ));
    }
    rules.extend(two_factor_rules(settings, route, account));
    rules
}

fn answers(route: &Route) -> Vec<String> {
    let mut rules = Vec::new();
    if let Some(maintenance) = &route.answers.maintenance {
        let networks: Vec<String> = maintenance
            .networks
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut open = Vec::new();
        if !networks.is_empty() {
            open.push(format!("from {}", networks.join(", ")));
        }
        if !maintenance.groups.is_empty() {
            open.push(format!("for members of {}", joined(&maintenance.groups)));
        }
        let open = if open.is_empty() {
            "for nobody".into()
        } else {
            open.join(" and ")
        };
        rules.push(format!("maintenance: closed, open {open} only"));
    }
    if let Some(preflights) = &route.answers.preflights {
        let by = if preflights.answer.is_some() {
            "answered here"
        } else {
            "passed on without a session"
        };
        rules.push(format!(
            "cors: preflights from {} are {by}",
            joined(&preflights.origins)
        ));
    }
    rules
}

fn two_factor_rules(settings: &Settings, route: &Route, account: Option<&Account>) -> Vec<String> {
    let two_factor = &settings.two_factor;
    let mut sources = vec![format!("everybody {}", two_factor.policy.code())];
    if route.two_factor != TwoFactor::Optional {
        sources.push(format!("this route {}", route.two_factor.code()));
    }
    for (group, policy) in &two_factor.groups {
        if account.is_some_and(|a| a.groups.contains(group)) {
            sources.push(format!("group {group} {}", policy.code()));
        }
    }
    if account.is_none() && !two_factor.groups.is_empty() {
        sources.push("stricter for the members of some groups".into());
    }
    let mut rules = vec![format!("two_factor.policy: {}", sources.join(", "))];
    if let Some(max_age) = route.max_age {
        rules.push(format!(
            "two_factor.max_age: the second factor not older than {}",
            in_words(max_age)
        ));
    }
    if let Some(span) = two_factor.trusted_devices {
        rules.push(format!(
            "two_factor.trusted_devices: {}",
            trust(span, two_factor, route, account)
        ));
    }
    rules
}

/// Whether a trusted device opens the route without a code, and what is in the way.
fn trust(
    span: Duration,
    rules: &policy::TwoFactorRules,
    route: &Route,
    account: Option<&Account>,
) -> String {
    let group = account.and_then(|a| {
        let mut switched_off = rules.untrusted_groups.intersection(&a.groups);
        switched_off.next()
    });
    if !route.trusted_devices {
        "switched off for this route".into()
    } else if let Some(group) = group {
        format!("switched off for group {group}")
    } else if route.max_age.is_some() {
        "count for nothing here, because of max_age".into()
    } else if account.is_none() && !rules.untrusted_groups.is_empty() {
        format!(
            "not asked for a code for {}, but for the members of some groups",
            in_words(span)
        )
    } else {
        format!("not asked for a code for {}", in_words(span))
    }
}
