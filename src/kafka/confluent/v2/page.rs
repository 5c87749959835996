//! Reads a page of records from an instance, and checks that it is complete.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::json_text;
use crate::record::Record;

/// A record as v2 returns it: without headers and time
/// (`recordings/v2-consumer.jsonl`).
#[derive(Debug, Clone, Deserialize)]
struct V2Record {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<String>,
    value: Option<String>,
}

/// Whether another reader may have used an instance before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InstanceOrigin {
    /// We have just created it, and no other reader knows it.
    New,
    /// Another reader passed it on. A reader that does not know that its lease
    /// has ended may still use it; then each of us gets some of the records
    /// (`recordings/v2-consumer-concurrency.jsonl`, "eight callers").
    HandedOver,
}

/// What a page should contain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) next: i64,
    pub(super) origin: InstanceOrigin,
}

/// A page as it was expected.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<Record>,
    /// Offsets were passed over, which only a new instance may do.
    pub(super) has_gaps: bool,
}

/// The page is not the expected one, so the instance can no longer be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Off;

impl Expected<'_> {
    /// The records of a page, if they are the expected ones.
    pub(super) fn read(&self, body: &[u8]) -> Result<Page, Off> {
        let page: Vec<V2Record> = json_text::read(body).map_err(|_| Off)?;
        let (mut next, mut has_gaps) = (self.next, false);
        let mut records = Vec::with_capacity(page.len());
        for data in page {
            let follows = match self.origin {
                // A compacted topic has gaps, and so has one with transactions.
                InstanceOrigin::New => data.offset >= next,
                InstanceOrigin::HandedOver => data.offset == next,
            };
            if !follows || data.topic != self.topic || data.partition != self.partition {
                return Err(Off);
            }
            has_gaps |= data.offset != next;
            next = data.offset + 1;
            records.push(Record {
                partition: data.partition,
                offset: data.offset,
                key: bytes(data.key)?,
                value: bytes(data.value)?,
                headers: None,
                timestamp: None,
            });
        }
        Ok(Page { records, has_gaps })
    }
}

fn bytes(base64: Option<String>) -> Result<Option<Bytes>, Off> {
    let decoded = base64.map(|text| STANDARD.decode(text)).transpose().map_err(|_| Off)?;
    Ok(decoded.map(Bytes::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(offsets: &[i64]) -> String {
        let records = offsets.iter().map(|offset| {
            format!(r#"{{"topic":"t","key":null,"value":"dg==","partition":0,"offset":{offset}}}"#)
        });
        format!("[{}]", records.collect::<Vec<_>>().join(","))
    }

    fn read(body: &str, origin: InstanceOrigin) -> Result<Vec<i64>, Off> {
        let expected = Expected { topic: "t", partition: 0, next: 5, origin };
        let page = expected.read(body.as_bytes())?;
        let offsets: Vec<_> = page.records.iter().map(|record| record.offset).collect();
        let without = (5..).zip(&offsets).all(|(expected, offset)| expected == *offset);
        assert_eq!(page.has_gaps, !without, "{offsets:?}");
        Ok(page.records.iter().map(|record| record.offset).collect())
    }

    #[test]
    fn a_handed_over_instance_must_go_on_without_a_gap() {
        let read = |offsets: &[i64]| read(&page(offsets), InstanceOrigin::HandedOver);
        assert_eq!(read(&[]), Ok(vec![]));
        assert_eq!(read(&[5, 6, 7]), Ok(vec![5, 6, 7]));
        for off in [&[6][..], &[4, 5], &[5, 7], &[5, 5], &[5, 4]] {
            assert_eq!(read(off), Err(Off), "{off:?}");
        }
    }

    #[test]
    fn a_new_instance_may_skip_what_is_not_there() {
        let read = |offsets: &[i64]| read(&page(offsets), InstanceOrigin::New);
        assert_eq!(read(&[5, 7, 11]), Ok(vec![5, 7, 11]));
        assert_eq!(read(&[6]), Ok(vec![6]));
        for off in [&[4][..], &[5, 5], &[6, 5]] {
            assert_eq!(read(off), Err(Off), "{off:?}");
        }
    }

    #[test]
    fn other_records_and_unreadable_ones_are_off() {
        let good = page(&[5]);
        for (from, to) in [
            (r#""topic":"t""#, r#""topic":"u""#),
            (r#""partition":0"#, r#""partition":1"#),
            (r#""dg==""#, r#""dg=""#),
            (r#""dg==""#, r#"{"a":1}"#),
            ("]", ""),
        ] {
            assert_eq!(read(&good.replace(from, to), InstanceOrigin::New), Err(Off), "{to}");
        }
        assert_eq!(read(r#"{"error_code":500}"#, InstanceOrigin::New), Err(Off));
    }

    #[test]
    fn null_and_empty_differ() {
        let body = r#"[{"topic":"t","key":"","value":null,"partition":0,"offset":5}]"#;
        let expected = Expected { topic: "t", partition: 0, next: 5, origin: InstanceOrigin::New };
        let record = expected.read(body.as_bytes()).unwrap().records.remove(0);
        assert_eq!((record.key.as_deref(), record.value), (Some(&b""[..]), None));
    }
}
