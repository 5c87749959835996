//! Bodies made of lines: one record per line in a request, one report per line
//! in the answer.
//!
//! A line is an object with the field names of our own answers:
//! `{"message":…,"key":…,"partition":…,"timestamp":…,"headers":[…]}`. Only the
//! message is required. A string is text, or with `"encoding":"base64"` bytes;
//! null is a tombstone; any other JSON is written verbatim. A record that a
//! consumer received can therefore be produced again as it is.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{ErrorBody, to_json};
use super::encoded_text::{Encoding, bytes};
use super::json;
use super::refusal::{Refusal, RefusalKind};
use super::time;
use crate::error::{Error, Result};
use crate::limits;
use crate::record::{Header, NewRecord, RecordMetadata};

pub(super) const CONTENT_TYPE: &str = "application/x-ndjson";

/// Names under which clients send lines of JSON. None of them is registered.
const CONTENT_TYPES: [&str; 7] = [
    CONTENT_TYPE,
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/x-ldjson",
];

/// JSON texts that are separated by another character than a newline (RFC 7464).
/// Read as one record, they would be merged into it.
const SEQUENCE: &str = "application/json-seq";

/// Whether a `content-type` says that the body is lines, whatever its
/// parameters; refused where it says that the body is a sequence.
pub(super) fn is_content_type(value: &[u8]) -> Result<bool, Refusal> {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is = |name: &str| essence.eq_ignore_ascii_case(name.as_bytes());
    if is(SEQUENCE) {
        return Err(RefusalKind::MediaType { taken: CONTENT_TYPE }.into());
    }
    Ok(CONTENT_TYPES.iter().any(|name| is(name)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// Raw, to distinguish null from a missing field and to write other JSON
    /// byte for byte.
    #[serde(borrow, rename = "value", alias = "message")]
    message: &'a RawValue,
    encoding: Option<Encoding>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    key_encoding: Option<Encoding>,
    partition: Option<i32>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    headers: Vec<&'a RawValue>,
    /// What only a record that was read has says nothing about the new one.
    #[serde(rename = "topic")]
    _topic: Option<IgnoredAny>,
    #[serde(rename = "offset")]
    _offset: Option<IgnoredAny>,
    #[serde(rename = "receipt")]
    _receipt: Option<IgnoredAny>,
    #[serde(rename = "delivery_count")]
    _delivery_count: Option<IgnoredAny>,
    #[serde(rename = "cursor")]
    _cursor: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderOfLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
    encoding: Option<Encoding>,
}

/// The records of a body, each with the `common` headers before its own. Blank
/// lines are passed over: streams, ours included, send them as a sign of life.
pub(super) fn parse(body: &[u8], common: &[Header]) -> Result<Vec<Result<NewRecord>>, Refusal> {
    let lines = json::without_mark(body).split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    // A line may be as short as its end, so that no more are kept than count.
    let lines: Vec<_> = lines.take(limits::RECORDS + 1).collect();
    if lines.is_empty() {
        return Err(Error::invalid("body", "The body holds no line").into());
    }
    if lines.len() > limits::RECORDS {
        return Err(
            RefusalKind::BodyTooLarge { limit: format!("{} lines", limits::RECORDS) }.into()
        );
    }
    Ok(lines.into_iter().map(|line| record(line, common)).collect())
}

fn record(line: &[u8], common: &[Header]) -> Result<NewRecord> {
    let line: Line<'_> = json::part(line, "line")?;
    if line.partition.is_some_and(|partition| partition < 0) {
        return Err(Error::invalid("partition", "Partitions are counted from 0"));
    }
    let mut headers = common.to_vec();
    for header in line.headers {
        let header: HeaderOfLine<'_> = kafka_edge_json::from_str(header.get())
            .map_err(|error| Error::invalid("headers", error.to_string()))?;
        let value = header.value.map(|text| bytes("headers", text, header.encoding));
        headers.push(Header { name: header.name.into_owned(), value: value.transpose()? });
    }
    let key = line.key.map(|text| bytes("key", text, line.key_encoding));
    let timestamp = line.timestamp.map(|raw| time::parse(raw.get().trim_matches('"')));
    Ok(NewRecord {
        key: key.transpose()?,
        value: message(line.message.get(), line.encoding)?,
        headers,
        partition: line.partition,
        timestamp: timestamp.transpose()?,
    })
}

fn message(raw: &str, encoding: Option<Encoding>) -> Result<Option<Bytes>> {
    if raw == "null" {
        return Ok(None);
    }
    if raw.starts_with('"') {
        let text: String = kafka_edge_json::from_str(raw)
            .map_err(|_| Error::invalid("message", "Not a string of Unicode text"))?;
        return bytes("message", text.into(), encoding).map(Some);
    }
    match encoding {
        Some(_) => Err(Error::invalid("message", "Only a string can be base64")),
        None => Ok(Some(Bytes::copy_from_slice(raw.as_bytes()))),
    }
}

/// One line per report.
pub(super) fn render<T: Serialize>(
    reports: &[Result<RecordMetadata>],
    success: impl Fn(&RecordMetadata) -> T,
) -> Vec<u8> {
    let mut lines = Vec::new();
    for report in reports {
        lines.extend(match report {
            Ok(written) => to_json(&success(written)),
            Err(error) => to_json(&ErrorBody::from(error)),
        });
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<NewRecord> {
        let mut records = parse(line.as_bytes(), &[]).unwrap();
        assert_eq!(records.len(), 1, "{line}");
        records.remove(0)
    }

    fn value(line: &str) -> Option<Vec<u8>> {
        one(line).unwrap().value.map(|value| value.to_vec())
    }

    #[test]
    fn a_line_can_say_all_of_a_record() {
        let record = one(concat!(
            r#"{"message":"/w==","encoding":"base64","key":"AA==","key_encoding":"base64","#,
            r#""partition":2,"timestamp":"1970-01-01T00:00:00.005Z","#,
            r#""headers":[{"name":"b","value":"1"},{"name":"a","value":null},"#,
            r#"{"name":"b","value":"/g==","encoding":"base64"}]}"#
        ));
        let header = |name: &str, value: Option<&'static [u8]>| Header {
            name: name.into(),
            value: value.map(Bytes::from_static),
        };
        assert_eq!(
            record,
            Ok(NewRecord {
                key: Some(Bytes::from_static(&[0])),
                value: Some(Bytes::from_static(&[0xff])),
                headers: vec![
                    header("b", Some(b"1")),
                    header("a", None),
                    header("b", Some(&[0xfe]))
                ],
                partition: Some(2),
                timestamp: Some(5),
            })
        );
        assert_eq!(one(r#"{"message":"","timestamp":7}"#).unwrap().timestamp, Some(7));
        assert_eq!(one(r#"{"message":"a","key":null}"#).unwrap().key, None);
    }

    #[test]
    fn any_json_can_be_a_message() {
        assert_eq!(value(r#"{"message":"gr\u00fcn\n"}"#).unwrap(), "grün\n".as_bytes());
        assert_eq!(value(r#"{"value":""}"#).unwrap(), b"");
        assert_eq!(value(r#"{"message":null}"#), None);
        assert_eq!(value(r#"{"message":{"b": 1.0, "a":[]}}"#).unwrap(), br#"{"b": 1.0, "a":[]}"#);
        assert_eq!(
            value(r#"{"message":12345678901234567890.10}"#).unwrap(),
            b"12345678901234567890.10"
        );
    }

    #[test]
    fn what_is_no_record_says_why_and_spares_the_others() {
        for (line, field) in [
            ("hello", "line"),
            ("{}", "value"),
            ("[]", "line"),
            (r#"["a",null,null,null,null,null,[]]"#, "line"),
            (r#"{"message":"a""#, "line"),
            (r#"{"message":"a","partiton":1}"#, "partiton"),
            (r#"{"message":"a","message":"b"}"#, "message"),
            (r#"{"message":"a","partition":"1"}"#, "partition"),
            (r#"{"message":"a","encoding":"hex"}"#, "encoding"),
            (r#"{"message":"a","headers":{"a":"b"}}"#, "headers"),
            (r#"{"message":"a","headers":[["a","b",null]]}"#, "headers"),
            (r#"{"message":"a","headers":[{"name":"a","vaule":"b"}]}"#, "headers"),
            (r#"{"message":"\ud800"}"#, "message"),
            (r#"{"message":{},"encoding":"base64"}"#, "message"),
            (r#"{"message":"%","encoding":"base64"}"#, "message"),
            (r#"{"message":"a","key":"%","key_encoding":"base64"}"#, "key"),
            (r#"{"message":"a","partition":-1}"#, "partition"),
            (r#"{"message":"a","timestamp":"noon"}"#, "timestamp"),
            (r#"{"message":"a","timestamp":1.5}"#, "timestamp"),
        ] {
            let body = format!("{{\"message\":1}}\n{line}\n{{\"message\":2}}\n");
            let records = parse(body.as_bytes(), &[]).unwrap();
            assert!(records[0].is_ok() && records[2].is_ok() && records.len() == 3, "{line}");
            let error = records[1].as_ref().unwrap_err();
            assert_eq!(error.field(), Some(field), "{line}: {error}");
        }
        let error = one(r#"{"message":"a","partiton":1}"#).unwrap_err().to_string();
        assert_eq!(error, "There is no such field");
        assert!(one("{\"message\":\"\\u0000").is_err());
        assert!(parse(b"{\"message\":\"\xff\"}", &[]).unwrap()[0].is_err());
    }

    #[test]
    fn lines_are_counted() {
        assert!(parse(b"", &[]).is_err());
        assert!(parse(b"\n", &[]).is_err());
        let full = "{\"message\":1}\n".repeat(limits::RECORDS);
        assert_eq!(parse(full.as_bytes(), &[]).unwrap().len(), limits::RECORDS);
        let over = full + "{\"message\":1}";
        assert!(matches!(
            parse(over.as_bytes(), &[]).map_err(Refusal::into_kind),
            Err(RefusalKind::BodyTooLarge { .. })
        ));
    }

    #[test]
    fn headers_of_the_request_come_first_on_each_record() {
        let header = |name: &str| Header { name: name.into(), value: None };
        let records =
            parse(br#"{"message":1,"headers":[{"name":"b","value":null}]}"#, &[header("a")]);
        assert_eq!(records.unwrap()[0].as_ref().unwrap().headers, [header("a"), header("b")]);
    }

    #[test]
    fn the_content_type_is_told_from_its_parameters() {
        for yes in [
            "application/x-ndjson",
            "Application/X-NDJSON ; charset=utf-8",
            "application/ndjson",
            "application/jsonl",
            "application/x-jsonlines",
            "application/x-ldjson",
        ] {
            assert_eq!(is_content_type(yes.as_bytes()), Ok(true), "{yes}");
        }
        for no in ["application/json", "", "application/x-ndjsonx", "text/x; application/x-ndjson"]
        {
            assert_eq!(is_content_type(no.as_bytes()), Ok(false), "{no}");
        }
        assert!(is_content_type(b"application/json-seq").is_err());
    }
}
