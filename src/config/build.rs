//! Builds the tree from the text, within bounds: size, depth, no anchors, aliases or tags (YAML's ways to a bomb).

use super::problems::{Mark, Place, Problems};
use super::report::shortened;
use super::source::{Entry, Kind, Node, NodeId, Scalar, Step, Tree};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Largest file, in bytes.
pub(crate) const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting.
pub(crate) const MOST_DEPTH: usize = 32;

impl Tree {
    /// `None`: not readable as YAML at all, or beyond the bounds; a problem says which.
    pub(crate) fn parse(
        text: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) -> Option<Self> {
        if text.len() > MOST_BYTES {
            let message = format!("the file has {} bytes, more than 4 MiB", text.len());
            problems.error(
                Place::default(),
                message,
                "a configuration is a page or two; is this the right file?",
            );
            return None;
        }
        let mut builder = Builder {
            tree: Self {
                nodes: Vec::new(),
                misspelt: HashSet::new(),
            },
            open: Vec::new(),
            problems,
            variable,
            documents: 0,
        };
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((event, span)) => builder.event(event, Mark::of(span))?,
                Err(e) => {
                    builder.syntax_error(&e, text);
                    return None;
                }
            }
        }
        let tree = builder.tree;
        if tree.nodes.is_empty() {
            let help = "begin with config/minimal.yaml and put your own addresses in";
            problems.error(Place::default(), "the file is empty", help);
            return None;
        }
        Some(tree)
    }
}

