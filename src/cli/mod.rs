//! The command line: one file a command.
//!
//! Exit codes: 0 ok, 1 refused or failed, 2 wrong usage (clap's own).

mod check;
mod docs;
pub mod explain;

use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

/// A reverse-proxy SSO gateway that enforces two-factor authentication.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, about, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vestibule check --config config/vestibule.yaml
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/

Exit codes: 0 ok, 1 refused or failed, 2 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Says what is wrong with a configuration, where, and what to write instead
    Check(check::Arguments),
    /// Says which route a URL belongs to, which rules apply and what happens
    Explain(explain::Arguments),
    /// Prints reference pages
    #[command(hide = true)]
    Docs(docs::Arguments),
}

/// What a command came to; a fault is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments, &explain::no_store),
        Command::Docs(arguments) => docs::run(&arguments),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::FAILURE,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no fault.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}
