//! The JSON of the stateless call.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{self, ErrorKind};
use crate::host::Millis;
use crate::json_text;
use crate::kafka::Fetched;
use crate::kafka::confluent::failure::CallFailure;
use crate::kafka::confluent::names::TopicName;
use crate::record::{Header, Record};
use crate::sorted::SortedMap;

/// Where to read, and how much.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReadStart {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<PartitionOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_poll_records: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fetch_max_bytes: Option<usize>,
}

#[derive(Debug, Serialize)]
struct PartitionOffset {
    partition_id: i32,
    offset: i64,
}

impl ReadStart {
    pub(super) fn offset(
        partition_id: i32,
        offset: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Self {
        Self {
            offsets: vec![PartitionOffset { partition_id, offset }],
            max_poll_records: Some(max_records),
            fetch_max_bytes: Some(max_bytes),
            ..Self::default()
        }
    }

    /// Without any field the call means the end (`reference/confluent-rest.md`,
    /// 6.1).
    pub(super) fn end() -> Self {
        Self::default()
    }

    pub(super) fn time(time: Millis) -> Self {
        Self { timestamp: Some(time), max_poll_records: Some(1), ..Self::default() }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a structure of numbers is always JSON")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NextOffset {
    pub(super) next_offset: i64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ConsumeAnswer {
    partition_data_list: Vec<PartitionData>,
}

#[derive(Debug, Deserialize)]
struct PartitionData {
    partition_id: i32,
    next_offset: i64,
    #[serde(default)]
    records: Vec<RecordData>,
}

#[derive(Debug, Deserialize)]
struct RecordData {
    partition_id: i32,
    offset: i64,
    #[serde(default)]
    timestamp: Option<Millis>,
    #[serde(default)]
    timestamp_type: Option<String>,
    #[serde(default)]
    headers: Vec<HeaderData>,
    #[serde(default)]
    key: Option<RawOrText>,
    #[serde(default)]
    value: Option<RawOrText>,
    #[serde(default)]
    exceeded_fields: Exceeded,
}

#[derive(Debug, Deserialize)]
struct HeaderData {
    key: String,
    value: Option<String>,
}

/// A server that does not know the flag for raw bytes returns text.
#[derive(Debug)]
enum RawOrText {
    Text(String),
    Raw(RawData),
}

#[derive(Debug, Deserialize)]
struct RawData {
    #[serde(rename = "__raw__")]
    raw: String,
}

/// By hand: what serde derives keeps each value, takes it for a text, and has an error with a
/// sentence made before it takes it for the other.
impl<'de> Deserialize<'de> for RawOrText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawOrText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or bytes")
            }

            fn visit_str<E>(self, text: &str) -> Result<RawOrText, E> {
                Ok(RawOrText::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawOrText, A::Error> {
                RawData::deserialize(MapAccessDeserializer::new(map)).map(RawOrText::Raw)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Fields that were left out because of their size; they look like null.
#[derive(Debug, Default, Deserialize)]
struct Exceeded {
    #[serde(default)]
    key: bool,
    #[serde(default)]
    value: bool,
}

impl ConsumeAnswer {
    /// An empty body means the same as an empty list.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii().is_empty() {
            return Some(Self::default());
        }
        json_text::read(body).ok()
    }

    /// The records of one partition that was asked for from `offset` on. The
    /// answer may contain other partitions as well.
    pub(super) fn partition(
        self,
        topic: TopicName<'_>,
        partition: i32,
        offset: i64,
    ) -> error::Result<Fetched> {
        let data = self.partition_data_list.into_iter().find(|data| data.partition_id == partition);
        let Some(data) = data else {
            return Ok(Fetched { records: Vec::new(), next: offset, place: None, silent_to: None });
        };
        let mut next = offset;
        let mut records = Vec::with_capacity(data.records.len());
        for record in data.records {
            if record.partition_id != partition || record.offset < next {
                return Err(CallFailure::Nonsense.into());
            }
            next = record.offset + 1;
            records.push(record.decode(topic)?);
        }
        // The server's `next_offset` counts only without records: then the
        // offset is gone, or a stretch of the log has no records.
        if records.is_empty() {
            next = next.max(data.next_offset);
        }
        Ok(Fetched { records, next, place: None, silent_to: None })
    }

    /// The offset of each partition's first record in the answer, or else its
    /// next offset.
    pub(super) fn positions(self) -> SortedMap<i32, i64> {
        let position = |data: &PartitionData| {
            data.records.first().map_or(data.next_offset, |record| record.offset)
        };
        self.partition_data_list.iter().map(|data| (data.partition_id, position(data))).collect()
    }
}

impl RecordData {
    fn decode(self, topic: TopicName<'_>) -> error::Result<Record> {
        if self.exceeded_fields.key || self.exceeded_fields.value {
            let (partition, offset) = (self.partition_id, self.offset);
            let record = format!("{topic}/{partition}/{offset}");
            return Err(ErrorKind::Upstream {
                detail: format!("record {record} is too large to read"),
            }
            .into());
        }
        let timed = self.timestamp_type.as_deref() != Some("NO_TIMESTAMP_TYPE");
        let headers = self.headers.into_iter().map(|header| {
            let value = header.value.map(|value| bytes(&value)).transpose()?;
            Ok(Header { name: header.key, value })
        });
        Ok(Record {
            partition: self.partition_id,
            offset: self.offset,
            key: self.key.map(RawOrText::decode).transpose()?,
            value: self.value.map(RawOrText::decode).transpose()?,
            headers: Some(headers.collect::<error::Result<_>>()?),
            timestamp: self.timestamp.filter(|time| timed && *time >= 0),
        })
    }
}

impl RawOrText {
    fn decode(self) -> error::Result<Bytes> {
        match self {
            RawOrText::Text(text) => Ok(text.into()),
            RawOrText::Raw(RawData { raw }) => bytes(&raw),
        }
    }
}

fn bytes(base64: &str) -> error::Result<Bytes> {
    Ok(STANDARD.decode(base64).map_err(|_| CallFailure::Nonsense)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"{"cluster_id":"lkc-1","topic_name":"orders","partition_data_list":[
        {"partition_id":0,"next_offset":103,"records":[
            {"partition_id":0,"offset":100,"timestamp":1772359200000,"timestamp_type":"CREATE_TIME",
             "headers":[{"key":"trace","value":"YWJj"},{"key":"none","value":null}],
             "key":{"__raw__":"ay0x"},"value":{"__raw__":"/wA="}},
            {"partition_id":0,"offset":102,"timestamp":-1,"timestamp_type":"NO_TIMESTAMP_TYPE",
             "headers":[],"key":null,"value":null}]},
        {"partition_id":1,"next_offset":7,"records":[]}]}"#;

    fn orders() -> TopicName<'static> {
        TopicName::new("orders").unwrap()
    }

    fn page(json: &str, partition: i32, offset: i64) -> error::Result<Fetched> {
        ConsumeAnswer::read(json.as_bytes()).unwrap().partition(orders(), partition, offset)
    }

    #[test]
    fn starts_say_what_they_must() {
        let json = |start: ReadStart| String::from_utf8(start.to_json()).unwrap();
        assert_eq!(
            json(ReadStart::offset(1, 5, 10, 1_000)),
            r#"{"offsets":[{"partition_id":1,"offset":5}],"max_poll_records":10,"fetch_max_bytes":1000}"#
        );
        assert_eq!(json(ReadStart::end()), "{}");
        assert_eq!(json(ReadStart::time(5)), r#"{"timestamp":5,"max_poll_records":1}"#);
    }

    #[test]
    fn records_keep_bytes_headers_and_times() {
        let page = page(PAGE, 0, 100).unwrap();
        assert_eq!(page.next, 103);
        let [first, second] = &page.records[..] else { panic!("{page:?}") };
        assert_eq!(first.key.as_deref(), Some(&b"k-1"[..]));
        assert_eq!(first.value.as_deref(), Some(&b"\xff\x00"[..]));
        assert_eq!(first.timestamp, Some(1_772_359_200_000));
        let headers = first.headers.as_deref().unwrap();
        assert_eq!(
            (headers[0].name.as_str(), headers[0].value.as_deref()),
            ("trace", Some(&b"abc"[..]))
        );
        assert_eq!(headers[1].value, None);
        assert_eq!(
            (second.key.as_ref(), second.value.as_ref(), second.timestamp),
            (None, None, None)
        );
    }

    #[test]
    fn a_text_is_as_it_is_and_nothing_else_is_either() {
        let with = |value: &str| PAGE.replace(r#"{"__raw__":"/wA="}"#, value);
        let text = page(&with(r#""\u00e9=""#), 0, 100).unwrap();
        assert_eq!(text.records[0].value.as_deref(), Some("\u{e9}=".as_bytes()));
        for wrong in ["7", "[]", "{}", r#"{"__raw__":null}"#] {
            assert!(ConsumeAnswer::read(with(wrong).as_bytes()).is_none(), "{wrong}");
        }
        assert!(page(&with(r#"{"__raw__":"/"}"#), 0, 100).is_err());
    }

    #[test]
    fn without_records_the_server_may_move_us_on_but_never_back() {
        assert_eq!(page(PAGE, 1, 3).unwrap().next, 7);
        assert_eq!(page(PAGE, 1, 9).unwrap().next, 9);
        assert_eq!(page(PAGE, 2, 9).unwrap().next, 9);
        assert_eq!(ConsumeAnswer::read(b" ").unwrap().partition(orders(), 0, 4).unwrap().next, 4);
    }

    #[test]
    fn records_before_the_offset_or_of_another_partition_are_nonsense() {
        assert!(page(PAGE, 0, 101).is_err());
        let mixed = PAGE.replacen(
            r#"{"partition_id":0,"offset":100"#,
            r#"{"partition_id":1,"offset":100"#,
            1,
        );
        assert!(page(&mixed, 0, 100).is_err());
    }

    #[test]
    fn a_field_left_out_for_its_size_is_no_tombstone() {
        let cut = r#"{"partition_data_list":[{"partition_id":0,"next_offset":1,"records":[
            {"partition_id":0,"offset":0,"key":null,"value":null,"exceeded_fields":{"key":false,"value":true}}]}]}"#;
        assert!(
            matches!(page(cut, 0, 0), Err(error) if matches!(*error, ErrorKind::Upstream { .. }))
        );
    }

    #[test]
    fn positions_are_first_records_or_where_reading_goes_on() {
        let positions = ConsumeAnswer::read(PAGE.as_bytes()).unwrap().positions();
        assert_eq!(positions, SortedMap::from([(0, 100), (1, 7)]));
    }
}
