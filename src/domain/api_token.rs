//! Tokens of the admin API: scoped, expiring, stored as a hash.

use super::id::ApiTokenId;
use super::secret::{Token, TokenHash};
use super::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What every token begins with, so that scanners for leaked secrets know one.
pub const PREFIX: &str = "vst_";

/// No token lives longer.
pub const LONGEST_LIFE: Duration = Duration::from_secs(366 * 86_400);

/// The hash of a token as it is presented; `None` for what cannot be one of ours.
pub fn presented(text: &str) -> Option<TokenHash> {
    Token::parse(text.strip_prefix(PREFIX)?).map(|token| token.hash())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_are_looked_up() {
        let token = Token::from_random([7; 32]);
        let whole = format!("{PREFIX}{}", token.reveal());
        assert_eq!(presented(&whole), Some(token.hash()));
        for bad in [
            "",
            PREFIX,
            &token.reveal(),
            &format!("{whole}="),
            &whole[..46],
            &format!("VST_{}", token.reveal()),
            &format!(" {whole}"),
        ] {
            assert_eq!(presented(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_opens_its_scopes_until_it_expires() {
        let at = Timestamp::from_seconds;
        let token = ApiToken {
            id: ApiTokenId::from_uuid(uuid::Uuid::from_u128(1)),
            name: "payroll".to_owned(),
            scopes: BTreeSet::from([Scope::AccountsRead]),
            created_at: at(0),
            expires_at: at(100),
            last_used_at: None,
        };
        assert!(token.allows(Scope::AccountsRead, at(99)));
        assert!(!token.allows(Scope::AccountsRead, at(100)));
        assert!(!token.allows(Scope::AccountsWrite, at(99)));
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.code()), Some(scope));
        }
    }
}
