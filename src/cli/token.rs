//! `vestibule token …`: tokens of the admin API.

use super::output::{self, Format};
use crate::app::Office;
use crate::config::scalar::duration;
use crate::domain::api_token::{ApiToken, Scope};
use crate::domain::timestamp::Timestamp;
use anyhow::Context as _;
use clap::Subcommand;
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a token and prints it, once.
    #[command(
        after_help = "Example:\n  vestibule token add hr-sync --scope accounts:read,accounts:write --expires 90d --config vestibule.yaml\n\nScopes: accounts:read, accounts:write, helpdesk, audit:read, adoption:read."
    )]
    Add {
        /// What it is for; the trail shows it.
        name: String,
        /// May be given several times, or as a list with commas.
        #[arg(long = "scope", alias = "scopes", required = true, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// How long it lives, 366 days at most.
        #[arg(long, value_name = "SPAN", default_value = "90d", value_parser = duration)]
        expires: Duration,
    },
    /// Lists all tokens: what they may do, when they were used last, when they run out.
    List,
    /// Revokes a token; its next request is refused.
    Revoke {
        #[arg(value_name = "NAME|ID")]
        which: String,
    },
}

fn scope(code: &str) -> Result<Scope, String> {
    Scope::parse(code).ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.code()).collect();
        format!("write one of {}", all.join(", "))
    })
}

pub(super) async fn run(command: Command, office: &Office, format: Format) -> anyhow::Result<()> {
    match command {
        Command::Add {
            name,
            scopes,
            expires,
        } => add(office, &name, scopes.into_iter().collect(), expires, format).await,
        Command::List => list(office, format).await,
        Command::Revoke { which } => {
            let revoked = office.authn.revoke_api_token(&which).await?;
            let token = revoked.with_context(|| {
                format!("there is no token `{which}`; `vestibule token list` shows all")
            })?;
            output::done(format, &format!("The token {} is dead.", token.name))
        }
    }
}

async fn add(
    office: &Office,
    name: &str,
    scopes: BTreeSet<Scope>,
    life: Duration,
    format: Format,
) -> anyhow::Result<()> {
    let new = office.authn.add_api_token(name, scopes, life).await??;
    if format == Format::Json {
        let mut line = described(&new.record, office.env.now());
        if let Some(fields) = line.as_object_mut() {
            fields.insert("token".to_owned(), new.shown.as_str().into());
        }
        return output::json(&line);
    }
    output::say!("{}", new.shown.as_str());
    output::remark!(
        "Good until {}. It is not shown again: keep it where secrets are kept.",
        output::moment(new.record.expires_at)
    );
    Ok(())
}

fn described(token: &ApiToken, now: Timestamp) -> serde_json::Value {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.code()).collect();
    serde_json::json!({
        "id": token.id.to_string(),
        "name": token.name,
        "scopes": scopes,
        "created_at": token.created_at.seconds(),
        "expires_at": token.expires_at.seconds(),
        "expired": now >= token.expires_at,
        "last_used_at": token.last_used_at.map(Timestamp::seconds),
    })
}

async fn list(office: &Office, format: Format) -> anyhow::Result<()> {
    let now = office.env.now();
    let tokens = office.authn.api_tokens().await?;
    if format == Format::Json {
        let lines: Vec<_> = tokens.iter().map(|token| described(token, now)).collect();
        return output::json(&lines);
    }
    for token in &tokens {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.code()).collect();
        output::say!(
            "{}  {:<24} {}  {} {}  used {}",
            token.id,
            token.name,
            scopes.join(" "),
            if now < token.expires_at {
                "until"
            } else {
                "ran out"
            },
            output::moment(token.expires_at),
            token
                .last_used_at
                .map_or_else(|| "never".to_owned(), output::moment),
        );
    }
    if tokens.is_empty() {
        output::say!("no tokens");
    }
    Ok(())
}
