//! Reads a schema into nodes. A queue of schemas that are still to be read stands
//! in the place of recursion.

mod assertions;
mod endless;
mod parts;
mod references;

use crate::keywords::{self, Keyword, Shape};
use crate::node::{Id, Node, Place, Rule, Token, pointer};
use crate::pattern::Pattern;
use crate::refused::{Reason, Refused};
use kafka_edge_bounded_json::{Budget, Object, Value};
use parts::Parts;
use references::References;
use std::rc::Rc;

/// How many schemas a document may hold, itself included.
pub const MOST_SCHEMAS: usize = 4_096;

/// How deep schemas may lie in each other.
pub const DEEPEST_NESTING: u16 = 64;

/// How many states all patterns of a document may come to.
pub const MOST_STATES: u32 = 20_000;

/// What `$schema` may say.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(crate) fn compile(document: &Value) -> Result<Vec<Node>, Refused> {
    let mut compiler = Compiler {
        nodes: Vec::new(),
        documents: Vec::new(),
        references: References::new(),
        states: 0,
        budget: Budget::default(),
    };
    compiler.push(0, "", Token::None, 0, document)?;
    let mut next = 0;
    while let Some(&document) = compiler.documents.get(next) {
        compiler.read(next as Id, document)?;
        next += 1;
    }
    let Compiler { mut nodes, references, .. } = compiler;
    references.resolve(&mut nodes)?;
    endless::refuse(&nodes)?;
    Ok(nodes)
}

struct Compiler<'d> {
    nodes: Vec<Node>,
    /// The part of the document that each node is made of.
    documents: Vec<&'d Value>,
    references: References<'d>,
    states: u64,
    /// For comparing the values of the document with each other.
    budget: Budget,
}

impl<'d> Compiler<'d> {
    #[cold]
    #[inline(never)]
    fn refused(&self, id: Id, keyword: &str, reason: Reason) -> Refused {
        Refused::new(&pointer(&self.nodes, id), keyword, reason)
    }

    /// Adds a schema to the queue.
    fn push(
        &mut self,
        parent: Id,
        keyword: &'static str,
        token: Token,
        depth: u16,
        document: &'d Value,
    ) -> Result<Id, Refused> {
        if self.nodes.len() == MOST_SCHEMAS {
            return Err(Refused::new("", "", Reason::TooMany(MOST_SCHEMAS)));
        }
        let id = self.nodes.len() as Id;
        let place = Place { parent, keyword, token, depth };
        self.nodes.push(Node { never: false, rules: Vec::new(), place });
        self.documents.push(document);
        Ok(id)
    }

    /// Reads one schema; those below it are put into the queue.
    fn read(&mut self, id: Id, document: &'d Value) -> Result<(), Refused> {
        match document {
            Value::Bool(passes) => {
                self.references
                    .scope(id, self.parent(id), None)
                    .map_err(|reason| self.refused(id, "$id", reason))?;
                self.nodes[id as usize].never = !passes;
                Ok(())
            }
            Value::Object(object) => self.read_object(id, object),
            _ => Err(self.refused(id, "", Reason::Malformed("an object or a boolean"))),
        }
    }

    fn parent(&self, id: Id) -> Id {
        self.nodes[id as usize].place.parent
    }

    fn read_object(&mut self, id: Id, object: &'d Object) -> Result<(), Refused> {
        // What `$id` says holds for the other keywords, wherever it stands.
        self.references
            .scope(id, self.parent(id), object.get("$id"))
            .map_err(|reason| self.refused(id, "$id", reason))?;
        // Only then are members looked for among those with a name.
        let searched = ["patternProperties", "additionalProperties"]
            .iter()
            .any(|keyword| object.contains_key(keyword));
        let mut parts = Parts::default();
        for (name, value) in object.iter() {
            let Some((keyword, kind, shape)) = keywords::taken(name) else {
                return Err(self.refused(id, name, keywords::why_refused(name)));
            };
            let searched = kind == Keyword::Properties && searched;
            let below = self.below(id, keyword, (shape, searched), value)?;
            self.keyword(id, (keyword, kind), value, &below, &mut parts)?;
        }
        let rules = in_order(parts.into_rules());
        let reference = rules.iter().position(|rule| matches!(rule, Rule::Ref(_)));
        self.nodes[id as usize].rules = rules;
        if let Some(rule) = reference {
            self.references.placed(rule);
        }
        Ok(())
    }

