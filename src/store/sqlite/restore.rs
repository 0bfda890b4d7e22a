//! A copy on its way into the place of the store: brought up to date, and with nothing in it that was good once.
//!
//! What was spent or ended since the copy was made would be good again: sessions, codes, links. What can be given anew
//! goes (decision 29). What was withdrawn for good (tokens, keys, emergency codes, the right to sign in) stays only as
//! far as the store that is replaced still has it; without that store, nobody knows.

use super::open::{folder, is_busy, make_folder, migrator, settings};
use super::{Presence, accounts, audit, copy};
use crate::domain::audit::Record;
use crate::store::Fault;
use crate::store::fault::chain;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection, query,
};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Emptied: all of it is given anew when people sign in.
const EMPTIED: [&str; 8] = [
    "attempts",
    "one_time_codes",
    "tickets",
    "application_sessions",
    "portal_sessions",
    "links",
    "approvals",
    "outbox",
];

/// Nobody else has the store open for longer than this: a command that is at its end.
const SHORTLY: Duration = Duration::from_secs(1);

/// The file, not in its place yet.
pub struct Incoming {
    connection: SqliteConnection,
}

/// The store that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It can be read: what is no longer in it stays withdrawn.
    Known,
    /// There is none, it cannot be read, or it is not to be believed; why.
    Unknown(String),
    /// A program has it open.
    InUse,
}

/// What is done besides what is always done.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Codes of apps count only after this step.
    pub totp_step: u64,
    pub forget_emergency_codes: bool,
    pub replaced_is_known: bool,
}

/// What has become of the copy. Names are logins, and names of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disarmed {
    /// Rows that were removed, by table.
    pub emptied: Vec<(&'static str, u64)>,
    pub devices_untrusted: u64,
    pub emergency_codes_removed: u64,
    pub signing_keys_removed: u64,
    pub tokens_removed: Vec<String>,
    /// Disabled since the copy was made, and here again.
    pub disabled: Vec<String>,
    /// Records of the trail since the copy was made.
    pub trail_carried_over: u64,
    /// What the copy has as it was; only a person knows which is right.
    pub differences: Differences,
}

/// Between the copy and the store that is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// In the copy only: deleted since, and there again.
    pub deleted_since: Vec<String>,
    /// In the store that is replaced only: gone with it.
    pub added_since: Vec<String>,
    pub passwords_changed_since: Vec<String>,
    pub authenticators_changed_since: Vec<String>,
    pub groups_changed_since: Vec<String>,
}

impl Incoming {
    /// Brings the tables up to date, and refuses those that are not exactly ours.
    pub async fn open(path: &Path) -> Result<Self, Fault> {
        let mut connection = settings(path)
            .pragma("journal_mode", "DELETE")
            // of what is removed nothing stays in the file
            .pragma("secure_delete", "ON")
            // and nobody comes in between, here or in what is attached
            .pragma("locking_mode", "EXCLUSIVE")
            .busy_timeout(SHORTLY)
            .connect()
            .await?;
        bring_up_to_date(&mut connection).await.map_err(|why| {
            Fault::Open(format!("its tables cannot be brought up to date: {why}"))
        })?;
        let mut pattern = settings(Path::new(":memory:"))
            .create_if_missing(true)
            .connect()
            .await?;
        bring_up_to_date(&mut pattern).await.map_err(Fault::Query)?;
        if schema(&mut connection).await? != schema(&mut pattern).await? {
            return Err(Fault::Open(
                "its tables, or what watches over them, are not those that Vestibule makes: somebody changed them"
                    .to_owned(),
            ));
        }
        Ok(Self { connection })
    }

    /// Looks at the store that will be replaced, and keeps everybody from it as long as this lives.
    pub async fn attach(&mut self, store: &Path) -> Result<Replaced, Fault> {
        if !store.exists() {
            return Ok(Replaced::Unknown("there is none".to_owned()));
        }
        let unfit = || Fault::Open(format!("{}: not UTF-8", store.display()));
        let attach =
            query("ATTACH DATABASE $1 AS replaced").bind(store.to_str().ok_or_else(unfit)?);
        if let Err(e) = attach.execute(&mut self.connection).await {
            return Ok(unknown(&e));
        }
        match self.look_at_replaced().await {
            Ok(None) => Ok(Replaced::Known),
            Ok(Some(why)) => Ok(Replaced::Unknown(why)),
            Err(e) => Ok(unknown(&e)),
        }
    }

    async fn look_at_replaced(&mut self) -> Result<Option<String>, sqlx::Error> {
        // the first statement that reads takes the lock
        query("SELECT COUNT(*) FROM replaced.sqlite_master")
            .execute(&mut self.connection)
            .await?;
        let said: Vec<String> = sqlx::query_scalar("PRAGMA replaced.integrity_check(1)")
            .fetch_all(&mut self.connection)
            .await?;
        if said != ["ok"] {
            return Ok(Some(format!("it is damaged: {}", said.join("; "))));
        }
        // a table or column that is missing shows before anything is done
        for sql in COMPARED {
            query(sql).fetch_optional(&mut self.connection).await?;
        }
        Ok(None)
    }

