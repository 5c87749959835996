//! Numbers, exactly.

use super::{Fits, Run};
use crate::failure::{At, Fault};
use crate::node::{Bound, Id, Multiple};
use kafka_edge_bounded_json::Number;
use std::cmp::Ordering;

impl Run<'_, '_> {
    pub(super) fn bound(
        &mut self,
        id: Id,
        bound: Bound,
        limit: &Number,
        number: &Number,
        at: &At<'_>,
    ) -> Fits {
        self.budget.spend_steps(digits(number) + digits(limit))?;
        let order = number.compare(limit);
        let fits = match bound {
            Bound::Minimum => order != Ordering::Less,
            Bound::Maximum => order != Ordering::Greater,
            Bound::ExclusiveMinimum => order == Ordering::Greater,
            Bound::ExclusiveMaximum => order == Ordering::Less,
        };
        self.holds(fits, id, bound.keyword(), at, Fault::Bound(bound, limit))
    }

    /// Whether the decimal digits that stand for the number are a multiple, so
    /// that 19.99 is one of 0.01, which it is not in floating point.
    pub(super) fn is_multiple(&mut self, divisor: &Multiple, number: &Number) -> Fits {
        self.budget.spend_steps(number.text_len() as u64 / 4)?;
        let Some(decimal) = number.decimal() else { return Ok(false) };
        if decimal.digits.is_empty() {
            return Ok(true);
        }
        // The digits are an integer, to be multiplied by ten to this power.
        let power = decimal.exponent.saturating_sub(decimal.digits.len() as i64);
        // A divisor with more zeros does not divide an integer that ends in none.
        // What does not fit into 64 bits is saturated, which decides nothing: a
        // divisor has fewer than 60 factors of two and of five, and further powers
        // of ten bring no others.
        let Ok(zeros) = u64::try_from(power.saturating_sub(divisor.power)) else {
            return Ok(false);
        };
        // Of at most 18 digits, so that ten times a remainder fits into 64 bits.
        let by = divisor.integer;
        let mut rest = 0;
        for digit in decimal.digits.bytes() {
            rest = (rest * 10 + u64::from(digit - b'0')) % by;
        }
        Ok((u128::from(rest) * power_of_ten(zeros, by.into())).is_multiple_of(by.into()))
    }
}

/// What reading the digits of a number costs in steps. Integers of 64 bits are
/// compared without.
fn digits(number: &Number) -> u64 {
    match number {
        Number::Int(_) => 0,
        other => other.text_len() as u64 / 8,
    }
}

/// The remainder of ten to a power, by squaring. All that is multiplied here has
/// at most 60 bits.
fn power_of_ten(mut power: u64, by: u128) -> u128 {
    let mut base = 10 % by;
    let mut rest = 1 % by;
    while power > 0 {
        if power & 1 == 1 {
            rest = rest * base % by;
        }
        base = base * base % by;
        power >>= 1;
    }
    rest
}
