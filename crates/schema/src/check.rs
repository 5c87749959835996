//! Checks an event against the nodes of a schema.
//!
//! Each node and rule that is applied and each item and member that is visited is
//! a step, and each node that is applied within another is a level of depth.

mod array;
mod number;
mod object;

use crate::failure::{At, Failure, Fault, Step};
use crate::node::{Count, Id, Node, Rule, Types, pointer};
use kafka_edge_bounded_json::{Budget, Exceeded, Value, compare, equal};
use std::cmp::Ordering;

/// What telling a failure costs in steps.
const TELL: u64 = 32;

pub(crate) fn check(
    nodes: &[Node],
    event: &Value,
    budget: &mut Budget,
) -> Result<Result<(), Failure>, Exceeded> {
    let mut run = Run { nodes, budget, quiet: 0, failure: None };
    let at = At { up: None, step: Step::Root, depth: 0 };
    if run.apply(0, event, &at)? {
        return Ok(Ok(()));
    }
    match run.failure.take() {
        Some(failure) => Ok(Err(failure)),
        // Each rule that does not hold leaves one.
        None => Ok(Err(Failure::new(&at, "", String::new(), Fault::NotAllowed))),
    }
}

struct Run<'s, 'b> {
    nodes: &'s [Node],
    budget: &'b mut Budget,
    /// Within how many schemas nobody asks why one does not fit.
    quiet: u32,
    /// Why the last one did not fit.
    failure: Option<Failure>,
}

type Fits = Result<bool, Exceeded>;

