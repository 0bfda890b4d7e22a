//! The manual page of the configuration, vestibule.yaml(5), made from its schema like the reference page.

use super::docs::{Page, description, plain_text};
use serde_json::Value;
use std::fmt::Write as _;

/// The page in the language of `man` (man(7)).
pub fn page(version: &str) -> String {
    let schema = super::docs::json_schema();
    let mut out = format!(
        ".TH VESTIBULE.YAML 5 \"\" \"Vestibule {version}\" \"Vestibule\"\n{}",
        INTRODUCTION
    );
    let page = Page::new(&schema);
    for (key, section) in page.properties(&schema, "") {
        let _ = writeln!(out, ".SH {}", quoted(&key.to_uppercase()));
        text(&mut out, &description(section));
        page.each_key(&key, section, &mut |path, value, required| {
            entry(&mut out, &page, path, value, required);
        });
    }
    out.push_str(END);
    out
}

const INTRODUCTION: &str = "\
.SH NAME
vestibule.yaml \\- configuration of the Vestibule gateway
.SH SYNOPSIS
.I /etc/vestibule/vestibule.yaml
.SH DESCRIPTION
One YAML file, named with
.BR \\-\\-config .
.B vestibule check
says everything that is wrong with it, where, and what to write instead.
.PP
Unknown keys, keys without a value and keys written twice are mistakes; with one mistake nothing starts.
Spans of time are a whole number and a unit: 30s, 15m, 1h, 7d, 2w.
Sizes: 32KiB, 100MiB, 1GiB, or bytes.
Paths of files are relative to the folder of the file.
Secrets are never written here: name a file, or write ${NAME} for an environment variable.
.PP
Below, [] stands for each entry of a list, NAME for a name of your own.
";

const END: &str = "\
.SH FILES
.TP
.I /etc/vestibule/vestibule.yaml
the configuration
.TP
.I /usr/share/vestibule/vestibule.schema.json
its JSON Schema, with which editors complete and check it
.TP
.I /usr/share/doc/vestibule/examples/vestibule.example.yaml
every key, in an example
.SH SEE ALSO
.BR vestibule (1),
.BR vestibule\\-check (1),
.BR vestibule\\-explain (1)
";

fn entry(out: &mut String, page: &Page<'_>, path: &str, value: &Value, required: bool) {
    let _ = writeln!(out, ".TP\n.B {}", escaped(path));
    let kind = page.kind(value).replace('`', "");
    let must = if required { ", must be there" } else { "" };
    let default = value.get("default").map(plain_text);
    let default = default.map_or_else(String::new, |d| format!(", default: {d}"));
    text(out, &description(value));
    let _ = writeln!(out, "({})", escaped(&format!("{kind}{must}{default}")));
}

/// Words of a line of their own, for which the page's code marks are no marks.
fn text(out: &mut String, words: &str) {
    if !words.is_empty() {
        let _ = writeln!(out, "{}", escaped(&words.replace('`', "")));
    }
}

/// A dot or a quote at the beginning of a line would be a command, a backslash anywhere; a bare hyphen is one.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "\\(dq"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_formatter_would_obey_is_only_text() {
        assert_eq!(escaped(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(escaped("'br"), "\\&'br");
        assert_eq!(escaped("a\\b --c"), "a\\eb \\-\\-c");
        assert_eq!(quoted("A \"B\""), "\"A \\(dqB\\(dq\"");
    }

    #[test]
    fn every_key_of_the_schema_has_an_entry() {
        let page = page("1");
        let reference = super::super::docs::markdown();
        let keys = reference.lines().filter_map(|line| {
            let cell = line.strip_prefix("| ")?.split(" | ").next()?;
            cell.trim_matches('*').strip_prefix('`')?.strip_suffix('`')
        });
        let mut seen = 0;
        for key in keys {
            seen += 1;
            let entry = format!("\n.B {}\n", escaped(key));
            assert!(page.contains(&entry), "{key}");
        }
        assert!(seen > 80, "the reference page is written in another way");
    }
}
