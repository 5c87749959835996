//! What a request to a callback holds.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

use super::envelope;
use super::settings::Body;
use crate::json_text;
use crate::record::Record;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A record that is delivered, alone or with others.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) record: Record,
    /// What a transform made of its value.
    pub(super) transformed: Option<Box<RawValue>>,
}

impl Item {
    /// About how many bytes it has in a body.
    pub(super) fn size(&self) -> usize {
        self.transformed.as_ref().map_or_else(|| self.record.size(), |json| json.get().len()) + 200
    }
}

/// Where records come from, and for whom they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    pub(super) subscription_id: &'a str,
    pub(super) cluster: &'a str,
    pub(super) topic: &'a str,
}

/// A body and its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Message {
    fn new(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self { headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]), body: body.into() }
    }
}

/// Makes the body of one delivery. The error is a sentence about a record that cannot be
/// written so.
pub(super) fn make(form: Body, from: From<'_>, items: &[Item]) -> Result<Message, String> {
    let write = |out: &mut Vec<u8>, item: &Item| {
        let transformed = item.transformed.as_deref();
        envelope::write(out, from.subscription_id, from.topic, &item.record, transformed);
    };
    let [first, ..] = items else { return Err("There is no record".into()) };
    match form {
        Body::Envelope => {
            let mut out = Vec::new();
            write(&mut out, first);
            Ok(Message::new(JSON, out))
        }
        Body::Envelopes => {
            let bodies = items.iter().map(|item| {
                let mut out = Vec::new();
                write(&mut out, item);
                Ok(out)
            });
            Ok(Message::new(JSON, array(bodies)?))
        }
        Body::Value => Ok(value(first)),
        Body::CloudeventsBinary | Body::CloudeventsStructured | Body::CloudeventsBatch => {
            cloud_events(form, from, items)
        }
    }
}

fn array(bodies: impl Iterator<Item = Result<Vec<u8>, String>>) -> Result<Vec<u8>, String> {
    let mut all = vec![b'['];
    for body in bodies {
        if all.len() > 1 {
            all.push(b',');
        }
        all.extend_from_slice(&body?);
    }
    all.push(b']');
    Ok(all)
}

fn value(item: &Item) -> Message {
    if let Some(json) = &item.transformed {
        return Message::new(JSON, json.get().as_bytes().to_vec());
    }
    let body = item.record.value.clone().unwrap_or_default();
    Message::new(content_type(item), body)
}

/// What the record says of its value, or what its bytes show.
fn content_type(item: &Item) -> HeaderValue {
    if item.transformed.is_some() {
        return JSON;
    }
    let mut headers = item.record.headers.iter().flatten();
    let given = headers.find(|header| header.name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
    let given = given.and_then(|header| HeaderValue::from_bytes(header.value.as_deref()?).ok());
    given.unwrap_or_else(|| {
        let value = item.record.value.as_deref().unwrap_or_default();
        let is_json = json_text::read::<&RawValue>(value).is_ok();
        HeaderValue::from_static(match std::str::from_utf8(value) {
            Ok(_) if is_json => "application/json",
            Ok(_) => "text/plain; charset=utf-8",
            Err(_) => "application/octet-stream",
        })
    })
}

#[cfg(not(feature = "sources"))]
fn cloud_events(_: Body, _: From<'_>, _: &[Item]) -> Result<Message, String> {
    Err(NO_CLOUD_EVENTS.into())
}

/// Why CloudEvents are not taken, where they are not.
pub(super) const NO_CLOUD_EVENTS: &str = "This gateway was built without CloudEvents";

#[cfg(feature = "sources")]
fn cloud_events(form: Body, from: From<'_>, items: &[Item]) -> Result<Message, String> {
    use kafka_edge_bounded_json::{Budget, Limits};

    let mut budget = Budget::new(Limits::default());
    let mut structured = |item: &Item| {
        let json = cloud_event(from, item).structured(&mut budget);
        json.map(Vec::from).map_err(|malformed| malformed.0.to_owned())
    };
    match form {
        Body::CloudeventsBatch => {
            let content_type = "application/cloudevents-batch+json; charset=UTF-8";
            let body = array(items.iter().map(structured))?;
            Ok(Message::new(HeaderValue::from_static(content_type), body))
        }
        Body::CloudeventsStructured => {
            let content_type = "application/cloudevents+json; charset=UTF-8";
            let body = structured(&items[0])?;
            Ok(Message::new(HeaderValue::from_static(content_type), body))
        }
        _ => {
            let event = cloud_event(from, &items[0]);
            let mut headers = HeaderMap::new();
            for (name, value) in event.http_headers() {
                let name = HeaderName::try_from(name);
                if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                    headers.insert(name, value);
                }
            }
            let content_type = event.content_type.and_then(|text| HeaderValue::try_from(text).ok());
            headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
            Ok(Message { headers, body: event.data.unwrap_or_default() })
        }
    }
}

