//! Takes what waits in the outbox to the mail server.
//!
//! At least once: a mail is claimed for a while, sent, and removed. Who dies in between leaves it to the next, who
//! sends it under the same Message-ID. Never lost: a server that is away is tried again for three days.

use super::transport::{Addressed, NotTaken, SEND_TIMEOUT, Transport};
use super::wording::{self, House};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::letter::Letter;
use crate::env::Env;
use crate::i18n::Texts;
use crate::store::{Change, ClaimedMail, Fault, SharedStore};
use crate::vault::{Purpose, Vault};
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the outbox is looked at.
const POLL: Duration = Duration::from_secs(1);
/// Mails on their way at a time, each on a connection of its own.
pub const AT_ONCE: u32 = 4;
/// Until then nobody else takes a claimed mail. Longer than sending may take.
pub const LEASE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// After this a mail that nobody takes is given up.
pub const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 86_400);
/// How long a stop waits for what is on its way.
const FAREWELL: Duration = Duration::from_secs(10);

const _: () = assert!(SEND_TIMEOUT.as_secs() < LEASE.as_secs());

/// What became of a try, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    Sent,
    /// To be tried again.
    Deferred,
    /// Given up: refused for good, run out, or nobody took it for three days.
    Failed,
}

/// What the postman works with.
pub struct Parts {
    pub store: SharedStore,
    pub vault: Arc<Vault>,
    pub env: Env,
    pub texts: Texts,
    pub house: House,
    pub transport: Transport,
    pub observer: Box<dyn Fn(Happening) + Send + Sync>,
}

pub struct Postman {
    parts: Parts,
    /// Why the mail server takes nothing, as it was logged; `None` where it last took a mail.
    trouble: Mutex<Option<String>>,
}

impl std::fmt::Debug for Postman {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postman")
    }
}

/// A postman at work.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Claims nothing more; what is on its way may arrive, for ten seconds. What then has not is sent again by the
    /// next who looks, once the claim has run out.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let mut task = self.task;
        if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("a mail that was on its way is left to the next start");
        }
    }
}

enum Tried {
    Sent,
    ForNow(String),
    ForGood(String),
}

impl Postman {
    pub const fn new(parts: Parts) -> Self {
        Self {
            parts,
            trouble: Mutex::new(None),
        }
    }

    /// Works until it is stopped.
    pub fn start(self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(self.work(stopped));
        Running { stop, task }
    }

