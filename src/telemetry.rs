//! Sight: metrics (OpenMetrics) and logs.
//!
//! Label values are bounded: enumerations of this file, and route names of the configuration. A route's
//! handles are made once; counting a request then allocates nothing and takes no lock.

pub mod access_log;
pub mod line;
mod upstreams;

pub use upstreams::Upstreams;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

/// The route label of the portal's own pages; no configured name begins with `-`.
pub const PORTAL: &str = "-portal";
/// The route label of requests for no configured place.
pub const NO_ROUTE: &str = "-none";
/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: a proxied request on a local network up to a slow report.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

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
struct RouteOutcome {
    route: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteName {
    route: String,
}

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

type Durations = Family<RouteName, Histogram, fn() -> Histogram>;

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<RouteOutcome, Counter>,
    durations: Durations,
    sign_ins: Family<ResultLabel, Counter>,
    throttled: Family<KindLabel, Counter>,
    reminders: Family<ActionLabel, Counter>,
    accounts: Family<SecondFactorLabel, Gauge>,
    sessions: Gauge,
    websockets: Gauge,
    assertions_signed: Counter,
    store_faults: Counter,
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
}

/// A route's handles: made once with [`Metrics::route`], kept with the route.
#[derive(Clone)]
pub struct RouteLabel(Arc<RouteHandles>);

struct RouteHandles {
    name: String,
    requests: Family<RouteOutcome, Counter>,
    durations: Durations,
    // made when first used: ten thousand routes do not write a hundred thousand zeros into every scrape
    by_outcome: [OnceLock<Counter>; Outcome::ALL.len()],
    duration: OnceLock<Histogram>,
}

impl Metrics {
    /// `started_at`: seconds since the epoch, for `process_start_time_seconds`.
    pub fn new(version: &str, started_at: i64) -> Self {
        let mut all = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            sign_ins: Family::default(),
            throttled: Family::default(),
            reminders: Family::default(),
            accounts: Family::default(),
            sessions: Gauge::default(),
            websockets: Gauge::default(),
            assertions_signed: Counter::default(),
            store_faults: Counter::default(),
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
        let requests = self.requests.clone();
        r.register("requests", "Requests by route and how they ended", requests);
        r.register_with_unit(
            "request_duration",
            "From the request's head to the end of the response",
            Unit::Seconds,
            self.durations.clone(),
        );
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
        r.register("store_faults", "Failures of the store", faults);
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
        RouteLabel(Arc::new(RouteHandles {
            name: name.to_owned(),
            requests: self.requests.clone(),
            durations: self.durations.clone(),
            by_outcome: std::array::from_fn(|_| OnceLock::new()),
            duration: OnceLock::new(),
        }))
    }

    /// A request is over; `seconds` since its head was read.
    pub fn request(&self, route: &RouteLabel, outcome: Outcome, seconds: f64) {
        if let Some(counter) = route.0.counter(outcome) {
            counter.inc();
        }
        route.0.histogram().observe(seconds);
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

    pub fn store_fault(&self) {
        self.store_faults.inc();
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

impl RouteHandles {
    fn counter(&self, outcome: Outcome) -> Option<&Counter> {
        let slot = self.by_outcome.get(outcome as usize)?;
        Some(slot.get_or_init(|| {
            self.requests.get_or_create_owned(&RouteOutcome {
                route: self.name.clone(),
                outcome: outcome.code(),
            })
        }))
    }

    fn histogram(&self) -> &Histogram {
        self.duration.get_or_init(|| {
            self.durations.get_or_create_owned(&RouteName {
                route: self.name.clone(),
            })
        })
    }
}

impl std::fmt::Debug for RouteLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RouteLabel({})", self.0.name)
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

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Plain,
}

/// Logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "`{text}` does not say what to log: {source}; write for example `info` or `warn,vestibule=debug`"
    )]
    Filter { text: String, source: ParseError },
    #[error(
        "`{0}` would write cookies and assertions of requests into the log; the proxy library may log from `info` up"
    )]
    Revealing(String),
    #[error("logging was started already")]
    AlreadyStarted,
}

