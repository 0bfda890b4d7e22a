//! Issuing a one-time code, and showing it once.

use super::{Desk, Frame, Moment, Problem};
use crate::domain::desk::IdentityCheck;

/// How the code gets to the person. Field `send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    Email,
    Show,
}

impl Send {
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "email" => Some(Self::Email),
            "show" => Some(Self::Show),
            _ => None,
        }
    }
}

/// Why the code cannot be mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOff {
    NoEmail,
    ContactChanged,
    NotConfigured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    Check,
    Send,
    Case,
    /// Too many codes of this agent's within the hour.
    Quota {
        minutes: u64,
    },
}

/// GET, POST `/desk/users/{id}/one-time-code`
pub struct IssueCode<'a> {
    pub desk: Desk<'a>,
    pub id: &'a str,
    pub name: &'a str,
    pub shown_as: &'a str,
    pub email: Option<&'a str>,
    pub mail_off: Option<MailOff>,
    /// There is an open code.
    pub replaces: bool,
    /// The number of the latest code in the trail. Field `after`: a form is good for one code.
    pub after: i64,
    pub second_agent: bool,
    pub check: Option<IdentityCheck>,
    pub send: Option<Send>,
    pub case: &'a str,
    pub errors: &'a [IssueError],
}
template!(IssueCode<'_>, "desk/issue.html");

impl IssueCode<'_> {
    fn mails(&self) -> bool {
        self.mail_off.is_none() && self.send != Some(Send::Show)
    }
    fn shows(&self) -> bool {
        self.mail_off.is_some() || self.send == Some(Send::Show)
    }
    /// The other fields' `id` is their first option's.
    fn problems(&self, f: &Frame<'_>) -> Vec<Problem> {
        let problem = |error: &IssueError| match *error {
            IssueError::Check => Problem {
                field: "check",
                text: f.t("desk-issue-check-err"),
            },
            IssueError::Send => Problem {
                field: "send",
                text: f.t("desk-issue-send-err"),
            },
            IssueError::Quota { minutes } => Problem {
                field: "check",
                text: f.n("desk-issue-quota", "minutes", minutes),
            },
            IssueError::Case => Problem {
                field: "case",
                text: f.t("desk-issue-case-err"),
            },
        };
        self.errors.iter().map(problem).collect()
    }
    fn send_label(&self, f: &Frame<'_>) -> String {
        match self.email {
            Some(email) => f.s("desk-issue-send-email", "email", email),
            None => f.t("desk-issue-send-mail"),
        }
    }
    fn send_hint(&self, f: &Frame<'_>) -> String {
        f.t(match self.mail_off {
            None => "desk-issue-send-email-hint",
            Some(MailOff::NoEmail) => "desk-off-email",
            Some(MailOff::ContactChanged) => "desk-off-contact",
            Some(MailOff::NotConfigured) => "desk-off-mail",
        })
    }
}

/// The answer to issuing with "show": never again. The handler answers a reload with the user's page.
pub struct CodeShown<'a> {
    pub desk: Desk<'a>,
    pub id: &'a str,
    pub name: &'a str,
    /// In groups: `7KQM-4XTD`.
    pub code: &'a str,
    pub until: i64,
    pub minutes: u64,
}
template!(CodeShown<'_>, "desk/code_shown.html");

impl CodeShown<'_> {
    fn valid(&self, f: &Frame<'_>) -> String {
        let time = format!("{} UTC", self.until.clock());
        let minutes = self.minutes.to_string();
        f.tr.with_all(
            "desk-shown-valid",
            &[("time", &time), ("minutes", &minutes)],
        )
    }
    fn message(&self, f: &Frame<'_>) -> String {
        let time = format!("{} UTC", self.until.clock());
        f.tr.with_all(
            "desk-shown-message",
            &[("code", self.code), ("time", &time)],
        )
    }
}
