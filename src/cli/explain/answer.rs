//! The whole answer, as text and as JSON.

use super::headers::Told;
use serde::Serialize;

/// What `explain` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub url: String,
    pub method: String,
    /// What the request is for, in one sentence.
    pub place: String,
    /// The route's name; `None` where the request belongs to none.
    pub route: Option<String>,
    /// The rules in the order in which they are applied.
    pub rules: Vec<String>,
    /// Whose request it is taken for, where an address or a certificate was given.
    pub client: Vec<String>,
    pub outcomes: Vec<Case>,
    /// What tells the application of a person, whoever it is.
    pub headers: Vec<String>,
    /// How long a new password must be, and why.
    pub new_passwords: String,
}

/// What happens to one kind of visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    pub who: String,
    /// [`Decision::code`].
    pub decision: &'static str,
    pub meaning: String,
    /// What the application is told of the person; values that are made for each request, or secret, are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Told>,
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        writeln!(f, "  {}", self.place)?;
        if !self.rules.is_empty() {
            writeln!(f, "\nRules, in this order:")?;
        }
        for (number, rule) in self.rules.iter().enumerate() {
            writeln!(f, "  {}. {rule}", number + 1)?;
        }
        if !self.client.is_empty() {
            writeln!(f, "\nThe client:")?;
        }
        for line in &self.client {
            writeln!(f, "  {line}")?;
        }
        if !self.outcomes.is_empty() {
            writeln!(f, "\nWhat happens:")?;
        }
        for case in &self.outcomes {
            writeln!(
                f,
                "  {}\n    -> {}: {}",
                case.who, case.decision, case.meaning
            )?;
            for told in &case.headers {
                writeln!(f, "       {told}")?;
            }
        }
        if !self.headers.is_empty() {
            let names = self.headers.join(", ");
            writeln!(f, "\nThe application is told who it is by: {names}")?;
        }
        if self.route.is_some() {
            writeln!(f, "\nNew passwords: {}", self.new_passwords)?;
        }
        Ok(())
    }
}
