//! Runs a plan: threads with users, slices one after the other, the figures at the end.

use super::Wrong;
use super::client::Dialer;
use super::compare;
use super::pace;
use super::plan::{Loop, Plan, Side};
use super::report::{Client, Report, Sources};
use super::slice::{Arrivals, Gate, Slice};
use super::stats::{Latencies, Tally, Window, latencies, points};
use super::target::{Origin, authority, resolve, schedule};
use super::user::{Course, Shared, Target, User};
use super::watch::{Look, Watcher};
use crate::env::Env;
use http::header::{COOKIE, HOST};
use http::{HeaderValue, Uri};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// Handshakes at once on one thread, before the measurement.
const HANDSHAKES: usize = 64;
/// How often somebody who looks on is told.
const LOOK: Duration = Duration::from_millis(200);
/// How long what is under way is waited for after a stop.
const GRACE: Duration = Duration::from_secs(1);

/// Ends a run early; the report is made of what was seen until then.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn stopped(&self) {
        let mut asked = self.0.subscribe();
        // the sender is `self`, so that it cannot be gone
        let _ = asked.wait_for(|stopped| *stopped).await;
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub elapsed: Duration,
    pub total: Duration,
    pub requests: u64,
    pub errors: u64,
    /// In the last moments.
    pub per_second: f64,
    pub p99: Duration,
    /// Of a comparison: pairs done.
    pub pairs: Option<(u32, u32)>,
}

/// Somebody who looks on.
pub trait Observer {
    fn progress(&mut self, progress: &Progress);
}

/// Nobody does.
impl Observer for () {
    fn progress(&mut self, _: &Progress) {}
}

/// Drives the load that a plan describes.
pub async fn run(
    plan: &Plan,
    env: &Env,
    stop: &Stop,
    observer: &mut dyn Observer,
) -> Result<Report, Wrong> {
    plan.check()?;
    let mut sides = vec![Driven::new(plan, &plan.side).await?];
    if let Some(other) = &plan.compare {
        sides.push(Driven::new(plan, other).await?);
    }
    let files: usize = sides
        .iter()
        .map(|side| side.course.origins.len() * plan.connections)
        .sum();
    allow_files(files as u64 + 64)?;
    let started_at = env.now();
    let own = Watcher::own();
    start_threads(plan, env, &sides)?;
    for side in &sides {
        side.ready(plan).await?;
    }
    let before = own.look();
    let began = Instant::now();
    let (mut sources, comparison) = match sides.as_slice() {
        [a, b] => {
            let (a, b, comparison) =
                Box::pin(compare::run(plan, env, (a, b), stop, observer)).await?;
            (vec![a, b], Some(comparison))
        }
        _ => {
            let mut sources = Vec::new();
            for side in &sides {
                sources.push(single(plan, side, stop, observer).await?);
            }
            (sources, None)
        }
    };
    let spent = own.look().since(&before);
    let elapsed = began.elapsed();
    let other = if comparison.is_some() {
        sources.pop()
    } else {
        None
    };
    let Some(first) = sources.pop() else {
        return Err(Wrong::new("nothing was driven"));
    };
    let sent = first.tally.sent + other.as_ref().map_or(0, |o| o.tally.sent);
    let mut report = Report::new(
        plan,
        started_at,
        first.measured(),
        (comparison, other.map(Sources::measured)),
        Client::new(plan, spent, elapsed, sent),
    );
    report.interrupted = stop.is_stopped();
    report.conclude(plan);
    Ok(report)
}

/// One side, on the threads that drive it.
pub(super) struct Driven {
    course: Arc<Course>,
    gate: Gate,
    tallies: Vec<Arc<Mutex<Tally>>>,
    pub(super) watcher: Option<Watcher>,
    names: Vec<(String, u32)>,
}

