//! Where accounts, sessions and the audit trail are kept.

use schemars::JsonSchema;
use serde::Deserialize;

/// The store.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// `sqlite:` and a file, made at the first start, for one node; or the address of a PostgreSQL database, for several (docs/postgresql.md).
    #[schemars(extend("default" = "sqlite:data/vestibule.db", "examples" = ["postgres://vestibule@db.example.com/vestibule"]))]
    pub url: Option<String>,
    /// File that holds the password of the database's user.
    #[schemars(extend("examples" = ["/run/secrets/database"]))]
    pub password_file: Option<String>,
    /// Most connections to the database at once, from this node; one more hears of changes. 2 to 1000.
    #[schemars(extend("default" = 16))]
    pub pool: Option<u32>,
}
