//! The console under `/desk`: helpdesk, administrators, auditors.
//!
//! Plain data in, HTML out, like the other pages. Times are in UTC, written `2026-11-26 14:28`: an agent
//! compares them with logs, in whatever language the page is.

mod accounts;
mod act;
mod adoption;
mod approvals;
mod chart;
mod issue;
#[cfg(test)]
mod tests;
mod trail;
mod users;

pub use accounts::{
    AccountError, Import, ImportCounts, ImportLine, ImportStep, InitialSecret, LineState,
    NewAccount, Start,
};
pub use act::{Act, ActError, ActPage};
pub use adoption::{Adoption, GroupShare, Share};
pub use approvals::{Approvals, Decided, Request};
pub use chart::Point;
pub use issue::{CodeShown, IssueCode, IssueError, MailOff, Send};
pub use trail::{Entry, Trail, TrailFilter};
pub use users::{
    Barred, Counts, Done, Facts, FindUser, Found, Off, Offer, State, StateFilter, User, UserRow,
};

use super::Frame;

/// What somebody may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Helpdesk,
    Administrator,
    Auditor,
}

/// The part of the console a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Users,
    Approvals,
    Adoption,
    Trail,
    NewAccount,
    Import,
    /// None of the menu.
    Elsewhere,
}

/// The console's own frame: who is here, and what the menu offers.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub shown_as: &'a str,
    pub role: Role,
    pub section: Section,
    pub users: bool,
    /// How many requests wait; `None`: not for this role.
    pub approvals: Option<u64>,
    pub adoption: bool,
    pub trail: bool,
    /// Making and importing accounts.
    pub accounts: bool,
}

/// An item of the menu.
struct Item {
    href: &'static str,
    text: String,
    current: bool,
}

impl Desk<'_> {
    fn role(&self, f: &Frame<'_>) -> String {
        f.t(match self.role {
            Role::Helpdesk => "desk-role-helpdesk",
            Role::Administrator => "desk-role-administrator",
            Role::Auditor => "desk-role-auditor",
        })
    }

    fn menu(&self, f: &Frame<'_>) -> Vec<Item> {
        let item = |offered: bool, href, text: String, section| {
            offered.then_some(Item {
                href,
                text,
                current: self.section == section,
            })
        };
        let waiting = match self.approvals {
            None | Some(0) => f.t("desk-nav-approvals"),
            Some(n) => f.n("desk-nav-approvals-n", "n", n),
        };
        [
            item(
                self.users,
                "/desk/users",
                f.t("desk-nav-users"),
                Section::Users,
            ),
            item(
                self.approvals.is_some(),
                "/desk/approvals",
                waiting,
                Section::Approvals,
            ),
            item(
                self.adoption,
                "/desk/adoption",
                f.t("desk-nav-adoption"),
                Section::Adoption,
            ),
            item(
                self.trail,
                "/desk/audit",
                f.t("desk-nav-audit"),
                Section::Trail,
            ),
            item(
                self.accounts,
                "/desk/accounts/new",
                f.t("desk-nav-new"),
                Section::NewAccount,
            ),
            item(
                self.accounts,
                "/desk/accounts/import",
                f.t("desk-nav-import"),
                Section::Import,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The role of whoever asks does not allow it.
pub struct DeskForbidden<'a> {
    pub desk: Desk<'a>,
}
template!(DeskForbidden<'_>, "desk/forbidden.html");

/// A problem with a field: where the field is, and what to say.
struct Problem {
    field: &'static str,
    text: String,
}

/// Seconds since the epoch, as the console writes them, in UTC.
trait Moment {
    /// `2026-11-26 14:28`
    fn stamp(&self) -> String;
    /// `14:28`
    fn clock(&self) -> String;
    /// `2026-11-26`
    fn iso_day(&self) -> String;
    /// For the `datetime` attribute.
    fn machine_time(&self) -> String;
    /// "26 November 2026", in the page's language.
    fn long_day(&self, f: &Frame<'_>) -> String;
    /// "26 Nov", in the page's language.
    fn short_day(&self, f: &Frame<'_>) -> String;
}

impl Moment for i64 {
    fn stamp(&self) -> String {
        format!("{} {}", self.iso_day(), self.clock())
    }
    fn clock(&self) -> String {
        let at = moment(*self);
        format!("{:02}:{:02}", at.hour(), at.minute())
    }
    fn iso_day(&self) -> String {
        let day = moment(*self).date();
        let month = u8::from(day.month());
        format!("{:04}-{month:02}-{:02}", day.year(), day.day())
    }
    fn machine_time(&self) -> String {
        format!("{}T{}Z", self.iso_day(), self.clock())
    }
    fn long_day(&self, f: &Frame<'_>) -> String {
        f.plain_date(*self)
    }
    fn short_day(&self, f: &Frame<'_>) -> String {
        format!("{} {}", f.day(*self), f.month(*self))
    }
}

fn moment(seconds: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

/// `path?name=value&…`, without the empty ones.
fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let kept = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}