impl Driven {
    async fn new(plan: &Plan, side: &Side) -> Result<Self, Wrong> {
        let mut places: Vec<(bool, String)> = Vec::new();
        let mut origins: Vec<Origin> = Vec::new();
        let mut targets = Vec::new();
        for weighted in &side.targets {
            let place = (weighted.url.scheme() == "https", authority(&weighted.url));
            let origin = match places.iter().position(|known| *known == place) {
                Some(at) => at,
                None => {
                    origins.push(resolve(&weighted.url, &plan.overrides, plan.reach).await?);
                    places.push(place);
                    origins.len() - 1
                }
            };
            let authority = origins.get(origin).map(|o| o.authority.clone());
            targets.push(target(plan, weighted, origin, authority)?);
        }
        let hosts: Vec<String> = places.into_iter().map(|(_, authority)| authority).collect();
        let cookies = plan.sessions.for_hosts(&hosts);
        let of_any = |at: usize| {
            cookies
                .iter()
                .any(|s| s.get(at).is_some_and(Option::is_some))
        };
        if let Some(host) = (0..hosts.len()).find(|at| !cookies.is_empty() && !of_any(*at)) {
            let host = hosts.get(host).map_or("", String::as_str);
            return Err(Wrong::new(format!(
                "none of the sessions has a cookie for {host}; make them with --host {host}"
            )));
        }
        let watcher = (!side.watch.is_empty()).then(|| Watcher::of(&side.watch));
        if let Some(pid) = watcher.as_ref().and_then(Watcher::missing) {
            return Err(Wrong::new(format!("--watch: there is no process {pid}")));
        }
        let weights: Vec<u32> = side.targets.iter().map(|t| t.weight).collect();
        let open = matches!(plan.kind, Loop::Open { .. });
        let tally = || Arc::new(Mutex::new(Tally::new(side.targets.len(), open)));
        Ok(Self {
            gate: Gate::new(u32::try_from(plan.users()).unwrap_or(u32::MAX)),
            tallies: (0..plan.threads).map(|_| tally()).collect(),
            watcher,
            names: side
                .targets
                .iter()
                .map(|t| (t.url.to_string(), t.weight))
                .collect(),
            course: Arc::new(Course {
                origins,
                targets,
                order: schedule(&weights),
                method: plan.method.clone(),
                body: plan.body.clone(),
                dialer: Dialer::new(plan.protocol, plan.ca.as_deref(), plan.timeout)?,
                kind: plan.kind,
                timeout: plan.timeout,
                expected: plan.expected.clone(),
                cookies,
                users: plan.users(),
                connects_first: plan.ramp_up.is_zero(),
                complaint: Mutex::new(None),
            }),
        })
    }

    /// Waits until every user has tried to connect. Where not one could, there is nothing to measure.
    async fn ready(&self, plan: &Plan) -> Result<(), Wrong> {
        self.gate.all_idle().await;
        let connected = self.tallies.iter().any(|t| !t.lock().connects.is_empty());
        if connected || !plan.ramp_up.is_zero() {
            return Ok(());
        }
        let why = self.course.complaint.lock().clone().unwrap_or_default();
        let urls: Vec<&str> = self.names.iter().map(|(url, _)| url.as_str()).collect();
        Err(Wrong::new(format!(
            "no connection to {}: {why}",
            urls.join(", ")
        )))
    }

    fn take(&self) -> Tally {
        let mut all: Option<Tally> = None;
        for tally in &self.tallies {
            let taken = tally.lock().take();
            match &mut all {
                None => all = Some(taken),
                Some(all) => all.merge(&taken),
            }
        }
        all.unwrap_or_else(|| Tally::new(self.names.len(), false))
    }

    /// Requests and errors so far, and the latencies of the newest point of time.
    fn glance(&self) -> (u64, u64, Latencies) {
        let (mut requests, mut errors, mut newest) = (0, 0, latencies(2));
        let mut at = 0;
        for tally in &self.tallies {
            let tally = tally.lock();
            requests += tally.sent;
            errors += tally.targets.iter().map(|t| t.errors()).sum::<u64>();
            if let Some(point) = tally.points.last().filter(|_| tally.points.len() >= at) {
                if tally.points.len() > at {
                    at = tally.points.len();
                    newest = latencies(2);
                }
                let _ = newest.add(&point.latency);
            }
        }
        (requests, errors, newest)
    }

