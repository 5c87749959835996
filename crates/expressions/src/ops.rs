//! What jq does with values, and the errors that it gives.

mod access;
mod arithmetic;
mod sort;

use kafka_edge_bounded_json::{Budget, Value};
use std::rc::Rc;

pub(crate) use access::{get, indices_of, position, set, slice_key, slice_range};
pub(crate) use arithmetic::{arithmetic, comparison, negate};
pub(crate) use sort::{extreme, group, sort};

use crate::eval::Stop;

/// How much of a value an error shows.
const SHOWN: usize = 29;

/// A value as JSON, cut as jq cuts it in its errors.
pub(crate) fn dump(value: &Value, budget: &mut Budget) -> Result<String, Stop> {
    let cut;
    let shown = match value {
        // A long string is cut before its quotation marks are added.
        Value::String(text) if text.len() > SHOWN + 1 => {
            cut = Value::from(text.chars().take(SHOWN + 1).collect::<String>().as_str());
            &cut
        }
        other => other,
    };
    let bytes = shown.to_vec(budget)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    if text.len() <= SHOWN {
        return Ok(text);
    }
    let close = match text.as_bytes()[0] {
        b'"' => "\"",
        b'[' => "]",
        b'{' => "}",
        _ => "",
    };
    let mut end = SHOWN - 3 - close.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Ok(format!("{}...{close}", &text[..end]))
}

pub(crate) fn type_error(value: &Value, what: &str, budget: &mut Budget) -> Result<Stop, Stop> {
    let (kind, shown) = (value.type_name(), dump(value, budget)?);
    Ok(Stop::error(format!("{kind} ({shown}) {what}")))
}

pub(crate) fn type_error2(
    a: &Value,
    b: &Value,
    what: &str,
    budget: &mut Budget,
) -> Result<Stop, Stop> {
    let (kind, shown) = (a.type_name(), dump(a, budget)?);
    let (other, also) = (b.type_name(), dump(b, budget)?);
    Ok(Stop::error(format!("{kind} ({shown}) and {other} ({also}) {what}")))
}

pub(crate) fn cannot_iterate(value: &Value, budget: &mut Budget) -> Result<Stop, Stop> {
    let (kind, shown) = (value.type_name(), dump(value, budget)?);
    Ok(Stop::error(format!("Cannot iterate over {kind} ({shown})")))
}

/// A key of an object that is made.
pub(crate) fn key(value: Value, budget: &mut Budget) -> Result<Rc<str>, Stop> {
    match value {
        Value::String(text) => Ok(text),
        other => {
            let (kind, shown) = (other.type_name(), dump(&other, budget)?);
            Err(Stop::error(format!("Cannot use {kind} ({shown}) as object key")))
        }
    }
}

pub(crate) fn concat(a: &str, b: &str, budget: &mut Budget) -> Result<String, Stop> {
    budget.spend_bytes((a.len() + b.len()) as u64)?;
    let mut made = String::with_capacity(a.len() + b.len());
    made.push_str(a);
    made.push_str(b);
    Ok(made)
}

/// What it costs to go once through a string, or through the digits of a number.
pub(crate) fn spend_reading(value: &Value, budget: &mut Budget) -> Result<(), Stop> {
    let length = match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.text_len(),
        _ => 0,
    } as u64;
    Ok(budget.spend_steps(length / 64)?)
}
