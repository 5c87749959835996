//! JSON values that are exact, cheap to share, and under a budget.
//!
//! An event comes from a stranger, and an expression or a schema from an operator.
//! What they cost together must be bounded: a component that runs out of memory or of
//! stack traps every request of its instance, and nothing can interrupt it. So one
//! [`Budget`] counts everything that is done for an event, from reading it to writing
//! what became of it.
//!
//! - A [`Value`] is shared by reference count, so a clone costs the same for each value.
//! - A [`Number`] loses nothing: what is not computed with is written as it was read.
//! - Arrays and objects know their depth, so that no value gets deeper than
//!   [`MAX_DEPTH`], and recursion over a value is bounded.
//!
//! The parser is one of our own, and all of this is 45 KiB of the component, beside
//! serde_json's values. serde_json turns an integer beyond 64 bits into a float
//! unless its feature `arbitrary_precision` is on, which would be on for the whole
//! workspace; and neither serde_json nor hifijson asks a budget before it allocates.
#![forbid(unsafe_code)]

mod array;
mod budget;
mod decimal;
mod number;
mod object;
mod order;
mod parse;
mod value;
mod write;

pub use array::Array;
pub use budget::{Budget, Exceeded, Limits};
pub use decimal::Decimal;
pub use number::Number;
pub use object::Object;
pub use order::{compare, equal};
pub use parse::{ParseError, parse};
pub use value::Value;

/// How deeply arrays and objects may lie in each other: as deep as serde_json reads.
pub const MAX_DEPTH: u16 = 128;

/// What one value is counted as, in bytes, beside the text of a string. The count is the
/// same on every target.
pub const VALUE_BYTES: u64 = 16;