    /// Opens a slice and waits until it is over for everybody. It is
    /// made when processes have been looked at, so that the very first request belongs to it.
    pub(super) async fn slice(
        &self,
        begin: impl FnOnce(Instant) -> Slice,
        stop: &Stop,
        seen: &mut dyn FnMut(&Self, &Slice),
    ) -> Result<Sources, Wrong> {
        let before = self.look();
        let slice = Arc::new(begin(Instant::now()));
        self.gate.open(Arc::clone(&slice));
        let pacer = match slice.arrivals {
            Some(_) => Some(
                pace::start(Arc::clone(&slice))
                    .map_err(|e| Wrong::new(format!("no thread can be started: {e}")))?,
            ),
            None => None,
        };
        // a request may begin in the last moment, connect, and wait for as long as it may
        let last = slice.window.to + self.course.timeout * 2 + GRACE;
        let mut ticks = tokio::time::interval(LOOK);
        let all_idle = self.gate.all_idle();
        tokio::pin!(all_idle);
        loop {
            tokio::select! {
                () = &mut all_idle => break,
                () = stop.stopped() => {
                    slice.end();
                    let _ = tokio::time::timeout(GRACE, &mut all_idle).await;
                    break;
                }
                () = tokio::time::sleep_until(last) => {
                    slice.end();
                    break;
                }
                _ = ticks.tick() => seen(self, &slice),
            }
        }
        let ended = Instant::now();
        slice.end();
        if let Some(pacer) = pacer {
            // it naps for a moment at most
            let _ = tokio::task::spawn_blocking(move || drop(pacer.join())).await;
        }
        let mut tally = self.take();
        let until = ended.min(slice.window.to);
        let unsent = self.count_unsent(&slice, until, &mut tally);
        Ok(Sources {
            names: self.names.clone(),
            tally,
            unsent,
            measured_for: until.saturating_duration_since(slice.window.from),
            step: slice.window.step(),
            watched: self
                .look()
                .zip(before)
                .map(|(now, then)| (now.since(&then), now)),
            complaint: self.course.complaint.lock().clone(),
        })
    }

    fn look(&self) -> Option<Look> {
        self.watcher.as_ref().map(Watcher::look)
    }

    /// What was due and could not be sent has waited until the end, at least.
    fn count_unsent(&self, slice: &Slice, until: Instant, tally: &mut Tally) -> u64 {
        /// As many are looked at one by one.
        const MOST: u64 = 100_000;
        let Some(arrivals) = &slice.arrivals else {
            return 0;
        };
        let since = until.saturating_duration_since(slice.begins);
        // one that was due at the very end may have come too late for anybody
        let margin = Duration::from_millis(1);
        let due = arrivals.due_by(since.saturating_sub(margin));
        let taken = arrivals.taken();
        let unsent = due.saturating_sub(taken);
        if unsent == 0 || slice.is_spent() {
            return 0;
        }
        let stride = (unsent / MOST).max(1);
        let mut number = taken;
        while number < due {
            let many = stride.min(due - number);
            let order = &self.course.order;
            let at = usize::try_from(number / stride).unwrap_or(0) % order.len().max(1);
            let target = order.get(at).copied().unwrap_or(0);
            let waited = since.saturating_sub(arrivals.due_after(number));
            tally.unsent(target, waited, many);
            number += many;
        }
        unsent
    }
}

fn target(
    plan: &Plan,
    weighted: &super::target::Weighted,
    origin: usize,
    authority: Option<HeaderValue>,
) -> Result<Target, Wrong> {
    use super::client::Protocol;
    let path = weighted.path_and_query()?;
    let mut headers = plan.headers.clone();
    let authority = authority.unwrap_or_else(|| HeaderValue::from_static(""));
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path);
    match plan.protocol {
        Protocol::Http1 => {
            headers.entry(HOST).or_insert(authority);
        }
        Protocol::Http2 => {
            parts.scheme = weighted.url.scheme().parse().ok();
            parts.authority = authority.to_str().ok().and_then(|a| a.parse().ok());
        }
    }
    if !plan.sessions.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_static("none"));
    }
    let uri = Uri::from_parts(parts)
        .map_err(|e| Wrong::new(format!("`{}` cannot be asked for: {e}", weighted.url)))?;
    Ok(Target {
        origin,
        uri,
        headers,
    })
}

