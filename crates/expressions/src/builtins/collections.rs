//! Functions of values: arrays, objects, and what fits every type.

use kafka_edge_bounded_json::{Budget, Number, Object, VALUE_BYTES, Value, equal};
use std::rc::Rc;

use super::Simple;
use super::{dates, numbers, strings};
use crate::eval::{Machine, Stop};
use crate::formats;
use crate::ops::{self, type_error, type_error2};

impl Machine<'_> {
    #[inline(never)]
    pub(crate) fn simple(
        &mut self,
        simple: Simple,
        input: Value,
        arguments: &[Value],
    ) -> Result<Value, Stop> {
        const NULL: Value = Value::Null;
        let null = &NULL;
        let (first, second) = (arguments.first().unwrap_or(null), arguments.get(1).unwrap_or(null));
        let budget = &mut *self.budget;
        for value in [&input, first, second] {
            ops::spend_reading(value, budget)?;
        }
        match simple {
            Simple::Setpath => self.setpath(input, first, second),
            Simple::Delpaths => self.delpaths(input, first),
            Simple::Contains => contains(&input, first, budget),
            Simple::Flatten => match arguments {
                [] => flatten(&input, &Value::from(-1), false, budget),
                _ => flatten(&input, first, true, budget),
            },
            Simple::FromJson => from_json(&input, budget),
            Simple::Has => has(&input, first),
            Simple::Keys => keys(&input, true, budget),
            Simple::KeysUnsorted => keys(&input, false, budget),
            Simple::Length => length(&input, budget),
            Simple::Min | Simple::Max => {
                let Value::Array(items) = &input else {
                    return Err(type_error2(&input, &input, "cannot be iterated over", budget)?);
                };
                budget.spend_bytes(2 * VALUE_BYTES * items.len() as u64)?;
                ops::extreme(paired(items), simple == Simple::Max, budget)
            }
            Simple::Sort | Simple::Unique => {
                let Value::Array(items) = &input else {
                    let what = "cannot be sorted, as it is not an array";
                    return Err(type_error(&input, what, budget)?);
                };
                budget.spend_bytes(2 * VALUE_BYTES * items.len() as u64)?;
                if simple == Simple::Unique {
                    return ops::group(paired(items), false, budget);
                }
                let sorted = ops::sort(paired(items), budget)?;
                Ok(Value::array(sorted.into_iter().map(|(_, item)| item).collect(), budget)?)
            }
            Simple::Not => Ok(Value::Bool(!input.is_truthy())),
            Simple::Reverse => reverse(input, budget),
            Simple::ToBoolean => match &input {
                Value::Bool(_) => Ok(input),
                Value::String(text) if **text == *"true" => Ok(Value::Bool(true)),
                Value::String(text) if **text == *"false" => Ok(Value::Bool(false)),
                _ => Err(type_error(&input, "cannot be parsed as a boolean", budget)?),
            },
            Simple::ToEntries => to_entries(&input, budget),
            Simple::ToJson => formats::json(&input, budget),
            Simple::ToString => formats::text(&input, budget),
            Simple::Type => Ok(Value::string(input.type_name(), budget)?),
            Simple::ToDate => dates::to_date(&input, budget),
            Simple::FromDate => dates::from_date(&input, budget),
            _ if numbers::takes(simple) => numbers::apply(simple, &input, first, second, budget),
            _ => strings::apply(simple, input, first, budget),
        }
    }
}

fn paired(items: &[Value]) -> Vec<(Value, Value)> {
    items.iter().map(|item| (item.clone(), item.clone())).collect()
}

/// Whether one holds the other: strings within strings, items within items, members
/// within members, and all else by equality.
fn contains(a: &Value, b: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let alike = match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => a.type_name() == b.type_name(),
    };
    if !alike {
        return Err(type_error2(a, b, "cannot have their containment checked", budget)?);
    }
    Ok(Value::Bool(holds(a, b, budget)?))
}

