//! Whose request it is taken for: the address behind trusted proxies, and a client certificate.

use super::Question;
use crate::config::{ClientCertificateSettings, ListenerKind, Settings};
use crate::domain::timestamp::Timestamp;
use crate::gateway::{self, ClientCertificates};
use std::net::IpAddr;

/// What was found of the client, and how.
#[derive(Default)]
pub(super) struct Client {
    pub(super) address: Option<IpAddr>,
    /// Whether a certificate counts; `None`: nothing was asked about one.
    pub(super) certificate: Option<bool>,
    pub(super) said: Vec<String>,
}

pub(super) fn of(settings: &Settings, question: &Question<'_>, now: Timestamp) -> Client {
    let mut client = Client::default();
    if let Some(peer) = question.client {
        client.address = Some(address(settings, peer, question, &mut client.said));
    }
    if let Some(chain) = question.certificate {
        client.certificate = Some(certificate(settings, chain, now, &mut client.said));
    }
    client
}

fn address(
    settings: &Settings,
    peer: IpAddr,
    question: &Question<'_>,
    said: &mut Vec<String>,
) -> IpAddr {
    let trusted = &settings.trusted_proxies;
    let address = gateway::client_address(peer, question.forwarded_for, trusted);
    said.push(match (question.forwarded_for, gateway::is_trusted(peer, trusted)) {
        (Some(_), true) => format!("{address}, as {peer} says, which is one of trusted_proxies"),
        (Some(_), false) => format!(
            "{address}: {peer} is none of trusted_proxies, so its X-Forwarded-For is not believed"
        ),
        (None, true) => format!(
            "{address}: one of trusted_proxies, which says in X-Forwarded-For whose request it is (--forwarded-for)"
        ),
        (None, false) => format!("{address}"),
    });
    address
}

/// Whether any listener takes the certificate.
fn certificate(settings: &Settings, chain: &[u8], now: Timestamp, said: &mut Vec<String>) -> bool {
    let mut taken = false;
    let mut asked = false;
    for listener in &settings.listeners {
        let ListenerKind::Tls(tls) = &listener.kind else {
            continue;
        };
        let Some(wanted) = &tls.client_certificates else {
            continue;
        };
        asked = true;
        let ClientCertificateSettings { ca, required } = wanted.clone();
        let wanted = ClientCertificates { ca, required };
        said.push(match gateway::takes_certificate(&wanted, chain, now) {
            Ok(()) => {
                taken = true;
                format!("the certificate is taken at {}", listener.address)
            }
            Err(why) => format!(
                "the certificate is refused at {}, and the connection with it: {why}",
                listener.address
            ),
        });
    }
    if !asked {
        said.push("no listener asks for client certificates: none is looked at".into());
    }
    taken
}
