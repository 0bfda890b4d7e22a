//! Hearing of other nodes' changes at once: one connection that the server calls (`LISTEN`).
//!
//! A call says only that there is something to read. Calls are lost with the connection; when there is a new
//! one, whoever waits is woken, to read what came meanwhile.

use super::notices::CHANNEL;
use super::open;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(super) struct Ears {
    called: Arc<Notify>,
    pool: PgPool,
    task: JoinHandle<()>,
}

impl Ears {
    pub(super) fn listen(options: &PgConnectOptions) -> Self {
        let called = Arc::new(Notify::new());
        let pool = open::ears(options);
        let task = tokio::spawn(listen(pool.clone(), Arc::clone(&called)));
        Self { called, pool, task }
    }

    /// Until somebody calls, or so long; a call since the last wait counts.
    pub(super) async fn wait(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.called.notified()).await;
    }

    pub(super) async fn close(&self) {
        self.task.abort();
        self.pool.close().await;
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(pool: PgPool, called: Arc<Notify>) {
    const AGAIN: Duration = Duration::from_secs(1);
    let mut told = false;
    loop {
        if let Err(error) = hear(&pool, &called, &mut told).await {
            // once, not each second; what is missed is found by looking
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(%error, "the database server does not call when something changes; it is asked every second instead");
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Until the connection is lost.
async fn hear(pool: &PgPool, called: &Notify, told: &mut bool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    if std::mem::take(told) {
        tracing::info!("the database server calls again when something changes");
    }
    // what came before there was anybody to hear it
    called.notify_one();
    while listener.try_recv().await?.is_some() {
        called.notify_one();
    }
    Ok(())
}
