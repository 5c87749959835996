use std::{cmp::Ordering, rc::Rc};

use crate::{Budget, Exceeded, Object, Value};

/// Whether two values are equal: numbers by what they are worth, objects without regard
/// to the order of their keys.
pub fn equal(a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, Exceeded> {
    compare(a, b, budget).map(|order| order == Ordering::Equal)
}

/// jq's order: `null`, `false`, `true`, numbers, strings by code points, arrays item by
/// item, and objects first by their sorted keys and then by the values key by key. What
/// `nan` is compared with is larger, `nan` included, as in jq.
pub fn compare(a: &Value, b: &Value, budget: &mut Budget) -> Result<Ordering, Exceeded> {
    budget.step()?;
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            budget.spend_steps((a.text_len().max(b.text_len()) / 64) as u64)?;
            Ok(a.compare(b))
        }
        (Value::String(a), Value::String(b)) => text(a, b, budget),
        (Value::Array(a), Value::Array(b)) => {
            if Rc::ptr_eq(a, b) && a.depth() == 1 && !a.iter().any(is_nan) {
                budget.spend_steps(a.len() as u64 / 16)?;
                return Ok(Ordering::Equal);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                let order = compare(a, b, budget)?;
                if order != Ordering::Equal {
                    return Ok(order);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => objects(a, b, budget),
        _ => Ok(rank(a).cmp(&rank(b))),
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_f64().is_nan())
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

fn text(a: &str, b: &str, budget: &mut Budget) -> Result<Ordering, Exceeded> {
    budget.spend_steps(a.len().min(b.len()) as u64 / 64)?;
    Ok(a.cmp(b))
}

fn objects(a: &Object, b: &Object, budget: &mut Budget) -> Result<Ordering, Exceeded> {
    // The sorted keys are a list each, for as long as this lasts.
    budget.spend_steps((a.len() + b.len()) as u64)?;
    let (keys, others) = (a.sorted_keys(), b.sorted_keys());
    for (key, other) in keys.iter().zip(&others) {
        let order = text(key, other, budget)?;
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    if keys.len() != others.len() {
        return Ok(keys.len().cmp(&others.len()));
    }
    for key in &keys {
        if let (Some(a), Some(b)) = (a.get(key), b.get(key)) {
            let order = compare(a, b, budget)?;
            if order != Ordering::Equal {
                return Ok(order);
            }
        }
    }
    Ok(Ordering::Equal)
}
