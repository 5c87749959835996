//! CloudEvents 1.0: read from HTTP, written to Kafka.
//!
//! HTTP Protocol Binding 1.0.2 (binary, structured and batched content), Kafka
//! Protocol Binding 1.0.2 (binary and structured content), JSON Event Format 1.0.2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kafka_edge_bounded_json::{Budget, parse};

pub(in crate::services) use self::read::{Incoming, of_record, read};
use super::source::ContentMode;
use crate::record::Header;

mod read;

/// An event with its context.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::services) struct CloudEvent {
    /// In the order in which they came, each name once.
    pub(in crate::services) attributes: Vec<Attribute>,
    pub(in crate::services) content_type: Option<String>,
    pub(in crate::services) data: Option<Bytes>,
}

#[derive(Debug, Clone, PartialEq)]
pub(in crate::services) struct Attribute {
    /// In lower case.
    pub(in crate::services) name: String,
    /// In the canonical form of its type.
    pub(in crate::services) value: String,
    /// Whether it came as a number or a truth value of JSON, and is to go out as one.
    bare: bool,
}

impl Attribute {
    pub(in crate::services) fn text(name: &str, value: impl Into<String>) -> Self {
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
pub(in crate::services) struct Malformed(pub(in crate::services) &'static str);

impl CloudEvent {
    pub(in crate::services) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// What tells it from all others: source and id together (CloudEvents 1.0.2, `id`).
    /// Neither holds a line feed: one with a control character was not read.
    pub(in crate::services) fn identity(&self) -> Option<String> {
        Some(format!("{}\n{}", self.attribute("source")?, self.attribute("id")?))
    }

    pub(in crate::services) fn set_if_missing(
        &mut self,
        name: &str,
        value: impl FnOnce() -> String,
    ) {
        if self.attribute(name).is_none() {
            self.attributes.push(Attribute::text(name, value()));
        }
    }

    /// The headers and the value of a record. With `Structured`, data that is not JSON
    /// by its content type is in base64, and so is data without one: without a type,
    /// readers would take what is in `data` for JSON (JSON format, 3.1.1).
    pub(in crate::services) fn write(
        &self,
        mode: ContentMode,
        budget: &mut Budget,
    ) -> Result<(Vec<Header>, Option<Bytes>), Malformed> {
        match mode {
            ContentMode::Binary => Ok((self.headers(), self.data.clone())),
            ContentMode::Structured => {
                let content_type = "application/cloudevents+json; charset=UTF-8";
                let headers = vec![header("content-type".into(), content_type)];
                Ok((headers, Some(self.structured(budget)?)))
            }
        }
    }

    /// The headers in the binary mode of HTTP (HTTP binding, 3.1).
    pub(in crate::services) fn http_headers(&self) -> Vec<(String, String)> {
        let attributes = self.attributes.iter();
        attributes
            .map(|Attribute { name, value, .. }| (format!("ce-{name}"), encoded(value)))
            .collect()
    }

    /// The headers in binary mode.
    pub(in crate::services) fn headers(&self) -> Vec<Header> {
        let attributes = self.attributes.iter();
        let attributes =
            attributes.map(|Attribute { name, value, .. }| header(format!("ce_{name}"), value));
        let content_type = self.content_type.iter();
        attributes.chain(content_type.map(|value| header("content-type".into(), value))).collect()
    }

    /// The event as JSON.
    pub(in crate::services) fn structured(&self, budget: &mut Budget) -> Result<Bytes, Malformed> {
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

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // JSON format, 3.1.1.
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// The value of an attribute as a header of HTTP has it (HTTP binding, 3.1.3.2).
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'"' | b'%' => text.push_str(if byte == b'%' { "%25" } else { "%22" }),
            0x21..=0x7e => text.push(byte.into()),
            _ => {
                text.push('%');
                let hex = crate::random::hex(&[byte]);
                text.push_str(&hex.to_ascii_uppercase());
            }
        }
    }
    text
}

fn header(name: String, value: &str) -> Header {
    Header { name, value: Some(Bytes::copy_from_slice(value.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_stands_in_a_header_whatever_it_holds() {
        assert_eq!(encoded("/in/a~b"), "/in/a~b");
        // The example of the binding, and what it does not show.
        assert_eq!(encoded("Euro \u{20ac} \u{1f600}"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(encoded("\"50%\""), "%2250%25%22");
    }
}
