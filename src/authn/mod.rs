//! Use cases: each loads, lets `domain` decide, and commits the decision as one transaction.
//!
//! Invariant: nothing here grants anything by itself. Proofs come from `domain::verifier`, grants from
//! `domain::login`; a session exists only where a grant was committed together with everything it spent.

pub mod accounts;
pub mod adoption;
pub mod api_access;
pub mod api_tokens;
pub mod codes;
pub mod desk;
pub mod devices;
pub mod enrolment;
pub mod enrolment_proof;
pub mod hashing;
pub mod helpdesk;
pub mod import;
mod lanes;
pub mod letters;
pub mod minting;
pub mod new_password;
pub mod progress;
pub mod reminders;
pub mod reset;
pub mod second_factor;
pub mod self_service;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod tickets;

use crate::domain::account::PasswordHash;
use crate::domain::binding::EnrolmentProof;
use crate::domain::desk::Roles;
use crate::domain::password_rules;
use crate::domain::policy::{self, TwoFactorRules};
use crate::domain::session;
use crate::domain::throttle;
use crate::domain::verifier::password;
use crate::env::Env;
use crate::store::{self, SharedStore};
use crate::vault::{self, Vault};
use hashing::{Busy, Hashing};
use sessions::Sessions;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the use cases go by.
#[derive(Clone, Debug)]
pub struct Rules {
    pub two_factor: TwoFactorRules,
    pub sessions: session::Rules,
    pub throttle: throttle::Rules,
    pub enrolment_proof: EnrolmentProof,
    /// Emergency codes shown at an enrolment.
    pub emergency_codes: usize,
    pub password: password_rules::Rules,
    /// Which groups may use the console, and how.
    pub roles: Roles,
    /// The portal's address, e.g. `https://login.example.com`: what mailed links begin with.
    pub portal: String,
    /// Whether there is a mail server.
    pub mails: bool,
}

/// Something is broken or overloaded; nobody gets in because of it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Store(#[from] store::Fault),
    #[error(transparent)]
    Vault(#[from] vault::Fault),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Hashing(#[from] password::HashingFailed),
    #[error("a sign-in's state cannot be read: {0}")]
    State(#[from] serde_json::Error),
    #[error(transparent)]
    Proof(#[from] crate::domain::login::ForeignProof),
}

/// The use cases' tools.
pub struct Authn {
    store: SharedStore,
    vault: Arc<Vault>,
    env: Env,
    hashing: Arc<Hashing>,
    sessions: Arc<Sessions>,
    adoption: Arc<adoption::Cache>,
    rules: Rules,
    /// Places for requests for a mailed link.
    resets: Arc<Semaphore>,
    /// Checked where there is no account, so that the answer takes as long.
    decoy: PasswordHash,
}

impl Authn {
    pub fn new(
        store: SharedStore,
        vault: Arc<Vault>,
        env: Env,
        limits: hashing::Limits,
        rules: Rules,
    ) -> Result<Self, Fault> {
        let decoy = password::decoy(&env.random(), &env.random());
        Ok(Self {
            sessions: Arc::new(Sessions::new(
                Arc::clone(&store),
                env.clone(),
                rules.sessions,
            )),
            store,
            vault,
            env,
            hashing: Arc::new(Hashing::new(limits)),
            adoption: Arc::default(),
            rules,
            resets: Arc::new(Semaphore::new(reset::RESETS_AT_ONCE as usize)),
            decoy,
        })
    }

    /// The same tools, sessions and counters under other rules. The limits of sessions themselves change with
    /// [`Sessions::set_rules`], when all of a new configuration comes into force.
    #[must_use]
    pub fn under(&self, limits: hashing::Limits, rules: Rules) -> Self {
        let hashing = if self.hashing.limits() == limits {
            Arc::clone(&self.hashing)
        } else {
            Arc::new(Hashing::new(limits))
        };
        Self {
            store: Arc::clone(&self.store),
            vault: Arc::clone(&self.vault),
            env: self.env.clone(),
            hashing,
            sessions: Arc::clone(&self.sessions),
            adoption: Arc::clone(&self.adoption),
            rules,
            resets: Arc::clone(&self.resets),
            decoy: self.decoy.clone(),
        }
    }

    pub const fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    pub const fn store(&self) -> &SharedStore {
        &self.store
    }

    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub const fn env(&self) -> &Env {
        &self.env
    }

    /// The rules `policy::decide` takes.
    pub const fn policy(&self) -> policy::Rules<'_> {
        policy::Rules {
            two_factor: &self.rules.two_factor,
            sessions: &self.rules.sessions,
        }
    }
}

impl std::fmt::Debug for Authn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authn")
    }
}
