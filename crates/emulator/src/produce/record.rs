//! Reads a record of a v3 produce request, in the order and with the errors of
//! the proxy's own reader.

use super::base64::decode_strictly;
use super::payload::{Format, Payload};
use crate::json::{Json, Parser, Stop, Token};
use crate::log::Header;
use crate::options::Version;
use crate::time::parse_instant;
use bytes::Bytes;

const PACKAGE: &str = "io.confluent.kafkarest.entities.v3";

/// A record as a request brings it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ProduceRecord {
    /// Only in a batch: the text, or the value in its place.
    pub(crate) id: Option<String>,
    pub(crate) partition_id: Option<i64>,
    pub(crate) headers: Vec<Header>,
    pub(crate) key: Option<Payload>,
    pub(crate) value: Option<Payload>,
    /// Milliseconds since 1970.
    pub(crate) timestamp: Option<i64>,
}

/// Why a record could not be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RecordError {
    /// The parser stopped.
    Stop(Stop),
    /// A value of the wrong kind.
    Invalid(String),
    /// A field that records do not have.
    Unrecognized { field: String, message: String },
    /// Where the proxy itself fails.
    Internal,
}

impl From<Stop> for RecordError {
    fn from(stop: Stop) -> RecordError {
        RecordError::Stop(stop)
    }
}

/// Reads records; in a batch they have an id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordReader {
    pub(crate) in_batch: bool,
    pub(crate) version: Version,
}

impl RecordReader {
    fn class(self) -> String {
        let class = if self.in_batch { "ProduceBatchRequestEntry" } else { "ProduceRequest" };
        format!("{PACKAGE}.{class}$Builder")
    }

    /// Reads the record that begins with the parser's current token.
    pub(crate) fn read(self, parser: &mut Parser) -> Result<ProduceRecord, RecordError> {
        match parser.current() {
            Some(Token::StartObject) => {
                parser.next_token()?;
            }
            // After an error the proxy continues in the middle of the record.
            Some(Token::FieldName | Token::EndObject) => {}
            Some(Token::Null) | None => return Err(RecordError::Internal),
            Some(Token::StartArray | Token::EndArray) => {
                return Err(wrong_token(&self.class(), "Array", "START_ARRAY"));
            }
            Some(_) => return Err(no_constructor(&self.class(), parser)),
        }
        let mut record = ProduceRecord::default();
        while parser.current() == Some(Token::FieldName) {
            let name = parser.take_name();
            parser.next_token()?;
            self.read_field(&mut record, &name, parser)?;
            parser.next_token()?;
        }
        if self.in_batch && record.id.is_none() {
            return Err(problem(&self.class(), "Null id"));
        }
        Ok(record)
    }

    fn read_field(
        self,
        record: &mut ProduceRecord,
        name: &str,
        parser: &mut Parser,
    ) -> Result<(), RecordError> {
        match name {
            // An id that is no text is no valid one, like the empty one.
            "id" if self.in_batch => {
                let is_text = matches!(parser.current(), Some(Token::String | Token::Null));
                let id = read_text(parser)?;
                record.id = if is_text { id } else { Some(String::new()) };
            }
            "partition_id" | "partitionId" => {
                record.partition_id = read_integer(parser, "java.lang.Integer")?;
            }
            "originalSize" => {
                read_integer(parser, "java.lang.Long")?;
            }
            "headers" => record.headers = read_headers(parser, self.version)?,
            "key" => record.key = read_payload(parser, name, self.version)?,
            "value" => record.value = read_payload(parser, name, self.version)?,
            "timestamp" => record.timestamp = read_timestamp(parser)?,
            _ => {
                let class = if self.in_batch {
                    "AutoValue_ProduceBatchRequestEntry$Builder"
                } else {
                    "AutoValue_ProduceRequest$Builder"
                };
                let known = ["value", "originalSize", "partitionId", "headers", "key", "timestamp"];
                return Err(unrecognized(name, class, &known, self.version));
            }
        }
        Ok(())
    }
}

