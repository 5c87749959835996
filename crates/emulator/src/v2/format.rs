//! The embedded formats of v2.

use super::instance::Delivered;
use crate::http::{Media, RestError, V2};
use crate::json::{Json, NotJson, SOURCE, read_value};
use crate::options::Version;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// How keys and values look in v2 bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Embedded {
    Binary,
    Json,
    /// Avro, JSON Schema or Protobuf: the proxy does not distinguish them when
    /// it checks an instance's format.
    Schema,
}

/// Content types that produce takes.
pub(super) const PRODUCIBLE: &[&str] = &[
    "application/vnd.kafka.binary.v2+json",
    "application/vnd.kafka.json.v2+json",
    "application/vnd.kafka.avro.v2+json",
    "application/vnd.kafka.jsonschema.v2+json",
    "application/vnd.kafka.protobuf.v2+json",
];

impl Embedded {
    /// By the name that a consumer is created with, in any case.
    pub(super) fn of_name(name: &str) -> Result<Embedded, RestError> {
        match name.to_ascii_lowercase().as_str() {
            "binary" => Ok(Embedded::Binary),
            "json" => Ok(Embedded::Json),
            "avro" | "jsonschema" | "protobuf" => Ok(Embedded::Schema),
            "string" => {
                Err(RestError::new(500, 500, "Invalid embedded format STRING for new consumer."))
            }
            _ => Err(RestError::new(422, 422, "Invalid format type.")),
        }
    }

    /// By the media type of an answer or of a produce request.
    pub(super) fn of_media(media: &str) -> Embedded {
        match media {
            "application/vnd.kafka.binary.v2+json" => Embedded::Binary,
            "application/vnd.kafka.json.v2+json" => Embedded::Json,
            V2 => Embedded::Binary,
            _ => Embedded::Schema,
        }
    }
}

/// Appends a record as a reader sees it: five fields, no headers, no time.
pub(super) fn push_record(
    out: &mut String,
    delivered: &Delivered,
    format: Embedded,
    version: Version,
) -> Result<(), RestError> {
    let show = |bytes: Option<&Bytes>, side: &str| match (format, bytes) {
        (_, None) => Ok("null".into()),
        (Embedded::Binary, Some(bytes)) => Ok(format!("\"{}\"", STANDARD.encode(bytes))),
        (Embedded::Json, Some(bytes)) => match read_value(bytes) {
            Ok(json) => Ok(json.to_string()),
            Err(error) => Err(not_json(&error, version)),
        },
        (Embedded::Schema, Some(_)) => Err(without_schema(delivered, side)),
    };
    let record = &delivered.record;
    let key = show(record.key.as_ref(), "KEY")?;
    let value = show(record.value.as_ref(), "VALUE")?;
    let topic = Json::String(delivered.topic.to_string());
    out.push_str(&format!(
        "{{\"topic\":{topic},\"key\":{key},\"value\":{value},\"partition\":{},\"offset\":{}}}",
        delivered.partition, record.offset
    ));
    Ok(())
}

/// A record that cannot be shown: the proxy answers 408.
fn unreadable(message: String) -> RestError {
    RestError::new(408, 40801, message)
}

fn not_json(error: &NotJson, version: Version) -> RestError {
    // Jackson's newer release points at a wrong word, the older behind it.
    let behind = version == Version::V7_9_9 && error.message.starts_with("Unrecognized token");
    unreadable(format!(
        "com.fasterxml.jackson.core.JsonParseException: {}\n at {SOURCE}line: {}, column: {}]",
        error.message,
        error.line,
        error.column + u64::from(behind)
    ))
}

fn without_schema(delivered: &Delivered, side: &str) -> RestError {
    unreadable(format!(
        "Error deserializing {side} for partition {}-{} at offset {}. If needed, please seek past the record to continue consumption.",
        delivered.topic, delivered.partition, delivered.record.offset
    ))
}

/// The media type that a format is asked for with.
pub(super) fn fits(format: Embedded, media: Media) -> bool {
    Embedded::of_media(media) == format
}
