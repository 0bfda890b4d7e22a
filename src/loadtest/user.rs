//! A user: sends one request after the other while the gate is open.

use super::client::{Body, Dialer, Failed, Failure, Line, asks_to_sign_in, drain};
use super::plan::{Expected, Loop};
use super::slice::{Entrance, Slice};
use super::stats::{Answered, Outcome, Tally};
use super::target::Origin;
use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// One URL, ready to be asked for.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) origin: usize,
    pub(super) uri: Uri,
    /// With a place for the cookie where there are sessions, so that putting it in costs nothing.
    pub(super) headers: HeaderMap,
}

/// What all users of a side share.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) origins: Vec<Origin>,
    pub(super) targets: Vec<Target>,
    /// The order in which targets are asked for.
    pub(super) order: Vec<usize>,
    pub(super) method: Method,
    pub(super) body: Bytes,
    pub(super) dialer: Dialer,
    pub(super) kind: Loop,
    pub(super) timeout: Duration,
    pub(super) expected: Expected,
    /// By session, then by origin.
    pub(super) cookies: Vec<Vec<Option<HeaderValue>>>,
    pub(super) users: usize,
    pub(super) connects_first: bool,
    /// What the system said when there was no answer, once.
    pub(super) complaint: Mutex<Option<String>>,
}

/// An HTTP/2 connection to each origin, shared by the users of its streams.
pub(super) type Shared = Arc<Vec<tokio::sync::Mutex<Option<Line>>>>;

/// Longest pause after a connection that could not be opened.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct User {
    course: Arc<Course>,
    tally: Arc<Mutex<Tally>>,
    number: usize,
    lines: Vec<Option<Line>>,
    shared: Option<Shared>,
    turn: usize,
    session: usize,
    dice: u64,
    pause: Duration,
}

impl User {
    pub(super) fn new(
        course: Arc<Course>,
        tally: Arc<Mutex<Tally>>,
        number: usize,
        shared: Option<Shared>,
        seed: u64,
    ) -> Self {
        Self {
            lines: course.origins.iter().map(|_| None).collect(),
            turn: number.wrapping_mul(7919) % course.order.len().max(1),
            session: number % course.cookies.len().max(1),
            course,
            tally,
            number,
            shared,
            dice: seed | 1,
            pause: Duration::ZERO,
        }
    }

    /// Lives until the gate is gone.
    pub(super) async fn live(mut self, mut gate: Entrance, places: Arc<tokio::sync::Semaphore>) {
        if self.course.connects_first {
            // so many handshakes at a time, as a listener takes
            let place = places.acquire().await;
            for origin in 0..self.lines.len() {
                if let Err(failed) = self.connect(origin).await {
                    self.complain(&failed);
                }
            }
            drop(place);
        }
        while let Some(slice) = gate.next().await {
            self.drive(&slice).await;
        }
    }

    async fn drive(&mut self, slice: &Slice) {
        let Some(arrivals) = &slice.arrivals else {
            return self.closed(slice).await;
        };
        while let Some(number) = arrivals.take().await {
            if !slice.may_send() {
                slice.end();
                return;
            }
            let due = slice.begins + arrivals.due_after(number);
            self.ask(slice, due).await;
        }
    }

    async fn closed(&mut self, slice: &Slice) {
        if !slice.ramp_up.is_zero() {
            let part = self.number as f64 / self.course.users.max(1) as f64;
            let begins = slice.begins + slice.ramp_up.mul_f64(part);
            wait(slice, begins).await;
        }
        let mut now = Instant::now();
        while !slice.is_over(now) && slice.may_send() {
            now = self.ask(slice, now).await;
            let think = self.think();
            if !think.is_zero() {
                wait(slice, now + think).await;
                now = Instant::now();
            }
        }
    }

    /// One request to the next target; when it was over.
    async fn ask(&mut self, slice: &Slice, due: Instant) -> Instant {
        let course = Arc::clone(&self.course);
        let target = course.order.get(self.turn).copied().unwrap_or_default();
        self.turn = (self.turn + 1) % course.order.len().max(1);
        let sent = match course.kind {
            Loop::Closed { .. } => due,
            Loop::Open { .. } => Instant::now(),
        };
        let Some(asked) = course.targets.get(target) else {
            return sent;
        };
        let asking = self.exchange(&course, asked);
        let result = match tokio::time::timeout(course.timeout, asking).await {
            Ok(result) => result,
            Err(_) => Err(Failed {
                failure: Failure::Timeout,
                why: format!("no answer within {:?}", course.timeout),
                unsent: false,
            }),
        };
        let result = result.map_err(|failed| {
            self.complain(&failed);
            // half an answer may still be on its way
            self.hang_up(asked.origin);
            failed.failure
        });
        let done = Instant::now();
        let outcome = Outcome {
            target,
            due,
            sent,
            done,
            result,
        };
        self.tally.lock().note(outcome, &slice.window);
        self.pause = match result {
            Err(Failure::Connect | Failure::Tls) => {
                (self.pause * 2).clamp(Duration::from_millis(10), LONGEST_PAUSE)
            }
            _ => Duration::ZERO,
        };
        done
    }

