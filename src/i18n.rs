//! The six languages of the pages (Project Fluent), and dates as each of them writes them.

mod overrides;

pub use overrides::{Mistake, Overrides, read};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::Arc;
use time::OffsetDateTime;
use unic_langid::LanguageIdentifier;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Finnish,
    Swedish,
    Norwegian,
    Danish,
    German,
}

impl Language {
    pub const ALL: [Self; 6] = [
        Self::English,
        Self::Finnish,
        Self::Swedish,
        Self::Norwegian,
        Self::Danish,
        Self::German,
    ];

    /// BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Finnish => "fi",
            Self::Swedish => "sv",
            Self::Norwegian => "nb",
            Self::Danish => "da",
            Self::German => "de",
        }
    }

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Finnish => "Suomi",
            Self::Swedish => "Svenska",
            Self::Norwegian => "Norsk bokmål",
            Self::Danish => "Dansk",
            Self::German => "Deutsch",
        }
    }

    /// From a tag, its region ignored; Norwegian by any of its tags.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.trim().to_ascii_lowercase();
        let primary = match primary.as_str() {
            "no" | "nn" => "nb",
            other => other,
        };
        Self::ALL.into_iter().find(|l| l.tag() == primary)
    }

    /// Its texts, a file an area.
    const fn sources(self) -> [&'static str; 4] {
        macro_rules! of {
            ($tag:literal) => {
                [
                    include_str!(concat!("../locales/", $tag, "/sign-in.ftl")),
                    include_str!(concat!("../locales/", $tag, "/account.ftl")),
                    include_str!(concat!("../locales/", $tag, "/desk.ftl")),
                    include_str!(concat!("../locales/", $tag, "/mail.ftl")),
                ]
            };
        }
        match self {
            Self::English => of!("en"),
            Self::Finnish => of!("fi"),
            Self::Swedish => of!("sv"),
            Self::Norwegian => of!("nb"),
            Self::Danish => of!("da"),
            Self::German => of!("de"),
        }
    }
}

/// The page's language: asked for in the address, else chosen before, else the person's, else the first of
/// the browser's that is offered, else the organisation's (the first offered).
pub fn negotiate(
    asked: Option<&str>,
    chosen: Option<&str>,
    profile: Option<&str>,
    accepted: Option<&str>,
    offered: &[Language],
) -> Language {
    let known = |tag: Option<&str>| {
        tag.and_then(Language::parse)
            .filter(|l| offered.contains(l))
    };
    known(asked)
        .or_else(|| known(chosen))
        .or_else(|| known(profile))
        .or_else(|| first_accepted(accepted?, offered))
        .or_else(|| offered.first().copied())
        .unwrap_or(Language::English)
}

/// RFC 9110 12.5.4, by quality; at most 32 ranges are looked at.
fn first_accepted(header: &str, offered: &[Language]) -> Option<Language> {
    let mut ranges: Vec<(f32, Language)> = header
        .split(',')
        .take(32)
        .filter_map(|range| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters
                .trim()
                .strip_prefix("q=")
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = Language::parse(tag.trim())?;
            (quality > 0.0 && offered.contains(&language)).then_some((quality, language))
        })
        .collect();
    ranges.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranges.first().map(|(_, language)| *language)
}

/// A locale file is broken: found by the tests, never at run time.
#[derive(Debug, thiserror::Error)]
#[error("the texts in `{0}` cannot be read: {1}")]
pub struct Broken(&'static str, String);

type Bundle = FluentBundle<Arc<FluentResource>>;

/// All texts.
pub struct Texts(Vec<(Language, Bundle)>);

impl Texts {
    /// The built-in ones, and in place of some of them the operator's.
    pub fn load(overrides: &[Overrides]) -> Result<Self, Broken> {
        let bundle = |language: Language| {
            let broken = |e: String| Broken(language.tag(), e);
            let id: LanguageIdentifier = language
                .tag()
                .parse()
                .map_err(|e| broken(format!("{e:?}")))?;
            let mut bundle = FluentBundle::new_concurrent(vec![id]);
            bundle.set_use_isolating(false);
            for source in language.sources() {
                let resource = FluentResource::try_new(source.to_owned())
                    .map_err(|(_, errors)| broken(format!("{errors:?}")))?;
                bundle
                    .add_resource(Arc::new(resource))
                    .map_err(|errors| broken(format!("{errors:?}")))?;
            }
            for ours in overrides.iter().filter(|o| o.language == language) {
                bundle.add_resource_overriding(Arc::clone(&ours.resource));
            }
            Ok((language, bundle))
        };
        Language::ALL
            .into_iter()
            .map(bundle)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn in_language(&self, language: Language) -> Tr<'_> {
        let bundle = self
            .0
            .iter()
            .find(|(l, _)| *l == language)
            .map(|(_, bundle)| bundle);
        Tr { bundle, language }
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Texts")
    }
}

/// The texts of one language.
#[derive(Clone, Copy)]
pub struct Tr<'a> {
    bundle: Option<&'a Bundle>,
    language: Language,
}

