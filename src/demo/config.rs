//! The demo's configuration: a real one, commented, to be read and to begin one's own from.

use super::Fault;
use super::layout::{self, Layout};
use serde::{Deserialize, Serialize};

/// Where everything of the demo listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    pub gateway: u16,
    pub wiki: u16,
    pub payroll: u16,
    pub operations: u16,
    /// The mailbox; 0 in the file of a start before there was one.
    #[serde(default)]
    pub smtp: u16,
    #[serde(default)]
    pub mailbox: u16,
}

impl Ports {
    const fn without_mailbox(self) -> [u16; 4] {
        [self.gateway, self.wiki, self.payroll, self.operations]
    }

    /// Where browsers find `name`: `login`, `wiki` or `payroll`.
    pub fn url(&self, name: &str) -> String {
        format!("https://{name}.localhost:{}", self.gateway)
    }
}

/// Writes `vestibule.yaml` where there is none, or where it was made for other ports than these; else it is left
/// as it is, with everything its owner changed. An edited file that has to give way is kept beside the new one:
/// its name comes back. `last`: the ports of the last start.
pub fn keep_config(
    layout: &Layout,
    last: Option<&Ports>,
    ports: &Ports,
) -> Result<Option<std::path::PathBuf>, Fault> {
    let path = layout.config();
    let present = layout::read(&path)?;
    if present.is_some() && last == Some(ports) {
        return Ok(None);
    }
    if let Some(present) = &present
        && last
            .is_some_and(|last| last.smtp == 0 && last.without_mailbox() == ports.without_mailbox())
    {
        return add_mailbox(layout, present, ports).map(|()| None);
    }
    let text = write_config(layout, ports);
    // killed half-way, the next start does not know what the file was made for and comes here again
    layout::remove(&layout.ports())?;
    let edited = present.filter(|present| {
        *present != text && last.is_none_or(|last| *present != write_config(layout, last))
    });
    let old = match edited {
        Some(edited) => {
            let mut old = path.clone().into_os_string();
            old.push(".old");
            layout::write_private(old.as_ref(), edited.as_bytes())?;
            Some(old.into())
        }
        None => None,
    };
    layout::write_private(&path, text.as_bytes())?;
    layout.keep_ports(ports)?;
    Ok(old)
}

/// A folder from before there was a mailbox keeps its configuration, and gets the lines that use it.
fn add_mailbox(layout: &Layout, present: &str, ports: &Ports) -> Result<(), Fault> {
    if !present.lines().any(|line| line.starts_with("mail:")) {
        let text = format!("{}\n\n{}\n", present.trim_end(), mail_line(ports));
        layout::write_private(&layout.config(), text.as_bytes())?;
    }
    layout.keep_ports(ports)
}

fn mail_line(ports: &Ports) -> String {
    let line = TEMPLATE.lines().find(|line| line.starts_with("mail:"));
    line.unwrap_or_default()
        .replace("{smtp}", &ports.smtp.to_string())
}

/// The text of `vestibule.yaml`. Paths are relative to the file.
pub fn write_config(layout: &Layout, ports: &Ports) -> String {
    let file = |path: std::path::PathBuf| {
        let short = path.strip_prefix(layout.dir()).unwrap_or(&path);
        short.display().to_string()
    };
    TEMPLATE
        .replace("{gateway}", &ports.gateway.to_string())
        .replace("{wiki}", &ports.wiki.to_string())
        .replace("{payroll}", &ports.payroll.to_string())
        .replace("{smtp}", &ports.smtp.to_string())
        .replace("{operations}", &ports.operations.to_string())
        .replace("{certificate}", &file(layout.certificate()))
        .replace("{certificate_key}", &file(layout.certificate_key()))
        .replace("{database}", &file(layout.database()))
        .replace("{secret_key}", &file(layout.secret_key()))
}