    async fn exchange(&mut self, course: &Course, target: &Target) -> Result<Answered, Failed> {
        let cookie = self.next_cookie(course, target.origin);
        let request = || {
            let mut request: Request<Body> = Request::new(Body::new(course.body.clone()));
            request.method_mut().clone_from(&course.method);
            request.uri_mut().clone_from(&target.uri);
            request.headers_mut().clone_from(&target.headers);
            if let Some(cookie) = cookie {
                request.headers_mut().insert(COOKIE, cookie.clone());
            }
            request
        };
        let mut answer = self.line(target.origin).await?.send(request()).await;
        if answer.as_ref().is_err_and(|failed| failed.unsent) {
            // the server had closed an idle connection; a browser opens another one, too
            self.hang_up(target.origin);
            self.tally.lock().reconnects += 1;
            answer = self.line(target.origin).await?.send(request()).await;
        }
        let mut answer = answer?;
        let status = answer.status().as_u16();
        let asks_to_sign_in = asks_to_sign_in(status, answer.headers());
        Ok(Answered {
            status,
            bytes: drain(answer.body_mut()).await?,
            asks_to_sign_in,
            expected: course.expected.has(status),
        })
    }

    /// The cookie of this user's next session.
    fn next_cookie<'c>(&mut self, course: &'c Course, origin: usize) -> Option<&'c HeaderValue> {
        let session = course.cookies.get(self.session)?;
        self.session = (self.session + course.users) % course.cookies.len();
        session.get(origin)?.as_ref()
    }

    async fn line(&mut self, origin: usize) -> Result<&mut Line, Failed> {
        let is_open = |line: &Option<Line>| line.as_ref().is_some_and(|line| !line.is_closed());
        if !self.lines.get(origin).is_some_and(is_open) {
            if self.lines.get(origin).is_some_and(Option::is_some) {
                self.tally.lock().reconnects += 1;
            }
            self.connect(origin).await?;
        }
        match self.lines.get_mut(origin) {
            Some(Some(line)) => Ok(line),
            _ => Err(Failed {
                failure: Failure::Connect,
                why: "no connection".to_owned(),
                unsent: false,
            }),
        }
    }

    async fn connect(&mut self, origin: usize) -> Result<(), Failed> {
        let course = Arc::clone(&self.course);
        let Some(place) = course.origins.get(origin) else {
            return Ok(());
        };
        let line = match self.shared.clone() {
            None => self.dial(&course, place).await?,
            Some(shared) => {
                let Some(slot) = shared.get(origin) else {
                    return Ok(());
                };
                let mut slot = slot.lock().await;
                let open = slot.as_ref().filter(|line| !line.is_closed());
                match open.and_then(Line::share) {
                    Some(line) => line,
                    None => {
                        let line = self.dial(&course, place).await?;
                        *slot = line.share();
                        line
                    }
                }
            }
        };
        if let Some(slot) = self.lines.get_mut(origin) {
            *slot = Some(line);
        }
        Ok(())
    }

    async fn dial(&self, course: &Course, origin: &Origin) -> Result<Line, Failed> {
        let began = Instant::now();
        let line = course.dialer.dial(origin).await?;
        self.tally.lock().connected(began.elapsed());
        Ok(line)
    }

    /// The next request opens another connection. One that is shared stays, for the others.
    fn hang_up(&mut self, origin: usize) {
        if let Some(line) = self.lines.get_mut(origin) {
            *line = None;
        }
    }

    fn complain(&self, failed: &Failed) {
        let mut complaint = self.course.complaint.lock();
        if complaint.is_none() {
            *complaint = Some(failed.why.clone());
        }
    }

    /// How long this user now thinks: so that they do not march in step, half of what was asked for to one and a half.
    fn think(&mut self) -> Duration {
        let Loop::Closed { think, .. } = self.course.kind else {
            return Duration::ZERO;
        };
        if think.is_zero() {
            return self.pause;
        }
        // xorshift64
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        let part = (self.dice >> 11) as f64 / (1u64 << 53) as f64;
        think.mul_f64(0.5 + part).max(self.pause)
    }
}

/// Sleeps until then, or until the slice is over.
async fn wait(slice: &Slice, until: Instant) {
    const NAP: Duration = Duration::from_millis(100);
    loop {
        let now = Instant::now();
        if now >= until || slice.is_over(now) {
            return;
        }
        let end = until.min(slice.window.to).min(now + NAP);
        tokio::time::sleep_until(end).await;
    }
}
