//! The configuration, checked: domain types, nothing left to parse. Paths are joined to the folder of
//! the configuration file.

use crate::domain::binding::EnrolmentProof;
use crate::domain::database::Server;
use crate::domain::desk::Roles;
use crate::domain::host::{Host, Origin};
use crate::domain::limits::Limits;
use crate::domain::password_rules::Minimum;
use crate::domain::policy::TwoFactorRules;
use crate::domain::trace::Sampling;
use crate::domain::{route, session, throttle};
use crate::i18n::Overrides;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

#[derive(Clone, Debug)]
pub struct Settings {
    pub listeners: Vec<Listener>,
    /// `None`: certificates come from files only.
    pub acme: Option<AcmeSettings>,
    pub hsts: HstsSettings,
    /// Plain HTTP for /healthz, /readyz, /metrics, on a loopback address; `None`: none.
    pub operations: Option<SocketAddr>,
    /// What one client may cost.
    pub limits: Limits,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may ask whether a request is to be let through.
    pub askers: Vec<IpNet>,
    pub portal: Origin,
    pub brand: BrandSettings,
    pub storage: StorageSettings,
    pub key_file: PathBuf,
    /// `None`: requests are written into the program's own log.
    pub access_log: Option<AccessLogSettings>,
    pub traces: TraceSettings,
    /// `None`: nothing is mailed.
    pub mail: Option<MailSettings>,
    pub sessions: session::Rules,
    /// The sign-in page remembers the last account name on a device.
    pub remember_account: bool,
    pub two_factor: TwoFactorRules,
    pub enrolment_proof: EnrolmentProof,
    /// How many emergency codes a person stores.
    pub emergency_codes: usize,
    pub password: PasswordSettings,
    pub throttle: throttle::Rules,
    pub hashing: Hashing,
    pub routes: route::Table,
    /// `None`: no session can be minted.
    pub load_testing_prefix: Option<String>,
    pub roles: Roles,
    /// Files the configuration was read from besides its own, those of certificates on listeners left out: they
    /// are looked after by themselves.
    pub files: Vec<PathBuf>,
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageSettings {
    /// One SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server(Server),
}

impl StorageSettings {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

/// Which traces are recorded, and where they go.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TraceSettings {
    /// The URL that spans are sent to; `None`: they are sent nowhere.
    pub endpoint: Option<String>,
    pub sampling: Sampling,
    pub service_name: String,
    pub headers: Vec<(String, Zeroizing<String>)>,
}

impl std::fmt::Debug for TraceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceSettings")
            .field("endpoint", &self.endpoint)
            .field("sampling", &self.sampling)
            .finish_non_exhaustive()
    }
}

/// What is written down of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogSettings {
    Off,
    On {
        format: AccessLogFormat,
        to: AccessLogTarget,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    Json,
    Combined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogTarget {
    Stdout,
    Stderr,
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub kind: ListenerKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    Tls(TlsSettings),
    RedirectToHttps,
    /// Plain HTTP from proxies that have ended the TLS.
    BehindProxy,
    /// Questions of proxies, and nothing else.
    ForwardAuth,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Picked by the name the browser asks for; never empty without `acme`.
    pub certificates: Vec<CertificateFiles>,
    /// Those of [`Settings::acme`], too.
    pub acme: bool,
    pub client_certificates: Option<ClientCertificateSettings>,
    pub only_tls13: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificateSettings {
    pub ca: PathBuf,
    pub required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeSettings {
    /// The directory's URL.
    pub directory: String,
    pub email: Option<String>,
    /// TLS-ALPN-01 in place of HTTP-01.
    pub over_tls: bool,
    /// Trusted for the server itself in place of the system's authorities.
    pub ca: Option<Vec<CertificateDer<'static>>>,
    pub hosts: Vec<Host>,
    pub renew_before: Option<Duration>,
    pub external_account: Option<ExternalAccountSettings>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct ExternalAccountSettings {
    pub key_id: String,
    pub key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for ExternalAccountSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExternalAccountSettings({})", self.key_id)
    }
}

/// Values of Strict-Transport-Security; `None`: it is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HstsSettings {
    pub portal: Option<String>,
    pub elsewhere: Option<String>,
    /// Applications' answers say what `elsewhere` says.
    pub applications: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandSettings {
    pub name: String,
    pub logo: Option<PathBuf>,
    /// `#` and 3 or 6 hexadecimal digits.
    pub accent: Option<String>,
    pub support: Support,
    /// BCP 47 tags, never empty; the first is the fallback.
    pub languages: Vec<String>,
    /// In place of built-in ones.
    pub texts: Vec<Overrides>,
    pub apps: Vec<AppSettings>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Support {
    pub email: Option<String>,
    pub phone: Option<String>,
    /// An https URL.
    pub chat: Option<String>,
}

/// How mails leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    pub credentials: Option<MailCredentials>,
    pub from: Sender,
    /// Certificates in PEM that are trusted in place of the system's.
    pub ca: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    ImplicitTls,
    StartTls,
    /// For a server on this machine only.
    StartTlsIfOffered,
}

#[derive(Clone, PartialEq, Eq)]
pub struct MailCredentials {
    pub user: String,
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for MailCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailCredentials({})", self.user)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub name: Option<String>,
    pub address: String,
}

/// An authenticator app that the enrolment offers by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    pub name: String,
    /// The organisation's own; at most one, and then the first.
    pub own: bool,
    /// https URLs.
    pub ios: Option<String>,
    pub android: Option<String>,
    /// A short address to type on a phone, as text.
    pub short: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    pub minimum: Minimum,
    /// There and readable when it was checked.
    pub blocklist: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// 0: as many as cores.
    pub threads: usize,
    /// Checks that may wait for a thread.
    pub queue: usize,
}
