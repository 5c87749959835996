//! Producing: from the JSON of a record to its place in the log.

mod base64;
mod error;
mod payload;
mod producer;
mod record;

pub(crate) use error::ProduceError;
pub(crate) use payload::{Format, Payload, Side, decode_base64, json_bytes};
pub(crate) use producer::{Acknowledged, Producer};
pub(crate) use record::{ProduceRecord, RecordError, RecordReader};
