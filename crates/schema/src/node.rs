//! A schema as it is checked: nodes that name each other by number, so that
//! references may lead anywhere and nothing is dropped by recursion.

use crate::pattern::Pattern;
use crate::text::push_token;
use kafka_edge_bounded_json::{Number, Value};
use std::rc::Rc;

/// The number of a node.
pub(crate) type Id = u32;

/// One schema of the document.
#[derive(Debug)]
pub(crate) struct Node {
    /// Nothing passes: the schema `false`.
    pub(crate) never: bool,
    /// In the order in which they are checked.
    pub(crate) rules: Vec<Rule>,
    pub(crate) place: Place,
}

/// Where a schema is in the document.
#[derive(Debug)]
pub(crate) struct Place {
    /// The schema around it, or itself at the root.
    pub(crate) parent: Id,
    /// The keyword of the parent that it is under; nothing at the root.
    pub(crate) keyword: &'static str,
    pub(crate) token: Token,
    /// How many schemas are around it.
    pub(crate) depth: u16,
}

/// What stands behind the keyword on the way to a schema.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Token {
    None,
    Key(Rc<str>),
    Index(usize),
}

/// One check. What several keywords decide together is one.
#[derive(Debug)]
pub(crate) enum Rule {
    Type(Types),
    Const(Value),
    /// Sorted by the order of values.
    Enum(Vec<Value>),
    Bound(Bound, Number),
    MultipleOf(Multiple),
    Count(Count, u64),
    Pattern(Pattern, Rc<str>),
    Required(Vec<Rc<str>>),
    DependentRequired(Vec<(Rc<str>, Vec<Rc<str>>)>),
    UniqueItems,
    PropertyNames(Id),
    Members(Box<Members>),
    PrefixItems(Vec<Id>),
    /// From which item on.
    Items(usize, Id),
    Contains {
        schema: Id,
        least: u64,
        most: Option<u64>,
    },
    Ref(Id),
    AllOf(Vec<Id>),
    AnyOf(Vec<Id>),
    OneOf(Vec<Id>),
    Not(Id),
    If {
        condition: Id,
        then: Option<Id>,
        otherwise: Option<Id>,
    },
    DependentSchemas(Vec<(Rc<str>, Id)>),
}

/// `properties`, `patternProperties` and `additionalProperties`.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Sorted by name, unless the other two are empty.
    pub(crate) named: Vec<(Rc<str>, Id)>,
    pub(crate) patterns: Vec<(Pattern, Id)>,
    pub(crate) others: Option<Id>,
}

/// A divisor: an integer times a power of ten.
#[derive(Debug)]
pub(crate) struct Multiple {
    pub(crate) integer: u64,
    pub(crate) power: i64,
    pub(crate) number: Number,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bound {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Count {
    MinLength,
    MaxLength,
    MinItems,
    MaxItems,
    MinProperties,
    MaxProperties,
}

impl Bound {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Bound::Minimum => "minimum",
            Bound::Maximum => "maximum",
            Bound::ExclusiveMinimum => "exclusiveMinimum",
            Bound::ExclusiveMaximum => "exclusiveMaximum",
        }
    }
}

impl Count {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Count::MinLength => "minLength",
            Count::MaxLength => "maxLength",
            Count::MinItems => "minItems",
            Count::MaxItems => "maxItems",
            Count::MinProperties => "minProperties",
            Count::MaxProperties => "maxProperties",
        }
    }
}

/// A set of types.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Types(u8);

impl Types {
    /// In the order of their bits.
    const NAMES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

    /// Adds a type; says whether there is one of this name that was not there.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        let bit = Self::NAMES.iter().position(|known| *known == name);
        let before = self.0;
        self.0 |= bit.map_or(0, |bit| 1 << bit);
        self.0 != before
    }

    pub(crate) fn has(self, name: &str) -> bool {
        Self::NAMES.iter().position(|known| *known == name).is_some_and(|b| self.0 & (1 << b) != 0)
    }

    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |name| self.has(name))
    }
}

/// Where a node is, as a JSON pointer into the document.
pub(crate) fn pointer(nodes: &[Node], id: Id) -> String {
    let mut way = Vec::new();
    let mut at = id;
    while let Some(place) = nodes.get(at as usize).map(|node| &node.place) {
        if place.keyword.is_empty() {
            break;
        }
        way.push(place);
        at = place.parent;
    }
    let mut pointer = String::new();
    for place in way.into_iter().rev() {
        push_token(&mut pointer, place.keyword);
        match &place.token {
            Token::None => {}
            Token::Key(key) => push_token(&mut pointer, key),
            Token::Index(index) => push_token(&mut pointer, &index.to_string()),
        }
    }
    pointer
}
