//! Sessions: the portal's (SSO) and each application host's, its child.

use super::assurance::{Assurance, Factors};
use super::host::Host;
use super::id::{AccountId, DeviceId, SessionId};
use super::subject::Subject;
use super::timestamp::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Longest silence; at most 1 h where AAL2 is claimed (SP 800-63B-4 2.2.3).
    pub idle: Duration,
    /// Longest life, from sign-in; at most 24 h where AAL2 is claimed.
    pub lifetime: Duration,
}

/// Longest life of a session opened with a recovery code "for now".
pub const RECOVERY_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// The portal's session: what one sign-in has established, and until when. There is one in memory for each cookie that
/// was used within a minute, so whatever a request does not need is in the [`Record`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub factors: Factors,
    /// When the sign-in was completed; the assertion's `auth_time` until a step-up renews it.
    pub auth_time: Timestamp,
    pub password_at: Timestamp,
    pub second_factor_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The trusted device that stood in for the code; gone when the trust is gone.
    pub trusted_device: Option<Box<DeviceId>>,
}

/// Where a sign-in came from, for people who look through their sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// A session as it is stored: whose it is, and where it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub account: AccountId,
    pub session: Session,
    pub begun: Beginning,
}

impl Session {
    pub fn is_live(&self, rules: &Rules, now: Timestamp) -> bool {
        now < self.expires_at && now.since(self.last_seen_at) < rules.idle
    }

    pub const fn assurance(&self) -> Assurance {
        self.factors.assurance()
    }
}

/// A session as a request meets it: what it stands for, whom it speaks for, and the host its cookie belongs to.
#[derive(Clone, Debug)]
pub struct View {
    pub session: Session,
    pub subject: Arc<Subject>,
    /// `None`: the portal's own cookie. `Some`: the child for this application host.
    pub host: Option<Host>,
}

impl View {
    /// Live, and of an account that may sign in.
    pub fn is_live(&self, rules: &Rules, now: Timestamp) -> bool {
        self.subject.is_active() && self.session.is_live(rules, now)
    }
}
