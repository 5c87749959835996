//! JSON Schema 2020-12, a subset, with bounded cost.
//!
//! A schema comes from an operator and an event from a stranger, and what they
//! cost together must be bounded (see `kafka_edge_bounded_json`). So what is not
//! supported is refused by name when a schema is registered, and a check takes
//! every step from the event's budget. `docs/schema.md` says what is taken.
//!
//! It adds 151 KiB to a component that has `kafka_edge_bounded_json` and `url`
//! already, built as ours is; 65 of them are `regex-lite`. A check that uses all of
//! the default depth needs less than 96 KiB of stack, and less than 256 KiB
//! unoptimised. A step takes 45 ns at most, and mostly 5 to 25, under wasmtime.
//!
//! ```
//! use kafka_edge_bounded_json::{Budget, parse};
//! use kafka_edge_schema::Schema;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut budget = Budget::default();
//! let document = parse(br#"{"properties": {"total": {"type": "number"}}}"#, &mut budget)?;
//! let schema = Schema::compile(&document)?;
//!
//! let event = parse(br#"{"total": "12"}"#, &mut budget)?;
//! let failure = schema.check(&event, &mut budget)?.unwrap_err();
//! assert_eq!(failure.path, "/total");
//! assert_eq!(failure.keyword, "type");
//! assert_eq!(failure.schema_path, "/properties/total/type");
//! assert_eq!(failure.sentence, "\"/total\" is not a number");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod check;
mod compile;
mod failure;
mod framing;
mod keywords;
mod node;
mod pattern;
mod refused;
mod sorted;
mod text;

pub use compile::{DEEPEST_NESTING, MOST_SCHEMAS, MOST_STATES};
pub use failure::Failure;
pub use framing::framed;
pub use pattern::{BadPattern, MOST_STATES as MOST_STATES_OF_ONE_PATTERN};
pub use refused::{Reason, Refused};

use kafka_edge_bounded_json::{Budget, Exceeded, Value};
use node::Node;

/// A schema that events are checked against.
#[derive(Debug)]
pub struct Schema {
    /// The root is the first.
    nodes: Vec<Node>,
}

impl Schema {
    /// Reads a schema, and refuses what is not in the subset.
    pub fn compile(document: &Value) -> Result<Schema, Refused> {
        compile::compile(document).map(|nodes| Schema { nodes })
    }

    /// Checks an event. The first failure is told; the error is that of a budget
    /// that ran out, in which case nothing is known about the event.
    pub fn check(
        &self,
        event: &Value,
        budget: &mut Budget,
    ) -> Result<Result<(), Failure>, Exceeded> {
        check::check(&self.nodes, event, budget)
    }
}
