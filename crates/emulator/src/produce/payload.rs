//! Keys and values: from their JSON form to the bytes in the log.

use crate::json::{Json, unpaired_surrogates_as_question_marks};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// How `data` is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Binary,
    Json,
    String,
    /// One that needs a Schema Registry.
    Avro,
    JsonSchema,
    Protobuf,
}

impl Format {
    pub(crate) fn parse(name: &str) -> Option<Format> {
        Some(match name {
            "BINARY" => Format::Binary,
            "AVRO" => Format::Avro,
            "JSON" => Format::Json,
            "JSONSCHEMA" => Format::JsonSchema,
            "PROTOBUF" => Format::Protobuf,
            "STRING" => Format::String,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Binary => "BINARY",
            Format::Avro => "AVRO",
            Format::Json => "JSON",
            Format::JsonSchema => "JSONSCHEMA",
            Format::Protobuf => "PROTOBUF",
            Format::String => "STRING",
        }
    }

    pub(crate) fn needs_schema(self) -> bool {
        matches!(self, Format::Avro | Format::JsonSchema | Format::Protobuf)
    }
}

/// Which of the two a payload is; the subject of its schema is named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Key,
    Value,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Key => "key",
            Side::Value => "value",
        }
    }
}

/// A key or a value as a record brings it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payload {
    /// None asks for the subject's latest schema.
    pub(crate) format: Option<Format>,
    pub(crate) subject: Option<String>,
    pub(crate) data: Json,
}

impl Payload {
    /// The bytes to write; none for null. An error is the text after
    /// `Bad Request: `.
    pub(crate) fn into_bytes(self) -> Result<Option<Bytes>, String> {
        if self.data.is_null() {
            return Ok(None);
        }
        match self.format {
            Some(Format::Binary) => decode_base64(&self.data).map(Some),
            Some(Format::String) => match self.data {
                Json::String(text) => Ok(Some(unpaired_surrogates_as_question_marks(text).into())),
                other => Err(format!("data={other} is not a string.")),
            },
            _ => Ok(Some(json_bytes(&self.data))),
        }
    }
}

/// The compact text of a JSON value.
pub(crate) fn json_bytes(data: &Json) -> Bytes {
    data.to_string().into()
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The standard alphabet, with optional padding.
pub(crate) fn decode_base64(data: &Json) -> Result<Bytes, String> {
    let text = data.as_str().ok_or_else(|| format!("data={data} is not a base64 string."))?;
    let bytes = LENIENT.decode(text);
    bytes.map(Bytes::from).map_err(|_| format!("data={data} is not a valid base64 string."))
}
