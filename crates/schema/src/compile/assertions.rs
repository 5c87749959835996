//! One keyword and its value.

use super::parts::Parts;
use super::{Compiler, DRAFT, keyed};
use crate::keywords::Keyword;
use crate::node::{Bound, Count, Id, Multiple, Rule, Token, Types};
use crate::refused::{Reason, Refused};
use crate::sorted::sorted;
use kafka_edge_bounded_json::{Number, Value};
use std::rc::Rc;

impl<'d> Compiler<'d> {
    /// Reads a keyword. What lies below it is in the queue already.
    #[inline(never)]
    pub(super) fn keyword(
        &mut self,
        id: Id,
        (keyword, kind): (&'static str, Keyword),
        value: &'d Value,
        below: &[(Token, Id)],
        parts: &mut Parts,
    ) -> Result<(), Refused> {
        let one = below.first().map(|&(_, child)| child);
        let rule = match kind {
            Keyword::Type => types(value).map(Some),
            Keyword::Const => Ok(Some(Rule::Const(value.clone()))),
            Keyword::Enum => self.choices(value).map(Some),
            Keyword::Minimum => bound(value, Bound::Minimum),
            Keyword::Maximum => bound(value, Bound::Maximum),
            Keyword::ExclusiveMinimum => bound(value, Bound::ExclusiveMinimum),
            Keyword::ExclusiveMaximum => bound(value, Bound::ExclusiveMaximum),
            Keyword::MultipleOf => multiple(value),
            Keyword::MinLength => size(value, Count::MinLength),
            Keyword::MaxLength => size(value, Count::MaxLength),
            Keyword::MinItems => size(value, Count::MinItems),
            Keyword::MaxItems => size(value, Count::MaxItems),
            Keyword::MinProperties => size(value, Count::MinProperties),
            Keyword::MaxProperties => size(value, Count::MaxProperties),
            Keyword::Required => strings(value).map(|keys| Some(Rule::Required(keys))),
            Keyword::DependentRequired => dependent_required(value),
            Keyword::UniqueItems => match value {
                Value::Bool(true) => Ok(Some(Rule::UniqueItems)),
                Value::Bool(false) => Ok(None),
                _ => Err(Reason::Malformed("a boolean")),
            },
            Keyword::Pattern => match value {
                Value::String(text) => {
                    let pattern = self.pattern(id, keyword, text)?;
                    Ok(Some(Rule::Pattern(pattern, text.clone())))
                }
                _ => Err(Reason::Malformed("a string")),
            },
            Keyword::PatternProperties => {
                for (text, child) in keyed(below) {
                    let pattern = self.pattern(id, keyword, &text)?;
                    parts.members.patterns.push((pattern, child));
                }
                return Ok(());
            }
            Keyword::Properties => {
                parts.members.named = keyed(below);
                return Ok(());
            }
            Keyword::AdditionalProperties => {
                parts.members.others = one;
                return Ok(());
            }
            Keyword::PropertyNames => Ok(one.map(Rule::PropertyNames)),
            Keyword::DependentSchemas => Ok(Some(Rule::DependentSchemas(keyed(below)))),
            Keyword::PrefixItems => {
                parts.prefix_items = listed(below);
                return Ok(());
            }
            Keyword::Items => {
                parts.items = one;
                return Ok(());
            }
            Keyword::Contains => {
                parts.contains = one;
                return Ok(());
            }
            Keyword::MinContains => count(value).map(|count| {
                parts.min_contains = Some(count);
                None
            }),
            Keyword::MaxContains => count(value).map(|count| {
                parts.max_contains = Some(count);
                None
            }),
            Keyword::AllOf => Ok(Some(Rule::AllOf(listed(below)))),
            Keyword::AnyOf => Ok(Some(Rule::AnyOf(listed(below)))),
            Keyword::OneOf => Ok(Some(Rule::OneOf(listed(below)))),
            Keyword::Not => Ok(one.map(Rule::Not)),
            Keyword::If => {
                parts.condition = one;
                return Ok(());
            }
            Keyword::Then => {
                parts.then = one;
                return Ok(());
            }
            Keyword::Else => {
                parts.otherwise = one;
                return Ok(());
            }
            Keyword::Ref => self.references.reference(id, value).map(|()| Some(Rule::Ref(id))),
            Keyword::Anchor => self.references.anchor(id, value).map(|()| None),
            Keyword::Schema => match value.as_str() {
                Some(draft) if draft.strip_suffix('#').unwrap_or(draft) == DRAFT => Ok(None),
                _ => Err(Reason::Draft),
            },
            // `$id` has been read, and `$defs` is in the queue.
            Keyword::Id | Keyword::Defs | Keyword::Annotation => Ok(None),
        };
        if let Some(rule) = rule.map_err(|reason| self.refused(id, keyword, reason))? {
            parts.rules.push(rule);
        }
        Ok(())
    }

    /// The values of an `enum`, sorted, so that one is found without comparing it
    /// with all.
    #[inline(never)]
    fn choices(&mut self, value: &Value) -> Result<Rule, Reason> {
        let values = value.as_array().ok_or(Reason::Malformed("an array"))?;
        let sorted =
            sorted(values.iter().collect(), &mut self.budget).map_err(|_| Reason::TooLarge)?;
        Ok(Rule::Enum(sorted.values.into_iter().cloned().collect()))
    }
}

/// The numbers of what was queued from a list.
#[inline(never)]
fn listed(below: &[(Token, Id)]) -> Vec<Id> {
    below.iter().map(|&(_, child)| child).collect()
}

#[inline(never)]
fn types(value: &Value) -> Result<Rule, Reason> {
    let mut types = Types::default();
    let known = match value {
        Value::String(name) => types.add(name),
        Value::Array(names) => {
            !names.is_empty()
                && names.iter().all(|name| name.as_str().is_some_and(|n| types.add(n)))
        }
        _ => false,
    };
    known.then_some(Rule::Type(types)).ok_or(Reason::Malformed("a type, or an array of several"))
}

fn number(value: &Value) -> Result<&Number, Reason> {
    value.as_number().ok_or(Reason::Malformed("a number"))
}

#[inline(never)]
fn bound(value: &Value, bound: Bound) -> Result<Option<Rule>, Reason> {
    Ok(Some(Rule::Bound(bound, number(value)?.clone())))
}

#[inline(never)]
fn multiple(value: &Value) -> Result<Option<Rule>, Reason> {
    let number = number(value)?;
    let decimal = number.decimal().filter(|decimal| !decimal.negative);
    let decimal = decimal.filter(|decimal| !decimal.digits.is_empty());
    let decimal = decimal.ok_or(Reason::Malformed("a number above 0"))?;
    // Of 18 digits, so that a remainder times ten fits into 64 bits, and a
    // product of two into 128.
    if decimal.digits.len() > 18 {
        return Err(Reason::TooPrecise);
    }
    let integer = decimal.digits.parse().map_err(|_| Reason::TooPrecise)?;
    let power = decimal.exponent.saturating_sub(decimal.digits.len() as i64);
    Ok(Some(Rule::MultipleOf(Multiple { integer, power, number: number.clone() })))
}

/// An integer from 0 on. Nothing can be counted beyond 64 bits.
fn count(value: &Value) -> Result<u64, Reason> {
    let wrong = Reason::Malformed("an integer from 0 on");
    let number = value.as_number().filter(|number| number.is_integer());
    let number = number.ok_or(wrong.clone())?;
    match number.as_i128() {
        Some(integer) => u64::try_from(integer.min(i128::from(u64::MAX))).map_err(|_| wrong),
        None if number.as_f64() > 0.0 => Ok(u64::MAX),
        None => Err(wrong),
    }
}

#[inline(never)]
fn size(value: &Value, which: Count) -> Result<Option<Rule>, Reason> {
    Ok(Some(Rule::Count(which, count(value)?)))
}

#[inline(never)]
fn strings(value: &Value) -> Result<Vec<Rc<str>>, Reason> {
    let wrong = || Reason::Malformed("an array of strings");
    let strings = value.as_array().ok_or_else(wrong)?.iter().map(|item| match item {
        Value::String(text) => Ok(text.clone()),
        _ => Err(wrong()),
    });
    strings.collect()
}

#[inline(never)]
fn dependent_required(value: &Value) -> Result<Option<Rule>, Reason> {
    let wrong = Reason::Malformed("an object of arrays of strings");
    let map = value.as_object().ok_or(wrong.clone())?;
    let mut dependent = Vec::with_capacity(map.len());
    for (key, value) in map.iter() {
        dependent.push((key.clone(), strings(value).map_err(|_| wrong.clone())?));
    }
    Ok(Some(Rule::DependentRequired(dependent)))
}
