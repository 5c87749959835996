//! JSON the way the REST proxy reads and writes it.
//!
//! The proxy reads bodies with Jackson, and what Jackson does shows on the
//! wire: its messages stand in the answers, a broken record in a stream gives
//! one or two errors depending on where its tokenizer stopped, numbers with a
//! fraction go through doubles, and of a repeated key the last value wins.
//! serde_json does none of that, so the emulator has a small tokenizer of its
//! own that works, stops and goes on where Jackson does.

mod bind;
mod number;
mod parser;
mod value;
mod write;

pub(crate) use bind::{BindError, Fields, NotJson, read_document, read_value};
pub(crate) use parser::{InputEnd, Parser, SOURCE, Stop, Token};
pub(crate) use value::Json;
pub(crate) use write::unpaired_surrogates_as_question_marks;
