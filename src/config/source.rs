//! The text of a configuration as a tree that knows where each of its nodes stands.
//!
//! One parser reads the file ([`super::build`]), and everything after works on this tree, so nothing can be
//! read in two ways.

use super::problems::{Mark, Place};
use super::report::shortened;
use std::collections::HashSet;

pub(crate) type NodeId = usize;

#[derive(Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<NodeId>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Scalar {
    /// After `${NAME}` was replaced.
    pub(crate) text: String,
    /// Not quoted: may be a number, true or false.
    pub(crate) plain: bool,
    /// As written, where it had a `${NAME}` in it.
    pub(crate) raw: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: NodeId,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) kind: Kind,
    /// A mistake here is reported already: read on as if it was not there.
    pub(crate) dropped: bool,
    pub(super) parent: Option<(NodeId, Step)>,
}

/// From a node to one of its children.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Key(usize),
    Index(usize),
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Known keys that were written wrongly in a section: not to be reported as missing, too.
    pub(crate) misspelt: HashSet<(NodeId, &'static str)>,
}

impl Tree {
    pub(crate) const ROOT: NodeId = 0;

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(crate) fn drop_node(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.dropped = true;
        }
    }

    /// The keys that lead to a node.
    pub(crate) fn path(&self, id: NodeId) -> String {
        let mut parts = Vec::new();
        let mut at = self.node(id);
        while let Some((parent, step)) = at.and_then(|n| n.parent) {
            let node = self.node(parent);
            match (step, node.map(|n| &n.kind)) {
                (Step::Index(index), _) => parts.push(format!("[{index}]")),
                (Step::Key(at), Some(Kind::Map(entries))) => {
                    let key = entries.get(at).map_or("", |e| e.key.as_str());
                    parts.push(format!(".{}", shortened(key, 40)));
                }
                (Step::Key(_), _) => {}
            }
            at = node;
        }
        parts.reverse();
        parts.concat().trim_start_matches('.').to_owned()
    }

    /// The place of a node: of a scalar itself, of a list or section its key.
    pub(crate) fn place(&self, id: NodeId) -> Place {
        let Some(node) = self.node(id) else {
            return Place::default();
        };
        Place {
            path: self.path(id),
            mark: self.mark(node),
        }
    }

    fn mark(&self, node: &Node) -> Mark {
        match (&node.kind, node.parent) {
            (Kind::List(_) | Kind::Map(_), Some((parent, Step::Key(at)))) => {
                match self.node(parent).map(|n| &n.kind) {
                    Some(Kind::Map(entries)) => entries.get(at).map_or(node.mark, |e| e.mark),
                    _ => node.mark,
                }
            }
            _ => node.mark,
        }
    }

    /// The place of a key.
    pub(crate) fn key_place(&self, map: NodeId, at: usize) -> Place {
        let path = self.path(map);
        match self.node(map).map(|n| &n.kind) {
            Some(Kind::Map(entries)) => Place {
                path,
                mark: entries.get(at).map_or(Mark::default(), |e| e.mark),
            },
            _ => Place::default(),
        }
    }

    pub(crate) const fn top(&self) -> At<'_> {
        At {
            tree: self,
            node: Some(Self::ROOT),
            nearest: Self::ROOT,
            missing: String::new(),
        }
    }
}

/// A place in the tree by its keys, whether it is there or not.
#[derive(Clone)]
pub(crate) struct At<'t> {
    tree: &'t Tree,
    node: Option<NodeId>,
    /// The deepest node on the way that exists.
    nearest: NodeId,
    /// The keys below it.
    missing: String,
}

impl At<'_> {
    pub(crate) fn key(&self, key: &str) -> Self {
        let found = self.kind().and_then(|kind| match kind {
            Kind::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| e.value),
            Kind::List(_) | Kind::Scalar(_) => None,
        });
        self.step(found, || format!(".{key}"))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        let found = self.kind().and_then(|kind| match kind {
            Kind::List(items) => items.get(index).copied(),
            Kind::Map(_) | Kind::Scalar(_) => None,
        });
        self.step(found, || format!("[{index}]"))
    }

    fn step(&self, found: Option<NodeId>, name: impl FnOnce() -> String) -> Self {
        match found {
            Some(id) => Self {
                node: found,
                nearest: id,
                missing: String::new(),
                ..*self
            },
            None => Self {
                node: None,
                missing: format!("{}{}", self.missing, name()),
                ..*self
            },
        }
    }

    fn kind(&self) -> Option<&Kind> {
        self.tree.node(self.node?).map(|n| &n.kind)
    }

    pub(crate) const fn id(&self) -> Option<NodeId> {
        self.node
    }

    /// Written in the file, rightly or wrongly.
    pub(crate) const fn exists(&self) -> bool {
        self.node.is_some()
    }

    /// Nothing in the file looks like it was meant to be this.
    pub(crate) fn is_missing(&self) -> bool {
        let key = self.missing.trim_start_matches('.');
        self.node.is_none()
            && !self
                .tree
                .misspelt
                .iter()
                .any(|(map, k)| (*map, *k) == (self.nearest, key))
    }

    /// The text as written, before `${NAME}` was replaced.
    pub(crate) fn raw(&self) -> Option<&str> {
        match self.kind()? {
            Kind::Scalar(s) => Some(s.raw.as_deref().unwrap_or(&s.text)),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        match self.kind() {
            Some(Kind::Map(entries)) => entries.iter().map(|e| e.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// How many entries a list has.
    pub(crate) fn len(&self) -> usize {
        match self.kind() {
            Some(Kind::List(items)) => items.len(),
            _ => 0,
        }
    }

    /// The place of the key rather than of its value.
    pub(crate) fn key_place(&self) -> Place {
        let mut place = self.place();
        if let Some(Node {
            parent: Some((map, Step::Key(at))),
            ..
        }) = self.node.and_then(|id| self.tree.node(id))
        {
            place.mark = self.tree.key_place(*map, *at).mark;
        }
        place
    }

    pub(crate) fn place(&self) -> Place {
        let mut place = self.tree.place(self.nearest);
        place.path.push_str(&self.missing);
        place.path = place.path.trim_start_matches('.').to_owned();
        place
    }
}

impl From<&At<'_>> for Place {
    fn from(at: &At<'_>) -> Self {
        at.place()
    }
}

impl From<At<'_>> for Place {
    fn from(at: At<'_>) -> Self {
        at.place()
    }
}
