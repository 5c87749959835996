//! What `$id` and `$anchor` name, and where `$ref` leads: to a schema of the same
//! document, or nowhere.

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
    /// Where a schema below a schema is: below which, under which keyword, and
    /// what stands behind the keyword. What `$id` names is as if it were below the
    /// root, and what `$anchor` names below its resource. That is three maps in
    /// one, because each type of map is 4 KiB of the component.
    places: BTreeMap<(Id, &'static str, Token), Id>,
    /// The schemas with an `$id`, and first the root.
    resources: Vec<Resource>,
    /// Which of these each schema belongs to: the nearest one around it.
    belongs: Vec<usize>,
    references: Vec<Reference<'d>>,
}

#[derive(Debug)]
struct Resource {
    root: Id,
    /// What the URIs in it are relative to.
    base: Option<Url>,
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
        References {
            places: BTreeMap::new(),
            resources: vec![Resource { root: 0, base: resolve(None, NAMELESS) }],
            belongs: Vec::new(),
            references: Vec::new(),
        }
    }

    /// Notes where a schema is, or what names it. Says whether that is new.
    #[inline(never)]
    pub(super) fn place(&mut self, at: Id, keyword: &'static str, token: Token, id: Id) -> bool {
        self.places.insert((at, keyword, token), id).is_none()
    }

    #[inline(never)]
    fn find(&self, at: Id, keyword: &'static str, token: Token) -> Option<Id> {
        self.places.get(&(at, keyword, token)).copied()
    }

    /// Notes which resource a schema belongs to. Schemas come in the order of
    /// their numbers, and so after the ones around them.
    #[inline(never)]
    pub(super) fn scope(&mut self, id: Id, parent: Id, name: Option<&Value>) -> Result<(), Reason> {
        let mut belongs = self.belongs.get(parent as usize).copied().unwrap_or(0);
        if let Some(name) = name {
            let wrong = Reason::Malformed("a URI without a fragment");
            let base = self.resources[belongs].base.as_ref();
            let mut url = resolve(base, uri(name)?).ok_or(wrong.clone())?;
            if url.fragment().is_some_and(|fragment| !fragment.is_empty()) {
                return Err(wrong);
            }
            url.set_fragment(None);
            if !self.place(0, "$id", Token::Key(url.as_str().into()), id) {
                return Err(Reason::Twice);
            }
            belongs = self.resources.len();
            self.resources.push(Resource { root: id, base: Some(url) });
        }
        self.belongs.push(belongs);
        Ok(())
    }

    fn resource(&self, id: Id) -> &Resource {
        let belongs = self.belongs.get(id as usize).copied().unwrap_or(0);
        &self.resources[belongs]
    }

    #[inline(never)]
    pub(super) fn anchor(&mut self, id: Id, name: &Value) -> Result<(), Reason> {
        let wrong = Reason::Malformed("a name of letters, digits, '-', '.' and '_'");
        let name = name.as_str().filter(|name| {
            let mut bytes = name.bytes();
            bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        });
        let token = Token::Key(name.ok_or(wrong)?.into());
        let root = self.resource(id).root;
        if self.place(root, "$anchor", token, id) { Ok(()) } else { Err(Reason::Twice) }
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
    #[inline(never)]
    pub(super) fn resolve(self, nodes: &mut [Node]) -> Result<(), Refused> {
        for reference in &self.references {
            let to = self
                .target(reference)
                .map_err(|reason| Refused::new(&pointer(nodes, reference.from), "$ref", reason))?;
            let node = nodes.get_mut(reference.from as usize);
            if let Some(rule) = node.and_then(|node| node.rules.get_mut(reference.rule)) {
                *rule = Rule::Ref(to);
            }
        }
        Ok(())
    }

    fn target(&self, reference: &Reference<'_>) -> Result<Id, Reason> {
        let own = self.resource(reference.from);
        let (uri, fragment) = reference.to.split_once('#').unwrap_or((reference.to, ""));
        let root = if uri.is_empty() {
            own.root
        } else {
            let url = resolve(own.base.as_ref(), uri).ok_or(Reason::Remote)?;
            let named = self.find(0, "$id", Token::Key(url.as_str().into()));
            named.ok_or(Reason::Remote)?
        };
        let fragment = decoded(fragment).ok_or(Reason::NoSchema)?;
        let found = match fragment.strip_prefix('/') {
            None if fragment.is_empty() => Some(root),
            None => self.find(root, "$anchor", Token::Key(fragment.into())),
            Some(way) => self.follow(root, way),
        };
        found.ok_or(Reason::NoSchema)
    }

    /// Follows a JSON pointer from schema to schema.
    fn follow(&self, from: Id, way: &str) -> Option<Id> {
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
            at = self.find(at, keyword, token)?;
        }
        Some(at)
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
