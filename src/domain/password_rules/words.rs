//! Words that stand near at hand: the person's names, and the names of the place. A password of nothing but
//! them is guessed first by whoever guesses at this very account.

use std::fmt;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Whose or what a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Login,
    Email,
    Name,
    Brand,
    Portal,
    Route,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "the login name",
            Self::Email => "the e-mail address",
            Self::Name => "the person's name",
            Self::Brand => "the organisation's name",
            Self::Portal => "the portal's address",
            Self::Route => "the name of an application",
        })
    }
}

/// Whose password it is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Person<'a> {
    pub login: &'a str,
    pub email: Option<&'a str>,
    pub name: &'a str,
}

/// The names of the place, the same for everybody.
#[derive(Clone, Debug, Default)]
pub struct Site(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    letters: Vec<char>,
    kind: Kind,
}

impl Site {
    pub fn new<'a>(brand: &str, portal: &str, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Vec::new();
        add(&mut words, brand, Kind::Brand);
        add(&mut words, portal, Kind::Portal);
        for name in routes {
            add(&mut words, name, Kind::Route);
        }
        Self(words)
    }

    pub(super) fn with(&self, person: Person<'_>) -> Words {
        let mut words = Vec::new();
        add(&mut words, person.login, Kind::Login);
        let email = person.email.unwrap_or_default();
        add(&mut words, email, Kind::Email);
        // the part before the `@` together: `jo.li` is `joli`
        add(
            &mut words,
            email.split('@').next().unwrap_or_default(),
            Kind::Email,
        );
        add(&mut words, person.name, Kind::Name);
        words.extend_from_slice(&self.0);
        Words(words)
    }
}

/// Shorter ones are in every password.
const SHORTEST: usize = 3;

/// The parts of a text and the text as one word, each with and without its digits.
fn add(words: &mut Vec<Word>, text: &str, kind: Kind) {
    let folded = fold(text);
    let parts = folded.split(|c: char| !c.is_alphanumeric());
    for part in parts.chain([folded.as_str()]) {
        let whole = part.chars().filter(|c| c.is_alphanumeric());
        let bare = part.chars().filter(|c| c.is_alphabetic());
        for letters in [whole.collect::<Vec<_>>(), bare.collect()] {
            let word = Word { letters, kind };
            if word.letters.len() >= SHORTEST && !words.contains(&word) {
                words.push(word);
            }
        }
    }
}

/// One spelling for all cases, compatibility twins and accents: `Hämäläinen` is `hamalainen`.
fn fold(text: &str) -> String {
    let bare = |text: &str| -> String { text.nfkd().filter(|c| !is_combining_mark(*c)).collect() };
    bare(&bare(text).to_lowercase())
}

/// All words that count for one person.
pub(super) struct Words(Vec<Word>);

impl Words {
    /// The kind of a word the password is made of, when it is made of nothing but such words, in any number and
    /// order, with digits and signs between and around them.
    pub(super) fn make_up(&self, password: &str) -> Option<Kind> {
        let text: Vec<char> = fold(password)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        // whether the text can be taken apart up to a place, and the first word on the way there
        let mut ways: Vec<Option<Option<Kind>>> = vec![None; text.len() + 1];
        if let Some(start) = ways.first_mut() {
            *start = Some(None);
        }
        for at in 0..text.len() {
            let (Some(Some(way)), Some(rest)) = (ways.get(at).copied(), text.get(at..)) else {
                continue;
            };
            let digit = rest.first().is_some_and(|c| !c.is_alphabetic());
            let words = self.0.iter().filter(|w| rest.starts_with(&w.letters));
            let steps = words
                .map(|w| (w.letters.len(), way.or(Some(w.kind))))
                .chain(digit.then_some((1, way)));
            for (length, reached) in steps {
                if let Some(next) = ways.get_mut(at + length)
                    && next.flatten().is_none()
                {
                    *next = Some(reached);
                }
            }
        }
        ways.last().copied().flatten().flatten()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|w| w.letters.iter().collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Site::new(
            "Northgate Oy",
            "login.northgate.example",
            ["wiki", "hr-tool"],
        )
        .with(Person {
            login: "avirta7",
            email: Some("aino.virtanen@mail.example"),
            name: "Aino-Maria Hämäläinen",
        })
    }

    #[test]
    fn nothing_but_words_near_at_hand() {
        for (password, kind) in [
            ("avirta7", Kind::Login),
            ("AVirta-2026-2026", Kind::Login),
            ("virtanen virtanen", Kind::Email),
            ("1985 Virtanen!!", Kind::Email),
            ("ainovirtanen@mail", Kind::Email),
            ("hamalainen1234567", Kind::Name),
            ("Häma\u{308}läinen!!!!!!", Kind::Name),
            ("maria.hämäläinen.1985", Kind::Name),
            ("Northgate-Northgate", Kind::Brand),
            ("northgateoy2026", Kind::Brand),
            ("l o g i n 000000", Kind::Portal),
            ("wiki-wiki-wiki-1", Kind::Route),
            ("hrtool 20262026", Kind::Route),
            ("123wiki123northgate", Kind::Route),
        ] {
            assert_eq!(words().make_up(password), Some(kind), "{password}");
        }
    }

    #[test]
    fn anything_else_beside_them_is_no_matter_of_words() {
        for password in [
            "",
            "1234567890",
            "!!!",
            "wikipedia",
            "aino likes kettles",
            "northgates",
            "oy oy oy oy oy",
            "xaino",
            "vir7a7ta",
        ] {
            assert_eq!(words().make_up(password), None, "{password}");
        }
        assert_eq!(Site::default().with(Person::default()).make_up("abc"), None);
    }

    #[test]
    fn a_number_for_a_name() {
        let words = Site::default().with(Person {
            login: "20451",
            ..Person::default()
        });
        assert_eq!(words.make_up("20451-20451"), Some(Kind::Login));
        assert_eq!(words.make_up("20452-20452"), None);
    }
}
