//! CloudEvents 1.0: read from HTTP, written to Kafka.
//!
//! HTTP Protocol Binding 1.0.2 (binary, structured and batched content), Kafka
//! Protocol Binding 1.0.2 (binary and structured content), JSON Event Format 1.0.2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kafka_edge_bounded_json::{Budget, Value, parse};

use super::inbound::Inbound;
use super::source::ContentMode;
use crate::calendar::parse_rfc3339;
use crate::record::Header;

#[cfg(test)]
mod tests;

/// Bounds what a stranger can make of one request.
const MAX_ATTRIBUTES: usize = 64;
const MAX_BATCH: usize = 500;

const JSON: &str = "application/json";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const PREFIX: &str = "ce-";
/// The attributes of CloudEvents 1.0 itself, none of which is a number or a truth value.
const CORE: [&str; 7] = ["specversion", "id", "source", "type", "subject", "time", "dataschema"];

/// An event with its context.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CloudEvent {
    /// In the order in which they came, each name once.
    pub(super) attributes: Vec<Attribute>,
    pub(super) content_type: Option<String>,
    pub(super) data: Option<Bytes>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    /// In lower case.
    pub(super) name: String,
    /// In the canonical form of its type.
    pub(super) value: String,
    /// Whether it came as a number or a truth value of JSON, and is to go out as one.
    bare: bool,
}

impl Attribute {
    pub(super) fn text(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into(), bare: false }
    }

    fn to_json(&self) -> serde_json::Value {
        // What has no exact form there stays a text.
        let bare = self.bare.then(|| match self.value.as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            number => number.parse::<i64>().ok().map(Into::into),
        });
        bare.flatten().unwrap_or_else(|| self.value.clone().into())
    }
}

/// Why a request that calls itself a CloudEvent is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// How a request brings CloudEvents.
pub(super) enum Incoming {
    /// It brings none.
    None,
    One(CloudEvent),
    Batch(Vec<CloudEvent>),
}

impl CloudEvent {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// What tells it from all others: source and id together (CloudEvents 1.0.2, `id`).
    pub(super) fn identity(&self) -> Option<String> {
        Some(format!("{} {}", self.attribute("source")?, self.attribute("id")?))
    }

    pub(super) fn set_if_missing(&mut self, name: &str, value: impl FnOnce() -> String) {
        if self.attribute(name).is_none() {
            self.attributes.push(Attribute::text(name, value()));
        }
    }

    /// The headers and the value of a record. With `Structured`, data that is not JSON
    /// by its content type is in base64, and so is data without one: without a type,
    /// readers would take what is in `data` for JSON (JSON format, 3.1.1).
    pub(super) fn write(
        &self,
        mode: ContentMode,
        budget: &mut Budget,
    ) -> Result<(Vec<Header>, Option<Bytes>), Malformed> {
        let header = |name: String, value: &str| {
            let value = Some(Bytes::copy_from_slice(value.as_bytes()));
            Header { name, value }
        };
        match mode {
            ContentMode::Binary => {
                let attributes = self.attributes.iter();
                let mut headers: Vec<_> = attributes
                    .map(|Attribute { name, value, .. }| header(format!("ce_{name}"), value))
                    .collect();
                if let Some(content_type) = &self.content_type {
                    headers.push(header("content-type".into(), content_type));
                }
                Ok((headers, self.data.clone()))
            }
            ContentMode::Structured => {
                let content_type = "application/cloudevents+json; charset=UTF-8";
                let headers = vec![header("content-type".into(), content_type)];
                Ok((headers, Some(self.structured(budget)?)))
            }
        }
    }

    fn structured(&self, budget: &mut Budget) -> Result<Bytes, Malformed> {
        let mut json = serde_json::Map::new();
        for attribute in &self.attributes {
            json.insert(attribute.name.clone(), attribute.to_json());
        }
        if let Some(content_type) = &self.content_type {
            json.insert("datacontenttype".into(), content_type.clone().into());
        }
        let is_json = self.content_type.as_deref().is_some_and(is_json);
        let mut text = serde_json::to_vec(&json).unwrap_or_default();
        let Some(data) = &self.data else { return Ok(text.into()) };
        // The closing brace comes after the data, which is written as it came.
        text.pop();
        if !json.is_empty() {
            text.push(b',');
        }
        if is_json && parse(data, budget).is_ok() {
            text.extend_from_slice(b"\"data\":");
            text.extend_from_slice(data);
        } else {
            text.extend_from_slice(b"\"data_base64\":\"");
            text.extend_from_slice(STANDARD.encode(data).as_bytes());
            text.push(b'"');
        }
        text.push(b'}');
        Ok(text.into())
    }
}

/// Reads what a request brings.
pub(super) fn read(request: &Inbound, budget: &mut Budget) -> Result<Incoming, Malformed> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    // By the beginning and without regard to case (HTTP binding, section 3).
    if essence.eq_ignore_ascii_case(BATCH) {
        let events =
            parse(&request.body, budget).map_err(|_| Malformed("The batch is not JSON"))?;
        let events = events.as_array().ok_or(Malformed("The batch is not a list"))?;
        if events.len() > MAX_BATCH {
            return Err(Malformed("The batch has more than 500 events"));
        }
        let events = events.iter().map(|event| of_json(event, budget));
        return Ok(Incoming::Batch(events.collect::<Result<_, _>>()?));
    }
    if essence.eq_ignore_ascii_case(STRUCTURED) {
        let event = parse(&request.body, budget).map_err(|_| Malformed("The event is not JSON"))?;
        return Ok(Incoming::One(of_json(&event, budget)?));
    }
    if request.header("ce-specversion").is_none() {
        return Ok(Incoming::None);
    }
    let mut attributes = Vec::new();
    for (name, value) in &request.headers {
        let Some((prefix, name)) = name.split_at_checked(PREFIX.len()) else { continue };
        // The content type alone says what type the data have (HTTP binding, 3.1.1).
        let is_type = name.eq_ignore_ascii_case("datacontenttype");
        if prefix.eq_ignore_ascii_case(PREFIX) && !name.is_empty() && !is_type {
            let value = unquoted(value).ok_or(Malformed("An attribute is not UTF-8"))?;
            add(&mut attributes, Attribute::text(name, value))?;
        }
    }
    let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
    let data = (!request.body.is_empty()).then(|| request.body.clone());
    checked(CloudEvent { attributes, content_type, data }).map(Incoming::One)
}