impl Tr<'_> {
    pub fn text(&self, id: &str) -> String {
        self.format(id, None)
    }

    /// With a number, in its plural form.
    pub fn number(&self, id: &str, name: &str, value: u64) -> String {
        let mut args = FluentArgs::new();
        args.set(name, FluentValue::from(value));
        self.format(id, Some(&args))
    }

    pub fn with(&self, id: &str, name: &str, value: &str) -> String {
        let mut args = FluentArgs::new();
        args.set(name, FluentValue::from(value));
        self.format(id, Some(&args))
    }

    pub fn with_two(&self, id: &str, a: (&str, u64), b: (&str, u64)) -> String {
        let mut args = FluentArgs::new();
        args.set(a.0, FluentValue::from(a.1));
        args.set(b.0, FluentValue::from(b.1));
        self.format(id, Some(&args))
    }

    /// With several texts.
    pub fn with_all(&self, id: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(*value));
        }
        self.format(id, Some(&args))
    }

    /// An id that does not exist shows itself; the tests see to it that there is none.
    fn format(&self, id: &str, args: Option<&FluentArgs<'_>>) -> String {
        let pattern = self
            .bundle
            .and_then(|b| Some((b, b.get_message(id)?.value()?)));
        let Some((bundle, pattern)) = pattern else {
            debug_assert!(false, "no text `{id}` in {}", self.language.tag());
            return id.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors);
        debug_assert!(errors.is_empty(), "text `{id}`: {errors:?}");
        text.into_owned()
    }
}

const WEEKDAYS: [[&str; 7]; 6] = [
    [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
    [
        "maanantai",
        "tiistai",
        "keskiviikko",
        "torstai",
        "perjantai",
        "lauantai",
        "sunnuntai",
    ],
    [
        "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag",
    ],
    [
        "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag",
    ],
    [
        "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag",
    ],
    [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ],
];

const MONTHS: [[&str; 12]; 6] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "tammikuu",
        "helmikuu",
        "maaliskuu",
        "huhtikuu",
        "toukokuu",
        "kesäkuu",
        "heinäkuu",
        "elokuu",
        "syyskuu",
        "lokakuu",
        "marraskuu",
        "joulukuu",
    ],
    [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "januar",
        "februar",
        "mars",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "desember",
    ],
    [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
];

