//! The integration tests: one binary.
mod gateway;
mod support;
