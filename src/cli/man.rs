//! `vestibule man`: the manual pages, one a command and one for the configuration.

use super::{Arguments as All, Outcome, print};
use crate::config;
use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule man | man -l -
  vestibule man --directory /usr/local/share/man

The Debian package brings all pages: man vestibule, man vestibule-serve, man vestibule.yaml.")]
pub(super) struct Arguments {
    /// Writes the pages of all commands and of the configuration here, into man1 and man5
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut all = All::command();
    // a page for each `help` of each command would say nothing
    all = all.disable_help_subcommand(true);
    all.build();
    match &arguments.directory {
        None => print(&page(&all)?)?,
        Some(directory) => {
            commands(&all, &directory.join("man1"))?;
            let text = config::man::page(env!("CARGO_PKG_VERSION"));
            write(&directory.join("man5"), "vestibule.yaml.5", &text)?;
        }
    }
    Ok(Outcome::Done)
}

/// The page of a command, and of each one below it.
fn commands(command: &clap::Command, directory: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or("vestibule");
    write(directory, &format!("{name}.1"), &page(command)?)?;
    let mut shown = command.get_subcommands().filter(|c| !c.is_hide_set());
    shown.try_for_each(|below| commands(below, directory))
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut rendered = Vec::new();
    Man::new(command.clone()).render(&mut rendered)?;
    let rendered = String::from_utf8(rendered)?;
    let name = command.get_display_name().unwrap_or("vestibule");
    let mut text = String::new();
    let mut lines = rendered.lines().peekable();
    let mut before = ".TH";
    while let Some(line) = lines.next() {
        // beside a blank line a line break is a mistake
        let blank = before.is_empty() || lines.peek() == Some(&"");
        before = line;
        match line {
            ".br" if blank => continue,
            // without a date the library writes the version in its place
            line if line.starts_with(".TH ") => text.push_str(&format!(
                ".TH \"{}\" 1 \"\" \"Vestibule {}\" \"Vestibule\"",
                name.to_uppercase(),
                env!("CARGO_PKG_VERSION")
            )),
            ".SH EXTRA" => text.push_str(".SH NOTES"),
            line => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}

fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let file = directory.join(name);
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&file, text))
        .with_context(|| format!("{} cannot be written", file.display()))
}
