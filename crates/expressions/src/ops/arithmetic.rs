//! Operators.

use kafka_edge_bounded_json::{
    Budget, Exceeded, Number, Object, VALUE_BYTES, Value, compare, equal,
};
use std::cmp::Ordering;
use std::rc::Rc;

use super::{concat, spend_reading, type_error, type_error2};
use crate::builtins::strings;
use crate::eval::Stop;
use crate::term::{Arithmetic, Comparison};

pub(crate) fn arithmetic(
    kind: Arithmetic,
    a: Value,
    b: Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    spend_reading(&a, budget)?;
    spend_reading(&b, budget)?;
    if let (Value::Number(left), Value::Number(right)) = (&a, &b)
        && let Some(number) = numbers(kind, left, right)
    {
        return Ok(Value::Number(number));
    }
    match (kind, a, b) {
        (Arithmetic::Add, Value::Null, other) | (Arithmetic::Add, other, Value::Null) => Ok(other),
        (Arithmetic::Add, Value::String(a), Value::String(b)) => {
            Ok(Value::String(concat(&a, &b, budget)?.into()))
        }
        (Arithmetic::Add, Value::Array(mut a), Value::Array(b)) => {
            let copied = if Rc::get_mut(&mut a).is_none() { a.len() } else { 0 };
            budget.spend_bytes(VALUE_BYTES * (copied + b.len()) as u64)?;
            let own = Rc::make_mut(&mut a);
            b.iter().for_each(|item| own.push(item.clone()));
            Ok(Value::Array(a))
        }
        (Arithmetic::Add, Value::Object(a), Value::Object(b)) => {
            Ok(Value::Object(merge(a, &b, false, budget)?))
        }
        (Arithmetic::Multiply, Value::Object(a), Value::Object(b)) => {
            Ok(Value::Object(merge(a, &b, true, budget)?))
        }
        (Arithmetic::Multiply, Value::String(text), Value::Number(count))
        | (Arithmetic::Multiply, Value::Number(count), Value::String(text)) => {
            repeat(&text, count.as_f64(), budget)
        }
        (Arithmetic::Divide, Value::String(a), Value::String(b)) => strings::split(&a, &b, budget),
        (Arithmetic::Subtract, Value::Array(a), Value::Array(b)) => {
            let mut left = Vec::new();
            for item in a.iter() {
                let mut found = false;
                for other in b.iter() {
                    found = equal(item, other, budget)?;
                    if found {
                        break;
                    }
                }
                if !found {
                    left.push(item.clone());
                }
            }
            Ok(Value::array(left, budget)?)
        }
        (kind, a, b) => {
            let by_zero = matches!((&a, &b), (Value::Number(_), Value::Number(_)));
            let what = match kind {
                Arithmetic::Add => "cannot be added",
                Arithmetic::Subtract => "cannot be subtracted",
                Arithmetic::Multiply => "cannot be multiplied",
                Arithmetic::Divide if by_zero => "cannot be divided because the divisor is zero",
                Arithmetic::Divide => "cannot be divided",
                Arithmetic::Remainder if by_zero => {
                    "cannot be divided (remainder) because the divisor is zero"
                }
                Arithmetic::Remainder => "cannot be divided (remainder)",
            };
            Err(type_error2(&a, &b, what, budget)?)
        }
    }
}

/// Integers are computed exactly; nothing comes of a division by zero.
fn numbers(kind: Arithmetic, left: &Number, right: &Number) -> Option<Number> {
    if let (Some(a), Some(b)) = (left.as_i128(), right.as_i128()) {
        let exact = match kind {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Subtract => a.checked_sub(b),
            Arithmetic::Multiply => a.checked_mul(b),
            Arithmetic::Divide if b == 0 => return None,
            Arithmetic::Divide => a.checked_rem(b).filter(|rest| *rest == 0).map(|_| a / b),
            Arithmetic::Remainder if b == 0 => return None,
            Arithmetic::Remainder => a.checked_rem(b),
        };
        if let Some(exact) = exact {
            return Some(Number::from(exact));
        }
    }
    let (a, b) = (left.as_f64(), right.as_f64());
    Some(match kind {
        Arithmetic::Add => Number::Float(a + b),
        Arithmetic::Subtract => Number::Float(a - b),
        Arithmetic::Multiply => Number::Float(a * b),
        Arithmetic::Divide if b == 0.0 => return None,
        Arithmetic::Divide => Number::Float(a / b),
        Arithmetic::Remainder if a.is_nan() || b.is_nan() => Number::Float(f64::NAN),
        // jq cuts both to integers of 64 bits.
        Arithmetic::Remainder => Number::Int((a as i64).checked_rem(b as i64).or_else(|| {
            // The one overflow is that of the least integer by -1.
            (b as i64 == -1).then_some(0)
        })?),
    })
}

pub(crate) fn negate(value: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    match value {
        Value::Number(number) => {
            budget.spend_bytes(number.text_len() as u64)?;
            Ok(Value::Number(number.negated()))
        }
        other => Err(type_error(other, "cannot be negated", budget)?),
    }
}

pub(crate) fn comparison(
    kind: Comparison,
    a: &Value,
    b: &Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    let order = compare(a, b, budget)?;
    Ok(Value::Bool(match kind {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::Unequal => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }))
}

fn repeat(text: &str, count: f64, budget: &mut Budget) -> Result<Value, Stop> {
    if count < 0.0 || count.is_nan() {
        return Ok(Value::Null);
    }
    let count = count.min(f64::from(i32::MAX)) as u64;
    let length = count.saturating_mul(text.len() as u64);
    budget.spend_bytes(VALUE_BYTES + length)?;
    // More than this cannot be had, whatever the budget says.
    if length > 1 << 30 {
        return Err(Exceeded::Bytes.into());
    }
    Ok(Value::String(text.repeat(if text.is_empty() { 0 } else { count as usize }).into()))
}

/// `+` of objects, or with `deep` their `*`, which merges objects that lie in both.
fn merge(
    mut a: Rc<Object>,
    b: &Object,
    deep: bool,
    budget: &mut Budget,
) -> Result<Rc<Object>, Stop> {
    let copied = if Rc::get_mut(&mut a).is_none() { a.len() } else { 0 };
    budget.spend_bytes(2 * VALUE_BYTES * (copied + b.len()) as u64)?;
    let own = Rc::make_mut(&mut a);
    for (key, new) in b.iter() {
        budget.spend_steps(1 + key.len() as u64 / 64)?;
        let mut value = new.clone();
        if deep
            && let Value::Object(inner) = new
            && let Some(Value::Object(_)) = own.get(key)
            && let Some(Value::Object(old)) = own.take(key)
        {
            value = Value::Object(merge(old, inner, true, budget)?);
        }
        own.insert(key.clone(), value);
    }
    Ok(a)
}
