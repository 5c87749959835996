//! What `$id` and `$anchor` name, and where `$ref` leads: to a schema of the same
//! document, or nowhere.

use super::Children;
use crate::keywords::{self, Shape};
use crate::node::{Id, Node, Rule, Token, pointer};
use crate::refused::{Reason, Refused};
use kafka_edge_bounded_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// How long a URI may be.
const LONGEST_URI: usize = 1_024;

/// What the URIs of a document without `$id` are relative to.
const NAMELESS: &str = "json-schema:///";

#[derive(Debug)]
pub(super) struct References<'d> {
    /// The resource that each node belongs to: the nearest schema with an `$id`
    /// around it, or the root.
    resources: Vec<Id>,
    /// The URI of each resource.
    bases: BTreeMap<Id, Url>,
    ids: BTreeMap<String, Id>,
    anchors: BTreeMap<(Id, &'d str), Id>,
    references: Vec<Reference<'d>>,
}

#[derive(Debug)]
struct Reference<'d> {
    from: Id,
    /// Which rule of the node it is.
    rule: usize,
    to: &'d str,
}

impl<'d> References<'d> {
    pub(super) fn new() -> References<'d> {
        let mut bases = BTreeMap::new();
        if let Ok(base) = Url::parse(NAMELESS) {
            bases.insert(0, base);
        }
        References {
            resources: Vec::new(),
            bases,
            ids: BTreeMap::new(),
            anchors: BTreeMap::new(),
            references: Vec::new(),
        }
    }

    /// Notes which resource a schema belongs to. Schemas come in the order of
    /// their numbers, and so after the ones around them.
    pub(super) fn scope(&mut self, id: Id, parent: Id, name: Option<&Value>) -> Result<(), Reason> {
        let outer = self.resources.get(parent as usize).copied().unwrap_or(0);
        let Some(name) = name else {
            self.resources.push(outer);
            return Ok(());
        };
        let wrong = Reason::Malformed("a URI without a fragment");
        let name = uri(name)?;
        let mut url = resolve(self.bases.get(&outer), name).ok_or(wrong.clone())?;
        if url.fragment().is_some_and(|fragment| !fragment.is_empty()) {
            return Err(wrong);
        }
        url.set_fragment(None);
        if self.ids.insert(url.as_str().into(), id).is_some() {
            return Err(Reason::Twice);
        }
        self.bases.insert(id, url);
        self.resources.push(id);
        Ok(())
    }

    fn resource(&self, id: Id) -> Id {
        self.resources.get(id as usize).copied().unwrap_or(0)
    }

    pub(super) fn anchor(&mut self, id: Id, name: &'d Value) -> Result<(), Reason> {
        let wrong = Reason::Malformed("a name of letters, digits, '-', '.' and '_'");
        let name = name.as_str().filter(|name| {
            let mut bytes = name.bytes();
            bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        });
        let name = name.ok_or(wrong)?;
        match self.anchors.insert((self.resource(id), name), id) {
            Some(_) => Err(Reason::Twice),
            None => Ok(()),
        }
    }

    /// Notes a `$ref`, to be resolved once all is read.
    pub(super) fn reference(&mut self, from: Id, to: &'d Value) -> Result<(), Reason> {
        let to = uri(to)?;
        self.references.push(Reference { from, rule: 0, to });
        Ok(())
    }

    /// Says which rule of its node the last `$ref` became.
    pub(super) fn placed(&mut self, rule: usize) {
        if let Some(last) = self.references.last_mut() {
            last.rule = rule;
        }
    }

    /// Writes into each rule where it leads.
    pub(super) fn resolve(self, nodes: &mut [Node], children: &Children) -> Result<(), Refused> {
        for reference in &self.references {
            let to = self
                .target(reference, children)
                .map_err(|reason| Refused::new(&pointer(nodes, reference.from), "$ref", reason))?;
            let node = nodes.get_mut(reference.from as usize);
            if let Some(rule) = node.and_then(|node| node.rules.get_mut(reference.rule)) {
                *rule = Rule::Ref(to);
            }
        }
        Ok(())
    }

    fn target(&self, reference: &Reference<'_>, children: &Children) -> Result<Id, Reason> {
        let own = self.resource(reference.from);
        let (uri, fragment) = reference.to.split_once('#').unwrap_or((reference.to, ""));
        let resource = if uri.is_empty() {
            own
        } else {
            let url = resolve(self.bases.get(&own), uri).ok_or(Reason::Remote)?;
            let root = self.bases.get(&0).filter(|root| **root == url).map(|_| 0);
            self.ids.get(url.as_str()).copied().or(root).ok_or(Reason::Remote)?
        };
        let fragment = decoded(fragment).ok_or(Reason::NoSchema)?;
        match fragment.strip_prefix('/') {
            None if fragment.is_empty() => Ok(resource),
            None => {
                let named = self.anchors.get(&(resource, fragment.as_str()));
                named.copied().ok_or(Reason::NoSchema)
            }
            Some(way) => follow(resource, way, children).ok_or(Reason::NoSchema),
        }
    }
}

fn uri(value: &Value) -> Result<&str, Reason> {
    let uri = value.as_str().ok_or(Reason::Malformed("a string"))?;
    if uri.len() > LONGEST_URI { Err(Reason::TooLong(LONGEST_URI)) } else { Ok(uri) }
}

fn resolve(base: Option<&Url>, uri: &str) -> Option<Url> {
    Url::options().base_url(base).parse(uri).ok()
}

/// Without percent-encoding.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Follows a JSON pointer from schema to schema.
fn follow(from: Id, way: &str, children: &Children) -> Option<Id> {
    let mut tokens = way.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
    let mut at = from;
    while let Some(name) = tokens.next() {
        let (keyword, _, shape) = keywords::taken(&name)?;
        let token = match shape {
            Shape::Plain => return None,
            Shape::One => Token::None,
            Shape::Map => Token::Key(tokens.next()?.into()),
            Shape::List => {
                let index = tokens.next()?;
                let number: usize = index.parse().ok()?;
                // RFC 6901 has one way to write an index.
                if index != number.to_string() {
                    return None;
                }
                Token::Index(number)
            }
        };
        at = *children.get(&(at, keyword, token))?;
    }
    Some(at)
}
