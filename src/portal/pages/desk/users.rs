//! Finding a person, and the page about one.

use super::act::Act;
use super::trail::Entry;
use super::{Desk, Frame, Moment, address};

/// Where somebody stands with two-factor authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    On,
    /// Reminded; may still put it off, for so many days where there is a deadline.
    Grace {
        days_left: Option<u64>,
    },
    /// Past the deadline.
    Due,
    Exempt {
        until: Option<i64>,
    },
}

impl State {
    /// The class of its mark.
    const fn kind(self) -> &'static str {
        match self {
            Self::On => "good",
            Self::Grace { .. } => "warn",
            Self::Due => "bad",
            Self::Exempt { .. } => "",
        }
    }
    /// The path of its mark's icon.
    const fn icon(self) -> &'static str {
        match self {
            Self::On => "m8 12.3 2.8 2.7L16 9.5",
            Self::Grace { .. } => "M12 7v5.2l3.2 2",
            Self::Due => "M12 7.5v5.5M12 16.4v.1",
            Self::Exempt { .. } => "M8 12h8",
        }
    }
    fn text(self, f: &Frame<'_>) -> String {
        match self {
            Self::On => f.t("desk-state-on"),
            Self::Grace {
                days_left: Some(days),
            } => f.n("desk-state-grace", "days", days),
            Self::Grace { days_left: None } => f.t("desk-state-reminding"),
            Self::Due => f.t("desk-state-due"),
            Self::Exempt { until: Some(until) } => {
                f.s("desk-state-exempt-until", "date", &until.iso_day())
            }
            Self::Exempt { until: None } => f.t("desk-state-exempt"),
        }
    }
    /// On the person's page, where it must say what is on.
    fn headline(self, f: &Frame<'_>) -> String {
        match self {
            Self::On => f.t("desk-user-on"),
            Self::Grace { .. } | Self::Due | Self::Exempt { .. } => self.text(f),
        }
    }
}

/// `state=` of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    All,
    On,
    Grace,
    Due,
    Exempt,
}

impl StateFilter {
    pub const ALL: [Self; 5] = [Self::All, Self::On, Self::Grace, Self::Due, Self::Exempt];

    /// As it stands in the address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "",
            Self::On => "on",
            Self::Grace => "grace",
            Self::Due => "due",
            Self::Exempt => "exempt",
        }
    }
    /// What is not known is everybody.
    pub fn parse(code: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|state| state.code() == code)
            .unwrap_or(Self::All)
    }
}

/// How many people there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub on: u64,
    pub grace: u64,
    pub due: u64,
    pub exempt: u64,
}

impl Counts {
    pub const fn total(self) -> u64 {
        self.on
            .saturating_add(self.grace)
            .saturating_add(self.due)
            .saturating_add(self.exempt)
    }
}

/// A person that was found.
pub struct UserRow<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub email: Option<&'a str>,
    pub login: &'a str,
    pub state: State,
    pub last_sign_in: Option<i64>,
    pub disabled: bool,
}

/// What the search came to.
pub enum Found<'a> {
    /// Nothing was asked.
    Nothing,
    /// Fewer than three characters.
    Short,
    /// At most 50; empty: nobody matches.
    Rows {
        rows: &'a [UserRow<'a>],
        /// There are more than these.
        more: bool,
    },
}

