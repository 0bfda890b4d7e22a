//! Rows of either kind of store as the same values.

use super::{Kind, Table};
use crate::store::Fault;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Postgres, Row as _, Sqlite};
use std::fmt;
use uuid::Uuid;

/// A field: UUIDs are their bytes, yes and no are 1 and 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Only ever of a key.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("-"),
            Self::Integer(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => match Uuid::from_slice(bytes) {
                Ok(id) => write!(f, "{id}"),
                Err(_) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            },
        }
    }
}

impl From<Option<i64>> for Value {
    fn from(field: Option<i64>) -> Self {
        field.map_or(Self::Null, Self::Integer)
    }
}

impl From<Option<String>> for Value {
    fn from(field: Option<String>) -> Self {
        field.map_or(Self::Null, Self::Text)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(field: Option<Vec<u8>>) -> Self {
        field.map_or(Self::Null, Self::Bytes)
    }
}

impl Value {
    const fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            _ => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Of bytes and of texts.
    pub fn raw(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            other => other.bytes(),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

pub(super) fn of_file(table: &Table, row: &SqliteRow) -> Result<Vec<Value>, Fault> {
    let field = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Id | Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.into(),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.into(),
            Kind::Integer | Kind::YesNo => row.try_get::<Option<i64>, _>(at)?.into(),
        })
    };
    table.columns.iter().enumerate().map(field).collect()
}

pub(super) fn of_server(table: &Table, row: &PgRow) -> Result<Vec<Value>, Fault> {
    let field = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Id => {
                let id = row.try_get::<Option<Uuid>, _>(at)?;
                id.map(|id| id.as_bytes().to_vec()).into()
            }
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.into(),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.into(),
            Kind::Integer => row.try_get::<Option<i64>, _>(at)?.into(),
            Kind::YesNo => row.try_get::<Option<bool>, _>(at)?.map(i64::from).into(),
        })
    };
    table.columns.iter().enumerate().map(field).collect()
}

pub(super) fn to_file<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    (kind, value): (Kind, Value),
) -> Query<'q, Sqlite, SqliteArguments> {
    match kind {
        Kind::Id | Kind::Bytes => query.bind(value.bytes().map(<[u8]>::to_vec)),
        Kind::Text => query.bind(value.text()),
        Kind::Integer | Kind::YesNo => query.bind(value.integer()),
    }
}

/// A UUID that is none becomes NULL, which comparing finds.
pub(super) fn to_server<'q>(
    query: Query<'q, Postgres, PgArguments>,
    (kind, value): (Kind, Value),
) -> Query<'q, Postgres, PgArguments> {
    match kind {
        Kind::Id => query.bind(value.bytes().and_then(|bytes| Uuid::from_slice(bytes).ok())),
        Kind::Bytes => query.bind(value.bytes().map(<[u8]>::to_vec)),
        Kind::Text => query.bind(value.text()),
        Kind::Integer => query.bind(value.integer()),
        Kind::YesNo => query.bind(value.integer().map(|n| n != 0)),
    }
}
