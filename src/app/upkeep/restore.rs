//! A copy put back in the place of the embedded store, while nobody uses it.
//!
//! The copy is copied into the store's folder, looked at, brought up to date and disarmed there, and takes the place
//! as its last step. Before that step nothing has changed; the store that was there goes aside and stays whole.

use super::backup::Part;
use super::{Opened, record, stamp, try_key};
use crate::config::{Settings, StorageSettings};
use crate::domain::audit::Event;
use crate::domain::verifier::totp;
use crate::env::Env;
use crate::store::sqlite::Presence;
use crate::store::sqlite::copy::{Copy, Rows, write_copy};
use crate::store::sqlite::restore::{
    Disarmed, Incoming, Order, Replaced, prepare_folder, put_in_place,
};
use crate::vault::Vault;
use anyhow::{Context as _, bail};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What the operator decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Also those that the store that is replaced still has.
    pub forget_emergency_codes: bool,
    /// Nothing in the store that is replaced is believed.
    pub distrust_replaced: bool,
}

pub struct Restored {
    pub store: PathBuf,
    /// Where the store that was there is now.
    pub aside: Option<PathBuf>,
    /// Why nothing is known of what was withdrawn since; `None`: it is.
    pub unknown: Option<String>,
    pub rows: Vec<Rows>,
    pub key: Opened,
    pub disarmed: Disarmed,
}

pub async fn restore(
    settings: &Settings,
    env: &Env,
    from: &Path,
    wishes: Wishes,
) -> anyhow::Result<Restored> {
    let StorageSettings::File(store) = &settings.storage else {
        bail!(
            "this command puts a store in a file back, and `storage.url` is a PostgreSQL database: use `pg_restore`, \
             and end what was good at the time of the copy, see docs/postgresql.md#backup"
        );
    };
    if !from.is_file() {
        bail!("there is no file {}", from.display());
    }
    let vault = Vault::open(&settings.key_file, env).context(
        "without the key file a store is of no use: put back the one that belongs to it",
    )?;
    let folder = prepare_folder(store)?;
    let Some(alone) = Presence::alone(store)? else {
        bail!(in_use(store));
    };
    if store.exists() && same_file(store, from)? {
        bail!("{} is the store itself", from.display());
    }
    // as it is, and before it is copied: copying mends some damage in silence
    Copy::examine(from).await?.close().await?;
    let part = Part::of(store, env)?;
    write_copy(from, &part.0).await?;
    let mut copy = Copy::examine(&part.0).await?;
    let key = try_key(&mut copy, &vault).await?;
    copy.close().await?;
    if !key.is_whole() {
        bail!(
            "the key file {} opens {} of the {} secrets in {}: it belongs to another store. Put the right one in its \
             place, readable by its owner only; with a wrong one nobody's authenticator app works",
            settings.key_file.display(),
            key.open,
            key.all,
            from.display()
        );
    }
    let mut incoming = Incoming::open(&part.0)
        .await
        .with_context(|| format!("{} cannot be put back", from.display()))?;
    let unknown = match incoming.attach(store).await? {
        Replaced::InUse => bail!(in_use(store)),
        Replaced::Unknown(why) => Some(why),
        Replaced::Known if wishes.distrust_replaced => Some("it is not to be believed".to_owned()),
        Replaced::Known => None,
    };
    let order = Order {
        totp_step: totp::latest_step(env.now()),
        forget_emergency_codes: wishes.forget_emergency_codes,
        replaced_is_known: unknown.is_none(),
    };
    let disarmed = incoming
        .disarm(&order, |done| {
            let sessions = done.emptied.iter().find(|(t, _)| *t == "portal_sessions");
            let detail = format!(
                "from {}; {} sessions ended, {} emergency codes and {} API tokens void, {} accounts disabled again",
                from.display(),
                sessions.map_or(0, |(_, n)| *n),
                done.emergency_codes_removed,
                done.tokens_removed.len(),
                done.disabled.len()
            );
            record(env, Event::StoreRestored, detail)
        })
        .await?;
    incoming.finish(&part.0).await?;
    let mut copy = Copy::examine(&part.0).await?;
    let rows = copy.rows().await?;
    copy.close().await?;
    same_owner(&part.0, if store.exists() { store } else { folder })?;
    let aside = aside(store, env);
    let had_one = store.exists();
    put_in_place(&part.0, store, &aside, &alone)
        .with_context(|| format!("the restored store cannot be put at {}", store.display()))?;
    Ok(Restored {
        store: store.clone(),
        aside: had_one.then_some(aside),
        unknown,
        rows,
        key,
        disarmed,
    })
}

fn in_use(store: &Path) -> String {
    format!(
        "the store {} is in use: stop the gateway first (`systemctl stop vestibule`), and whatever else has it open",
        store.display()
    )
}

fn same_file(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (one, other) = (std::fs::metadata(one)?, std::fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn aside(store: &Path, env: &Env) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".replaced-{}", stamp(env)));
    name.into()
}

/// The gateway must be able to open it, whoever runs this.
fn same_owner(file: &Path, like: &Path) -> anyhow::Result<()> {
    let (own, wanted) = (std::fs::metadata(file)?, std::fs::metadata(like)?);
    if (own.uid(), own.gid()) == (wanted.uid(), wanted.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(file, Some(wanted.uid()), Some(wanted.gid())).with_context(|| {
        format!(
            "the store must belong to uid {} as {} does: run this as that user, or as root",
            wanted.uid(),
            like.display()
        )
    })
}