impl<'s> Run<'s, '_> {
    /// Whether a value fits a schema.
    fn apply(&mut self, id: Id, value: &Value, at: &At<'_>) -> Fits {
        self.budget.enter()?;
        let fits = self.apply_here(id, value, at);
        self.budget.leave();
        fits
    }

    fn apply_here(&mut self, mut id: Id, value: &Value, at: &At<'_>) -> Fits {
        let nodes = self.nodes;
        // Numbers of nodes are only made together with the node.
        let mut node = &nodes[id as usize];
        self.budget.step()?;
        // What is nothing but a reference costs no level.
        while let [Rule::Ref(target)] = node.rules[..] {
            self.budget.step()?;
            id = target;
            node = &nodes[id as usize];
        }
        if node.never {
            let keyword = node.place.keyword;
            return self.fail(id, keyword, at, Fault::NotAllowed);
        }
        for rule in &node.rules {
            self.budget.step()?;
            if !self.rule(id, rule, value, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Without telling why it does not fit.
    fn try_quietly(&mut self, id: Id, value: &Value, at: &At<'_>) -> Fits {
        self.quiet += 1;
        let fits = self.apply(id, value, at);
        self.quiet -= 1;
        fits
    }

    #[inline(never)]
    fn fail(&mut self, id: Id, keyword: &'static str, at: &At<'_>, fault: Fault<'_>) -> Fits {
        if self.quiet == 0 {
            self.budget.spend_steps(TELL)?;
            let schema_path = pointer(self.nodes, id);
            self.failure = Some(Failure::new(at, keyword, schema_path, fault));
        }
        Ok(false)
    }

    /// Passes if this holds, and tells the fault otherwise.
    fn holds(
        &mut self,
        holds: bool,
        id: Id,
        keyword: &'static str,
        at: &At<'_>,
        fault: Fault<'_>,
    ) -> Fits {
        if holds { Ok(true) } else { self.fail(id, keyword, at, fault) }
    }

    fn rule(&mut self, id: Id, rule: &'s Rule, value: &Value, at: &At<'_>) -> Fits {
        match (rule, value) {
            (Rule::Ref(target), _) => self.apply(*target, value, at),
            (Rule::AllOf(ids), _) => self.all_of(ids, value, at),
            (Rule::AnyOf(ids), _) => self.any_of(id, ids, value, at),
            (Rule::OneOf(ids), _) => self.one_of(id, ids, value, at),
            (Rule::Not(excluded), _) => {
                let fits = self.try_quietly(*excluded, value, at)?;
                self.holds(!fits, id, "not", at, Fault::Not)
            }
            (Rule::If { condition, then, otherwise }, _) => {
                let next = if self.try_quietly(*condition, value, at)? { then } else { otherwise };
                next.map_or(Ok(true), |next| self.apply(next, value, at))
            }
            (Rule::Members(members), Value::Object(object)) => self.members(members, object, at),
            (Rule::PropertyNames(names), Value::Object(object)) => {
                self.property_names(*names, object, at)
            }
            (Rule::DependentSchemas(dependent), Value::Object(object)) => {
                self.dependent_schemas(dependent, object, value, at)
            }
            (Rule::PrefixItems(ids), Value::Array(array)) => self.prefix_items(ids, array, at),
            (Rule::Items(from, each), Value::Array(array)) => self.items(*from, *each, array, at),
            (Rule::Contains { schema, least, most }, Value::Array(array)) => {
                self.contains(id, *schema, (*least, *most), array, at)
            }
            _ => self.plain(id, rule, value, at),
        }
    }

    /// The rules that apply no other schema.
    #[inline(never)]
    fn plain(&mut self, id: Id, rule: &'s Rule, value: &Value, at: &At<'_>) -> Fits {
        match (rule, value) {
            (Rule::Type(types), _) => {
                let fits = self.is_of(*types, value)?;
                self.holds(fits, id, "type", at, Fault::Type(*types))
            }
            (Rule::Const(wanted), _) => {
                let fits = equal(wanted, value, self.budget)?;
                self.holds(fits, id, "const", at, Fault::Const)
            }
            (Rule::Enum(choices), _) => {
                let fits = self.is_among(choices, value)?;
                self.holds(fits, id, "enum", at, Fault::Enum)
            }
            (Rule::Bound(bound, limit), Value::Number(number)) => {
                self.bound(id, *bound, limit, number, at)
            }
            (Rule::MultipleOf(divisor), Value::Number(number)) => {
                let fits = self.is_multiple(divisor, number)?;
                self.holds(fits, id, "multipleOf", at, Fault::MultipleOf(&divisor.number))
            }
            (Rule::Count(count, limit), _) => self.count(id, *count, *limit, value, at),
            (Rule::Pattern(pattern, shown), Value::String(text)) => {
                let fits = pattern.matches(text, self.budget)?;
                self.holds(fits, id, "pattern", at, Fault::Pattern(shown))
            }
            (Rule::Required(keys), Value::Object(object)) => self.required(id, keys, object, at),
            (Rule::DependentRequired(dependent), Value::Object(object)) => {
                self.dependent_required(id, dependent, object, at)
            }
            (Rule::UniqueItems, Value::Array(array)) => self.unique_items(id, array, at),
            // The rule is about values of another type.
            _ => Ok(true),
        }
    }

    fn is_of(&mut self, types: Types, value: &Value) -> Fits {
        if types.has(value.type_name()) {
            return Ok(true);
        }
        match value {
            Value::Number(number) if types.has("integer") => {
                self.budget.spend_steps(number.text_len() as u64 / 16)?;
                Ok(number.is_integer())
            }
            _ => Ok(false),
        }
    }

    /// Looks for a value among sorted ones, halving what is left.
    fn is_among(&mut self, mut choices: &[Value], value: &Value) -> Fits {
        loop {
            let (before, after) = choices.split_at(choices.len() / 2);
            let [middle, after @ ..] = after else { return Ok(false) };
            choices = match compare(value, middle, self.budget)? {
                Ordering::Equal => return Ok(true),
                Ordering::Less => before,
                Ordering::Greater => after,
            };
        }
    }

    fn count(&mut self, id: Id, count: Count, limit: u64, value: &Value, at: &At<'_>) -> Fits {
        let found = match (count, value) {
            (Count::MinLength | Count::MaxLength, Value::String(text)) => {
                self.budget.spend_steps(text.len() as u64 / 64)?;
                text.chars().count()
            }
            (Count::MinItems | Count::MaxItems, Value::Array(array)) => array.len(),
            (Count::MinProperties | Count::MaxProperties, Value::Object(object)) => object.len(),
            _ => return Ok(true),
        };
        let fits = match count {
            Count::MinLength | Count::MinItems | Count::MinProperties => found as u64 >= limit,
            Count::MaxLength | Count::MaxItems | Count::MaxProperties => found as u64 <= limit,
        };
        self.holds(fits, id, count.keyword(), at, Fault::Count(count, limit))
    }

    fn all_of(&mut self, ids: &[Id], value: &Value, at: &At<'_>) -> Fits {
        for &id in ids {
            if !self.apply(id, value, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn any_of(&mut self, id: Id, ids: &[Id], value: &Value, at: &At<'_>) -> Fits {
        let mut nearest = None;
        for &alternative in ids {
            if self.apply(alternative, value, at)? {
                return Ok(true);
            }
            self.keep_deeper(&mut nearest, at);
        }
        self.none_of(nearest, id, "anyOf", at)
    }

    fn one_of(&mut self, id: Id, ids: &[Id], value: &Value, at: &At<'_>) -> Fits {
        let mut nearest = None;
        let mut fits = false;
        for &alternative in ids {
            if !self.apply(alternative, value, at)? {
                self.keep_deeper(&mut nearest, at);
            } else if fits {
                return self.fail(id, "oneOf", at, Fault::SeveralOf);
            } else {
                fits = true;
            }
        }
        if fits { Ok(true) } else { self.none_of(nearest, id, "oneOf", at) }
    }

    /// Keeps the failure of an alternative if it is deeper in the event than the
    /// value itself and than the one that is kept: the alternative that was meant
    /// is likely the one that went farthest.
    fn keep_deeper(&mut self, nearest: &mut Option<Failure>, at: &At<'_>) {
        let depth = nearest.as_ref().map_or(at.depth, |nearest| nearest.depth);
        if let Some(failure) = self.failure.take().filter(|failure| failure.depth > depth) {
            *nearest = Some(failure);
        }
    }

    fn none_of(
        &mut self,
        nearest: Option<Failure>,
        id: Id,
        keyword: &'static str,
        at: &At<'_>,
    ) -> Fits {
        if nearest.is_some() {
            self.failure = nearest;
            return Ok(false);
        }
        self.fail(id, keyword, at, Fault::NoneOf(keyword))
    }
}
