//! `vestibule demo`: everything on this machine with no configuration.

use super::Outcome;
use super::load;
use super::serve::until_told_to_stop;
use crate::app::{self, Office};
use crate::authn::accounts::NewAccount;
use crate::demo::applications::{self, PAYROLL, WIKI};
use crate::demo::{Account, Layout, Plan, Ports, Report, certificates, keep_config, mailbox};
use crate::domain::reminder;
use crate::domain::secret::Password;
use crate::env::Env;
use crate::store::Change;
use crate::telemetry::{self, Format};
use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule demo

Prints addresses, accounts and passwords, and writes them to DIR/demo.json. Ctrl-C ends it; the next start
re-uses DIR. DIR/vestibule.yaml is written once, and again only where a port in it has changed.")]
pub(super) struct Arguments {
    /// Where configuration, certificates, database and keys are kept
    #[arg(long, value_name = "DIR", default_value = "vestibule-demo")]
    dir: PathBuf,
    /// Port of the gateway on 127.0.0.1; 0: any free one
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

/// The port browsers find without being told another one.
const PORT: u16 = 8443;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    telemetry::init_logging(Format::Plain, "warn")?;
    load::runtime()?.block_on(demo(arguments))
}

async fn demo(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let layout = Layout::open(&arguments.dir)?;
    let env = Env::system();
    certificates::ensure(&layout, &env)?;
    let last = layout.last_ports();
    let wiki = applications::start(WIKI, last.map(|p| p.wiki)).await?;
    let payroll = applications::start(PAYROLL, last.map(|p| p.payroll)).await?;
    let mail_ports = last.map(|p| (p.smtp, p.mailbox));
    let mailbox = mailbox::start(layout.mail(), mail_ports).await?;
    let wished = arguments
        .port
        .or_else(|| last.map(|p| p.gateway))
        .unwrap_or(PORT);
    let ports = Ports {
        gateway: free_port(wished, arguments.port.is_none_or(|p| p == 0))?,
        wiki: wiki.address().port(),
        payroll: payroll.address().port(),
        operations: free_port(last.map_or(0, |p| p.operations), true)?,
        smtp: mailbox.smtp().port(),
        mailbox: mailbox.page().port(),
    };
    if let Some(old) = keep_config(&layout, last.as_ref(), &ports)? {
        super::print(&format!(
            "\nA port has changed, so the configuration was written anew; yours is kept as {}.\n",
            old.display()
        ))?;
    }
    let plan = Plan::load_or_make(&layout, &env)?;
    let report = Report::new(&layout, &ports, &plan);
    let settings = load::settings(&layout.config())?.settings;
    people(&Office::open(settings.clone(), env.clone()).await?, &plan).await?;
    let running = app::start(settings, env).await?;
    report.write(&layout)?;
    super::print(&introduction(&report))?;
    until_told_to_stop().await?;
    super::print("\nStopping.\n")?;
    running.stop().await;
    Ok(Outcome::Done)
}

/// The wished port where it is free, else any, where another will do.
fn free_port(wished: u16, any: bool) -> anyhow::Result<u16> {
    let bind = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    match bind(wished) {
        Ok(socket) => Ok(socket.local_addr()?.port()),
        Err(_) if any => Ok(bind(0)?.local_addr()?.port()),
        Err(error) => {
            bail!("port {wished} cannot be used ({error}); choose another with --port N")
        }
    }
}

/// Makes the accounts that are not there yet; those that are keep what was done with them.
async fn people(office: &Office, plan: &Plan) -> anyhow::Result<()> {
    for account in &plan.accounts {
        if office.authn.find_account(account.login).await?.is_none() {
            add(office, account).await?;
        }
    }
    Ok(())
}

async fn add(office: &Office, planned: &Account) -> anyhow::Result<()> {
    let password = Password::new(&planned.password).context("a planned password is empty")?;
    let new = NewAccount {
        login: planned.login.to_owned(),
        email: Some(planned.email.clone()),
        name: planned.name.to_owned(),
        groups: planned.groups.iter().map(|g| (*g).to_owned()).collect(),
        password: Some(office.authn.hash_password(password).await?),
        ..NewAccount::default()
    };
    let account = office.authn.add_account(new).await??;
    if planned.grace_is_over {
        let yesterday = office.env.now().minus(Duration::from_secs(86_400));
        let over = reminder::Record {
            grace_started_at: Some(yesterday),
            grace_ends_at: Some(yesterday),
            snoozed_until: None,
            exempt_until: None,
        };
        let change = Change::SetReminder {
            account: account.id,
            reminder: over,
        };
        let _ = office.store.commit(&[change]).await?;
    }
    Ok(())
}

fn introduction(report: &Report) -> String {
    use std::fmt::Write as _;
    let mut text =
        String::from("\nVestibule demo: two doors in front of two old applications.\n\n");
    let _ = writeln!(text, "  Portal    {}", report.portal);
    for application in &report.applications {
        let _ = writeln!(
            text,
            "  {:<9} {}  (two-factor authentication: {})",
            application.name, application.url, application.two_factor
        );
    }
    let _ = writeln!(
        text,
        "  {:<9} {}  (everything that is mailed)",
        "mailbox", report.mailbox
    );
    text.push_str("\nPeople\n\n");
    for account in &report.accounts {
        let _ = writeln!(text, "  {:<27} {}", account.email, account.password);
        let _ = writeln!(text, "  {:<27} {}", "", account.note);
    }
    let _ = write!(
        text,
        "\nFor a browser without warnings, trust this certificate authority:\n  {}\n\n\
         Metrics and health: {}\nThe configuration, to begin your own from: {}\nCtrl-C ends it.\n",
        report.ca, report.operations, report.config
    );
    text
}
