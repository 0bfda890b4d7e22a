//! What is counted of requests, by route. A route's handles are made once and kept with it; counting then allocates
//! nothing.

use super::Outcome;
use crate::domain::logged::Logged;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::{Arc, OnceLock};

/// Upper bounds in seconds: a proxied request on a local network up to a slow report.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// What a response begins with; the last is for requests that none was sent to.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteOutcome {
    route: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteClass {
    route: String,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteName {
    route: String,
}

type Durations = Family<RouteName, Histogram, fn() -> Histogram>;

#[derive(Clone)]
pub(super) struct Requests {
    requests: Family<RouteOutcome, Counter>,
    responses: Family<RouteClass, Counter>,
    durations: Durations,
    upstream_durations: Durations,
}

/// A route's handles: made once with [`super::Metrics::route`], kept with the route.
#[derive(Clone)]
pub struct RouteLabel(Arc<Handles>);

// made when first used: ten thousand routes do not write a hundred thousand zeros into every scrape
struct Handles {
    name: String,
    all: Requests,
    by_outcome: [OnceLock<Counter>; Outcome::ALL.len()],
    by_class: [OnceLock<Counter>; CLASSES.len()],
    duration: OnceLock<Histogram>,
    upstream_duration: OnceLock<Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        let durations = || Durations::new_with_constructor(|| Histogram::new(BUCKETS));
        Self {
            requests: Family::default(),
            responses: Family::default(),
            durations: durations(),
            upstream_durations: durations(),
        }
    }
}

impl Requests {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests by route and how they ended",
            self.requests.clone(),
        );
        registry.register(
            "responses",
            "Responses by route and the first digit of their status",
            self.responses.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the request's head to the end of the response",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "upstream_duration",
            "From the choice of an upstream to the head of its response",
            Unit::Seconds,
            self.upstream_durations.clone(),
        );
    }

    pub(super) fn route(&self, name: &str) -> RouteLabel {
        RouteLabel(Arc::new(Handles {
            name: name.to_owned(),
            all: self.clone(),
            by_outcome: std::array::from_fn(|_| OnceLock::new()),
            by_class: std::array::from_fn(|_| OnceLock::new()),
            duration: OnceLock::new(),
            upstream_duration: OnceLock::new(),
        }))
    }
}

impl RouteLabel {
    pub(super) fn count(&self, outcome: Outcome, request: &Logged<'_>) {
        if let Some(counter) = self.0.outcome(outcome) {
            counter.inc();
        }
        if let Some(counter) = self.0.class(request.status) {
            counter.inc();
        }
        let seconds = request.duration.as_secs_f64();
        self.0.duration().observe(seconds);
        if let Some(took) = request.upstream_time {
            self.0.upstream_duration().observe(took.as_secs_f64());
        }
    }
}

impl Handles {
    fn outcome(&self, outcome: Outcome) -> Option<&Counter> {
        let slot = self.by_outcome.get(outcome as usize)?;
        let make = || RouteOutcome {
            route: self.name.clone(),
            outcome: outcome.code(),
        };
        Some(slot.get_or_init(|| self.all.requests.get_or_create_owned(&make())))
    }

    fn class(&self, status: u16) -> Option<&Counter> {
        let position = match usize::from(status / 100) {
            class @ 1..=5 => class - 1,
            _ => CLASSES.len() - 1,
        };
        let (slot, class) = (self.by_class.get(position)?, *CLASSES.get(position)?);
        let make = || RouteClass {
            route: self.name.clone(),
            class,
        };
        Some(slot.get_or_init(|| self.all.responses.get_or_create_owned(&make())))
    }

    fn duration(&self) -> &Histogram {
        self.histogram(&self.duration, &self.all.durations)
    }

    fn upstream_duration(&self) -> &Histogram {
        self.histogram(&self.upstream_duration, &self.all.upstream_durations)
    }

    fn histogram<'a>(&self, slot: &'a OnceLock<Histogram>, family: &Durations) -> &'a Histogram {
        let make = || RouteName {
            route: self.name.clone(),
        };
        slot.get_or_init(|| family.get_or_create_owned(&make()))
    }
}

impl std::fmt::Debug for RouteLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RouteLabel({})", self.0.name)
    }
}
