//! Back in without the phone: after a recovery code the person says what happened to the app.

use super::binding::Enrolment;
use super::login::{Grant, NeedsCodes, Next, Proven};
use super::verifier::RecoveryKind;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// "For now" by one-time code: at most this often ...
pub const TEMPORARY_USES: u32 = 3;
/// ... in this time; then only "permanently lost" is offered.
pub const TEMPORARY_WINDOW: Duration = Duration::from_secs(30 * 86_400);

/// A recovery code was right. It is spent already, whatever is chosen now.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitLost {
    proven: Proven,
    kind: RecoveryKind,
    codes_left: usize,
    temporary_allowed: bool,
}

impl AwaitLost {
    pub(super) const fn new(
        proven: Proven,
        kind: RecoveryKind,
        codes_left: usize,
        temporary_allowed: bool,
    ) -> Self {
        Self {
            proven,
            kind,
            codes_left,
            temporary_allowed,
        }
    }

    pub(super) const fn proven(&self) -> &Proven {
        &self.proven
    }

    pub const fn kind(&self) -> RecoveryKind {
        self.kind
    }

    pub const fn temporary_allowed(&self) -> bool {
        self.temporary_allowed
    }

    /// "I am without the app for now": a short session; new emergency codes first where the last one went.
    /// Where it is not allowed any more the state comes back.
    pub fn temporary(self) -> Result<Next, Self> {
        if !self.temporary_allowed {
            return Err(self);
        }
        let last_one = self.kind == RecoveryKind::EmergencyCode && self.codes_left == 0;
        Ok(if last_one {
            Next::MakeCodes(NeedsCodes::new(self.proven, true))
        } else {
            Next::Open(Grant::short(self.proven))
        })
    }

    /// "I have permanently lost access": a new enrolment; nothing changes before its code is confirmed.
    pub const fn permanent(self) -> Enrolment {
        Enrolment::replacing(self.proven)
    }
}
