//! `vestibule session mint`: ready sessions for load tools.

use crate::app::Office;
use crate::authn::minting::{Minted, Order};
use crate::cli::output::{self, Format};
use crate::cli::print;
use crate::domain::host::Host;
use crate::domain::minting::Allowance;
use crate::env;
use crate::loadtest::fail_if::span;
use crate::portal::cookie::SESSION;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule session mint --count 100 --ttl 1h --account-prefix load- --output sessions --config vestibule.yaml
  vestibule loadtest --url https://wiki.example.com/ --cookies sessions

Works only where the configuration has `load_testing: { account_prefix: load- }`, for accounts that are there, may sign
in, and have no role in the console; they take turns. Each line of the output is a session: host and cookie, those of
further hosts behind tabs. A running gateway knows the sessions at once. `session list` shows them, `session revoke`
ends them, the audit trail says who made them.")]
pub(in crate::cli) struct Arguments {
    /// How many sessions
    #[arg(long, value_name = "N")]
    count: u32,
    /// How long they live, at most `sessions.lifetime`; after `sessions.idle` without a request they end, too
    #[arg(long, value_name = "TIME", value_parser = time)]
    ttl: Duration,
    /// Only for accounts whose login begins with this: the configured prefix, or a longer one
    #[arg(long, value_name = "PREFIX")]
    account_prefix: String,
    /// Cookies for these hosts only, in place of those of all applications and the portal; may be given several times
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Writes the cookies into a new file that only its owner can read, in place of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn time(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| "write a number and a unit, for example 30m or 1h".to_owned())
}

pub(super) async fn run(
    arguments: &Arguments,
    office: &Office,
    format: Format,
) -> anyhow::Result<()> {
    let allowance = Allowance::new(
        office.settings.load_testing_prefix.as_deref(),
        &arguments.account_prefix,
        (arguments.count, arguments.ttl),
        &office.settings.sessions,
    )?;
    let hosts = hosts(arguments, office)?;
    // before anything is made: sessions that nobody could write down would live on
    let mut file = match &arguments.output {
        Some(file) => Some(private(file)?),
        None => None,
    };
    let by = operator();
    let order = Order {
        count: arguments.count,
        hosts: &hosts.applications,
        by: &by,
    };
    let minted = office.authn.mint(&allowance, &order).await;
    let minted = match minted {
        Ok(minted) => minted,
        Err(unmade) => {
            if let Some(file) = &arguments.output {
                // it was made a moment ago, and it is empty
                let _ = std::fs::remove_file(file);
            }
            return Err(unmade.into());
        }
    };
    let text = match format {
        Format::Plain => lines(&minted, &hosts),
        Format::Json => serde_json::to_string_pretty(&json(&minted, &hosts))? + "\n",
    };
    let Some(file) = &mut file else {
        return print(&text);
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .context(
            "the sessions were made and cannot be written down; end them with `session revoke`",
        )?;
    let path = arguments
        .output
        .as_deref()
        .unwrap_or(Path::new(""))
        .display();
    output::done(
        format,
        &format!(
            "{} sessions are in {path}. Whoever has this file is signed in.",
            minted.len()
        ),
    )
}

/// Hosts in the order of their cookies.
struct Hosts {
    portal: Option<Host>,
    applications: Vec<Host>,
}

fn hosts(arguments: &Arguments, office: &Office) -> anyhow::Result<Hosts> {
    let portal = office.settings.portal.host();
    let mut all: Vec<Host> = Vec::new();
    for route in office.settings.routes.routes() {
        let host = route.origin.host();
        if host != portal && !all.contains(host) {
            all.push(host.clone());
        }
    }
    if arguments.hosts.is_empty() {
        return Ok(Hosts {
            portal: Some(portal.clone()),
            applications: all,
        });
    }
    let mut wanted = Hosts {
        portal: None,
        applications: Vec::new(),
    };
    for text in &arguments.hosts {
        let host = Host::parse_authority(text).map(|(host, _)| host);
        match host {
            Some(host) if host == *portal => wanted.portal = Some(host),
            Some(host) if all.contains(&host) => {
                if !wanted.applications.contains(&host) {
                    wanted.applications.push(host);
                }
            }
            _ => {
                let known: Vec<&str> = all.iter().map(Host::as_str).collect();
                bail!(
                    "--host: no route has the host `{text}`; there are {} and the portal, {portal}",
                    known.join(", ")
                );
            }
        }
    }
    Ok(wanted)
}

/// Opened anew: a file that is there may be open to others, or somebody's link to another place.
fn private(file: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| {
            format!(
                "{} cannot be made; it must not be there yet",
                file.display()
            )
        })
}

/// Who runs this, as far as the system knows; `sudo` says who it was before.
fn operator() -> String {
    let mut text = format!("uid {}", rustix::process::getuid().as_raw());
    if let Some(before) = env::variable("SUDO_UID") {
        let digits: String = before
            .chars()
            .filter(char::is_ascii_digit)
            .take(10)
            .collect();
        let _ = write!(text, " (sudo from uid {digits})");
    }
    text
}

/// Host and cookie of each cookie of a session.
fn cookies<'a>(minted: &'a Minted, hosts: &'a Hosts) -> impl Iterator<Item = (&'a Host, String)> {
    let portal = hosts.portal.iter().map(|host| (host, &minted.portal));
    let children = hosts.applications.iter().zip(&minted.children);
    children
        .chain(portal)
        .map(|(host, token)| (host, format!("{SESSION}={}", token.reveal())))
}

fn lines(minted: &[Minted], hosts: &Hosts) -> String {
    let mut out = String::new();
    for one in minted {
        let pairs: Vec<String> = cookies(one, hosts)
            .map(|(host, cookie)| format!("{host} {cookie}"))
            .collect();
        out.push_str(&pairs.join("\t"));
        out.push('\n');
    }
    out
}

fn json(minted: &[Minted], hosts: &Hosts) -> serde_json::Value {
    let sessions: Vec<_> = minted
        .iter()
        .map(|one| {
            let cookies: BTreeMap<String, String> = cookies(one, hosts)
                .map(|(host, cookie)| (host.to_string(), cookie))
                .collect();
            serde_json::json!({
                "account": one.login, "id": one.id.to_string(),
                "expires_at": one.expires_at.seconds(), "cookies": cookies,
            })
        })
        .collect();
    serde_json::json!({ "sessions": sessions })
}
