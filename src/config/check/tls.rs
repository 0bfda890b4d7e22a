//! HTTPS of the listeners: certificates of files and of an ACME server, client certificates, HSTS.

use super::{Check, files, gateway};
use crate::config::list::{List, Switch};
use crate::config::report::shortened;
use crate::config::scalar::HostName;
use crate::config::schema::tls::{
    Acme, AcmeChallenge, ClientCertificates, ExternalAccount, Hsts, Tls, TlsVersion,
};
use crate::config::settings::{
    AcmeSettings, ClientCertificateSettings, ExternalAccountSettings, HstsSettings, Listener,
    ListenerKind, TlsSettings,
};
use crate::config::source::At;
use crate::domain::host::{Host, Origin};
use crate::domain::route::Table;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// An expiry nearer than this is told.
const SOON: i64 = 14 * 86_400;

impl Check<'_> {
    pub(super) fn tls(
        &mut self,
        at: &At<'_>,
        tls: &Tls,
        found: &mut Vec<gateway::Found>,
    ) -> TlsSettings {
        let acme = tls.acme == Some(true);
        if acme && !self.at(&["acme"]).exists() {
            self.error(
                &at.key("acme"),
                "there is no section `acme`",
                "write for example `acme: { email: operations@example.com, agree_to_terms: true }` at the top",
            );
        }
        let clients = tls.client_certificates.as_ref();
        TlsSettings {
            certificates: self.certificate_files(at, tls, found),
            acme,
            client_certificates: clients
                .and_then(|c| self.client_certificates(&at.key("client_certificates"), c)),
            only_tls13: tls.min_version == Some(TlsVersion::Tls13),
        }
    }

    fn client_certificates(
        &mut self,
        at: &At<'_>,
        section: &ClientCertificates,
    ) -> Option<ClientCertificateSettings> {
        self.require(at, "ca", "../certs/devices-ca.pem");
        let written = section.ca.as_ref()?;
        self.certificates(&at.key("ca"), written);
        Some(ClientCertificateSettings {
            ca: self.resolve(written),
            required: section.required.unwrap_or(true),
        })
    }

    /// Tells of certificates that have run out or soon will.
    pub(super) fn expiry(&mut self, at: &At<'_>, certificate: &CertificateDer<'_>) {
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
            return;
        };
        let validity = parsed.validity();
        let now = crate::env::Env::system().now().seconds();
        let left = validity.not_after.timestamp().saturating_sub(now);
        let end = validity.not_after.to_string();
        let help = "put the renewed one in its place: it is taken up without a restart";
        if left <= 0 {
            let message = format!("this certificate has expired ({end}): browsers refuse it");
            self.warning(at, message, help);
        } else if validity.not_before.timestamp() > now {
            let begin = validity.not_before.to_string();
            let message = format!("this certificate is not valid before {begin}");
            self.warning(at, message, "is the machine's clock right?");
        } else if left < SOON {
            let message = format!("this certificate expires soon ({end})");
            self.warning(at, message, help);
        }
    }

    /// Routes that ask for a client certificate where no listener does.
    pub(super) fn client_certificate_routes(&mut self, listeners: &[Listener]) {
        let asked = |l: &Listener| match &l.kind {
            ListenerKind::Tls(tls) => tls.client_certificates.is_some(),
            ListenerKind::RedirectToHttps
            | ListenerKind::BehindProxy
            | ListenerKind::ForwardAuth => false,
        };
        if listeners.iter().any(asked) {
            return;
        }
        let routes = self.at(&["routes"]);
        for number in 0..routes.len() {
            let at = routes.index(number).key("access").key("client_certificate");
            if at.raw().is_some_and(|raw| raw != "false") {
                self.error(
                    &at,
                    "no listener asks clients for a certificate: nobody could come in",
                    "write `client_certificates: { ca: FILE, required: false }` below `tls` of a listener",
                );
            }
        }
    }

    pub(super) fn acme(
        &mut self,
        section: Option<&Acme>,
        listeners: &[Listener],
        (portal, table): (Option<&Origin>, &Table),
    ) -> Option<AcmeSettings> {
        let section = section?;
        let at = self.at(&["acme"]);
        self.require(&at, "agree_to_terms", "true");
        if section.agree_to_terms == Some(false) {
            let help = "read the server's terms of service; with `true` you agree to them";
            let at = at.key("agree_to_terms");
            self.error(
                &at,
                "the server gives certificates only to those who agree",
                help,
            );
        }
        let challenge = section.challenge.unwrap_or(AcmeChallenge::Http01);
        self.acme_listeners(&at, challenge, listeners);
        let email = section.email.as_deref();
        if let Some(email) = email.filter(|email| !gateway::is_email(email)) {
            let message = format!("`{}` is not an e-mail address", shortened(email, 60));
            let help = "write for example operations@example.com";
            self.error(&at.key("email"), message, help);
        }
        let ca = section.ca.as_ref();
        let ca = ca.and_then(|file| self.certificates(&at.key("ca"), file));
        let account = section.external_account.as_ref();
        let at_account = at.key("external_account");
        let external_account = account.and_then(|a| self.external_account(&at_account, a));
        let renew_before = section.renew_before.as_ref();
        let at_renewal = at.key("renew_before");
        let renew_before =
            renew_before.map(|span| self.span(&at_renewal, Some(span), Duration::ZERO));
        let hosts = self.acme_hosts(&at.key("hosts"), section, (portal, table, listeners));
        let directory = section.directory.as_ref();
        Some(AcmeSettings {
            directory: directory.map_or_else(|| LETS_ENCRYPT.to_owned(), |url| url.0.clone()),
            email: section.email.clone(),
            over_tls: challenge == AcmeChallenge::TlsAlpn01,
            ca: ca.map(|(_, certificates)| certificates),
            hosts,
            renew_before,
            external_account,
        })
    }

    /// A challenge that no listener could answer.
    fn acme_listeners(&mut self, at: &At<'_>, challenge: AcmeChallenge, listeners: &[Listener]) {
        let serving = || {
            listeners.iter().filter_map(|l| match &l.kind {
                ListenerKind::Tls(tls) if tls.acme => Some(tls),
                _ => None,
            })
        };
        if serving().next().is_none() {
            let help = "write `tls: { acme: true }` at the listener that is to serve them";
            self.error(
                at,
                "no listener serves certificates of an ACME server",
                help,
            );
        }
        let redirects = |l: &Listener| l.kind == ListenerKind::RedirectToHttps;
        let at = match at.key("challenge").exists() {
            true => at.key("challenge"),
            false => at.clone(),
        };
        if challenge == AcmeChallenge::Http01 && !listeners.iter().any(redirects) {
            let help = "add `- { address: 0.0.0.0:80, redirect_to_https: true }` to `listen`, or write `challenge: tls-alpn-01`";
            self.error(
                &at,
                "http-01 is answered over plain HTTP, which no listener speaks",
                help,
            );
        }
        let demands = |tls: &TlsSettings| {
            let clients = tls.client_certificates.as_ref();
            clients.is_some_and(|c| c.required)
        };
        if challenge == AcmeChallenge::TlsAlpn01 && serving().any(demands) {
            let help = "write `challenge: http-01`, or `required: false` there and `access: { client_certificate: true }` at the routes";
            self.error(&at, "tls-alpn-01 cannot be answered where clients must show a certificate: the ACME server has none", help);
        }
    }

    fn acme_hosts(
        &mut self,
        at: &At<'_>,
        section: &Acme,
        (portal, table, listeners): (Option<&Origin>, &Table, &[Listener]),
    ) -> Vec<Host> {
        let mut hosts: Vec<Host> = Vec::new();
        let mut add = |host: &Host| {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        };
        let Some(written) = &section.hosts else {
            let routes = table.routes().iter().map(|r| r.origin.host());
            let filed = files_on_acme_listeners(listeners);
            for host in portal.map(Origin::host).into_iter().chain(routes) {
                let has_file = filed.iter().any(|der| files::covers(der, host.as_str()));
                if is_name(host) && !has_file {
                    add(host);
                }
            }
            if hosts.is_empty() && portal.is_some() {
                let help =
                    "remove the section and `acme: true`, or name the hosts with `hosts: [...]`";
                let above = self.at(&["acme"]);
                self.warning(&above, "there is no host to get a certificate for", help);
            }
            return hosts;
        };
        for (number, HostName(host)) in written.iter() {
            add(host);
            let at = at.index(number);
            let ours = portal.is_some_and(|p| p.host() == host) || table.knows_host(host);
            if !is_name(host) {
                let help = "write a name such as wiki.example.com";
                self.error(&at, format!("{host} is not a name"), help);
            } else if !ours {
                let help = "write the portal's host or a route's";
                self.error(&at, format!("{host} is not served here"), help);
            }
        }
        if written.is_empty() {
            let help = "name the hosts, or remove the line for all";
            self.error(at, "the list is empty", help);
        }
        hosts
    }

    fn external_account(
        &mut self,
        at: &At<'_>,
        section: &ExternalAccount,
    ) -> Option<ExternalAccountSettings> {
        self.require(at, "key_id", "kid-1");
        self.require(at, "key_file", "/run/secrets/acme");
        let (id, file) = section.key_id.as_ref().zip(section.key_file.as_ref())?;
        let at = at.key("key_file");
        let (path, bytes) = self.content(&at, file)?;
        self.private_to_owner(&at, &path);
        let text = Zeroizing::new(String::from_utf8(bytes).ok().unwrap_or_default());
        let key = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('='));
        match key.ok().filter(|key| !key.is_empty()) {
            Some(key) => Some(ExternalAccountSettings {
                key_id: id.clone(),
                key: Zeroizing::new(key),
            }),
            None => {
                let message = format!("{} does not hold a key", path.display());
                let help =
                    "write the key as the server's operator gave it to you: base64url, one line";
                self.error(&at, message, help);
                None
            }
        }
    }

    pub(super) fn hsts(&mut self, section: Option<&Switch<Hsts>>) -> HstsSettings {
        let none = Hsts::default();
        let section = match section {
            None => &none,
            Some(Switch::On(section)) => section,
            Some(Switch::Off) => {
                return HstsSettings {
                    portal: None,
                    elsewhere: None,
                    applications: false,
                };
            }
        };
        let max_age = section.max_age.as_ref().map_or(YEAR, |d| d.0);
        let preload = section.preload == Some(true);
        if preload && (section.include_subdomains != Some(true) || max_age < YEAR) {
            let at = self.at(&["hsts", "preload"]);
            let help = "write `include_subdomains: true` and `max_age: 365d`, or remove the line";
            self.error(&at, "browsers put a host on their lists only for a year at least and with everything below it", help);
        }
        let value = |below: bool| {
            let mut value = format!("max-age={}", max_age.as_secs());
            if section.include_subdomains.unwrap_or(below) {
                value.push_str("; includeSubDomains");
            }
            if preload {
                value.push_str("; preload");
            }
            Some(value)
        };
        HstsSettings {
            portal: value(true),
            elsewhere: value(false),
            applications: section.applications == Some(true),
        }
    }

    /// Certificates are named, or come from an ACME server.
    pub(super) fn certificates_given(&mut self, at: &At<'_>, tls: &Tls) {
        let example = "[ { certificate: ../certs/site.pem, key: ../certs/site.key } ]";
        let acme = tls.acme == Some(true);
        if !acme {
            self.require(at, "certificates", example);
        }
        let list = tls.certificates.as_ref();
        if list.is_some_and(List::is_empty) && !acme {
            self.error(
                &at.key("certificates"),
                "there is no certificate",
                format!("write for example `certificates: {example}`"),
            );
        }
    }
}

/// Certificates of files, where one of an ACME server would stand beside them.
fn files_on_acme_listeners(listeners: &[Listener]) -> Vec<CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject as _;
    let tls = listeners.iter().filter_map(|l| match &l.kind {
        ListenerKind::Tls(tls) if tls.acme => Some(tls),
        _ => None,
    });
    let pairs = tls.flat_map(|tls| &tls.certificates);
    // what cannot be read was reported where it stands
    let read = |pair: &crate::config::settings::CertificateFiles| {
        CertificateDer::from_pem_file(&pair.certificate).ok()
    };
    pairs.filter_map(read).collect()
}

/// Whether a server of certificates could know it: not an address.
fn is_name(host: &Host) -> bool {
    let bare = host.as_str().trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_err()
}
