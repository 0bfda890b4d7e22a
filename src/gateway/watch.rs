//! What is seen to while a request runs, whatever it waits for: an answer ends with the session it was given to, and
//! with its route's time.
//!
//! Pingora's phases are called when something happens; a stream on which nothing happens is nobody's. So each request
//! runs beside a watchman, who looks after some seconds and asks again every second. What ends
//! that way is dropped: HTTP/1 closes the connection, HTTP/2 resets the one stream.

use super::connection::Progress;
use super::inbound::Inbound;
use super::log::{Asked, Noted};
use super::phases::Line;
use super::tls::Belief;
use super::{Gateway, Live, session_of};
use crate::domain::policy::{self, Decision};
use crate::domain::request::Facts;
use crate::domain::route::RouteIndex;
use crate::domain::session::View;
use crate::domain::trace::Trace;
use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream};
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use std::future::{Future as _, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A request that is over by then is never looked at.
const SETTLED: Duration = Duration::from_secs(3);
/// How often what runs longer is decided on anew.
const AGAIN: Duration = Duration::from_secs(1);
/// What an application's own time-out is given to be answered with a page.
const LATE: Duration = Duration::from_secs(1);

tokio::task_local! {
    static WATCH: Arc<Watch>;
}

/// The proxy, with a watchman for each request.
pub(super) struct Watched {
    pub proxy: Arc<HttpProxy<Line>>,
    pub gateway: Gateway,
}

#[async_trait]
impl HttpServerApp for Watched {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let watch = Arc::new(Watch::default());
        let progress = Progress::of(&session);
        let mut timer = timer(progress.as_deref());
        let serve = self.proxy.process_new_http(session, shutdown);
        let connection = tokio::select! {
            biased;
            connection = WATCH.scope(Arc::clone(&watch), serve) => connection,
            (case, why) = self.gateway.overdue(&watch, timer.as_mut()) => {
                self.gateway.tell_of_cut(case, &watch, why);
                None
            }
        };
        if let (Some(progress), Some(_)) = (progress, &connection) {
            progress.keep_timer(timer);
        }
        connection
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.proxy.server_options()
    }

    async fn http_cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

/// A request that was permitted, as the watchman judges it again.
pub(super) struct Case {
    pub inbound: Inbound,
    pub client: IpAddr,
    pub client_certificate: Option<Belief>,
    /// The value of the session's cookie; `None` where the answer is not the session's any more.
    pub token: Option<String>,
    /// The generation of the configuration that `route` is a place in.
    pub live: Arc<Live>,
    pub route: RouteIndex,
    pub person: Option<Arc<View>>,
    pub reference: Arc<str>,
    pub trace: Trace,
    pub noted: Noted,
    pub started: Instant,
    /// The route's time for the whole request.
    pub time: Option<Duration>,
    /// The answer belongs to a session, and ends with it.
    pub bound: bool,
}

impl Case {
    /// `None`: it may last.
    fn end(&self) -> Option<Instant> {
        self.started.checked_add(self.time?.saturating_add(LATE))
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            method: self.inbound.method.as_str(),
            path: &self.inbound.path,
            client: self.client,
            mode: self.inbound.mode,
            preflight_from: self.inbound.preflight_from.as_deref(),
            client_certificate: self.client_certificate.is_some(),
        }
    }
}

/// Shared by a request and its watchman.
#[derive(Default)]
pub(super) struct Watch {
    case: OnceLock<Case>,
    /// The client has sent something since it was looked at last.
    active: AtomicBool,
    /// Of the answer, when its head is out; else 0.
    status: AtomicU16,
    /// The application has said all it had to say.
    complete: AtomicBool,
    /// The client has not sent its whole body.
    body_is_missing: AtomicBool,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    pub asked: Mutex<Asked>,
}

impl Watch {
    /// That of the request this task is at.
    pub(super) fn current() -> Arc<Self> {
        WATCH.try_with(Arc::clone).unwrap_or_default()
    }

