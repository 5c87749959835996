//! Why a schema is not taken.

use crate::pattern::BadPattern;
use crate::text::short;
use thiserror::Error;

/// A schema that is not taken: what, where, and why.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{}{} {}", show(.keyword), place(.at), .reason)]
pub struct Refused {
    /// Where the schema is that holds the keyword, as a JSON pointer into the
    /// document. A long one is cut.
    pub at: String,
    /// The keyword, or nothing where the schema itself is wrong.
    pub keyword: String,
    pub reason: Reason,
}

/// What is wrong with a keyword. It reads on from the keyword's name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Reason {
    #[error("is not supported")]
    NotSupported,
    #[error("is of an older draft; 2020-12 has {0} for it")]
    Older(&'static str),
    #[error("is not of JSON Schema, which has {0} for it")]
    Foreign(&'static str),
    #[error("is unknown")]
    Unknown,
    #[error("is a list, as in older drafts; 2020-12 has prefixItems for it")]
    ItemsList,
    #[error("is not {0}")]
    Malformed(&'static str),
    #[error("names another draft than https://json-schema.org/draft/2020-12/schema")]
    Draft,
    #[error("is there twice")]
    Twice,
    #[error("leads out of the document")]
    Remote,
    #[error("leads to nothing that is a schema")]
    NoSchema,
    #[error("leads back to itself without going into the event")]
    Endless,
    #[error("{0}")]
    Pattern(#[from] BadPattern),
    #[error("has more significant digits than 18")]
    TooPrecise,
    #[error("holds more than {0} schemas")]
    TooMany(usize),
    #[error("nests schemas more than {0} deep")]
    TooDeep(u16),
    #[error("holds patterns that come to more than {0} states")]
    TooManyStates(u32),
    #[error("has values that are too many or too large to be sorted")]
    TooLarge,
    #[error("is longer than {0} bytes")]
    TooLong(usize),
}

impl Refused {
    pub(crate) fn new(at: &str, keyword: &str, reason: Reason) -> Refused {
        Refused { at: short(at), keyword: short(keyword), reason }
    }
}

fn show(keyword: &str) -> String {
    if keyword.is_empty() { "The schema".into() } else { format!("{keyword:?}") }
}

/// Nothing for the document itself, whose pointer is empty.
fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!(" at {at:?}") }
}