fn read_headers(parser: &mut Parser, version: Version) -> Result<Vec<Header>, RecordError> {
    let class = format!("java.util.ArrayList<{PACKAGE}.ProduceRequest$ProduceRequestHeader>");
    match parser.current() {
        Some(Token::Null) => return Ok(Vec::new()),
        Some(Token::StartArray) => {}
        Some(Token::StartObject) => return Err(wrong_token(&class, "Object", "START_OBJECT")),
        _ => return Err(wrong_scalar(&class, parser)?),
    }
    let mut headers = Vec::new();
    while let Some(token) = parser.next_token()? {
        if token == Token::EndArray {
            break;
        }
        headers.push(read_header(parser, version)?);
    }
    Ok(headers)
}

fn read_header(parser: &mut Parser, version: Version) -> Result<Header, RecordError> {
    let class = format!("{PACKAGE}.ProduceRequest$ProduceRequestHeader");
    match parser.current() {
        Some(Token::StartObject) => {}
        Some(Token::StartArray) => return Err(wrong_token(&class, "Array", "START_ARRAY")),
        Some(Token::Null) => return Err(RecordError::Internal),
        _ => return Err(no_constructor(&class, parser)),
    }
    let (mut name, mut value) = (None, None);
    while parser.next_token()? == Some(Token::FieldName) {
        let field = parser.take_name();
        parser.next_token()?;
        match field.as_str() {
            "name" => name = read_text(parser)?,
            "value" => value = read_bytes(parser)?,
            _ => {
                let class = "AutoValue_ProduceRequest_ProduceRequestHeader";
                return Err(unrecognized(&field, class, &["name", "value"], version));
            }
        }
    }
    let name = name.ok_or_else(|| problem(&class, "Null name"))?;
    Ok(Header { name, value })
}

fn read_bytes(parser: &mut Parser) -> Result<Option<Bytes>, RecordError> {
    match parser.current() {
        Some(Token::Null) => Ok(None),
        Some(Token::String) => {
            let text = parser.read_string()?;
            decode_strictly(&text).map(|b| Some(b.into())).map_err(RecordError::Invalid)
        }
        Some(Token::StartObject) => Err(wrong_token("byte[]", "Object", "START_OBJECT")),
        Some(Token::StartArray) => Err(wrong_token("byte[]", "Array", "START_ARRAY")),
        _ => Err(wrong_scalar("byte[]", parser)?),
    }
}

fn read_text(parser: &mut Parser) -> Result<Option<String>, RecordError> {
    match parser.current() {
        Some(Token::Null) => Ok(None),
        Some(Token::String) => Ok(Some(parser.read_string()?)),
        Some(Token::StartObject) => Err(wrong_token("java.lang.String", "Object", "START_OBJECT")),
        Some(Token::StartArray) => Err(wrong_token("java.lang.String", "Array", "START_ARRAY")),
        _ => Ok(Some(parser.read_tree()?.to_string())),
    }
}

fn read_integer(parser: &mut Parser, class: &str) -> Result<Option<i64>, RecordError> {
    match parser.current() {
        Some(Token::Null) => Ok(None),
        Some(Token::Int | Token::Float) => {
            let number = parser.number_text();
            let whole = number.parse::<i64>().ok();
            // Fractions are cut off.
            Ok(Some(whole.or_else(|| number.parse::<f64>().ok().map(|f| f as i64)).unwrap_or(0)))
        }
        Some(Token::String) => {
            let text = parser.read_string()?;
            text.trim().parse().map(Some).map_err(|_| {
                let why = format!("not a valid `{class}` value");
                RecordError::Invalid(format!(
                    "Cannot deserialize value of type `{class}` from String \"{text}\": {why}"
                ))
            })
        }
        Some(Token::StartObject) => Err(wrong_token(class, "Object", "START_OBJECT")),
        Some(Token::StartArray) => Err(wrong_token(class, "Array", "START_ARRAY")),
        _ => Err(wrong_scalar(class, parser)?),
    }
}

