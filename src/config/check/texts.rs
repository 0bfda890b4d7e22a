//! The folder of texts in the operator's own words.

use super::Check;
use crate::config::report::shortened;
use crate::config::source::At;
use crate::i18n::{self, Language, Overrides};
use std::path::Path;

/// More mistakes of one file are not listed: there are other things to say.
const MOST_OF_A_FILE: usize = 20;

impl Check<'_> {
    pub(super) fn texts(
        &mut self,
        at: &At<'_>,
        written: Option<&str>,
        offered: &[String],
    ) -> Vec<Overrides> {
        let Some(written) = written else {
            return Vec::new();
        };
        let folder = self.resolve(written);
        // those to come, too: a new file is noticed as a changed one is
        let files = Language::ALL.map(|l| folder.join(format!("{}.ftl", l.tag())));
        self.files.extend(files);
        let languages = self.languages_in(at, &folder);
        let mut all = Vec::new();
        for language in languages {
            if !offered.iter().any(|tag| tag == language.tag()) {
                self.warning(
                    at,
                    format!(
                        "{}.ftl is not shown: the language is not among `brand.languages`",
                        language.tag()
                    ),
                    "add it there, or remove the file",
                );
            }
            all.extend(self.texts_of(at, written, language));
        }
        all
    }

    /// By the names of the files. What hides (a mounted Kubernetes volume, an editor's copy) is passed over.
    fn languages_in(&mut self, at: &At<'_>, folder: &Path) -> Vec<Language> {
        let shown = folder.display();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => {
                self.error(
                    at,
                    format!("{shown} is not a folder that can be read: {e}"),
                    "name the folder that holds en.ftl, fi.ftl and so on; it is relative to the folder of this file",
                );
                return Vec::new();
            }
        };
        let mut languages = Vec::new();
        for name in entries.flatten().map(|entry| entry.file_name()) {
            let name = name.to_string_lossy();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let tag = name.strip_suffix(".ftl");
            match tag.and_then(|tag| Language::ALL.into_iter().find(|l| l.tag() == tag)) {
                Some(language) => languages.push(language),
                None => {
                    let meant = tag.and_then(Language::parse).map_or_else(
                        || "the files are en.ftl, fi.ftl, sv.ftl, nb.ftl, da.ftl and de.ftl; move others elsewhere".to_owned(),
                        |l| format!("name it {}.ftl", l.tag()),
                    );
                    let name = shortened(&name, 60);
                    self.error(at, format!("{name} is no file of texts"), meant);
                }
            }
        }
        languages.sort_by_key(|l| l.tag());
        languages
    }

    fn texts_of(&mut self, at: &At<'_>, folder: &str, language: Language) -> Option<Overrides> {
        let file = Path::new(folder).join(format!("{}.ftl", language.tag()));
        let (path, bytes) = self.content(at, &file.to_string_lossy())?;
        let mistakes = match i18n::read(language, &bytes) {
            Ok(texts) => return Some(texts),
            Err(mistakes) => mistakes,
        };
        let more = mistakes.len().saturating_sub(MOST_OF_A_FILE);
        for mistake in mistakes.into_iter().take(MOST_OF_A_FILE) {
            let place = format!("{}:{}", path.display(), mistake.line);
            let message = format!("{place}: {}", shortened(&mistake.message, 300));
            self.error(at, message, shortened(&mistake.help, 300));
        }
        if more > 0 {
            let message = format!("{}: {more} more mistakes are not listed", path.display());
            self.error(at, message, "correct these and check again");
        }
        None
    }
}
