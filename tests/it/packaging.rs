//! What the program says of itself, for shells, for `man` and for editors: asked of those who read it.

mod shells;

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

const SCHEMA: &str = include_str!("../../config/vestibule.schema.json");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn vestibule(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A database may be away for longer than any number of tries.
#[test]
fn the_unit_never_gives_up() {
    let unit = include_str!("../../packaging/vestibule.service");
    for line in ["Restart=on-failure", "StartLimitIntervalSec=0"] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
}

#[test]
fn the_manual_pages_are_well_formed_and_say_what_help_says() {
    let dir = tempfile::tempdir().unwrap();
    vestibule(&["man", "--directory", dir.path().to_str().unwrap()]);
    let mut pages = Vec::new();
    for section in ["man1", "man5"] {
        for entry in std::fs::read_dir(dir.path().join(section)).unwrap() {
            pages.push(entry.unwrap().path());
        }
    }
    assert!(pages.len() > 20, "{pages:?}");
    for page in &pages {
        let output = Command::new("mandoc")
            .args(["-Tlint", "-Wwarning"])
            .arg(page)
            .output()
            .expect("mandoc is missing; tools/prepare test installs it");
        let said = said(&output);
        // the pages have no date: they are the same whenever they are made
        let wrong: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains("missing date"))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", page.display());
    }
    let shown = |file: &str| {
        let output = Command::new("mandoc")
            .args(["-Tutf8", "-Owidth=200"])
            .arg(dir.path().join(file))
            .output()
            .unwrap();
        // bold is a letter printed twice
        let text = String::from_utf8(output.stdout).unwrap();
        let letters: Vec<char> = text.chars().collect();
        let kept = letters.iter().enumerate().filter(|(n, letter)| {
            **letter != '\u{8}' && letters.get(n + 1).is_none_or(|next| *next != '\u{8}')
        });
        kept.map(|(_, letter)| *letter).collect::<String>()
    };
    let serve = shown("man1/vestibule-serve.1");
    assert!(serve.contains("VESTIBULE-SERVE(1)"), "{serve}");
    assert!(serve.contains("How log lines look"), "{serve}");
    assert!(
        serve.contains("an upgrade without a lost request"),
        "{serve}"
    );
    let add = shown("man1/vestibule-account-add.1");
    assert!(add.contains("--no-password"), "{add}");
    let configuration = shown("man5/vestibule.yaml.5");
    assert!(
        configuration.contains("two_factor.policy"),
        "{configuration}"
    );
    assert!(!dir.path().join("man1/vestibule-docs.1").exists());
    assert!(vestibule(&["man"]).contains(".SH SUBCOMMANDS"));
}

#[test]
fn the_schema_beside_the_example_is_up_to_date() {
    assert!(
        SCHEMA == vestibule(&["check", "--schema"]),
        "run tools/docs"
    );
    let example = include_str!("../../config/vestibule.example.yaml");
    let named = "# yaml-language-server: $schema=vestibule.schema.json\n";
    assert!(example.starts_with(named), "the schema lies beside it");
}

#[test]
fn every_key_of_the_schema_is_explained() {
    fn look(place: &str, value: &Value, seen: &mut usize) {
        if let Some(Value::Object(properties)) = value.get("properties") {
            for (key, property) in properties {
                *seen += 1;
                let words = property["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{place}/{key}");
            }
        }
        match value {
            Value::Object(object) => {
                for (key, below) in object {
                    look(&format!("{place}/{key}"), below, seen);
                }
            }
            Value::Array(items) => items.iter().for_each(|below| look(place, below, seen)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let mut seen = 0;
    look("", &schema, &mut seen);
    assert!(seen > 100, "{seen}");
}

/// Reads `[schema, [yaml, ...]]`, answers with the mistakes of each.
const VALIDATOR: &str = r#"
import json, sys, yaml, jsonschema_rs
class Loader(yaml.SafeLoader):
    "YAML 1.2, as we read it: a date is text."
Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in all if not tag.endswith(":timestamp")]
    for first, all in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
schema, texts = json.load(sys.stdin)
jsonschema_rs.meta.validate(schema)
validator = jsonschema_rs.Draft202012Validator(schema)
mistakes = [[str(e.message) for e in validator.iter_errors(yaml.load(text, Loader))] for text in texts]
json.dump(mistakes, sys.stdout)
"#;

fn validated(texts: &[String]) -> Vec<Vec<String>> {
    use std::io::Write as _;
    use std::process::Stdio;
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut python = Command::new(root().join("target/test-tools/venv/bin/python"))
        .args(["-c", VALIDATOR])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tools/prepare test makes this environment");
    let mut input = python.stdin.take().unwrap();
    write!(input, "{}", json!([schema, texts])).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn another_validator_takes_our_files_and_refuses_mistakes() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let minimal = read("config/minimal.yaml");
    let good = [
        minimal.clone(),
        read("config/vestibule.example.yaml"),
        read("packaging/vestibule.yaml"),
        minimal.replace("https://login.example.com", "${PORTAL}"),
        format!("{minimal}    limits: {{ body: 1048576 }}\n"),
    ];
    for (n, mistakes) in validated(&good).iter().enumerate() {
        assert!(mistakes.is_empty(), "file {n}: {mistakes:#?}");
    }
    let wrong = [
        ("recommended", "reccommended"),
        ("storage:", "store:"),
        ("https://login", "http://login"),
        ("redirect_to_https: true", "redirect_to_https: 5"),
        ("    host: wiki.example.com", "    # no host"),
    ];
    let texts: Vec<String> = wrong
        .iter()
        .map(|(from, to)| {
            assert!(minimal.contains(from), "{from}");
            minimal.replacen(from, to, 1)
        })
        .collect();
    for ((_, to), mistakes) in wrong.iter().zip(validated(&texts)) {
        assert_eq!(mistakes.len(), 1, "{to}: {mistakes:#?}");
    }
}

#[test]
fn the_container_is_built_of_everything_that_is_compiled_in() {
    let text = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let kept: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix('!')).collect();
    for path in &kept {
        assert!(root().join(path).exists(), "{path}");
    }
    let mut sources = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => sources.push(path),
            }
        }
    }
    let mut seen = 0;
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap_or_default();
        for marker in ["include_str!(\"", "include_bytes!(\""] {
            for rest in text.split(marker).skip(1) {
                let file = rest.split('"').next().unwrap();
                let path = source.parent().unwrap().join(file);
                let Ok(path) = path.canonicalize() else {
                    continue;
                };
                let inside = path.strip_prefix(root()).unwrap();
                seen += 1;
                assert!(
                    kept.iter().any(|kept| inside.starts_with(kept)),
                    "{} is compiled in, and .dockerignore leaves it out",
                    inside.display()
                );
            }
        }
    }
    assert!(seen > 5, "files are compiled in another way");
}
