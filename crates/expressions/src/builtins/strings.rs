//! Functions of strings.

use kafka_edge_bounded_json::{Budget, VALUE_BYTES, Value};

use super::Simple;
use crate::eval::Stop;
use crate::ops::{self, type_error, type_error2};

pub(super) fn apply(
    simple: Simple,
    input: Value,
    argument: &Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    match simple {
        Simple::AsciiDowncase | Simple::AsciiUpcase => {
            let text = string(&input, "explode input must be a string")?;
            budget.spend_bytes(text.len() as u64)?;
            let made = match simple {
                Simple::AsciiDowncase => text.to_ascii_lowercase(),
                _ => text.to_ascii_uppercase(),
            };
            Ok(Value::string(&made, budget)?)
        }
        Simple::StartsWith => {
            let what = "startswith() requires string inputs";
            let (text, with) = (string(&input, what)?, string(argument, what)?);
            Ok(Value::Bool(text.starts_with(with)))
        }
        Simple::EndsWith => {
            let what = "endswith() requires string inputs";
            let (text, with) = (string(&input, what)?, string(argument, what)?);
            Ok(Value::Bool(text.ends_with(with)))
        }
        Simple::Trim | Simple::Ltrim | Simple::Rtrim => {
            let text = string(&input, "trim input must be a string")?;
            let trimmed = match simple {
                Simple::Trim => text.trim(),
                Simple::Ltrim => text.trim_start(),
                _ => text.trim_end(),
            };
            match trimmed.len() == text.len() {
                true => Ok(input),
                false => Ok(Value::string(trimmed, budget)?),
            }
        }
        Simple::Utf8ByteLength => match &input {
            Value::String(text) => Ok(Value::from(text.len() as i64)),
            other => Err(type_error(other, "only strings have UTF-8 byte length", budget)?),
        },
        Simple::Split => {
            let what = "split input and separator must be strings";
            split(string(&input, what)?, string(argument, what)?, budget)
        }
        Simple::Explode => {
            let text = string(&input, "explode input must be a string")?;
            budget.spend_bytes(VALUE_BYTES * text.len() as u64)?;
            let points = text.chars().map(|char| Value::from(i64::from(u32::from(char))));
            Ok(Value::array(points.collect(), budget)?)
        }
        Simple::Implode => implode(&input, budget),
        Simple::Join => join(&input, argument, budget),
        Simple::Index | Simple::Rindex => {
            let found = indices(&input, argument, budget)?;
            match &found {
                Value::Array(found) if simple == Simple::Rindex => {
                    Ok(found.last().cloned().unwrap_or_default())
                }
                other => ops::get(other, &Value::from(0), budget),
            }
        }
        _ => indices(&input, argument, budget),
    }
}

fn string<'v>(value: &'v Value, what: &str) -> Result<&'v str, Stop> {
    value.as_str().ok_or_else(|| Stop::error(what))
}

pub(crate) fn split(text: &str, by: &str, budget: &mut Budget) -> Result<Value, Stop> {
    let mut parts = Vec::new();
    if by.is_empty() {
        budget.spend_steps(text.len() as u64)?;
        let mut buffer = [0; 4];
        for char in text.chars() {
            parts.push(Value::string(char.encode_utf8(&mut buffer), budget)?);
        }
    } else if !text.is_empty() {
        for part in text.split(by) {
            budget.step()?;
            parts.push(Value::string(part, budget)?);
        }
    }
    Ok(Value::array(parts, budget)?)
}

fn implode(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let Value::Array(points) = input else {
        return Err(Stop::error("implode input must be an array"));
    };
    budget.spend_bytes(4 * points.len() as u64)?;
    budget.spend_steps(points.len() as u64 / 16)?;
    let mut text = String::new();
    for point in points.iter() {
        let number = point.as_number().map_or(f64::NAN, |number| number.as_f64());
        if number.is_nan() {
            let what = "can't be imploded, unicode codepoint needs to be numeric";
            return Err(type_error(point, what, budget)?);
        }
        let char = if number < 0.0 { None } else { char::from_u32(number as u32) };
        text.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(Value::string(&text, budget)?)
}

/// By jq's definition, which adds the separator and each item in turn.
fn join(input: &Value, separator: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let mut text = String::new();
    let mut first = true;
    let mut add = |item: &Value, budget: &mut Budget| -> Result<(), Stop> {
        budget.step()?;
        if !std::mem::take(&mut first) {
            push(&mut text, separator, budget)?;
        }
        match item {
            Value::Bool(_) | Value::Number(_) => {
                text.push_str(str::from_utf8(&item.to_vec(budget)?).unwrap_or(""));
                Ok(())
            }
            other => push(&mut text, other, budget),
        }
    };
    match input {
        Value::Array(items) => items.iter().try_for_each(|item| add(item, budget))?,
        Value::Object(object) => object.values().try_for_each(|item| add(item, budget))?,
        other => return Err(ops::cannot_iterate(other, budget)?),
    }
    Ok(Value::string(&text, budget)?)
}

fn push(text: &mut String, more: &Value, budget: &mut Budget) -> Result<(), Stop> {
    match more {
        Value::Null => {}
        Value::String(more) => {
            budget.spend_bytes(more.len() as u64)?;
            text.push_str(more);
        }
        other => {
            let before = Value::string(text, budget)?;
            return Err(type_error2(&before, other, "cannot be added", budget)?);
        }
    }
    Ok(())
}

fn indices(input: &Value, wanted: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    match (input, wanted) {
        (Value::String(text), Value::String(wanted)) => find_all(text, wanted, budget),
        (Value::Array(items), Value::Array(wanted)) => ops::indices_of(items, wanted, budget),
        (Value::Array(items), wanted) => {
            let one = kafka_edge_bounded_json::Array::new(vec![wanted.clone()]);
            ops::indices_of(items, &one, budget)
        }
        (input, wanted) => ops::get(input, wanted, budget),
    }
}

/// Where a string lies within another, in characters; places may overlap.
fn find_all(text: &str, wanted: &str, budget: &mut Budget) -> Result<Value, Stop> {
    let mut found = Vec::new();
    let (mut from, mut chars) = (0, 0);
    while !wanted.is_empty() {
        // Each search begins with a look at what is searched for.
        budget.spend_steps(1 + wanted.len() as u64 / 64)?;
        let Some(at) = text[from..].find(wanted) else { break };
        chars += text[from..from + at].chars().count() as i64;
        budget.spend_bytes(VALUE_BYTES)?;
        found.push(Value::from(chars));
        let next = text[from + at..].chars().next().map_or(1, char::len_utf8);
        from += at + next;
        chars += 1;
    }
    Ok(Value::array(found, budget)?)
}