    async fn work(self, mut stopped: watch::Receiver<bool>) {
        let mut told = false;
        while !*stopped.borrow() {
            match self.round().await {
                // there may be more
                Ok(claimed) if claimed >= AT_ONCE as usize => continue,
                Ok(_) => told = false,
                Err(fault) => {
                    if !told {
                        tracing::warn!(error = %fault, "the outbox cannot be read; it is tried again");
                    }
                    told = true;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// One look at the outbox: whatever is due, a few at a time. How many were tried.
    pub async fn round(&self) -> Result<usize, Fault> {
        let now = self.parts.env.now();
        let claimed = self.parts.store.claim_mail(now, now.plus(LEASE), AT_ONCE);
        let claimed = claimed.await?;
        join_all(claimed.iter().map(|mail| self.deliver(mail))).await;
        Ok(claimed.len())
    }

    async fn deliver(&self, claimed: &ClaimedMail) {
        let tried = self.attempt(claimed).await;
        let (happening, changes) = self.consequences(claimed, tried);
        (self.parts.observer)(happening);
        self.write_down(&changes).await;
    }

    async fn attempt(&self, claimed: &ClaimedMail) -> Tried {
        let mail = &claimed.mail;
        let uuid = mail.id.uuid();
        let opened = self
            .parts
            .vault
            .open_sealed(Purpose::Letter, uuid.as_bytes(), &mail.sealed);
        let letter = match opened.map(|plain| serde_json::from_slice::<Letter>(&plain)) {
            Ok(Ok(letter)) => letter,
            // perhaps another node has the right key, or a newer version
            Ok(Err(_)) => return Tried::ForNow("the letter cannot be read".to_owned()),
            Err(fault) => return Tried::ForNow(fault.to_string()),
        };
        let now = self.parts.env.now();
        if letter.useless_from().is_some_and(|from| from <= now) {
            let why = "what it holds had run out before the mail server took it";
            return Tried::ForGood(why.to_owned());
        }
        let worded = match wording::compose(&letter, &self.parts.texts, &self.parts.house) {
            Ok(worded) => worded,
            Err(unfit) => return Tried::ForGood(unfit.to_string()),
        };
        let to = Addressed {
            id: &uuid.to_string(),
            to: &letter.to,
            name: &letter.name,
            queued_at: mail.queued_at,
        };
        match self.parts.transport.send(&to, &worded).await {
            Ok(()) => Tried::Sent,
            Err(NotTaken::ForNow(why)) => Tried::ForNow(why),
            Err(NotTaken::ForGood(why)) => Tried::ForGood(why),
        }
    }

    fn consequences(&self, claimed: &ClaimedMail, tried: Tried) -> (Happening, Vec<Change>) {
        let mail = claimed.mail.id;
        let now = self.parts.env.now();
        let why = match tried {
            Tried::Sent => {
                self.works_again();
                return (Happening::Sent, vec![Change::MailSent { mail }]);
            }
            Tried::ForNow(why) => {
                let due_at = now.plus(pause(claimed.tries, self.parts.env.random()));
                if due_at < claimed.mail.queued_at.plus(GIVEN_UP_AFTER) {
                    self.told_once(&why);
                    tracing::debug!(mail.id = %mail, mail.tries = claimed.tries, reason = %why, "a mail was not taken; it is tried again");
                    return (
                        Happening::Deferred,
                        vec![Change::MailDeferred { mail, due_at }],
                    );
                }
                format!("nobody took it for three days: {why}")
            }
            Tried::ForGood(why) => why,
        };
        tracing::error!(mail.id = %mail, reason = %why, "a mail was given up");
        let record = Record {
            at: now,
            event: Event::MailFailed,
            account: claimed.mail.account,
            actor: Actor::System,
            place: Place::default(),
            detail: why,
        };
        let changes = vec![Change::MailGivenUp { mail }, Change::Audit(record)];
        (Happening::Failed, changes)
    }

    /// A line for each try of each mail would bury the rest of the log while the server is away: each reason is
    /// said once, until a mail has been taken.
    fn told_once(&self, why: &str) {
        let mut trouble = self.trouble.lock();
        if trouble.as_deref() != Some(why) {
            tracing::warn!(
                reason = %why,
                "a mail was not taken; mails wait and are tried again for three days. See whether the server of \
                 mail.smtp runs, can be reached and accepts us; vestibule_mails_waiting says how many wait"
            );
            *trouble = Some(why.to_owned());
        }
    }

    fn works_again(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!("the mail server takes mails again");
        }
    }

    /// Some patience with the store: a mail that was sent and is not written down is sent again.
    async fn write_down(&self, changes: &[Change]) {
        const TRIES: u32 = 3;
        for attempt in 1..=TRIES {
            match self.parts.store.commit(changes).await {
                Ok(_) => return,
                Err(fault) if attempt == TRIES => {
                    tracing::error!(error = %fault, "what became of a mail cannot be written down; it may be sent again");
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// Before the next try: 5 s, doubling up to 15 min, a quarter more or less so that not all come at once.
fn pause(tries: u32, random: [u8; 2]) -> Duration {
    let doublings = tries.saturating_sub(1).min(10);
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    let share = 0.75 + 0.5 * f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX);
    pause.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        let check = |tries: u32, low: f64, high: f64| {
            let seconds = |random: [u8; 2]| pause(tries, random).as_secs_f64();
            assert!((seconds([0, 0]) - low).abs() < 0.01, "{tries}");
            assert!((seconds([255, 255]) - high).abs() < 0.01, "{tries}");
        };
        check(0, 3.75, 6.25);
        check(1, 3.75, 6.25);
        check(2, 7.5, 12.5);
        check(4, 30.0, 50.0);
        check(9, 675.0, 1125.0);
        check(u32::MAX, 675.0, 1125.0);
    }
}
