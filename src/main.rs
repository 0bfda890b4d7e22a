//! Parses the command line, runs the command, prints what went wrong.

use std::process::ExitCode;

fn main() -> ExitCode {
    vestibule::cli::run()
}
