//! Sight: metrics (OpenMetrics), logs and traces.
//!
//! Label values are bounded: enumerations of this file, and names of the configuration.

pub mod access_log;
pub mod line;
mod logging;
mod requests;
pub mod traces;
mod upstreams;

pub use logging::{Fault, Format, init_logging};
pub use requests::RouteLabel;
pub use upstreams::Upstreams;

use crate::domain::logged::Logged;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use requests::Requests;
use std::sync::atomic::AtomicU64;

/// The route label of the portal's own pages; no configured name begins with `-`.
pub const PORTAL: &str = "-portal";
/// The route label of requests for no configured place.
pub const NO_ROUTE: &str = "-none";
/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

label!(
    /// How a request ended.
    Outcome {
        /// Sent to the upstream for somebody signed in.
        Forwarded = "forwarded",
        /// Sent to the upstream without identity: a public path.
        Public = "public",
        /// A page of the portal, or our part of an application host.
        Portal = "portal",
        /// Told to sign in: redirect or 401.
        Challenged = "challenged",
        /// Told to prove the second factor again.
        StepUp = "step_up",
        /// Led to the reminder.
        Reminded = "reminded",
        /// Signed in, but not allowed here.
        Denied = "denied",
        /// Not a request we serve: malformed, unknown host, too large.
        Refused = "refused",
        /// The upstream did not answer.
        UpstreamFailed = "upstream_failed",
        /// We could not decide: store or keys do not work.
        Unavailable = "unavailable",
    }
);

label!(
    /// How a step of a sign-in ended.
    SignIn {
        Completed = "completed",
        PasswordRefused = "password_refused",
        CodeRefused = "code_refused",
        /// Finished with an emergency or one-time code.
        Recovered = "recovered",
    }
);

label!(
    /// Which counter paused somebody; the codes of `domain::throttle::Kind`.
    Throttled {
        Password = "password",
        Code = "code",
        Network = "network",
    }
);

label!(
    /// Where a certificate of ours comes from.
    CertificateSource {
        File = "file",
        Acme = "acme",
    }
);

label!(
    /// What became of a reminder to enable two-factor authentication.
    Reminder {
        Shown = "shown",
        Postponed = "postponed",
        Enrolled = "enrolled",
    }
);

