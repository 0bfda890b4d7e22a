//! What is wrong with a configuration, where, and what to write instead.
//!
//! Safe on hostile input: the number of problems and the length of everything quoted is bounded, and
//! control characters of the file never reach the terminal.

use serde::Serialize;
use std::fmt;
use std::fmt::Write as _;

/// More problems than these are not listed.
pub(crate) const MOST_PROBLEMS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Vestibule does not start.
    Error,
    /// It starts, but the operator should know.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// Keys from the top, e.g. `routes[1].upstream[0]`; empty for the file as a whole.
    pub path: String,
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Everything that was found in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The file's name as given.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// In the order of their lines.
    pub problems: Vec<Problem>,
}

impl Report {
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    pub fn count(&self, severity: Severity) -> usize {
        let of = |p: &&Problem| p.severity == severity;
        self.problems.iter().filter(of).count()
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        let of = |p: &&Problem| p.severity == Severity::Warning;
        self.problems.iter().filter(of)
    }

    /// Each problem with its place, the line it is on and what to write instead.
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::new();
        for problem in &self.problems {
            render_problem(&mut out, problem, file_name, &lines);
            out.push('\n');
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(&self.file, &self.text).trim_end())
    }
}

impl std::error::Error for Report {}

fn render_problem(out: &mut String, problem: &Problem, file: &str, lines: &[&str]) {
    let word = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let path = match problem.path.as_str() {
        "" => String::new(),
        path => format!("{}: ", shortened(path, 120)),
    };
    let _ = writeln!(out, "{word}: {path}{}", problem.message);
    if problem.line == 0 {
        let _ = writeln!(out, "  --> {file}");
    } else {
        let _ = writeln!(out, "  --> {file}:{}:{}", problem.line, problem.column);
    }
    let width = problem.line.to_string().len();
    if let Some(line) = problem.line.checked_sub(1).and_then(|n| lines.get(n)) {
        let (shown, caret) = window(line, problem.column);
        let before = problem.line.checked_sub(2).and_then(|n| lines.get(n));
        if let Some(before) = before.filter(|l| !l.trim().is_empty()) {
            let shown = window(before, 1).0;
            let _ = writeln!(out, " {:>width$} | {shown}", problem.line - 1);
        }
        let _ = writeln!(out, " {:>width$} | {shown}", problem.line);
        let _ = writeln!(out, " {:>width$} | {}^", "", " ".repeat(caret));
    }
    if !problem.help.is_empty() {
        let _ = writeln!(out, " {:>width$} = help: {}", "", problem.help);
    }
}

/// A stretch of a line fit for a terminal, and how far into it `column` is.
fn window(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 110;
    let at = column.saturating_sub(1);
    let start = if at < WIDTH - 20 { 0 } else { at - WIDTH / 2 };
    let line = without_password(line);
    let rest = line.chars().skip(start);
    let mut shown: String = rest.take(WIDTH).map(printable).collect();
    shown.truncate(shown.trim_end().len());
    (shown, at - start)
}

/// The password of a URL becomes dots, one for each character.
pub(crate) fn without_password(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at_checked(at + 3).unwrap_or((rest, ""));
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\''));
        let (authority, tail) = after
            .split_at_checked(end.unwrap_or(after.len()))
            .unwrap_or((after, ""));
        match authority
            .rsplit_once('@')
            .map(|(user, host)| (user.split_once(':'), host))
        {
            Some((Some((user, password)), host)) if !password.contains("${") => {
                let dots = "•".repeat(password.chars().count());
                out.push_str(&format!("{user}:{dots}@{host}"));
            }
            _ => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn printable(c: char) -> char {
    match c {
        c if c.is_control() => ' ',
        // bidirectional controls would show the line in another order than it is read
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        c => c,
    }
}

/// Text of the file as quoted in a message: printable, at most `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(printable).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// The one of `known` that was probably meant.
pub(crate) fn did_you_mean<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    if written.len() > 64 {
        return None;
    }
    let fold = |s: &str| s.to_ascii_lowercase().replace('-', "_");
    let written = fold(written);
    let (best, distance) = known
        .iter()
        .map(|k| (*k, distance(&written, &fold(k))))
        .min_by_key(|(_, distance)| *distance)?;
    (distance <= written.len().max(3) / 3).then_some(best)
}

/// Edits that lead from one text to the other (insert, delete, replace).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (pair, y) in row.windows(2).zip(b.bytes()) {
            let [diagonal, up] = *pair else { continue };
            left = (left + 1).min(up + 1).min(diagonal + usize::from(x != y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let known = ["policy", "max_age", "two_factor", "upstream"];
        let check = |written: &str, want: Option<&str>| {
            assert_eq!(did_you_mean(written, &known), want, "{written}");
        };
        check("polcy", Some("policy"));
        check("max-age", Some("max_age"));
        check("upstreams", Some("upstream"));
        check("twofactor", Some("two_factor"));
        check("colour", None);
        check("", None);
    }

    #[test]
    fn passwords_of_urls_are_not_shown() {
        let check = |text: &str, want: &str| assert_eq!(without_password(text), want);
        check(
            "a: \"http://u:pass@h/x\" # b",
            "a: \"http://u:••••@h/x\" # b",
        );
        check(
            "[http://a:1, http://u:p@b:2]",
            "[http://a:1, http://u:•@b:2]",
        );
        check("http://u@h http://h:1", "http://u@h http://h:1");
        check("smtps://u:${PW}@h", "smtps://u:${PW}@h");
        check("://", "://");
    }

    #[test]
    fn hostile_lines_are_shown_harmless_and_short() {
        let (shown, caret) = window("\u{1b}[31mred\u{202e}", 6);
        assert_eq!((shown.as_str(), caret), (" [31mred", 5));
        let (shown, caret) = window(&"x".repeat(1_000_000), 500_000);
        assert!(shown.len() <= 110 && caret < 110);
    }
}
