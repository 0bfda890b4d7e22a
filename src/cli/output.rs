//! How commands print: for people, or as JSON for programs.

use serde::Serialize;

/// `println!`, for a reader that may go away, see [`crate::cli::print`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::print(&format!("{}\n", format_args!($($text)*)))?
    };
}

/// `eprintln!`, for a reader that may go away: a remark that nobody reads is no fault.
macro_rules! remark {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    }};
}

pub(super) use {remark, say};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Json,
}

pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A change was made.
pub(super) fn done(format: Format, sentence: &str) -> anyhow::Result<()> {
    match format {
        Format::Plain => say!("{sentence}"),
        Format::Json => json(&serde_json::json!({"done": true, "message": sentence}))?,
    }
    Ok(())
}

/// A point in time as people and programs read it (RFC 3339, UTC).
pub(super) fn moment(at: crate::domain::timestamp::Timestamp) -> String {
    use time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}
