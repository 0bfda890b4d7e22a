//! Texts in the operator's own words.

use super::{BASE, Folder};
use vestibule::i18n::Language;

fn with_texts() -> String {
    BASE.replacen(
        "portal:\n",
        "brand: { texts: texts, languages: [ en, fi ] }\nportal:\n",
        1,
    )
}

#[test]
fn a_folder_of_texts_is_read_and_each_mistake_has_its_place() {
    let folder = Folder::new();
    let shown = folder.rendered(&with_texts());
    assert!(
        shown.contains("is not a folder that can be read"),
        "{shown}"
    );

    std::fs::create_dir(folder.path().join("config/texts")).unwrap();
    folder.write("config/texts/en.ftl", "signin-submit = Go\n");
    folder.write("config/texts/.en.ftl.swp", "\u{0}");
    folder.write("config/texts/en.ftl~", "nothing");
    let settings = folder.settings(&with_texts());
    let [texts] = settings.brand.texts.as_slice() else {
        panic!("{:?}", settings.brand.texts);
    };
    assert_eq!((texts.language(), texts.count()), (Language::English, 1));
    // those that are not there yet are looked after, too
    for name in ["en.ftl", "fi.ftl", "de.ftl"] {
        let file = folder.path().join("config/texts").join(name);
        assert!(settings.files.contains(&file), "{name}");
    }

    folder.write("config/texts/no.ftl", "signin-submit = Ja\n");
    folder.write("config/texts/README.md", "Ours.\n");
    folder.write("config/texts/de.ftl", "signin-submit = Los\n");
    folder.write(
        "config/texts/fi.ftl",
        "signin-submit = Kirjaudu\ncode-intro = Avaa { $sovellus }\nviides\n",
    );
    let (settings, report) = folder.examine(&with_texts());
    assert!(settings.is_none());
    let shown = report.to_string();
    for words in [
        "no.ftl is no file of texts",
        "name it nb.ftl",
        "README.md is no file of texts",
        "warning: brand.texts: de.ftl is not shown",
        "texts/fi.ftl:2: `code-intro` is given no value { $sovellus }",
        "known here: { $product }",
        "texts/fi.ftl:2: `code-intro` leaves out { $product }",
        "texts/fi.ftl:3: this cannot be read",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
}

#[test]
fn a_file_full_of_mistakes_leaves_room_for_others() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("config/texts")).unwrap();
    folder.write("config/texts/en.ftl", &"x = y\n".repeat(5_000));
    let text = with_texts().replacen("policy: recommended", "policy: recomended", 1);
    let (_, report) = folder.examine(&text);
    let shown = report.to_string();
    assert!(shown.contains("more mistakes are not listed"), "{shown}");
    assert!(shown.contains("recomended"), "{shown}");
    assert!(report.problems.len() < 40, "{shown}");
}
