//! Reads the fields of a call from a parsed body.

use super::parser::{Parser, Stop};
use super::value::Json;

/// Why a body does not fit its call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BindError {
    /// Broken JSON or a value of the wrong kind, with Jackson's message.
    Invalid(String),
    /// A field that the call does not know.
    Unrecognized(String),
    /// A value with which the proxy fails without a message.
    Internal,
}

/// Reads one whole body. An empty one is `Null`, as it is for the proxy.
pub(crate) fn read_document(bytes: &[u8]) -> Result<Json, BindError> {
    let mut parser = Parser::complete(bytes);
    let read = |parser: &mut Parser| match parser.next_token()? {
        Some(_) => parser.read_tree(),
        None => Ok(Json::Null),
    };
    read(&mut parser).map_err(|stop| match stop {
        Stop::Syntax(message) | Stop::Limit(message) | Stop::Input(message) => {
            BindError::Invalid(short_names(&message))
        }
        Stop::NeedMore => BindError::Internal,
    })
}

/// A text that is not JSON, and the place of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotJson {
    pub(crate) message: String,
    pub(crate) line: u64,
    /// Of the last byte that was read.
    pub(crate) column: u64,
}

/// Reads the value that a record's bytes begin with.
pub(crate) fn read_value(bytes: &[u8]) -> Result<Json, NotJson> {
    let mut parser = Parser::complete(bytes);
    let outcome = parser.next_token().and_then(|token| match token {
        Some(_) => parser.read_tree(),
        None => Ok(Json::Null),
    });
    outcome.map_err(|stop| {
        let (line, column) = parser.location();
        let message = match stop {
            Stop::Syntax(message) | Stop::Limit(message) | Stop::Input(message) => message,
            Stop::NeedMore => String::new(),
        };
        NotJson { message, line, column }
    })
}

/// Outside the produce stream the proxy cuts package and class prefixes from
/// whatever a message quotes in backticks.
fn short_names(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for (i, part) in message.split('`').enumerate() {
        if i > 0 {
            out.push('`');
        }
        if i % 2 == 1 {
            let start = match part.starts_with("JsonToken.") {
                true => 0,
                false => part.rfind(['.', '$']).map_or(0, |at| at + 1),
            };
            out.push_str(&part[start..]);
        } else {
            out.push_str(part);
        }
    }
    out
}

impl BindError {
    pub(crate) fn invalid(message: impl AsRef<str>) -> BindError {
        BindError::Invalid(short_names(message.as_ref()))
    }
}

/// The fields of an object, taken out one by one.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(String, Json)>);

impl Fields {
    /// The fields of `json`, which must be an object with known fields only.
    /// `class` is what the proxy's messages call it.
    pub(crate) fn new(json: Json, class: &str, known: &[&str]) -> Result<Fields, BindError> {
        let entries = match json {
            Json::Object(entries) => entries,
            Json::Null => Vec::new(),
            Json::Array(_) => {
                return Err(BindError::invalid(format!(
                    "Cannot deserialize value of type `{class}` from Array value (token `JsonToken.START_ARRAY`)"
                )));
            }
            other => return Err(BindError::invalid(no_constructor(class, &other))),
        };
        if let Some((name, _)) = entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(BindError::Unrecognized(name.clone()));
        }
        Ok(Fields(entries))
    }

    /// Takes a field; one that is null counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        let (_, value) = self.0.swap_remove(at);
        (!value.is_null()).then_some(value)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, BindError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(Json::Array(_)) => Err(wrong_type("java.lang.String", "Array", "START_ARRAY")),
            Some(Json::Object(_)) => Err(wrong_type("java.lang.String", "Object", "START_OBJECT")),
            // A number or a boolean is taken as its text.
            Some(scalar) => Ok(Some(scalar.to_string())),
        }
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, BindError> {
        self.take(name).map(|json| integer(&json)).transpose()
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, BindError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(b)) => Ok(Some(b)),
            Some(Json::String(s)) if s.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Json::String(s)) if s.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(BindError::invalid(format!(
                "Cannot deserialize value of type `java.lang.Boolean` from {other}"
            ))),
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Json>>, BindError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Array(items)) => Ok(Some(items)),
            Some(Json::Object(_)) => {
                Err(wrong_type("java.util.ArrayList", "Object", "START_OBJECT"))
            }
            Some(other) => Err(BindError::invalid(format!(
                "Cannot deserialize value of type `java.util.ArrayList` from {other}"
            ))),
        }
    }
}

fn integer(json: &Json) -> Result<i64, BindError> {
    let bad = |what: String| {
        BindError::invalid(format!(
            "Cannot deserialize value of type `java.lang.Integer` from {what}"
        ))
    };
    match json {
        Json::Int(digits) => digits.parse().map_err(|_| bad(format!("Number value ({digits})"))),
        // Fractions are cut off.
        Json::Float(value) => Ok(*value as i64),
        Json::String(text) => text
            .trim()
            .parse()
            .map_err(|_| bad(format!("String \"{text}\": not a valid `java.lang.Integer` value"))),
        Json::Bool(b) => Err(bad(format!(
            "Boolean value (token `JsonToken.VALUE_{}`)",
            b.to_string().to_uppercase()
        ))),
        Json::Array(_) => Err(wrong_type("java.lang.Integer", "Array", "START_ARRAY")),
        Json::Object(_) => Err(wrong_type("java.lang.Integer", "Object", "START_OBJECT")),
        Json::Null => Ok(0),
    }
}

fn wrong_type(class: &str, what: &str, token: &str) -> BindError {
    BindError::invalid(format!(
        "Cannot deserialize value of type `{class}` from {what} value (token `JsonToken.{token}`)"
    ))
}

/// Jackson's complaint about a scalar where an object was due.
fn no_constructor(class: &str, scalar: &Json) -> String {
    let (argument, from) = match scalar {
        Json::String(text) => ("String", format!("String value ('{text}')")),
        Json::Int(digits) => ("int/Int", format!("Number value ({digits})")),
        Json::Float(_) => ("double/Double", format!("Number value ({scalar})")),
        _ => ("boolean/Boolean", format!("boolean value ({scalar})")),
    };
    format!(
        "Cannot construct instance of `{class}` (although at least one Creator exists): no {argument}-argument constructor/factory method to deserialize from {from}"
    )
}
