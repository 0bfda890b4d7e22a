//! The configuration: YAML ([`schema`]) -> checked ([`check`]) -> domain types ([`Settings`]).
//!
//! Everything is parsed once, and every mistake is reported at once, with its place and what to write
//! instead. Fail closed: with one error there are no settings.

mod build;
mod check;
pub mod docs;
pub mod list;
pub mod man;
mod problems;
mod read;
mod report;
pub mod scalar;
pub mod schema;
mod settings;
mod source;

pub use report::{Problem, Report, Severity};
pub use settings::{
    AccessLogFormat, AccessLogSettings, AccessLogTarget, AcmeSettings, AppSettings, BrandSettings,
    CertificateFiles, ClientCertificateSettings, ExternalAccountSettings, Hashing, HstsSettings,
    Listener, ListenerKind, MailCredentials, MailSecurity, MailSettings, PasswordSettings, Sender,
    Settings, StorageSettings, Support, TlsSettings, TraceSettings,
};

use problems::{Place, Problems};
use source::Tree;
use std::io::Read as _;
use std::path::Path;

/// Where the values of `${NAME}` come from.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads and checks a configuration file. Warnings alone do not refuse it; [`examine`] tells them.
pub fn load(path: &Path) -> Result<Settings, Report> {
    let (settings, report) = examine(path, &crate::env::variable);
    settings.ok_or(report)
}

/// Reads and checks a configuration file and tells everything that was found; no settings where there is an
/// error among it.
pub fn examine(path: &Path, variables: Variables<'_>) -> (Option<Settings>, Report) {
    let file = path.display().to_string();
    match read(path) {
        Ok(text) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            examine_text(&file, text, folder, variables)
        }
        Err((message, help)) => {
            let mut problems = Problems::default();
            problems.error(Place::default(), message, help);
            let problems = problems.into_sorted();
            (
                None,
                Report {
                    file,
                    text: String::new(),
                    problems,
                },
            )
        }
    }
}

/// The same for a text; `folder` is what its relative paths are relative to.
pub fn examine_text(
    file: &str,
    text: String,
    folder: &Path,
    variables: Variables<'_>,
) -> (Option<Settings>, Report) {
    let mut problems = Problems::default();
    let settings = match Tree::parse(&text, variables, &mut problems) {
        Some(mut tree) => check::settings(&mut tree, folder, &mut problems),
        None => None,
    };
    let report = Report {
        file: file.to_owned(),
        text,
        problems: problems.into_sorted(),
    };
    let settings = settings.filter(|_| !report.has_errors());
    (settings, report)
}

/// A store that is named on the command line, checked as `storage` of a configuration file is.
pub fn storage(
    url: &str,
    password_file: Option<&Path>,
    variables: Variables<'_>,
) -> Result<StorageSettings, Report> {
    // JSON is YAML
    let mut section = serde_json::json!({ "url": url });
    if let (Some(file), Some(section)) = (password_file, section.as_object_mut()) {
        section.insert("password_file".to_owned(), file.to_string_lossy().into());
    }
    let text = format!("storage: {section}\n");
    let mut problems = Problems::default();
    let storage = Tree::parse(&text, variables, &mut problems)
        .and_then(|mut tree| check::storage_alone(&mut tree, &mut problems));
    let report = Report {
        file: "the command line".to_owned(),
        text,
        problems: problems.into_sorted(),
    };
    storage.filter(|_| !report.has_errors()).ok_or(report)
}

/// No more than the parser takes is read; the error is a message and what to do.
fn read(path: &Path) -> Result<String, (String, String)> {
    let refused = |e: std::io::Error| {
        let help = match e.kind() {
            std::io::ErrorKind::NotFound => {
                "name the file with --config FILE; config/minimal.yaml is one to begin with"
            }
            std::io::ErrorKind::PermissionDenied => {
                "give the user that runs vestibule the right to read it"
            }
            _ => "the configuration is one YAML file",
        };
        (format!("the file cannot be read: {e}"), help.to_owned())
    };
    let file = std::fs::File::open(path).map_err(refused)?;
    let most = u64::try_from(build::MOST_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(refused)?;
    if bytes.len() > build::MOST_BYTES {
        let help = "a configuration is a page or two; is this the right file?";
        return Err(("the file is larger than 4 MiB".into(), help.into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        (
            "the file is not UTF-8 text".to_owned(),
            "save it as UTF-8".to_owned(),
        )
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}
