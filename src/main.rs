//! Parses the command line, runs the command, prints what went wrong.

use std::process::ExitCode;

/// A request makes and drops some hundred small values; docs/performance.md has what this is worth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vestibule::cli::run()
}
