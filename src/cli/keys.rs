//! `vestibule keys …`: the keys that sign assertions.

use super::output::{self, Format};
use crate::app::Office;
use crate::signer;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the keys in use and those still published.
    List,
    /// Makes a new key and signs with it at once; the old ones stay published for 24 hours.
    Rotate,
}

pub(super) async fn run(command: &Command, office: &Office, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List => list(office, format).await,
        Command::Rotate => {
            let id = signer::rotate(&*office.store, &office.vault, &office.env).await?;
            if format == Format::Json {
                return output::json(&serde_json::json!({ "key": id }));
            }
            println!("{id} signs from now on; a running gateway takes it up within a second.");
            Ok(())
        }
    }
}

async fn list(office: &Office, format: Format) -> anyhow::Result<()> {
    let keys = signer::list(&*office.store, &office.env).await?;
    if format == Format::Json {
        let lines: Vec<_> = keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "key": key.id,
                    "created_at": key.created_at.seconds(),
                    "published_until": key.retired_until.map(|t| t.seconds()),
                })
            })
            .collect();
        return output::json(&lines);
    }
    for key in &keys {
        match key.retired_until {
            None => println!("{}  signs", key.id),
            Some(until) => println!("{}  published until {}", key.id, output::moment(until)),
        }
    }
    if keys.is_empty() {
        println!("no key yet: the first is made when the gateway starts");
    }
    Ok(())
}
