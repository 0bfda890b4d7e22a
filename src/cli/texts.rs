//! `vestibule texts`: what pages and mails say, to take single texts from.

use super::{Outcome, print};
use crate::i18n::{Language, Texts};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule texts en
  vestibule texts fi | grep ^signin-

Put the texts that should read differently into en.ftl, fi.ftl and so on, in the folder that
`brand.texts` names; `vestibule check` says what is wrong with them.")]
pub(super) struct Arguments {
    /// Which language
    #[arg(value_parser = Language::ALL.map(Language::tag))]
    language: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    if let Some(language) = Language::parse(&arguments.language) {
        print(&Texts::built_in(language))?;
    }
    Ok(Outcome::Done)
}
