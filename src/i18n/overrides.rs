//! Single texts in an operator's words, checked against the ones they stand in for.
//!
//! What passes here can be shown: every id exists, every variable is given by the page and none is left out, and
//! nothing reaches outside its own text (no functions, no references). It stays text: the templates escape it like
//! the built-in ones.

use super::{Language, Texts};
use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement};
use fluent_syntax::unicode::unescape_unicode_to_string;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Far more than all texts of a language.
const MOST_BYTES: usize = 256 * 1024;
/// Of one text, as written.
const MOST_TEXT: usize = 4_000;
/// Of `{` in one text; the built-in ones have a few.
const MOST_BRACES: usize = 64;

/// Texts of one language that stand in for built-in ones.
#[derive(Clone)]
pub struct Overrides {
    pub(super) language: Language,
    pub(super) resource: Arc<FluentResource>,
}

impl Overrides {
    pub const fn language(&self) -> Language {
        self.language
    }

    /// How many texts.
    pub fn count(&self) -> usize {
        self.resource.entries().count()
    }
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Overrides({}, {})", self.language.tag(), self.count())
    }
}

impl PartialEq for Overrides {
    fn eq(&self, other: &Self) -> bool {
        self.language == other.language && self.resource.source() == other.resource.source()
    }
}

impl Eq for Overrides {}

/// What is wrong with a file of texts, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    pub message: String,
    pub help: String,
}

/// Reads a file of texts; everything that is wrong with it at once, in the order of its lines.
pub fn read(language: Language, source: &[u8]) -> Result<Overrides, Vec<Mistake>> {
    let whole = |line, message: &str, help: &str| {
        Err(vec![Mistake {
            line,
            message: message.to_owned(),
            help: help.to_owned(),
        }])
    };
    if source.len() > MOST_BYTES {
        return whole(
            1,
            "it is larger than 256 KiB",
            "name only the texts that differ",
        );
    }
    let source = match std::str::from_utf8(source) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(e) => {
            let before = source.get(..e.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            return whole(line, "this is not UTF-8", "save the file as UTF-8");
        }
    };
    if let Some(line) = too_deep(source) {
        return whole(
            line,
            "a text has more than 64 braces",
            "a value is written { $name }",
        );
    }
    let (resource, errors) = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) => (resource, Vec::new()),
        Err((resource, errors)) => (resource, errors),
    };
    let source = resource.source();
    let mut mistakes: Vec<Mistake> = errors
        .iter()
        .map(|e| Mistake {
            line: line_at(source, e.pos.start),
            message: format!("this cannot be read: {}", e.kind),
            help: "write `id = text`; a line that goes on with a text begins with a blank, and a value is written { $name }"
                .to_owned(),
        })
        .collect();
    let built_in = BuiltIn::of(language);
    let mut seen = BTreeMap::new();
    for entry in resource.entries() {
        let mut say = |name: &str, message: String, help: String| {
            let line = line_at(source, offset(source, name));
            mistakes.push(Mistake {
                line,
                message,
                help,
            });
        };
        match entry {
            Entry::Message(text) => {
                let id = text.id.name;
                if let Some(line) = seen.insert(id, line_at(source, offset(source, id))) {
                    let message = format!("`{id}` is given a second time, after line {line}");
                    say(id, message, "remove one of them".to_owned());
                }
                built_in.check(text, &mut |message, help| say(id, message, help));
            }
            Entry::Term(term) => say(
                term.id.name,
                format!(
                    "`-{}` is a term, and no text is made of terms",
                    term.id.name
                ),
                "write the words out in the texts that need them".to_owned(),
            ),
            Entry::Comment(_)
            | Entry::GroupComment(_)
            | Entry::ResourceComment(_)
            | Entry::Junk { .. } => {}
        }
    }
    if mistakes.is_empty() {
        let resource = Arc::new(resource);
        return Ok(Overrides { language, resource });
    }
    mistakes.sort_by_key(|m| m.line);
    Err(mistakes)
}

/// The texts as they are without overrides, to be compared with.
struct BuiltIn {
    texts: Vec<FluentResource>,
    tag: &'static str,
}

