//! The integration tests, in one binary.

mod architecture;
mod config;
mod dependencies;
mod documents;
mod gateway;
mod sign_in_machine;
mod snippets;
mod store;
mod support;
