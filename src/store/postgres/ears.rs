//! Hearing of other nodes' changes at once: one connection that the server calls (`LISTEN`).
//!
//! A call says only that there is something to read. Calls are lost with the connection; when there is a new
//! one, whoever waits is woken, to read what came meanwhile. A connection that is dead without a word is found out by
//! asking, as nobody calls on it any more.

use super::notices::CHANNEL;
use super::open;
use super::way::Way;
use parking_lot::Mutex;
use sqlx::Executor as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) struct Ears {
    called: Arc<Notify>,
    line: Arc<Line>,
    task: JoinHandle<()>,
}

/// How to be called: a pool of one, made anew for each connection, as a dead one takes its place for long.
struct Line {
    options: PgConnectOptions,
    way: Arc<Way>,
    pool: Mutex<Option<PgPool>>,
}

impl Line {
    fn anew(&self) -> PgPool {
        let pool = open::ears(&self.options, &self.way);
        *self.pool.lock() = Some(pool.clone());
        pool
    }
}

impl Ears {
    pub(super) fn listen(options: &PgConnectOptions, way: &Arc<Way>) -> Self {
        let called = Arc::new(Notify::new());
        let line = Arc::new(Line {
            options: options.clone(),
            way: Arc::clone(way),
            pool: Mutex::default(),
        });
        let task = tokio::spawn(listen(Arc::clone(&line), Arc::clone(&called)));
        Self { called, line, task }
    }

    /// Until somebody calls, or so long; a call since the last wait counts.
    pub(super) async fn wait(&self, at_most: Duration) {
        let _ = timeout(at_most, self.called.notified()).await;
    }

    pub(super) async fn close(&self) {
        self.task.abort();
        let pool = self.line.pool.lock().take();
        if let Some(pool) = pool {
            let _ = timeout(open::PATIENCE, pool.close()).await;
        }
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(line: Arc<Line>, called: Arc<Notify>) {
    const AGAIN: Duration = Duration::from_secs(1);
    let mut told = false;
    loop {
        if let Err(error) = hear(&line.anew(), &called, &mut told).await {
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
    /// So long without a call, and the server is asked whether it is still there.
    const QUIET: Duration = Duration::from_secs(10);
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    in_time(listener.listen(CHANNEL)).await?;
    if std::mem::take(told) {
        tracing::info!("the database server calls again when something changes");
    }
    // what came before there was anybody to hear it
    called.notify_one();
    loop {
        match timeout(QUIET, listener.try_recv()).await {
            Ok(heard) => match heard? {
                Some(_) => called.notify_one(),
                None => return Ok(()),
            },
            Err(_) => {
                in_time(listener.execute("SELECT 1")).await?;
            }
        }
    }
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(open::PATIENCE, answer)
        .await
        .map_err(std::io::Error::from)?
}