const TEMPLATE: &str = include_str!("vestibule.yaml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_owner_changed_stays() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        let ports = Ports {
            gateway: 8443,
            wiki: 9001,
            payroll: 9002,
            operations: 9003,
            smtp: 9004,
            mailbox: 9005,
        };
        let moved = Ports {
            wiki: 9101,
            ..ports
        };
        let text = || std::fs::read_to_string(layout.config()).unwrap();
        let start = |ports: &Ports| {
            let last = layout.last_ports();
            let old = keep_config(&layout, last.as_ref(), ports).unwrap();
            assert_eq!(layout.last_ports(), Some(*ports));
            old
        };
        assert_eq!(start(&ports), None);
        assert_eq!(text(), write_config(&layout, &ports));
        // untouched, it follows the ports
        assert_eq!(start(&moved), None);
        assert_eq!(text(), write_config(&layout, &moved));
        let edited = format!("{}# mine\n", text());
        std::fs::write(layout.config(), &edited).unwrap();
        assert_eq!(start(&moved), None);
        assert_eq!(text(), edited);
        let old = start(&ports).unwrap();
        assert!(old.ends_with("vestibule.yaml.old"), "{old:?}");
        assert_eq!(std::fs::read_to_string(old).unwrap(), edited);
        assert_eq!(text(), write_config(&layout, &ports));
    }

    #[test]
    fn a_folder_without_a_mailbox_keeps_its_file_and_gets_one() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        let ports = r#"{ "gateway": 8443, "wiki": 9001, "payroll": 9002, "operations": 9003 }"#;
        std::fs::write(layout.ports(), ports).unwrap();
        std::fs::write(layout.config(), "a: 1\n# mine").unwrap();
        let last = layout.last_ports().unwrap();
        let now = Ports {
            smtp: 9004,
            mailbox: 9005,
            ..last
        };
        let text = "a: 1\n# mine\n\nmail: { smtp: \"smtp://127.0.0.1:9004\", from: noreply@northgate.example }\n";
        for last in [last, now] {
            assert_eq!(keep_config(&layout, Some(&last), &now).unwrap(), None);
            assert_eq!(std::fs::read_to_string(layout.config()).unwrap(), text);
        }
        assert_eq!(layout.last_ports(), Some(now));
    }

    #[test]
    fn every_place_is_filled_and_the_keys_are_the_documented_ones() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        let ports = Ports {
            gateway: 8443,
            wiki: 9001,
            payroll: 9002,
            operations: 9003,
            smtp: 9004,
            mailbox: 9005,
        };
        let text = write_config(&layout, &ports);
        let unfilled = text.split('{').skip(1).any(|after| {
            after
                .split('}')
                .next()
                .is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        });
        assert!(!unfilled, "{text}");
        let yaml: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(yaml["portal"]["url"], "https://login.localhost:8443");
        assert_eq!(yaml["listen"][0]["address"], "127.0.0.1:8443");
        assert_eq!(
            yaml["listen"][0]["tls"]["certificates"][0]["key"],
            "cert.key"
        );
        assert_eq!(yaml["operations"]["address"], "127.0.0.1:9003");
        assert_eq!(yaml["mail"]["smtp"], "smtp://127.0.0.1:9004");
        assert_eq!(yaml["storage"]["url"], "sqlite:data/vestibule.db");
        assert_eq!(yaml["secrets"]["key_file"], "data/secret.key");
        assert_eq!(
            yaml["groups"]["finance"]["two_factor"]["policy"],
            "required"
        );
        assert_eq!(yaml["routes"][0]["upstream"][0], "http://127.0.0.1:9001");
        assert_eq!(yaml["routes"][1]["two_factor"]["policy"], "required");
        assert_eq!(
            yaml["routes"][1]["identity"]["assertion"]["audience"],
            "https://payroll.localhost:8443"
        );
        assert_eq!(yaml["two_factor"]["apps"][0]["own"], true);
    }
}
