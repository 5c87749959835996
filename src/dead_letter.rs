//! What a dead letter says about itself, in headers. The one format of all dead
//! letters: its own headers come first, then those that Kafka 4.4 gives a record of a
//! share group, under the same names and in the same order
//! (`reference/kafka-share-groups.md`), and then names of our own.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::record::{Header, NewRecord, Record};
use crate::render::Text;

/// Why an event of a source is among the dead letters.
#[cfg(feature = "sources")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter<'a> {
    /// The source that the event came to.
    pub(crate) source: &'a str,
    /// The stage that could not take it, and its reason in kebab case.
    pub(crate) stage: &'a str,
    pub(crate) reason: &'a str,
    /// A sentence.
    pub(crate) message: &'a str,
    /// The place in the event.
    pub(crate) path: Option<&'a str>,
}

#[cfg(feature = "sources")]
impl DeadLetter<'_> {
    /// The record's own headers first, then what it says about itself.
    pub(crate) fn headers(&self, own: Vec<Header>) -> Vec<Header> {
        let text = |text: &str| Some(text.to_owned());
        behind(
            own,
            [
                ("__dlq.errors.message", text(self.message)),
                ("kafka-edge-source", text(self.source)),
                ("kafka-edge-stage", text(self.stage)),
                ("kafka-edge-reason", text(self.reason)),
                ("kafka-edge-path", self.path.map(str::to_owned)),
            ],
        )
    }
}

fn behind<const N: usize>(mut own: Vec<Header>, ours: [(&str, Option<String>); N]) -> Vec<Header> {
    own.extend(ours.into_iter().filter_map(|(name, value)| {
        let value = Some(value?.into());
        Some(Header { name: name.to_owned(), value })
    }));
    own
}

/// Why a group hands out a record no more, or a subscription delivers it no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// A caller gave it up.
    Rejected,
    /// It was handed out as often as it may be.
    DeliveryLimit,
    /// The callback accepted it in none of its attempts.
    Undelivered,
    /// It became older than the subscription allows.
    TooOld,
    /// The subscription's filter or transform failed on it.
    Expression,
}

impl GivenUp {
    /// In kebab case, and as a sentence.
    pub(crate) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Rejected => ("rejected", "A consumer rejected the record"),
            Self::DeliveryLimit => {
                ("delivery-limit", "The record was handed out as often as its group allows")
            }
            Self::Undelivered => ("undelivered", "The callback accepted the record in no attempt"),
            Self::TooOld => ("max-age", "The record became older than its webhook allows"),
            Self::Expression => ("expression", "The filter or the transform failed on the record"),
        }
    }
}

/// A record that a group hands out no more, or that a subscription, under whose id as a
/// group it is, delivers no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadRecord<'a> {
    pub(crate) group: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) record: &'a Record,
    pub(crate) delivery_count: u32,
    /// What the callback answered last.
    pub(crate) status: Option<u16>,
    pub(crate) why: GivenUp,
}

/// The value of a dead letter where the log reads no headers: whoever reads it there
/// could not see them.
#[derive(Serialize)]
struct Envelope<'a> {
    topic: &'a str,
    message: Option<Cow<'a, str>>,
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    partition: i32,
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encoding: Option<&'static str>,
    group: &'a str,
    delivery_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    reason: &'static str,
    error: &'static str,
}

impl DeadRecord<'_> {
    /// The dead letter: the record as it was, but for its time, since a topic may delete
    /// by that. `reads_headers` tells whether the log does.
    pub(crate) fn letter(&self, reads_headers: bool) -> NewRecord {
        let Self { group, topic, record, delivery_count, status, why } = *self;
        let (reason, message) = why.told();
        let ours = [
            ("__dlq.errors.topic", Some(topic.to_owned())),
            ("__dlq.errors.partition", Some(record.partition.to_string())),
            ("__dlq.errors.offset", Some(record.offset.to_string())),
            ("__dlq.errors.group", Some(group.to_owned())),
            ("__dlq.errors.delivery.count", Some(delivery_count.to_string())),
            ("__dlq.errors.message", Some(message.to_owned())),
            ("kafka-edge-reason", Some(reason.to_owned())),
            ("kafka-edge-status", status.map(|status| status.to_string())),
        ];
        let mut own = record.headers.clone().unwrap_or_default();
        // Of a dead letter that was read and given up again, they tell of this time.
        own.retain(|header| ours.iter().all(|(name, _)| header.name != *name));
        let value = match reads_headers {
            true => record.value.clone(),
            false => Some(self.envelope(reason, message).into()),
        };
        let headers = behind(own, ours);
        NewRecord { key: record.key.clone(), value, headers, ..NewRecord::default() }
    }

    fn envelope(&self, reason: &'static str, error: &'static str) -> Vec<u8> {
        let Self { group, topic, record, delivery_count, status, .. } = *self;
        let (message, encoding) = Text::of_option(record.value.as_deref());
        let (key, key_encoding) = Text::of_option(record.key.as_deref());
        let envelope = Envelope {
            topic,
            message,
            offset: record.offset,
            encoding,
            partition: record.partition,
            key,
            key_encoding,
            group,
            delivery_count,
            status,
            reason,
            error,
        };
        serde_json::to_vec(&envelope)
            .unwrap_or_else(|_| unreachable!("strings and numbers are always JSON"))
    }
}

