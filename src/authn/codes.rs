//! Making the codes that people keep and agents hand out.

use super::{Authn, Fault};
use crate::domain::authenticator::{EmergencyCode, OneTimeCode};
use crate::domain::id::AuthenticatorId;
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::{code_text, recovery_code};
use zeroize::Zeroizing;

/// Emergency codes as shown once and as stored.
pub(super) struct NewCodes {
    pub shown: Vec<String>,
    pub stored: Vec<EmergencyCode>,
}

impl Authn {
    pub(super) async fn new_emergency_codes(&self) -> Result<NewCodes, Fault> {
        let env = self.env.clone();
        let canonical =
            recovery_code::generate_emergency(self.rules.emergency_codes, || env.random());
        let shown = canonical.iter().map(|c| code_text::grouped(c)).collect();
        let stored = self
            .hashing
            .run(move || {
                let stored = canonical.iter().map(|code| {
                    let (selector, hash) = recovery_code::hash(code, &env.random())?;
                    Ok(EmergencyCode {
                        id: AuthenticatorId::from_uuid(env.uuid()),
                        selector,
                        hash,
                    })
                });
                stored.collect::<Result<Vec<_>, Fault>>()
            })
            .await??;
        Ok(NewCodes { shown, stored })
    }

    /// A one-time code: what is told once, and what is stored.
    pub(super) async fn new_one_time_code(
        &self,
        expires_at: Timestamp,
    ) -> Result<(Zeroizing<String>, OneTimeCode), Fault> {
        let random: [u8; 32] = self.env.random();
        let canonical = code_text::from_random(&random, code_text::ONE_TIME_CHARS);
        let shown = Zeroizing::new(code_text::grouped(&canonical));
        let salt = self.env.random();
        let hashed = self
            .hashing
            .run(move || recovery_code::hash(&canonical, &salt))
            .await?;
        let (_, hash) = hashed?;
        let code = OneTimeCode {
            id: AuthenticatorId::from_uuid(self.env.uuid()),
            hash,
            issued_at: self.env.now(),
            expires_at,
            wrong: 0,
        };
        Ok((shown, code))
    }
}
