//! HTTPS: certificates, where they come from, and what clients show.

use super::Certificate;
use crate::config::list::List;
use crate::config::scalar::{Duration, HostName, WebUrl};
use schemars::JsonSchema;
use serde::Deserialize;

/// HTTPS of a listener.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificates, picked by the name the browser asks for; may be left out with `acme: true`.
    pub certificates: Option<List<Certificate>>,
    /// true: certificates of the section `acme` are served here, too.
    #[schemars(extend("default" = false))]
    pub acme: Option<bool>,
    /// Certificates that clients are asked for; absent: none.
    pub client_certificates: Option<ClientCertificates>,
    /// The oldest version that is spoken, in quotes: "1.2" or "1.3".
    #[schemars(extend("default" = "1.2"))]
    pub min_version: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// Certificates of clients.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificates {
    /// PEM file of the authorities that may have issued them.
    #[schemars(required, extend("examples" = ["../certs/devices-ca.pem"]))]
    pub ca: Option<String>,
    /// true: no connection without one; false: routes ask for one with `access: { client_certificate: true }`.
    #[schemars(extend("default" = true))]
    pub required: Option<bool>,
}

/// How a server of certificates makes sure that a host is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AcmeChallenge {
    #[serde(rename = "http-01")]
    Http01,
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

/// Certificates from an ACME server, such as Let's Encrypt (RFC 8555).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// The server's directory.
    #[schemars(extend("default" = "https://acme-v02.api.letsencrypt.org/directory"))]
    pub directory: Option<WebUrl>,
    /// Where the server may write to about the account.
    #[schemars(extend("examples" = ["operations@example.com"]))]
    pub email: Option<String>,
    /// true: you have read the server's terms of service and agree to them.
    #[schemars(required, extend("examples" = ["true"]))]
    pub agree_to_terms: Option<bool>,
    /// How the server makes sure that a host is ours: http-01 asks on port 80 (a listener with `redirect_to_https`), tls-alpn-01 on port 443.
    #[schemars(extend("default" = "http-01"))]
    pub challenge: Option<AcmeChallenge>,
    /// PEM file of the authorities trusted for the ACME server itself, in place of the system's.
    #[schemars(extend("examples" = ["../certs/internal-ca.pem"]))]
    pub ca: Option<String>,
    /// Hosts to get certificates for. Default: the portal's and those of all routes, but for those that a certificate file is for.
    #[schemars(extend("examples" = ["[ login.example.com, wiki.example.com ]"]))]
    pub hosts: Option<List<HostName>>,
    /// How long before its end a certificate is renewed. Default: when a third of its life is left; at most two thirds of it.
    #[schemars(extend("examples" = ["30d"]))]
    pub renew_before: Option<Duration>,
    /// The account that the server's operator has given you (RFC 8555 7.3.4); absent: none is needed.
    pub external_account: Option<ExternalAccount>,
}

/// An account at the operator of an ACME server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalAccount {
    /// Its key's identifier.
    #[schemars(required, extend("examples" = ["kid-1"]))]
    pub key_id: Option<String>,
    /// File that holds the key itself, base64url, one line.
    #[schemars(required, extend("examples" = ["/run/secrets/acme"]))]
    pub key_file: Option<String>,
}

/// Strict-Transport-Security: browsers come back over HTTPS only (RFC 6797).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hsts {
    /// How long browsers remember it; 0s: they forget it.
    #[schemars(extend("default" = "365d"))]
    pub max_age: Option<Duration>,
    /// Whether it holds for everything below a host, too. Default: below the portal's only.
    #[schemars(extend("examples" = ["true"]))]
    pub include_subdomains: Option<bool>,
    /// Agrees to the lists that browsers ship with; takes `include_subdomains: true` and a year at least.
    #[schemars(extend("default" = false))]
    pub preload: Option<bool>,
    /// true: applications' answers say it, too, in place of what they say themselves.
    #[schemars(extend("default" = false))]
    pub applications: Option<bool>,
}
