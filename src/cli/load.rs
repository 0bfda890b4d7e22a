//! What commands begin with: the settings, a runtime, the store.

use crate::app::Office;
use crate::config::{self, Settings};
use crate::env::{self, Env};
use anyhow::{Context as _, bail};
use std::path::Path;

/// Settings, and what `check` would warn of.
pub(super) struct Loaded {
    pub settings: Settings,
    pub warnings: Vec<String>,
}

/// Reads a configuration; every mistake in one error.
pub(super) fn settings(path: &Path) -> anyhow::Result<Loaded> {
    let (settings, report) = config::examine(path, &env::variable);
    match settings {
        Some(settings) if !report.has_errors() => Ok(Loaded {
            warnings: report
                .warnings()
                .map(|w| format!("{}:{}:{}: {}", report.file, w.line, w.column, w.message))
                .collect(),
            settings,
        }),
        _ => bail!("{} has mistakes\n\n{report}", report.file),
    }
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

/// For a command that has threads of its own, or little to do.
pub(super) fn single_threaded() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

/// Whether a command may be the first on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// Made where it is not there yet.
    MadeAtFirstUse,
    /// A missing one is a mistake in the configuration.
    MustExist,
}

/// Opens store and use cases and runs a command on them.
pub(super) fn with_office<T>(
    path: &Path,
    store: Store,
    work: impl AsyncFnOnce(Office) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = settings(path)?.settings;
    runtime()?.block_on(async {
        let office = match store {
            Store::MadeAtFirstUse => Office::open(settings, Env::system()).await?,
            Store::MustExist => Office::open_existing(settings, Env::system()).await?,
        };
        work(office).await
    })
}
