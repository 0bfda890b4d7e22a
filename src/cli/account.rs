//! `vestibule account …`: the people.

use super::load::Store;
use super::output::{self, Format};
use crate::app::Office;
use crate::authn::accounts::NewAccount;
use crate::authn::import::{Line, Problem, parse};
use crate::domain::account::{Account, PasswordHash, Status};
use crate::domain::password_rules::Person;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use std::io::Read as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Adds an account; the password is read from standard input or asked for.
    #[command(
        after_help = "Example:\n  printf '%s' \"$PASSWORD\" | vestibule account add aino --email aino@example.com --name 'Aino Virtanen' --group staff --config vestibule.yaml"
    )]
    Add {
        login: String,
        #[arg(long)]
        email: Option<String>,
        #[arg(long)]
        name: Option<String>,
        /// May be given several times, or as a list with commas.
        #[arg(long = "group", alias = "groups", value_delimiter = ',')]
        groups: Vec<String>,
        /// KEY=VALUE, for identity headers; may be given several times.
        #[arg(long = "attribute")]
        attributes: Vec<String>,
        /// No password: nobody can sign in until one is set.
        #[arg(long)]
        no_password: bool,
    },
    /// Lists all accounts.
    List,
    /// Shows one account.
    Show { account: String },
    /// Refuses sign-in and ends every session.
    Disable { account: String },
    /// Allows sign-in again.
    Enable { account: String },
    /// Sets a password, read from standard input or asked for; ends every session.
    SetPassword { account: String },
    /// Sets the groups, replacing those there are.
    SetGroups {
        account: String,
        /// One after the other, or as a list with commas; none: the account is in no group.
        #[arg(value_delimiter = ',')]
        groups: Vec<String>,
    },
    /// Removes the authenticator app and the emergency codes; ends every session.
    #[command(name = "reset-2fa")]
    Reset2fa { account: String },
    /// Adds accounts from CSV or JSON Lines, with existing password hashes.
    #[command(
        after_help = "CSV columns (only `login` must be there): login,email,name,groups,password_hash,disabled\ngroups are separated by `;`. JSON Lines have the same keys, `groups` as a list, `attributes` as an object.\nHashes: argon2, bcrypt, scrypt, pbkdf2 (PHC strings), sha-crypt; replaced by Argon2id at the next sign-in."
    )]
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// Reads and checks everything, changes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Prints all accounts as JSON Lines, with password hashes where asked for.
    Export {
        /// Include the password hashes.
        #[arg(long)]
        with_hashes: bool,
    },
}

impl Command {
    /// Adding people may come before the first start; the rest needs somebody to be there.
    pub(super) const fn store(&self) -> Store {
        match self {
            Self::Add { .. } | Self::Import { .. } => Store::MadeAtFirstUse,
            Self::List
            | Self::Show { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SetPassword { .. }
            | Self::SetGroups { .. }
            | Self::Reset2fa { .. }
            | Self::Export { .. } => Store::MustExist,
        }
    }
}

pub(super) async fn run(command: Command, office: &Office, format: Format) -> anyhow::Result<()> {
    match command {
        Command::Add {
            login,
            email,
            name,
            groups,
            attributes,
            no_password,
        } => {
            let password = if no_password {
                None
            } else {
                let person = Person {
                    login: &login,
                    email: email.as_deref(),
                    name: name.as_deref().unwrap_or_default(),
                };
                Some(read_password(office, person).await?)
            };
            let new = NewAccount {
                name: name.unwrap_or_else(|| login.clone()),
                login,
                email,
                groups: groups.into_iter().collect(),
                attributes: attributes
                    .iter()
                    .map(|pair| key_value(pair))
                    .collect::<anyhow::Result<_>>()?,
                password,
                ..NewAccount::default()
            };
            let account = office.authn.add_account(new).await??;
            show(&account, format)
        }
        Command::List => list(office, format).await,
        Command::Show { account } => show(&find(office, &account).await?, format),
        Command::Disable { account } => {
            let found = find(office, &account).await?;
            office.authn.set_status(found.id, Status::Disabled).await?;
            output::done(
                format,
                &format!("{} may not sign in any more.", found.shown_as()),
            )
        }
        Command::Enable { account } => {
            let found = find(office, &account).await?;
            office.authn.set_status(found.id, Status::Active).await?;
            output::done(format, &format!("{} may sign in.", found.shown_as()))
        }
        Command::SetPassword { account } => {
            let found = find(office, &account).await?;
            let hash = read_password(office, found.person()).await?;
            office.authn.set_password(found.id, hash).await?;
            output::done(
                format,
                &format!(
                    "{} has a new password; all sessions have ended.",
                    found.shown_as()
                ),
            )
        }
        Command::SetGroups { account, groups } => {
            let found = find(office, &account).await?;
            let groups = groups.into_iter().collect();
            office.authn.set_groups(found.id, groups).await??;
            output::done(format, &format!("{}'s groups are set.", found.shown_as()))
        }
        Command::Reset2fa { account } => {
            let found = find(office, &account).await?;
            office.authn.reset_second_factor(found.id).await?;
            output::done(
                format,
                &format!(
                    "{} has no authenticator app any more; all sessions have ended.",
                    found.shown_as()
                ),
            )
        }
        Command::Import { file, dry_run } => import(office, &file, dry_run, format).await,
        Command::Export { with_hashes } => export(office, with_hashes).await,
    }
}

/// The account of that name, or an error that says how to find out.
pub(super) async fn find(office: &Office, name: &str) -> anyhow::Result<Account> {
    office.authn.find_account(name).await?.with_context(|| {
        format!("there is no account `{name}`; `vestibule account list` shows all")
    })
}

fn show(account: &Account, format: Format) -> anyhow::Result<()> {
    let line = Line::of(account, false);
    if format == Format::Json {
        return output::json(&line);
    }
    output::say!("login       {}", line.login);
    output::say!("id          {}", account.id);
    output::say!("name        {}", account.name);
    output::say!("e-mail      {}", account.email.as_deref().unwrap_or("-"));
    let groups: Vec<&str> = account.groups.iter().map(String::as_str).collect();
    output::say!(
        "groups      {}",
        if groups.is_empty() {
            "-".to_owned()
        } else {
            groups.join(", ")
        }
    );
    for (key, value) in account.attributes.iter() {
        output::say!("attribute   {key}={value}");
    }
    output::say!(
        "may sign in {}",
        if account.is_active() { "yes" } else { "no" }
    );
    output::say!(
        "two-factor  {}",
        if account.has_second_factor() {
            "on"
        } else {
            "off"
        }
    );
    Ok(())
}

/// Calls `each` for every account, page by page.
async fn for_all(
    office: &Office,
    mut each: impl FnMut(&Account) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    const PAGE: u32 = 500;
    let mut after: Option<String> = None;
    loop {
        let page = office.store.accounts(after.as_deref(), PAGE).await?;
        for account in &page {
            each(account)?;
        }
        match page.last() {
            Some(last) => after = Some(last.login.clone()),
            None => return Ok(()),
        }
    }
}

async fn list(office: &Office, format: Format) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for_all(office, |account| {
        if format == Format::Json {
            lines.push(Line::of(account, false));
        } else {
            let state = if account.is_active() {
                ""
            } else {
                "  (disabled)"
            };
            let factor = if account.has_second_factor() {
                "2FA on "
            } else {
                "2FA off"
            };
            output::say!(
                "{factor}  {:<24} {}{state}",
                account.login,
                account.email.as_deref().unwrap_or("-")
            );
        }
        Ok(())
    })
    .await?;
    if format == Format::Json {
        output::json(&lines)?;
    }
    Ok(())
}

