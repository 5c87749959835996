//! `GET /consumer/{topic}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use super::topics;
use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits::DEFAULT_WAIT;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::log::Log;
use crate::record::Record;
use crate::render::{self, Text};
use crate::services::consume::{Ack, Consumed, Next};
use crate::{limits, names};

/// The group of a caller who names none.
const DEFAULT_GROUP: &str = "default";

/// A record as it is read. What the log cannot tell is absent; what is there
/// and null (the key of a record without one, a tombstone) is null.
#[derive(Serialize)]
struct Read<'a> {
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
}

/// A page of them.
#[derive(Serialize)]
struct Page<'a> {
    records: Vec<Read<'a>>,
    /// For each topic and partition in the page, the offset after its last
    /// record here.
    next: BTreeMap<&'a str, BTreeMap<i32, i64>>,
}

pub(in crate::http) async fn next<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let topics = topics(segment)?;
    let query = Query::parse(request.query(), &["group", "from", "wait", "max", "max_bytes"])?;
    let group = query.text("group")?.unwrap_or(DEFAULT_GROUP);
    names::check_group(group)?;
    let max = query.number("max", limits::PAGE_RECORDS)?;
    let max_bytes = query.number("max_bytes", limits::PAGE_BYTES)?;
    let as_page = max.is_some() || max_bytes.is_some();
    let next = Next {
        group: group.to_owned(),
        topics: topics.clone(),
        from: query.from()?,
        wait: query.seconds("wait", DEFAULT_WAIT, limits::WAIT)?,
        max: max.unwrap_or(if as_page { *limits::PAGE_RECORDS.end() } else { 1 }),
        max_bytes: max_bytes.unwrap_or(*limits::PAGE_BYTES.end()),
        ack: Ack::Auto,
    };
    let handed = app.services().await?.consume.next(next).await?.unwrap_or_default();
    let mut response = if as_page {
        Response::json(StatusCode::OK, &page(&handed.records))
    } else if let [consumed] = &handed.records[..] {
        Response::json(StatusCode::OK, &read(&consumed.topic, &consumed.record))
    } else {
        Response::json(StatusCode::OK, &nothing(&topics.join(",")))
    };
    // The group moves on once the caller has the records, not before: dropped
    // unsent, they go to the next caller.
    response.on_sent = Some(Box::new(move || handed.delivered()));
    Ok(response)
}

fn page(consumed: &[Consumed]) -> Page<'_> {
    let mut next = BTreeMap::<_, BTreeMap<_, _>>::new();
    for Consumed { topic, record, .. } in consumed {
        next.entry(&**topic).or_default().insert(record.partition, record.offset + 1);
    }
    let records = consumed.iter().map(|consumed| read(&consumed.topic, &consumed.record));
    Page { records: records.collect(), next }
}

fn read<'a>(topic: &'a str, record: &'a Record) -> Read<'a> {
    let (message, encoding) = Text::of_option(record.value.as_deref());
    let (key, key_encoding) = Text::of_option(record.key.as_deref());
    Read {
        topic,
        message,
        encoding,
        key,
        key_encoding,
        partition: Some(record.partition),
        offset: Some(record.offset),
        timestamp: record.timestamp.map(render::timestamp),
        headers: record.headers.as_deref().map(render::headers),
    }
}

fn nothing(topic: &str) -> Read<'_> {
    Read {
        topic,
        message: None,
        encoding: None,
        key: None,
        key_encoding: None,
        partition: None,
        offset: None,
        timestamp: None,
        headers: None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;

    fn json(value: &Read<'_>) -> String {
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
            json(&read("t", &record)),
            r#"{"topic":"t","message":"hello","key":null,"partition":2,"offset":42}"#
        );
        record.value = Some(Bytes::from_static(&[0xff]));
        record.key = Some(Bytes::from_static(&[0xfe]));
        record.headers =
            Some(vec![Header { name: "a".into(), value: Some(Bytes::from_static(b"1")) }]);
        record.timestamp = Some(0);
        assert_eq!(
            json(&read("t", &record)),
            r#"{"topic":"t","message":"/w==","encoding":"base64","key":"/g==","key_encoding":"base64","partition":2,"offset":42,"timestamp":"1970-01-01T00:00:00.000Z","headers":[{"name":"a","value":"1"}]}"#
        );
        record.value = None;
        assert!(json(&read("t", &record)).starts_with(r#"{"topic":"t","message":null,"key":"#));
    }

    #[test]
    fn a_page_tells_where_each_partition_goes_on() {
        let record = |partition, offset| Consumed {
            topic: "t".into(),
            record: Record {
                partition,
                offset,
                key: None,
                value: None,
                headers: None,
                timestamp: None,
            },
            claim: None,
        };
        let text = serde_json::to_string(&page(&[record(1, 7), record(0, 3), record(1, 8)]));
        let next = r#""next":{"t":{"0":4,"1":9}}}"#;
        assert!(text.as_ref().unwrap().ends_with(next), "{text:?}");
        let empty = serde_json::to_string(&page(&[])).unwrap();
        assert_eq!(empty, r#"{"records":[],"next":{}}"#);
    }

    #[test]
    fn with_nothing_there_message_and_offset_are_null() {
        assert_eq!(
            json(&nothing("t")),
            r#"{"topic":"t","message":null,"key":null,"partition":null,"offset":null}"#
        );
    }
}
