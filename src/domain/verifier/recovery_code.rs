//! Emergency codes and one-time codes: look-up secrets of SP 800-63B-4 3.1.2.
//!
//! Both have less than 112 bits, so they are stored as salted Argon2id hashes; a small cost is enough for
//! values that nobody chose. An emergency code's first two characters select the one hash to compute.

use super::code_text;
use super::password::{HashingFailed, hash_with};
use super::{RecoveryKind, RecoveryProof};
use crate::domain::authenticator::{EmergencyCode, OneTimeCode};
use crate::domain::id::AccountId;
use crate::domain::timestamp::Timestamp;
use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash as Phc;

/// Argon2id cost of a code: 1 MiB, one pass.
const COST: (u32, u32) = (1024, 1);

/// Characters that find the code among an account's.
pub const SELECTOR_CHARS: usize = 2;

/// The selector and the hash to store of a canonical code.
pub fn hash(canonical: &str, salt: &[u8; 16]) -> Result<(String, String), HashingFailed> {
    let selector = canonical.chars().take(SELECTOR_CHARS).collect();
    Ok((selector, hash_with(canonical.as_bytes(), salt, COST)?))
}

/// Checks a canonical emergency code against the codes an account has left.
pub fn verify_emergency(
    canonical: &str,
    account: AccountId,
    codes: &[EmergencyCode],
    now: Timestamp,
) -> Option<RecoveryProof> {
    let code = codes.iter().find(|c| canonical.starts_with(&c.selector));
    let matches = hash_matches(canonical, code.map(|c| c.hash.as_str()));
    code.filter(|_| matches).map(|c| RecoveryProof {
        account,
        code: c.id,
        kind: RecoveryKind::EmergencyCode,
        at: now,
    })
}

/// Checks a canonical one-time code against the account's open one.
pub fn verify_one_time(
    canonical: &str,
    account: AccountId,
    open: Option<&OneTimeCode>,
    now: Timestamp,
) -> Option<RecoveryProof> {
    let open = open.filter(|c| c.is_open(now));
    let matches = hash_matches(canonical, open.map(|c| c.hash.as_str()));
    open.filter(|_| matches).map(|c| RecoveryProof {
        account,
        code: c.id,
        kind: RecoveryKind::OneTimeCode,
        at: now,
    })
}

/// Takes the same time whether there is a hash to compare with or not.
fn hash_matches(canonical: &str, stored: Option<&str>) -> bool {
    const DECOY: &str = "$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let parsed = Phc::new(stored.unwrap_or(DECOY));
    let matches = parsed.is_ok_and(|h| {
        Argon2::default()
            .verify_password(canonical.as_bytes(), &h)
            .is_ok()
    });
    matches && stored.is_some()
}

/// `count` codes from random bytes, `code_text::EMERGENCY_CHARS` of them each, with distinct selectors.
/// `more` is asked for fresh bytes until there are enough.
pub fn generate_emergency(count: usize, mut more: impl FnMut() -> [u8; 32]) -> Vec<String> {
    let mut codes: Vec<String> = Vec::with_capacity(count);
    while codes.len() < count.min(64) {
        let code = code_text::from_random(&more(), code_text::EMERGENCY_CHARS);
        let selector = code.get(..SELECTOR_CHARS);
        if !codes.iter().any(|c| c.get(..SELECTOR_CHARS) == selector) {
            codes.push(code);
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::AuthenticatorId;
    use crate::domain::policy::tests::{NOW, account};
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn one_of_the_codes_matches_once_found_by_its_selector() {
        let mut n = 0u8;
        let codes = generate_emergency(8, || {
            n = n.wrapping_add(37);
            std::array::from_fn(|i| n.wrapping_mul(i as u8 + 3))
        });
        assert_eq!(codes.len(), 8);
        let stored: Vec<EmergencyCode> = codes
            .iter()
            .enumerate()
            .map(|(i, code)| {
                let (selector, hash) = hash(code, &[i as u8; 16]).unwrap();
                EmergencyCode {
                    id: AuthenticatorId::from_uuid(Uuid::from_u128(i as u128)),
                    selector,
                    hash,
                }
            })
            .collect();
        let id = account().id;
        for (i, code) in codes.iter().enumerate() {
            let proof = verify_emergency(code, id, &stored, NOW).unwrap();
            assert_eq!(proof.code().uuid().as_u128(), i as u128);
        }
        let mut wrong = codes[0].clone();
        let last = if wrong.pop() == Some('0') { '1' } else { '0' };
        wrong.push(last);
        assert!(verify_emergency(&wrong, id, &stored, NOW).is_none());
        assert!(verify_emergency(&codes[0], id, &[], NOW).is_none());
    }

    #[test]
    fn a_one_time_code_lives_ten_minutes_and_five_tries() {
        let (_, hash) = hash("7KQM4XTD", &[3; 16]).unwrap();
        let open = OneTimeCode {
            id: AuthenticatorId::from_uuid(Uuid::from_u128(7)),
            hash,
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(600)),
            wrong: 0,
        };
        let id = account().id;
        let at = |s| NOW.plus(Duration::from_secs(s));
        assert!(verify_one_time("7KQM4XTD", id, Some(&open), at(599)).is_some());
        assert!(verify_one_time("7KQM4XTD", id, Some(&open), at(600)).is_none());
        assert!(verify_one_time("7KQM4XTE", id, Some(&open), NOW).is_none());
        assert!(verify_one_time("7KQM4XTD", id, None, NOW).is_none());
        let worn = OneTimeCode { wrong: 5, ..open };
        assert!(verify_one_time("7KQM4XTD", id, Some(&worn), NOW).is_none());
    }
}
