//! The demo's configuration: a real one, commented, to be read and to begin one's own from.

use super::layout::Layout;
use serde::{Deserialize, Serialize};

/// Where everything of the demo listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    pub gateway: u16,
    pub wiki: u16,
    pub payroll: u16,
    pub operations: u16,
}

impl Ports {
    /// Where browsers find `name`: `login`, `wiki` or `payroll`.
    pub fn url(&self, name: &str) -> String {
        format!("https://{name}.localhost:{}", self.gateway)
    }
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
    fn every_place_is_filled_and_the_keys_are_the_documented_ones() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        let ports = Ports {
            gateway: 8443,
            wiki: 9001,
            payroll: 9002,
            operations: 9003,
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
