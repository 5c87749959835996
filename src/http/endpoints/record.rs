//! The JSON form of a record that was read, in answers and in streams.

use std::borrow::Cow;

use serde::Serialize;

use crate::record::Record;
use crate::render::{self, Text};
use crate::services::consume::Consumed;

/// A record that was read. Fields that the server does not report are absent. The
/// key of a record without one is null, and so is a tombstone's message.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct RecordJson<'a> {
    topic: &'a str,
    message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encoding: Option<&'static str>,
    partition: Option<i32>,
    offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<render::Header<'a>>>,
    /// With a record that has to be acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_count: Option<u32>,
    /// With a line of a stream: what to bring back to go on behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<String>,
}

impl<'a> From<&'a Consumed> for RecordJson<'a> {
    fn from(Consumed { topic, record, acquired }: &'a Consumed) -> Self {
        let acquired = acquired.as_ref();
        Self {
            receipt: acquired.map(|acquired| acquired.receipt.as_str()),
            delivery_count: acquired.map(|acquired| acquired.delivery_count),
            ..Self::of(topic, record)
        }
    }
}

impl<'a> RecordJson<'a> {
    pub(super) fn of(topic: &'a str, record: &'a Record) -> Self {
        let (message, encoding) = Text::of_option(record.value.as_deref());
        let (key, key_encoding) = Text::of_option(record.key.as_deref());
        Self {
            topic,
            message,
            encoding,
            key,
            key_encoding,
            partition: Some(record.partition),
            offset: Some(record.offset),
            timestamp: record.timestamp.map(render::timestamp),
            headers: record.headers.as_deref().map(render::headers),
            receipt: None,
            delivery_count: None,
            cursor: None,
        }
    }

    /// No record: what makes one is null.
    pub(super) fn nothing(topic: &'a str) -> Self {
        Self {
            topic,
            message: None,
            encoding: None,
            key: None,
            key_encoding: None,
            partition: None,
            offset: None,
            timestamp: None,
            headers: None,
            receipt: None,
            delivery_count: None,
            cursor: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;
    use crate::services::consume::Acquired;

    fn json(value: &RecordJson<'_>) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn what_the_log_cannot_tell_is_absent_and_what_is_null_is_null() {
        let mut record = Record {
            partition: 2,
            offset: 42,
            key: None,
            value: Some(Bytes::from_static(b"hello")),
            headers: None,
            timestamp: None,
        };
        assert_eq!(
            json(&RecordJson::of("t", &record)),
            r#"{"topic":"t","message":"hello","key":null,"partition":2,"offset":42}"#
        );
        record.value = Some(Bytes::from_static(&[0xff]));
        record.key = Some(Bytes::from_static(&[0xfe]));
        record.headers =
            Some(vec![Header { name: "a".into(), value: Some(Bytes::from_static(b"1")) }]);
        record.timestamp = Some(0);
        assert_eq!(
            json(&RecordJson::of("t", &record)),
            r#"{"topic":"t","message":"/w==","encoding":"base64","key":"/g==","key_encoding":"base64","partition":2,"offset":42,"timestamp":"1970-01-01T00:00:00.000Z","headers":[{"name":"a","value":"1"}]}"#
        );
        record.value = None;
        assert!(
            json(&RecordJson::of("t", &record))
                .starts_with(r#"{"topic":"t","message":null,"key":"#)
        );
    }

    #[test]
    fn with_nothing_there_message_and_offset_are_null() {
        assert_eq!(
            json(&RecordJson::nothing("t")),
            r#"{"topic":"t","message":null,"key":null,"partition":null,"offset":null}"#
        );
    }

    #[test]
    fn a_claimed_record_comes_with_its_receipt() {
        let consumed = Consumed {
            topic: "t".into(),
            record: Record {
                partition: 0,
                offset: 1,
                key: None,
                value: None,
                headers: None,
                timestamp: None,
            },
            acquired: Some(Acquired { receipt: "abc".into(), delivery_count: 2 }),
        };
        let text = json(&RecordJson::from(&consumed));
        assert!(text.ends_with(r#""offset":1,"receipt":"abc","delivery_count":2}"#), "{text}");
    }
}
