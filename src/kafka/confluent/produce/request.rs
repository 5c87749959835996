//! A record in the form that v3 accepts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::host::Millis;
use crate::json_text;
use crate::kafka::Topic;
use crate::record::{self, NewRecord};
use crate::render;

/// The last millisecond of the year 9999. Later times have another textual form.
const MAX_TIMESTAMP: Millis = 253_402_300_799_999;

#[derive(Serialize)]
struct V3Record<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_id: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<V3Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<V3Data<'a>>,
    value: V3Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct V3Header<'a> {
    name: &'a str,
    value: Option<String>,
}

/// Bytes with a type that carries them unchanged, unless values are asked for as `JSON`.
/// That type does not: the proxy parses and rewrites the value, which changes numbers,
/// drops white space and breaks any signature over the bytes
/// (`recordings/v3-produce-more.jsonl`, "JSON value 1.10").
///
/// The type is never left out: then the proxy would ask the schema registry
/// (`recordings/v3-produce.jsonl`, "type missing").
#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "UPPERCASE")]
enum V3Data<'a> {
    String(&'a str),
    /// In base64. `None` is Kafka's null, the value of a tombstone.
    Binary(Option<String>),
    Json(&'a RawValue),
}

impl<'a> V3Data<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::String(text),
            Err(_) => Self::Binary(Some(STANDARD.encode(bytes))),
        }
    }
}

impl<'a> From<&'a record::Header> for V3Header<'a> {
    fn from(header: &'a record::Header) -> Self {
        Self {
            name: &header.name,
            value: header.value.as_ref().map(|value| STANDARD.encode(value)),
        }
    }
}

impl<'a> V3Record<'a> {
    fn of(record: &'a NewRecord, json_values: bool) -> Self {
        let value = |bytes: &'a [u8]| match json_values.then(|| json_text::of(bytes)) {
            Some(Some(json)) => V3Data::Json(json),
            _ => V3Data::of(bytes),
        };
        Self {
            partition_id: record.partition,
            headers: record.headers.iter().map(V3Header::from).collect(),
            key: record.key.as_deref().map(V3Data::of),
            value: record.value.as_deref().map_or(V3Data::Binary(None), value),
            timestamp: record.timestamp.map(render::timestamp),
        }
    }
}

/// The body of a produce: JSON objects one after the other, without separators.
pub(super) fn body<'a>(records: impl Iterator<Item = &'a NewRecord>, json_values: bool) -> Vec<u8> {
    let mut body = Vec::new();
    for record in records {
        serde_json::to_writer(&mut body, &V3Record::of(record, json_values))
            .expect("a vector takes every byte, and no map here has keys that are not text");
    }
    body
}

