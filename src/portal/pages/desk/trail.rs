//! The audit trail, read only.

use super::{Desk, Moment, address};

/// A record of the trail. Everything but the event's code came from outside or is words.
pub struct Entry<'a> {
    pub at: i64,
    /// In words, in the page's language.
    pub event: String,
    /// The stable code.
    pub code: &'a str,
    /// Who did it.
    pub actor: String,
    /// Whose account it is: id and name.
    pub account: Option<(&'a str, &'a str)>,
    /// Browser, system, address.
    pub from: String,
    pub detail: &'a str,
}

/// What was asked for; empty: everything. Days as `2026-11-26`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrailFilter<'a> {
    pub account: &'a str,
    pub event: &'a str,
    pub actor: &'a str,
    pub from: &'a str,
    pub to: &'a str,
}

/// GET `/desk/audit?account=&event=&actor=&from=&to=&before=`; as JSON Lines at `/desk/audit.jsonl`.
pub struct Trail<'a> {
    pub desk: Desk<'a>,
    pub filter: TrailFilter<'a>,
    /// Code and words of what can be asked for.
    pub events: &'a [(&'a str, String)],
    pub entries: &'a [Entry<'a>],
    /// `before=` of the next page; `None`: this is the end.
    pub older: Option<&'a str>,
    /// This is not the newest page.
    pub paged: bool,
    /// A day that is none, or the wrong way round.
    pub bad_dates: bool,
    /// Links to people are for roles that may see them.
    pub people: bool,
}
template!(Trail<'_>, "desk/trail.html");

impl Trail<'_> {
    fn link(&self, path: &str, before: &str) -> String {
        let TrailFilter {
            account,
            event,
            actor,
            from,
            to,
        } = self.filter;
        address(
            path,
            &[
                ("account", account),
                ("event", event),
                ("actor", actor),
                ("from", from),
                ("to", to),
                ("before", before),
            ],
        )
    }
    pub(super) fn export(&self) -> String {
        self.link("/desk/audit.jsonl", "")
    }
    fn newest(&self) -> String {
        self.link("/desk/audit", "")
    }
    pub(super) fn older_link(&self) -> Option<String> {
        self.older.map(|before| self.link("/desk/audit", before))
    }
    fn asks(&self, code: &str) -> bool {
        self.filter.event == code
    }
}
