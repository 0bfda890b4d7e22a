//! How commands print: for people, or as JSON for programs.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Json,
}

pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A change was made.
pub(super) fn done(format: Format, sentence: &str) -> anyhow::Result<()> {
    match format {
        Format::Plain => println!("{sentence}"),
        Format::Json => json(&serde_json::json!({"done": true, "message": sentence}))?,
    }
    Ok(())
}
