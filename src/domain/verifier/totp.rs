//! Time-based one-time passwords: RFC 6238 with the parameters every app understands (SHA-1, 6 digits, 30 s).
//!
//! One step either way is accepted (RFC 6238 5.2 and 6), each step once: the proof carries the step, and the
//! store accepts it only if it is later than the last one it has seen.

use super::{BindingProof, PossessionProof};
use crate::domain::account::Account;
use crate::domain::secret::TotpSecret;
use crate::domain::timestamp::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// Seconds a code is shown.
pub const STEP_SECONDS: u64 = 30;
/// Steps of a clock that is ahead or behind.
const SKEW: u16 = 1;

/// Checks six digits against a bound authenticator.
pub fn verify(
    digits: &str,
    account: &Account,
    secret: &TotpSecret,
    now: Timestamp,
) -> Option<PossessionProof> {
    let binding = account.totp.as_ref()?;
    let step = matched_step(digits, secret, now).filter(|step| *step > binding.last_step)?;
    Some(PossessionProof {
        account: account.id,
        authenticator: binding.id,
        step,
        at: now,
    })
}

/// Checks six digits against a secret that was just shown and is not bound yet.
pub fn verify_pending(digits: &str, secret: &TotpSecret, now: Timestamp) -> Option<BindingProof> {
    matched_step(digits, secret, now).map(|step| BindingProof { step, at: now })
}

/// When the code of a step that was accepted began to be shown; `None` where none was.
pub fn moment_of(step: u64) -> Option<Timestamp> {
    let seconds = step.checked_mul(STEP_SECONDS).filter(|s| *s > 0)?;
    i64::try_from(seconds).ok().map(Timestamp::from_seconds)
}

/// The last step whose code would be accepted now: codes of a clock that is ahead included.
pub fn latest_step(now: Timestamp) -> u64 {
    u64::try_from(now.seconds()).unwrap_or(0) / STEP_SECONDS + u64::from(SKEW)
}

fn matched_step(digits: &str, secret: &TotpSecret, now: Timestamp) -> Option<u64> {
    let seconds = u64::try_from(now.seconds()).ok()?;
    let plain = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    totp(secret, None, "account")?.check(digits, seconds)
}

fn totp(secret: &TotpSecret, issuer: Option<&str>, label: &str) -> Option<Totp> {
    Builder::new()
        .with_secret(Secret::from(secret.reveal()))
        .with_issuer(issuer)
        .with_account_name(label)
        .with_skew(SKEW)
        .build()
        .ok()
}

/// The `otpauth://` address of the QR code. `:` separates issuer and account in it, so it is replaced in both.
pub fn otpauth_url(secret: &TotpSecret, issuer: &str, label: &str) -> Option<String> {
    let clean = |text: &str| text.replace(':', " ");
    totp(secret, Some(&clean(issuer)), &clean(label))?
        .to_url()
        .ok()
}

/// The secret in base 32, in groups of four, for people who type it.
pub fn key_groups(secret: &TotpSecret) -> String {
    let text = Secret::from(secret.reveal()).to_base32();
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::authenticator::TotpBinding;
    use crate::domain::id::AuthenticatorId;
    use crate::domain::policy::tests::account;
    use uuid::Uuid;

    /// RFC 6238 appendix B (SHA-1, last six digits of the eight printed there).
    #[test]
    fn rfc_6238_vectors() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(
                matched_step(code, &secret, now),
                Some(seconds as u64 / 30),
                "{seconds}"
            );
        }
    }

    #[test]
    fn one_step_either_way_and_never_twice() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let code = "050471"; // step 37037037
        let at = |offset: i64| Timestamp::from_seconds(1_111_111_111 + offset);
        let person = |last_step: u64| {
            let mut a = account();
            a.totp = Some(TotpBinding {
                id: AuthenticatorId::from_uuid(Uuid::nil()),
                sealed_secret: Vec::new(),
                bound_at: at(0),
                last_step,
                codes_unconfirmed: false,
            });
            a
        };
        let check = |last: u64, offset: i64, want: bool| {
            assert_eq!(
                verify(code, &person(last), &secret, at(offset)).is_some(),
                want,
                "{last} {offset}"
            );
        };
        check(0, 0, true);
        check(0, 30, true);
        check(0, 59, false);
        check(0, -1, true);
        check(0, -32, false);
        check(37_037_036, 0, true);
        check(37_037_037, 0, false);
        check(37_037_038, 0, false);
        assert!(
            verify(code, &account(), &secret, at(0)).is_none(),
            "no authenticator bound"
        );
        for bad in ["50471", "0050471", "٠٥٠٤٧١", "", "05047a"] {
            assert!(matched_step(bad, &secret, at(0)).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_address_in_the_qr_code() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let url = otpauth_url(&secret, "North: gate", "aino@example.com").unwrap();
        assert!(url.starts_with("otpauth://totp/"), "{url}");
        assert!(
            url.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{url}"
        );
        assert_eq!(
            key_groups(&secret),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
        );
    }
}
