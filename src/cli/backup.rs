//! `vestibule backup FILE`: a copy of the embedded store while it is in use.

use super::output::{self, Format};
use super::{Common, Outcome, load};
use crate::app::upkeep::backup::{self, Backup, Key};
use crate::env::Env;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule backup /backup/vestibule.db --config vestibule.yaml
  vestibule backup /backup/ --config vestibule.yaml

The gateway goes on meanwhile. The key file is not in the copy: keep it apart, both together give away every TOTP
secret. `vestibule restore` puts a copy back.")]
pub(super) struct Arguments {
    /// A new file, or a folder: then the file is named after the time
    file: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Of these people ask at once.
const MAIN: [(&str, &str); 5] = [
    ("accounts", "accounts"),
    ("portal_sessions", "sessions"),
    ("emergency_codes", "emergency codes"),
    ("api_tokens", "API tokens"),
    ("audit", "records of the trail"),
];

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let settings = load::settings(&arguments.common.config)?.settings;
    let made = load::single_threaded()?.block_on(backup::backup(
        &settings,
        &Env::system(),
        &arguments.file,
    ))?;
    let is_sound = match &made.key {
        Key::Tried(tried) => tried.is_whole(),
        Key::NotTried(_) => true,
    };
    let key_file = settings.key_file.display().to_string();
    match arguments.common.format() {
        Format::Json => json(&made, &key_file)?,
        Format::Plain => plain(&made, &key_file)?,
    }
    if is_sound {
        return Ok(Outcome::Done);
    }
    output::remark!(
        "The copy is whole, but {key_file} does not open every secret in it: it belongs to another store, or the store \
         was changed by somebody else. Find the right key file, and keep a copy of it."
    );
    Ok(Outcome::Refused)
}

fn plain(made: &Backup, key_file: &str) -> anyhow::Result<()> {
    output::say!("{}  {} bytes", made.file.display(), made.bytes);
    let counts: Vec<String> = MAIN
        .iter()
        .filter_map(|(table, words)| {
            let rows = made.rows.iter().find(|(name, _)| name == table);
            rows.map(|(_, n)| format!("{n} {words}"))
        })
        .collect();
    output::say!("{}", counts.join(", "));
    match &made.key {
        Key::Tried(tried) => {
            output::say!("{key_file} opens {} of {} secrets", tried.open, tried.all);
        }
        Key::NotTried(why) => output::say!("secrets were not tried: {why}"),
    }
    output::say!(
        "The key file is not in it, and without the key file it is of no use. Keep a copy of {key_file} in another place."
    );
    Ok(())
}

fn json(made: &Backup, key_file: &str) -> anyhow::Result<()> {
    let rows: serde_json::Map<String, serde_json::Value> = made
        .rows
        .iter()
        .map(|(table, n)| ((*table).to_owned(), (*n).into()))
        .collect();
    let secrets = match &made.key {
        Key::Tried(tried) => serde_json::json!({ "opened": tried.open, "of": tried.all }),
        Key::NotTried(why) => serde_json::json!({ "not_tried": why }),
    };
    output::json(&serde_json::json!({
        "file": made.file,
        "bytes": made.bytes,
        "rows": rows,
        "secrets": secrets,
        "key_file": key_file,
        "key_file_is_in_it": false,
    }))
}
