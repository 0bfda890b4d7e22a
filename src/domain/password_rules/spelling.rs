//! How a password is spelled for a look-up in a list.

use unicode_normalization::UnicodeNormalization as _;

/// One spelling for all cases and compatibility twins.
pub(super) fn fold(text: &str) -> String {
    // most lines of a long list
    if text.is_ascii() {
        return text.trim().to_ascii_lowercase();
    }
    let lower = text.nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect::<String>().trim().to_owned()
}

/// What stands before the digits and signs at the end, where it is the greater part: `northgate` of
/// `northgate2026!`. A long random tail makes a password of its own.
pub(super) fn stem(folded: &str) -> Option<&str> {
    let stem = folded.trim_end_matches(|c: char| !c.is_alphabetic());
    let (kept, all) = (stem.chars().count(), folded.chars().count());
    (kept >= 4 && kept < all && kept > all - kept).then_some(stem)
}
