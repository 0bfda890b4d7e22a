//! How soon a password would be guessed, by the estimate of zxcvbn: 30,000 common passwords, names and words of
//! English, keyboard rows, repeats, sequences and dates are known to it.
//!
//! It weighs a year against the present one, which it asks the clock for; apart from that the same password has
//! the same estimate always.

use super::spelling::{fold, stem};
use super::words::Words;
use zeroize::Zeroizing;
use zxcvbn::Match;
use zxcvbn::feedback::Warning;
use zxcvbn::matching::patterns::MatchPattern;

/// Fewer guesses are within reach of somebody who may try a hundred an hour for years and knows what people
/// choose, or who has stolen the hash. Eight random characters stand just above.
pub(super) const FEWEST_GUESSES: u64 = 100_000_000;

#[derive(Default)]
pub(super) struct Estimate {
    pub(super) guesses: u64,
    /// One entry of the built-in lists is the whole of it, or repeats of one are, but for a tail as in [`stem`].
    pub(super) common: bool,
    strength: u8,
    warning: Option<Warning>,
}

/// What a page may say about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// 0 (guessed at once) to 4.
    pub strength: u8,
    pub hint: Option<Hint>,
}

/// What makes a password weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    Keyboard,
    Repeat,
    Sequence,
    Common,
    Word,
    Name,
    Date,
    /// Words near at hand: the person's and the place's names.
    Context,
}

impl Hint {
    /// Stable, for texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Repeat => "repeat",
            Self::Sequence => "sequence",
            Self::Common => "common",
            Self::Word => "word",
            Self::Name => "name",
            Self::Date => "date",
            Self::Context => "context",
        }
    }
}

/// Estimated in pieces, the best of which counts: with each character more there is to look at, and for every
/// combination of digits that may stand for letters once again.
const PIECE: usize = 32;

/// So many that nothing of what else is asked can matter.
const MANY_GUESSES: u64 = 1_000_000_000_000;

pub(super) fn estimate(password: &str, words: &Words) -> Estimate {
    let words = words.texts();
    let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
    let letters = Zeroizing::new(password.chars().collect::<Vec<char>>());
    let mut best = Estimate::default();
    for piece in letters.chunks(PIECE) {
        let piece = Zeroizing::new(piece.iter().collect::<String>());
        let of_piece = Estimate::of(&piece, &inputs);
        if of_piece.guesses >= best.guesses {
            best = of_piece;
        }
        if best.guesses >= MANY_GUESSES {
            break;
        }
    }
    best
}

impl Estimate {
    fn of(text: &str, inputs: &[&str]) -> Self {
        let entropy = zxcvbn::zxcvbn(text, inputs);
        let without_tail = || {
            let folded = Zeroizing::new(fold(text));
            stem(&folded)
                .is_some_and(|stem| entry(stem, zxcvbn::zxcvbn(stem, inputs).sequence(), inputs))
        };
        Self {
            guesses: entropy.guesses(),
            common: entropy.guesses() < MANY_GUESSES
                && (entry(text, entropy.sequence(), inputs) || without_tail()),
            strength: u8::from(entropy.score()),
            warning: entropy.feedback().and_then(|f| f.warning()),
        }
    }
}

/// Whether the whole text is one match, and that an entry of a list.
fn entry(text: &str, found: &[Match], inputs: &[&str]) -> bool {
    let all = text.chars().count();
    matches!(found, [only] if only.i == 0 && only.j + 1 == all && listed(only, inputs))
}

/// Whether a match is an entry of a built-in list, or repeats of one.
fn listed(found: &Match, inputs: &[&str]) -> bool {
    match &found.pattern {
        MatchPattern::Dictionary(entry) => !inputs.contains(&entry.matched_word.as_str()),
        MatchPattern::Repeat(repeat) => {
            matches!(repeat.base_matches.as_slice(), [only] if listed(only, inputs))
        }
        _ => false,
    }
}

impl Estimate {
    pub(super) fn advice(&self, made_of_words: bool) -> Advice {
        if made_of_words {
            return Advice {
                strength: 0,
                hint: Some(Hint::Context),
            };
        }
        Advice {
            strength: self.strength,
            hint: self.warning.map(hint),
        }
    }
}

const fn hint(warning: Warning) -> Hint {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess => Hint::Keyboard,
        Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Hint::Repeat,
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Hint::Common,
        Warning::SequencesLikeAbcAreEasyToGuess => Hint::Sequence,
        Warning::AWordByItselfIsEasyToGuess => Hint::Word,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => Hint::Name,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Hint::Date,
    }
}
