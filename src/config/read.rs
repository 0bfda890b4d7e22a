//! From the tree into the types of the schema, past every mistake.
//!
//! serde stops at the first mistake. So each one is reported at its node, the node is dropped from the
//! tree, and the reading starts again, within a bound on the work done.

use super::problems::Problems;
use super::report::{did_you_mean, shortened};
use super::source::{Kind, NodeId, Scalar, Tree};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer as _, Unexpected, Visitor,
};
use std::cell::Cell;
use std::fmt;

/// Nodes looked at before the search for further mistakes ends.
const MOST_WORK: u64 = 2_000_000;

/// Reads one part of the tree; what is wrong in it is reported and left out.
pub(crate) struct Reading<'t> {
    pub(crate) tree: &'t mut Tree,
    pub(crate) problems: &'t mut Problems,
    work: u64,
}

impl<'t> Reading<'t> {
    pub(crate) const fn new(tree: &'t mut Tree, problems: &'t mut Problems) -> Self {
        Self {
            tree,
            problems,
            work: 0,
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&mut self, id: NodeId) -> Option<T> {
        loop {
            if self.tree.node(id).is_none_or(|n| n.dropped) {
                return None;
            }
            let work = Cell::new(0);
            let outcome = T::deserialize(Reader {
                tree: self.tree,
                id,
                work: &work,
            });
            self.work += work.get();
            let failure = match outcome {
                Ok(value) => return Some(value),
                Err(failure) => failure,
            };
            self.report(id, failure);
            if self.problems.is_full() || self.work > MOST_WORK {
                self.problems.leave_rest_out();
                return None;
            }
        }
    }

    fn report(&mut self, whole: NodeId, failure: Failure) {
        let (place, drop) = match failure.spot {
            Some(Spot::Key(map, at)) => {
                let value = match self.tree.node(map).map(|n| &n.kind) {
                    Some(Kind::Map(entries)) => entries.get(at).map(|e| e.value),
                    _ => None,
                };
                if let Some(meant) = failure.meant {
                    self.tree.misspelt.insert((map, meant));
                }
                (self.tree.key_place(map, at), value.unwrap_or(map))
            }
            Some(Spot::Node(id)) => (self.tree.place(id), id),
            None => (self.tree.place(whole), whole),
        };
        self.problems.error(place, failure.message, failure.help);
        self.tree.drop_node(drop);
    }
}

#[derive(Clone, Copy, Debug)]
enum Spot {
    Node(NodeId),
    /// The key of a section's entry.
    Key(NodeId, usize),
}

/// One mistake.
#[derive(Debug)]
pub(crate) struct Failure {
    spot: Option<Spot>,
    message: String,
    help: String,
    /// The known key that was probably meant.
    meant: Option<&'static str>,
}

impl Failure {
    fn new(message: String, help: impl Into<String>) -> Self {
        Self {
            spot: None,
            message,
            help: help.into(),
            meant: None,
        }
    }

