//! The integration tests, one binary.

mod architecture;
mod sign_in_machine;
