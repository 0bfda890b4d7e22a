//! `vestibule loadtest`: drives URLs like their users, and says what it saw.

use super::{Outcome, load, print};
use crate::env::Env;
use crate::loadtest::client::Protocol;
use crate::loadtest::fail_if::{Condition, span};
use crate::loadtest::plan::{self, Expected, ceilings};
use crate::loadtest::report::{self, Report, cores};
use crate::loadtest::sessions::Sessions;
use crate::loadtest::sign_in::{self, SignIns};
use crate::loadtest::target::{Override, Reach, Weighted};
use crate::loadtest::{Loop, Observer, Plan, Progress, Side, Stop, run as drive};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule loadtest --url http://127.0.0.1:8080/ --duration 30s
  vestibule session mint --count 100 --ttl 1h --account-prefix load- --output sessions --config vestibule.yaml
  vestibule loadtest --url https://wiki.example.com/ --resolve wiki.example.com:443=127.0.0.1 --ca ca.pem \\
      --cookies sessions --rate 2000/s --duration 1m --html report.html --fail-if 'p99>50ms' --fail-if 'errors>0'
  vestibule loadtest --url https://wiki.example.com/ --sign-in people.csv --i-own-this-host
  vestibule loadtest --url http://127.0.0.1:8080/ --watch 4711 --compare http://127.0.0.1:9090/ --compare-watch 4712

Without --rate every user sends when the answer before is there (a closed loop): right for \"how much can it do\".
A stall then hides the requests that were not sent in it, and latencies look better than people find them. With
--rate requests come at a fixed rate whatever the server does (an open loop), and latencies count from the moment
each was due: right for \"how does it feel at so many requests a second\".

