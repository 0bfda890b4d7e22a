//! A load tester: drives URLs like their users and says what it saw.
//!
//! A *user* is a task that sends one request after the other on a connection of its own (or on one of the streams of
//! a shared HTTP/2 connection). Users live on a few threads, each with an event loop of its own, and write down what
//! happens in a tally of their thread: nothing is shared while load runs but the gate that opens and closes a *slice*
//! of time. A plain run is one slice; a comparison is many short ones, of one side and the other in turn.
//!
//! Invariants: nobody is sent a request whose address was not checked by [`target::resolve`], which lets only
//! loopback pass unless the operator says that the host is theirs. Everything has an end: see [`plan::ceilings`].
//!
//! Latencies are honest. With a fixed rate they count from the moment the request was due, so that a stall of the
//! server is in them in full ("coordinated omission"); what was due and could not be sent is counted, too.

pub mod client;
pub mod compare;
mod engine;
pub mod fail_if;
mod html_form;
mod pace;
pub mod plan;
pub mod ratio;
pub mod report;
pub mod sessions;
pub mod sign_in;
mod slice;
pub mod stats;
pub mod target;
mod user;
pub mod watch;

pub use engine::{Observer, Progress, Stop, run};
pub use plan::{Loop, Plan, Side};
pub use report::Report;

/// Something asked for cannot be done; says what to write instead.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Wrong(String);

impl Wrong {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
