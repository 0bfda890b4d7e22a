//! Every row of one store into another, empty one, whatever the two are kept in; and compared, field by field.
//!
//! Nobody writes to the source meanwhile, and nobody sees anything of the target before it is whole: it is one
//! transaction, which ends with [`End::commit`]. An [`End`] that is dropped before leaves nothing behind.

mod ends;
mod rows;

use super::Fault;
use super::tables::{Kind, TABLES, Table};
use ends::Connection;
pub use ends::End;
use futures_util::TryStreamExt as _;
pub use rows::Value;
use std::cmp::Ordering;
use std::fmt;

/// Rows that are written with one statement.
const BATCH: usize = 250;

/// What is going on, for whoever waits.
pub trait Watcher {
    /// So many rows in all will come twice: to be copied, and to be compared.
    fn begins(&mut self, _rows: u64) {}
    /// More rows of this table.
    fn moved(&mut self, _table: &Table, _rows: u64) {}
    /// A row of the source.
    fn sees(&mut self, _table: &Table, _row: &[Value]) {}
}

/// Where the two are not the same. It names the row, never what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub table: &'static str,
    pub row: String,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Missing,
    TooMany,
    Differs(&'static str),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, row, what } = self;
        match what {
            What::Missing => write!(f, "{table}: the row {row} is missing in the target"),
            What::TooMany => write!(f, "{table}: the row {row} is in the target only"),
            What::Differs(column) => write!(f, "{table}: `{column}` of the row {row} differs"),
        }
    }
}

/// How many rows each table has.
pub type Counts = Vec<(&'static str, u64)>;

/// Copies every row, and lets numbers go on where they were.
pub async fn copy(
    source: &mut End,
    target: &mut End,
    watcher: &mut impl Watcher,
) -> Result<(), Fault> {
    let mut all = 0;
    for table in TABLES {
        all += source.connection.count(table).await?;
    }
    watcher.begins(all);
    for table in TABLES {
        copy_table(table, source, target, watcher)
            .await
            .map_err(|fault| about(table, fault))?;
        if table.is_numbered {
            let last = source.connection.last_number(table).await?;
            target.connection.go_on_after(table, last).await?;
        }
    }
    Ok(())
}

async fn copy_table(
    table: &'static Table,
    source: &mut End,
    target: &mut End,
    watcher: &mut impl Watcher,
) -> Result<(), Fault> {
    let mut rows = source.connection.rows(table).try_chunks(BATCH);
    while let Some(batch) = rows.try_next().await.map_err(|e| e.1)? {
        for row in &batch {
            watcher.sees(table, row);
        }
        let count = u64::try_from(batch.len()).unwrap_or(0);
        target.connection.insert(table, batch).await?;
        watcher.moved(table, count);
    }
    Ok(())
}

/// Reads every row of both, and compares every field.
pub async fn compare(
    source: &mut End,
    target: &mut End,
    watcher: &mut impl Watcher,
) -> Result<Result<Counts, Mismatch>, Fault> {
    let mut counts = Counts::new();
    for table in TABLES {
        let (from, to) = (&mut source.connection, &mut target.connection);
        match compare_table(table, from, to, watcher)
            .await
            .map_err(|fault| about(table, fault))?
        {
            Ok(rows) => counts.push((table.name, rows)),
            Err(mismatch) => return Ok(Err(mismatch)),
        }
    }
    Ok(Ok(counts))
}

async fn compare_table(
    table: &'static Table,
    source: &mut Connection,
    target: &mut Connection,
    watcher: &mut impl Watcher,
) -> Result<Result<u64, Mismatch>, Fault> {
    let (mut source, mut target) = (source.rows(table), target.rows(table));
    let mut count = 0;
    loop {
        let (row, copied) = (source.try_next().await?, target.try_next().await?);
        let (row, what) = match (row, copied) {
            (None, None) => return Ok(Ok(count)),
            (Some(row), None) => (row, What::Missing),
            (None, Some(row)) => (row, What::TooMany),
            (Some(row), Some(copied)) => match key(table, &row).cmp(&key(table, &copied)) {
                Ordering::Less => (row, What::Missing),
                Ordering::Greater => (copied, What::TooMany),
                Ordering::Equal => match differs(table, &row, &copied) {
                    Some(column) => (row, What::Differs(column)),
                    None => {
                        count += 1;
                        watcher.moved(table, 1);
                        continue;
                    }
                },
            },
        };
        return Ok(Err(Mismatch {
            table: table.name,
            row: named(table, &row),
            what,
        }));
    }
}

fn differs(table: &Table, row: &[Value], copied: &[Value]) -> Option<&'static str> {
    let columns = table.columns.iter().zip(row.iter().zip(copied));
    let mut different = columns.filter(|(_, (value, copied))| value != copied);
    different.next().map(|((column, _), _)| *column)
}

fn key<'r>(table: &Table, row: &'r [Value]) -> Vec<&'r Value> {
    let of = |column: &&str| table.columns.iter().position(|(name, _)| name == column);
    let places = table.key.iter().filter_map(of);
    places.filter_map(|place| row.get(place)).collect()
}

fn named(table: &Table, row: &[Value]) -> String {
    let parts: Vec<String> = key(table, row).iter().map(ToString::to_string).collect();
    parts.join(" ")
}

fn about(table: &Table, fault: Fault) -> Fault {
    let named = |why: String| format!("{}: {why}", table.name);
    match fault {
        Fault::Open(why) => Fault::Open(named(why)),
        Fault::Away(why) => Fault::Away(named(why)),
        Fault::ReadOnly(why) => Fault::ReadOnly(named(why)),
        Fault::Full(why) => Fault::Full(named(why)),
        Fault::Busy(why) => Fault::Busy(named(why)),
        Fault::NoConnection => Fault::NoConnection,
        Fault::Query(why) => Fault::Query(named(why)),
        Fault::Corrupt(why) => Fault::Corrupt(named(why)),
    }
}

/// `SELECT` of every row in the order of the keys, which is the same everywhere: that of their bytes.
fn select(table: &Table, text_order: &str) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let order: Vec<String> = table
        .key
        .iter()
        .map(|key| {
            let is_text = table.columns.contains(&(*key, Kind::Text));
            format!("{key}{}", if is_text { text_order } else { "" })
        })
        .collect();
    format!(
        "SELECT {} FROM {} ORDER BY {}",
        columns.join(", "),
        table.name,
        order.join(", ")
    )
}

/// `INSERT` of so many rows.
fn insert(table: &Table, rows: usize, overriding: &str) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let width = columns.len();
    let lines: Vec<String> = (0..rows)
        .map(|row| {
            let fields: Vec<String> = (1..=width)
                .map(|n| format!("${}", row * width + n))
                .collect();
            format!("({})", fields.join(", "))
        })
        .collect();
    format!(
        "INSERT INTO {} ({}) {overriding} VALUES {}",
        table.name,
        columns.join(", "),
        lines.join(", ")
    )
}
