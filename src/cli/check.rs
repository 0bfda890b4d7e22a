//! `vestibule check`: everything that is wrong with a configuration, at once.

use super::{Outcome, print};
use crate::config::{self, Report, Settings, Severity};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule check --config config/vestibule.yaml
  vestibule check --config config/vestibule.yaml --json
  vestibule check --schema > vestibule.schema.json

Warnings alone leave the exit code at 0.")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    config: Option<PathBuf>,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
    /// Prints the JSON Schema of the configuration, for editors
    #[arg(long)]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Some(path) = arguments.config.as_ref().filter(|_| !arguments.schema) else {
        print(&format!("{:#}\n", config::docs::json_schema()))?;
        return Ok(Outcome::Done);
    };
    let (settings, report) = config::examine(path, &crate::env::variable);
    let text = if arguments.json {
        format!("{:#}\n", json(&report, settings.as_ref()))
    } else {
        plain(&report, settings.as_ref())
    };
    print(&text)?;
    Ok(match settings {
        Some(_) => Outcome::Done,
        None => Outcome::Refused,
    })
}

fn json(report: &Report, settings: Option<&Settings>) -> serde_json::Value {
    serde_json::json!({
        "file": report.file,
        "ok": settings.is_some(),
        "routes": settings.map(|s| s.routes.routes().len()),
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "password_minimum_length": settings.map(|s| s.password.minimum.length),
        "problems": report.problems,
    })
}

fn plain(report: &Report, settings: Option<&Settings>) -> String {
    let found = report.render(&report.file, &report.text);
    let in_force = settings.map_or(String::new(), |settings| {
        format!("new passwords: {}\n", settings.password.minimum)
    });
    format!(
        "{found}{in_force}{}: {}\n",
        report.file,
        summary(report, settings)
    )
}

fn summary(report: &Report, settings: Option<&Settings>) -> String {
    let warnings = match report.count(Severity::Warning) {
        0 => String::new(),
        n => format!(", {}", counted(n, "warning")),
    };
    match settings {
        Some(settings) => {
            let routes = counted(settings.routes.routes().len(), "route");
            format!("{routes}, no mistakes{warnings}")
        }
        None => format!(
            "{}{warnings}",
            counted(report.count(Severity::Error), "mistake")
        ),
    }
}

fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