/// The CloudEvent that a record is, or is made into.
#[cfg(feature = "sources")]
fn cloud_event(from: From<'_>, item: &Item) -> crate::services::sources::cloud_events::CloudEvent {
    use kafka_edge_bounded_json::{Budget, Limits};

    use crate::render::timestamp;
    use crate::services::sources::cloud_events::{Attribute, CloudEvent, of_record};

    let Item { record, transformed } = item;
    let mut budget = Budget::new(Limits::default());
    let headers = record.headers.as_deref().unwrap_or_default();
    let known = of_record(headers, record.value.as_ref(), &mut budget).ok().flatten();
    let (text, content_type) = (|| content_type(item).to_str().ok().map(str::to_owned), JSON);
    let mut event = known.unwrap_or_else(|| {
        let From { cluster, topic, .. } = from;
        let data = record.value.clone();
        let content_type = if data.is_some() { text() } else { None };
        let id = format!("{topic}-{}-{}", record.partition, record.offset);
        let mut attributes = vec![
            Attribute::text("specversion", "1.0"),
            Attribute::text("id", id),
            Attribute::text("source", format!("/kafka/{cluster}/{topic}")),
            Attribute::text("type", "kafka-edge.record"),
        ];
        attributes.extend(record.timestamp.map(|time| Attribute::text("time", timestamp(time))));
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let key = key.filter(|key| !key.is_empty() && !key.chars().any(char::is_control));
        attributes.extend(key.map(|key| Attribute::text("partitionkey", key)));
        CloudEvent { attributes, content_type, data }
    });
    if let Some(json) = transformed {
        event.data = Some(Bytes::copy_from_slice(json.get().as_bytes()));
        event.content_type = content_type.to_str().ok().map(str::to_owned);
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Header;

    const FROM: From<'_> =
        From { subscription_id: "webhook_1", cluster: "c-1", topic: "orders.eu" };

    fn item(value: &'static [u8]) -> Item {
        let record = Record {
            partition: 2,
            offset: 42,
            key: Some(Bytes::from_static("k \u{e9}".as_bytes())),
            value: Some(Bytes::from_static(value)),
            headers: None,
            timestamp: Some(0),
        };
        Item { record, transformed: None }
    }

    fn with_headers(value: &'static [u8], headers: &[(&str, &'static str)]) -> Item {
        let header = |(name, value): &(&str, &'static str)| Header {
            name: (*name).into(),
            value: Some(Bytes::from_static(value.as_bytes())),
        };
        let mut item = item(value);
        item.record.headers = Some(headers.iter().map(header).collect());
        item
    }

    fn transformed(json: &str) -> Item {
        let json = RawValue::from_string(json.into()).unwrap();
        Item { transformed: Some(json), ..item(b"x") }
    }

    fn made(form: Body, items: &[Item]) -> (String, String) {
        let Message { headers, body } = make(form, FROM, items).unwrap();
        let mut about = headers[CONTENT_TYPE].to_str().unwrap().to_owned();
        for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("ce-")) {
            about += &format!("|{name}: {}", value.to_str().unwrap());
        }
        (about, String::from_utf8_lossy(&body).into_owned())
    }

    #[test]
    fn envelopes_are_an_array_of_envelopes() {
        let (_, one) = made(Body::Envelope, &[item(b"a")]);
        let (kind, two) = made(Body::Envelopes, &[item(b"a"), item(b"a")]);
        assert_eq!((kind.as_str(), two), ("application/json", format!("[{one},{one}]")));
        assert!(make(Body::Envelopes, FROM, &[]).is_err());
    }

    #[test]
    fn a_value_is_its_bytes_under_the_type_that_is_given_or_seen() {
        for (bytes, kind) in [
            (&b"{\"a\":1}"[..], "application/json"),
            (b"hello", "text/plain; charset=utf-8"),
            (b"", "text/plain; charset=utf-8"),
            (b"\xff\x00", "application/octet-stream"),
        ] {
            assert_eq!(made(Body::Value, &[item(bytes)]).0, kind);
            assert_eq!(make(Body::Value, FROM, &[item(bytes)]).unwrap().body, bytes);
        }
        let given = with_headers(b"<a/>", &[("Content-Type", "text/xml")]);
        assert_eq!(made(Body::Value, &[given]).0, "text/xml");
        let broken = with_headers(b"1", &[("content-type", "a\nb")]);
        assert_eq!(made(Body::Value, &[broken]).0, "application/json");
        let json = ("application/json".to_owned(), "[1]".to_owned());
        assert_eq!(made(Body::Value, &[transformed("[1]")]), json);
    }

    #[cfg(feature = "sources")]
    #[test]
    fn a_record_becomes_a_cloud_event_in_each_of_the_modes() {
        let (head, body) = made(Body::CloudeventsBinary, &[item(br#"{"a":1}"#)]);
        assert_eq!(body, r#"{"a":1}"#);
        assert_eq!(
            head,
            "application/json|ce-specversion: 1.0|ce-id: orders.eu-2-42|ce-source: \
             /kafka/c-1/orders.eu|ce-type: kafka-edge.record|ce-time: \
             1970-01-01T00:00:00.000Z|ce-partitionkey: k%20%C3%A9"
        );
        let (kind, event) = made(Body::CloudeventsStructured, &[item(br#"{"a":1}"#)]);
        assert_eq!(kind, "application/cloudevents+json; charset=UTF-8");
        let json: serde_json::Value = serde_json::from_str(&event).unwrap();
        assert_eq!((&json["id"], &json["data"]["a"]), (&"orders.eu-2-42".into(), &1.into()));
        let (kind, batch) = made(Body::CloudeventsBatch, &[item(br#"{"a":1}"#), transformed("7")]);
        assert_eq!(kind, "application/cloudevents-batch+json; charset=UTF-8");
        let batch: serde_json::Value = serde_json::from_str(&batch).unwrap();
        assert_eq!((&batch[0], &batch[1]["data"]), (&json, &7.into()));
    }

    #[cfg(feature = "sources")]
    #[test]
    fn a_record_that_is_a_cloud_event_stays_it() {
        let structured =
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"b":2}}"#;
        let kind = ("content-type", "application/cloudevents+json");
        let inner = with_headers(structured.as_bytes(), &[kind]);
        let context =
            [("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t")];
        let binary = with_headers(
            br#"{"b":2}"#,
            &[&context[..], &[("content-type", "application/json")]].concat(),
        );
        for event in [inner, binary] {
            let (head, body) = made(Body::CloudeventsBinary, std::slice::from_ref(&event));
            let attributes = "|ce-specversion: 1.0|ce-id: 1|ce-source: /s|ce-type: t";
            assert_eq!(
                (head, body.as_str()),
                (format!("application/json{attributes}"), r#"{"b":2}"#)
            );
            let (_, json) = made(Body::CloudeventsStructured, &[event]);
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!((&json["source"], &json["data"]["b"]), (&"/s".into(), &2.into()));
        }
        // One that only looks like an event is delivered as a record.
        let half = with_headers(b"1", &context[..2]);
        assert!(made(Body::CloudeventsBinary, &[half]).0.contains("ce-id: orders.eu-2-42"));
    }
}
