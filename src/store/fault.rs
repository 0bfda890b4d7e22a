//! What the driver's errors are to the rest of the program: which remedy they ask an operator for.

use super::Fault;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use std::error::Error as _;

/// What is wrong, as far as the remedy differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Away,
    ReadOnly,
    Full,
    Busy,
    Damaged,
    Other,
}

impl FaultKind {
    pub const ALL: [Self; 6] = [
        Self::Away,
        Self::ReadOnly,
        Self::Full,
        Self::Busy,
        Self::Damaged,
        Self::Other,
    ];

    /// A stable word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Damaged => "damaged",
            Self::Other => "other",
        }
    }
}

impl Fault {
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Away(_) => FaultKind::Away,
            Self::ReadOnly(_) => FaultKind::ReadOnly,
            Self::Full(_) => FaultKind::Full,
            Self::Busy(_) | Self::NoConnection => FaultKind::Busy,
            Self::Corrupt(_) => FaultKind::Damaged,
            Self::Open(_) | Self::Query(_) => FaultKind::Other,
        }
    }

    fn of(kind: FaultKind, text: String) -> Self {
        match kind {
            FaultKind::Away => Self::Away(text),
            FaultKind::ReadOnly => Self::ReadOnly(text),
            FaultKind::Full => Self::Full(text),
            FaultKind::Busy => Self::Busy(text),
            FaultKind::Damaged => Self::Corrupt(text),
            FaultKind::Other => Self::Query(text),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let text = chain(&error);
        match &error {
            sqlx::Error::PoolTimedOut => Self::NoConnection,
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Corrupt(text),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Away(text)
            }
            sqlx::Error::Database(e) => Self::of(said(e.as_ref()), text),
            _ => Self::Query(text),
        }
    }
}

/// What the database itself says.
fn said(error: &dyn DatabaseError) -> FaultKind {
    let Some(code) = error.code() else {
        return FaultKind::Other;
    };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return on_a_server(&code);
    }
    // extended codes keep the primary one in their low byte
    code.parse::<i32>()
        .map_or(FaultKind::Other, |code| in_a_file(code & 0xff))
}

/// By SQLSTATE (PostgreSQL's appendix A).
fn on_a_server(code: &str) -> FaultKind {
    match code {
        // read_only_sql_transaction
        "25006" => FaultKind::ReadOnly,
        "53100" => FaultKind::Full,
        // admin_shutdown, crash_shutdown, cannot_connect_now; io_error
        "57P01" | "57P02" | "57P03" | "58030" => FaultKind::Away,
        // out of memory, too many connections; query_canceled by its own limit; lock_not_available; deadlock
        "53000" | "53200" | "53300" | "53400" | "57014" | "55P03" | "40P01" | "40001" => {
            FaultKind::Busy
        }
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => FaultKind::Damaged,
        // connection exceptions
        code if code.starts_with("08") => FaultKind::Away,
        _ => FaultKind::Other,
    }
}

/// By SQLite's primary result code.
const fn in_a_file(code: i32) -> FaultKind {
    match code {
        // SQLITE_BUSY, LOCKED, NOMEM
        5..=7 => FaultKind::Busy,
        8 => FaultKind::ReadOnly,
        // SQLITE_IOERR, CANTOPEN
        10 | 14 => FaultKind::Away,
        // SQLITE_CORRUPT, NOTADB
        11 | 26 => FaultKind::Damaged,
        13 => FaultKind::Full,
        _ => FaultKind::Other,
    }
}

/// The error and its causes, each said once.
pub(super) fn chain(error: &sqlx::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = e.source();
    }
    text
}

/// A value that the table has no room for.
pub(super) fn unfit(what: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(what))
}
