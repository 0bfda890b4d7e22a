//! The reference of the configuration, made from its schema.

use super::problems::Problems;
use super::schema;
use super::source::{At, Tree};
use serde_json::Value;
use std::fmt::Write as _;

/// The JSON Schema of the file, for editors.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(schema::File).to_value();
    without_null(&mut schema);
    as_written(&mut schema);
    schema
}

/// A key without a value is refused, so nothing may be null.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|t| t != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|v| !v.is_null());
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|o| o.get("type").is_none_or(|t| t != "null"));
                if let [Value::Object(one)] = options.as_slice() {
                    let one = one.clone();
                    object.remove("anyOf");
                    for (key, value) in one {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Wherever a text of a certain form is asked for, `${NAME}` may stand for it or for a part of it; bytes may be a number.
fn as_written(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(pattern)) = object.get_mut("pattern") {
                pattern.push_str(r"|\$\{[A-Za-z_][A-Za-z0-9_]*\}");
            }
            if object
                .get("x-kind")
                .is_some_and(|kind| kind == "size in bytes")
            {
                object.insert("type".into(), serde_json::json!(["string", "integer"]));
            }
            object.values_mut().for_each(as_written);
        }
        Value::Array(items) => items.iter_mut().for_each(as_written),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The reference page, `docs/configuration.md`.
pub fn markdown() -> String {
    let schema = json_schema();
    let page = Page::new(&schema);
    let mut out = format!("{INTRODUCTION}```yaml\n{}\n```\n", MINIMAL.trim_end());
    for (key, section) in page.properties(&schema, "") {
        page.section(&mut out, &key, section);
    }
    out
}

const MINIMAL: &str = include_str!("../../config/minimal.yaml");
const EXAMPLE: &str = include_str!("../../config/vestibule.example.yaml");

const INTRODUCTION: &str = "\
<!-- Made from src/config/schema.rs by tools/docs -->

# Configuration

One YAML file, named with `--config`. `vestibule check --config FILE` says everything that is wrong with it, where,
and what to write instead; `vestibule explain --config FILE --url URL` says what happens to a request.
`vestibule check --schema` prints a JSON Schema, with which editors complete and check the file; the Debian package has
it at `/usr/share/vestibule/vestibule.schema.json`, and all of this page as `man vestibule.yaml`.

- Unknown keys, keys without a value and keys written twice are mistakes; with one mistake nothing starts.
- Spans of time are a whole number and a unit: `30s`, `15m`, `1h`, `7d`, `2w`. Sizes: `32KiB`, `100MiB`, `1GiB`, or bytes.
- A date holds through its last second, UTC.
- Paths of files are relative to the folder of the configuration file.
- Secrets are never written here: name a file (`key_file`, `password_file`), or write `${NAME}`, which stands for
  the environment variable of that name (`$${NAME}` is the text itself). A variable that is not set is a mistake.
- Anchors, aliases and tags of YAML are not supported, nor is a file above 4 MiB.
- A key marked *not in force* is checked and otherwise ignored by this version; `check` warns about it.

In the tables `[]` stands for each entry of a list, `NAME` for a name of your own; a key in bold must be there.
The whole of it as a file: [config/vestibule.example.yaml](../config/vestibule.example.yaml). The least:

";

fn example_tree() -> Option<Tree> {
    Tree::parse(EXAMPLE, &|_| None, &mut Problems::default())
}

/// The schema's keys with what is said of them, for pages of any kind.
pub(super) struct Page<'s> {
    schema: &'s Value,
    example: Option<Tree>,
}

impl<'s> Page<'s> {
    pub(super) fn new(schema: &'s Value) -> Self {
        Self {
            schema,
            example: example_tree(),
        }
    }

    /// Each key of a section, the section's own first where it is a value.
    pub(super) fn each_key(
        &self,
        key: &str,
        section: &'s Value,
        take: &mut dyn FnMut(&str, &'s Value, bool),
    ) {
        let kind = self.kind(section);
        if !kind.contains("section") && !kind.contains("names") {
            take(key, section, self.is_required(self.schema, key));
        }
        self.keys_below(key, section, take);
    }

    fn section(&self, out: &mut String, key: &str, section: &'s Value) {
        let required = self.is_required(self.schema, key);
        let _ = writeln!(
            out,
            "\n## `{key}`\n\n{}{}",
            description(section),
            if required { " Must be there." } else { "" }
        );
        let _ = writeln!(
            out,
            "\n| key | meaning | type | default | example |\n| --- | --- | --- | --- | --- |"
        );
        self.each_key(key, section, &mut |path, value, required| {
            self.row(out, path, value, required);
        });
    }

    /// Each key below, the deeper ones right after the one they belong to.
    fn keys_below(
        &self,
        path: &str,
        value: &'s Value,
        take: &mut dyn FnMut(&str, &'s Value, bool),
    ) {
        let value = resolved(self.schema, value);
        if let Some(items) = value.get("items") {
            return self.keys_below(&format!("{path}[]"), items, take);
        }
        if let Some(named) = value.get("additionalProperties").filter(|a| a.is_object()) {
            return self.keys_below(&format!("{path}.NAME"), named, take);
        }
        if let Some(section) = either_section(self.schema, value) {
            return self.keys_below(path, section, take);
        }
        for (key, child) in self.properties(value, path) {
            let below = format!("{path}.{key}");
            take(&below, child, self.is_required(value, &key));
            self.keys_below(&below, child, take);
        }
    }

    fn row(&self, out: &mut String, path: &str, value: &Value, required: bool) {
        let mark = if required { "**" } else { "" };
        let meaning = description(value);
        let default = value.get("default").map_or_else(String::new, plain_text);
        let example = match value.get("examples").and_then(|e| e.get(0)) {
            Some(example) => plain_text(example),
            None => self.example_of(path),
        };
        let _ = writeln!(
            out,
            "| {mark}`{path}`{mark} | {} | {} | {} | {} |",
            cell(&meaning),
            cell(&self.kind(value)),
            code(&default),
            code(&example)
        );
    }

    fn is_required(&self, section: &Value, key: &str) -> bool {
        let names = section.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|n| n == key))
    }

