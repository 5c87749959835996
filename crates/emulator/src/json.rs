//! JSON the way the REST proxy reads and writes it.
//!
//! The proxy reads bodies with Jackson, whose behaviour is visible in the
//! answers: they contain its messages, a broken record in a stream gives one or
//! two errors depending on where its tokenizer stopped, numbers with a fraction
//! are converted to doubles, and the last value of a repeated key wins
//! (`recordings/v3-produce.jsonl`, `recordings/v3-produce-more.jsonl`).
//! serde_json does none of that, so the emulator has a small tokenizer that
//! stops and continues where Jackson does.

mod bind;
mod number;
mod parser;
mod value;
mod write;

pub(crate) use bind::{BindError, Fields, NotJson, read_document, read_value};
pub(crate) use parser::{InputEnd, Parser, SOURCE, Stop, Token};
pub(crate) use value::Json;
pub(crate) use write::unpaired_surrogates_as_question_marks;
