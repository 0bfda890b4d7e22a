//! What the driver's errors are to the rest of the program.

use super::Fault;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use std::error::Error as _;

/// Result codes of SQLite that mean a damaged file: SQLITE_CORRUPT and SQLITE_NOTADB.
const DAMAGED: [i32; 2] = [11, 26];
/// PostgreSQL's: data_corrupted and index_corrupted.
const DAMAGED_ON_A_SERVER: [&str; 2] = ["XX001", "XX002"];

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let text = chain(&error);
        match &error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Corrupt(text),
            sqlx::Error::Database(e) if is_damage(e.as_ref()) => Self::Corrupt(text),
            _ => Self::Query(text),
        }
    }
}

fn is_damage(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return DAMAGED_ON_A_SERVER.contains(&&*code);
    }
    // Extended codes keep the primary one in their low byte.
    code.parse::<i32>()
        .is_ok_and(|c| DAMAGED.contains(&(c & 0xff)))
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
