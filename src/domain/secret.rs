//! Secrets and what is stored of them.
//!
//! A secret type has no `Clone`, `Serialize` or `Display`; its `Debug` prints its name; its memory is
//! zeroed. What goes to the store is a hash (tokens, codes) or sealed bytes (`crate::vault`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes in a token: 256 bits, twice what SP 800-63B-4 5.1.1 asks for.
pub const TOKEN_BYTES: usize = 32;

/// A random bearer value that a browser holds: session, ticket, sign-in transaction.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; TOKEN_BYTES]);

impl Token {
    /// From fresh random bytes (`env::Entropy`).
    pub const fn from_random(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 43 base64url characters of a token; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let mut bytes = [0u8; TOKEN_BYTES];
        let written = URL_SAFE_NO_PAD
            .decode_slice(text.as_bytes(), &mut bytes)
            .ok()?;
        (written == TOKEN_BYTES).then_some(Self(bytes))
    }

    /// For the `Set-Cookie` header or the ticket's URL, and nowhere else.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the store keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// SHA-256 of a [`Token`]: enough to find a record, useless to a thief of the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// In constant time, for comparisons outside an index look-up.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// A password as typed, NFC-normalised (SP 800-63B-4 3.1.1.2), at most [`Password::MAX_CHARS`] characters.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Longer input is refused before it is hashed, so that length cannot be used to exhaust the CPU.
    pub const MAX_CHARS: usize = 256;

    /// No spelling of one normalised character is longer: U+1D160 in parts. All spellings of a password must be
    /// decided alike, long ones too.
    const MAX_BYTES_PER_CHAR: usize = 12;

    /// `None` when empty or longer than [`Self::MAX_CHARS`] characters.
    pub fn new(text: &str) -> Option<Self> {
        use unicode_normalization::UnicodeNormalization as _;
        if text.is_empty() || text.len() > Self::MAX_CHARS * Self::MAX_BYTES_PER_CHAR {
            return None;
        }
        let normal: String = text.nfc().collect();
        (normal.chars().count() <= Self::MAX_CHARS).then_some(Self(normal))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The shared secret of a TOTP authenticator: 160 random bits (RFC 4226 requirement R6).
#[derive(Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl TotpSecret {
    pub const BYTES: usize = 20;

    pub fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes.to_vec())
    }
    /// Out of the vault; `None` when shorter than the 128 bits RFC 4226 asks for.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= 16).then(|| Self(bytes.to_vec()))
    }
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
    /// A second handle on the same secret, spelled out so that it is a decision each time.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_garbage_does_not() {
        let token = Token::from_random([7; TOKEN_BYTES]);
        assert_eq!(
            Token::parse(&token.reveal()).map(|t| t.hash()),
            Some(token.hash())
        );
        for bad in ["", "a", &"a".repeat(44), &"!".repeat(43), &"é".repeat(21)] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", Token::from_random([1; 32])), "Token");
        assert_eq!(format!("{:?}", Password::new("x").unwrap()), "Password");
        assert_eq!(
            format!("{:?}", TotpSecret::from_random([1; 20])),
            "TotpSecret"
        );
    }

    #[test]
    fn passwords_are_nfc_and_bounded() {
        assert_eq!(
            Password::new("a\u{30a}").unwrap().reveal(),
            Password::new("å").unwrap().reveal()
        );
        assert!(Password::new("").is_none());
        assert!(Password::new(&"x".repeat(257)).is_none());
        assert!(Password::new(&"å".repeat(256)).is_some());
        assert!(Password::new(&"x".repeat(1_000_000)).is_none());
        // Hangul in its parts: nine bytes for what is one character
        assert!(Password::new(&"\u{1112}\u{1161}\u{11ab}".repeat(256)).is_some());
        assert!(Password::new(&"\u{1112}\u{1161}\u{11ab}".repeat(257)).is_none());
    }
}
