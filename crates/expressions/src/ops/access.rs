//! Reading and setting what lies in a value.

use kafka_edge_bounded_json::{Array, Budget, Number, Object, VALUE_BYTES, Value, equal};
use std::ops::Range;
use std::rc::Rc;

use super::{dump, spend_reading};
use crate::eval::Stop;

/// What `value[key]` is.
pub(crate) fn get(value: &Value, key: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    spend_reading(key, budget)?;
    Ok(match (value, key) {
        (Value::Object(object), Value::String(key)) => object.get(key).cloned().unwrap_or_default(),
        (Value::Array(items), Value::Number(index)) => {
            let found = position(index, items.len()).and_then(|index| items.get(index));
            found.cloned().unwrap_or_default()
        }
        (Value::Array(items), Value::Object(slice)) => {
            let range = slice_range(slice, items.len())?;
            Value::array(items[range].to_vec(), budget)?
        }
        (Value::String(text), Value::Object(slice)) => {
            budget.spend_steps(text.len() as u64 / 64)?;
            let range = slice_range(slice, text.chars().count())?;
            let start = byte_of(text, range.start);
            let length = byte_of(&text[start..], range.len());
            Value::string(&text[start..start + length], budget)?
        }
        (Value::Array(items), Value::Array(wanted)) => indices_of(items, wanted, budget)?,
        (Value::Null, Value::String(_) | Value::Number(_) | Value::Object(_)) => Value::Null,
        _ => {
            let shown = dump(key, budget)?;
            let (kind, with) = (value.type_name(), key.type_name());
            return Err(Stop::error(format!("Cannot index {kind} with {with} ({shown})")));
        }
    })
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

/// Where an array lies within another.
pub(crate) fn indices_of(
    items: &Array,
    wanted: &Array,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    let mut found = Vec::new();
    let last = items.len().checked_sub(wanted.len());
    for start in 0..last.map_or(0, |last| last + 1) {
        budget.step()?;
        let mut same = !wanted.is_empty();
        for (item, other) in items[start..].iter().zip(wanted.iter()) {
            if !equal(item, other, budget)? {
                same = false;
                break;
            }
        }
        if same {
            found.push(Value::from(start as i64));
        }
    }
    Ok(Value::array(found, budget)?)
}

/// The place that an index means in an array of this length; it may lie behind the end.
/// Nothing for `nan`, and for what lies before the start.
pub(crate) fn position(index: &Number, length: usize) -> Option<usize> {
    let index = index.as_f64();
    if index.is_nan() {
        return None;
    }
    // jq cuts an index to 32 bits.
    let index = index as i32 as i64;
    let index = if index < 0 { index + length as i64 } else { index };
    usize::try_from(index).ok()
}

/// The key that a slice is.
pub(crate) fn slice_key(from: Value, to: Value, budget: &mut Budget) -> Result<Value, Stop> {
    budget.spend_bytes(7 * VALUE_BYTES)?;
    let mut slice = Object::new();
    slice.insert("start".into(), from);
    slice.insert("end".into(), to);
    Ok(Value::from(slice).not_too_deep()?)
}

/// What a slice means in something of this length: the start is rounded down, the end up.
pub(crate) fn slice_range(slice: &Object, length: usize) -> Result<Range<usize>, Stop> {
    let bound = |key| match slice.get(key) {
        Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.as_f64()).filter(|n| !n.is_nan())),
        _ => Err(Stop::error("Array/string slice indices must be integers")),
    };
    let from_end = |n: f64| if n < 0.0 { n + length as f64 } else { n };
    let start = bound("start")?.map_or(0.0, from_end).max(0.0);
    let end = bound("end")?.map_or(length as f64, from_end);
    let start = (start as usize).min(length);
    let end = (end.max(0.0).ceil() as usize).min(length).max(start);
    Ok(start..end)
}

/// The value with another one at a key.
pub(crate) fn set(
    root: Value,
    key: &Value,
    value: Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    spend_reading(key, budget)?;
    let changed = match (root, key) {
        (root @ (Value::Object(_) | Value::Null), Value::String(key)) => {
            set_member(root, key, value, budget)?
        }
        (root @ (Value::Array(_) | Value::Null), Value::Number(index)) => {
            set_item(root, index, value, budget)?
        }
        (root @ (Value::Array(_) | Value::Null), Value::Object(slice)) => {
            set_slice(&root, slice, &value, budget)?
        }
        (Value::String(_), Value::Object(_)) => {
            return Err(Stop::error("Cannot update string slices"));
        }
        (root, key) => {
            let (kind, with) = (root.type_name(), key.type_name());
            return Err(Stop::error(format!("Cannot update field at {with} index of {kind}")));
        }
    };
    Ok(changed.not_too_deep()?)
}

fn set_member(
    root: Value,
    key: &Rc<str>,
    value: Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    let mut object = match root {
        Value::Object(object) => object,
        _ => Rc::default(),
    };
    let copied = if Rc::get_mut(&mut object).is_none() { 2 * object.len() as u64 + 3 } else { 0 };
    budget.spend_bytes(VALUE_BYTES * (copied + 2))?;
    Rc::make_mut(&mut object).insert(key.clone(), value);
    Ok(Value::Object(object))
}

fn set_item(root: Value, index: &Number, value: Value, budget: &mut Budget) -> Result<Value, Stop> {
    let mut items = match root {
        Value::Array(items) => items,
        _ => Rc::default(),
    };
    let Some(index) = position(index, items.len()) else {
        return Err(Stop::error(match index.as_f64().is_nan() {
            true => "Cannot set array element at NaN index",
            false => "Out of bounds negative array index",
        }));
    };
    if index > i32::MAX as usize >> 2 {
        return Err(Stop::error("Array index too large"));
    }
    let copied = if Rc::get_mut(&mut items).is_none() { items.len() } else { 0 };
    let added = (index + 1).saturating_sub(items.len());
    budget.spend_bytes(VALUE_BYTES * (copied + added) as u64)?;
    let own = Rc::make_mut(&mut items);
    while own.len() < index {
        own.push(Value::Null);
    }
    if index < own.len() {
        own.set(index, value);
    } else {
        own.push(value);
    }
    Ok(Value::Array(items))
}

fn set_slice(
    root: &Value,
    slice: &Object,
    value: &Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    let items: &[Value] = root.as_array().map_or(&[], |array| array);
    let range = slice_range(slice, items.len())?;
    let Value::Array(new) = value else {
        return Err(Stop::error("A slice of an array can only be assigned another array"));
    };
    budget.spend_bytes(VALUE_BYTES * (items.len() + new.len()) as u64)?;
    let (before, after) = (&items[..range.start], &items[range.end..]);
    Ok(Value::array([before, new, after].concat(), budget)?)
}