fn of_json(event: &Value, budget: &mut Budget) -> Result<CloudEvent, Malformed> {
    let event = event.as_object().ok_or(Malformed("The event is not an object"))?;
    let (mut attributes, mut content_type) = (Vec::new(), None);
    let (mut data, mut base64) = (None, None);
    for (name, value) in event.iter() {
        match (&**name, value) {
            ("data", value) => data = Some(value),
            // For an attribute, null is the same as absent (JSON format, 2.2).
            (_, Value::Null) => {}
            ("data_base64", Value::String(text)) => {
                let bytes = STANDARD.decode(text.as_bytes());
                base64 = Some(bytes.map_err(|_| Malformed("data_base64 is not base64"))?);
            }
            ("datacontenttype", Value::String(text)) => content_type = Some(text.to_string()),
            (name, Value::String(text)) => {
                add(&mut attributes, Attribute::text(name, text.to_string()))?;
            }
            (name, Value::Bool(flag)) => {
                let text = Attribute::text(name, flag.to_string());
                add(&mut attributes, Attribute { bare: true, ..text })?;
            }
            (name, Value::Number(number)) => {
                let text = Attribute::text(name, number.to_string());
                add(&mut attributes, Attribute { bare: true, ..text })?;
            }
            _ => {
                return Err(Malformed(
                    "An attribute is neither a text, a number nor a truth value",
                ));
            }
        }
    }
    let text_type = content_type.as_deref().is_some_and(|name| !is_json(name));
    let data = match (data, base64) {
        (None, None) => None,
        (None | Some(Value::Null), Some(bytes)) => Some(bytes.into()),
        (Some(_), Some(_)) => return Err(Malformed("The event has both data and data_base64")),
        // Data of another type is in a string (JSON format, 3.1.1).
        (Some(Value::String(text)), None) if text_type => {
            Some(Bytes::copy_from_slice(text.as_bytes()))
        }
        (Some(Value::Null), None) if text_type => None,
        // An explicit null is a JSON value as others are (3.1.1).
        (Some(value), None) => {
            content_type.get_or_insert_with(|| JSON.to_owned());
            let bytes = value.to_vec(budget);
            Some(bytes.map_err(|_| Malformed("The data is too large"))?.into())
        }
    };
    checked(CloudEvent { attributes, content_type, data })
}

fn add(attributes: &mut Vec<Attribute>, mut attribute: Attribute) -> Result<(), Malformed> {
    attribute.name.make_ascii_lowercase();
    let name = attribute.name.as_str();
    // CloudEvents 1.0.2, "Naming Conventions".
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(Malformed("An attribute's name holds something other than letters and digits"));
    }
    // They have places of their own, and would be there twice.
    if name == "data" || name == "datacontenttype" {
        return Err(Malformed("The data or their type are given as a plain attribute"));
    }
    // What readers make of it would depend on whether they keep the first or the last.
    if attributes.iter().any(|known| known.name == name) {
        return Err(Malformed("An attribute is there twice"));
    }
    // CloudEvents 1.0.2, "Type System".
    if attribute.value.chars().any(char::is_control) {
        return Err(Malformed("An attribute holds a control character"));
    }
    if attributes.len() >= MAX_ATTRIBUTES {
        return Err(Malformed("The event has more than 64 attributes"));
    }
    attribute.bare &= !CORE.contains(&name);
    attributes.push(attribute);
    Ok(())
}

fn checked(event: CloudEvent) -> Result<CloudEvent, Malformed> {
    if event.attribute("specversion") != Some("1.0") {
        return Err(Malformed("The event is not of version 1.0 of CloudEvents"));
    }
    let missing =
        ["id", "source", "type"].iter().any(|name| event.attribute(name).is_none_or(str::is_empty));
    if missing {
        return Err(Malformed("The event lacks one of id, source and type"));
    }
    // The SDKs fail on another form, each in its own way.
    if event.attribute("time").is_some_and(|time| parse_rfc3339(time).is_none()) {
        return Err(Malformed("The event's time is not in the form of RFC 3339"));
    }
    Ok(event)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // JSON format, 3.1.1.
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// Undoes quotes, which older senders write, and then percent-encoding, once each (HTTP
/// binding, 3.1.3.2). What is raw UTF-8 stays as it is.
fn unquoted(value: &[u8]) -> Option<String> {
    let value = value.trim_ascii();
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let mut plain = Vec::new();
    let mut rest = quoted.unwrap_or(value);
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.split_first().filter(|_| first == b'\\' && quoted.is_some());
        let (byte, after) = escaped.map_or((first, after), |(&byte, after)| (byte, after));
        plain.push(byte);
        rest = after;
    }
    let mut bytes = Vec::new();
    let mut rest = &plain[..];
    while let Some((&first, after)) = rest.split_first() {
        let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        let encoded = hex(after.first()).zip(hex(after.get(1))).filter(|_| first == b'%');
        let (byte, after) = match encoded {
            Some((high, low)) => (u8::try_from(high * 16 + low).ok()?, &after[2..]),
            None => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
