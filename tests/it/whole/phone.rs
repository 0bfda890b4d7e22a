//! An authenticator app, written from RFC 6238 and nothing of ours.

use ring::hmac;

#[derive(Clone)]
pub(crate) struct Phone(hmac::Key);

impl Phone {
    pub(crate) fn with(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret))
    }

    /// From the key as the scan page shows it.
    pub(crate) fn scan(page: &str) -> Option<Self> {
        let (_, rest) = page.split_once("id=\"key\">")?;
        let key = rest.split('<').next()?;
        Some(Self::with(&base32(key)))
    }

    pub(crate) fn code(&self, at: i64) -> String {
        let step = u64::try_from(at / 30).unwrap();
        let mac = hmac::sign(&self.0, &step.to_be_bytes());
        let mac = mac.as_ref();
        let at = usize::from(mac[mac.len() - 1] & 15);
        let word = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000)
    }

    /// A code that is right at no step near `at`.
    pub(crate) fn wrong(&self, at: i64) -> String {
        let near: Vec<String> = (-3..=3).map(|n| self.code(at + n * 30)).collect();
        let mut candidates = (0..100).map(|n| format!("{:06}", n * 7919));
        candidates.find(|c| !near.contains(c)).unwrap()
    }
}

pub(crate) fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for c in text.chars().filter(char::is_ascii_alphanumeric) {
        let value = match c {
            'A'..='Z' => u32::from(c) - u32::from('A'),
            '2'..='7' => u32::from(c) - u32::from('2') + 26,
            other => panic!("{other} is no base 32"),
        };
        bits = bits << 5 | value;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 255).unwrap());
        }
        bits &= (1 << held) - 1;
    }
    out
}

#[test]
fn the_phone_agrees_with_the_standard() {
    // RFC 6238 appendix B, the last six digits
    let phone = Phone::with(b"12345678901234567890");
    assert_eq!(phone.code(59), "287082");
    assert_eq!(phone.code(1_111_111_109), "081804");
    assert_eq!(base32("GEZD GNBV GY3T QOJQ"), b"1234567890");
}
