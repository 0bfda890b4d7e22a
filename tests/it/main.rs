//! The integration tests, in one binary.

mod acme;
mod architecture;
mod commands;
mod config;
mod dependencies;
mod documents;
mod gateway;
mod loadtest;
mod mail;
mod observability;
mod packaging;
mod sign_in_machine;
mod snippets;
mod store;
mod storm;
mod support;
mod whole;
