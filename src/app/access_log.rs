//! The access log, as configured.

use crate::config::{AccessLogFormat, AccessLogSettings, AccessLogTarget, Settings};
use crate::domain::logged::Logged;
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

    pub(super) fn write(&self, request: &Logged<'_>) {
        match self {
            Self::Own => own(request),
            Self::Off => {}
            Self::On(log) => log.write(line::line(log.format(), request)),
        }
    }
}

fn own(request: &Logged<'_>) {
    tracing::info!(
        target: "vestibule::access",
        method = request.method,
        host = request.host,
        path = request.path,
        route.name = request.route,
        outcome = request.outcome,
        status = request.status,
        account.id = request.account.map(|a| a.id.to_string()).unwrap_or_default(),
        client.address = %request.client,
        duration_ms = request.duration.as_secs_f64() * 1000.0,
        request.id = request.id,
        trace.id = %request.trace,
        fault = request.fault.unwrap_or_default(),
        "request"
    );
}