Exit codes: 0 done, 1 nothing got through or a --fail-if holds, 2 wrong usage. Ctrl-C ends with the report so far.
At most 10,000 connections (HTTP/2: connections times streams), 1,000,000 requests a second, 24 hours, 32 threads,
16 URLs, 100,000 sessions, 10,000 sign-ins. Memory does not grow with time: some 10 MiB, 20 KiB a connection, and
up to 300 KiB for each thread and URL.")]
pub(super) struct Arguments {
    /// What to ask for; may be given several times, and URL=WEIGHT says how often, compared with the others
    #[arg(long = "url", value_name = "URL[=WEIGHT]", required = true, value_parser = Weighted::parse)]
    urls: Vec<Weighted>,
    /// Sessions to drive with, one a line, as `vestibule session mint` writes them; a file only its owner can read
    #[arg(long, value_name = "FILE", conflicts_with = "sign_in")]
    cookies: Option<PathBuf>,
    /// People to sign in first through the portal's pages: CSV with login,password,totp or JSON Lines with these keys;
    /// a file only its owner can read
    #[arg(long, value_name = "FILE")]
    sign_in: Option<PathBuf>,
    /// Sign-ins a second; without it 32 are under way at any time
    #[arg(long, value_name = "N", requires = "sign_in", value_parser = rate)]
    sign_in_rate: Option<f64>,
    /// Signs in, says how long that took, and ends
    #[arg(long, requires = "sign_in")]
    only_sign_in: bool,
    /// Users at once, each with a connection of its own
    #[arg(long, short = 'c', value_name = "N", default_value_t = 16)]
    connections: usize,
    /// Requests at once on each connection, with HTTP/2
    #[arg(long, value_name = "N", default_value_t = 1)]
    streams: usize,
    /// HTTP/1.1, or HTTP/2 (without TLS by prior knowledge)
    #[arg(long, value_name = "1|2", default_value = "1", value_parser = protocol)]
    http: Protocol,
    /// Requests a second, come what may; latencies count from when each was due
    #[arg(long, value_name = "R/s", value_parser = rate)]
    rate: Option<f64>,
    /// Without --rate: how often each user would send; what a stall has kept from being sent is put back into the
    /// latencies
    #[arg(long, value_name = "TIME", conflicts_with = "rate", value_parser = time)]
    expected_interval: Option<Duration>,
    /// Without --rate: how long each user waits after an answer, on average (from half of it to one and a half)
    #[arg(long, value_name = "TIME", conflicts_with = "rate", value_parser = time)]
    think_time: Option<Duration>,
    /// Users come, or the rate grows, over this time; not measured
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    ramp_up: Duration,
    /// How long is measured; of a comparison both sides together
    #[arg(long, short = 'd', value_name = "TIME", default_value = "10s", value_parser = time)]
    duration: Duration,
    /// Ends earlier, after so many requests
    #[arg(long, short = 'n', value_name = "N")]
    requests: Option<u64>,
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: Method,
    /// NAME: VALUE; may be given several times
    #[arg(long, value_name = "HEADER", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// Sends what is in this file with every request
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// How long an answer is waited for, connecting included
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// Statuses that are as hoped for, in place of 200-399; a redirect to a sign-in page never is
    #[arg(long, value_name = "200,300-399", value_parser = Expected::parse)]
    expect: Option<Expected>,
    /// Certificates in PEM that are trusted in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where a name is, asked of nobody; may be given several times
    #[arg(long, value_name = "HOST:PORT=ADDRESS", value_parser = Override::parse)]
    resolve: Vec<Override>,
    /// Allows hosts other than this machine. Load that its owner does not expect is an attack
    #[arg(long)]
    i_own_this_host: bool,
    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = cores().min(ceilings::THREADS))]
    threads: usize,
    /// Drives this URL, too, in turn with --url in short slices of random order, and says how the two compare
    #[arg(long, value_name = "URL", value_parser = Weighted::parse)]
    compare: Option<Weighted>,
    /// Of a comparison: how long one side is driven before the other
    #[arg(long, value_name = "TIME", default_value = "500ms", requires = "compare", value_parser = time)]
    slice: Duration,
    /// A process behind --url, and those it has started: CPU for each request, and memory; may be given several times
    #[arg(long, value_name = "PID")]
    watch: Vec<u32>,
    /// A process behind --compare
    #[arg(long, value_name = "PID", requires = "compare")]
    compare_watch: Vec<u32>,
    /// Ends with exit code 1 where this holds: p50 to p99.99, max, mean, errors, errors%, throughput, cpu (with --watch),
    /// ratio (with --compare); for example 'p99>50ms'; may be given several times
    #[arg(long, value_name = "CONDITION", value_parser = Condition::parse)]
    fail_if: Vec<Condition>,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
    /// Writes the line of time, or the pairs of a comparison, as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Writes a page with plots that needs no script and loads nothing
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn time(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| "write a number and a unit, for example 500ms, 10s or 2m".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let found = number
        .parse()
        .ok()
        .filter(|r: &f64| r.is_finite() && *r > 0.0);
    found.ok_or_else(|| "write how many a second, for example 500/s".to_owned())
}

fn protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "1" | "1.1" => Ok(Protocol::Http1),
        "2" => Ok(Protocol::Http2),
        _ => Err("write 1 or 2".to_owned()),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|e| e.to_string())?;
    if [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH].contains(&name) {
        return Err(format!("{name} is set by the protocol itself"));
    }
    let value = HeaderValue::from_str(value.trim()).map_err(|e| e.to_string())?;
    Ok((name, value))
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut plan = arguments.plan()?;
    plan.check()?;
    load::single_threaded()?.block_on(async {
        let env = Env::system();
        let stop = Stop::default();
        tokio::spawn(heed_signals(stop.clone()));
        let mut signed_in = None;
        if let Some(file) = &arguments.sign_in {
            let people = sign_in::read(file)?;
            let rate = arguments.sign_in_rate;
            let (sessions, how) = sign_in::sign_in(people, &plan, rate, &env, &stop).await?;
            if arguments.only_sign_in {
                return only_sign_ins(&how, arguments.json);
            }
            plan.sessions = sessions;
            signed_in = Some(how);
        }
        let mut bar = Bar::new();
        let report = drive(&plan, &env, &stop, &mut bar).await;
        bar.clear();
        let mut report = report?;
        report.sign_ins = signed_in;
        arguments.tell(&report)
    })
}

