//! A named subset of Go's template language whose cost is bounded: `docs/actions.md` lists
//! it.
//!
//! A [`Payload`] is a JSON value whose strings may hold `{{ … }}`. [`Payload::compile`]
//! refuses by name what is outside the subset, and [`Payload::render`] spends from a
//! [`Budget`]. Nothing here does any I/O or reads a clock.
//!
//! What it gives is compared with Go's text/template and sprig in `tests/templates` of the
//! repository. It differs on purpose where Go writes something that nobody wants in a
//! record: numbers keep the digits with which they came, and what has no place in a text is
//! an error instead of `<no value>` or `%!d(string=…)`.
#![forbid(unsafe_code)]

mod case;
mod date;
mod eval;
mod format;
mod limits;
mod parse;
mod payload;
mod print;
mod refused;
mod term;

pub use limits::{MAX_ACTIONS, MAX_CALL_DEPTH, MAX_PARTS, MAX_PAYLOAD_DEPTH, MAX_TEXT_BYTES};
pub use payload::Payload;
pub use refused::{Failure, Problem, Refused, RenderError};

pub use kafka_edge_bounded_json::Budget;
