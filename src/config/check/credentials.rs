//! What applications are shown besides names.

use super::Check;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::credentials::{BasicAuth, MessageSignature, SharedSecret};
use crate::domain::route::Part;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Shortest key for a signature, in bytes: as long as what it makes (RFC 2104 section 3).
const SHORTEST_KEY: usize = 32;

impl Check<'_> {
    pub(super) fn basic_auth(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::BasicAuth>,
    ) -> Option<BasicAuth> {
        let section = section?;
        self.require(at, "username", "\"{account.login}\"");
        self.require(at, "password_file", "/run/secrets/wiki");
        let username = section.username.as_ref()?.0.clone();
        let colon = |part: &Part| matches!(part, Part::Text(text) if text.contains(':'));
        if username.parts().iter().any(colon) {
            self.error(
                &at.key("username"),
                "a user name cannot hold a colon: the password begins after the first one (RFC 7617)",
                "write it without",
            );
        }
        let file = section.password_file.as_ref()?;
        let at = at.key("password_file");
        let (path, bytes) = self.content(&at, file)?;
        self.private_to_owner(&at, &path);
        let password = self.line_of_text(&at, &path, bytes, "a password")?;
        Some(BasicAuth {
            username,
            password: SharedSecret::new(password.as_bytes().to_vec()),
        })
    }

    pub(super) fn message_signature(
        &mut self,
        identity: &At<'_>,
        section: &schema::Identity,
    ) -> Option<MessageSignature> {
        let at = identity.key("message_signature_key_file");
        let schema::MessageSignature::HmacSha256 = match section.message_signature {
            Some(algorithm) => algorithm,
            None => {
                if at.exists() {
                    let help = "write `message_signature: hmac-sha256` beside it";
                    self.error(&at, "there is a key but nothing is signed with it", help);
                }
                return None;
            }
        };
        let Some(file) = &section.message_signature_key_file else {
            // written, but not as text: reported already
            return (!at.exists()).then_some(MessageSignature { key: None });
        };
        let (path, bytes) = self.content(&at, file)?;
        self.private_to_owner(&at, &path);
        let line = self.line_of_text(&at, &path, bytes, "a key")?;
        match STANDARD.decode(line.trim()) {
            Ok(key) if key.len() >= SHORTEST_KEY => Some(MessageSignature {
                key: Some(SharedSecret::new(key)),
            }),
            Ok(_) | Err(_) => {
                self.error(
                    &at,
                    format!(
                        "{} does not hold a key of {SHORTEST_KEY} bytes or more in base64",
                        path.display()
                    ),
                    "make one with: openssl rand -base64 32",
                );
                None
            }
        }
    }
}