impl Mark {
    fn of(span: Span) -> Self {
        Self::at(&span.start)
    }
    fn at(marker: &saphyr_parser::Marker) -> Self {
        Self {
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

/// A list or section that is still being read.
struct Open {
    id: NodeId,
    /// In a section: the key whose value comes next.
    key: Option<(String, Mark)>,
    /// In a section: the keys so far and their lines.
    seen: Option<HashMap<String, usize>>,
}

struct Builder<'a> {
    tree: Tree,
    open: Vec<Open>,
    problems: &'a mut Problems,
    variable: &'a dyn Fn(&str) -> Option<String>,
    documents: usize,
}

impl Builder<'_> {
    /// `None` stops the reading; a problem has been reported.
    fn event(&mut self, event: Event<'_>, mark: Mark) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.stop(
                        mark,
                        "a second document begins here",
                        "write everything into one; remove the line `---`",
                    );
                }
            }
            Event::Alias(_) => {
                return self.stop(
                    mark,
                    "aliases (`*name`) are not supported",
                    "write the value out",
                );
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(mark, anchor, tag.is_some())?;
                if self.takes_key() {
                    self.key(text.into_owned(), mark);
                } else {
                    self.scalar(&text, style == ScalarStyle::Plain, mark);
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(mark, anchor, tag.is_some())?;
                self.begin(Kind::List(Vec::new()), None, mark)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(mark, anchor, tag.is_some())?;
                self.begin(Kind::Map(Vec::new()), Some(HashMap::new()), mark)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
        }
        Some(())
    }

    fn stop(&mut self, mark: Mark, message: &str, help: &str) -> Option<()> {
        let path = self
            .open
            .last()
            .map_or_else(String::new, |o| self.tree.path(o.id));
        self.problems.error(Place { path, mark }, message, help);
        None
    }

    fn plain_node(&mut self, mark: Mark, anchor: usize, tagged: bool) -> Option<()> {
        if anchor != 0 {
            return self.stop(
                mark,
                "anchors (`&name`) are not supported",
                "write the value out at each place; a `&` at the beginning of a text needs quotes",
            );
        }
        if tagged {
            return self.stop(
                mark,
                "tags (`!name`) are not supported",
                "remove it; a `!` at the beginning of a text needs quotes",
            );
        }
        Some(())
    }

    fn takes_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|o| o.seen.is_some() && o.key.is_none())
    }

    fn key(&mut self, key: String, mark: Mark) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some((key, mark));
        }
    }

    fn begin(
        &mut self,
        kind: Kind,
        seen: Option<HashMap<String, usize>>,
        mark: Mark,
    ) -> Option<()> {
        if self.open.len() >= MOST_DEPTH {
            return self.stop(
                mark,
                "nested too deeply",
                "no setting lies deeper than 8 levels",
            );
        }
        if self.takes_key() {
            return self.stop(
                mark,
                "a key must be plain text",
                "a text that begins with `{` or `[` needs quotes",
            );
        }
        let id = self.add(kind, mark);
        self.open.push(Open {
            id,
            key: None,
            seen,
        });
        Some(())
    }

    fn scalar(&mut self, text: &str, plain: bool, mark: Mark) {
        let empty = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
        let expanded = expand(text, self.variable);
        let (value, raw) = match &expanded {
            Ok(Some(value)) => (value.text.clone(), Some(text.to_owned())),
            Ok(None) | Err(_) => (text.to_owned(), None),
        };
        let plain = plain && raw.is_none();
        let id = self.add(
            Kind::Scalar(Scalar {
                text: value,
                plain,
                raw,
            }),
            mark,
        );
        let place = match self.problems.is_full() {
            true => Place::default(),
            false => self.tree.place(id),
        };
        match expanded {
            Err(name) => {
                let name = shortened(&name, 60);
                let message = format!("the environment variable `{name}` is not set");
                let help = format!(
                    "set it for the process, or write the value; `$${{{name}}}` stands for the text itself"
                );
                self.problems.error(place, message, help);
                self.tree.drop_node(id);
            }
            Ok(Some(value)) => self.problems.hide_values(value.used),
            Ok(None) if empty && id != Tree::ROOT => {
                let help = "write a value, or remove the line (or put a `#` in front of it)";
                self.problems.error(place, "no value is given", help);
                self.tree.drop_node(id);
            }
            Ok(None) => {}
        }
    }

    /// Puts a node where the next one belongs.
    fn add(&mut self, kind: Kind, mark: Mark) -> NodeId {
        let id = self.tree.nodes.len();
        let mut dropped = false;
        let mut parent = None;
        if let Some(open) = self.open.last_mut() {
            let above = self.tree.nodes.get_mut(open.id).map(|n| &mut n.kind);
            match (above, open.key.take()) {
                (Some(Kind::Map(entries)), Some((key, key_mark))) => {
                    let first = open
                        .seen
                        .as_mut()
                        .and_then(|s| s.insert(key.clone(), key_mark.line));
                    parent = Some((open.id, Step::Key(entries.len())));
                    entries.push(Entry {
                        key: key.clone(),
                        mark: key_mark,
                        value: id,
                    });
                    if let Some(line) = first {
                        dropped = true;
                        let path = self.tree.path(open.id);
                        let message = format!("`{}` is written twice", shortened(&key, 60));
                        let help = format!("the first one is on line {line}; keep one of them");
                        self.problems.error(
                            Place {
                                path,
                                mark: key_mark,
                            },
                            message,
                            help,
                        );
                    }
                }
                (Some(Kind::List(items)), _) => {
                    parent = Some((open.id, Step::Index(items.len())));
                    items.push(id);
                }
                (Some(Kind::Map(_) | Kind::Scalar(_)) | None, _) => {}
            }
        }
        self.tree.nodes.push(Node {
            mark,
            kind,
            dropped,
            parent,
        });
        id
    }

    fn syntax_error(&mut self, error: &saphyr_parser::ScanError, text: &str) {
        let mark = Mark::at(error.marker());
        let line = text.lines().nth(mark.line.saturating_sub(1)).unwrap_or("");
        let help = if line.trim_start_matches(' ').starts_with('\t') {
            "YAML is indented with spaces, never with tabs"
        } else {
            "look at the indentation, at `:` followed by a space, and at quotes and brackets that are not closed, here and in the lines before"
        };
        let message = format!("this is not YAML: {}", shortened(error.info(), 200));
        self.problems.error(
            Place {
                path: String::new(),
                mark,
            },
            message,
            help,
        );
    }
}

struct Expanded {
    text: String,
    /// Names and values of the variables.
    used: BTreeMap<String, String>,
}

/// Replaces `${NAME}`; `$${` stands for `${`. `Ok(None)`: there was none. `Err`: the name of a missing one.
fn expand(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Expanded>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = Expanded {
        text: String::new(),
        used: BTreeMap::new(),
    };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            out.text.push_str(literal);
            out.text.push_str("${");
            rest = after;
            continue;
        }
        let (name, tail) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        let name_ok =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let value = name_ok
            .then(|| variable(name))
            .flatten()
            .ok_or_else(|| name.to_owned())?;
        out.text.push_str(before);
        out.text.push_str(&value);
        if value.len() >= 3 {
            out.used.insert(name.to_owned(), value);
        }
        rest = tail;
    }
    out.text.push_str(rest);
    Ok(Some(out))
}
