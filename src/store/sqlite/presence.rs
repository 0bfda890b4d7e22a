//! Who has the store open: a lock on its folder, shared by all processes that use the file, or held alone.
//!
//! SQLite's own locks are on the file. Whoever puts another file in its place needs to know that nobody has the old one
//! open *and* that nobody opens it meanwhile: such a process would go on with the old file and, by their names, with
//! the logs of the new one. The folder stays the same. The kernel ends the lock with the process, however that ends.

use super::open::PATIENCE;
use crate::store::Fault;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Held as long as the value lives.
#[derive(Debug)]
pub struct Presence(#[expect(dead_code, reason = "closing it ends the lock")] File);

impl Presence {
    /// With others who use the store; waits for whoever is putting another one in its place.
    pub(super) async fn shared(path: &Path) -> Result<Self, Fault> {
        const EVERY: Duration = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            match lock(path, FlockOperation::NonBlockingLockShared)? {
                Some(held) => return Ok(held),
                None if waited < PATIENCE => {
                    tokio::time::sleep(EVERY).await;
                    waited += EVERY;
                }
                None => {
                    return Err(Fault::Open(format!(
                        "{} is being restored or moved by another process",
                        path.display()
                    )));
                }
            }
        }
    }

    /// Alone; `None` where somebody has a store of this folder open.
    pub fn alone(path: &Path) -> Result<Option<Self>, Fault> {
        lock(path, FlockOperation::NonBlockingLockExclusive)
    }
}

fn lock(path: &Path, how: FlockOperation) -> Result<Option<Presence>, Fault> {
    let folder = super::open::folder(path);
    let fault = |e: std::io::Error| Fault::Open(format!("{}: {e}", folder.display()));
    let file = File::open(folder).map_err(fault)?;
    match flock(&file, how) {
        Ok(()) => Ok(Some(Presence(file))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(Fault::Open(format!(
            "the folder {} cannot be locked: {e}",
            folder.display()
        ))),
    }
}