async fn export(office: &Office, with_hashes: bool) -> anyhow::Result<()> {
    for_all(office, |account| {
        output::say!(
            "{}",
            serde_json::to_string(&Line::of(account, with_hashes))?
        );
        Ok(())
    })
    .await
}

fn key_value(pair: &str) -> anyhow::Result<(String, String)> {
    let (key, value) = pair
        .split_once('=')
        .with_context(|| format!("`{pair}` is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Never from an argument, where other people on the machine could read it.
async fn read_password(office: &Office, person: Person<'_>) -> anyhow::Result<PasswordHash> {
    use std::io::IsTerminal as _;
    let typed = if std::io::stdin().is_terminal() {
        let first = Zeroizing::new(rpassword::prompt_password("New password: ")?);
        let again = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
        if *first != *again {
            bail!("the two entries differ; nothing was changed");
        }
        first
    } else {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .take(4096)
            .read_to_string(&mut text)
            .context("standard input is not text; write the password in UTF-8")?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
    };
    let accepted = office.authn.accept_password(&typed, person).await??;
    Ok(office.authn.hash_password(accepted).await?)
}

async fn import(
    office: &Office,
    file: &std::path::Path,
    dry_run: bool,
    format: Format,
) -> anyhow::Result<()> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?
    };
    let (mut added, mut refused) = (0u32, Vec::new());
    for (number, line) in parse(&text, usize::MAX) {
        match one(office, line, dry_run).await {
            Ok(()) => added += 1,
            Err(error) => refused.push((number, format!("{error:#}"))),
        }
    }
    report(added, &refused, dry_run, format)?;
    if refused.is_empty() {
        Ok(())
    } else {
        let lines = if refused.len() == 1 {
            "line was"
        } else {
            "lines were"
        };
        bail!(
            "{} {lines} refused; mend and import again what was refused",
            refused.len()
        )
    }
}

fn report(
    added: u32,
    refused: &[(usize, String)],
    dry_run: bool,
    format: Format,
) -> anyhow::Result<()> {
    if format == Format::Json {
        let refused: Vec<_> = refused
            .iter()
            .map(|(line, why)| serde_json::json!({"line": line, "problem": why}))
            .collect();
        return output::json(
            &serde_json::json!({"added": added, "refused": refused, "dry_run": dry_run}),
        );
    }
    for (line, why) in refused {
        output::remark!("line {line}: {why}");
    }
    output::say!(
        "{added} accounts {}",
        if dry_run { "could be added" } else { "added" }
    );
    Ok(())
}

async fn one(
    office: &Office,
    line: Result<NewAccount, Problem>,
    dry_run: bool,
) -> anyhow::Result<()> {
    let new = line?;
    if dry_run {
        let taken = office.authn.find_account(&new.login).await?;
        if taken.is_some() {
            bail!("the login name is taken: `{}`", new.login);
        }
        return Ok(());
    }
    office.authn.add_account(new).await??;
    Ok(())
}
