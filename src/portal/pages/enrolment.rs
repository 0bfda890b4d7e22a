//! The five steps of the enrolment.

use super::{Frame, RecoveryError};
use crate::portal::qr::{self, Drawing};

/// `/enrol`
pub struct EnrolWhy {
    /// An app is being replaced.
    pub again: bool,
    pub next: &'static str,
}
template!(EnrolWhy, "enrol_why.html");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    Own,
    Other,
}

/// `/enrol/app`
pub struct EnrolApp {
    pub chosen: Chosen,
    pub error: bool,
}
template!(EnrolApp, "enrol_app.html");

impl EnrolApp {
    fn own_chosen(&self) -> bool {
        self.chosen == Chosen::Own
    }
}

/// `/enrol/scan`
pub struct EnrolScan<'a> {
    pub otpauth: &'a str,
    pub key_groups: &'a str,
    pub account_label: &'a str,
    pub own_app: Option<&'a str>,
}
template!(EnrolScan<'_>, "enrol_scan.html");

impl EnrolScan<'_> {
    fn qr(&self) -> Drawing {
        qr::draw(self.otpauth)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmError {
    Empty,
    Format,
    Wrong,
    Expired,
}

/// `/enrol/confirm`
pub struct EnrolConfirm {
    pub error: Option<ConfirmError>,
}
template!(EnrolConfirm, "enrol_confirm.html");

impl EnrolConfirm {
    fn is_wrong(&self) -> bool {
        self.error == Some(ConfirmError::Wrong)
    }
    fn error_text(&self, f: &Frame<'_>) -> String {
        f.t(match self.error {
            Some(ConfirmError::Empty) => "code-err-empty",
            Some(ConfirmError::Format) => "code-err-format",
            Some(ConfirmError::Expired) => "enrol-confirm-err-expired",
            Some(ConfirmError::Wrong) | None => "enrol-confirm-err-wrong",
        })
    }
}

/// Why emergency codes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodesFor {
    /// The last step of the wizard.
    Enrolment,
    /// New ones in place of the old ones, asked for on the account page; with the panel of the account.
    Replacement,
}

/// `/enrol/codes`, and new codes for an account that has 2FA.
pub struct EnrolCodes<'a> {
    pub codes: &'a [String],
    pub shown_as: &'a str,
    pub date: i64,
    pub error: bool,
    pub purpose: CodesFor,
    /// Fields `stored` and `do` = `finish` or `download`.
    pub action: &'a str,
}
template!(EnrolCodes<'_>, "enrol_codes.html");

impl EnrolCodes<'_> {
    fn count(&self) -> u64 {
        u64::try_from(self.codes.len()).unwrap_or(u64::MAX)
    }
    fn title(&self, f: &Frame<'_>) -> String {
        let heading = f.n("enrol-codes-title", "count", self.count());
        match self.purpose {
            CodesFor::Enrolment => format!("{heading} ({})", f.step_of(5)),
            CodesFor::Replacement => heading,
        }
    }
    fn note(&self, f: &Frame<'_>) -> String {
        f.t(match self.purpose {
            CodesFor::Enrolment => "enrol-codes-done",
            CodesFor::Replacement => "enrol-codes-again",
        })
    }
}

/// `/enrol/proof` by mail: field `code`, or `do` = `resend`.
pub struct EmailProof<'a> {
    /// `a…@example.com`
    pub masked: &'a str,
    pub minutes: u64,
    pub error: Option<RecoveryError>,
    /// A new code was sent just now.
    pub resent: bool,
    /// Another one can be asked for.
    pub more: bool,
}
template!(EmailProof<'_>, "email_proof.html");

impl EmailProof<'_> {
    fn body(&self, f: &Frame<'_>) -> String {
        let minutes = self.minutes.to_string();
        let values = [("address", self.masked), ("minutes", minutes.as_str())];
        f.tr.with_all("mailproof-body", &values)
    }
    fn error_text(&self, f: &Frame<'_>) -> Option<String> {
        Some(f.t(match self.error? {
            RecoveryError::Empty => "mailproof-err-empty",
            RecoveryError::Wrong => "mailproof-err-wrong",
        }))
    }
}