    fn at(mut self, spot: Spot) -> Self {
        self.spot.get_or_insert(spot);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    /// A second line is the help.
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        match text.split_once('\n') {
            Some((message, help)) => Self::new(message.to_owned(), help),
            None => Self::new(text, ""),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(
            format!("expected {expected}, found {}", unexpected(found)),
            "",
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(n) => Self::new(format!("{n} is too large"), ""),
            Unexpected::Signed(n) => {
                Self::new(format!("{n} is too small"), "write a number from 0 up")
            }
            other => Self::invalid_type(other, expected),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{}`", shortened(field, 60));
        let meant = did_you_mean(field, expected);
        let help = match meant {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("known here: {}", expected.join(", ")),
        };
        Self {
            meant,
            ..Self::new(message, help)
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("`{}` is not known here", shortened(variant, 60));
        let values = expected.join(", ");
        let help = match did_you_mean(variant, expected) {
            Some(known) => format!("did you mean `{known}`? Write one of: {values}"),
            None => format!("write one of: {values}"),
        };
        Self::new(message, help)
    }
}

fn unexpected(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(s) => format!("`{}`", shortened(s, 60)),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "keys with values".into(),
        Unexpected::Bool(b) => format!("`{b}`"),
        Unexpected::Unsigned(n) => format!("`{n}`"),
        Unexpected::Signed(n) => format!("`{n}`"),
        other => other.to_string(),
    }
}

/// serde's view of a node.
struct Reader<'t> {
    tree: &'t Tree,
    id: NodeId,
    work: &'t Cell<u64>,
}

impl<'t> Reader<'t> {
    fn kind(&self) -> Result<&'t Kind, Failure> {
        self.work.set(self.work.get() + 1);
        let lost = || Failure::new("cannot be read".into(), "");
        self.tree.node(self.id).map(|n| &n.kind).ok_or_else(lost)
    }

    const fn child(&self, id: NodeId) -> Self {
        Self {
            tree: self.tree,
            id,
            work: self.work,
        }
    }

    fn visit<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Failure> {
        match self.kind()? {
            Kind::Scalar(s) => visitor.visit_str(&s.text),
            Kind::List(items) => visitor.visit_seq(Items {
                reader: self,
                items: items.iter(),
            }),
            Kind::Map(entries) => {
                let map = Entries {
                    reader: self,
                    entries: entries.iter().enumerate(),
                    value: None,
                };
                visitor.visit_map(map)
            }
        }
    }

    fn scalar(&self, wanted: &str, help: &str) -> Result<&'t Scalar, Failure> {
        let found = match self.kind()? {
            Kind::Scalar(s) => return Ok(s),
            Kind::List(_) => "a list",
            Kind::Map(_) => "keys with values",
        };
        Err(Failure::new(
            format!("expected {wanted}, found {found}"),
            help,
        ))
    }

    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Failure> {
        let help = "write digits only, without quotes and units";
        let scalar = self.scalar("a whole number", help)?;
        let plain = scalar.plain || scalar.raw.is_some();
        match (
            plain,
            scalar.text.parse::<u64>(),
            scalar.text.parse::<i64>(),
        ) {
            (true, Ok(n), _) if !scalar.text.starts_with('+') => visitor.visit_u64(n),
            (true, Err(_), Ok(n)) => visitor.visit_i64(n),
            _ => {
                let found = shortened(&scalar.text, 60);
                Err(Failure::new(
                    format!("expected a whole number, found `{found}`"),
                    help,
                ))
            }
        }
    }

    fn boolean(&self) -> Result<bool, Failure> {
        let help = "write true or false, without quotes";
        let scalar = self.scalar("true or false", help)?;
        match (scalar.plain || scalar.raw.is_some(), scalar.text.as_str()) {
            (true, "true" | "True" | "TRUE") => Ok(true),
            (true, "false" | "False" | "FALSE") => Ok(false),
            _ => {
                let found = shortened(&scalar.text, 60);
                Err(Failure::new(
                    format!("expected true or false, found `{found}`"),
                    help,
                ))
            }
        }
    }

    fn of_kind<'de, V: Visitor<'de>>(&self, map: bool, visitor: V) -> Result<V::Value, Failure> {
        let (wanted, help) = if map {
            (
                "keys with values",
                "write one `key: value` a line, indented, or `{ key: value }`",
            )
        } else {
            (
                "a list",
                "write one `- value` a line, or `[ value, value ]`",
            )
        };
        let found = match (self.kind()?, map) {
            (Kind::Map(_), true) | (Kind::List(_), false) => return self.visit(visitor),
            (Kind::Scalar(s), _) => format!("`{}`", shortened(&s.text, 60)),
            (Kind::List(_), true) => "a list".to_owned(),
            (Kind::Map(_), false) => "keys with values".to_owned(),
        };
        Err(Failure::new(
            format!("expected {wanted}, found {found}"),
            help,
        ))
    }
}

macro_rules! numbers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.number(visitor).map_err(|e| e.at(Spot::Node(self.id)))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    numbers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(visitor).map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.boolean()
            .and_then(|b| visitor.visit_bool(b))
            .map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.scalar(
            "a text",
            "write it in one line, in quotes if it holds `: ` or `#`",
        )
        .and_then(|s| visitor.visit_str(&s.text))
        .map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    /// In a list a dropped entry is still counted, so that the ones after it keep their numbers.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.tree.node(self.id).is_none_or(|n| n.dropped) {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.of_kind(false, visitor)
            .map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.of_kind(true, visitor)
            .map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let help = format!("write one of: {}", variants.join(", "));
        self.scalar("one word", &help)
            .and_then(|s| {
                let word: StrDeserializer<'_, Failure> = s.text.as_str().into_deserializer();
                visitor.visit_enum(word)
            })
            .map_err(|e| e.at(Spot::Node(self.id)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.kind()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct Items<'r, 't> {
    reader: &'r Reader<'t>,
    items: std::slice::Iter<'t, NodeId>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        match self.items.next() {
            Some(id) => seed.deserialize(self.reader.child(*id)).map(Some),
            None => Ok(None),
        }
    }
}

struct Entries<'r, 't> {
    reader: &'r Reader<'t>,
    entries: std::iter::Enumerate<std::slice::Iter<'t, super::source::Entry>>,
    value: Option<NodeId>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let tree = self.reader.tree;
        let is_there = |id: NodeId| tree.node(id).is_some_and(|n| !n.dropped);
        let Some((at, entry)) = self.entries.find(|(_, e)| is_there(e.value)) else {
            return Ok(None);
        };
        self.value = Some(entry.value);
        let key: StrDeserializer<'_, Failure> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|e| e.at(Spot::Key(self.reader.id, at)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        match self.value.take() {
            Some(id) => seed.deserialize(self.reader.child(id)),
            None => Err(Failure::new("a value without a key".into(), "")),
        }
    }
}
