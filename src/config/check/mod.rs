//! From the schema to [`Settings`]: cross checks, defaults, domain types. Reports everything it finds.

mod answers;
mod credentials;
mod files;
mod forward_auth;
mod gateway;
mod headers;
mod limits;
mod logs;
mod mail;
mod people;
mod rewrite;
mod routes;
mod storage;
mod texts;
mod tls;
mod traces;
mod upstreams;

use super::list::List;
use super::problems::Problems;
use super::read::Reading;
use super::report::shortened;
use super::scalar::Duration;
use super::schema;
use super::settings::{ListenerKind, Settings, StorageSettings};
use super::source::{At, Tree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `None` where something necessary is missing; with errors among the problems the value must not be used.
pub(super) fn settings(
    tree: &mut Tree,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Settings> {
    let mut reading = Reading::new(tree, problems);
    let file: schema::File = reading.read(Tree::ROOT)?;
    let routes = read_routes(&mut reading);
    let mut check = Check {
        top: tree.top(),
        folder,
        problems,
        files: BTreeSet::new(),
    };
    let mut settings = check.whole(&file, &routes)?;
    let mut files = check.files;
    for listener in &settings.listeners {
        if let ListenerKind::Tls(tls) = &listener.kind {
            for pair in &tls.certificates {
                files.remove(&pair.certificate);
                files.remove(&pair.key);
            }
            if let Some(clients) = &tls.client_certificates {
                files.remove(&clients.ca);
            }
        }
    }
    settings.files = files.into_iter().collect();
    Some(settings)
}

/// The store, where nothing else is said; paths are relative to the current folder.
pub(super) fn storage_alone(tree: &mut Tree, problems: &mut Problems) -> Option<StorageSettings> {
    let mut reading = Reading::new(tree, problems);
    let file: schema::File = reading.read(Tree::ROOT)?;
    let mut check = Check {
        top: tree.top(),
        folder: Path::new(""),
        problems,
        files: BTreeSet::new(),
    };
    check.storage(file.storage.as_ref())
}

/// Each route on its own, `None` where nothing of it can be read.
fn read_routes(reading: &mut Reading<'_>) -> Vec<Option<schema::Route>> {
    let list = reading.tree.top().key("routes");
    let ids: Vec<_> = (0..list.len()).map(|n| list.index(n).id()).collect();
    ids.into_iter()
        .map(|id| id.and_then(|id| reading.read(id)))
        .collect()
}

/// What the checks share.
struct Check<'a> {
    top: At<'a>,
    /// The configuration file's.
    folder: &'a Path,
    problems: &'a mut Problems,
    /// Files that were looked at.
    files: BTreeSet<PathBuf>,
}

impl<'a> Check<'a> {
    fn error(&mut self, at: &At<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.error(at, message, help);
    }

    fn warning(&mut self, at: &At<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.warning(at, message, help);
    }

    fn at(&self, keys: &[&str]) -> At<'a> {
        keys.iter().fold(self.top.clone(), |at, key| at.key(key))
    }

    /// Reports a key that must be there; the help is an example of it.
    fn require(&mut self, at: &At<'_>, key: &str, example: &str) {
        if at.key(key).is_missing() {
            let help = format!("write for example `{key}: {example}`");
            self.error(at, format!("`{key}` is missing"), help);
        }
    }

    fn whole(&mut self, file: &schema::File, routes: &[Option<schema::Route>]) -> Option<Settings> {
        let portal = self.portal(file.portal.as_ref());
        let table = self.routes(routes, portal.as_ref());
        let listeners = self.listeners(file.listen.as_ref(), portal.as_ref(), &table);
        let askers = self.forward_auth(file, &listeners, &table);
        let places = (portal.as_ref(), &table);
        let acme = self.acme(file.acme.as_ref(), &listeners, places);
        let storage = self.storage(file.storage.as_ref());
        let two_factor = self.two_factor_rules(file);
        let (sessions, remember_account) = self.sessions(file.sessions.as_ref());
        let (throttle, hashing) = self.throttle(file.throttle.as_ref());
        Some(Settings {
            operations: self.operations(file.operations.as_ref(), &listeners),
            listeners,
            acme,
            hsts: self.hsts(file.hsts.as_ref()),
            limits: self.limits(file.limits.as_ref()),
            trusted_proxies: self.trusted_proxies(file.trusted_proxies.as_ref()),
            askers,
            brand: self.brand(file),
            storage: storage?,
            key_file: self.key_file(file.secrets.as_ref()),
            sessions,
            remember_account,
            password: self.password(file.password.as_ref(), &two_factor),
            enrolment_proof: self.enrolment_proof(file.two_factor.as_ref(), file.mail.is_some()),
            emergency_codes: self.emergency_codes(file.two_factor.as_ref()),
            two_factor,
            throttle,
            hashing,
            load_testing_prefix: self.load_testing(file.load_testing.as_ref()),
            roles: self.roles(file.roles.as_ref()),
            mail: self.mail(file.mail.as_ref()),
            access_log: self.access_log(file.logs.as_ref()),
            traces: self.traces(file.traces.as_ref()),
            routes: table,
            portal: portal?,
            files: Vec::new(),
        })
    }

    /// An absolute path, or one relative to the configuration file's folder.
    fn resolve(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    /// A span of time that must not be zero.
    fn span(
        &mut self,
        at: &At<'_>,
        value: Option<&Duration>,
        default: std::time::Duration,
    ) -> std::time::Duration {
        let span = value.map_or(default, |d| d.0);
        if span.is_zero() {
            self.error(
                at,
                "must be longer than nothing",
                "write at least 1s, or remove the line",
            );
            return default;
        }
        span
    }

    /// Text that is shown to people: one line, not empty, not endless.
    fn shown(&mut self, at: &At<'_>, text: &str) -> String {
        if text.trim().is_empty()
            || text.chars().count() > 200
            || text.chars().any(char::is_control)
        {
            self.error(
                at,
                "must be one line of 1 to 200 characters",
                "shorten it, or remove the line",
            );
        }
        text.to_owned()
    }

    /// Names of groups. An empty list says neither everybody nor nobody, so it is refused.
    fn group_list(
        &mut self,
        at: &At<'_>,
        list: Option<&List<String>>,
        empty: &str,
    ) -> BTreeSet<String> {
        let Some(list) = list else {
            return BTreeSet::new();
        };
        if list.is_empty() {
            self.error(at, "the list is empty", empty);
        }
        let mut groups = BTreeSet::new();
        for (number, name) in list.iter() {
            let at = at.index(number);
            if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) {
                self.error(
                    &at,
                    format!("`{}` is not the name of a group", shortened(name, 60)),
                    "write it as the accounts have it, without blanks around it",
                );
            } else if !groups.insert(name.clone()) {
                self.warning(&at, "this group is named twice", "remove one of them");
            }
        }
        groups
    }
}
