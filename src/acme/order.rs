//! One order at the server: account, authorization, challenge, certificate (RFC 8555 7.4).

use super::{Challenge, Desk, Plan};
use crate::domain::host::Host;
use crate::domain::timestamp::Timestamp;
use instant_acme::{
    Account, AccountBuilder, AccountCredentials, AuthorizationStatus, BodyWrapper, ChallengeType,
    Error, ExternalAccountKey, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the server may take to ask, and then to issue.
const PATIENCE: Duration = Duration::from_secs(60);

/// A certificate as it was issued.
pub(super) struct Issued {
    /// PEM.
    pub(super) chain: String,
    pub(super) key: Zeroizing<String>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Who has to do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The host's name does not lead here, or the server issues nothing for it.
    Host,
    /// The server is away, wants to be left alone, or has no account of ours.
    Server,
}

pub(super) struct OrderFault {
    pub(super) message: String,
    pub(super) whose: Whose,
    pub(super) unknown_account: bool,
}

impl OrderFault {
    pub(super) fn of_server(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            whose: Whose::Server,
            unknown_account: false,
        }
    }

    fn of_host(message: String) -> Self {
        Self {
            message,
            whose: Whose::Host,
            unknown_account: false,
        }
    }
}

impl From<Error> for OrderFault {
    fn from(error: Error) -> Self {
        let Error::Api(problem) = &error else {
            return Self::of_server(&with_causes(&error));
        };
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let kind = kind.strip_prefix("urn:ietf:params:acme:error:");
        let mut fault = Self::of_host(error.to_string());
        if !matches!(
            kind,
            Some("caa" | "connection" | "dns" | "incorrectResponse" | "rejectedIdentifier" | "tls")
        ) {
            fault.whose = Whose::Server;
        }
        fault.unknown_account = kind == Some("accountDoesNotExist");
        fault
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// A new account, and what to keep of it.
pub(super) async fn register(plan: &Plan) -> Result<(Account, Zeroizing<Vec<u8>>), OrderFault> {
    let mail = plan
        .email
        .as_ref()
        .map(|address| format!("mailto:{address}"));
    let contact: Vec<&str> = mail.iter().map(String::as_str).collect();
    let external = plan.external_account.as_ref();
    let external = external.map(|a| ExternalAccountKey::new(a.key_id.clone(), &a.key));
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let directory = plan.directory.clone();
    let made = client(plan)?.create(&new, directory, external.as_ref());
    let (account, credentials) = made.await?;
    let bytes = serde_json::to_vec(&credentials).map_err(Error::from)?;
    Ok((account, Zeroizing::new(bytes)))
}

pub(super) async fn restore(plan: &Plan, kept: &[u8]) -> Result<Account, OrderFault> {
    let credentials: AccountCredentials = serde_json::from_slice(kept).map_err(Error::from)?;
    Ok(client(plan)?.from_credentials(credentials).await?)
}

/// An HTTPS client that trusts whom the plan says.
fn client(plan: &Plan) -> Result<AccountBuilder, OrderFault> {
    let wrong = |e: &dyn std::fmt::Display| OrderFault::of_server(&e.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let connector = hyper_rustls::HttpsConnectorBuilder::new();
    let connector = match &plan.ca {
        Some(authorities) => {
            let mut roots = rustls::RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.clone()).map_err(|e| wrong(&e))?;
            }
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|e| wrong(&e))?
                .with_root_certificates(roots)
                .with_no_client_auth();
            connector.with_tls_config(config)
        }
        None => connector
            .with_provider_and_native_roots(provider)
            .map_err(|e| wrong(&e))?,
    };
    let connector = connector.https_only().enable_http1().build();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor)
        .build::<_, BodyWrapper<bytes::Bytes>>(connector);
    Ok(Account::builder_with_http(Box::new(client)))
}

/// Orders, answers the server's questions, fetches.
pub(super) async fn obtain(
    account: &Account,
    host: &Host,
    challenge: Challenge,
    desk: &dyn Desk,
) -> Result<Issued, OrderFault> {
    let identifiers = [Identifier::Dns(host.to_string())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    answer(&mut order, host, challenge, desk).await?;
    let retries = RetryPolicy::new().timeout(PATIENCE);
    match order.poll_ready(&retries).await? {
        OrderStatus::Ready => {}
        _ => return Err(reason(&mut order).await),
    }
    let key = Zeroizing::new(order.finalize().await?);
    let chain = order.poll_certificate(&retries).await?;
    issued(host, chain, key)
}

async fn answer(
    order: &mut Order,
    host: &Host,
    challenge: Challenge,
    desk: &dyn Desk,
) -> Result<(), OrderFault> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            _ => {
                return Err(OrderFault::of_host(
                    "the authorization cannot be used".into(),
                ));
            }
        }
        let kind = match challenge {
            Challenge::Http01 => ChallengeType::Http01,
            Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        };
        let found = authorization.challenge(kind);
        let mut found = found.ok_or_else(|| {
            OrderFault::of_host("the server does not offer this challenge".into())
        })?;
        let key_authorization = found.key_authorization();
        match challenge {
            Challenge::Http01 => desk.answer_http(host, &found.token, key_authorization.as_str()),
            Challenge::TlsAlpn01 => desk
                .answer_tls(host, key_authorization.digest().as_ref())
                .map_err(OrderFault::of_host)?,
        }
        found.set_ready().await?;
    }
    Ok(())
}

/// What the server says about the authorization that it refused.
async fn reason(order: &mut Order) -> OrderFault {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let mut errors = state.challenges.iter().filter_map(|c| c.error.as_ref());
        if let Some(problem) = errors.next() {
            return OrderFault::of_host(problem.to_string());
        }
    }
    OrderFault::of_host("the server refused the order without a reason".into())
}

/// A certificate that is for the host, and whose key is ours.
fn issued(host: &Host, chain: String, key: Zeroizing<String>) -> Result<Issued, OrderFault> {
    let wrong = |what: &str| OrderFault::of_server(&format!("the server's certificate {what}"));
    let leaf = CertificateDer::from_pem_slice(chain.as_bytes());
    let leaf = leaf.map_err(|_| wrong("cannot be read"))?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(&leaf).map_err(|_| wrong("cannot be read"))?;
    let for_host = rustls::server::ParsedCertificate::try_from(&leaf)
        .ok()
        .zip(rustls::pki_types::ServerName::try_from(host.as_str()).ok())
        .is_some_and(|(c, name)| rustls::client::verify_server_name(&c, &name).is_ok());
    if !for_host {
        return Err(wrong("is for another host"));
    }
    let validity = parsed.validity();
    Ok(Issued {
        not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
        not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
        chain,
        key,
    })
}
