//! Who may import whom: the shape of the code, kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each module of the crate and what it may import. `domain` imports nobody; only `app` and `cli` see
/// everything; only they see `config`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("env", &["domain"]),
    ("vault", &["env"]),
    ("config", &["domain", "env", "i18n"]),
    ("store", &["domain"]),
    ("signer", &["domain", "env", "store", "vault"]),
    ("i18n", &[]),
    ("telemetry", &["domain"]),
    ("acme", &["domain", "env", "store", "vault"]),
    ("authn", &["domain", "env", "store", "vault"]),
    ("mail", &["domain", "env", "i18n", "store", "vault"]),
    (
        "portal",
        &["domain", "env", "vault", "authn", "store", "i18n"],
    ),
    ("gateway", &["domain", "env", "portal"]),
    ("ops", &["domain", "env", "store", "telemetry"]),
    ("demo", &["domain", "env"]),
    ("loadtest", &["domain", "env"]),
    ("app", &["*"]),
    ("cli", &["*"]),
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The crate's modules named in a file's code, comments and tests of the file left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = BTreeSet::new();
    for line in lines {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn imports_follow_the_map() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 40, "the source is somewhere else");
    let mut wrong = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&source).unwrap();
        let first = relative.components().next().unwrap();
        let module = Path::new(first.as_os_str())
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{module}: a module the map does not know"));
            continue;
        };
        for import in imports(&std::fs::read_to_string(file).unwrap()) {
            let fine =
                import == module || allowed.contains(&import.as_str()) || allowed.contains(&"*");
            if !fine {
                wrong.push(format!("{}: imports {import}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        for banned in [
            "async fn",
            "tokio",
            "sqlx",
            "axum",
            "hyper",
            "pingora",
            "std::fs",
            "std::net::Tcp",
        ] {
            assert!(
                !code.contains(banned),
                "{} mentions {banned}",
                file.display()
            );
        }
    }
}
