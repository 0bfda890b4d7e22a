//! `vestibule migrate-store --from URL --to URL`: everything into another store, every row verified.

use super::output::{self, Format};
use super::{Common, Outcome, load};
use crate::app::upkeep::migrate::{self, Progress, shown};
use crate::config::{self, Settings, StorageSettings};
use crate::env::{self, Env};
use crate::vault::Vault;
use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  systemctl stop vestibule
  vestibule migrate-store --from sqlite:/var/lib/vestibule/vestibule.db \\
      --to postgres://vestibule@db.example.com/vestibule --to-password-file database.password --config vestibule.yaml

Then write the new address into the configuration (`storage.url`), keep the key file, and start. Nobody is signed out.

Both are stores as in `storage.url`, either of them of either kind. Neither may be in use. The target must be empty: it
gets all or nothing, so that a run that was interrupted can be begun again. The source stays as it is. Passwords are
read from files, from PGPASSWORD, or from the configuration where it names the same server.")]
pub(super) struct Arguments {
    /// The store that there is: sqlite:FILE or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    from: String,
    /// The store to fill: a database without a row, or a file that is not there yet
    #[arg(long, value_name = "URL")]
    to: String,
    /// Holds the password of the database that is read
    #[arg(long, value_name = "FILE")]
    from_password_file: Option<PathBuf>,
    /// Holds the password of the database that is filled
    #[arg(long, value_name = "FILE")]
    to_password_file: Option<PathBuf>,
    /// Changes nothing: compares two stores, row by row
    #[arg(long)]
    verify_only: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let settings = load::settings(&arguments.common.config)?.settings;
    let from = storage(
        "--from",
        &arguments.from,
        arguments.from_password_file.as_deref(),
        &settings,
    )?;
    let to = storage(
        "--to",
        &arguments.to,
        arguments.to_password_file.as_deref(),
        &settings,
    )?;
    if from == to {
        bail!("--from and --to name the same store");
    }
    let env = Env::system();
    let vault = Vault::open(&settings.key_file, &env)?;
    let mut bar = Bar::new();
    let work = async {
        let stores = (&from, &to);
        match arguments.verify_only {
            true => Ok((migrate::verify(stores, &mut bar).await?, None)),
            false => {
                let done = migrate::migrate(stores, &vault, &env, &mut bar).await?;
                anyhow::Ok((done.rows, Some(done.key)))
            }
        }
    };
    let done = load::single_threaded()?.block_on(work);
    bar.bar.finish_and_clear();
    let (rows, key) = done?;
    if arguments.common.format() == Format::Json {
        let rows: serde_json::Map<String, serde_json::Value> = rows
            .iter()
            .map(|(table, n)| ((*table).to_owned(), (*n).into()))
            .collect();
        output::json(&serde_json::json!({
            "migrated": key.is_some(),
            "verified": rows,
            "secrets": key.map(|key| serde_json::json!({ "opened": key.open, "of": key.all })),
        }))?;
        return Ok(Outcome::Done);
    }
    for (table, n) in &rows {
        output::say!("{table:<22} {n:>10}  verified");
    }
    match key {
        None => output::say!("{} and {} hold the same", shown(&from), shown(&to)),
        Some(key) => {
            output::say!(
                "{}: the key file opens {} of {} secrets",
                shown(&to),
                key.open,
                key.all
            );
            output::say!(
                "Now write its address into the configuration (`storage.url`), keep the key file as it is, and start. \
                 Put {} away: a gateway that is started on it by mistake goes on from today's state.",
                shown(&from)
            );
        }
    }
    Ok(Outcome::Done)
}

fn storage(
    option: &str,
    url: &str,
    password_file: Option<&Path>,
    settings: &Settings,
) -> anyhow::Result<StorageSettings> {
    let has_password = url::Url::parse(url).is_ok_and(|url| url.password().is_some());
    if has_password && !url.contains("${") {
        bail!(
            "{option}: a password on the command line is read by everybody on this machine; take it out, and use \
             {option}-password-file or PGPASSWORD"
        );
    }
    let mut storage = config::storage(url, password_file, &env::variable)
        .map_err(|report| anyhow::anyhow!("{option} is no store\n\n{report}"))?;
    if let (StorageSettings::Server(server), StorageSettings::Server(configured)) =
        (&mut storage, &settings.storage)
    {
        let is_same = (&server.place, &server.user) == (&configured.place, &configured.user);
        if server.password.is_none() && is_same {
            server.password = configured.password.clone();
        }
    }
    Ok(storage)
}

/// Of rows, on standard error; nothing where that is no terminal.
struct Bar {
    bar: ProgressBar,
    rows: u64,
    verb: &'static str,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{bar:32.green/dim} {percent:>3}% {pos} rows  {msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self {
            bar,
            rows: 0,
            verb: "copied",
        }
    }
}

impl Progress for Bar {
    fn begins(&mut self, rows: u64) {
        self.rows = rows;
        self.bar.set_length(rows);
    }

    fn moved(&mut self, table: &str, rows: u64) {
        self.bar.inc(rows);
        self.bar.set_message(format!("{} {table}", self.verb));
    }

    fn verifies(&mut self) {
        self.verb = "verified";
        self.bar.reset();
        self.bar.set_length(self.rows);
    }
}
