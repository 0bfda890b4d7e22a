//! The way to the mail server (SMTP, RFC 5321), one connection a message.
//!
//! The steps are taken one by one, because what a refusal means depends on the step: a recipient or a message that
//! is refused for good will never be taken, while a server that refuses us (sign-in, sender, TLS) may be put right by
//! its operators.

use super::wording::{Worded, one_line};
use crate::domain::timestamp::Timestamp;
use lettre::message::header::{ContentTransferEncoding, Header, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart, header::ContentType};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};
use std::time::{Duration, UNIX_EPOCH};
use zeroize::Zeroizing;

/// For one step of the conversation.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// For all of it. Shorter than the lease of the outbox: nobody else sends what is being sent.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(90);

/// Where mails go.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<Login>,
    /// The name of the organisation, or another that was configured.
    pub from_name: String,
    pub from_address: String,
    /// Certificates in PEM that are trusted in place of the system's.
    pub ca: Option<Vec<u8>>,
    /// The portal's host: how we greet, and what Message-IDs end with.
    pub our_host: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    ImplicitTls,
    StartTls,
    /// For a server on this machine only.
    StartTlsIfOffered,
}

#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("`{0}` is not an address to send from")]
    Sender(String),
    #[error("the certificates for the mail server cannot be used: {0}")]
    Certificates(SmtpError),
}

/// A message was not taken. What the server said is for the log.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// To be tried again.
    #[error("{0}")]
    ForNow(String),
    /// It will never be taken for this recipient.
    #[error("{0}")]
    ForGood(String),
}

/// One message to one person.
#[derive(Debug)]
pub struct Addressed<'a> {
    /// The same for the same mail, however often it is sent.
    pub id: &'a str,
    pub to: &'a str,
    pub name: &'a str,
    pub queued_at: Timestamp,
}

/// A mail server.
pub struct Transport {
    settings: Settings,
    from: Mailbox,
    tls: TlsParameters,
    us: ClientId,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transport({})", self.settings.host)
    }
}

impl Transport {
    pub fn new(settings: Settings) -> Result<Self, Unusable> {
        let address: Address = settings
            .from_address
            .parse()
            .map_err(|_| Unusable::Sender(settings.from_address.clone()))?;
        Ok(Self {
            from: mailbox(&settings.from_name, address),
            tls: tls(&settings).map_err(Unusable::Certificates)?,
            us: ClientId::Domain(settings.our_host.clone()),
            settings,
        })
    }

    /// Returns when the server has taken the responsibility for it (RFC 5321 6.1), or has not.
    pub async fn send(&self, to: &Addressed<'_>, worded: &Worded) -> Result<(), NotTaken> {
        let recipient = to
            .to
            .parse()
            .map_err(|_| NotTaken::ForGood("the recipient's address is none".to_owned()))?;
        let message = self.message(to, &recipient, worded)?;
        let sending = self.converse(recipient, &message);
        match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(result) => result,
            Err(_) => Err(NotTaken::ForNow(format!(
                "no end within {} s",
                SEND_TIMEOUT.as_secs()
            ))),
        }
    }

    fn message(
        &self,
        to: &Addressed<'_>,
        recipient: &Address,
        worded: &Worded,
    ) -> Result<Vec<u8>, NotTaken> {
        let seconds = u64::try_from(to.queued_at.seconds()).unwrap_or(0);
        let part = |kind: ContentType, text: &str| {
            // lines in other languages stay readable in what is kept, and none gets too long
            let encoding = ContentTransferEncoding::QuotedPrintable;
            let body = Body::new_with_encoding(text.to_owned(), encoding);
            let body = body.unwrap_or_else(Body::new);
            SinglePart::builder().header(kind).body(body)
        };
        Message::builder()
            .message_id(Some(format!("<{}@{}>", to.id, self.settings.our_host)))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .from(self.from.clone())
            .to(mailbox(to.name, recipient.clone()))
            .subject(one_line(&worded.subject))
            .header(AutoSubmitted)
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &worded.text))
                    .singlepart(part(ContentType::TEXT_HTML, &worded.html)),
            )
            .map(|message| message.formatted())
            .map_err(|e| NotTaken::ForGood(format!("it is no message: {e}")))
    }

    async fn converse(&self, recipient: Address, message: &[u8]) -> Result<(), NotTaken> {
        let mut server = self.connect().await.map_err(for_now)?;
        let utf8 = [&recipient, &self.from.email]
            .iter()
            .any(|address| !address.to_string().is_ascii());
        let mut options = Vec::new();
        if utf8 {
            if !server
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
            {
                server.abort().await;
                let why = "the server does not take addresses beyond ASCII";
                return Err(NotTaken::ForGood(why.to_owned()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let result = async {
            let sender = Some(self.from.email.clone());
            server
                .command(Mail::new(sender, options))
                .await
                .map_err(for_now)?;
            server
                .command(Rcpt::new(recipient, Vec::new()))
                .await
                .map_err(by_code)?;
            server.command(Data).await.map_err(by_code)?;
            server.message(message).await.map_err(by_code)
        }
        .await;
        // what it says to the farewell changes nothing
        let farewell = tokio::time::timeout(Duration::from_secs(2), server.abort());
        let _ = farewell.await;
        result.map(|_| ())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let Settings { host, port, .. } = &self.settings;
        let implicit = (self.settings.security == Security::ImplicitTls).then(|| self.tls.clone());
        let to = (host.as_str(), *port);
        let mut server =
            AsyncSmtpConnection::connect_tokio1(to, Some(STEP_TIMEOUT), &self.us, implicit, None)
                .await?;
        let upgrade = match self.settings.security {
            Security::ImplicitTls => false,
            // where the server does not offer it, this fails
            Security::StartTls => true,
            Security::StartTlsIfOffered => server.can_starttls(),
        };
        if upgrade {
            server.starttls(self.tls.clone(), &self.us).await?;
        }
        if let Some(Login { user, password }) = &self.settings.login {
            let credentials = Credentials::new(user.clone(), password.to_string());
            server
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await?;
        }
        Ok(server)
    }
}

fn tls(settings: &Settings) -> Result<TlsParameters, SmtpError> {
    let builder = TlsParameters::builder(settings.host.clone());
    match &settings.ca {
        Some(pem) => builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem)?),
        // on this machine plain text would do: a certificate for `localhost` that nobody has signed is no worse
        None if settings.security == Security::StartTlsIfOffered => builder
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true),
        None => builder,
    }
    .build_rustls()
}

