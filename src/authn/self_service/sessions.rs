//! A person's sessions: seen, and ended.

use super::Changed;
use crate::authn::progress::Effects;
use crate::authn::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::confirmation::Purpose;
use crate::domain::host::Host;
use crate::domain::id::SessionId;
use crate::domain::secret::TokenHash;
use crate::domain::session::{Record, View};
use crate::store::Change;

/// Sessions shown on one page.
const MOST: u32 = 200;

/// A live session, and the applications' hosts it has opened.
#[derive(Clone, Debug)]
pub struct Open {
    pub record: Record,
    pub hosts: Vec<Host>,
}

impl Authn {
    /// The live sessions of the person, the one that asks first, then the newest.
    pub async fn own_sessions(&self, view: &View) -> Result<Vec<Open>, Fault> {
        let now = self.env.now();
        let account = view.subject.id;
        let mut found = self.store.sessions_of(Some(account), now, MOST).await?;
        for record in &mut found {
            // what they did lately is in memory, and written down by and by
            self.sessions.bring_up_to_date(&mut record.session);
        }
        let mut hosts = self.store.hosts_opened(account).await?;
        let mut open: Vec<Open> = found
            .into_iter()
            .filter(|record| record.session.is_live(&self.rules.sessions, now))
            .map(|record| Open {
                hosts: hosts.remove(&record.session.id).unwrap_or_default(),
                record,
            })
            .collect();
        open.sort_by_key(|open| open.record.session.id != view.session.id);
        Ok(open)
    }

    /// Signs out one other session of the person's. `false`: there is none with this id.
    pub async fn end_own_session(
        &self,
        view: &View,
        id: SessionId,
        place: &Place,
    ) -> Result<Changed<bool>, Fault> {
        if self.asking(view, Purpose::Sessions).await?.is_none() {
            return Ok(Changed::Unconfirmed);
        }
        let account = view.subject.id;
        let now = self.env.now();
        let own = self.store.sessions_of(Some(account), now, u32::MAX).await?;
        // somebody else's, one that has ended, and the very one that asks
        if id == view.session.id || !own.iter().any(|record| record.session.id == id) {
            return Ok(Changed::Done(false));
        }
        let changes = [
            Change::EndSession { session: id },
            self.record(Event::SessionRevoked, account, place, ""),
        ];
        let _ = self.store.commit(&changes).await?;
        self.sessions.forget(id);
        Ok(Changed::Done(true))
    }

    /// Signs out all other sessions of the person's, and whoever is signing in meanwhile; not the browser that asks.
    pub async fn end_other_sessions(
        &self,
        view: &View,
        own_attempt: Option<TokenHash>,
        place: &Place,
    ) -> Result<Changed<()>, Fault> {
        if self.asking(view, Purpose::Sessions).await?.is_none() {
            return Ok(Changed::Unconfirmed);
        }
        let account = view.subject.id;
        let mut effects = Effects::default();
        effects
            .change(Change::EndSessionsOf {
                account,
                except: Some(view.session.id),
            })
            .change(Change::DropAttemptsOf {
                account,
                except: own_attempt,
            })
            .change(self.record(Event::SessionRevoked, account, place, "all others"));
        self.finish(view, effects, ()).await
    }
}
