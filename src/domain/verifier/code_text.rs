//! Codes as people type them.

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of an emergency code: 80 bits.
pub const EMERGENCY_CHARS: usize = 16;
/// Characters of a one-time code: 40 bits.
pub const ONE_TIME_CHARS: usize = 8;

/// What was typed where six digits belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    Empty,
    NotACode,
}

/// Six ASCII digits, spaces and hyphens removed. An empty or malformed entry is not a try.
pub fn six_digits(typed: &str) -> Result<String, Malformed> {
    let digits = without_separators(typed, 16)?;
    if digits.is_empty() {
        return Err(Malformed::Empty);
    }
    let ok = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
    ok.then_some(digits).ok_or(Malformed::NotACode)
}

/// A recovery code of `chars` characters in its canonical spelling: upper case, no separators, O read as
/// 0, I and L as 1.
pub fn crockford(typed: &str, chars: usize) -> Result<String, Malformed> {
    let bare = without_separators(typed, 64)?;
    if bare.is_empty() {
        return Err(Malformed::Empty);
    }
    let canonical: String = bare
        .chars()
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let ok = canonical.len() == chars && canonical.bytes().all(|b| ALPHABET.contains(&b));
    ok.then_some(canonical).ok_or(Malformed::NotACode)
}

/// A code from random bytes, five bits a character, canonical spelling.
pub fn from_random(random: &[u8], chars: usize) -> String {
    random
        .iter()
        .take(chars)
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|b| char::from(*b))
        .collect()
}

/// `XXXX-XXXX-…`, as it is shown.
pub fn grouped(canonical: &str) -> String {
    let mut out = String::with_capacity(canonical.len() * 5 / 4);
    for (i, c) in canonical.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.push(c);
    }
    out
}

fn without_separators(typed: &str, longest: usize) -> Result<String, Malformed> {
    let dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let bare: String = typed
        .chars()
        .take(longest * 4)
        .filter(|c| !c.is_whitespace() && !dash(*c))
        .collect();
    if bare.len() > longest {
        return Err(Malformed::NotACode);
    }
    Ok(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        let check = |typed: &str, want: Result<&str, Malformed>| {
            assert_eq!(six_digits(typed), want.map(str::to_owned), "{typed:?}");
        };
        check("123456", Ok("123456"));
        check(" 123 456 ", Ok("123456"));
        check("123-456", Ok("123456"));
        check("000000", Ok("000000"));
        check("", Err(Malformed::Empty));
        check(" - ", Err(Malformed::Empty));
        for bad in [
            "1",
            "12345",
            "1234567",
            "12345a",
            "١٢٣٤٥٦",
            "１２３４５６",
            "+12345",
            "0x1234",
            &"1".repeat(10_000),
        ] {
            check(bad, Err(Malformed::NotACode));
        }
    }

    #[test]
    fn recovery_codes() {
        assert_eq!(crockford("7kqm-4xtd", 8).as_deref(), Ok("7KQM4XTD"));
        assert_eq!(crockford("oOiIlL00", 8).as_deref(), Ok("00111100"));
        assert_eq!(crockford("7KQM–4XTD", 8).as_deref(), Ok("7KQM4XTD"));
        assert_eq!(crockford("", 8), Err(Malformed::Empty));
        for bad in [
            "7KQM-4XT",
            "7KQM-4XTDA",
            "7KQM-4XTU",
            "7KQM-4XT!",
            "7KQM-4XTÅ",
        ] {
            assert_eq!(crockford(bad, 8), Err(Malformed::NotACode), "{bad}");
        }
        let code = from_random(&[255; 16], EMERGENCY_CHARS);
        assert_eq!(grouped(&code), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(
            crockford(&grouped(&code), EMERGENCY_CHARS).as_deref(),
            Ok(code.as_str())
        );
    }
}