impl BuiltIn {
    fn of(language: Language) -> Self {
        let read = |source: &str| match FluentResource::try_new(source.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        Self {
            texts: language.sources().into_iter().map(read).collect(),
            tag: language.tag(),
        }
    }

    fn messages(&self) -> impl Iterator<Item = &Message<&str>> {
        let all = self.texts.iter().flat_map(FluentResource::entries);
        all.filter_map(|entry| match entry {
            Entry::Message(message) => Some(message),
            _ => None,
        })
    }

    fn check(&self, text: &Message<&str>, say: &mut impl FnMut(String, String)) {
        let id = text.id.name;
        let Some(original) = self.messages().find(|m| m.id.name == id) else {
            let help = match self.nearest(id) {
                Some(meant) => format!("did you mean `{meant}`? "),
                None => String::new(),
            };
            say(
                format!("there is no text `{}`", shortened(id, 60)),
                format!("{help}`vestibule texts {}` prints all of them", self.tag),
            );
            return;
        };
        if !text.attributes.is_empty() {
            say(
                format!("`{id}` has attributes, which no page shows"),
                "remove the lines that begin with a dot".to_owned(),
            );
        }
        let mut written = Parts::default();
        written.of(text.value.as_ref());
        for what in &written.foreign {
            say(
                format!("`{id}` uses {what}, which is not there"),
                "write the words out; what a text may use are the values of the built-in one"
                    .to_owned(),
            );
        }
        if written.unprintable || written.bytes > MOST_TEXT || written.blank {
            say(
                format!(
                    "`{id}` is empty, longer than 4000 characters, or has characters that do not show"
                ),
                "write words, or remove the text for the built-in one".to_owned(),
            );
        }
        let mut known = Parts::default();
        known.of(original.value.as_ref());
        for name in written.variables.difference(&known.variables) {
            say(
                format!("`{id}` is given no value {{ ${name} }}"),
                match known.variables.is_empty() {
                    true => "no value is known in this text: write words only".to_owned(),
                    false => format!("known here: {}", list(&known.variables)),
                },
            );
        }
        let missing: BTreeSet<_> = known.variables.difference(&written.variables).collect();
        if !missing.is_empty() {
            say(
                format!("`{id}` leaves out {}", list(missing)),
                "write it where people are to read it".to_owned(),
            );
        }
    }

    /// An id that may have been meant: one that begins or ends alike.
    fn nearest(&self, id: &str) -> Option<&str> {
        let alike = |other: &str| {
            let same = id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
            let rear = id.bytes().rev().zip(other.bytes().rev());
            let same = same.count() + rear.take_while(|(a, b)| a == b).count();
            // a letter more or less, or two that are wrong
            (same + 2 >= id.len().max(other.len())).then_some(same)
        };
        self.messages()
            .filter_map(|m| Some((alike(m.id.name)?, m.id.name)))
            .max_by_key(|(same, _)| *same)
            .map(|(_, name)| name)
    }
}

fn list<'a>(names: impl IntoIterator<Item = impl AsRef<str> + 'a>) -> String {
    let shown: Vec<String> = names
        .into_iter()
        .map(|n| format!("{{ ${} }}", n.as_ref()))
        .collect();
    shown.join(", ")
}

/// What a text is made of.
#[derive(Default)]
struct Parts {
    variables: BTreeSet<String>,
    foreign: BTreeSet<String>,
    bytes: usize,
    unprintable: bool,
    blank: bool,
}

impl Parts {
    fn of(&mut self, value: Option<&Pattern<&str>>) {
        self.blank |= value.is_none_or(|value| !self.pattern(value));
    }

    /// Whether it shows anything.
    fn pattern(&mut self, pattern: &Pattern<&str>) -> bool {
        let mut shows = false;
        for element in &pattern.elements {
            shows |= match element {
                PatternElement::TextElement { value } => self.words(value),
                PatternElement::Placeable { expression } => self.expression(expression),
            };
        }
        shows
    }

    fn expression(&mut self, expression: &Expression<&str>) -> bool {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                let mut all = true;
                for variant in variants {
                    all &= self.pattern(&variant.value);
                }
                all
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) -> bool {
        let foreign = match inline {
            InlineExpression::StringLiteral { value } => {
                return self.words(&unescape_unicode_to_string(value));
            }
            InlineExpression::NumberLiteral { .. } => return true,
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.to_owned());
                return true;
            }
            InlineExpression::Placeable { expression } => return self.expression(expression),
            InlineExpression::FunctionReference { id, .. } => format!("the function {}", id.name),
            InlineExpression::MessageReference { id, .. } => format!("the text `{}`", id.name),
            InlineExpression::TermReference { id, .. } => format!("the term `-{}`", id.name),
        };
        self.foreign.insert(foreign);
        true
    }

    fn words(&mut self, text: &str) -> bool {
        self.bytes += text.len();
        self.unprintable |= text.chars().any(|c| match c {
            '\n' => false,
            // they would show a text in another order than it is written
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
            c => c.is_control(),
        });
        !text.trim().is_empty()
    }
}

/// The line where a text has so many braces that reading them, one within the other, could exhaust the stack. How deep
/// they are is the parser's to say: a brace may stand in quotes, and quotes in words.
fn too_deep(source: &str) -> Option<usize> {
    let mut braces = 0_usize;
    for (number, line) in source.lines().enumerate() {
        if line.starts_with('#') || begins_text(line) {
            braces = 0;
        }
        if !line.starts_with('#') {
            braces += line.bytes().filter(|b| *b == b'{').count();
        }
        if braces > MOST_BRACES {
            return Some(number + 1);
        }
    }
    None
}

