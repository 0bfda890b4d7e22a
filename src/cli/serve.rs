//! `vestibule serve`: the gateway, until it is told to stop.

use super::Outcome;
use super::load::{self, Loaded};
use crate::app;
use crate::env::Env;
use crate::telemetry::{self, Format};
use anyhow::Context as _;
use sd_notify::NotifyState;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule serve --config /etc/vestibule/vestibule.yaml

SIGTERM and Ctrl-C end it: nothing new is accepted, requests in flight finish (at most 30 s).")]
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
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// One JSON object a line
    Json,
    /// For people
    Plain,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
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
        let running = app::start(settings, Env::system()).await?;
        for address in running.addresses() {
            tracing::info!(%address, "listening");
        }
        if let Some(address) = running.operations() {
            tracing::info!(%address, "operations: /healthz, /readyz, /metrics");
        }
        // a service manager that waits for us goes on; without one (NOTIFY_SOCKET) nothing happens
        sd_notify::notify(&[NotifyState::Ready]).context("the service manager cannot be told")?;
        until_told_to_stop().await?;
        sd_notify::notify(&[NotifyState::Stopping])?;
        tracing::info!("stopping: requests in flight finish first");
        running.stop().await;
        tracing::info!("stopped");
        Ok(Outcome::Done)
    })
}

/// SIGTERM, SIGINT.
pub(super) async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
