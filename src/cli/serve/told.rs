//! What a running gateway is told: by signals, and by files that change.

use super::{Stamp, stamp};
use anyhow::Context as _;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);

pub(super) enum What {
    Stop,
    /// Read the configuration again, because of this.
    Reload(&'static str),
    HandOver,
}

/// The signals.
pub(super) struct Told {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user: Signal,
}

impl Told {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let catch =
            |kind, name: &str| signal(kind).with_context(|| format!("{name} cannot be caught"));
        Ok(Self {
            terminate: catch(SignalKind::terminate(), "SIGTERM")?,
            interrupt: catch(SignalKind::interrupt(), "SIGINT")?,
            hang_up: catch(SignalKind::hangup(), "SIGHUP")?,
            user: catch(SignalKind::user_defined2(), "SIGUSR2")?,
        })
    }

    pub(super) async fn next(&mut self, watch: Option<&mut Watch>) -> What {
        let changed = async {
            match watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => What::Stop,
            _ = self.interrupt.recv() => What::Stop,
            _ = self.hang_up.recv() => What::Reload("SIGHUP"),
            _ = self.user.recv() => What::HandOver,
            () = changed => What::Reload("a file has changed"),
        }
    }
}

/// SIGTERM, SIGINT; SIGHUP too, because a terminal that is closed ends what was begun in it.
pub(in crate::cli) async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut told = Told::listen()?;
    while matches!(told.next(None).await, What::HandOver) {}
    Ok(())
}

/// Files, and what they looked like.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Stamp>,
}

impl Watch {
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        let seen = files.iter().map(|f| stamp(f)).collect();
        Self { files, seen }
    }

    /// These too, as they are now.
    pub(super) fn and(mut self, files: Vec<PathBuf>) -> Self {
        for file in files {
            if !self.files.contains(&file) {
                self.seen.push(stamp(&file));
                self.files.push(file);
            }
        }
        self
    }

    /// Resolves when a file differs from what it was and has stayed so from one look to the next: an editor may
    /// write in several steps.
    async fn changed(&mut self) {
        let mut before = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let now: Vec<Stamp> = self.files.iter().map(|f| stamp(f)).collect();
            if now != self.seen && before.as_ref() == Some(&now) {
                self.seen = now;
                return;
            }
            before = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        std::fs::write(&file, "one").unwrap();
        let mut watch = Watch::of(vec![file.clone(), dir.path().join("not-there")]);
        let quiet = tokio::time::timeout(LOOK * 5, watch.changed()).await;
        assert!(quiet.is_err());
        std::fs::write(&file, "other").unwrap();
        let started = tokio::time::Instant::now();
        watch.changed().await;
        assert!(started.elapsed() >= LOOK * 2);
        let quiet = tokio::time::timeout(LOOK * 5, watch.changed()).await;
        assert!(quiet.is_err());
    }
}