/// An instant. Numbers, and texts of digits only, are seconds.
fn read_timestamp(parser: &mut Parser) -> Result<Option<i64>, RecordError> {
    let class = "java.time.Instant";
    match parser.current() {
        Some(Token::Null) => Ok(None),
        Some(Token::Int | Token::Float) => Ok(Some(seconds_to_ms(parser.number_text()))),
        Some(Token::String) => {
            let text = parser.read_string()?;
            let trimmed = text.trim();
            if !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit()) {
                return Ok(Some(seconds_to_ms(trimmed)));
            }
            parse_instant(trimmed).map(Some).map_err(|index| {
                RecordError::Invalid(format!(
                    "Cannot deserialize value of type `{class}` from String \"{text}\": Failed to deserialize {class}: (java.time.format.DateTimeParseException) Text '{trimmed}' could not be parsed at index {index}"
                ))
            })
        }
        Some(Token::StartObject) => Err(wrong_token(class, "Object", "START_OBJECT")),
        Some(Token::StartArray) => Err(wrong_token(class, "Array", "START_ARRAY")),
        _ => Err(wrong_scalar(class, parser)?),
    }
}

fn seconds_to_ms(number: &str) -> i64 {
    match number.parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => (number.parse::<f64>().unwrap_or(0.0) * 1000.0).floor() as i64,
    }
}

fn read_payload(
    parser: &mut Parser,
    field: &str,
    version: Version,
) -> Result<Option<Payload>, RecordError> {
    let class = format!("{PACKAGE}.ProduceRequest$ProduceRequestData");
    match parser.current() {
        Some(Token::Null) => return Ok(None),
        Some(Token::StartObject) => {}
        Some(Token::StartArray) => return Err(wrong_token(&class, "Array", "START_ARRAY")),
        _ => return Err(no_constructor(&class, parser)),
    }
    let mut fields = PayloadFields::default();
    while parser.next_token()? == Some(Token::FieldName) {
        let name = parser.take_name();
        parser.next_token()?;
        match name.as_str() {
            "type" => fields.format = read_format(parser)?,
            "subject" => fields.subject = read_text(parser)?,
            "subject_name_strategy" => fields.strategy = read_text(parser)?,
            "schema_id" => fields.schema_id = read_integer(parser, "java.lang.Integer")?,
            "schema_version" => fields.schema_version = read_text(parser)?,
            "schema" => fields.schema = read_text(parser)?,
            "data" => {
                fields.data = Some(parser.read_tree().map_err(|stop| with_path(stop, field))?);
            }
            _ => {
                let known = [
                    "schema",
                    "subject_name_strategy",
                    "schema_id",
                    "type",
                    "subject",
                    "schema_version",
                    "data",
                ];
                let class = "AutoValue_ProduceRequest_ProduceRequestData";
                return Err(unrecognized(&name, class, &known, version));
            }
        }
    }
    fields.check().map(Some).map_err(|why| problem(&class, &why))
}

fn read_format(parser: &mut Parser) -> Result<Option<Format>, RecordError> {
    let Some(name) = read_text(parser)? else { return Ok(None) };
    match Format::parse(&name) {
        Some(format) => Ok(Some(format)),
        None => Err(RecordError::Invalid(format!(
            "Cannot deserialize value of type `io.confluent.kafkarest.entities.EmbeddedFormat` from String \"{name}\": not one of the values accepted for Enum class: [BINARY, AVRO, JSON, JSONSCHEMA, PROTOBUF, STRING]"
        ))),
    }
}

#[derive(Default)]
struct PayloadFields {
    format: Option<Format>,
    subject: Option<String>,
    strategy: Option<String>,
    schema_id: Option<i64>,
    schema_version: Option<String>,
    schema: Option<String>,
    data: Option<Json>,
}

