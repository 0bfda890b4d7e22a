//! `vestibule docs`: the reference pages that are kept in `docs/`.

use super::{Outcome, print};
use crate::config::docs::markdown;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which page
    #[arg(value_enum)]
    page: Page,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Page {
    Configuration,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    match arguments.page {
        Page::Configuration => print(&markdown())?,
    }
    Ok(Outcome::Done)
}
