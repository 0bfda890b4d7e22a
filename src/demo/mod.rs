//! Everything on one machine with no configuration: a folder with certificates, configuration, accounts and
//! passwords, and two applications that know nothing of two-factor authentication.
//!
//! Nothing here needs the gateway: the composition root lays the folder out, starts the applications, writes
//! the configuration, makes the planned accounts and starts a gateway on it.

pub mod applications;
pub mod certificates;
pub mod config;
pub mod layout;
pub mod mailbox;
pub mod plan;

pub use config::{Ports, keep_config, write_config};
pub use layout::{ApplicationReport, Layout, Report};
pub use plan::{Account, Plan};

/// The demo's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{path} cannot be {doing}: {source}")]
    File {
        path: String,
        doing: &'static str,
        source: std::io::Error,
    },
    #[error(
        "{path} does not hold what the demo has written there: {reason}; remove it to have it made again"
    )]
    Unreadable { path: String, reason: String },
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
}
