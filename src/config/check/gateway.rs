//! The gateway itself: where it listens, what it is called, where it keeps things.

use super::{Check, files};
use crate::config::list::List;
use crate::config::problems::Place;
use crate::config::report::shortened;
use crate::config::scalar::Network;
use crate::config::schema;
use crate::config::settings::{
    AppSettings, BrandSettings, CertificateFiles, Listener, ListenerKind, Support,
};
use crate::config::source::At;
use crate::domain::host::{Host, Origin};
use crate::domain::route::Table;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A certificate that could be read, and where the configuration names it.
pub(super) type Found = (Place, CertificateDer<'static>);

impl Check<'_> {
    pub(super) fn portal(&mut self, section: Option<&schema::Portal>) -> Option<Origin> {
        let top = self.top.clone();
        if top.key("portal").is_missing() {
            self.require(&top, "portal", "{ url: https://login.example.com }");
        }
        let section = section?;
        self.require(&top.key("portal"), "url", "https://login.example.com");
        section.url.as_ref().map(|url| url.0.clone())
    }

    pub(super) fn listeners(
        &mut self,
        list: Option<&List<schema::Listen>>,
        portal: Option<&Origin>,
        table: &Table,
    ) -> Vec<Listener> {
        let at = self.at(&["listen"]);
        let top = self.top.clone();
        self.require(&top, "listen", "[ { address: 0.0.0.0:443, tls: { certificates: [ { certificate: ../certs/site.pem, key: ../certs/site.key } ] } } ]");
        let Some(list) = list else {
            return Vec::new();
        };
        let mut listeners: Vec<Listener> = Vec::new();
        let mut found = Vec::new();
        for (number, entry) in list.iter() {
            let at = at.index(number);
            self.require(&at, "address", "0.0.0.0:443");
            let kind = self.listener_kind(&at, entry, &mut found);
            let Some((address, kind)) = entry.address.as_ref().map(|a| a.0).zip(kind) else {
                continue;
            };
            if listeners.iter().any(|l| l.address == address) {
                self.error(
                    &at.key("address"),
                    format!("{address} is listened on twice"),
                    "give each listener an address of its own",
                );
            }
            listeners.push(Listener { address, kind });
        }
        let written = |key| (0..at.len()).any(|n| at.index(n).key(key).exists());
        if at.exists() && !written("tls") && !written("behind_proxy") {
            self.error(&at, "there is no listener with `tls`", "browsers come over https only: write `- address: 0.0.0.0:443` with `tls: { certificates: [...] }`, or `behind_proxy: true` where a proxy of yours serves https");
        }
        let acme = |l: &Listener| matches!(&l.kind, ListenerKind::Tls(tls) if tls.acme);
        if !listeners.iter().any(acme) {
            self.coverage(&found, portal, table);
        }
        self.client_certificate_routes(&listeners);
        listeners
    }

    fn listener_kind(
        &mut self,
        at: &At<'_>,
        entry: &schema::Listen,
        found: &mut Vec<Found>,
    ) -> Option<ListenerKind> {
        if let Some(kind) = self.for_proxies(at, entry) {
            return kind;
        }
        let redirects = entry.redirect_to_https == Some(true);
        match (at.key("tls").exists(), redirects) {
            (true, true) => {
                self.error(&at.key("redirect_to_https"), "a listener cannot both serve https and send there", "remove `redirect_to_https` here; give it a listener of its own, e.g. on port 80");
                None
            }
            (false, true) => Some(ListenerKind::RedirectToHttps),
            (false, false) => {
                if !at.key("redirect_to_https").exists() || entry.redirect_to_https.is_some() {
                    self.error(at, "this listener serves nothing", "write `tls: { certificates: [...] }` for https, `redirect_to_https: true`, or behind a proxy of yours `behind_proxy: true` or `forward_auth: true`");
                }
                None
            }
            (true, false) => {
                let tls = entry.tls.as_ref()?;
                Some(ListenerKind::Tls(self.tls(&at.key("tls"), tls, found)))
            }
        }
    }

    pub(super) fn certificate_files(
        &mut self,
        at: &At<'_>,
        tls: &schema::tls::Tls,
        found: &mut Vec<Found>,
    ) -> Vec<CertificateFiles> {
        self.certificates_given(at, tls);
        let at = at.key("certificates");
        let mut all = Vec::new();
        let list = tls.certificates.as_ref();
        for (number, entry) in list.into_iter().flat_map(List::iter) {
            let at = at.index(number);
            self.require(&at, "certificate", "../certs/site.pem");
            self.require(&at, "key", "../certs/site.key");
            let Some((certificate, key)) = entry.certificate.as_ref().zip(entry.key.as_ref())
            else {
                continue;
            };
            let at_certificate = at.key("certificate");
            let read = self.pair((&at_certificate, certificate), (&at.key("key"), key));
            if let Some(der) = read {
                self.expiry(&at_certificate, &der);
                found.push((at_certificate.place(), der));
            }
            all.push(CertificateFiles {
                certificate: self.resolve(certificate),
                key: self.resolve(key),
            });
        }
        all
    }

    /// Certificates that serve no host, and hosts that no certificate serves.
    fn coverage(&mut self, found: &[Found], portal: Option<&Origin>, table: &Table) {
        if found.is_empty() {
            return;
        }
        let mut hosts: BTreeMap<Host, Place> = BTreeMap::new();
        let routes = self.at(&["routes"]);
        for number in 0..routes.len() {
            let at = routes.index(number).key("host");
            if let Some(host) = at
                .raw()
                .and_then(Host::parse)
                .filter(|h| table.knows_host(h))
            {
                hosts.entry(host).or_insert_with(|| at.place());
            }
        }
        if let Some(portal) = portal {
            hosts.insert(portal.host().clone(), self.at(&["portal", "url"]).place());
        }
        for (place, certificate) in found {
            if !hosts
                .keys()
                .any(|host| files::covers(certificate, host.as_str()))
            {
                self.problems.warning(
                    place.clone(),
                    "this certificate is for none of the configured hosts",
                    "its subject alternative names must hold the portal's or a route's host",
                );
            }
        }
        for (host, place) in &hosts {
            if !found
                .iter()
                .any(|(_, certificate)| files::covers(certificate, host.as_str()))
            {
                self.problems.warning(
                    place.clone(),
                    format!("no certificate is for {host}: browsers will warn"),
                    "add one under listen: tls: certificates",
                );
            }
        }
    }

    pub(super) fn operations(
        &mut self,
        section: Option<&schema::Operations>,
        listeners: &[Listener],
    ) -> Option<SocketAddr> {
        let section = section?;
        let at = self.at(&["operations"]);
        self.require(&at, "address", "127.0.0.1:9090");
        let address = section.address.as_ref()?.0;
        let at = at.key("address");
        if !address.ip().to_canonical().is_loopback() {
            self.error(
                &at,
                format!("{address} can be reached from outside"),
                format!(
                    "figures of the gateway are nobody else's business: write 127.0.0.1:{}",
                    address.port()
                ),
            );
        }
        if listeners.iter().any(|l| l.address == address) {
            self.error(
                &at,
                format!("{address} is taken by a listener"),
                "choose another port",
            );
        }
        Some(address)
    }

    pub(super) fn trusted_proxies(&mut self, list: Option<&List<Network>>) -> Vec<IpNet> {
        let at = self.at(&["trusted_proxies"]);
        self.proxies(&at, list)
    }

    pub(super) fn proxies(&mut self, at: &At<'_>, list: Option<&List<Network>>) -> Vec<IpNet> {
        let mut all = Vec::new();
        for (number, Network(net)) in list.into_iter().flat_map(List::iter) {
            if net.prefix_len() == 0 {
                self.error(
                    &at.index(number),
                    format!("{net} is everybody: anybody could claim any address"),
                    "write the addresses of your own load balancers, or remove the line",
                );
            }
            all.push(*net);
        }
        all
    }

    pub(super) fn brand(&mut self, file: &schema::File) -> BrandSettings {
        let at = self.at(&["brand"]);
        let none = schema::Brand::default();
        let section = file.brand.as_ref().unwrap_or(&none);
        let name = section.name.as_deref().unwrap_or("Vestibule");
        let languages = self.languages(&at.key("languages"), section.languages.as_ref());
        BrandSettings {
            name: self.shown(&at.key("name"), name),
            logo: section
                .logo
                .as_ref()
                .map(|logo| self.logo(&at.key("logo"), logo)),
            accent: section.accent.as_ref().map(|c| c.0.clone()),
            support: self.support(&at.key("support"), section.support.as_ref()),
            texts: self.texts(&at.key("texts"), section.texts.as_deref(), &languages),
            languages,
            apps: self.apps(file.two_factor.as_ref().and_then(|t| t.apps.as_ref())),
        }
    }

    fn logo(&mut self, at: &At<'_>, written: &str) -> PathBuf {
        let path = self.readable(at, written);
        let kind = path
            .extension()
            .and_then(|e| e.to_str())
            .map(str::to_ascii_lowercase);
        if !matches!(kind.as_deref(), Some("svg" | "png")) {
            self.error(
                at,
                "the logo is neither an SVG nor a PNG file",
                "its name must end in .svg or .png",
            );
        }
        path
    }

    fn support(&mut self, at: &At<'_>, section: Option<&schema::Support>) -> Support {
        let Some(section) = section else {
            return Support::default();
        };
        if let Some(email) = &section.email
            && !is_email(email)
        {
            self.error(
                &at.key("email"),
                format!("`{}` is not an e-mail address", shortened(email, 60)),
                "write for example help@example.com",
            );
        }
        Support {
            email: section.email.clone(),
            phone: section
                .phone
                .as_ref()
                .map(|p| self.shown(&at.key("phone"), p)),
            chat: section.chat.as_ref().map(|c| c.0.clone()),
        }
    }

    fn languages(&mut self, at: &At<'_>, list: Option<&List<schema::Language>>) -> Vec<String> {
        let all = || schema::Language::ALL.map(|l| l.tag().to_owned()).to_vec();
        let Some(list) = list else {
            return all();
        };
        if list.is_empty() {
            self.error(
                at,
                "the list is empty",
                "name at least one of en, fi, sv, nb, da, de, or remove the line for all",
            );
            return all();
        }
        let mut tags: Vec<String> = Vec::new();
        for (number, language) in list.iter() {
            if tags.iter().any(|t| t == language.tag()) {
                self.error(
                    &at.index(number),
                    format!("`{}` is named twice", language.tag()),
                    "remove one of them",
                );
            } else {
                tags.push(language.tag().to_owned());
            }
        }
        tags
    }

    fn apps(&mut self, list: Option<&List<schema::App>>) -> Vec<AppSettings> {
        let at = self.at(&["two_factor", "apps"]);
        let mut apps: Vec<AppSettings> = Vec::new();
        for (number, app) in list.into_iter().flat_map(List::iter) {
            let at = at.index(number);
            self.require(&at, "name", "Example Authenticator");
            let own = app.own.unwrap_or(false);
            if own && apps.iter().any(|a| a.own) {
                self.error(
                    &at.key("own"),
                    "a second app says it is the organisation's own",
                    "write `own: true` for one app only",
                );
            }
            apps.push(AppSettings {
                name: app
                    .name
                    .as_ref()
                    .map_or_else(String::new, |n| self.shown(&at.key("name"), n)),
                own,
                ios: app.ios.as_ref().map(|u| u.0.clone()),
                android: app.android.as_ref().map(|u| u.0.clone()),
                short: app.short.as_ref().map(|s| self.shown(&at.key("short"), s)),
            });
        }
        apps.sort_by_key(|a| !a.own);
        apps
    }

    pub(super) fn key_file(&mut self, section: Option<&schema::Secrets>) -> PathBuf {
        let at = self.at(&["secrets", "key_file"]);
        let written = section
            .and_then(|s| s.key_file.as_deref())
            .unwrap_or("data/secret.key");
        let path = self.resolve(written);
        if path.exists() {
            self.readable(&at, written);
            // as strict as the vault is: nobody but the owner
            self.kept_from_strangers(&at, &path, 0o077);
        }
        path
    }
}

pub(super) fn is_email(text: &str) -> bool {
    let parts: BTreeSet<bool> = text
        .chars()
        .map(|c| c.is_whitespace() || c.is_control())
        .collect();
    !parts.contains(&true)
        && text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && Host::parse(host).is_some())
}
