//! The embedded formats of v2.

use super::instance::Delivered;
use crate::http::{Media, RestError, V2};
use crate::json::{BindError, Json, read_document};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// How keys and values look in v2 bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Embedded {
    Binary,
    Json,
    /// Avro, JSON Schema or Protobuf: the proxy does not tell them apart when
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
    record: &Delivered,
    format: Embedded,
) -> Result<(), RestError> {
    let key = part(record.record.key.as_ref(), format)?;
    let value = part(record.record.value.as_ref(), format)?;
    let topic = Json::String(record.topic.to_string());
    out.push_str(&format!(
        "{{\"topic\":{topic},\"key\":{key},\"value\":{value},\"partition\":{},\"offset\":{}}}",
        record.partition, record.record.offset
    ));
    Ok(())
}

fn part(bytes: Option<&Bytes>, format: Embedded) -> Result<String, RestError> {
    let Some(bytes) = bytes else { return Ok("null".into()) };
    match format {
        Embedded::Binary => Ok(format!("\"{}\"", STANDARD.encode(bytes))),
        Embedded::Json => read_document(bytes).map(|json| json.to_string()).map_err(unreadable),
        Embedded::Schema => Err(RestError::new(408, 40801, "Unknown magic byte!")),
    }
}

/// A record that is no JSON: 408, of all things.
fn unreadable(error: BindError) -> RestError {
    let message = match error {
        BindError::Invalid(message) => message,
        BindError::Unrecognized(_) | BindError::Internal => String::new(),
    };
    RestError::new(408, 40801, format!("com.fasterxml.jackson.core.JsonParseException: {message}"))
}

/// The media type that a format is asked for with.
pub(super) fn fits(format: Embedded, media: Media) -> bool {
    Embedded::of_media(media) == format
}
