//! The operator's list of refused passwords: passwords, or SHA-1 of passwords as collections of breached ones
//! have them.

use super::spelling::{fold, stem};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::fmt;
use zeroize::Zeroizing;

/// Fingerprints, sorted: eight bytes a line, whatever the line was. A password that is refused by chance (one
/// in millions of millions) is no loss; the list is no secret, and SHA-1 is what published lists are made with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blocklist(Vec<u64>);

impl Blocklist {
    /// Larger files are refused.
    pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

    /// One password a line, or the 40 hexadecimal digits of its SHA-1, with or without `:count`. Every other line
    /// is a password, as one may begin with `#` too.
    pub fn parse(file: &[u8]) -> Self {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let mut prints: Vec<u64> = file
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter_map(|line| from_hash(line).or_else(|| from_password(line)))
            .collect();
        prints.sort_unstable();
        prints.dedup();
        prints.shrink_to_fit();
        Self(prints)
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the whole password is in the list: as typed, in any case, or without a shorter tail of digits and
    /// signs.
    pub(super) fn refuses(&self, password: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let folded = Zeroizing::new(fold(password));
        let spellings = [Some(password), Some(folded.as_str()), stem(&folded)];
        spellings
            .into_iter()
            .flatten()
            .any(|text| self.0.binary_search(&fingerprint(text)).is_ok())
    }
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocklist({} lines)", self.0.len())
    }
}

fn from_hash(line: &[u8]) -> Option<u64> {
    let (hash, rest) = line.split_at_checked(40)?;
    let counted = match rest.trim_ascii_end() {
        [] => true,
        [b':', count @ ..] => !count.is_empty() && count.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !counted || !hash.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let first = std::str::from_utf8(hash.get(..16)?).ok()?;
    u64::from_str_radix(first, 16).ok()
}

/// Lines that are not UTF-8 are taken for Latin-1, which old lists are written in.
fn from_password(line: &[u8]) -> Option<u64> {
    let text = match std::str::from_utf8(line) {
        Ok(text) => fold(text),
        Err(_) => fold(&line.iter().map(|b| char::from(*b)).collect::<String>()),
    };
    (!text.is_empty()).then(|| fingerprint(&text))
}

/// The first eight bytes of the SHA-1.
fn fingerprint(text: &str) -> u64 {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let first = digest.as_ref().iter().take(8);
    first.fold(0, |all, byte| (all << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_any_case_and_with_a_tail() {
        let list = Blocklist::parse(
            "\u{feff}Northgate\r\n#not a remark\n  spaced out  \n\n\nå is one letter\nab\n"
                .as_bytes(),
        );
        assert_eq!(list.len(), 5);
        for refused in [
            "northgate",
            "NORTHGATE",
            "Northgate2026!!",
            "ｎorthgate",
            "#NOT a remark",
            "spaced out",
            "spaced out 1!",
            "Å IS ONE LETTER",
            "a\u{30a} is one letter",
        ] {
            assert!(list.refuses(refused), "{refused}");
        }
        for fine in [
            "northgat",
            "xnorthgate",
            "northgate is far away",
            "northgate4829174850",
            "not a remark",
            "ab1",
            "",
        ] {
            assert!(!list.refuses(fine), "{fine}");
        }
    }

    #[test]
    fn hashes_as_published_lists_have_them() {
        // SHA-1 of `password`, `P@ssw0rd` and `hello` (FIPS 180-4 as sha1sum prints it)
        let list = Blocklist::parse(
            b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n21bd12dc183f740ee76f27b78eb39c8ad972a757\naaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d:3x\n",
        );
        for refused in ["password", "Password", "PASSWORD12", "P@ssw0rd"] {
            assert!(list.refuses(refused), "{refused}");
        }
        // the third is no hash but a password; the second is of that spelling alone
        assert!(!list.refuses("hello"));
        assert!(list.refuses("AAF4c61ddcc5e8a2dabede0f3b482cd9aea9434d:3x"));
        assert!(!list.refuses("p@ssw0rd"));
        assert!(!list.refuses("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"));
    }

    #[test]
    fn an_old_list_in_latin_1() {
        let list = Blocklist::parse(b"h\xe4m\xe4l\xe4inen\n");
        assert!(list.refuses("Hämäläinen"));
    }

    #[test]
    fn nothing_in_it_refuses_nothing() {
        for file in [&b""[..], b"\n\n\r\n", b"\xef\xbb\xbf"] {
            let list = Blocklist::parse(file);
            assert!(list.is_empty() && !list.refuses("") && !list.refuses("password"));
        }
        assert_eq!(
            format!("{:?}", Blocklist::parse(b"secret")),
            "Blocklist(1 lines)"
        );
    }
}
