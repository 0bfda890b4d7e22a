//! `vestibule session …`: who is signed in.

mod mint;

use super::account::find;
use super::output::{self, Format};
use crate::app::Office;
use crate::domain::id::SessionId;
use crate::domain::minting;
use crate::domain::session::{Beginning, Record};
use anyhow::{Context as _, bail};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists live sessions, of one account or of all.
    List {
        account: Option<String>,
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Ends one session, or every session of an account; in force within a second.
    Revoke {
        /// A session's id, as `session list` shows it, or an account: then every session of it.
        #[arg(value_name = "ID|ACCOUNT")]
        which: Option<String>,
        /// Every session of this account.
        #[arg(long, conflicts_with = "which")]
        account: Option<String>,
    },
    /// Makes sessions for load tests, without password and code, and writes their cookies.
    Mint(mint::Arguments),
}

pub(super) async fn run(command: Command, office: &Office, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List { account, limit } => {
            let account = match account {
                Some(name) => Some(find(office, &name).await?.id),
                None => None,
            };
            let now = office.env.now();
            let mut sessions = office.store.sessions_of(account, now, limit).await?;
            // those that have been silent for too long are dead already
            sessions.retain(|s| s.session.is_live(&office.settings.sessions, now));
            list(&sessions, format)
        }
        Command::Revoke {
            which: Some(which), ..
        } => match SessionId::parse(&which) {
            Some(id) => revoke_one(office, id, format).await,
            None => revoke_all(office, &which, format).await,
        },
        Command::Revoke {
            account: Some(name),
            ..
        } => revoke_all(office, &name, format).await,
        Command::Mint(arguments) => mint::run(&arguments, office, format).await,
        Command::Revoke { .. } => bail!("say which: a session's id, or --account NAME"),
    }
}

async fn revoke_one(office: &Office, id: SessionId, format: Format) -> anyhow::Result<()> {
    let now = office.env.now();
    let all = office.store.sessions_of(None, now, u32::MAX).await?;
    let found = all
        .iter()
        .find(|s| s.session.id == id)
        .with_context(|| format!("no live session has the id {id}"))?;
    office.authn.revoke_session(found.account, id).await?;
    output::done(format, "The session has ended.")
}

async fn revoke_all(office: &Office, name: &str, format: Format) -> anyhow::Result<()> {
    let account = find(office, name).await?;
    office.authn.revoke_sessions(account.id).await?;
    output::done(
        format,
        &format!("Every session of {} has ended.", account.shown_as()),
    )
}

/// Where it is used from; of one that no browser has opened, what it is for.
fn place(begun: &Beginning) -> &str {
    // any browser can say that it is this
    if begun.address.is_none() && begun.user_agent.as_deref() == Some(minting::USER_AGENT) {
        return "nowhere: made for load tests";
    }
    begun.address.as_deref().unwrap_or("-")
}

fn list(sessions: &[Record], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        let lines: Vec<_> = sessions
            .iter()
            .map(|record| {
                let (s, begun) = (&record.session, &record.begun);
                serde_json::json!({
                    "id": s.id.to_string(), "account": record.account.to_string(), "acr": s.assurance().acr(),
                    "amr": s.factors.amr(), "auth_time": s.auth_time.seconds(),
                    "last_seen_at": s.last_seen_at.seconds(), "expires_at": s.expires_at.seconds(),
                    "address": begun.address, "user_agent": begun.user_agent,
                })
            })
            .collect();
        return output::json(&lines);
    }
    for s in sessions {
        output::say!(
            "{}  account {}  {}  from {}",
            s.session.id,
            s.account,
            s.session.assurance().acr(),
            place(&s.begun)
        );
    }
    output::say!("{} live sessions", sessions.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::SessionId;
    use crate::domain::minting::Allowance;
    use crate::domain::policy::tests::{NOW, account};
    use crate::domain::session::Rules;
    use std::time::Duration;

    /// Whoever stole a password cannot hide where they are by what their browser says it is.
    #[test]
    fn a_browser_does_not_pass_for_a_load_test() {
        let hour = Duration::from_secs(3600);
        let rules = Rules {
            idle: hour,
            lifetime: hour,
        };
        let allowance = Allowance::new(Some("load-"), "load-", (1, hour), &rules).unwrap();
        let id = SessionId::from_uuid(uuid::Uuid::nil());
        let mut begun = allowance.session(id, &account(), NOW).begun;
        assert_eq!(place(&begun), "nowhere: made for load tests");
        begun.address = Some("192.0.2.7".to_owned());
        assert_eq!(place(&begun), "192.0.2.7");
    }
}
