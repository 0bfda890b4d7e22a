//! Vestibule: a reverse-proxy SSO gateway that enforces two-factor authentication.
//!
//! One rhythm everywhere: load -> decide (pure) -> commit (one transaction) -> respond. In reading order:
//!
//! - [`domain`] what is decided, without I/O
//! - [`env`] the clock and randomness, as values
//! - [`config`] the YAML file, checked, as domain types
//! - [`vault`] encryption at rest
//! - [`store`] what is kept
//! - [`authn`] the use cases: sign-in, second factor, enrolment, sessions, tickets
//! - [`i18n`] the texts in six languages
//! - [`mail`] what is mailed, and how
//! - [`acme`] certificates from an ACME server
//! - [`portal`] the pages
//! - [`signer`] the signed statement to the applications
//! - [`telemetry`] metrics and logs
//! - [`ops`] health, readiness and metrics for those who run it
//! - [`demo`] everything on one machine
//! - [`loadtest`] a load tester for this and other gateways
//! - [`app`] puts it together
//! - [`cli`] the commands
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

pub mod acme;
pub mod app;
pub mod authn;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod env;
pub mod gateway;
pub mod i18n;
pub mod loadtest;
pub mod mail;
pub mod ops;
pub mod portal;
pub mod signer;
pub mod store;
pub mod telemetry;
pub mod vault;