fn moment(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn row<const N: usize>(
    table: &[[&'static str; N]; 6],
    language: Language,
    at: usize,
) -> &'static str {
    Language::ALL
        .iter()
        .position(|l| *l == language)
        .and_then(|l| table.get(l))
        .and_then(|names| names.get(at))
        .copied()
        .unwrap_or_default()
}

fn month(language: Language, at: OffsetDateTime) -> &'static str {
    row(&MONTHS, language, usize::from(u8::from(at.month()) - 1))
}

/// "Monday 14 December 2026", in UTC.
pub fn long_date(seconds: i64, language: Language) -> String {
    let at = moment(seconds);
    let weekday = row(
        &WEEKDAYS,
        language,
        usize::from(at.weekday().number_days_from_monday()),
    );
    match language {
        Language::German => format!("{weekday}, {}", plain_date(seconds, language)),
        Language::Danish | Language::Norwegian => {
            format!("{weekday} {}", plain_date(seconds, language))
        }
        Language::English | Language::Finnish | Language::Swedish => {
            format!("{weekday} {}", plain_date(seconds, language))
        }
    }
}

/// "14 December 2026"; numeric in Finnish, where the month's name would need a case ending.
pub fn plain_date(seconds: i64, language: Language) -> String {
    let at = moment(seconds);
    let (day, year) = (at.day(), at.year());
    let name = month(language, at);
    match language {
        Language::English | Language::Swedish => format!("{day} {name} {year}"),
        Language::Finnish => format!("{day}.{}.{year}", u8::from(at.month())),
        Language::Norwegian | Language::Danish | Language::German => {
            format!("{day}. {name} {year}")
        }
    }
}

/// "14 December 2026, 14:32 UTC".
pub fn date_time(seconds: i64, language: Language) -> String {
    let at = moment(seconds);
    let date = plain_date(seconds, language);
    format!("{date}, {:02}:{:02} UTC", at.hour(), at.minute())
}

/// The calendar leaf: the month's first three letters and the day.
pub fn leaf(seconds: i64, language: Language) -> (String, u8) {
    let at = moment(seconds);
    let short = month(language, at).chars().take(3).collect();
    (short, at.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ids(language: Language) -> BTreeSet<String> {
        language
            .sources()
            .iter()
            .flat_map(|source| source.lines())
            .filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|l| l.split_once(" =").map(|(id, _)| id.to_owned()))
            .collect()
    }

    /// The names of all arguments that a language's texts take.
    fn arguments(language: Language) -> BTreeSet<String> {
        let all = language.sources().concat();
        all.match_indices("{ $")
            .filter_map(|(at, _)| all.get(at + 3..))
            .map(|rest| {
                rest.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_language_says_everything() {
        let texts = Texts::load(&[]).unwrap();
        let english = ids(Language::English);
        assert!(english.len() > 150);
        for language in Language::ALL {
            assert_eq!(ids(language), english, "{}", language.tag());
            assert_eq!(
                arguments(language),
                arguments(Language::English),
                "{}",
                language.tag()
            );
            let tr = texts.in_language(language);
            let mut args = FluentArgs::new();
            for name in arguments(language) {
                args.set(name, FluentValue::from(2));
            }
            for id in &english {
                let text = tr.format(id, Some(&args));
                assert!(
                    !text.is_empty() && !text.contains('{') && !text.contains('$'),
                    "{id}: {text}"
                );
            }
        }
    }

    #[test]
    fn plurals() {
        let texts = Texts::load(&[]).unwrap();
        let tr = texts.in_language(Language::English);
        assert_eq!(tr.number("nag-days", "days", 1), "1 day left");
        assert_eq!(tr.number("nag-days", "days", 18), "18 days left");
    }

    #[test]
    fn negotiation() {
        let all = Language::ALL;
        let n = |asked, chosen, accepted| negotiate(asked, chosen, None, accepted, &all).tag();
        assert_eq!(n(None, None, None), "en");
        assert_eq!(
            n(None, None, Some("fr-CH, fi;q=0.9, sv;q=0.95, *;q=0.5")),
            "sv"
        );
        assert_eq!(n(None, None, Some("no, en")), "nb");
        assert_eq!(n(None, Some("da"), Some("fi")), "da");
        assert_eq!(n(Some("de"), Some("da"), Some("fi")), "de");
        assert_eq!(n(Some("xx"), Some(""), Some(";;q=,=")), "en");
        assert_eq!(n(None, None, Some(&",".repeat(100_000))), "en");
        assert_eq!(
            negotiate(Some("fi"), None, None, None, &[Language::Swedish]).tag(),
            "sv"
        );
    }

    #[test]
    fn dates() {
        let at = 1_797_206_400; // 2026-12-14
        assert_eq!(long_date(at, Language::English), "Monday 14 December 2026");
        assert_eq!(long_date(at, Language::Finnish), "maanantai 14.12.2026");
        assert_eq!(long_date(at, Language::German), "Montag, 14. Dezember 2026");
        assert_eq!(leaf(at, Language::Norwegian), ("des".to_owned(), 14));
        assert_eq!(
            date_time(at + 52_320, Language::English),
            "14 December 2026, 14:32 UTC"
        );
    }
}
