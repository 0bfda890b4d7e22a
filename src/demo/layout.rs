//! The demo's folder: what is where, and the report for people and tests (`demo.json`).

use super::Fault;
use super::config::Ports;
use super::plan::Plan;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A folder that only its owner can enter.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)+) => {
        impl Layout {
            $($(#[$doc])* pub fn $name(&self) -> PathBuf { self.dir.join($file) })+
        }
    };
}

places! {
    /// The demo's own certificate authority, to be trusted by browsers and tools.
    ca = "ca.pem",
    ca_key = "ca.key",
    certificate = "cert.pem",
    certificate_key = "cert.key",
    config = "vestibule.yaml",
    data = "data",
    database = "data/vestibule.db",
    secret_key = "data/secret.key",
    /// What the demo has mailed.
    mail = "mail",
    report = "demo.json",
    /// The ports of the last start, so that bookmarks go on working.
    ports = "data/ports.json",
}

impl Layout {
    /// Makes the folder where there is none. Its path is made absolute.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        let make = |path: &Path| {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| fault(path, "made", source))
        };
        make(dir)?;
        let dir = dir
            .canonicalize()
            .map_err(|source| fault(dir, "found", source))?;
        let layout = Self { dir };
        make(&layout.data())?;
        Ok(layout)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ports of the last start. Where the file cannot be read new ones do no harm.
    pub fn last_ports(&self) -> Option<Ports> {
        let text = std::fs::read(self.ports()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub fn keep_ports(&self, ports: &Ports) -> Result<(), Fault> {
        let json = serde_json::to_vec_pretty(ports).unwrap_or_default();
        write_private(&self.ports(), &json)
    }
}

/// Whole and readable by its owner only, or not at all: written beside and moved into place.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let not_written = |source| fault(path, "written", source);
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // left behind by a start that was killed
    remove(&beside)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(not_written)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(not_written)
}

/// Gone, if it was there at all: so that a start killed between two writes leaves no pair that does not match.
pub(super) fn remove(path: &Path) -> Result<(), Fault> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(fault(path, "removed", e)),
        _ => Ok(()),
    }
}

/// `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Fault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(fault(path, "read", source)),
    }
}

fn fault(path: &Path, doing: &'static str, source: std::io::Error) -> Fault {
    Fault::File {
        path: path.display().to_string(),
        doing,
        source,
    }
}

/// `demo.json`; its shape is public.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Report {
    pub portal: String,
    pub applications: Vec<ApplicationReport>,
    pub accounts: Vec<AccountReport>,
    /// Path of the certificate authority.
    pub ca: String,
    /// Path of the configuration.
    pub config: String,
    /// URL of the operations listener.
    pub operations: String,
    /// URL of the page that shows what was mailed.
    #[serde(default)]
    pub mailbox: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ApplicationReport {
    pub name: String,
    pub url: String,
    /// `optional`, `recommended` or `required`.
    pub two_factor: String,
}

#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct AccountReport {
    pub login: String,
    pub email: String,
    pub password: String,
    pub role: String,
    pub note: String,
}

impl Report {
    pub fn new(layout: &Layout, ports: &Ports, plan: &Plan) -> Self {
        let application = |name: &str, two_factor: &str| ApplicationReport {
            name: name.to_owned(),
            url: ports.url(name),
            two_factor: two_factor.to_owned(),
        };
        let account = |account: &super::plan::Account| AccountReport {
            login: account.login.to_owned(),
            email: account.email.clone(),
            password: account.password.clone(),
            role: account.role.to_owned(),
            note: account.note.to_owned(),
        };
        Self {
            portal: ports.url("login"),
            applications: vec![
                application("wiki", "recommended"),
                application("payroll", "required"),
            ],
            accounts: plan.accounts.iter().map(account).collect(),
            ca: layout.ca().display().to_string(),
            config: layout.config().display().to_string(),
            operations: format!("http://127.0.0.1:{}", ports.operations),
            mailbox: format!("http://127.0.0.1:{}", ports.mailbox),
        }
    }

    /// `None` before the first start.
    pub fn read(layout: &Layout) -> Result<Option<Self>, Fault> {
        let Some(text) = read(&layout.report())? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| Fault::Unreadable {
                path: layout.report().display().to_string(),
                reason: e.to_string(),
            })
    }

    pub fn write(&self, layout: &Layout) -> Result<(), Fault> {
        // strings under fixed names always serialise
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        write_private(&layout.report(), &json)
    }
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Report({})", self.portal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use std::os::unix::fs::PermissionsExt as _;

    const PORTS: Ports = Ports {
        gateway: 8443,
        wiki: 9001,
        payroll: 9002,
        operations: 9003,
        smtp: 9004,
        mailbox: 9005,
    };

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_report_has_its_public_shape_and_only_the_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(&dir.path().join("a/demo")).unwrap();
        assert_eq!(mode(layout.dir()), 0o700);
        let plan = Plan::load_or_make(&layout, &Env::system()).unwrap();
        Report::new(&layout, &PORTS, &plan).write(&layout).unwrap();
        assert_eq!(mode(&layout.report()), 0o600);

        let text = std::fs::read_to_string(layout.report()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names = |value: &serde_json::Value| {
            let object = value.as_object().unwrap();
            object.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(&json),
            "accounts applications ca config mailbox operations portal"
        );
        assert_eq!(names(&json["applications"][0]), "name two_factor url");
        assert_eq!(
            names(&json["accounts"][0]),
            "email login note password role"
        );
        assert_eq!(json["portal"], "https://login.localhost:8443");
        assert_eq!(
            json["applications"][1]["url"],
            "https://payroll.localhost:8443"
        );
        assert_eq!(json["operations"], "http://127.0.0.1:9003");
        assert!(Path::new(json["ca"].as_str().unwrap()).is_absolute());
    }

    #[test]
    fn a_second_start_finds_the_same_passwords_and_ports() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        assert_eq!(layout.last_ports(), None);
        layout.keep_ports(&PORTS).unwrap();
        let first = Plan::load_or_make(&layout, &Env::system()).unwrap();
        Report::new(&layout, &PORTS, &first).write(&layout).unwrap();

        let again = Layout::open(dir.path()).unwrap();
        assert_eq!(Plan::load_or_make(&again, &Env::system()).unwrap(), first);
        assert_eq!(again.last_ports(), Some(PORTS));

        std::fs::write(layout.report(), "{").unwrap();
        let broken = Plan::load_or_make(&again, &Env::system());
        assert!(broken.unwrap_err().to_string().contains("demo.json"));
    }

    #[test]
    fn a_file_is_replaced_whole_even_after_a_killed_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.key");
        std::fs::write(&path, "old").unwrap();
        std::fs::write(dir.path().join("x.key.new"), "half").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o600);
    }
}
