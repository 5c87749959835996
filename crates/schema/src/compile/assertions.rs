//! One keyword and its value.

use super::parts::Parts;
use super::{Compiler, DRAFT, keyed};
use crate::node::{Bound, Count, Id, Multiple, Rule, Token, Types};
use crate::refused::{Reason, Refused};
use crate::sorted::sorted;
use kafka_edge_bounded_json::{Number, Value};
use std::rc::Rc;

impl<'d> Compiler<'d> {
    /// Reads a keyword. What lies below it is in the queue already.
    pub(super) fn keyword(
        &mut self,
        id: Id,
        keyword: &'static str,
        value: &'d Value,
        below: Vec<(Token, Id)>,
        parts: &mut Parts,
    ) -> Result<(), Refused> {
        let one = below.first().map(|&(_, child)| child);
        let list = |below: Vec<(Token, Id)>| below.into_iter().map(|(_, child)| child).collect();
        let rule = match keyword {
            "type" => Ok(types(value).map(Rule::Type)),
            "const" => Ok(Some(Rule::Const(value.clone()))),
            "enum" => self.choices(value).map(Some),
            "minimum" => bound(value, Bound::Minimum),
            "maximum" => bound(value, Bound::Maximum),
            "exclusiveMinimum" => bound(value, Bound::ExclusiveMinimum),
            "exclusiveMaximum" => bound(value, Bound::ExclusiveMaximum),
            "multipleOf" => multiple(value),
            "minLength" => size(value, Count::MinLength),
            "maxLength" => size(value, Count::MaxLength),
            "minItems" => size(value, Count::MinItems),
            "maxItems" => size(value, Count::MaxItems),
            "minProperties" => size(value, Count::MinProperties),
            "maxProperties" => size(value, Count::MaxProperties),
            "required" => strings(value).map(|keys| Some(Rule::Required(keys))),
            "dependentRequired" => dependent_required(value),
            "uniqueItems" => match value {
                Value::Bool(true) => Ok(Some(Rule::UniqueItems)),
                Value::Bool(false) => Ok(None),
                _ => Err(Reason::Malformed("a boolean")),
            },
            "pattern" => match value {
                Value::String(text) => {
                    let pattern = self.pattern(id, keyword, text)?;
                    Ok(Some(Rule::Pattern(pattern, text.clone())))
                }
                _ => Err(Reason::Malformed("a string")),
            },
            "patternProperties" => {
                for (text, child) in keyed(below) {
                    let pattern = self.pattern(id, keyword, &text)?;
                    parts.members.patterns.push((pattern, child));
                }
                return Ok(());
            }
            "properties" => {
                parts.members.named = keyed(below);
                return Ok(());
            }
            "additionalProperties" => {
                parts.members.others = one;
                return Ok(());
            }
            "propertyNames" => Ok(one.map(Rule::PropertyNames)),
            "dependentSchemas" => Ok(Some(Rule::DependentSchemas(keyed(below)))),
            "prefixItems" => {
                parts.prefix_items = list(below);
                return Ok(());
            }
            "items" => {
                parts.items = one;
                return Ok(());
            }
            "contains" => {
                parts.contains = one;
                return Ok(());
            }
            "minContains" => count(value).map(|count| {
                parts.min_contains = Some(count);
                None
            }),
            "maxContains" => count(value).map(|count| {
                parts.max_contains = Some(count);
                None
            }),
            "allOf" => Ok(Some(Rule::AllOf(list(below)))),
            "anyOf" => Ok(Some(Rule::AnyOf(list(below)))),
            "oneOf" => Ok(Some(Rule::OneOf(list(below)))),
            "not" => Ok(one.map(Rule::Not)),
            "if" => {
                parts.condition = one;
                return Ok(());
            }
            "then" => {
                parts.then = one;
                return Ok(());
            }
            "else" => {
                parts.otherwise = one;
                return Ok(());
            }
            "$ref" => self.references.reference(id, value).map(|()| Some(Rule::Ref(id))),
            "$anchor" => self.references.anchor(id, value).map(|()| None),
            "$schema" => match value.as_str() {
                Some(draft) if draft.strip_suffix('#').unwrap_or(draft) == DRAFT => Ok(None),
                _ => Err(Reason::Draft),
            },
            // `$id` has been read, `$defs` is in the queue, and what is left
            // describes and checks nothing.
            _ => Ok(None),
        };
        let rule = match (keyword, rule) {
            ("type", Ok(None)) => Err(Reason::Malformed("a type, or an array of several")),
            (_, rule) => rule,
        };
        parts.rules.extend(rule.map_err(|reason| self.refused(id, keyword, reason))?);
        Ok(())
    }

    /// The values of an `enum`, sorted, so that one is found without comparing it
    /// with all.
    fn choices(&mut self, value: &Value) -> Result<Rule, Reason> {
        let values = value.as_array().ok_or(Reason::Malformed("an array"))?;
        let sorted =
            sorted(values.iter().collect(), &mut self.budget).map_err(|_| Reason::TooLarge)?;
        Ok(Rule::Enum(sorted.values.into_iter().cloned().collect()))
    }
}

fn types(value: &Value) -> Option<Types> {
    let mut types = Types::default();
    match value {
        Value::String(name) => types.add(name).then_some(types),
        Value::Array(names) if !names.is_empty() => {
            names.iter().all(|name| name.as_str().is_some_and(|n| types.add(n))).then_some(types)
        }
        _ => None,
    }
}

fn number(value: &Value) -> Result<&Number, Reason> {
    value.as_number().ok_or(Reason::Malformed("a number"))
}

fn bound(value: &Value, bound: Bound) -> Result<Option<Rule>, Reason> {
    Ok(Some(Rule::Bound(bound, number(value)?.clone())))
}

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

fn size(value: &Value, which: Count) -> Result<Option<Rule>, Reason> {
    Ok(Some(Rule::Count(which, count(value)?)))
}

fn strings(value: &Value) -> Result<Vec<Rc<str>>, Reason> {
    let wrong = || Reason::Malformed("an array of strings");
    let strings = value.as_array().ok_or_else(wrong)?.iter().map(|item| match item {
        Value::String(text) => Ok(text.clone()),
        _ => Err(wrong()),
    });
    strings.collect()
}

fn dependent_required(value: &Value) -> Result<Option<Rule>, Reason> {
    let wrong = Reason::Malformed("an object of arrays of strings");
    let map = value.as_object().ok_or(wrong.clone())?;
    let mut dependent = Vec::with_capacity(map.len());
    for (key, value) in map.iter() {
        dependent.push((key.clone(), strings(value).map_err(|_| wrong.clone())?));
    }
    Ok(Some(Rule::DependentRequired(dependent)))
}
