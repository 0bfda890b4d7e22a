//! Ending sessions.

use super::{Authn, Fault};
use crate::domain::audit::{Event, Place};
use crate::domain::session::View;
use crate::store::Change;

impl Authn {
    /// Ends the person's session on the portal and on every application host.
    pub async fn sign_out(&self, view: &View, place: &Place) -> Result<(), Fault> {
        let session = view.session.id;
        let changes = [
            Change::EndSession { session },
            self.record(Event::SignedOut, view.subject.id, place, ""),
        ];
        let _ = self.store.commit(&changes).await?;
        self.sessions.forget(session);
        Ok(())
    }
}
