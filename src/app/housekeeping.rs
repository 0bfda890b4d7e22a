//! What happens beside the requests, under the configuration in force.

use super::{Base, Current, certificates};
use crate::authn::sessions::{NOTICE_INTERVAL, Sessions, TOUCH_INTERVAL};
use crate::signer::Signer;
use crate::store::SharedStore;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What happens on its own: heeding other processes, writing down activity, clearing what has run out.
pub(super) async fn start(
    base: &Base,
    current: &Arc<ArcSwap<Current>>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
    let newest = base.store.last_notice().await?;
    let sessions = Arc::clone(current.load().authn.sessions());
    let heed = tokio::spawn(heed_notices(
        Arc::clone(&base.store),
        Arc::clone(&sessions),
        Arc::clone(&base.signer),
        newest,
    ));
    let flush = tokio::spawn(async move {
        loop {
            tokio::time::sleep(TOUCH_INTERVAL).await;
            if let Err(fault) = sessions.flush().await {
                tracing::warn!(error = %fault, "activity of sessions could not be written down; it is kept for the next time");
            }
        }
    });
    let (store, env) = (Arc::clone(&base.store), base.env.clone());
    let sweep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            if let Err(fault) = store.sweep(env.now()).await {
                tracing::warn!(error = %fault, "what has run out could not be removed");
            }
        }
    });
    let people = tokio::spawn(look_after_people(Arc::clone(current)));
    let certificates = tokio::spawn(certificates::watch(
        Arc::clone(current),
        Arc::clone(&base.desk),
    ));
    Ok(vec![heed, flush, sweep, people, certificates])
}

/// What is done once an hour: mails to those whose deadline is near, the day's figures of the adoption, and accounts
/// whose deletion is due. All of it may be done again and again, by any process: a start or a crash in between costs
/// nobody a mail.
async fn look_after_people(current: Arc<ArcSwap<Current>>) {
    const FIRST_MAILS: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_secs(3600);
    loop {
        let authn = Arc::clone(&current.load().authn);
        if let Err(fault) = authn.delete_due().await {
            tracing::warn!(error = %fault, "accounts whose deletion is due could not be removed; it is tried again");
        }
        if let Err(fault) = authn.record_adoption().await {
            tracing::warn!(error = %fault, "the figures of the adoption could not be kept; it is tried again");
        }
        tokio::time::sleep(FIRST_MAILS).await;
        let authn = Arc::clone(&current.load().authn);
        match authn.mail_reminders().await {
            Ok(0) => {}
            Ok(mailed) => tracing::info!(mailed, "people were reminded by mail of their deadline"),
            Err(fault) => {
                tracing::warn!(error = %fault, "reminders could not be mailed; they are tried again in an hour");
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn heed_notices(
    store: SharedStore,
    sessions: Arc<Sessions>,
    signer: Arc<Signer>,
    mut after: i64,
) {
    let mut rotation = Rotation::default();
    loop {
        store.wait_for_notices(NOTICE_INTERVAL).await;
        let keys_changed = match store.notices(after).await {
            Ok((next, notices)) => {
                after = next;
                sessions.heed(&notices)
            }
            // the store tells of it; what was missed is read when it works again
            Err(_) => false,
        };
        rotation.follow(keys_changed, signer.reload()).await;
    }
}

/// Signing keys that were rotated and are to be read again: tried until it has worked, because the notice comes
/// only once.
#[derive(Default)]
struct Rotation {
    pending: bool,
}

impl Rotation {
    async fn follow<E: std::fmt::Display>(
        &mut self,
        changed: bool,
        reload: impl Future<Output = Result<(), E>>,
    ) {
        if !changed && !self.pending {
            return;
        }
        match reload.await {
            Ok(()) => self.pending = false,
            Err(fault) => {
                // told once, not at each try
                if changed || !self.pending {
                    tracing::error!(error = %fault, "signing keys were rotated but cannot be read; it is tried again");
                }
                self.pending = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_rotation_is_followed_until_the_keys_are_read() {
        let mut rotation = Rotation::default();
        let reads = Cell::new(0);
        let reload = async |result: Result<(), &str>| {
            reads.set(reads.get() + 1);
            result.map_err(str::to_owned)
        };
        rotation.follow(false, reload(Ok(()))).await;
        assert_eq!(reads.get(), 0);
        rotation.follow(true, reload(Err("away"))).await;
        rotation.follow(false, reload(Err("away"))).await;
        assert_eq!(reads.get(), 2);
        rotation.follow(false, reload(Ok(()))).await;
        rotation.follow(false, reload(Ok(()))).await;
        assert_eq!(reads.get(), 3);
    }
}