/// Checks that Kafka could accept the record, because sending one that it
/// cannot accept may harm others. A partition that does not exist blocks the
/// stream for a minute (`recordings/v3-produce-unknown-topic.jsonl`). After a
/// record over the topic's limit was sent together with others, the producer of
/// a REST Proxy was seen to hang until a restart, with the Kafka clients 3.9.1
/// and 4.3.0 (`reference/confluent-rest.md`, 3.3).
pub(super) fn check(record: &NewRecord, topic: &Topic, json_values: bool) -> Result<()> {
    if let Some(partition) = record.partition
        && !(0..topic.partitions).contains(&partition)
    {
        let last = topic.partitions - 1;
        let message = format!("The topic has no partition {partition}; its last one is {last}");
        return Err(Error::invalid("partition", message));
    }
    if record.timestamp.is_some_and(|time| !(0..=MAX_TIMESTAMP).contains(&time)) {
        let message = "The timestamp is not within the years 1970 to 9999";
        return Err(Error::invalid("timestamp", message));
    }
    if json_values && record.value.as_ref().is_some_and(|value| json_text::of(value).is_none()) {
        return Err(Error::invalid("record", "The value is not JSON"));
    }
    let size = super::size::in_a_batch(record);
    match topic.max_message_bytes {
        Some(limit) if size > limit => Err(ErrorKind::TooLarge { size, limit }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn text(records: &[NewRecord]) -> String {
        String::from_utf8(body(records.iter(), false)).unwrap()
    }

    fn value(value: &'static [u8]) -> NewRecord {
        NewRecord { value: Some(Bytes::from_static(value)), ..NewRecord::default() }
    }

    #[test]
    fn text_goes_as_text_and_other_bytes_as_base64() {
        assert_eq!(
            text(&[value(b"{\"a\": 1.10}"), value(b"\xff\x00"), value(b""), value(b"\0\x1f\"")]),
            concat!(
                r#"{"value":{"type":"STRING","data":"{\"a\": 1.10}"}}"#,
                r#"{"value":{"type":"BINARY","data":"/wA="}}"#,
                r#"{"value":{"type":"STRING","data":""}}"#,
                r#"{"value":{"type":"STRING","data":"\u0000\u001f\""}}"#,
            )
        );
    }

    #[test]
    fn a_tombstone_is_an_explicit_null() {
        let tombstone = NewRecord { key: Some(Bytes::from_static(b"k")), ..NewRecord::default() };
        assert_eq!(
            text(&[tombstone]),
            r#"{"key":{"type":"STRING","data":"k"},"value":{"type":"BINARY","data":null}}"#
        );
    }

    #[test]
    fn json_goes_as_it_is_where_it_is_asked_for() {
        let records = [value(b"{\"a\": 1.10}"), NewRecord::default()];
        assert_eq!(
            String::from_utf8(body(records.iter(), true)).unwrap(),
            concat!(
                r#"{"value":{"type":"JSON","data":{"a": 1.10}}}"#,
                r#"{"value":{"type":"BINARY","data":null}}"#,
            )
        );
        let topic = Topic { name: "t".into(), partitions: 1, max_message_bytes: None };
        assert_eq!(check(&records[0], &topic, true), Ok(()));
        assert_eq!(check(&records[1], &topic, true), Ok(()));
        assert!(matches!(
            check(&value(b"a=1"), &topic, true),
            Err(error) if matches!(*error, ErrorKind::Invalid { .. })
        ));
        assert_eq!(check(&value(b"a=1"), &topic, false), Ok(()));
    }

    #[test]
    fn partition_headers_and_time_go_along() {
        let header = |name: &str, value: Option<&'static [u8]>| record::Header {
            name: name.into(),
            value: value.map(Bytes::from_static),
        };
        let record = NewRecord {
            partition: Some(2),
            headers: vec![header("b", Some(b"abcd")), header("a", None), header("b", Some(b""))],
            timestamp: Some(1_772_360_130_250),
            ..value(b"v")
        };
        assert_eq!(
            text(&[record]),
            concat!(
                r#"{"partition_id":2,"headers":[{"name":"b","value":"YWJjZA=="},"#,
                r#"{"name":"a","value":null},{"name":"b","value":""}],"#,
                r#""value":{"type":"STRING","data":"v"},"timestamp":"2026-03-01T10:15:30.250Z"}"#,
            )
        );
    }

    #[test]
    fn what_kafka_cannot_take_is_refused() {
        let topic = Topic { name: "t".into(), partitions: 3, max_message_bytes: Some(61 + 7 + 10) };
        let check = |record: &NewRecord| check(record, &topic, false);
        assert_eq!(check(&value(b"0123456789")), Ok(()));
        assert_eq!(
            check(&value(b"0123456789a")),
            Err(ErrorKind::TooLarge { size: 61 + 7 + 11, limit: 61 + 7 + 10 }.into())
        );
        for (partition, fine) in [(0, true), (2, true), (3, false), (-1, false)] {
            let record = NewRecord { partition: Some(partition), ..value(b"") };
            assert_eq!(check(&record).is_ok(), fine, "{partition}");
        }
        for (time, fine) in
            [(0, true), (MAX_TIMESTAMP, true), (-1, false), (MAX_TIMESTAMP + 1, false)]
        {
            let record = NewRecord { timestamp: Some(time), ..value(b"") };
            assert_eq!(check(&record).is_ok(), fine, "{time}");
        }
    }
}
