//! Records as callers of this API see them.

use std::borrow::Cow;

use serde::Serialize;

use crate::record::{self, Record};
use crate::render::{BASE64, Text};

/// A record that was read. The key of a record without one is empty, as in
/// Upstash's API, and a key that is empty has an encoding beside it; a tombstone's
/// value is null. Headers and timestamp are absent if
/// the server does not report them: an empty list would mean that there are none.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashRecord"))]
pub(super) struct RecordJson<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    key: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encoding: Option<&'static str>,
    value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<Header<'a>>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashRecordHeader"))]
struct Header<'a> {
    key: &'a str,
    value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

impl<'a> RecordJson<'a> {
    pub(super) fn of(topic: &'a str, record: &'a Record) -> Self {
        let (value, encoding) = Text::of_option(record.value.as_deref());
        let (key, key_encoding) = match record.key.as_deref() {
            Some([]) => (None, Some(BASE64)),
            key => Text::of_option(key),
        };
        Self {
            topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: key.unwrap_or_default(),
            key_encoding,
            value,
            encoding,
            headers: record.headers.as_deref().map(|all| all.iter().map(Header::of).collect()),
        }
    }
}

impl<'a> Header<'a> {
    fn of(header: &'a record::Header) -> Self {
        let (value, encoding) = Text::of_option(header.value.as_deref());
        Self { key: &header.name, value, encoding }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_record_has_the_shape_that_clients_know() {
        let header = |name: &str, value| record::Header { name: name.into(), value };
        let mut record = Record {
            partition: 2,
            offset: 42,
            key: None,
            value: Some(Bytes::from_static(b"hello")),
            headers: Some(vec![
                header("b", Some(Bytes::from_static(b"1"))),
                header("a", None),
                header("b", Some(Bytes::from_static(b"\xff"))),
            ]),
            timestamp: Some(1642628041000),
        };
        let json = |record: &Record| serde_json::to_string(&RecordJson::of("t", record)).unwrap();
        assert_eq!(
            json(&record),
            r#"{"topic":"t","partition":2,"offset":42,"timestamp":1642628041000,"key":"","value":"hello","headers":[{"key":"b","value":"1"},{"key":"a","value":null},{"key":"b","value":"/w==","encoding":"base64"}]}"#
        );
        record = Record { headers: None, timestamp: None, value: None, ..record };
        assert_eq!(
            json(&record),
            r#"{"topic":"t","partition":2,"offset":42,"key":"","value":null}"#
        );
    }
}
