//! What a callback receives: a record in a JSON envelope, with an id.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::record::Record;
use crate::render::{self, Header, Text};

/// The fields in the order of the body; receivers depend on the first three.
/// Fields that the log does not know are left out, which differs from null.
#[derive(Serialize)]
struct Envelope<'a> {
    topic: &'a str,
    message: Message<'a>,
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    partition: i32,
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<Header<'a>>>,
    #[serde(rename = "webhook_id")]
    subscription_id: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Message<'a> {
    Value(Option<Cow<'a, str>>),
    /// What a transform made of it.
    Transformed(&'a RawValue),
}

/// A record as an envelope; `transformed` stands in place of its value.
pub(super) fn write(
    out: &mut Vec<u8>,
    subscription_id: &str,
    topic: &str,
    record: &Record,
    transformed: Option<&RawValue>,
) {
    let (message, encoding) = match transformed {
        Some(json) => (Message::Transformed(json), None),
        None => {
            let (message, encoding) = Text::of_option(record.value.as_deref());
            (Message::Value(message), encoding)
        }
    };
    let (key, key_encoding) = Text::of_option(record.key.as_deref());
    let envelope = Envelope {
        topic,
        message,
        offset: record.offset,
        encoding,
        partition: record.partition,
        key,
        key_encoding,
        timestamp: record.timestamp.map(render::timestamp),
        headers: record.headers.as_deref().map(render::headers),
        subscription_id,
    };
    serde_json::to_writer(out, &envelope)
        .unwrap_or_else(|_| unreachable!("strings and numbers are always JSON"));
}

/// The value of `webhook-id`: the same for every attempt by one subscription at
/// one record, in any instance, and different for everything else. A batch has that of its
/// first and its last record.
///
/// A topic's name may contain dots, but an id may not, because receivers split
/// the signed text at dots. So the parts are hashed, each after its length, so
/// that no two lists of parts hash the same bytes.
pub(super) fn message_id(
    subscription_id: &str,
    cluster: &str,
    topic: &str,
    partition: i32,
    (first, last): (i64, i64),
) -> String {
    let mut hash = Sha256::new();
    for part in [subscription_id, cluster, topic] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(partition.to_be_bytes());
    hash.update(first.to_be_bytes());
    if last != first {
        hash.update(last.to_be_bytes());
    }
    format!("msg_{}", URL_SAFE_NO_PAD.encode(&hash.finalize()[..24]))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record;

    fn text(record: &Record) -> String {
        let mut out = Vec::new();
        write(&mut out, "webhook_1", "orders.eu", record, None);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_transform_gives_is_the_message_whatever_it_is() {
        let json = RawValue::from_string(r#"[1,{"a":"b"}]"#.into()).unwrap();
        let mut out = Vec::new();
        let binary = Record { value: Some(Bytes::from_static(&[0xff])), ..record() };
        write(&mut out, "webhook_1", "orders.eu", &binary, Some(&json));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(r#""message":[1,{"a":"b"}],"offset":42,"partition""#), "{text}");
    }

    fn record() -> Record {
        Record {
            partition: 2,
            offset: 42,
            key: None,
            value: Some(Bytes::from_static(b"hello \"world\"")),
            headers: None,
            timestamp: None,
        }
    }

    #[test]
    fn what_the_log_cannot_tell_is_left_out() {
        assert_eq!(
            text(&record()),
            r#"{"topic":"orders.eu","message":"hello \"world\"","offset":42,"partition":2,"key":null,"webhook_id":"webhook_1"}"#
        );
    }

    #[test]
    fn all_that_is_known_is_there_in_order() {
        let full = Record {
            key: Some(Bytes::from_static(b"k")),
            timestamp: Some(0),
            headers: Some(vec![record::Header { name: "a".into(), value: None }]),
            ..record()
        };
        assert_eq!(
            text(&full),
            r#"{"topic":"orders.eu","message":"hello \"world\"","offset":42,"partition":2,"key":"k","timestamp":"1970-01-01T00:00:00.000Z","headers":[{"name":"a","value":null}],"webhook_id":"webhook_1"}"#
        );
        let bare = Record { headers: Some(Vec::new()), ..record() };
        assert!(text(&bare).contains(r#""headers":[],"#));
    }

    #[test]
    fn bytes_that_are_no_text_say_how_to_read_them() {
        let binary = Record {
            key: Some(Bytes::from_static(&[0xff])),
            value: Some(Bytes::from_static(&[0, 0xfe])),
            ..record()
        };
        assert_eq!(
            text(&binary),
            r#"{"topic":"orders.eu","message":"AP4=","offset":42,"encoding":"base64","partition":2,"key":"/w==","key_encoding":"base64","webhook_id":"webhook_1"}"#
        );
    }

    #[test]
    fn a_tombstone_has_no_message() {
        let text = text(&Record { value: None, ..record() });
        assert!(text.contains(r#""message":null,"#));
    }

    #[test]
    fn an_id_is_stable_dotless_and_one_of_a_kind() {
        let id = message_id("webhook_1", "c.1", "orders.eu", 0, (1, 1));
        assert_eq!(id, message_id("webhook_1", "c.1", "orders.eu", 0, (1, 1)));
        assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
        for other in [
            message_id("webhook_2", "c.1", "orders.eu", 0, (1, 1)),
            message_id("webhook_1", "c.2", "orders.eu", 0, (1, 1)),
            message_id("webhook_1", "c.1", "orders.us", 0, (1, 1)),
            message_id("webhook_1", "c.1o", "rders.eu", 0, (1, 1)),
            message_id("webhook_1", "c.1", "orders.eu", 1, (1, 1)),
            message_id("webhook_1", "c.1", "orders.eu", 0, (2, 2)),
            message_id("webhook_1", "c.1", "orders.eu", 0, (1, 2)),
        ] {
            assert_ne!(id, other);
        }
    }
}