/// `id =`, which can stand nowhere else at the beginning of a line.
fn begins_text(line: &str) -> bool {
    let id = line.split_once('=').map_or("", |(id, _)| id.trim_end());
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !line.starts_with(' ') && !id.is_empty() && id.chars().all(fits)
}

fn line_at(source: &str, offset: usize) -> usize {
    let before = source.bytes().take(offset);
    before.filter(|b| *b == b'\n').count() + 1
}

/// Where a part of the source is in it.
fn offset(source: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(source.as_ptr().addr())
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

impl Texts {
    /// The built-in ones of a language, as they are written.
    pub fn built_in(language: Language) -> String {
        language.sources().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_texts_could_be_an_operators() {
        for language in Language::ALL {
            let read = read(language, Texts::built_in(language).as_bytes());
            assert!(read.is_ok(), "{}: {read:?}", language.tag());
        }
    }

    #[test]
    fn single_texts_are_said_in_other_words() {
        let source = "# ours\r\nsignin-submit = Log <b>on</b>\r\nnag-days = { $days ->\r\n    [one] a day\r\n   *[other] { $days } days\r\n }\r\n";
        let ours = read(Language::English, source.as_bytes()).unwrap();
        let texts = Texts::load(&[ours]).unwrap();
        let tr = texts.in_language(Language::English);
        assert_eq!(tr.text("signin-submit"), "Log <b>on</b>");
        assert_eq!(tr.number("nag-days", "days", 1), "a day");
        assert_eq!(tr.number("nag-days", "days", 7), "7 days");
        assert_eq!(tr.text("signin-title"), "Sign in");
        let tr = texts.in_language(Language::Finnish);
        assert_ne!(tr.text("signin-submit"), "Log <b>on</b>");
    }

    #[test]
    fn what_could_not_be_shown_is_refused() {
        let check = |source: &str, line: usize, message: &str, help: &str| {
            let mistakes = read(Language::English, source.as_bytes()).unwrap_err();
            let [mistake] = mistakes.as_slice() else {
                panic!("{source}: {mistakes:?}");
            };
            assert_eq!(mistake.line, line, "{source}: {mistake:?}");
            assert!(mistake.message.contains(message), "{source}: {mistake:?}");
            assert!(mistake.help.contains(help), "{source}: {mistake:?}");
        };
        check(
            "signin-submit = On\n\nsignin-titel = On",
            3,
            "there is no text `signin-titel`",
            "did you mean `signin-title`?",
        );
        check(
            "nothing-like-it = x",
            1,
            "no text `nothing-like-it`",
            "vestibule texts en",
        );
        check(
            "signin-submit = { $name }",
            1,
            "is given no value { $name }",
            "words only",
        );
        check(
            "code-intro = Find { $produkt } { $product }",
            1,
            "no value { $produkt }",
            "known here: { $product }",
        );
        check(
            "code-intro = Find the code",
            1,
            "leaves out { $product }",
            "",
        );
        check(
            "signin-submit = On\nsignin-title Sign in\n",
            2,
            "cannot be read",
            "id = text",
        );
        check(
            "signin-submit = A\nsignin-submit = B",
            2,
            "second time, after line 1",
            "",
        );
        check("signin-submit = { signin-submit }", 1, "uses the text", "");
        check(
            "signin-submit = { NUMBER(1) }",
            1,
            "uses the function NUMBER",
            "",
        );
        check("-brand = X", 1, "`-brand` is a term", "");
        check("signin-submit = On\n    .title = X", 1, "attributes", "");
        check(r#"signin-submit = { "" }"#, 1, "is empty", "");
        check(r#"signin-submit = a{ "\u000D" }b"#, 1, "do not show", "");
        check("signin-submit = a\u{202e}b", 1, "do not show", "");
        check(
            &format!("signin-submit = {}", "{".repeat(100_000)),
            1,
            "more than 64 braces",
            "",
        );
        // as deep, with lines that begin like another text, and braces in quotes
        for (level, line) in [
            ("{\n$n ->\n*[a] ", 129),
            ("{\nN(a: 1) ->\n*[a] ", 129),
            ("{$n ->\n*[a] {\"}}\"}", 33),
        ] {
            let text = format!("signin-submit = {}", level.repeat(10_000));
            check(&text, line, "more than 64 braces", "");
        }
        check(&"#\n".repeat(200_000), 1, "larger than", "");
        let mistakes = read(Language::English, b"# one\n\xff").unwrap_err();
        assert_eq!(mistakes[0].line, 2);
    }
}
