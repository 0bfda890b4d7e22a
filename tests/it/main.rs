//! The one binary of integration tests.

mod snippets;
