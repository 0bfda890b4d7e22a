//! The access log, as configured.

use crate::config::{AccessLogFormat, AccessLogSettings, AccessLogTarget, Settings};
use crate::domain::logged::Logged;
use crate::gateway::seams;
use crate::telemetry::Metrics;
use crate::telemetry::access_log::{AccessLog, Target};
use crate::telemetry::line::{self, LineFormat};
use anyhow::Context as _;
use std::sync::Arc;
use std::time::Duration;

/// Where a generation of the configuration writes its requests down. Several may append to one file: each line
/// is written whole.
#[derive(Clone)]
pub(super) enum RequestLog {
    /// The program's own log has them.
    Own,
    Off,
    On(Arc<AccessLog>),
}

impl RequestLog {
    pub(super) fn open(settings: &Settings, metrics: &Metrics) -> anyhow::Result<Self> {
        let (format, to) = match &settings.access_log {
            None => return Ok(Self::Own),
            Some(AccessLogSettings::Off) => return Ok(Self::Off),
            Some(AccessLogSettings::On { format, to }) => (format, to),
        };
        let format = match format {
            AccessLogFormat::Json => LineFormat::Json,
            AccessLogFormat::Combined => LineFormat::Combined,
        };
        let target = match to {
            AccessLogTarget::Stdout => Target::Stdout,
            AccessLogTarget::Stderr => Target::Stderr,
            AccessLogTarget::File(path) => Target::File(path.clone()),
        };
        let log = AccessLog::open(format, target, metrics.access_log_lost());
        let log = log.with_context(|| format!("the access log cannot be written to {to:?}"))?;
        Ok(Self::On(Arc::new(log)))
    }

    /// Nothing more comes: waits for what is on its way to the disk.
    pub(super) async fn finish(self) {
        const LONGEST: Duration = Duration::from_secs(2);
        if let Self::On(log) = self {
            let written = tokio::task::spawn_blocking(move || log.flush(LONGEST)).await;
            if !written.unwrap_or(false) {
                tracing::warn!("the last lines of the access log may be lost");
            }
        }
    }

    pub(super) fn as_seam(&self) -> Option<&dyn seams::AccessLog> {
        match self {
            Self::Own => None,
            Self::Off | Self::On(_) => Some(self),
        }
    }
}

impl seams::AccessLog for RequestLog {
    fn write(&self, request: &Logged<'_>) {
        if let Self::On(log) = self {
            log.write(line::line(log.format(), request));
        }
    }
}