impl PayloadFields {
    /// The rules about which fields go together.
    fn check(self) -> Result<Payload, String> {
        let data = self.data.ok_or("Null data")?;
        let used = [
            ("subject", self.subject.is_some()),
            ("subject_name_strategy", self.strategy.is_some()),
            ("schema_id", self.schema_id.is_some()),
            ("schema_version", self.schema_version.is_some()),
            ("schema", self.schema.is_some()),
        ];
        match self.format {
            Some(format) if !format.needs_schema() => {
                if let Some((field, _)) = used.iter().find(|(_, used)| *used) {
                    return Err(format!("'type={}' cannot be used with '{field}'.", format.name()));
                }
            }
            Some(_) if self.schema_id.is_some() => {
                return Err("'schema_id' cannot be used with 'serializer'.".into());
            }
            Some(_) if self.schema.is_none() => {
                let version = self.schema_version.as_deref().unwrap_or("latest");
                return Err(format!(
                    "'schema_version={version}' cannot be used with 'serializer'."
                ));
            }
            _ => {}
        }
        Ok(Payload { format: self.format, subject: self.subject, data })
    }
}

/// A limit of the parser names the fields that it was in.
fn with_path(stop: Stop, field: &str) -> RecordError {
    match stop {
        Stop::Limit(message) => RecordError::Stop(Stop::Limit(format!(
            "{message} (through reference chain: {PACKAGE}.ProduceRequest$Builder[\"{field}\"]->{PACKAGE}.ProduceRequest$ProduceRequestData[\"data\"])"
        ))),
        other => RecordError::Stop(other),
    }
}

fn wrong_token(class: &str, what: &str, token: &str) -> RecordError {
    RecordError::Invalid(format!(
        "Cannot deserialize value of type `{class}` from {what} value (token `JsonToken.{token}`)"
    ))
}

fn wrong_scalar(class: &str, parser: &mut Parser) -> Result<RecordError, Stop> {
    Ok(match parser.current() {
        Some(Token::True) => wrong_token(class, "Boolean", "VALUE_TRUE"),
        Some(Token::False) => wrong_token(class, "Boolean", "VALUE_FALSE"),
        Some(Token::Int) => wrong_token(class, "Integer", "VALUE_NUMBER_INT"),
        Some(Token::Float) => wrong_token(class, "Floating-point", "VALUE_NUMBER_FLOAT"),
        _ => {
            parser.read_string()?;
            wrong_token(class, "String", "VALUE_STRING")
        }
    })
}

fn no_constructor(class: &str, parser: &mut Parser) -> RecordError {
    let scalar = match parser.read_tree() {
        Ok(scalar) => scalar,
        Err(stop) => return RecordError::Stop(stop),
    };
    let (argument, from) = match &scalar {
        Json::String(text) => ("String", format!("String value ('{text}')")),
        Json::Int(digits) => ("int/Int", format!("Number value ({digits})")),
        Json::Float(_) => ("double/Double", format!("Number value ({scalar})")),
        _ => ("boolean/Boolean", format!("boolean value ({scalar})")),
    };
    RecordError::Invalid(format!(
        "Cannot construct instance of `{class}` (although at least one Creator exists): no {argument}-argument constructor/factory method to deserialize from {from}"
    ))
}

fn problem(class: &str, why: &str) -> RecordError {
    RecordError::Invalid(format!("Cannot construct instance of `{class}`, problem: {why}"))
}

fn unrecognized(field: &str, class: &str, known: &[&str], version: Version) -> RecordError {
    // The older one closes a bracket that it never opened.
    let end = if version == Version::V7_9_9 { "])" } else { ")" };
    let names: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
    RecordError::Unrecognized {
        field: field.to_owned(),
        message: format!(
            "Unrecognized field \"{field}\" (class {PACKAGE}.{class}), not marked as ignorable ({} known properties: {}{end}",
            known.len(),
            names.join(", ")
        ),
    }
}
