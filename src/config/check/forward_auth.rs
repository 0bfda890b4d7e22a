//! Proxies in front: those that ask, and those that pass requests on.

use super::Check;
use crate::config::list::List;
use crate::config::schema;
use crate::config::settings::{Listener, ListenerKind};
use crate::config::source::At;
use crate::domain::route::Table;
use ipnet::IpNet;

/// What a route may say where a proxy only asks: all else is about the way to the application, which is not ours then.
const OF_THE_DECISION: &[&str] = &[
    "name",
    "title",
    "host",
    "path",
    "forward_auth",
    "access",
    "public",
    "two_factor",
    "identity",
    "logout_paths",
];

/// What an answer can tell the application.
const IN_THE_ANSWER: &[&str] = &["preset", "headers", "assertion"];

impl Check<'_> {
    /// `None`: the listener is for browsers.
    pub(super) fn for_proxies(
        &mut self,
        at: &At<'_>,
        entry: &schema::Listen,
    ) -> Option<Option<ListenerKind>> {
        let kinds = [
            (
                "behind_proxy",
                entry.behind_proxy,
                ListenerKind::BehindProxy,
            ),
            (
                "forward_auth",
                entry.forward_auth,
                ListenerKind::ForwardAuth,
            ),
        ];
        let mut found = None;
        for (key, written, kind) in kinds {
            if written != Some(true) {
                continue;
            }
            let others = ["tls", "redirect_to_https", "behind_proxy", "forward_auth"];
            let other = others.iter().find(|o| **o != key && at.key(o).exists());
            if let Some(other) = other {
                self.error(
                    &at.key(key),
                    format!("a listener cannot be for this and for `{other}`"),
                    "give each of them an address of its own: on a listener that browsers reach through the proxy, a browser could ask as the proxy does",
                );
                return Some(None);
            }
            if let Some(address) = entry.address.as_ref().map(|a| a.0)
                && !address.ip().to_canonical().is_loopback()
            {
                self.warning(
                    &at.key("address"),
                    format!("{address} takes session cookies unencrypted from other machines"),
                    "write an address of this machine (127.0.0.1), or be sure of the network in between",
                );
            }
            found = Some(Some(kind));
        }
        found
    }

    /// Who may ask.
    pub(super) fn forward_auth(
        &mut self,
        file: &schema::File,
        listeners: &[Listener],
        table: &Table,
    ) -> Vec<IpNet> {
        let at = self.at(&["forward_auth"]);
        let asks = |l: &&Listener| l.kind == ListenerKind::ForwardAuth;
        let listener = listeners.iter().find(asks);
        self.behind_proxy(file, listeners);
        self.asked_routes(listener.is_some(), table);
        if at.exists() && listener.is_none() {
            self.error(
                &at,
                "nobody can ask: there is no listener for it",
                "write under `listen`: `- { address: 127.0.0.1:9091, forward_auth: true }`",
            );
        }
        if listener.is_some() && !at.exists() {
            self.error(
                &self.at(&["listen"]),
                "nobody may ask at the listener with `forward_auth`",
                "write `forward_auth: { trusted_proxies: [ 127.0.0.1/32 ] }`, with the addresses of your own proxies",
            );
        }
        let Some(section) = file.forward_auth.as_ref() else {
            return Vec::new();
        };
        self.require(&at, "trusted_proxies", "[ 127.0.0.1/32 ]");
        let list = section.trusted_proxies.as_ref();
        let at = at.key("trusted_proxies");
        if list.is_some_and(List::is_empty) {
            self.error(
                &at,
                "the list is empty: nobody may ask",
                "write the addresses of your own proxies, for example [ 127.0.0.1/32 ]",
            );
        }
        self.proxies(&at, list)
    }

    fn behind_proxy(&mut self, file: &schema::File, listeners: &[Listener]) {
        let passes_on = |l: &Listener| l.kind == ListenerKind::BehindProxy;
        let nobody = file.trusted_proxies.as_ref().is_none_or(List::is_empty);
        if listeners.iter().any(passes_on) && nobody {
            self.error(
                &self.at(&["listen"]),
                "nobody is let in at the listener with `behind_proxy`",
                "write `trusted_proxies: [ 127.0.0.1/32 ]`, with the addresses of your own proxies",
            );
        }
    }

    fn asked_routes(&mut self, can_be_asked: bool, table: &Table) {
        let list = self.at(&["routes"]);
        let mut any = false;
        for number in 0..list.len() {
            let at = list.index(number);
            let key = at.key("forward_auth");
            let says = key.raw() == Some("true");
            any |= says;
            if says && !can_be_asked {
                self.error(
                    &key,
                    "nobody can ask about this route: there is no listener for it",
                    "write under `listen`: `- { address: 127.0.0.1:9091, forward_auth: true }`",
                );
            }
            let identity = at.key("identity");
            for name in identity.keys() {
                if says && !IN_THE_ANSWER.contains(&name) {
                    self.error(
                        &identity.key(name),
                        "cannot be told in the answer to a proxy that asks",
                        "remove it, or `forward_auth`; `preset`, `headers` and `assertion` can be told",
                    );
                }
            }
            if says && !at.key("upstream").exists() {
                for name in at.keys() {
                    if OF_THE_DECISION.contains(&name) {
                        continue;
                    }
                    self.error(
                        &at.key(name),
                        "has no effect: the proxy in front passes the requests on",
                        "set this in the proxy, and remove it here; with `upstream` they come through Vestibule",
                    );
                }
            }
        }
        if can_be_asked && !any && !table.routes().is_empty() {
            self.error(
                &list,
                "there is no route that a proxy may ask about",
                "write `forward_auth: true` in each that it passes requests on for",
            );
        }
    }
}
