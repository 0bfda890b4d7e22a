//! `vestibule keys …`: the keys that sign assertions.

use super::output::{self, Format};
use crate::app::Office;
use crate::signer;
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the keys in use and those still published.
    List,
    /// Makes a new key and signs with it at once; the old ones stay published for 24 hours.
    Rotate,
    /// Prints the key with which an application checks the signature of requests (`message_signature`), in base64.
    MessageSignature {
        /// The route's name
        #[arg(long)]
        route: String,
    },
}

pub(super) async fn run(command: &Command, office: &Office, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List => list(office, format).await,
        Command::Rotate => {
            let id = signer::rotate(&*office.store, &office.vault, &office.env).await?;
            if format == Format::Json {
                return output::json(&serde_json::json!({ "key": id }));
            }
            output::say!("{id} signs from now on; a running gateway takes it up within a second.");
            Ok(())
        }
        Command::MessageSignature { route } => message_signature(route, office, format),
    }
}

fn message_signature(name: &str, office: &Office, format: Format) -> anyhow::Result<()> {
    let routes = office.settings.routes.routes();
    let route = routes.iter().find(|r| r.name == name);
    let route = route.with_context(|| format!("there is no route called `{name}`"))?;
    let Some(signature) = &route.identity.message_signature else {
        bail!(
            "the route `{name}` does not sign: write `message_signature: hmac-sha256` under its `identity`"
        );
    };
    if signature.key.is_some() {
        bail!("the route `{name}` signs with the key of its `message_signature_key_file`");
    }
    let key = STANDARD.encode(&*office.vault.message_key(name));
    if format == Format::Json {
        return output::json(&serde_json::json!({ "keyid": name, "key": key }));
    }
    output::say!("{key}");
    Ok(())
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
            None => output::say!("{}  signs", key.id),
            Some(until) => output::say!("{}  published until {}", key.id, output::moment(until)),
        }
    }
    if keys.is_empty() {
        output::say!("no key yet: the first is made when the gateway starts");
    }
    Ok(())
}