fn holds(a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, Stop> {
    budget.step()?;
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, wanted) in b.iter() {
                budget.spend_steps(key.len() as u64 / 64)?;
                match a.get(key) {
                    Some(value) if holds(value, wanted, budget)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Value::Array(a), Value::Array(b)) => {
            for wanted in b.iter() {
                let mut found = false;
                for value in a.iter() {
                    found = holds(value, wanted, budget)?;
                    if found {
                        break;
                    }
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::String(a), Value::String(b)) => {
            budget.spend_steps((a.len() + b.len()) as u64 / 64)?;
            Ok(a.contains(&**b))
        }
        _ => Ok(equal(a, b, budget)?),
    }
}

fn flatten(input: &Value, depth: &Value, given: bool, budget: &mut Budget) -> Result<Value, Stop> {
    let depth = match depth {
        Value::Number(depth) => depth.as_f64(),
        // Whatever comes before numbers is less than 0, and the rest cannot be counted.
        Value::Null | Value::Bool(_) => -1.0,
        other => {
            let one = Value::from(1);
            return Err(type_error2(other, &one, "cannot be subtracted", budget)?);
        }
    };
    if given && depth < 0.0 {
        return Err(Stop::error("flatten depth must not be negative"));
    }
    let mut flat = Vec::new();
    match input {
        Value::Array(items) => flatten_into(items.iter(), depth, &mut flat, budget)?,
        Value::Object(object) => flatten_into(object.values(), depth, &mut flat, budget)?,
        other => return Err(ops::cannot_iterate(other, budget)?),
    }
    Ok(Value::array(flat, budget)?)
}

fn flatten_into<'v>(
    items: impl Iterator<Item = &'v Value>,
    depth: f64,
    flat: &mut Vec<Value>,
    budget: &mut Budget,
) -> Result<(), Stop> {
    for item in items {
        budget.step()?;
        budget.spend_bytes(VALUE_BYTES)?;
        match item {
            Value::Array(inner) if depth != 0.0 => {
                // One kind of iterator within, so that this is compiled twice and no more.
                flatten_into(inner.iter(), depth - 1.0, flat, budget)?;
            }
            other => flat.push(other.clone()),
        }
    }
    Ok(())
}

fn from_json(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    use kafka_edge_bounded_json::ParseError;
    let Value::String(text) = input else {
        return Err(type_error(input, "only strings can be parsed", budget)?);
    };
    match kafka_edge_bounded_json::parse(text.as_bytes(), budget) {
        Ok(value) => Ok(value),
        Err(ParseError::Exceeded(exceeded)) => Err(exceeded.into()),
        Err(error) => {
            let shown = ops::dump(input, budget)?;
            Err(Stop::error(format!("{error} (while parsing {shown})")))
        }
    }
}

fn has(input: &Value, key: &Value) -> Result<Value, Stop> {
    Ok(Value::Bool(match (input, key) {
        (Value::Null, _) => false,
        (Value::Object(object), Value::String(key)) => object.contains_key(key),
        (Value::Array(items), Value::Number(index)) => {
            let index = index.as_f64();
            index > -1.0 && (index as usize) < items.len()
        }
        _ => {
            let (kind, with) = (input.type_name(), key.type_name());
            return Err(Stop::error(format!("Cannot check whether {kind} has a {with} key")));
        }
    }))
}

fn keys(input: &Value, sorted: bool, budget: &mut Budget) -> Result<Value, Stop> {
    let keys = match input {
        Value::Array(items) => {
            budget.spend_steps(items.len() as u64 / 16)?;
            budget.spend_bytes(VALUE_BYTES * items.len() as u64)?;
            (0..items.len() as i64).map(Value::from).collect()
        }
        Value::Object(object) => {
            budget.spend_steps(object.len() as u64)?;
            budget.spend_bytes(VALUE_BYTES * object.len() as u64)?;
            match sorted {
                true => object.sorted_keys().into_iter().map(Value::String).collect(),
                false => object.keys().cloned().map(Value::String).collect(),
            }
        }
        other => return Err(type_error(other, "has no keys", budget)?),
    };
    Ok(Value::array(keys, budget)?)
}

fn length(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let length = match input {
        Value::Null => 0,
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        Value::String(text) => text.chars().count(),
        Value::Number(number) => return Ok(Value::Number(number.absolute())),
        Value::Bool(_) => return Err(type_error(input, "has no length", budget)?),
    };
    Ok(Value::Number(Number::Int(length as i64)))
}

fn reverse(input: Value, budget: &mut Budget) -> Result<Value, Stop> {
    match &input {
        Value::Array(items) => {
            budget.spend_steps(items.len() as u64 / 16)?;
            Ok(Value::array(items.iter().rev().cloned().collect(), budget)?)
        }
        _ => {
            // jq goes from the last index to the first, which only arrays have.
            let Value::Number(length) = length(&input, budget)? else { return Ok(Value::Null) };
            if length.as_f64() <= 0.0 {
                return Ok(Value::array(Vec::new(), budget)?);
            }
            let last = length.as_f64().ceil() - 1.0;
            ops::get(&input, &Value::from(last), budget)
        }
    }
}

fn to_entries(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let (key, value): (Rc<str>, Rc<str>) = ("key".into(), "value".into());
    let mut entries = Vec::new();
    let mut entry = |k: Value, v: Value, budget: &mut Budget| -> Result<(), Stop> {
        budget.step()?;
        budget.spend_bytes(8 * VALUE_BYTES)?;
        let mut entry = Object::new();
        entry.insert(key.clone(), k);
        entry.insert(value.clone(), v);
        entries.push(Value::from(entry));
        Ok(())
    };
    match input {
        Value::Object(object) => {
            for (key, value) in object.iter() {
                entry(Value::String(key.clone()), value.clone(), budget)?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                entry(Value::from(index as i64), item.clone(), budget)?;
            }
        }
        other => return Err(type_error(other, "has no keys", budget)?),
    }
    Ok(Value::array(entries, budget)?)
}
