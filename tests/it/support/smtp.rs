//! A real mail server on loopback (`smtp.py`), and what it has taken.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) struct SmtpServer {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
}

/// One mail as it came in.
pub(crate) struct Taken {
    pub(crate) raw: String,
    pub(crate) facts: serde_json::Value,
}

impl SmtpServer {
    /// Keeps mails in `folder`; `options` are those of the script.
    pub(crate) fn start(folder: &Path, options: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/test-tools/venv/bin/python");
        let mut child = Command::new(&python)
            .arg(root.join("tests/it/support/smtp.py"))
            .arg(folder)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("{}: {e}; tools/prepare test installs it", python.display())
            });
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        let _ = std::io::BufReader::new(stdout).read_line(&mut line);
        let port = line.trim().parse();
        Self {
            child,
            port: port.expect("the mail server does not start; run tools/prepare test"),
            folder: folder.to_owned(),
        }
    }

    /// All it has taken so far, in order.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        taken(&self.folder)
    }
}

pub(crate) fn taken(folder: &Path) -> Vec<Taken> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| Taken {
            raw: std::fs::read_to_string(path).unwrap(),
            facts: serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap())
                .unwrap(),
        })
        .collect()
}

impl Taken {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n");
        let prefix = format!("{name}: ");
        let found = lines.find_map(|line| line.strip_prefix(&prefix).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no {name} in {head}"))
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
