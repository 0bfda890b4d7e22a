//! Tokens of the admin API: scoped, expiring, stored as a hash.

use super::id::ApiTokenId;
use super::timestamp::Timestamp;
use std::collections::BTreeSet;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Find and look at accounts.
    AccountsRead,
    /// Create, import, disable, enable, delete accounts, set groups, start password resets.
    AccountsWrite,
    /// One-time codes, sign-out, trusted devices, exemptions, unlocking.
    Helpdesk,
    /// The audit trail.
    AuditRead,
    /// 2FA adoption.
    AdoptionRead,
}

impl Scope {
    pub const ALL: [Self; 5] = [
        Self::AccountsRead,
        Self::AccountsWrite,
        Self::Helpdesk,
        Self::AuditRead,
        Self::AdoptionRead,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountsRead => "accounts:read",
            Self::AccountsWrite => "accounts:write",
            Self::Helpdesk => "helpdesk",
            Self::AuditRead => "audit:read",
            Self::AdoptionRead => "adoption:read",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// A token as it is kept; the token itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl ApiToken {
    pub fn allows(&self, scope: Scope, now: Timestamp) -> bool {
        now < self.expires_at && self.scopes.contains(&scope)
    }
}