    /// The request is on its way to the application. Its watchman is of the same task, and hears of it at once.
    pub(super) fn begin(&self, case: Case, body: bool) {
        if self.case.set(case).is_ok() {
            self.body_is_missing.store(body, Ordering::Relaxed);
        }
    }

    fn end(&self) -> Option<Instant> {
        self.case.get().and_then(Case::end)
    }

    pub(super) fn body_moved(&self, bytes: usize, end: bool) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        if end {
            self.body_is_missing.store(false, Ordering::Relaxed);
        }
        self.active.store(true, Ordering::Relaxed);
    }

    pub(super) fn body_is_missing(&self) -> bool {
        self.body_is_missing.load(Ordering::Relaxed)
    }

    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub(super) fn answer_moved(&self, bytes: usize, end: bool) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        if end {
            self.complete.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
    }

    /// The application talks while the client does.
    pub(super) fn is_answering(&self) -> bool {
        self.status.load(Ordering::Relaxed) != 0 && !self.complete.load(Ordering::Relaxed)
    }
}

/// That of the connection, from now on.
fn timer(progress: Option<&Progress>) -> Pin<Box<Sleep>> {
    match progress.and_then(Progress::take_timer) {
        Some(mut timer) => {
            timer.as_mut().reset(Instant::now() + SETTLED);
            timer
        }
        None => Box::pin(tokio::time::sleep(SETTLED)),
    }
}

impl Gateway {
    /// Resolves when the request must not go on.
    async fn overdue<'w>(
        &self,
        watch: &'w Watch,
        mut timer: Pin<&mut Sleep>,
    ) -> (&'w Case, &'static str) {
        loop {
            // the timer may have been set before the request was known
            poll_fn(|cx| {
                if let Some(end) = watch.end().filter(|end| *end < timer.deadline()) {
                    timer.as_mut().reset(end);
                }
                timer.as_mut().poll(cx)
            })
            .await;
            let next = match watch.case.get() {
                Some(case) if case.end().is_some_and(|end| end <= Instant::now()) => {
                    return (case, "time_limit");
                }
                Some(case) if case.bound && !self.still_open(case, &watch.active).await => {
                    return (case, "session_ended");
                }
                Some(_) => AGAIN,
                // nobody's yet: the head is waited for, or the answer is ours
                None => SETTLED,
            };
            timer.as_mut().reset(Instant::now() + next);
        }
    }

    /// Whether what was given to a session is still its own: signed in, in the group, and the route is there. A proof
    /// that grew old or a reminder that came due is asked for at the next request; it tears no download.
    async fn still_open(&self, case: &Case, active: &AtomicBool) -> bool {
        match self.decide_again(case, active).await {
            Some(
                Decision::Forward(_)
                | Decision::StepUp { .. }
                | Decision::Enrol
                | Decision::Remind
                | Decision::EnrolOverdue
                // what began before the maintenance may end in it
                | Decision::Maintenance,
            ) => true,
            Some(Decision::SignIn | Decision::Deny(_) | Decision::AnswerPreflight) | None => false,
        }
    }

    /// The decision as it would be now, under the configuration of now; `None` where there is none to be made.
    pub(super) async fn decide_again(&self, case: &Case, active: &AtomicBool) -> Option<Decision> {
        let live = self.0.live.load_full();
        let inbound = &case.inbound;
        if case.client_certificate.as_ref().is_some_and(|b| !b.holds()) {
            return None;
        }
        let found = live.snapshot.routes.find(&inbound.host, &inbound.path)?;
        let token = case.token.as_deref();
        let view = session_of(&live.seams, token, &inbound.host).await;
        let view: Option<Arc<View>> = view.ok()?;
        let now = self.0.env.now();
        let decision = policy::decide(found, &case.facts(), view.as_ref(), live.rules(), now);
        if let (Decision::Forward(_), Some(view)) = (&decision, view)
            && active.swap(false, Ordering::Relaxed)
        {
            live.seams.sessions.seen(&view);
        }
        Some(decision)
    }
}
