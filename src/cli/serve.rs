//! `vestibule serve`: the gateway, until it is told to stop.

mod told;

use super::Outcome;
use super::load::{self, Loaded};
use crate::app::handover::{self, Start};
use crate::app::{self, Reloaded};
use crate::authn::hashing;
use crate::env::Env;
use crate::telemetry::{self, Format};
use anyhow::Context as _;
use sd_notify::NotifyState;
use std::path::{Path, PathBuf};
use std::time::Duration;
use told::{Told, Watch};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule serve --config /etc/vestibule/vestibule.yaml

Signals:
  SIGHUP   reads the configuration again; a wrong one is refused and the old one stays
  SIGUSR2  starts the program's file anew and hands it the listening sockets: an upgrade without a lost request
  SIGTERM  and Ctrl-C end it: nothing new is accepted, requests in flight finish (`limits.drain_timeout`, 30 s)")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
    /// Which log lines: a level, or targets and levels, e.g. `info,vestibule::access=warn`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
    /// Reads a changed configuration only at SIGHUP, not when its files change
    #[arg(long)]
    no_watch: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// One JSON object a line
    Json,
    /// For people
    Plain,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    hashing::spare_memory();
    // before anything can replace the file
    let program = handover::program()?;
    let Loaded { settings, warnings } = load::settings(&arguments.config)?;
    let format = match arguments.log_format {
        LogFormat::Json => Format::Json,
        LogFormat::Plain => Format::Plain,
    };
    telemetry::init_logging(format, &arguments.log)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    load::runtime()?.block_on(async {
        let mut told = Told::listen()?;
        let start = Start::of_process()?;
        let running = app::start_on(settings, Env::system(), start.inherited).await?;
        for address in running.addresses() {
            tracing::info!(%address, "listening");
        }
        if let Some(address) = running.operations() {
            tracing::info!(%address, "operations: /healthz, /readyz, /metrics");
        }
        if let Some(predecessor) = start.predecessor {
            let told = predecessor.ready();
            told.context("the process before is gone; its requests in flight are lost")?;
            tracing::info!("took over from the process before");
        }
        notify(&[NotifyState::Ready]);
        let served = Served {
            running,
            config: arguments.config.clone(),
            watch: !arguments.no_watch,
            program,
        };
        served.until_the_end(&mut told).await;
        Ok(Outcome::Done)
    })
}

struct Served {
    running: app::Running,
    config: PathBuf,
    watch: bool,
    program: PathBuf,
}

impl Served {
    async fn until_the_end(mut self, told: &mut Told) {
        let mut watch = self.watch.then(|| self.watched());
        loop {
            match told.next(watch.as_mut()).await {
                told::What::Stop => break,
                told::What::Reload(why) => {
                    // looked at before it is read: what changes in between is read again
                    let before = self.watch.then(|| self.watched());
                    self.reload(why).await;
                    watch = before.map(|w| w.and(self.running.files()));
                }
                told::What::HandOver => {
                    if self.hand_over().await {
                        break;
                    }
                }
            }
        }
        notify(&[NotifyState::Stopping, longer_than(self.running.drain())]);
        tracing::info!("stopping: requests in flight finish first");
        self.running.stop().await;
        tracing::info!("stopped");
    }

    fn watched(&self) -> Watch {
        let mut files = self.running.files();
        files.push(self.config.clone());
        Watch::of(files)
    }

    /// A configuration with mistakes changes nothing; each of them is told in a line of its own.
    async fn reload(&mut self, why: &str) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            notify(&[NotifyState::Reloading, now]);
        }
        tracing::info!(why, "reading the configuration again");
        match self.read_and_replace().await {
            Ok(reloaded) => {
                let Reloaded { routes, listeners } = reloaded;
                for address in &listeners.added {
                    tracing::info!(%address, "listening");
                }
                for address in &listeners.removed {
                    tracing::info!(%address, "no longer listening");
                }
                tracing::info!(routes, "the new configuration is in force");
            }
            Err(fault) => {
                tracing::error!(error = %format!("{fault:#}"), "the new configuration is refused; the one before stays in force");
            }
        }
        notify(&[NotifyState::Ready]);
    }

    async fn read_and_replace(&mut self) -> anyhow::Result<Reloaded> {
        let config = self.config.clone();
        let read = tokio::task::spawn_blocking(move || load::settings(&config));
        match read.await? {
            Ok(Loaded { settings, warnings }) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                self.running.reload(settings).await
            }
            Err(fault) => {
                self.running.refused();
                Err(fault)
            }
        }
    }

    /// Whether another process serves from now on.
    async fn hand_over(&mut self) -> bool {
        tracing::info!(program = %self.program.display(), "starting a new process to hand over to");
        let (program, sockets) = (self.program.clone(), self.running.sockets());
        // the sockets are borrowed from what runs, so no thread of its own; requests go on in other workers
        let handed =
            tokio::task::block_in_place(|| handover::hand_over(&program, &sockets, &Env::system()));
        match handed {
            Ok(successor) => {
                tracing::info!(process = successor.process, "the new process serves");
                notify(&[NotifyState::MainPid(successor.process)]);
                self.running.give_up_operations();
                true
            }
            Err(fault) => {
                tracing::error!(error = %format!("{fault:#}"), "no hand-over; this process goes on");
                false
            }
        }
    }
}

/// For the service manager, whose own patience may be shorter: after the requests, what is to be written down.
fn longer_than(drain: Duration) -> NotifyState<'static> {
    let whole = drain.saturating_add(Duration::from_secs(15));
    NotifyState::ExtendTimeoutUsec(u32::try_from(whole.as_micros()).unwrap_or(u32::MAX))
}

/// Tells the service manager, where there is one; nothing depends on it.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::debug!(error = %e, "the service manager cannot be told");
    }
}

pub(super) use told::until_told_to_stop;

/// What files looked like: when written, how long, which.
type Stamp = Option<(std::time::SystemTime, u64, u64)>;

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len(), file.ino()))
}
