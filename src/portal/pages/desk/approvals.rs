//! What waits for a second agent.

use super::act::Act;
use super::{Desk, Frame, Moment};
use crate::domain::desk::IdentityCheck;

/// Something one agent asked for and another must approve.
pub struct Request<'a> {
    pub id: &'a str,
    pub act: Act,
    pub asked_by: &'a str,
    pub asked_at: i64,
    pub account_id: &'a str,
    pub account_name: &'a str,
    pub case: &'a str,
    pub check: Option<IdentityCheck>,
    /// Of an exemption: its last moment.
    pub until: Option<i64>,
    /// Of a change of groups: all groups afterwards.
    pub groups: Option<String>,
    /// Until it lapses.
    pub minutes_left: u64,
    /// Asked by the one who looks at it, or about them.
    pub own: bool,
}

/// What became of the request just decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    Approved,
    Declined,
    /// Lapsed, or decided by somebody else before.
    Gone,
}

/// GET `/desk/approvals`; each form posts `do` to `/desk/approvals/{id}`.
pub struct Approvals<'a> {
    pub desk: Desk<'a>,
    pub requests: &'a [Request<'a>],
    pub decided: Option<Decided>,
}
template!(Approvals<'_>, "desk/approvals.html");

impl Request<'_> {
    fn lapses(&self, f: &Frame<'_>) -> String {
        f.n("desk-approvals-lapses", "minutes", self.minutes_left)
    }
}

impl Approvals<'_> {
    fn kind(&self) -> &'static str {
        match self.decided {
            Some(Decided::Gone) => "warn",
            Some(Decided::Approved | Decided::Declined) | None => "good",
        }
    }
    fn decided_text(&self, f: &Frame<'_>) -> Option<String> {
        self.decided.map(|decided| {
            f.t(match decided {
                Decided::Approved => "desk-approvals-approved",
                Decided::Declined => "desk-approvals-declined",
                Decided::Gone => "desk-approvals-gone",
            })
        })
    }
}
