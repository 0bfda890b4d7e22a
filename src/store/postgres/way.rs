//! The way to the server: which connections are still good, and whether they lead to the server that writes.
//!
//! After a fail-over the old connections may be dead without a word (a machine that lost its power, an address that
//! moved): nothing that is sent on them is ever answered, and the operating system notices after a quarter of an hour.
//! So nothing here waits for a connection without a limit, and one that does not answer condemns all that are as
//! old as it is.

use super::open::PATIENCE;
use parking_lot::Mutex;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// For a round trip that costs the server nothing; leaves time for a new connection within [`PATIENCE`].
const PING: Duration = Duration::from_secs(1);

/// What was learnt of the way, shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// When an idle connection last gave no answer: those from before are not used any more.
    silent_at: Mutex<Option<Instant>>,
    /// The server we were led to last follows another one.
    leads_to_standby: AtomicBool,
}

impl Way {
    pub(super) fn leads_to_standby(&self) -> bool {
        self.leads_to_standby.load(Ordering::Relaxed)
    }

    /// A new connection is for use when this returns: never for as long as its server is a standby. What a standby
    /// shows may be old: a session there may have been ended already. One that is being promoted is waited for, as
    /// long as whoever wants the connection has time.
    pub(super) async fn begin(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        // What was acknowledged is on disk, whatever the server's own setting: a spent code that comes back is a code
        // used twice. Stricter ones (replicas) stay.
        const BEGIN: &str = "SELECT pg_is_in_recovery() AS standby,
                CASE current_setting('synchronous_commit')
                WHEN 'off' THEN set_config('synchronous_commit', 'local', false) END";
        const AGAIN: Duration = Duration::from_millis(200);
        loop {
            let about = (&mut *connection).fetch_one(sqlx::raw_sql(BEGIN)).await?;
            let standby: bool = about.try_get("standby")?;
            let before = self.leads_to_standby.swap(standby, Ordering::Relaxed);
            if !standby {
                return Ok(());
            }
            if !before {
                tracing::error!(
                    "the database server is a standby, which is not asked: let `storage.url` lead to the primary, or promote it"
                );
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Whether an idle connection may be used.
    pub(super) async fn is_good(&self, connection: &mut PgConnection, age: Duration) -> bool {
        let asked_at = Instant::now();
        let condemned = |silent| asked_at.checked_sub(age).is_none_or(|made| made <= silent);
        if self.silent_at.lock().is_some_and(condemned) {
            return false;
        }
        match timeout(PING, connection.ping()).await {
            Ok(answered) => answered.is_ok(),
            Err(_) => {
                *self.silent_at.lock() = Some(asked_at);
                false
            }
        }
    }
}

/// Whether a connection that somebody has left, in the midst of an answer maybe, may be used again. Its place in the
/// pool is taken until this is known.
pub(super) async fn is_usable(connection: &mut PgConnection) -> bool {
    timeout(PATIENCE, connection.ping())
        .await
        .is_ok_and(|answered| answered.is_ok())
}
