//! "Active sessions".

use super::{Device, Done, Nav, Section};
use crate::portal::pages::Frame;

/// `/account/sessions`. A row posts `session`, the button below `do` = `others`.
pub struct Sessions<'a> {
    pub nav: Nav<'a>,
    pub done: Option<Done>,
    /// The current one first.
    pub rows: &'a [SessionRow],
}
template!(Sessions<'_>, "account_sessions.html");

/// Times are seconds since the epoch.
pub struct SessionRow {
    /// What the form sends back; never the session's token.
    pub id: String,
    pub device: Device,
    pub signed_in_at: i64,
    pub last_active_at: i64,
    /// The one this page is shown to.
    pub current: bool,
    /// Titles of the services it has opened.
    pub services: Vec<String>,
}

impl Sessions<'_> {
    const fn section(&self) -> Section {
        Section::Sessions
    }
    const fn done(&self) -> Option<Done> {
        self.done
    }
    fn has_others(&self) -> bool {
        self.rows.iter().any(|row| !row.current)
    }
}

impl SessionRow {
    fn active(&self, f: &Frame<'_>) -> String {
        f.s("sessions-active", "when", &f.date_time(self.last_active_at))
    }
    fn signed_in(&self, f: &Frame<'_>) -> String {
        f.s("sessions-signed", "when", &f.date_time(self.signed_in_at))
    }
    fn opened(&self, f: &Frame<'_>) -> String {
        f.s("sessions-services", "services", &self.services.join(", "))
    }
}
