//! Problems while they are being collected.

use super::report::{MOST_PROBLEMS, Problem, Severity};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Line and column, both from 1; 0 for the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Problems as they are found, up to [`MOST_PROBLEMS`].
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    left_out: bool,
    /// Warnings that were found, those beyond [`MOST_WARNINGS`] too.
    warnings: usize,
    /// The environment variables that were read, by name: what stands in them is never shown.
    hidden: BTreeMap<String, String>,
}

/// Warnings that are listed: they must neither hide mistakes nor, by their number, count as one.
const MOST_WARNINGS: usize = MOST_PROBLEMS / 2;

impl Problems {
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        (path, mark): (String, Mark),
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        match severity {
            Severity::Warning => {
                self.warnings += 1;
                if self.warnings > MOST_WARNINGS {
                    return;
                }
            }
            Severity::Error if self.is_full() => {
                self.left_out = true;
                return;
            }
            Severity::Error => {}
        }
        let problem = Problem {
            severity,
            path,
            line: mark.line,
            column: mark.column,
            message: self.hide(message.into()),
            help: self.hide(help.into()),
        };
        self.list.push(problem);
    }

    pub(crate) fn error(
        &mut self,
        place: impl Into<Place>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let place = place.into();
        self.push(Severity::Error, (place.path, place.mark), message, help);
    }

    pub(crate) fn warning(
        &mut self,
        place: impl Into<Place>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let place = place.into();
        self.push(Severity::Warning, (place.path, place.mark), message, help);
    }

    pub(crate) fn hide_values(&mut self, used: BTreeMap<String, String>) {
        self.hidden.extend(used);
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.list.len() >= MOST_PROBLEMS
    }

    pub(crate) const fn leave_rest_out(&mut self) {
        self.left_out = true;
    }

    /// Puts `${NAME}` back in place of a variable's value, also where the value was cut short.
    fn hide(&self, text: String) -> String {
        self.hidden.iter().fold(text, |text, (name, value)| {
            let start: String = value.chars().take(8).collect();
            let mut out = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once(start.as_str()) {
                out.push_str(before);
                let more = value.strip_prefix(start.as_str()).unwrap_or_default();
                let same = after.chars().zip(more.chars()).take_while(|(a, b)| a == b);
                let length: usize = same.map(|(c, _)| c.len_utf8()).sum();
                let tail = after.get(length..).unwrap_or_default();
                if length == more.len() || tail.starts_with('…') {
                    let _ = write!(out, "${{{name}}}");
                    rest = tail;
                } else {
                    out.push_str(&start);
                    rest = after;
                }
            }
            out + rest
        })
    }

    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|p| (p.line, p.column));
        let more = self.warnings.saturating_sub(MOST_WARNINGS);
        if more > 0 {
            self.list.push(Problem {
                severity: Severity::Warning,
                path: String::new(),
                line: 0,
                column: 0,
                message: format!("{more} more warnings are not listed"),
                help: "see to these and check again".into(),
            });
        }
        if self.left_out {
            self.list.push(Problem {
                severity: Severity::Error,
                path: String::new(),
                line: 0,
                column: 0,
                message: "there may be more mistakes than are listed here".into(),
                help: "correct these and check again".into(),
            });
        }
        self.list
    }
}

/// A place in words and figures, detached from the tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) mark: Mark,
}
