//! Functions of numbers.

use kafka_edge_bounded_json::{Budget, Number, Value};

use super::Simple;
use crate::eval::Stop;
use crate::ops::{self, type_error};

pub(super) fn takes(simple: Simple) -> bool {
    matches!(
        simple,
        Simple::Abs
            | Simple::Ceil
            | Simple::Exp
            | Simple::Exp10
            | Simple::Exp2
            | Simple::Fabs
            | Simple::Floor
            | Simple::Infinite
            | Simple::IsInfinite
            | Simple::IsNan
            | Simple::IsNormal
            | Simple::Log
            | Simple::Log10
            | Simple::Log2
            | Simple::Nan
            | Simple::Pow
            | Simple::Round
            | Simple::Sqrt
            | Simple::ToNumber
            | Simple::Trunc
    )
}

pub(super) fn apply(
    simple: Simple,
    input: &Value,
    first: &Value,
    second: &Value,
    budget: &mut Budget,
) -> Result<Value, Stop> {
    let is = |does: fn(f64) -> bool| {
        Ok(Value::Bool(input.as_number().is_some_and(|number| does(number.as_f64()))))
    };
    match simple {
        Simple::Infinite => Ok(Value::from(f64::INFINITY)),
        Simple::Nan => Ok(Value::from(f64::NAN)),
        Simple::IsInfinite => is(f64::is_infinite),
        Simple::IsNan => is(f64::is_nan),
        Simple::IsNormal => is(f64::is_normal),
        Simple::ToNumber => to_number(input, budget),
        // By jq's definition, in the order of its types.
        Simple::Abs => match input {
            Value::Number(number) => Ok(Value::Number(number.absolute())),
            Value::Null | Value::Bool(_) => ops::negate(input, budget),
            _ => Ok(input.clone()),
        },
        Simple::Pow => {
            let (base, power) = (number(first, budget)?, number(second, budget)?);
            Ok(Value::Number(pow(base, power)))
        }
        _ => {
            let number = number(input, budget)?;
            let float = number.as_f64();
            let whole =
                matches!(simple, Simple::Floor | Simple::Ceil | Simple::Round | Simple::Trunc);
            if whole && number.is_integer() {
                return Ok(input.clone());
            }
            Ok(Value::Number(rounded(match simple {
                Simple::Ceil => float.ceil(),
                Simple::Floor => float.floor(),
                Simple::Round => float.round(),
                Simple::Trunc => float.trunc(),
                Simple::Fabs => return Ok(Value::Number(number.absolute())),
                Simple::Sqrt => float.sqrt(),
                Simple::Exp => float.exp(),
                Simple::Exp2 => float.exp2(),
                Simple::Exp10 => 10f64.powf(float),
                Simple::Log => float.ln(),
                Simple::Log2 => float.log2(),
                _ => float.log10(),
            })))
        }
    }
}

/// A result that is an integer goes on as one.
fn rounded(float: f64) -> Number {
    match Number::Float(float).as_i128().map(i64::try_from) {
        Some(Ok(int)) => Number::Int(int),
        _ => Number::Float(float),
    }
}

fn pow(base: &Number, power: &Number) -> Number {
    if let (Some(base), Some(power)) = (base.as_i128(), power.as_i128())
        && let Ok(power) = u32::try_from(power)
        && let Some(exact) = base.checked_pow(power)
    {
        return Number::from(exact);
    }
    rounded(base.as_f64().powf(power.as_f64()))
}

fn number<'v>(value: &'v Value, budget: &mut Budget) -> Result<&'v Number, Stop> {
    match value {
        Value::Number(number) => Ok(number),
        other => Err(type_error(other, "number required", budget)?),
    }
}

/// jq takes more than JSON: a plus, zeros in front, a point at either end.
fn to_number(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let text = match input {
        Value::Number(_) => return Ok(input.clone()),
        Value::String(text) => &**text,
        _ => "",
    };
    budget.spend_bytes(text.len() as u64)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (int, rest) = unsigned.split_at(whole);
    let point = rest.starts_with('.');
    let fraction = rest[usize::from(point)..].bytes().take_while(u8::is_ascii_digit).count();
    let fraction = if point { &rest[1..=fraction] } else { "" };
    let exponent = &rest[usize::from(point) + fraction.len()..];
    let int = int.trim_start_matches('0');
    if whole > 0 || !fraction.is_empty() {
        let mut json = String::from(if text.starts_with('-') { "-" } else { "" });
        json.push_str(if int.is_empty() { "0" } else { int });
        if !fraction.is_empty() {
            json.push('.');
            json.push_str(fraction);
        }
        json.push_str(exponent);
        if let Some(number) = Number::parse(&json) {
            return Ok(Value::Number(number));
        }
    }
    Err(type_error(input, "cannot be parsed as a number", budget)?)
}
