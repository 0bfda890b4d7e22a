//! The command line: one file a command.
//!
//! Exit codes: 0 ok, 1 refused or failed, 2 wrong usage (clap's own).

mod account;
mod backup;
mod check;
mod completions;
mod demo;
mod docs;
pub mod explain;
mod helpdesk_code;
mod keys;
mod load;
mod loadtest;
mod man;
mod migrate_store;
mod output;
mod restore;
mod serve;
mod session;
mod texts;
mod token;

use clap::{Args, Parser, Subcommand};
use load::Store;
use output::Format;
use std::io::Write as _;
use std::path::PathBuf;
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
  vestibule demo
  vestibule check --config config/vestibule.yaml
  vestibule serve --config config/vestibule.yaml
  vestibule helpdesk-code aino --config config/vestibule.yaml

Exit codes: 0 ok, 1 refused or failed, 2 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs everything on this machine with no configuration: gateway, portal, two applications
    Demo(demo::Arguments),
    /// Runs the gateway
    Serve(serve::Arguments),
    /// Says what is wrong with a configuration, where, and what to write instead
    Check(check::Arguments),
    /// Says which route a URL belongs to, which rules apply and what happens
    Explain(explain::Arguments),
    /// Adds, lists and changes accounts
    Account {
        #[command(subcommand)]
        command: account::Command,
        #[command(flatten)]
        common: Common,
    },
    /// Issues a one-time code for somebody who lost the phone, and prints it once
    #[command(
        after_help = "Example:\n  vestibule helpdesk-code aino@example.com --config vestibule.yaml"
    )]
    HelpdeskCode {
        /// Login name or e-mail address
        account: String,
        #[command(flatten)]
        common: Common,
    },
    /// Lists and ends sessions, and makes some for load tests
    Session {
        #[command(subcommand)]
        command: session::Command,
        #[command(flatten)]
        common: Common,
    },
    /// Lists and rotates the keys that sign assertions
    Keys {
        #[command(subcommand)]
        command: keys::Command,
        #[command(flatten)]
        common: Common,
    },
    /// Makes, lists and revokes tokens of the admin API
    Token {
        #[command(subcommand)]
        command: token::Command,
        #[command(flatten)]
        common: Common,
    },
    /// Copies the embedded store while it is in use
    Backup(backup::Arguments),
    /// Puts a copy in the place of the embedded store, while nobody uses it
    Restore(restore::Arguments),
    /// Copies everything into another store, of a file or of PostgreSQL, and verifies every row
    MigrateStore(migrate_store::Arguments),
    /// Prints the texts of pages and mails, to say some of them in other words
    Texts(texts::Arguments),
    /// Drives URLs like their users, and says how fast they were and what went wrong
    Loadtest(Box<loadtest::Arguments>),
    /// Prints what a shell needs to complete commands and options
    Completions(completions::Arguments),
    /// Prints the manual page, or writes those of all commands
    Man(man::Arguments),
    /// Prints reference pages
    #[command(hide = true)]
    Docs(docs::Arguments),
}

/// What commands on the store take.
#[derive(Debug, Args)]
struct Common {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        default_value = "vestibule.yaml"
    )]
    config: PathBuf,
    /// Prints the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    const fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Plain
        }
    }
}

/// What a command came to; a fault is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    match dispatch(Arguments::parse().command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::FAILURE,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments, &look_up),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::MigrateStore(arguments) => migrate_store::run(&arguments),
        Command::Texts(arguments) => texts::run(&arguments),
        Command::Loadtest(arguments) => loadtest::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Account { command, common } => {
            let format = common.format();
            let store = command.store();
            load::with_office(&common.config, store, async |office| {
                account::run(command, &office, format).await
            })
            .map(|()| Outcome::Done)
        }
        Command::HelpdeskCode { account, common } => {
            let format = common.format();
            load::with_office(&common.config, Store::MustExist, async |office| {
                helpdesk_code::run(&account, &office, format).await
            })
            .map(|()| Outcome::Done)
        }
        Command::Session { command, common } => {
            let format = common.format();
            load::with_office(&common.config, Store::MustExist, async |office| {
                session::run(command, &office, format).await
            })
            .map(|()| Outcome::Done)
        }
        Command::Keys { command, common } => {
            let format = common.format();
            load::with_office(&common.config, Store::MadeAtFirstUse, async |office| {
                keys::run(&command, &office, format).await
            })
            .map(|()| Outcome::Done)
        }
        Command::Token { command, common } => {
            let format = common.format();
            load::with_office(&common.config, Store::MustExist, async |office| {
                token::run(command, &office, format).await
            })
            .map(|()| Outcome::Done)
        }
    }
}

/// Finds an account for `explain` in a store that is there.
fn look_up(
    settings: &crate::config::Settings,
    name: &str,
) -> anyhow::Result<Option<crate::domain::account::Account>> {
    let Some(key) = crate::domain::account::NameKey::new(name) else {
        return Ok(None);
    };
    load::runtime()?.block_on(async {
        let store = crate::app::storage::open_existing(&settings.storage).await?;
        Ok(store.account_by_name(&key).await?)
    })
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
