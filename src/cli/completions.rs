//! `vestibule completions`: what a shell reads to complete our commands.

use super::{Arguments as All, Outcome, print};
use clap::CommandFactory as _;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule completions bash > /usr/share/bash-completion/completions/vestibule
  vestibule completions zsh > /usr/share/zsh/vendor-completions/_vestibule
  vestibule completions fish > /usr/share/fish/vendor_completions.d/vestibule.fish

The Debian package brings all three.")]
pub(super) struct Arguments {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let all = All::command();
    let shown = all.get_subcommands().filter(|c| !c.is_hide_set());
    let mut command = clap::Command::new("vestibule")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned());
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "vestibule", &mut text);
    print(&String::from_utf8(text)?)?;
    Ok(Outcome::Done)
}
