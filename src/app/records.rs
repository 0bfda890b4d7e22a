//! What is told of requests that are over: the access log and the traces.

use super::access_log::RequestLog;
use super::traces::Tracing;
use crate::config::Settings;
use crate::domain::logged::Logged;
use crate::telemetry::Metrics;

/// Those of one generation of the configuration.
#[derive(Clone)]
pub(super) struct Records {
    log: RequestLog,
    traces: Tracing,
}

impl Records {
    /// `before`: those of the generation before.
    pub(super) fn open(
        settings: &Settings,
        before: Option<&Self>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            log: RequestLog::open(settings, metrics)?,
            traces: match before {
                Some(before) => before.traces.follow(&settings.traces, metrics)?,
                None => Tracing::open(&settings.traces, metrics)?,
            },
        })
    }

    pub(super) fn take(&self, request: &Logged<'_>) {
        self.log.write(request);
        self.traces.record(request);
    }

    /// The next generation is in force.
    pub(super) fn give_way(&self, next: &Self) {
        self.traces.give_way(&next.traces);
    }

    /// Nothing more comes: waits for what is under way.
    pub(super) async fn finish(self) {
        self.log.finish().await;
        self.traces.finish().await;
    }
}
