//! The mail server: where it is, how the way to it is protected, and who writes.

use super::Check;
use super::gateway::is_email;
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::settings::{MailCredentials, MailSecurity, MailSettings, Sender};
use crate::config::source::At;
use crate::domain::host::Host;
use std::net::IpAddr;
use std::path::Path;
use url::Url;
use zeroize::Zeroizing;

const EXAMPLE: &str = "smtps://user@mail.example.com";

impl Check<'_> {
    pub(super) fn mail(&mut self, section: Option<&schema::Mail>) -> Option<MailSettings> {
        let section = section?;
        let at = self.at(&["mail"]);
        self.require(&at, "smtp", EXAMPLE);
        self.require(&at, "from", "Vestibule <noreply@example.com>");
        let password = self.mail_password(&at, section);
        let ca = section
            .ca
            .as_ref()
            .and_then(|file| self.certificates(&at.key("ca"), file))
            .and_then(|(path, _)| std::fs::read(path).ok());
        let from = section.from.as_deref();
        let from = from.and_then(|from| self.sender(&at.key("from"), from));
        let url = section.smtp.as_ref().map(|smtp| &smtp.0);
        let server = url.and_then(|url| self.mail_server(&at.key("smtp"), url));
        let credentials = url.and_then(|url| self.mail_credentials(&at, url, password));
        let ((host, port, security), from) = server.zip(from)?;
        Some(MailSettings {
            host,
            port,
            security,
            credentials,
            from,
            ca,
        })
    }

    fn mail_password(&mut self, at: &At<'_>, section: &schema::Mail) -> Option<Zeroizing<String>> {
        let in_url = section.smtp.as_ref().and_then(|smtp| smtp.0.password());
        let in_the_open = at.key("smtp").raw().is_some_and(|raw| !raw.contains("${"));
        if in_url.is_some() && in_the_open {
            self.problems.error(
                at.key("smtp"),
                "a password stands in the configuration",
                "remove it from the URL and write `password_file: FILE`",
            );
        }
        let Some(file) = &section.password_file else {
            return in_url.and_then(decoded).map(Zeroizing::new);
        };
        let at = at.key("password_file");
        if in_url.is_some() {
            let help = "remove it there, or remove this line";
            self.error(&at, "the address of the server holds a password, too", help);
        }
        let (path, bytes) = self.content(&at, file)?;
        self.private_to_owner(&at, &path);
        self.line_of_text(&at, &path, bytes, "a password")
    }

    /// What a file of a secret holds: one line.
    pub(super) fn line_of_text(
        &mut self,
        at: &At<'_>,
        path: &Path,
        bytes: Vec<u8>,
        what: &str,
    ) -> Option<Zeroizing<String>> {
        let text = Zeroizing::new(String::from_utf8(bytes).ok().unwrap_or_default());
        let line = text.trim_end_matches(['\r', '\n']);
        if line.is_empty() || line.contains(char::is_control) {
            self.error(
                at,
                format!("{} does not hold {what}", path.display()),
                "write it as one line of text, nothing else",
            );
            return None;
        }
        Some(Zeroizing::new(line.to_owned()))
    }

    fn mail_server(&mut self, at: &At<'_>, url: &Url) -> Option<(String, u16, MailSecurity)> {
        let written = url.host_str().unwrap_or_default();
        let tail = url.query().is_some() || url.fragment().is_some();
        if Host::parse(written).is_none() || tail || !matches!(url.path(), "" | "/") {
            let help = format!("write a scheme, a user, a host and a port at most: {EXAMPLE}:465");
            self.error(at, "this is not the address of a mail server", help);
            return None;
        }
        let host = written.trim_start_matches('[').trim_end_matches(']');
        let (security, usual) = match (url.scheme(), is_this_machine(host)) {
            ("smtps", _) => (MailSecurity::ImplicitTls, 465),
            (_, false) => (MailSecurity::StartTls, 587),
            (_, true) => (MailSecurity::StartTlsIfOffered, 587),
        };
        Some((host.to_owned(), url.port().unwrap_or(usual), security))
    }

    fn mail_credentials(
        &mut self,
        at: &At<'_>,
        url: &Url,
        password: Option<Zeroizing<String>>,
    ) -> Option<MailCredentials> {
        let has_password = at.key("password_file").exists() || url.password().is_some();
        match (url.username(), has_password) {
            ("", true) => {
                let help = format!("name the user in the address: {EXAMPLE}");
                self.error(&at.key("smtp"), "there is a password but no user", help);
                None
            }
            ("", false) => None,
            (_, false) => {
                self.error(
                    &at.key("smtp"),
                    "there is a user but no password",
                    "write `password_file: FILE`, or remove the user where the server asks for none",
                );
                None
            }
            (user, true) => Some(MailCredentials {
                user: decoded(user).or_else(|| {
                    let help = "write the user's name, with % before two hexadecimal digits only";
                    self.error(&at.key("smtp"), "the user's name cannot be read", help);
                    None
                })?,
                password: password?,
            }),
        }
    }

    /// `noreply@example.com` or `Name <noreply@example.com>`.
    fn sender(&mut self, at: &At<'_>, text: &str) -> Option<Sender> {
        let (name, address) = match text.trim().strip_suffix('>') {
            // without the other bracket, the whole text is no address
            Some(rest) => rest.rsplit_once('<').unwrap_or(("", text)),
            None => ("", text.trim()),
        };
        let name = name.trim().trim_matches('"');
        if !is_email(address) || name.chars().any(char::is_control) {
            let shown = shortened(text, 60);
            self.error(
                at,
                format!("`{shown}` is not a sender"),
                "write noreply@example.com or Vestibule <noreply@example.com>",
            );
            return None;
        }
        Some(Sender {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: address.to_owned(),
        })
    }
}

/// Whether what is sent to this host stays on this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Percent-decoded (RFC 3986 2.1); `None` where that gives no text.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    let text = String::from_utf8(out).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn percent_encoding() {
        assert_eq!(decoded("a%40b.c+d").as_deref(), Some("a@b.c+d"));
        for bad in ["%", "%4", "%zz", "%0a", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
