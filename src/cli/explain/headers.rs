//! What the application is told of a person.

use crate::domain::policy::Decision;
use crate::domain::route::Route;
use crate::gateway::{self, Value};
use serde::Serialize;

/// One header of the request that the application receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub name: String,
    /// `None`: see `note`.
    pub value: Option<String>,
    /// Why no value is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.value, &self.note) {
            (Some(value), _) => write!(f, "{}: {}", self.name, harmless(value)),
            (None, Some(note)) => write!(f, "{} ({note})", self.name),
            (None, None) => f.write_str(&self.name),
        }
    }
}

/// By the gateway's own mapping; an error is why every such request fails.
pub(super) fn of(route: &Route, decision: &Decision) -> Result<Vec<Told>, String> {
    let Decision::Forward(permit) = decision else {
        return Ok(Vec::new());
    };
    if route.answers.own.is_some() {
        return Ok(Vec::new());
    }
    let all = gateway::told(route, permit)?;
    Ok(all.into_iter().map(told).collect())
}

fn told(told: gateway::Told) -> Told {
    let (value, note) = match told.value {
        Value::Known(value) => (Some(value), None),
        Value::Secret => (None, Some("holds the configured password")),
        Value::Signed => (None, Some("signed anew for each request")),
        Value::Nothing => (None, Some("left out: the account has nothing for it")),
    };
    Told {
        name: told.name,
        value,
        note: note.map(str::to_owned),
    }
}

/// For a terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}