/// A display name of a person's own making stays one: lettre quotes and encodes it, and lines never end in it.
fn mailbox(name: &str, address: Address) -> Mailbox {
    let name = one_line(name);
    let name = name.trim();
    Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address)
}

fn for_now(error: SmtpError) -> NotTaken {
    NotTaken::ForNow(chain(&error))
}

fn by_code(error: SmtpError) -> NotTaken {
    if error.is_permanent() {
        NotTaken::ForGood(chain(&error))
    } else {
        NotTaken::ForNow(chain(&error))
    }
}

/// With what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    one_line(&text).chars().take(300).collect()
}

/// RFC 3834 5: nobody's holiday notice answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport() -> Transport {
        Transport::new(Settings {
            host: "127.0.0.1".into(),
            port: 25,
            security: Security::StartTlsIfOffered,
            login: None,
            from_name: "Northgate \"Works\", Inc.".into(),
            from_address: "noreply@example.com".into(),
            ca: None,
            our_host: "login.example.com".into(),
        })
        .unwrap()
    }

    fn written(to: &str, name: &str, subject: &str) -> Result<String, NotTaken> {
        let worded = Worded {
            subject: subject.into(),
            text: "Käyttö\n".into(),
            html: "<p>Käyttö</p>".into(),
        };
        let to = Addressed {
            id: "0190-1",
            to,
            name,
            queued_at: Timestamp::from_seconds(1_797_258_720),
        };
        let transport = transport();
        let recipient: Address = to
            .to
            .parse()
            .map_err(|_| NotTaken::ForGood("address".into()))?;
        let bytes = transport.message(&to, &recipient, &worded)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    fn headers(message: &str) -> Vec<String> {
        let head = message.split("\r\n\r\n").next().unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", "\t");
        unfolded.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn the_head_of_a_message() {
        let message = written("aino@example.com", "Aino Virtanen", "Your code").unwrap();
        let headers = headers(&message);
        for want in [
            "Message-ID: <0190-1@login.example.com>",
            "Date: Mon, 14 Dec 2026 14:32:00 +0000",
            "From: =?utf-8?b?Tm9ydGhnYXRlICJXb3JrcyIsIEluYy4=?= <noreply@example.com>",
            "To: \"Aino Virtanen\" <aino@example.com>",
            "Subject: Your code",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.iter().any(|h| h == want), "{want}\n{headers:#?}");
        }
        assert_eq!(headers.len(), 8, "{headers:#?}");
        assert!(message.contains("K=C3=A4ytt=C3=B6"), "{message}");
    }

    #[test]
    fn nobody_writes_a_header_of_their_own() {
        for evil in [
            "A\r\nBcc: x@example.com",
            "A\nBcc: x@example.com",
            "A\rBcc: x@example.com",
            "A\" <x@example.com>, \"B",
            "A\u{0}\u{85}\u{2028}B",
            "=?utf-8?q?A=0D=0ABcc:_x@example.com?=",
            "Ä\r\n\r\nBcc: x@example.com",
        ] {
            let message = written("aino@example.com", evil, evil).unwrap();
            let headers = headers(&message);
            assert_eq!(headers.len(), 8, "{headers:#?}");
            assert!(
                !headers.iter().any(|h| h.starts_with("Bcc")),
                "{headers:#?}"
            );
            let to = headers.iter().find(|h| h.starts_with("To:")).unwrap();
            assert!(to.ends_with(" <aino@example.com>"), "{to}");
        }
        for evil in [
            "aino@example.com\r\nBcc: x@example.com",
            "aino@example.com, x@example.com",
            "aino@example.com> SIZE=1\r\nRCPT TO:<x@example.com",
            "",
            "aino",
        ] {
            assert!(written(evil, "A", "S").is_err(), "{evil}");
        }
    }
}