/// A record that a dead letter was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) group: String,
    pub(crate) topic: String,
    /// With the partition and the offset that it had there.
    pub(crate) record: Record,
}

/// What [`Envelope`] holds, as it is read again.
#[derive(Deserialize)]
struct Read {
    topic: String,
    message: Option<String>,
    offset: i64,
    encoding: Option<String>,
    partition: i32,
    group: String,
}

impl Origin {
    /// Reads what [`DeadRecord::letter`] has written; `None`: it is no such dead letter.
    pub(crate) fn of(letter: &Record) -> Option<Self> {
        let Some(headers) = &letter.headers else { return Self::of_envelope(letter) };
        let text = |name: &str| {
            let found = headers.iter().rev().find(|header| header.name == name)?;
            std::str::from_utf8(found.value.as_deref()?).ok()
        };
        let record = Record {
            partition: text("__dlq.errors.partition")?.parse().ok()?,
            offset: text("__dlq.errors.offset")?.parse().ok()?,
            key: letter.key.clone(),
            value: letter.value.clone(),
            headers: Some(
                headers.iter().filter(|header| !is_ours(&header.name)).cloned().collect(),
            ),
            timestamp: letter.timestamp,
        };
        let group = text("__dlq.errors.group")?.to_owned();
        Some(Self { group, topic: text("__dlq.errors.topic")?.to_owned(), record })
    }

    fn of_envelope(letter: &Record) -> Option<Self> {
        let read: Read = kafka_edge_json::from_slice(letter.value.as_deref()?).ok()?;
        let value = match read.encoding {
            None => read.message.map(Bytes::from),
            Some(_) => Some(STANDARD.decode(read.message?).ok()?.into()),
        };
        let (partition, offset) = (read.partition, read.offset);
        let (key, timestamp) = (letter.key.clone(), letter.timestamp);
        let record = Record { partition, offset, key, value, headers: None, timestamp };
        Some(Self { group: read.group, topic: read.topic, record })
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("__dlq.errors.") || matches!(name, "kafka-edge-reason" | "kafka-edge-status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.into(), value: Some(value.to_owned().into()) }
    }

    fn record() -> Record {
        Record {
            partition: 2,
            offset: 42,
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from_static(b"v\xff")),
            headers: Some(vec![header("trace", "abc")]),
            timestamp: Some(7),
        }
    }

    fn dead(record: &Record) -> DeadRecord<'_> {
        DeadRecord {
            group: "billing",
            topic: "orders",
            record,
            delivery_count: 5,
            status: None,
            why: GivenUp::DeliveryLimit,
        }
    }

    #[test]
    fn a_dead_letter_is_the_record_with_kafkas_six_headers_behind_its_own() {
        let record = record();
        let letter = dead(&record).letter(true);
        assert_eq!((&letter.key, &letter.value), (&record.key, &record.value));
        assert_eq!((letter.partition, letter.timestamp), (None, None));
        let message = "The record was handed out as often as its group allows";
        let expected = [
            header("trace", "abc"),
            header("__dlq.errors.topic", "orders"),
            header("__dlq.errors.partition", "2"),
            header("__dlq.errors.offset", "42"),
            header("__dlq.errors.group", "billing"),
            header("__dlq.errors.delivery.count", "5"),
            header("__dlq.errors.message", message),
            header("kafka-edge-reason", "delivery-limit"),
        ];
        assert_eq!(letter.headers, expected);
        let again = Record { headers: Some(letter.headers), ..record.clone() };
        let why = GivenUp::Rejected;
        let headers = DeadRecord { why, topic: "dead", ..dead(&again) }.letter(true).headers;
        assert_eq!(headers.len(), expected.len(), "they tell of the last time");
        assert_eq!(headers[1], header("__dlq.errors.topic", "dead"));
    }

    #[test]
    fn where_nobody_could_read_the_headers_the_value_tells_all() {
        let record = Record { headers: None, timestamp: None, ..record() };
        let letter = dead(&record).letter(false);
        assert_eq!(letter.headers.len(), 7, "others may read them");
        let value = String::from_utf8(letter.value.unwrap().to_vec()).unwrap();
        assert_eq!(
            value,
            r#"{"topic":"orders","message":"dv8=","offset":42,"encoding":"base64","partition":2,"key":"k","group":"billing","delivery_count":5,"reason":"delivery-limit","error":"The record was handed out as often as its group allows"}"#
        );
    }

    #[test]
    fn a_dead_letter_is_read_back_as_the_record_that_it_was() {
        let record = record();
        for reads_headers in [true, false] {
            let why = GivenUp::Undelivered;
            let letter =
                DeadRecord { why, status: Some(503), ..dead(&record) }.letter(reads_headers);
            let headers = reads_headers.then(|| letter.headers.clone());
            let read = Record {
                partition: 0,
                offset: 9,
                key: letter.key,
                value: letter.value,
                headers,
                timestamp: Some(8),
            };
            let origin = Origin::of(&read).unwrap();
            assert_eq!((origin.group.as_str(), origin.topic.as_str()), ("billing", "orders"));
            let headers = record.headers.clone().filter(|_| reads_headers);
            assert_eq!(origin.record, Record { headers, timestamp: Some(8), ..record.clone() });
            let status = header("kafka-edge-status", "503");
            assert!(letter.headers.contains(&status));
        }
        assert_eq!(Origin::of(&record), None, "it has none of the headers");
        assert_eq!(Origin::of(&Record { headers: None, ..record }), None);
    }
}
