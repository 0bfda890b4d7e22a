//! Making accounts, one by one and in bulk: for administrators.

use super::{Desk, Frame, Moment, Problem};
use crate::i18n::Language;

/// How a new account begins. Field `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// An invitation by mail.
    Invite,
    /// An initial password, shown once.
    Show,
}

impl Start {
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "invite" => Some(Self::Invite),
            "show" => Some(Self::Show),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    NameEmpty,
    LoginEmpty,
    LoginBad,
    LoginTaken,
    EmailBad,
    EmailTaken,
    /// An invitation needs an address.
    EmailEmpty,
    Groups,
    /// One of the groups gives a role here.
    RoleGroups,
    Start,
}

/// GET, POST `/desk/accounts/new`: fields `name`, `login`, `email`, `groups`, `language`, `start`.
pub struct NewAccount<'a> {
    pub desk: Desk<'a>,
    pub name: &'a str,
    pub login: &'a str,
    pub email: &'a str,
    /// Separated by commas.
    pub groups: &'a str,
    /// `None`: the organisation's.
    pub language: Option<Language>,
    pub start: Start,
    /// Mail is configured.
    pub mail: bool,
    pub errors: &'a [AccountError],
}
template!(NewAccount<'_>, "desk/new_account.html");

impl NewAccount<'_> {
    fn invites(&self) -> bool {
        self.mail && self.start == Start::Invite
    }
    fn speaks(&self, language: Language) -> bool {
        self.language == Some(language)
    }
    fn problems(&self, f: &Frame<'_>) -> Vec<Problem> {
        let problem = |error: &AccountError| {
            let (field, text) = match error {
                AccountError::NameEmpty => ("name", "desk-new-name-err"),
                AccountError::LoginEmpty => ("login", "desk-new-login-empty"),
                AccountError::LoginBad => ("login", "desk-new-login-bad"),
                AccountError::LoginTaken => ("login", "desk-new-login-taken"),
                AccountError::EmailBad => ("email", "desk-new-email-bad"),
                AccountError::EmailTaken => ("email", "desk-new-email-taken"),
                AccountError::EmailEmpty => ("email", "desk-new-email-empty"),
                AccountError::Groups => ("groups", "desk-groups-err"),
                AccountError::RoleGroups => ("groups", "desk-new-role-err"),
                AccountError::Start => ("start", "desk-new-start-err"),
            };
            Problem {
                field,
                text: f.t(text),
            }
        };
        self.errors.iter().map(problem).collect()
    }
}

/// The initial password of a new account, shown once.
pub struct InitialSecret<'a> {
    pub desk: Desk<'a>,
    pub id: &'a str,
    pub name: &'a str,
    pub login: &'a str,
    pub secret: &'a str,
    /// Until when it can be used; `None`: until it is changed.
    pub until: Option<i64>,
}
template!(InitialSecret<'_>, "desk/initial_secret.html");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineState {
    /// Will be created; in the result: was created.
    New,
    /// There already; left as it is.
    Exists,
    Problem,
}

/// What an import makes of a line.
pub struct ImportLine<'a> {
    pub number: u64,
    /// Login name or e-mail address, where the line could be read so far.
    pub who: &'a str,
    pub state: LineState,
    /// Of a problem, in words.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    pub new: u64,
    pub exists: u64,
    pub problems: u64,
}

/// How far an import is.
pub enum ImportStep<'a> {
    /// `data` is asked for.
    Paste {
        data: &'a str,
        error: Option<String>,
    },
    /// `do=import` carries `data` on.
    Preview {
        data: &'a str,
        /// Field `seal`: that this is what was shown.
        seal: &'a str,
        counts: ImportCounts,
        lines: &'a [ImportLine<'a>],
    },
    Result {
        counts: ImportCounts,
        lines: &'a [ImportLine<'a>],
    },
}

/// GET, POST `/desk/accounts/import`: `do` is `preview` or `import`.
pub struct Import<'a> {
    pub desk: Desk<'a>,
    pub step: ImportStep<'a>,
}
template!(Import<'_>, "desk/import.html");

impl Import<'_> {
    const fn failed(&self) -> bool {
        matches!(self.step, ImportStep::Paste { error: Some(_), .. })
    }
    const fn is_result(&self) -> bool {
        matches!(self.step, ImportStep::Result { .. })
    }
    const fn counts(&self) -> ImportCounts {
        match self.step {
            ImportStep::Paste { .. } => ImportCounts {
                new: 0,
                exists: 0,
                problems: 0,
            },
            ImportStep::Preview { counts, .. } | ImportStep::Result { counts, .. } => counts,
        }
    }
    const fn lines(&self) -> &[ImportLine<'_>] {
        match self.step {
            ImportStep::Paste { .. } => &[],
            ImportStep::Preview { lines, .. } | ImportStep::Result { lines, .. } => lines,
        }
    }
    fn submit(&self, f: &Frame<'_>) -> String {
        f.n("desk-import-submit", "n", self.counts().new)
    }
    fn new_count(&self, f: &Frame<'_>) -> String {
        let text = if self.is_result() {
            "desk-import-created"
        } else {
            "desk-import-new"
        };
        f.n(text, "n", self.counts().new)
    }
    fn exists_count(&self, f: &Frame<'_>) -> String {
        f.n("desk-import-exists", "n", self.counts().exists)
    }
    fn problem_count(&self, f: &Frame<'_>) -> String {
        f.n("desk-import-problems", "n", self.counts().problems)
    }
    fn line_text(&self, f: &Frame<'_>, line: &ImportLine<'_>) -> String {
        f.t(match line.state {
            LineState::New if self.is_result() => "desk-import-line-created",
            LineState::New => "desk-import-line-new",
            LineState::Exists => "desk-import-line-exists",
            LineState::Problem => "desk-import-line-problem",
        })
    }
}

impl ImportLine<'_> {
    const fn kind(&self) -> &'static str {
        match self.state {
            LineState::New => "good",
            LineState::Exists => "",
            LineState::Problem => "bad",
        }
    }
}