    /// In one transaction, with the record that tells of it.
    pub async fn disarm(
        &mut self,
        order: &Order,
        tell: impl FnOnce(&Disarmed) -> Record,
    ) -> Result<Disarmed, Fault> {
        let mut tx = self.connection.begin().await?;
        let c = &mut *tx;
        let mut done = Disarmed::default();
        if order.replaced_is_known {
            done.differences = differences(c).await?;
            done.trail_carried_over = carry_trail_over(c).await?;
            done.disabled = texts(
                c,
                "UPDATE accounts SET status = 'disabled' WHERE status = 'active' AND id IN
                     (SELECT id FROM replaced.accounts WHERE status = 'disabled') RETURNING login",
            )
            .await?;
        }
        for table in EMPTIED {
            let sql = format!("DELETE FROM main.{table}");
            done.emptied.push((table, run(c, sql).await?));
        }
        let untrust = "UPDATE devices SET trusted_until = NULL WHERE trusted_until IS NOT NULL";
        done.devices_untrusted = run(c, untrust.to_owned()).await?;
        query(
            "UPDATE accounts SET totp_last_step = MAX(totp_last_step, $1) WHERE totp_id IS NOT NULL",
        )
        .bind(i64::try_from(order.totp_step).unwrap_or(i64::MAX))
        .execute(&mut *c)
        .await?;
        done.emergency_codes_removed = forget_codes(c, order).await?;
        let sql = withdrawn(order.replaced_is_known, "api_tokens", "r.token = t.token");
        done.tokens_removed = texts(
            c,
            &format!("DELETE FROM main.api_tokens AS t WHERE {sql} RETURNING name"),
        )
        .await?;
        let same = "r.id = t.id AND r.retired_until IS NULL";
        let sql = withdrawn(order.replaced_is_known, "signing_keys", same);
        done.signing_keys_removed =
            run(c, format!("DELETE FROM main.signing_keys AS t WHERE {sql}")).await?;
        let record = tell(&done);
        audit::append(c, &record).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// All is in the one file, and on disk; what was attached is whole, too, as far as it could be read.
    pub async fn finish(mut self, path: &Path) -> Result<(), Fault> {
        // there may be nothing attached, or nothing that can be written home
        let _ = query("PRAGMA replaced.wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await;
        self.connection.close().await?;
        let flushed = std::fs::File::open(path).and_then(|file| file.sync_all());
        flushed.map_err(|e| Fault::Open(format!("{}: {e}", path.display())))
    }
}

/// Puts a finished file in the place of the store, which goes aside under the second name. At every moment there is
/// a whole store in the place.
pub fn put_in_place(
    new: &Path,
    store: &Path,
    aside: &Path,
    _alone: &Presence,
) -> std::io::Result<()> {
    // logs of the replaced store would be taken for those of the new one
    for end in ["-wal", "-shm", "-journal"] {
        match std::fs::rename(with(store, end), with(aside, end)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
    }
    match std::fs::hard_link(store, aside) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    std::fs::rename(new, store)?;
    copy::sync_folder(store)
}

/// Makes the folder of a store that is to come, where there is none.
pub fn prepare_folder(store: &Path) -> Result<&Path, Fault> {
    make_folder(store)?;
    Ok(folder(store))
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn unknown(error: &sqlx::Error) -> Replaced {
    match is_busy(error) {
        true => Replaced::InUse,
        false => Replaced::Unknown(chain(error)),
    }
}

async fn bring_up_to_date(c: &mut SqliteConnection) -> Result<(), String> {
    let mut tx = c
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(|e| chain(&e))?;
    migrator()
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|e| e.to_string())?;
    accounts::fold_names(&mut tx).await.map_err(|e| chain(&e))?;
    tx.commit().await.map_err(|e| chain(&e))
}

/// Tables, indexes, triggers and views, as SQL.
async fn schema(c: &mut SqliteConnection) -> Result<Vec<String>, Fault> {
    let rows = sqlx::query_scalar(
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || COALESCE(sql, '') FROM main.sqlite_master
         WHERE name <> '_sqlx_migrations' AND name <> 'sqlite_sequence' AND name NOT LIKE 'sqlite_stat%' ORDER BY 1",
    )
    .fetch_all(c)
    .await?;
    Ok(rows)
}

async fn run(c: &mut SqliteConnection, sql: String) -> Result<u64, sqlx::Error> {
    Ok(query(AssertSqlSafe(sql)).execute(c).await?.rows_affected())
}

async fn texts(c: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, sqlx::Error> {
    let rows = query(AssertSqlSafe(sql.to_owned())).fetch_all(c).await?;
    let mut texts: Vec<String> = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    texts.sort();
    Ok(texts)
}

/// Which rows `t` of the copy go: all, but for those that the replaced store still has.
fn withdrawn(is_known: bool, table: &str, same: &str) -> String {
    match is_known {
        true => format!("NOT EXISTS (SELECT 1 FROM replaced.{table} AS r WHERE {same})"),
        false => "1".to_owned(),
    }
}

/// Whoever has none left is given new ones at the next sign-in with the app.
async fn forget_codes(c: &mut SqliteConnection, order: &Order) -> Result<u64, sqlx::Error> {
    let is_known = order.replaced_is_known && !order.forget_emergency_codes;
    let same = "r.id = t.id AND r.code_hash = t.code_hash";
    let gone = withdrawn(is_known, "emergency_codes", same);
    run(
        c,
        format!("CREATE TEMP TABLE gone AS SELECT id, account_id FROM main.emergency_codes AS t WHERE {gone}"),
    )
    .await?;
    let removed = run(
        c,
        "DELETE FROM main.emergency_codes WHERE id IN (SELECT id FROM gone)".to_owned(),
    )
    .await?;
    run(
        c,
        "UPDATE main.accounts SET totp_codes_unconfirmed = 1 WHERE totp_id IS NOT NULL
         AND id IN (SELECT account_id FROM gone)
         AND id NOT IN (SELECT account_id FROM main.emergency_codes)"
            .to_owned(),
    )
    .await?;
    run(c, "DROP TABLE gone".to_owned()).await?;
    Ok(removed)
}

/// The records that came after the copy, where the copy's last record is one of that trail.
async fn carry_trail_over(c: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    run(
        c,
        "INSERT INTO main.audit (id, at, event, account_id, actor, address, user_agent, detail)
         SELECT id, at, event, account_id, actor, address, user_agent, detail FROM replaced.audit
         WHERE id > (SELECT MAX(id) FROM main.audit)
         AND EXISTS (SELECT 1 FROM main.audit AS m JOIN replaced.audit AS r
                     ON r.id = m.id AND r.at = m.at AND r.event = m.event AND r.detail = m.detail
                     WHERE m.id = (SELECT MAX(id) FROM main.audit))
         ORDER BY id"
            .to_owned(),
    )
    .await
}

const DELETED: &str =
    "SELECT login FROM main.accounts WHERE id NOT IN (SELECT id FROM replaced.accounts)";
const ADDED: &str =
    "SELECT login FROM replaced.accounts WHERE id NOT IN (SELECT id FROM main.accounts)";
const PASSWORDS: &str =
    "SELECT a.login FROM main.accounts AS a JOIN replaced.accounts AS r ON r.id = a.id
     WHERE a.password_hash IS NOT r.password_hash";
const AUTHENTICATORS: &str =
    "SELECT a.login FROM main.accounts AS a JOIN replaced.accounts AS r ON r.id = a.id
     WHERE a.totp_id IS NOT r.totp_id";
const GROUPS: &str = "SELECT login FROM main.accounts AS a WHERE id IN (SELECT id FROM replaced.accounts) AND (
     EXISTS (SELECT 1 FROM main.account_groups AS g WHERE g.account_id = a.id AND NOT EXISTS
         (SELECT 1 FROM replaced.account_groups AS r WHERE r.account_id = a.id AND r.group_name = g.group_name))
     OR EXISTS (SELECT 1 FROM replaced.account_groups AS r WHERE r.account_id = a.id AND NOT EXISTS
         (SELECT 1 FROM main.account_groups AS g WHERE g.account_id = a.id AND r.group_name = g.group_name)))";

/// All that is read of the store that is replaced.
const COMPARED: [&str; 9] = [
    DELETED,
    ADDED,
    PASSWORDS,
    AUTHENTICATORS,
    GROUPS,
    "SELECT id, status FROM replaced.accounts LIMIT 1",
    "SELECT id, code_hash FROM replaced.emergency_codes LIMIT 1",
    "SELECT t.token, k.id, k.retired_until FROM replaced.api_tokens AS t, replaced.signing_keys AS k LIMIT 1",
    "SELECT id, at, event, account_id, actor, address, user_agent, detail FROM replaced.audit LIMIT 1",
];

async fn differences(c: &mut SqliteConnection) -> Result<Differences, sqlx::Error> {
    Ok(Differences {
        deleted_since: texts(c, DELETED).await?,
        added_since: texts(c, ADDED).await?,
        passwords_changed_since: texts(c, PASSWORDS).await?,
        authenticators_changed_since: texts(c, AUTHENTICATORS).await?,
        groups_changed_since: texts(c, GROUPS).await?,
    })
}
