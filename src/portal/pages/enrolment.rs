//! The five steps of the enrolment.

use super::Frame;
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

/// `/enrol/codes`
pub struct EnrolCodes<'a> {
    pub codes: &'a [String],
    pub shown_as: &'a str,
    pub date: i64,
    pub error: bool,
}
template!(EnrolCodes<'_>, "enrol_codes.html");

impl EnrolCodes<'_> {
    fn count(&self) -> u64 {
        u64::try_from(self.codes.len()).unwrap_or(u64::MAX)
    }
}
