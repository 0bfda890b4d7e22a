//! The documents tell the truth where a program can tell: tests they name exist and run, links lead somewhere,
//! the two commands are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn files(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// Every document of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["docs", "certs", "config"] {
        files(&root().join(folder), "md", &mut found);
    }
    let top = std::fs::read_dir(root())
        .unwrap()
        .map(|e| e.unwrap().path());
    found.extend(top.filter(|p| p.extension().is_some_and(|e| e == "md")));
    assert!(found.len() > 20, "the documents are somewhere else");
    found
}

/// Tests by the name `cargo test` gives them, and whether each is ignored.
fn tests() -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    for folder in ["src", "tests/it"] {
        let folder = root().join(folder);
        let mut sources = Vec::new();
        files(&folder, "rs", &mut sources);
        for source in sources {
            let place = source.strip_prefix(&folder).unwrap().with_extension("");
            let module: Vec<String> = place
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .filter(|part| part != "mod" && part != "main" && part != "lib")
                .collect();
            tests_of(&read(&source), &module, &mut found);
        }
    }
    found.extend(contract().into_iter().map(|name| (name, false)));
    assert!(found.len() > 150, "the tests are somewhere else");
    found
}

/// The tests of one file. Modules in a file are told by their indentation, which rustfmt keeps.
fn tests_of(text: &str, module: &[String], found: &mut BTreeMap<String, bool>) {
    let mut inner: Vec<(usize, String)> = Vec::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code == "}" {
            inner.retain(|(opened, _)| *opened < indent);
        } else if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if code.starts_with("#[ignore") {
            is_ignored = true;
        } else if let Some(name) = named(code, "mod ").filter(|_| code.ends_with('{')) {
            inner.push((indent, name));
        } else if let Some(name) = named(code, "fn ") {
            if is_test {
                let path = module.iter().chain(inner.iter().map(|(_, name)| name));
                let mut path: Vec<&str> = path.map(String::as_str).collect();
                path.push(&name);
                found.insert(path.join("::"), is_ignored);
            }
            (is_test, is_ignored) = (false, false);
        }
    }
}

/// The name after `keyword`, where only visibility and `async` stand before it.
fn named(code: &str, keyword: &str) -> Option<String> {
    let (before, after) = code.split_once(keyword)?;
    let plain = before
        .split_whitespace()
        .all(|word| word == "async" || word.starts_with("pub"));
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    plain.then(|| after[..end].to_owned())
}

/// The tests that the store's contract makes for each backend: `area: name name …;` in its list, each
/// a function of that area's file.
fn contract() -> BTreeSet<String> {
    let folder = root().join("tests/it/store");
    let text = read(&folder.join("mod.rs"));
    let mut found = BTreeSet::new();
    for list in text.split("contract!(@").skip(1) {
        let list = list.split(");").next().unwrap_or(list);
        for area in list.split(';') {
            let Some((area, names)) = area.split_once(": ") else {
                continue;
            };
            let file = folder.join(format!("{}.rs", area.trim()));
            if !file.is_file() {
                continue;
            }
            let source = read(&file);
            for name in names.split_whitespace() {
                let function = format!("async fn {name}(");
                assert!(source.contains(&function), "{}: {name}", file.display());
                for backend in ["sqlite", "postgres"] {
                    found.insert(format!("store::{backend}::{}::{name}", area.trim()));
                }
            }
        }
    }
    assert!(found.len() > 60, "the contract is written in another way");
    found
}

/// What stands in backticks, outside of fenced blocks.
fn quoted(text: &str) -> Vec<String> {
    let text = without_fences(text);
    let pieces = text.split('`').skip(1).step_by(2);
    pieces.map(str::to_owned).collect()
}

fn without_fences(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[test]
fn every_test_that_the_threats_name_exists_and_runs() {
    let tests = tests();
    let mut wrong = Vec::new();
    let mut named = 0;
    for word in quoted(&read(&root().join("docs/threats.md"))) {
        if !word.contains("::") {
            continue;
        }
        named += 1;
        match tests.get(&word) {
            Some(false) => {}
            Some(true) => wrong.push(format!("{word} is ignored")),
            None => wrong.push(format!("{word} does not exist")),
        }
    }
    assert!(named > 100, "the page names its tests in another way");
    assert!(wrong.is_empty(), "docs/threats.md:\n{}", wrong.join("\n"));
}

#[test]
fn no_document_names_a_test_that_is_not_run() {
    let tests = tests();
    let ignored = tests.iter().filter(|(_, ignored)| **ignored);
    let names: Vec<&str> = ignored
        .filter_map(|(path, _)| path.rsplit("::").next())
        .collect();
    for document in documents() {
        let text = read(&document);
        for name in &names {
            assert!(!text.contains(name), "{}: {name}", document.display());
        }
    }
}

#[test]
fn every_file_that_the_threats_name_exists() {
    for word in quoted(&read(&root().join("docs/threats.md"))) {
        if word.starts_with("src/") || word.starts_with("tests/") {
            assert!(root().join(&word).exists(), "{word}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = without_fences(&read(&document));
        for (at, _) in text.match_indices("](") {
            let rest = &text[at + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            let elsewhere = ["https://", "http://", "mailto:", "#"];
            if elsewhere.iter().any(|start| target.starts_with(start)) {
                continue;
            }
            let file = target.split('#').next().unwrap_or(target);
            if !document.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_names_the_two_commands() {
    use std::os::unix::fs::PermissionsExt as _;
    let readme = read(&root().join("README.md"));
    for command in ["run", "test"] {
        let alone = format!("```sh\n./{command}\n```");
        assert!(readme.contains(&alone), "./{command}");
        let mode = std::fs::metadata(root().join(command))
            .unwrap()
            .permissions()
            .mode();
        assert!(mode & 0o111 == 0o111, "./{command} cannot be executed");
    }
}

#[test]
fn every_decision_is_listed() {
    let list = read(&root().join("docs/decisions/README.md"));
    let mut pages = Vec::new();
    files(&root().join("docs/decisions"), "md", &mut pages);
    for page in pages {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || list.contains(&format!("]({name})")),
            "{name}"
        );
    }
}
