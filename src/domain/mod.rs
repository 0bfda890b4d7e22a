//! What Vestibule decides, with no I/O in it: no async, no HTTP library, no SQL, no clock, no randomness.
//!
//! Everything here takes values and returns values; `now` and fresh random bytes are arguments. The
//! invariants that make a bypass a compile error live here: only [`policy::decide`] makes a
//! [`policy::Permit`], only [`verifier`] makes a proof.

pub mod account;
pub mod adoption;
pub mod answer;
pub mod api_token;
pub mod assertion;
pub mod assurance;
pub mod audit;
pub mod authenticator;
pub mod binding;
pub mod confirmation;
pub mod credentials;
pub mod database;
pub mod desk;
pub mod device;
pub mod headers;
pub mod host;
pub mod id;
pub mod letter;
pub mod limits;
pub mod logged;
pub mod login;
pub mod minting;
pub mod network;
pub mod own_page;
pub mod password_rules;
pub mod policy;
pub mod recovery;
pub mod reminder;
pub mod request;
pub mod return_to;
pub mod rewrite;
pub mod route;
pub mod secret;
pub mod session;
pub mod subject;
pub mod throttle;
pub mod timestamp;
pub mod trace;
pub mod upstream;
pub mod user_agent;
pub mod verifier;
