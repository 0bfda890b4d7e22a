//! What the binary is made of: permissive licences, one TLS stack, one crypto provider, one HTTP.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "Unicode-3.0",
    "Unlicense",
    "MIT-0",
    "CDLA-Permissive-2.0",
];

/// Crates that must not be linked: a second TLS stack or crypto library.
const BANNED: &[&str] = &[
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "s2n-tls",
    "rsa",
];

/// Crates of which there is one version.
const SINGLE: &[&str] = &[
    "http",
    "hyper",
    "h2",
    "rustls",
    "tokio",
    "tokio-rustls",
    "axum",
    "ring",
    "tower",
];

/// Of this platform only: packages of others are not on a machine that has compiled this and nothing else.
fn metadata() -> Value {
    let platform = Command::new(env!("CARGO")).args(["-vV"]).output().unwrap();
    let platform = String::from_utf8(platform.stdout).unwrap();
    let platform = platform
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The packages that are linked into the program: normal dependencies on this platform, not the tests' own.
fn linked(metadata: &Value) -> BTreeSet<String> {
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let mut found = BTreeSet::new();
    let mut waiting = vec![metadata["resolve"]["root"].as_str().unwrap()];
    while let Some(id) = waiting.pop() {
        if !found.insert(id.to_owned()) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                waiting.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    found
}

fn permissive(expression: &str) -> bool {
    // any choice of an OR will do, every part of an AND must
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    flat.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| LICENCES.contains(&licence.trim()))
    })
}

#[test]
fn licences_sources_and_twins() {
    let metadata = metadata();
    let linked = linked(&metadata);
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        if !linked.contains(package["id"].as_str().unwrap()) {
            continue;
        }
        let name = package["name"].as_str().unwrap();
        versions
            .entry(name)
            .or_default()
            .insert(package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("none");
        if !permissive(licence) {
            wrong.push(format!("{name}: licence {licence}"));
        }
        if BANNED.contains(&name) {
            wrong.push(format!("{name} is linked"));
        }
        let from_registry = package["source"]
            .as_str()
            .is_none_or(|s| s.starts_with("registry+"));
        if !from_registry {
            wrong.push(format!("{name}: {}", package["source"]));
        }
    }
    assert!(versions.len() > 150, "the tree is not what it was");
    for name in SINGLE {
        let count = versions.get(name).map_or(0, BTreeSet::len);
        if count != 1 {
            wrong.push(format!("{name}: {count} versions"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
