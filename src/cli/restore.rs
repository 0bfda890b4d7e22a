//! `vestibule restore FILE`: a copy in the place of the embedded store.

use super::output::{self, Format};
use super::{Common, Outcome, load};
use crate::app::upkeep::restore::{self, Restored, Wishes};
use crate::env::Env;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  systemctl stop vestibule
  vestibule restore /backup/vestibule.db --config vestibule.yaml
  systemctl start vestibule

Run it as the user of the gateway, or as root. The key file must be the one that belongs to the copy. The store that
was there is moved aside, not deleted.

Everybody signs in again: sessions, one-time codes, mailed links, approvals and mails that waited are not put back,
and no browser is trusted. Emergency codes, API tokens, signing keys and the right to sign in are put back only as far
as the store that is replaced still has them; where it cannot be read, emergency codes, tokens and keys are made anew.")]
pub(super) struct Arguments {
    /// A copy that `vestibule backup` has made
    file: PathBuf,
    /// Voids all emergency codes; people get new ones at the next sign-in with their app
    #[arg(long)]
    forget_emergency_codes: bool,
    /// Takes no account of the store that is replaced: for one that somebody has tampered with, or emptied
    #[arg(long)]
    distrust_replaced: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let settings = load::settings(&arguments.common.config)?.settings;
    let wishes = Wishes {
        forget_emergency_codes: arguments.forget_emergency_codes,
        distrust_replaced: arguments.distrust_replaced,
    };
    let env = Env::system();
    let restore = restore::restore(&settings, &env, &arguments.file, wishes);
    let done = load::single_threaded()?.block_on(restore)?;
    match arguments.common.format() {
        Format::Json => json(&done)?,
        Format::Plain => plain(&done)?,
    }
    Ok(Outcome::Done)
}

fn plain(done: &Restored) -> anyhow::Result<()> {
    output::say!("{} is the restored store", done.store.display());
    if let Some(aside) = &done.aside {
        output::say!("the one before is {}", aside.display());
    }
    if done.key.all == 0 {
        output::say!("it holds no secret to try the key file with");
    }
    let disarmed = &done.disarmed;
    output::say!("\nEverybody signs in again. Not put back:");
    for (table, n) in &disarmed.emptied {
        output::say!("  {n} {}", table.replace('_', " "));
    }
    output::say!("  the trust of {} browsers", disarmed.devices_untrusted);
    output::say!("  {} emergency codes", disarmed.emergency_codes_removed);
    output::say!("  {} signing keys", disarmed.signing_keys_removed);
    names(
        "  API tokens",
        &disarmed.tokens_removed,
        "`vestibule token add` makes new ones",
    )?;
    match &done.unknown {
        None => known(done),
        Some(why) => {
            output::say!(
                "\nOf the store that was replaced nothing is known: {why}. Therefore it is not known either"
            );
            output::say!(
                "- who was disabled or deleted since the copy was made, and can sign in again,"
            );
            output::say!(
                "- whose password, app or groups were changed since, and are as they were,"
            );
            output::say!("- which records of the trail are missing.");
            output::say!(
                "Go through what was done since, in the log and in tickets: `vestibule account disable`, `reset-2fa`, \
                 `set-password`, `set-groups`."
            );
            Ok(())
        }
    }
}

fn known(done: &Restored) -> anyhow::Result<()> {
    let disarmed = &done.disarmed;
    output::say!(
        "\nFrom the store that was replaced: {} records of the trail",
        disarmed.trail_carried_over
    );
    names(
        "  disabled since, and still",
        &disarmed.disabled,
        "`account enable`",
    )?;
    let since = &disarmed.differences;
    for (what, who, remedy) in [
        (
            "  deleted since, and there again",
            &since.deleted_since,
            "`account disable`",
        ),
        (
            "  added since, and gone",
            &since.added_since,
            "`account add`",
        ),
        (
            "  password changed since, and as it was",
            &since.passwords_changed_since,
            "`account set-password`, where it was changed because somebody knew it",
        ),
        (
            "  app bound, replaced or reset since, and as it was",
            &since.authenticators_changed_since,
            "`account reset-2fa`, where the phone was lost",
        ),
        (
            "  groups changed since, and as they were",
            &since.groups_changed_since,
            "`account set-groups`",
        ),
    ] {
        names(what, who, remedy)?;
    }
    Ok(())
}

/// The first of them; all are in the JSON.
fn names(what: &str, who: &[String], remedy: &str) -> anyhow::Result<()> {
    const SHOWN: usize = 20;
    if who.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = who.iter().take(SHOWN).map(String::as_str).collect();
    let more = match who.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more (--json lists all)"),
    };
    output::say!(
        "{what}: {} ({}{more}); {remedy}",
        who.len(),
        shown.join(", ")
    );
    Ok(())
}

fn json(done: &Restored) -> anyhow::Result<()> {
    let count = |rows: &[(&'static str, u64)]| -> serde_json::Map<String, serde_json::Value> {
        rows.iter()
            .map(|(table, n)| ((*table).to_owned(), (*n).into()))
            .collect()
    };
    let disarmed = &done.disarmed;
    let since = &disarmed.differences;
    output::json(&serde_json::json!({
        "store": done.store,
        "replaced_store": done.aside,
        "replaced_store_is_unknown": done.unknown,
        "rows": count(&done.rows),
        "secrets": { "opened": done.key.open, "of": done.key.all },
        "emptied": count(&disarmed.emptied),
        "devices_untrusted": disarmed.devices_untrusted,
        "emergency_codes_removed": disarmed.emergency_codes_removed,
        "signing_keys_removed": disarmed.signing_keys_removed,
        "tokens_removed": disarmed.tokens_removed,
        "disabled_since": disarmed.disabled,
        "trail_carried_over": disarmed.trail_carried_over,
        "deleted_since": since.deleted_since,
        "added_since": since.added_since,
        "passwords_changed_since": since.passwords_changed_since,
        "authenticators_changed_since": since.authenticators_changed_since,
        "groups_changed_since": since.groups_changed_since,
    }))
}