label!(
    /// What became of a try to hand a mail to the mail server.
    Mail {
        Sent = "sent",
        /// To be tried again.
        Deferred = "deferred",
        /// Given up.
        Failed = "failed",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabel {
    name: String,
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SecondFactorLabel {
    second_factor: &'static str,
}

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    sign_ins: Family<ResultLabel, Counter>,
    throttled: Family<KindLabel, Counter>,
    reminders: Family<ActionLabel, Counter>,
    accounts: Family<SecondFactorLabel, Gauge>,
    sessions: Gauge,
    websockets: Gauge,
    assertions_signed: Counter,
    store_faults: Family<KindLabel, Counter>,
    mails: Family<ResultLabel, Counter>,
    mails_waiting: Gauge,
    oldest_mail: Gauge,
    certificates: Family<CertificateLabel, Gauge>,
    certificate_failures: Family<SourceLabel, Counter>,
    upstreams: Upstreams,
    config_loads: Family<ResultLabel, Counter>,
    config_refused: Gauge,
    config_loaded_at: Gauge,
    access_log_lost: Counter,
    traces_lost: Counter,
}

impl Metrics {
    /// `started_at`: seconds since the epoch, for `process_start_time_seconds`.
    pub fn new(version: &str, started_at: i64) -> Self {
        let mut all = Self {
            registry: Registry::default(),
            requests: Requests::default(),
            sign_ins: Family::default(),
            throttled: Family::default(),
            reminders: Family::default(),
            accounts: Family::default(),
            sessions: Gauge::default(),
            websockets: Gauge::default(),
            assertions_signed: Counter::default(),
            store_faults: Family::default(),
            mails: Family::default(),
            mails_waiting: Gauge::default(),
            oldest_mail: Gauge::default(),
            certificates: Family::default(),
            certificate_failures: Family::default(),
            upstreams: Upstreams::default(),
            config_loads: Family::default(),
            config_refused: Gauge::default(),
            config_loaded_at: Gauge::default(),
            access_log_lost: Counter::default(),
            traces_lost: Counter::default(),
        };
        all.register(version, started_at);
        all.start_at_zero();
        all
    }

    fn register(&mut self, version: &str, started_at: i64) {
        let started: Gauge<f64, AtomicU64> = Gauge::default();
        // exact up to the year 2255
        started.set(f64::from(u32::try_from(started_at).unwrap_or(u32::MAX)));
        self.registry.register_with_unit(
            "process_start_time",
            "When the process started, seconds since the Unix epoch",
            Unit::Seconds,
            started,
        );
        let r = self.registry.sub_registry_with_prefix("vestibule");
        let build = Info::new(vec![("version".to_owned(), version.to_owned())]);
        r.register("build", "Which Vestibule this is", build);
        self.requests.register(r);
        let sign_ins = self.sign_ins.clone();
        r.register("sign_ins", "Steps of sign-ins by how they ended", sign_ins);
        r.register(
            "throttled",
            "Tries refused unlooked at, by which counter",
            self.throttled.clone(),
        );
        r.register(
            "reminders",
            "Reminders to enable two-factor authentication by what became of them",
            self.reminders.clone(),
        );
        r.register(
            "accounts",
            "Accounts that may sign in, by whether they have a second factor",
            self.accounts.clone(),
        );
        let sessions = self.sessions.clone();
        r.register("sessions", "Sessions that live", sessions);
        let websockets = self.websockets.clone();
        r.register("websockets", "WebSocket connections open", websockets);
        r.register(
            "assertions_signed",
            "Assertions signed; those sent again from the cache do not count",
            self.assertions_signed.clone(),
        );
        let faults = self.store_faults.clone();
        r.register(
            "store_faults",
            "Failures of the store, by what is wrong with it",
            faults,
        );
        r.register(
            "config_loads",
            "Configurations read, at the start and since, by what became of them",
            self.config_loads.clone(),
        );
        r.register(
            "config_refused",
            "1 where the configuration read last was refused and an older one is in force",
            self.config_refused.clone(),
        );
        r.register_with_unit(
            "config_loaded",
            "When the configuration in force was read, seconds since the Unix epoch",
            Unit::Seconds,
            self.config_loaded_at.clone(),
        );
        r.register(
            "access_log_lost",
            "Lines of the access log that were not written: its disk is too slow, full or gone",
            self.access_log_lost.clone(),
        );
        r.register(
            "traces_lost",
            "Batches of spans that their collector did not take",
            self.traces_lost.clone(),
        );
        let mails = self.mails.clone();
        r.register("mails", "Tries to hand a mail to the mail server", mails);
        r.register_with_unit(
            "certificate_expiry",
            "When a certificate of a listener runs out, seconds since the Unix epoch",
            Unit::Seconds,
            self.certificates.clone(),
        );
        r.register(
            "certificate_failures",
            "Changed files that could not be used, and orders at the ACME server that failed",
            self.certificate_failures.clone(),
        );
        let waiting = self.mails_waiting.clone();
        r.register("mails_waiting", "Mails in the outbox", waiting);
        r.register_with_unit(
            "mails_oldest",
            "How long the oldest mail of the outbox has waited",
            Unit::Seconds,
            self.oldest_mail.clone(),
        );
        self.upstreams.register(r);
    }

    /// A rate over a counter that appears only with its first event misses that event.
    fn start_at_zero(&self) {
        for result in SignIn::ALL {
            drop(self.sign_ins.get_or_create(&result.label()));
        }
        for kind in Throttled::ALL {
            drop(self.throttled.get_or_create(&kind.label()));
        }
        for action in Reminder::ALL {
            drop(self.reminders.get_or_create(&action.label()));
        }
        for source in CertificateSource::ALL {
            drop(self.certificate_failures.get_or_create(&source.label()));
        }
        for result in Mail::ALL {
            drop(self.mails.get_or_create(&result.label()));
        }
        self.set_accounts(0, 0);
    }

    /// The handles of a route of the configuration (or [`PORTAL`], [`NO_ROUTE`]). The same name gives the same
    /// counters again, so that they go on over a reload.
    pub fn route(&self, name: &str) -> RouteLabel {
        self.requests.route(name)
    }

    /// A request is over.
    pub fn request(&self, route: &RouteLabel, outcome: Outcome, request: &Logged<'_>) {
        route.count(outcome, request);
    }

    pub fn sign_in(&self, result: SignIn) {
        self.sign_ins.get_or_create(&result.label()).inc();
    }

    pub fn throttled(&self, kind: Throttled) {
        self.throttled.get_or_create(&kind.label()).inc();
    }

    pub fn reminder(&self, action: Reminder) {
        self.reminders.get_or_create(&action.label()).inc();
    }

    pub fn mail(&self, result: Mail) {
        self.mails.get_or_create(&result.label()).inc();
    }

    /// `oldest`: seconds that the oldest has waited, 0 where none waits.
    pub fn set_mails(&self, waiting: u64, oldest: u64) {
        self.mails_waiting.set(whole(waiting));
        self.oldest_mail.set(whole(oldest));
    }

    /// All certificates of the listeners: first name, source, end.
    pub fn set_certificates<'a>(
        &self,
        all: impl IntoIterator<Item = (&'a str, CertificateSource, i64)>,
    ) {
        self.certificates.clear();
        for (name, source, not_after) in all {
            let label = CertificateLabel {
                name: name.to_owned(),
                source: source.code(),
            };
            let gauge = self.certificates.get_or_create_owned(&label);
            // of several for one name, the first to run out
            let earlier = gauge.get();
            if earlier == 0 || not_after < earlier {
                gauge.set(not_after);
            }
        }
    }

    pub fn certificate_failed(&self, source: CertificateSource) {
        self.certificate_failures
            .get_or_create(&source.label())
            .inc();
    }

    pub fn assertion_signed(&self) {
        self.assertions_signed.inc();
    }

    /// A configuration was put in force, or refused; `at`: seconds since the epoch.
    pub fn config_reload(&self, accepted: bool, at: i64) {
        let result = if accepted { "accepted" } else { "refused" };
        self.config_loads
            .get_or_create(&ResultLabel { result })
            .inc();
        self.config_refused.set(i64::from(!accepted));
        if accepted {
            self.config_loaded_at.set(at);
        }
    }

    /// Counts lines of the access log that are not written.
    pub fn access_log_lost(&self) -> Counter {
        self.access_log_lost.clone()
    }

    /// Counts batches of spans that did not arrive.
    pub fn traces_lost(&self) -> Counter {
        self.traces_lost.clone()
    }

    /// Kinds that are there from the start, so that a first fault is a rise.
    pub fn store_fault_kinds(&self, kinds: impl IntoIterator<Item = &'static str>) {
        for kind in kinds {
            let _ = self.store_faults.get_or_create(&KindLabel { kind });
        }
    }

    pub fn store_fault(&self, kind: &'static str) {
        self.store_faults.get_or_create(&KindLabel { kind }).inc();
    }

    /// Counts a WebSocket connection for as long as the value lives.
    pub fn websocket(&self) -> OpenWebSocket {
        self.websockets.inc();
        OpenWebSocket(self.websockets.clone())
    }

    /// What happens at upstreams.
    pub const fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    pub fn set_sessions(&self, sessions: u64) {
        self.sessions.set(whole(sessions));
    }

    /// Accounts that may sign in, with and without a second factor.
    pub fn set_accounts(&self, with: u64, without: u64) {
        let set = |second_factor, count| {
            let label = SecondFactorLabel { second_factor };
            self.accounts.get_or_create(&label).set(whole(count));
        };
        set("on", with);
        set("off", without);
    }

    /// OpenMetrics text, to be served as [`CONTENT_TYPE`].
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl CertificateSource {
    const fn label(self) -> SourceLabel {
        SourceLabel {
            source: self.code(),
        }
    }
}

impl SignIn {
    const fn label(self) -> ResultLabel {
        ResultLabel {
            result: self.code(),
        }
    }
}

impl Throttled {
    const fn label(self) -> KindLabel {
        KindLabel { kind: self.code() }
    }
}

impl Reminder {
    const fn label(self) -> ActionLabel {
        ActionLabel {
            action: self.code(),
        }
    }
}

impl Mail {
    const fn label(self) -> ResultLabel {
        ResultLabel {
            result: self.code(),
        }
    }
}

/// One open WebSocket connection; see [`Metrics::websocket`].
#[derive(Debug)]
pub struct OpenWebSocket(Gauge);

impl Drop for OpenWebSocket {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn request(status: u16, milliseconds: u64, upstream: Option<u64>) -> Logged<'static> {
        Logged {
            status,
            duration: Duration::from_millis(milliseconds),
            upstream_time: upstream.map(Duration::from_millis),
            ..Logged::example()
        }
    }

    fn line(metrics: &Metrics, start: &str) -> Option<String> {
        let text = metrics.encode().unwrap();
        text.lines()
            .find(|line| line.starts_with(start))
            .map(|line| line[start.len()..].trim().to_owned())
    }

    #[test]
    fn every_metric_has_its_documented_name() {
        let m = Metrics::new("1.2.3", 1_700_000_000);
        let wiki = m.route("wiki");
        m.request(&wiki, Outcome::Forwarded, &request(200, 4, Some(2)));
        m.request(
            &m.route("wiki"),
            Outcome::Forwarded,
            &request(404, 200, Some(150)),
        );
        m.request(&wiki, Outcome::StepUp, &request(302, 1, None));
        m.sign_in(SignIn::Completed);
        m.throttled(Throttled::Code);
        m.reminder(Reminder::Postponed);
        m.assertion_signed();
        m.store_fault("away");
        m.set_sessions(7);
        m.set_accounts(3, 4);
        m.mail(Mail::Deferred);
        m.set_mails(2, 61);
        m.certificate_failed(CertificateSource::Acme);
        for end in [200, 100, 300] {
            let one = ("wiki.test", CertificateSource::File, end);
            m.set_certificates([("gone.test", CertificateSource::Acme, 1), one]);
            m.set_certificates([one, ("wiki.test", CertificateSource::File, 150)]);
        }
        let open = m.websocket();
        let check = |start: &str, want: &str| {
            assert_eq!(
                line(&m, start).as_deref(),
                Some(want),
                "{start}\n{}",
                m.encode().unwrap()
            );
        };
        check(
            r#"vestibule_requests_total{route="wiki",outcome="forwarded"}"#,
            "2",
        );
        check(
            r#"vestibule_requests_total{route="wiki",outcome="step_up"}"#,
            "1",
        );
        check(
            r#"vestibule_request_duration_seconds_count{route="wiki"}"#,
            "3",
        );
        check(
            r#"vestibule_request_duration_seconds_bucket{le="0.005",route="wiki"}"#,
            "2",
        );
        check(
            r#"vestibule_responses_total{route="wiki",class="2xx"}"#,
            "1",
        );
        check(
            r#"vestibule_responses_total{route="wiki",class="3xx"}"#,
            "1",
        );
        check(
            r#"vestibule_upstream_duration_seconds_count{route="wiki"}"#,
            "2",
        );
        check(r#"vestibule_sign_ins_total{result="completed"}"#, "1");
        check(r#"vestibule_sign_ins_total{result="code_refused"}"#, "0");
        check(r#"vestibule_throttled_total{kind="code"}"#, "1");
        check(r#"vestibule_reminders_total{action="postponed"}"#, "1");
        check("vestibule_assertions_signed_total", "1");
        check("vestibule_store_faults_total{kind=\"away\"}", "1");
        check("vestibule_sessions ", "7");
        check(r#"vestibule_accounts{second_factor="on"}"#, "3");
        check(r#"vestibule_accounts{second_factor="off"}"#, "4");
        check(r#"vestibule_mails_total{result="deferred"}"#, "1");
        check(r#"vestibule_mails_total{result="failed"}"#, "0");
        check("vestibule_mails_waiting ", "2");
        check("vestibule_mails_oldest_seconds ", "61");
        check(
            r#"vestibule_certificate_expiry_seconds{name="wiki.test",source="file"}"#,
            "150",
        );
        assert!(!m.encode().unwrap().contains("gone.test"));
        check(
            r#"vestibule_certificate_failures_total{source="acme"}"#,
            "1",
        );
        check(
            r#"vestibule_certificate_failures_total{source="file"}"#,
            "0",
        );
        check("vestibule_websockets ", "1");
        check(r#"vestibule_build_info{version="1.2.3"}"#, "1");
        check("process_start_time_seconds ", "1700000000.0");
        drop(open);
        check("vestibule_websockets ", "0");
    }

    #[test]
    fn an_unused_route_writes_nothing_and_odd_names_stay_in_their_quotes() {
        let m = Metrics::new("1", 0);
        let odd = m.route("a\"b\nc");
        assert!(!m.encode().unwrap().contains("a\\\"b"));
        m.request(&odd, Outcome::Denied, &request(403, 100, None));
        assert!(m.encode().unwrap().contains(r#"route="a\"b\nc""#));
    }
}