/// What is said when nobody asks otherwise: the proxy library only when something is wrong.
const DEFAULT_FILTER: &str = "info,pingora=warn,sqlx=warn,hyper=warn,h2=warn,rustls=error";

/// Logs go to stderr. `filter` is the text of `--log`: directives of tracing's `EnvFilter`, laid over `info`
/// (`pingora=info` shows the proxy library's own lines, too; below that it would show what clients send).
pub fn init_logging(format: Format, filter: &str) -> Result<(), Fault> {
    let filter = self::filter(filter)?;
    tracing_subscriber::util::SubscriberInitExt::try_init(subscriber(
        format,
        filter,
        std::io::stderr,
    ))
    .map_err(|_| Fault::AlreadyStarted)
}

fn subscriber<W>(format: Format, filter: EnvFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        Format::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .finish(),
        ),
        Format::Plain => Box::new(lines.with_target(false).finish()),
    }
}

fn filter(text: &str) -> Result<EnvFilter, Fault> {
    let reveals = |directive: &&str| {
        let lower = directive.trim().to_ascii_lowercase();
        let level = lower.rsplit('=').next().unwrap_or_default();
        lower.starts_with("pingora") && !matches!(level, "info" | "warn" | "error" | "off")
    };
    if let Some(directive) = text.split(',').find(reveals) {
        return Err(Fault::Revealing(directive.trim().to_owned()));
    }
    let parsed = if text.trim().is_empty() {
        EnvFilter::try_new(DEFAULT_FILTER)
    } else {
        EnvFilter::try_new(format!("{DEFAULT_FILTER},{text}"))
    };
    parsed.map_err(|source| Fault::Filter {
        text: text.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;

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
        m.request(&wiki, Outcome::Forwarded, 0.004);
        m.request(&m.route("wiki"), Outcome::Forwarded, 0.2);
        m.request(&wiki, Outcome::StepUp, 0.001);
        m.sign_in(SignIn::Completed);
        m.throttled(Throttled::Code);
        m.reminder(Reminder::Postponed);
        m.assertion_signed();
        m.store_fault();
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
        check(r#"vestibule_sign_ins_total{result="completed"}"#, "1");
        check(r#"vestibule_sign_ins_total{result="code_refused"}"#, "0");
        check(r#"vestibule_throttled_total{kind="code"}"#, "1");
        check(r#"vestibule_reminders_total{action="postponed"}"#, "1");
        check("vestibule_assertions_signed_total", "1");
        check("vestibule_store_faults_total", "1");
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
        m.request(&odd, Outcome::Denied, 0.1);
        assert!(m.encode().unwrap().contains(r#"route="a\"b\nc""#));
    }

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, filter_text: &str, log: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let lines = subscriber(format, filter(filter_text).unwrap(), move || writer.clone());
        tracing::subscriber::with_default(lines, log);
        let bytes = memory.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_dotted_fields() {
        let text = logged(Format::Json, "", || {
            tracing::info!(route.name = "wiki", "a request was refused");
        });
        let json: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(json["message"], "a request was refused");
        assert_eq!(json["route.name"], "wiki");
        assert_eq!(json["level"], "INFO");
    }

    #[test]
    fn the_proxy_library_speaks_only_when_asked() {
        let proxy = || tracing::info!(target: "pingora_core::server", "bootstrap");
        let debug = || tracing::debug!("detail");
        assert_eq!(logged(Format::Plain, "", proxy), "");
        assert!(logged(Format::Plain, "pingora=info", proxy).contains("bootstrap"));
        assert_eq!(logged(Format::Plain, "", debug), "");
        assert!(logged(Format::Plain, "debug", debug).contains("detail"));
        assert!(matches!(
            filter("vestibule=loud"),
            Err(Fault::Filter { .. })
        ));
    }

    #[test]
    fn the_proxy_library_may_not_show_what_clients_send() {
        for text in [
            "pingora=debug",
            "info,pingora_proxy=trace",
            "PINGORA=DEBUG",
            "pingora",
        ] {
            assert!(matches!(filter(text), Err(Fault::Revealing(_))), "{text}");
        }
        for text in ["debug", "trace,pingora=info", "vestibule=trace", ""] {
            assert!(filter(text).is_ok(), "{text}");
        }
    }
}
