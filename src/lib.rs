//! Vestibule: a reverse-proxy SSO gateway that enforces two-factor authentication.
//!
//! One rhythm everywhere: load -> decide (pure) -> commit (one transaction) -> respond. In reading order:
//!
//! - [`domain`] what is decided, without I/O
//! - [`env`] the clock and randomness, as values
//! - [`vault`] encryption at rest
//! - [`store`] what is kept
//! - [`gateway`] the line from a request to an application
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::await_holding_lock,
    clippy::disallowed_methods,
    unreachable_pub
)]

pub mod domain;
pub mod env;
pub mod gateway;
pub mod store;
pub mod vault;