/// A file for each connection: as many as the system lets us have.
fn allow_files(wanted: u64) -> Result<(), Wrong> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if now.maximum.is_some_and(|most| most < wanted) {
        return Err(Wrong::new(format!(
            "so many connections need {wanted} open files and the system allows {}; see `ulimit -Hn`",
            now.maximum.unwrap_or_default()
        )));
    }
    let more = Rlimit {
        current: Some(wanted),
        maximum: now.maximum,
    };
    setrlimit(Resource::Nofile, more)
        .map_err(|e| Wrong::new(format!("{wanted} open files are not allowed: {e}")))
}

/// The users of all sides, on threads of their own. They end when the gates are gone.
fn start_threads(plan: &Plan, env: &Env, sides: &[Driven]) -> Result<(), Wrong> {
    let cannot = |e: std::io::Error| Wrong::new(format!("no thread can be started: {e}"));
    for thread in 0..plan.threads {
        let mut users = Vec::new();
        for side in sides {
            let Some(tally) = side.tallies.get(thread) else {
                continue;
            };
            for connection in (thread..plan.connections).step_by(plan.threads) {
                let shared: Option<Shared> = (plan.streams > 1).then(|| {
                    let slots = side.course.origins.iter();
                    Arc::new(slots.map(|_| tokio::sync::Mutex::new(None)).collect())
                });
                for stream in 0..plan.streams {
                    let number = connection * plan.streams + stream;
                    let user = User::new(
                        Arc::clone(&side.course),
                        Arc::clone(tally),
                        number,
                        shared.clone(),
                        u64::from_le_bytes(env.random()),
                    );
                    users.push((user, side.gate.entrance()));
                }
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        std::thread::Builder::new()
            .name(format!("users-{thread}"))
            .spawn(move || {
                runtime.block_on(async move {
                    let places = Arc::new(Semaphore::new(HANDSHAKES));
                    let mut living = tokio::task::JoinSet::new();
                    for (user, entrance) in users {
                        living.spawn(user.live(entrance, Arc::clone(&places)));
                    }
                    living.join_all().await;
                });
            })
            .map_err(cannot)?;
    }
    Ok(())
}

/// The one slice of a plain run.
async fn single(
    plan: &Plan,
    side: &Driven,
    stop: &Stop,
    observer: &mut dyn Observer,
) -> Result<Sources, Wrong> {
    let slice = |begins: Instant| {
        let from = begins + plan.ramp_up;
        let window = Window {
            from,
            to: from + plan.duration,
            points: points(plan.duration),
            expected_interval: expected_interval(plan),
        };
        let arrivals = arrivals(plan, plan.ramp_up);
        Slice::new(begins, window, plan.ramp_up, plan.requests, arrivals)
    };
    let mut before = (Instant::now(), 0);
    let mut seen = |side: &Driven, slice: &Slice| {
        let now = Instant::now();
        let (requests, errors, newest) = side.glance();
        let since = now.saturating_duration_since(before.0).as_secs_f64();
        let per_second = requests.saturating_sub(before.1) as f64 / since.max(0.001);
        before = (now, requests);
        let total = slice.window.to.saturating_duration_since(slice.begins);
        observer.progress(&Progress {
            elapsed: now.saturating_duration_since(slice.begins).min(total),
            total,
            requests,
            errors,
            per_second,
            p99: Duration::from_nanos(newest.value_at_quantile(0.99)),
            pairs: None,
        });
    };
    side.slice(slice, stop, &mut seen).await
}

pub(super) fn expected_interval(plan: &Plan) -> Option<Duration> {
    match plan.kind {
        Loop::Closed { expected, .. } => expected,
        Loop::Open { .. } => None,
    }
}

pub(super) fn arrivals(plan: &Plan, ramp_up: Duration) -> Option<Arrivals> {
    match plan.kind {
        Loop::Closed { .. } => None,
        Loop::Open { rate } => Some(Arrivals::new(rate, ramp_up)),
    }
}
