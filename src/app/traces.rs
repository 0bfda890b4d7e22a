//! Traces, as configured.

use crate::config::TraceSettings;
use crate::domain::logged::Logged;
use crate::telemetry::Metrics;
use crate::telemetry::traces::{Collector, Traces};
use std::sync::Arc;
use std::time::Duration;

/// Where a generation of the configuration sends its traces.
#[derive(Clone)]
pub(super) struct Tracing {
    settings: TraceSettings,
    to: Option<Arc<Traces>>,
}

impl Tracing {
    pub(super) fn open(settings: &TraceSettings, metrics: &Metrics) -> anyhow::Result<Self> {
        let open = |endpoint: &String| {
            let collector = Collector {
                endpoint: endpoint.clone(),
                service_name: settings.service_name.clone(),
                headers: settings.headers.clone(),
            };
            let version = env!("CARGO_PKG_VERSION");
            Traces::start(&collector, version, metrics.traces_lost()).map(Arc::new)
        };
        Ok(Self {
            to: settings.endpoint.as_ref().map(open).transpose()?,
            settings: settings.clone(),
        })
    }

    /// For the next configuration: the same where it says the same.
    pub(super) fn follow(
        &self,
        settings: &TraceSettings,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        match self.settings == *settings {
            true => Ok(self.clone()),
            false => Self::open(settings, metrics),
        }
    }

    pub(super) fn record(&self, request: &Logged<'_>) {
        if let Some(traces) = &self.to {
            traces.record(request);
        }
    }

    /// Another configuration sends elsewhere: what waits is sent, when the last request under this one is over.
    pub(super) fn give_way(&self, next: &Self) {
        const LAST_REQUESTS: Duration = Duration::from_secs(30);
        let alike = match (&self.to, &next.to) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => self.to.is_none(),
        };
        if !alike {
            let old = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LAST_REQUESTS).await;
                old.finish().await;
            });
        }
    }

    /// Nothing more comes: sends what waits.
    pub(super) async fn finish(self) {
        const LONGEST: Duration = Duration::from_secs(3);
        if let Some(traces) = self.to {
            let sent = tokio::task::spawn_blocking(move || traces.finish(LONGEST)).await;
            if !sent.unwrap_or(false) {
                tracing::warn!("the last traces may be lost");
            }
        }
    }
}
