//! Accounts as lines of CSV or JSON: read and checked the same way by the command line and by the console. Pure.

use super::accounts::{NewAccount, Refusal, refused};
use crate::domain::account::{Account, NameKey, PasswordHash};
use crate::domain::verifier::password;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An account as it is printed and imported.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub login: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub groups: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    // shown, and passed over at an import
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i64>,
}

impl Line {
    pub fn of(account: &Account, with_hash: bool) -> Self {
        let hash = account.password.as_ref().filter(|_| with_hash);
        Self {
            login: account.login.clone(),
            email: account.email.clone(),
            name: Some(account.name.clone()),
            groups: (*account.groups).clone(),
            attributes: account.attributes.clone().into(),
            disabled: !account.is_active(),
            password_hash: hash.map(|h| h.encoded().to_owned()),
            id: Some(account.id.to_string()),
            two_factor: Some(account.has_second_factor()),
            created_at: Some(account.created_at.seconds()),
            deadline: account.reminder.grace_ends_at.map(|t| t.seconds()),
        }
    }
}

/// Why a line is not an account.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Account(#[from] Refusal),
    #[error(
        "the password hash `{0}…` is of an unknown kind: argon2, bcrypt, scrypt, pbkdf2-sha256/-sha512 and sha-crypt are known"
    )]
    Hash(String),
    #[error("its login name or e-mail address stands in line {0} already")]
    Twice(usize),
}

/// A line by its number, counted from one.
pub type Numbered = (usize, Result<NewAccount, Problem>);

/// Reads the first `most` lines that are not empty. A line that cannot be read does not hold up those after it.
pub fn parse(text: &str, most: usize) -> Vec<Numbered> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = if text.trim_start().starts_with('{') {
        json_lines(text, most)
    } else {
        csv_lines(text, most)
    };
    let mut seen: HashMap<NameKey, usize> = HashMap::new();
    lines
        .into_iter()
        .map(|(number, line)| (number, line.and_then(account_of)))
        .map(|(number, new)| (number, new.and_then(|new| once(new, number, &mut seen))))
        .collect()
}

fn account_of(line: Line) -> Result<NewAccount, Problem> {
    let unknown = |hash: &&String| !password::is_supported(hash);
    if let Some(hash) = line.password_hash.as_ref().filter(unknown) {
        return Err(Problem::Hash(hash.chars().take(12).collect()));
    }
    let new = NewAccount {
        name: line.name.unwrap_or_else(|| line.login.clone()),
        login: line.login,
        email: line.email.filter(|e| !e.is_empty()),
        groups: line.groups,
        attributes: line.attributes,
        language: None,
        disabled: line.disabled,
        password: line.password_hash.map(PasswordHash::from_encoded),
    };
    match refused(&new) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(new),
    }
}

/// Of lines with a name in common the first counts.
fn once(
    new: NewAccount,
    number: usize,
    seen: &mut HashMap<NameKey, usize>,
) -> Result<NewAccount, Problem> {
    let names = [Some(new.login.as_str()), new.email.as_deref()];
    let keys: Vec<NameKey> = names
        .into_iter()
        .flatten()
        .filter_map(NameKey::new)
        .collect();
    if let Some(first) = keys.iter().find_map(|key| seen.get(key)) {
        return Err(Problem::Twice(*first));
    }
    seen.extend(keys.into_iter().map(|key| (key, number)));
    Ok(new)
}

type Read = (usize, Result<Line, Problem>);

fn json_lines(text: &str, most: usize) -> Vec<Read> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .take(most)
        .map(|(i, line)| {
            let line = serde_json::from_str(line)
                .map_err(|e| Problem::Unreadable(format!("not an account as JSON: {e}")));
            (i + 1, line)
        })
        .collect()
}

fn csv_lines(text: &str, most: usize) -> Vec<Read> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        login: String,
        #[serde(default)]
        email: Option<String>,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        groups: Option<String>,
        #[serde(default)]
        password_hash: Option<String>,
        #[serde(default)]
        disabled: Option<bool>,
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    reader
        .deserialize::<Row>()
        .enumerate()
        .take(most)
        .map(|(i, row)| {
            let line = row
                .map_err(|e| Problem::Unreadable(format!("not a row of accounts: {e}")))
                .map(|row| Line {
                    login: row.login,
                    email: row.email,
                    name: row.name.filter(|n| !n.is_empty()),
                    groups: row
                        .groups
                        .unwrap_or_default()
                        .split(';')
                        .map(str::trim)
                        .filter(|g| !g.is_empty())
                        .map(str::to_owned)
                        .collect(),
                    attributes: BTreeMap::new(),
                    disabled: row.disabled.unwrap_or(false),
                    password_hash: row.password_hash.filter(|h| !h.is_empty()),
                    id: None,
                    two_factor: None,
                    created_at: None,
                    deadline: None,
                });
            (i + 2, line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Result<String, String>)> {
        parse(text, usize::MAX)
            .into_iter()
            .map(|(n, line)| (n, line.map(|a| a.login).map_err(|e| e.to_string())))
            .collect()
    }

    #[test]
    fn rows_and_lines() {
        let rows = parse(
            "login,email,groups,disabled\naino,aino@example.com,staff;finance,\nveikko,,,true\n",
            usize::MAX,
        );
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!(
            (first.login.as_str(), first.groups.len(), first.disabled),
            ("aino", 2, false)
        );
        assert!(rows[1].1.as_ref().unwrap().disabled);
        let unknown = read("login,colour\naino,red\n");
        assert!(unknown[0].1.is_err());
        let lines = read("{\"login\":\"a\"}\n\n{\"login\":1}\n");
        let ok: Vec<_> = lines.iter().map(|(n, l)| (*n, l.is_ok())).collect();
        assert_eq!(ok, [(1, true), (3, false)]);
    }

    #[test]
    fn hostile_text_is_read_line_by_line() {
        let lines = read(
            "\u{feff}login,email,name\r\naino,,=cmd|' /C calc'!A0\r\nAINO,,again\r\nx,x@y,\"un\"\"quoted, \"\r\ntoo,many,fields,here\r\nliisa,aino@a@b,\r\n\r\nend,x@Y,\r\n\u{0},,\r\n",
        );
        let ok: Vec<_> = lines.iter().map(|(n, l)| (*n, l.is_ok())).collect();
        assert_eq!(
            ok[..5],
            [(2, true), (3, false), (4, true), (5, false), (6, false)],
            "{lines:?}"
        );
        assert!(lines[1].1.as_ref().unwrap_err().contains("line 2"));
        assert!(lines[5].1.as_ref().unwrap_err().contains("line 4"));
        assert!(lines[6].1.is_err());
    }

    #[test]
    fn a_hundred_thousand_lines_end_where_they_are_to_end() {
        let text = format!("login\n{}", "a\n".repeat(100_000));
        assert_eq!(parse(&text, 2001).len(), 2001);
        let open = format!("login\n\"{}", "a\n".repeat(100_000));
        assert_eq!(parse(&open, 2001).len(), 1);
        assert!(parse(&open, 2001)[0].1.is_err());
    }
}