/// GET `/desk/users?q=&state=`
pub struct FindUser<'a> {
    pub desk: Desk<'a>,
    pub q: &'a str,
    pub state: StateFilter,
    pub counts: Counts,
    pub found: Found<'a>,
}
template!(FindUser<'_>, "desk/find.html");

struct Chip {
    href: String,
    text: String,
    current: bool,
}

impl FindUser<'_> {
    const fn short(&self) -> bool {
        matches!(self.found, Found::Short)
    }
    fn chips(&self, f: &Frame<'_>) -> Vec<Chip> {
        let chip = |state: StateFilter| {
            let (text, n) = match state {
                StateFilter::All => ("desk-find-all", self.counts.total()),
                StateFilter::On => ("desk-find-on", self.counts.on),
                StateFilter::Grace => ("desk-find-grace", self.counts.grace),
                StateFilter::Due => ("desk-find-due", self.counts.due),
                StateFilter::Exempt => ("desk-find-exempt", self.counts.exempt),
            };
            // "All" without a search would show nothing; it must say that it is wanted.
            let code = match state {
                StateFilter::All => "all",
                StateFilter::On | StateFilter::Grace | StateFilter::Due | StateFilter::Exempt => {
                    state.code()
                }
            };
            Chip {
                href: address("/desk/users", &[("q", self.q), ("state", code)]),
                text: f.n(text, "n", n),
                current: self.state == state && !matches!(self.found, Found::Nothing),
            }
        };
        StateFilter::ALL.into_iter().map(chip).collect()
    }
    fn heading(&self, f: &Frame<'_>) -> String {
        match &self.found {
            Found::Rows { rows, more: true } => f.n("desk-find-more-title", "n", rows.len() as u64),
            Found::Rows { rows, more: false } => f.n("desk-find-count", "n", rows.len() as u64),
            Found::Nothing | Found::Short => String::new(),
        }
    }
    fn none(&self, f: &Frame<'_>) -> String {
        if self.q.is_empty() {
            f.t("desk-find-nobody")
        } else {
            f.s("desk-find-none", "query", self.q)
        }
    }
}

/// What the status card says.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The name of the authenticator app, where it is known; `None`: none is bound.
    pub authenticator: Option<&'a str>,
    pub enabled_at: Option<i64>,
    pub last_code_at: Option<i64>,
    /// Left and in total; `None`: there are none.
    pub emergency_codes: Option<(u64, u64)>,
    pub trusted_devices: u64,
    pub sessions: u64,
    pub last_sign_in: Option<i64>,
    pub password_changed_at: Option<i64>,
    pub one_time_code_until: Option<i64>,
    pub codes_paused_until: Option<i64>,
    pub exempt_until: Option<i64>,
    pub disabled: bool,
    pub deletion_at: Option<i64>,
    pub groups: &'a [String],
}

impl Facts<'_> {
    fn codes(&self, f: &Frame<'_>) -> String {
        match self.emergency_codes {
            Some((left, total)) => {
                f.tr.with_two("desk-user-codes-left", ("n", left), ("total", total))
            }
            None => f.t("desk-user-none"),
        }
    }
}

/// Why nothing, or nothing that matters, can be done for this account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    OwnAccount,
    HigherRole,
}

/// Why an act is not offered now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    NoAuthenticator,
    NoTrustedDevices,
    NoSessions,
    NotPaused,
    NoEmail,
    MailOff,
    /// It waits for a second agent already.
    Waiting,
}

/// An act on the page: as a link, or with the reason why not.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub act: Act,
    pub off: Option<Off>,
}

impl Offer {
    fn why(&self, f: &Frame<'_>) -> String {
        self.off.map_or_else(String::new, |off| {
            f.t(match off {
                Off::NoAuthenticator => "desk-off-authenticator",
                Off::NoTrustedDevices => "desk-off-devices",
                Off::NoSessions => "desk-off-sessions",
                Off::NotPaused => "desk-off-paused",
                Off::NoEmail => "desk-off-email",
                Off::MailOff => "desk-off-mail",
                Off::Waiting => "desk-off-waiting",
            })
        })
    }
}

/// What was just done.
#[derive(Clone, Copy, Debug)]
pub enum Done<'a> {
    SignedOut {
        sessions: u64,
    },
    Untrusted {
        devices: u64,
    },
    /// A reset waits for a second agent.
    ResetWaits {
        minutes: u64,
    },
    /// Something else waits for a second agent.
    Waits {
        minutes: u64,
    },
    Reset,
    /// A one-time code was mailed.
    Sent {
        email: &'a str,
        until: i64,
    },
    Exempted {
        until: i64,
    },
    Unlocked,
    Disabled,
    Enabled,
    Groups,
    DeletionPlanned {
        at: i64,
    },
    Kept,
    PasswordReset {
        email: &'a str,
    },
    Created,
    Invited {
        email: &'a str,
    },
}

