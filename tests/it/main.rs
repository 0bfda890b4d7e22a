//! The integration tests, in one binary.

mod architecture;
mod sign_in_machine;
mod snippets;
mod store;
