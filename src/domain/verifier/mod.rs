//! Verifiers: each checks the output of one authenticator, and nothing else makes a proof.
//!
//! A proof names the account it is about and what it proved; the sign-in machine accepts proofs only, so
//! no handler can claim that something was verified.

pub mod code_text;
pub mod password;
pub mod recovery_code;
pub mod totp;

use super::assurance::SecondFactor;
use super::id::{AccountId, AuthenticatorId};
use super::timestamp::Timestamp;

/// The password of `account` was right at that time.
#[derive(Debug)]
pub struct PasswordProof {
    account: AccountId,
    at: Timestamp,
    initial: bool,
}

impl PasswordProof {
    /// Somebody else gave the password: it is good for choosing another one.
    pub const fn is_initial(&self) -> bool {
        self.initial
    }
    pub const fn account(&self) -> AccountId {
        self.account
    }
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// The account's authenticator app was in the person's hands at that time.
#[derive(Debug)]
pub struct PossessionProof {
    account: AccountId,
    authenticator: AuthenticatorId,
    step: u64,
    at: Timestamp,
}

impl PossessionProof {
    pub const fn account(&self) -> AccountId {
        self.account
    }
    pub const fn authenticator(&self) -> AuthenticatorId {
        self.authenticator
    }
    /// The time step to spend; the sign-in counts only if spending it succeeds.
    pub const fn step(&self) -> u64 {
        self.step
    }
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// A recovery code of the account was right at that time.
#[derive(Debug)]
pub struct RecoveryProof {
    account: AccountId,
    code: AuthenticatorId,
    kind: RecoveryKind,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryKind {
    EmergencyCode,
    OneTimeCode,
}

impl RecoveryKind {
    pub const fn second_factor(self) -> SecondFactor {
        match self {
            Self::EmergencyCode => SecondFactor::EmergencyCode,
            Self::OneTimeCode => SecondFactor::OneTimeCode,
        }
    }
}

impl RecoveryProof {
    pub const fn account(&self) -> AccountId {
        self.account
    }
    /// The code to spend; the sign-in counts only if spending it succeeds.
    pub const fn code(&self) -> AuthenticatorId {
        self.code
    }
    pub const fn kind(&self) -> RecoveryKind {
        self.kind
    }
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// A freshly made secret was proven to be in the person's app.
#[derive(Debug)]
pub struct BindingProof {
    step: u64,
    at: Timestamp,
}

impl BindingProof {
    pub const fn step(&self) -> u64 {
        self.step
    }
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}