/// GET `/desk/users/{id}`
pub struct User<'a> {
    pub desk: Desk<'a>,
    pub id: &'a str,
    pub name: &'a str,
    pub email: Option<&'a str>,
    pub login: &'a str,
    pub state: State,
    pub facts: Facts<'a>,
    /// Name or addresses changed in the last 7 days: nothing secret is mailed.
    pub contact_changed_at: Option<i64>,
    pub trail: &'a [Entry<'a>],
    /// The link to the whole trail is for roles that may see it.
    pub trail_link: bool,
    pub barred: Option<Barred>,
    /// This account has a role itself: a second agent approves everything.
    pub two_agents: bool,
    /// In the order they are shown in; what is not in the list is not for this role.
    pub offers: &'a [Offer],
    pub done: Option<Done<'a>>,
}
template!(User<'_>, "desk/user.html");

impl User<'_> {
    fn desk_offers(&self) -> Vec<Offer> {
        self.pick(false)
    }
    fn account_offers(&self) -> Vec<Offer> {
        self.pick(true)
    }
    fn pick(&self, administrative: bool) -> Vec<Offer> {
        let wanted = |offer: &&Offer| offer.act.is_administrative() == administrative;
        self.offers.iter().filter(wanted).copied().collect()
    }
    fn resets(&self) -> bool {
        let reset = |offer: &Offer| offer.act == Act::Reset && offer.off.is_none();
        self.offers.iter().any(reset) && !self.two_agents
    }
    fn barred_text(&self, f: &Frame<'_>) -> Option<String> {
        self.barred.map(|barred| {
            f.t(match barred {
                Barred::OwnAccount => "desk-user-self",
                Barred::HigherRole => "desk-user-higher",
            })
        })
    }
    fn whole_trail(&self) -> String {
        address("/desk/audit", &[("account", self.login)])
    }
    const fn waits(&self) -> bool {
        matches!(
            self.done,
            Some(Done::ResetWaits { .. } | Done::Waits { .. })
        )
    }
    fn done_text(&self, f: &Frame<'_>) -> Option<String> {
        Some(match self.done? {
            Done::SignedOut { sessions } => format!(
                "{} {}",
                f.s("desk-user-out-done", "name", self.name),
                f.n("desk-user-out-count", "n", sessions)
            ),
            Done::Untrusted { devices } => f.n("desk-user-untrust-done", "n", devices),
            Done::ResetWaits { minutes } => f.n("desk-user-reset-wait", "minutes", minutes),
            Done::Waits { minutes } => f.n("desk-user-wait", "minutes", minutes),
            Done::Reset => f.t("desk-user-reset-done"),
            Done::Sent { email, until } => {
                let time = format!("{} UTC", until.stamp());
                f.tr.with_all("desk-shown-sent", &[("email", email), ("time", &time)])
            }
            Done::Exempted { until } => f.s("desk-user-exempted", "date", &f.plain_date(until)),
            Done::Unlocked => f.t("desk-user-unlocked"),
            Done::Disabled => f.t("desk-user-disabled-done"),
            Done::Enabled => f.t("desk-user-enabled-done"),
            Done::Groups => f.t("desk-user-groups-done"),
            Done::DeletionPlanned { at } => {
                f.s("desk-user-deletion-done", "date", &f.plain_date(at))
            }
            Done::Kept => f.t("desk-user-kept"),
            Done::PasswordReset { email } => f.s("desk-user-reset-sent", "email", email),
            Done::Created => f.t("desk-user-created"),
            Done::Invited { email } => f.s("desk-user-invited", "email", email),
        })
    }
}
