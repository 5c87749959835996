//! Numbers as their digits.

use std::cmp::Ordering;

/// A number as 0.`digits` × 10^`exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    pub negative: bool,
    /// Without zeros at either end; empty for zero.
    pub digits: String,
    pub exponent: i64,
}

impl Decimal {
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return sign(!other.negative),
            (false, true) => return sign(self.negative),
            (false, false) if self.negative != other.negative => return sign(self.negative),
            _ => {}
        }
        // Digits without zeros at the end compare as texts.
        let order = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { order.reverse() } else { order }
    }
}

fn sign(less: bool) -> Ordering {
    if less { Ordering::Less } else { Ordering::Greater }
}

/// Reads a number that is written as JSON has it.
pub(crate) fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let end = text.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, power) = text.split_at(end);
    let mut digits = String::with_capacity(mantissa.len());
    let mut exponent: i64 = 0;
    let mut fraction = false;
    for &byte in mantissa {
        match byte {
            b'.' => fraction = true,
            b'0' if digits.is_empty() => exponent -= i64::from(fraction),
            b'0'..=b'9' => {
                digits.push(char::from(byte));
                exponent += i64::from(!fraction);
            }
            _ => return None,
        }
    }
    digits.truncate(digits.trim_end_matches('0').len());
    if digits.is_empty() {
        return Some(Decimal { negative, digits, exponent: 0 });
    }
    let mut raised: i64 = 0;
    let (down, power) = match power {
        [_, b'-', rest @ ..] => (true, rest),
        [_, b'+', rest @ ..] | [_, rest @ ..] => (false, rest),
        [] => (false, power),
    };
    for byte in power {
        raised = raised.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    }
    let raised = if down { -raised } else { raised };
    Some(Decimal { negative, digits, exponent: exponent.saturating_add(raised) })
}
