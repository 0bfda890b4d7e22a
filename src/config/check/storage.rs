//! The store: a file, or a database on a server and how the way to it is protected.

use super::Check;
use super::mail::{decoded, is_this_machine};
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::settings::StorageSettings;
use crate::config::source::At;
use crate::domain::database::{Place, Protection, Server};
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;
use zeroize::Zeroizing;

const FILE: &str = "write `url: \"sqlite:data/vestibule.db\"`";
const SERVER: &str = "postgres://vestibule@db.example.com/vestibule";
const SOCKET: &str = "postgres://vestibule@%2Frun%2Fpostgresql/vestibule";
const PORT: u16 = 5432;
const CONNECTIONS: u32 = 16;

impl Check<'_> {
    pub(super) fn storage(&mut self, section: Option<&schema::Storage>) -> Option<StorageSettings> {
        let at = self.at(&["storage", "url"]);
        let url = section
            .and_then(|s| s.url.as_deref())
            .unwrap_or("sqlite:data/vestibule.db");
        let file = match url.split_once(':') {
            Some(("sqlite", "")) => {
                self.error(&at, "`sqlite:` names no file", FILE);
                return None;
            }
            Some(("sqlite", ":memory:")) => {
                let message = "a store in memory forgets every account at the end";
                self.error(&at, message, FILE);
                return None;
            }
            Some(("sqlite", file)) => file.strip_prefix("//").unwrap_or(file),
            Some(("postgres" | "postgresql", _)) => {
                let server = self.database(&at, url, section?)?;
                return Some(StorageSettings::Server(server));
            }
            _ => {
                let kind = shortened(url.split(':').next().unwrap_or(url), 20);
                let help = format!("{FILE}, or the address of a PostgreSQL database: {SERVER}");
                self.error(&at, format!("`{kind}` is not a kind of store"), help);
                return None;
            }
        };
        for key in ["password_file", "pool"] {
            let at = self.at(&["storage", key]);
            if at.exists() {
                self.error(
                    &at,
                    "a store in a file has no use for it",
                    "remove the line",
                );
            }
        }
        Some(StorageSettings::File(self.resolve(file)))
    }

    fn database(&mut self, at: &At<'_>, text: &str, section: &schema::Storage) -> Option<Server> {
        // never the address itself in a message: it may hold a password
        let Ok(url) = Url::parse(text) else {
            self.error(
                at,
                "this is not the address of a database",
                format!("write {SERVER}, or with a Unix socket {SOCKET}"),
            );
            return None;
        };
        let parameters = self.parameters(at, &url);
        let password = self.database_password(at, &url, section);
        let place = self.database_place(at, &url);
        let user = decoded(url.username()).filter(|user| !user.is_empty());
        if user.is_none() {
            let help = format!("name it before the host: {SERVER}");
            self.error(at, "the address names no user", help);
        }
        let path = url.path().trim_start_matches('/');
        let database = decoded(path).filter(|name| !name.is_empty() && !path.contains('/'));
        if database.is_none() || url.fragment().is_some() {
            let help = format!("name it after the host: {SERVER}");
            self.error(at, "the address names no database", help);
        }
        let authorities = self.database_authorities(at, &parameters);
        let certificate = self.database_certificate(at, &parameters);
        let connections = section.pool.unwrap_or(CONNECTIONS);
        if !(2..=1000).contains(&connections) {
            self.error(
                &self.at(&["storage", "pool"]),
                "must be 2 to 1000 connections",
                "write `pool: 16`, and let the server's max_connections be more than all nodes have together",
            );
        }
        let place = place?;
        let mode = parameters.get("sslmode").map(String::as_str);
        let protection = self.protection(at, &place, mode, parameters.contains_key("sslrootcert"));
        Some(Server {
            protection: protection?,
            place,
            user: user?,
            password,
            database: database?,
            authorities,
            certificate,
            connections,
        })
    }

    /// What stands behind the question mark.
    fn parameters(&mut self, at: &At<'_>, url: &Url) -> BTreeMap<String, String> {
        const KNOWN: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];
        let mut found = BTreeMap::new();
        for (key, value) in url.query_pairs() {
            if !KNOWN.contains(&&*key) {
                let help = format!("known are {}", KNOWN.join(", "));
                self.error(at, format!("`{}` is not known", shortened(&key, 30)), help);
            } else if value.is_empty() || found.insert(key.to_string(), value.into()).is_some() {
                let help = "write it once, with a value";
                self.error(at, format!("`{key}` is empty or stands there twice"), help);
            }
        }
        found
    }

    fn database_password(
        &mut self,
        at: &At<'_>,
        url: &Url,
        section: &schema::Storage,
    ) -> Option<Zeroizing<String>> {
        let in_url = url.password();
        if in_url.is_some() && at.raw().is_none_or(|raw| !raw.contains("${")) {
            let help = "remove it from the URL and write `password_file: FILE`";
            self.error(at, "a password stands in the configuration", help);
        }
        let Some(file) = &section.password_file else {
            return in_url.and_then(decoded).map(Zeroizing::new);
        };
        let at = self.at(&["storage", "password_file"]);
        if in_url.is_some() {
            let help = "remove it there, or remove this line";
            self.error(
                &at,
                "the address of the database holds a password, too",
                help,
            );
        }
        let (path, bytes) = self.content(&at, file)?;
        self.private_to_owner(&at, &path);
        self.line_of_text(&at, &path, bytes, "a password")
    }

    fn database_place(&mut self, at: &At<'_>, url: &Url) -> Option<Place> {
        let port = url.port().unwrap_or(PORT);
        let host = url.host_str().and_then(decoded).unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            let help =
                format!("write {SERVER}, or the folder of a Unix socket as the host: {SOCKET}");
            self.error(at, "the address names no host", help);
            return None;
        }
        if host.starts_with('/') {
            let folder = PathBuf::from(host);
            return Some(Place::Socket { folder, port });
        }
        if host.contains(',') {
            let help = "write one host; let a name or an address that moves lead to the server that writes";
            self.error(at, "several hosts are not supported", help);
            return None;
        }
        Some(Place::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    fn database_authorities(
        &mut self,
        at: &At<'_>,
        parameters: &BTreeMap<String, String>,
    ) -> Option<PathBuf> {
        let file = parameters.get("sslrootcert")?;
        self.certificates(at, file).map(|(path, _)| path)
    }

    fn database_certificate(
        &mut self,
        at: &At<'_>,
        parameters: &BTreeMap<String, String>,
    ) -> Option<(PathBuf, PathBuf)> {
        match (parameters.get("sslcert"), parameters.get("sslkey")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                self.pair((at, certificate), (at, key))?;
                Some((self.resolve(certificate), self.resolve(key)))
            }
            _ => {
                let help = "write both, or neither";
                self.error(at, "of `sslcert` and `sslkey` one is missing", help);
                None
            }
        }
    }

    /// Whoever is between here and the server reads every session and writes accounts: without a word, only a
    /// server that is known by its certificate is spoken to.
    fn protection(
        &mut self,
        at: &At<'_>,
        place: &Place,
        mode: Option<&str>,
        has_authorities: bool,
    ) -> Option<Protection> {
        const FULL: &str = "write `sslmode=verify-full`, and `sslrootcert=FILE` where the authority is one of your own";
        let here = match place {
            Place::Socket { .. } => {
                return match mode {
                    None | Some("disable") => Some(Protection::None),
                    Some(_) => {
                        self.error(at, "there is no TLS on a Unix socket", "remove `sslmode`");
                        None
                    }
                };
            }
            Place::Tcp { host, .. } => is_this_machine(host),
        };
        match mode {
            None if here && !has_authorities => Some(Protection::IfOffered),
            None | Some("verify-full") => Some(Protection::Host),
            Some("verify-ca") => Some(Protection::Authority),
            // as PostgreSQL's own clients do it
            Some("require") if has_authorities => Some(Protection::Authority),
            Some("require") => {
                if !here {
                    let message = "whoever is on the way can pose as the database: its certificate is not looked at";
                    self.warning(at, message, FULL);
                }
                Some(Protection::Encrypted)
            }
            Some("disable") => {
                if !here {
                    let message = "passwords' hashes, sessions and the audit trail go over the network in the clear";
                    self.warning(at, message, FULL);
                }
                Some(Protection::None)
            }
            Some("prefer") if here => Some(Protection::IfOffered),
            Some("prefer" | "allow") => {
                let help = format!("{FULL}, or `sslmode=disable` if no TLS at all is meant");
                let message = "whoever is on the way decides whether there is TLS";
                self.error(at, message, help);
                None
            }
            Some(other) => {
                let other = shortened(other, 20);
                self.error(at, format!("`{other}` is not a kind of `sslmode`"), FULL);
                None
            }
        }
    }
}