fn only_sign_ins(how: &SignIns, json: bool) -> anyhow::Result<Outcome> {
    if json {
        super::output::json(how)?;
    } else {
        print(&report::sign_ins(how))?;
    }
    Ok(if how.failed == 0 {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

impl Arguments {
    fn plan(&self) -> anyhow::Result<Plan> {
        let kind = match self.rate {
            Some(rate) => Loop::Open { rate },
            None => Loop::Closed {
                think: self.think_time.unwrap_or_default(),
                expected: self.expected_interval.filter(|i| !i.is_zero()),
            },
        };
        let sessions = match &self.cookies {
            Some(file) => Sessions::read(file)?,
            None => Sessions::default(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.header {
            headers.append(name.clone(), value.clone());
        }
        let is_driven = self.cookies.is_some() || self.sign_in.is_some();
        if is_driven && headers.contains_key(COOKIE) {
            bail!(
                "--header Cookie does not go with --cookies or --sign-in: the sessions' cookies would replace it"
            );
        }
        let agent = HeaderValue::from_static(plan::USER_AGENT);
        headers.entry(USER_AGENT).or_insert(agent);
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        let read = |file: &Option<PathBuf>| file.as_deref().map(read).transpose();
        Ok(Plan {
            side: Side {
                targets: self.urls.clone(),
                watch: self.watch.clone(),
            },
            compare: self.compare.as_ref().map(|other| Side {
                targets: vec![other.clone()],
                watch: self.compare_watch.clone(),
            }),
            slice: self.slice,
            kind,
            connections: self.connections,
            streams: self.streams,
            // a thread without a user would have nothing to do
            threads: self.threads.min(self.connections.max(1)),
            protocol: self.http,
            ramp_up: self.ramp_up,
            duration: self.duration,
            requests: self.requests,
            method: self.method.clone(),
            headers,
            body: read(&self.body)?.map(Bytes::from).unwrap_or_default(),
            timeout: self.timeout,
            ca: read(&self.ca)?,
            overrides: self.resolve.clone(),
            reach: if self.i_own_this_host {
                Reach::OwnHosts
            } else {
                Reach::Loopback
            },
            expected: self.expect.clone().unwrap_or_default(),
            sessions,
            conditions: self.fail_if.clone(),
        })
    }

    fn tell(&self, report: &Report) -> anyhow::Result<Outcome> {
        if let Some(file) = &self.csv {
            write(file, &report::csv(report))?;
        }
        if let Some(file) = &self.html {
            write(file, &report::html(report))?;
        }
        if self.json {
            super::output::json(report)?;
        } else {
            print(&report::text(report))?;
        }
        Ok(if report.has_failed() {
            Outcome::Refused
        } else {
            Outcome::Done
        })
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("{} cannot be read", file.display());
    let mut bytes = Vec::new();
    let most = ceilings::BODY_BYTES + 1;
    std::fs::File::open(file)
        .with_context(cannot)?
        .take(most)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    if bytes.len() as u64 == most {
        bail!("{} is larger than 16 MiB", file.display());
    }
    Ok(bytes)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// The first signal ends the run with its report; whoever cannot wait for that sends a second one.
async fn heed_signals(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_stopped() {
            std::process::exit(1);
        }
        stop.stop();
    }
}

/// Shows on a terminal how far it is; elsewhere nothing.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:32.green/dim} {msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self(bar)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Bar {
    fn progress(&mut self, progress: &Progress) {
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.0.set_length(milliseconds(progress.total));
        self.0.set_position(milliseconds(progress.elapsed));
        let pairs = progress
            .pairs
            .map_or_else(String::new, |(done, all)| format!("  pair {done} of {all}"));
        self.0.set_message(format!(
            "{:.0} of {:.0} s  {:.0}/s  p99 {:.2} ms  {} requests  {} errors{pairs}",
            progress.elapsed.as_secs_f64(),
            progress.total.as_secs_f64(),
            progress.per_second,
            progress.p99.as_secs_f64() * 1e3,
            progress.requests,
            progress.errors,
        ));
    }
}