    /// Queues the schemas that lie in the value of a keyword, in its order or in
    /// that of their keys.
    #[inline(never)]
    fn below(
        &mut self,
        id: Id,
        keyword: &'static str,
        (shape, searched): (Shape, bool),
        value: &'d Value,
    ) -> Result<Vec<(Token, Id)>, Refused> {
        let mut found: Vec<(Token, &'d Value)> = Vec::new();
        match (shape, value) {
            (Shape::Plain, _) => {}
            (Shape::One, Value::Array(_)) if keyword == "items" => {
                return Err(self.refused(id, keyword, Reason::ItemsList));
            }
            (Shape::One, value) => found.push((Token::None, value)),
            (Shape::List, Value::Array(array)) if !array.is_empty() => {
                found.extend(array.iter().enumerate().map(|(n, item)| (Token::Index(n), item)));
            }
            (Shape::List, _) => {
                let reason = Reason::Malformed("a non-empty array of schemas");
                return Err(self.refused(id, keyword, reason));
            }
            (Shape::Map, Value::Object(map)) if searched => {
                for key in map.sorted_keys() {
                    if let Some(value) = map.get(&key) {
                        found.push((Token::Key(key), value));
                    }
                }
            }
            (Shape::Map, Value::Object(map)) => {
                found.extend(map.iter().map(|(key, value)| (Token::Key(key.clone()), value)));
            }
            (Shape::Map, _) => {
                return Err(self.refused(id, keyword, Reason::Malformed("an object of schemas")));
            }
        }
        let depth = self.nodes[id as usize].place.depth + 1;
        if depth > DEEPEST_NESTING && !found.is_empty() {
            return Err(self.refused(id, keyword, Reason::TooDeep(DEEPEST_NESTING)));
        }
        let mut below = Vec::with_capacity(found.len());
        for (token, value) in found {
            let child = self.push(id, keyword, token.clone(), depth, value)?;
            self.references.place(id, keyword, token.clone(), child);
            below.push((token, child));
        }
        Ok(below)
    }

    fn pattern(&mut self, id: Id, keyword: &str, text: &str) -> Result<Pattern, Refused> {
        let pattern = Pattern::new(text).map_err(|why| self.refused(id, keyword, why.into()))?;
        self.states += pattern.states();
        if self.states > u64::from(MOST_STATES) {
            return Err(self.refused(id, keyword, Reason::TooManyStates(MOST_STATES)));
        }
        Ok(pattern)
    }
}

/// The rules by their rank; those of one rank keep the order of the document.
/// There are few, and a sort of the standard library would be 5 KiB.
fn in_order(rules: Vec<Rule>) -> Vec<Rule> {
    let mut ordered: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        let rank_of_rule = rank(&rule);
        let place = ordered.partition_point(|other| rank(other) <= rank_of_rule);
        ordered.insert(place, rule);
    }
    ordered
}

/// The keys of what was queued from a map.
#[inline(never)]
fn keyed(below: &[(Token, Id)]) -> Vec<(Rc<str>, Id)> {
    let mut keyed = Vec::with_capacity(below.len());
    for (token, id) in below {
        if let Token::Key(key) = token {
            keyed.push((key.clone(), *id));
        }
    }
    keyed
}

/// What is cheap and says most comes first.
fn rank(rule: &Rule) -> u8 {
    match rule {
        Rule::Type(_) => 0,
        Rule::Const(_) | Rule::Enum(_) => 1,
        Rule::Bound(..) | Rule::MultipleOf(_) | Rule::Count(..) => 2,
        Rule::Required(_) | Rule::DependentRequired(_) => 3,
        Rule::Pattern(..) | Rule::PropertyNames(_) => 4,
        Rule::Members(_) | Rule::PrefixItems(_) | Rule::Items(..) => 5,
        Rule::Contains { .. } | Rule::UniqueItems => 6,
        Rule::Ref(_) | Rule::AllOf(_) => 7,
        Rule::AnyOf(_) | Rule::OneOf(_) | Rule::Not(_) => 8,
        Rule::If { .. } | Rule::DependentSchemas(_) => 9,
    }
}