    /// Keys in the order of the example file, then the others.
    pub(super) fn properties(&self, section: &'s Value, path: &str) -> Vec<(String, &'s Value)> {
        let mut keys: Vec<(String, &'s Value)> = match section.get("properties") {
            Some(Value::Object(properties)) => {
                properties.iter().map(|(k, v)| (k.clone(), v)).collect()
            }
            _ => Vec::new(),
        };
        let order: Vec<String> = self
            .examples(path)
            .iter()
            .flat_map(|at| at.keys().into_iter().map(str::to_owned))
            .collect();
        keys.sort_by_key(|(key, _)| order.iter().position(|k| k == key).unwrap_or(usize::MAX));
        keys
    }

    /// The places of the example file that a path of the tables stands for.
    fn examples(&self, path: &str) -> Vec<At<'_>> {
        let mut places: Vec<At<'_>> = self.example.iter().map(Tree::top).collect();
        for step in path.split('.').filter(|s| !s.is_empty()) {
            let (key, each) = match step.strip_suffix("[]") {
                Some(key) => (key, true),
                None => (step, false),
            };
            places = places
                .iter()
                .flat_map(|at| match key {
                    "NAME" => at.keys().into_iter().map(|k| at.key(k)).collect(),
                    key => vec![at.key(key)],
                })
                .collect();
            if each {
                places = places
                    .iter()
                    .flat_map(|at| (0..at.len()).map(|n| at.index(n)).collect::<Vec<_>>())
                    .collect();
            }
        }
        places
    }

    fn example_of(&self, path: &str) -> String {
        let written = |at: &At<'_>| match at.raw() {
            Some(text) if text.contains(['#', '{', ' ']) || text.contains(": ") => {
                Some(format!("\"{text}\""))
            }
            Some(text) => Some(text.to_owned()),
            None => {
                let items: Vec<_> = (0..at.len())
                    .filter_map(|n| Some(at.index(n).raw()?.to_owned()))
                    .collect();
                (!items.is_empty()).then(|| format!("[ {} ]", items.join(", ")))
            }
        };
        self.examples(path)
            .iter()
            .find_map(written)
            .unwrap_or_default()
    }

    pub(super) fn kind(&self, value: &Value) -> String {
        let value = resolved(self.schema, value);
        if let Some(Value::Array(words)) = value.get("enum") {
            return words
                .iter()
                .map(|w| code(&plain_text(w)))
                .collect::<Vec<_>>()
                .join(", ");
        }
        if let Some(Value::Array(options)) = value.get("anyOf") {
            let one = options.first().map_or_else(String::new, |o| self.kind(o));
            if either_section(self.schema, value).is_some() {
                return format!("{one}, or a section");
            }
            return format!("{one}, or a list");
        }
        if let Some(kind) = value.get("x-kind").and_then(Value::as_str) {
            return kind.to_owned();
        }
        match value.get("type").and_then(Value::as_str) {
            Some("string") => "text".into(),
            Some("integer") => "number".into(),
            Some("boolean") => "true or false".into(),
            Some("array") => match value.get("items") {
                Some(items) => match self.kind(items).as_str() {
                    kind @ ("section" | "network" | "path") => format!("list of {kind}s"),
                    "text" => "list of texts".into(),
                    kind => format!("list of {kind}"),
                },
                None => "list".into(),
            },
            _ if value.get("properties").is_some() => "section".into(),
            _ => "names with values".into(),
        }
    }
}

/// A value's own schema behind a reference.
fn resolved<'v>(schema: &'v Value, value: &'v Value) -> &'v Value {
    let name = value.get("$ref").and_then(Value::as_str);
    let name = name.and_then(|n| n.strip_prefix("#/$defs/"));
    name.and_then(|n| schema.get("$defs")?.get(n))
        .unwrap_or(value)
}

/// The section of a key that may also be written as true or false.
fn either_section<'v>(schema: &'v Value, value: &'v Value) -> Option<&'v Value> {
    let options = value.get("anyOf").and_then(Value::as_array)?;
    let mut options = options.iter().map(|option| resolved(schema, option));
    options.find(|option| option.get("properties").is_some())
}

pub(super) fn description(value: &Value) -> String {
    let text = value
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.replace('\n', " ")
}

pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "[]".into(),
        Value::Array(items) => {
            format!(
                "[ {} ]",
                items.iter().map(plain_text).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}

fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("`{}`", cell(text))
}

/// `|` would end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
