//! Records as tools show them.

use super::json::Json;
use super::piece::Piece;
use crate::record::Record;
use crate::render::timestamp;
use crate::services::consume::Acquired;

/// How much of each value is shown where nothing is said, and at most.
pub(crate) const DEFAULT_BYTES: usize = 2_000;
pub(crate) const MOST_BYTES: usize = 100_000;
/// The longest character of UTF-8 has four bytes, so that a piece is never empty.
pub(crate) const LEAST_BYTES: usize = 4;

/// How many headers are shown.
const MAX_HEADERS: usize = 64;

/// Which bytes of values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) from: usize,
    pub(crate) most: usize,
}

/// Writes the members of a record.
pub(crate) fn write(
    json: &mut Json,
    topic: &str,
    record: &Record,
    cut: Cut,
    acquired: Option<&Acquired>,
) {
    let Record { partition, offset, .. } = record;
    let mut notes = Vec::new();
    json.text("topic", topic);
    json.number("partition", (*partition).into());
    json.number("offset", *offset);
    json.text_if("timestamp", record.timestamp.map(timestamp).as_deref());
    let from_start = Cut { from: 0, ..cut };
    if part(json, ["key", "key_encoding"], record.key.as_deref(), from_start).is_some() {
        notes.push("The key is cut; a larger max_value_bytes shows more.".to_owned());
    }
    if let Some(piece) = part(json, ["value", "encoding"], record.value.as_deref(), cut) {
        let Piece { from, until, of, .. } = piece;
        notes.push(format!("The value has {of} bytes; those from {from} to {until} are here."));
        if until < of {
            notes.push(format!(
                "The rest: read_records with topic \"{topic}\", partition {partition}, offset \
                 {offset}, max 1, value_from {until}."
            ));
        }
    }
    if let Some(headers) = &record.headers {
        let mut is_cut = headers.len() > MAX_HEADERS;
        json.objects("headers", headers.iter().take(MAX_HEADERS), |json, header| {
            let value = header.value.as_deref();
            json.text("name", &Piece::of(header.name.as_bytes(), 0, cut.most).text);
            is_cut |= part(json, ["value", "encoding"], value, from_start).is_some();
        });
        if is_cut {
            notes.push("The headers are cut; a larger max_value_bytes shows more.".to_owned());
        }
    }
    if !notes.is_empty() {
        json.text("truncated", &notes.join(" "));
    }
    if let Some(Acquired { receipt, delivery_count }) = acquired {
        json.text("receipt", receipt);
        json.number("delivery_count", (*delivery_count).into());
    }
}

/// Writes bytes, and their encoding if they need one. Returns the piece if it is not all.
fn part<'b>(
    json: &mut Json,
    [name, encoding]: [&str; 2],
    bytes: Option<&'b [u8]>,
    Cut { from, most }: Cut,
) -> Option<Piece<'b>> {
    let piece = bytes.map(|bytes| Piece::of(bytes, from, most));
    json.text_or_null(name, piece.as_ref().map(|piece| &*piece.text));
    let piece = piece?;
    json.text_if(encoding, piece.encoding);
    (!piece.is_whole()).then_some(piece)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;

    fn record(value: Option<&'static [u8]>) -> Record {
        Record {
            partition: 1,
            offset: 42,
            key: None,
            value: value.map(Bytes::from_static),
            headers: None,
            timestamp: None,
        }
    }

    fn text(record: &Record, from: usize, most: usize) -> String {
        Json::object(|json| write(json, "t", record, Cut { from, most }, None))
    }

    #[test]
    fn what_is_whole_has_no_note() {
        let expected = r#"{"topic":"t","partition":1,"offset":42,"key":null,"value":"hello"}"#;
        assert_eq!(text(&record(Some(b"hello")), 0, 5), expected);
        let tombstone = r#"{"topic":"t","partition":1,"offset":42,"key":null,"value":null}"#;
        assert_eq!(text(&record(None), 0, 5), tombstone);
    }

    #[test]
    fn what_is_cut_says_how_to_read_the_rest() {
        let first = text(&record(Some(b"hello")), 0, 4);
        let note = r#""truncated":"The value has 5 bytes; those from 0 to 4 are here. The rest: read_records with topic \"t\", partition 1, offset 42, max 1, value_from 4."}"#;
        assert!(first.contains(r#""value":"hell","#) && first.ends_with(note), "{first}");
        let last = text(&record(Some(b"hello")), 4, 4);
        let note =
            r#""value":"o","truncated":"The value has 5 bytes; those from 4 to 5 are here."}"#;
        assert!(last.ends_with(note), "{last}");
    }

    #[test]
    fn bytes_that_are_not_text_say_so() {
        let mut record = record(Some(&[0xff]));
        record.key = Some(Bytes::from_static(&[0xfe]));
        let header = Header { name: "h".into(), value: Some(Bytes::from_static(&[0xfd])) };
        record.headers = Some(vec![header]);
        let json: serde_json::Value = serde_json::from_str(&text(&record, 0, 4)).unwrap();
        assert_eq!((&json["value"], &json["encoding"]), (&"/w==".into(), &"base64".into()));
        assert_eq!(json["key_encoding"], "base64");
        assert_eq!(json["headers"][0]["encoding"], "base64");
        assert_eq!(json.get("truncated"), None);
    }

    #[test]
    fn keys_and_headers_are_cut_too() {
        let mut long = record(Some(b"v"));
        long.key = Some(Bytes::from_static(b"a long key"));
        let header = Header { name: "h".into(), value: Some(Bytes::from_static(b"a long value")) };
        long.headers = Some(vec![header; MAX_HEADERS + 1]);
        let json: serde_json::Value = serde_json::from_str(&text(&long, 0, 4)).unwrap();
        let note = json["truncated"].as_str().unwrap();
        assert!(note.starts_with("The key is cut;") && note.contains("The headers are cut;"));
        assert_eq!(json["headers"].as_array().unwrap().len(), MAX_HEADERS);
        assert_eq!(json["headers"][0]["value"], "a lo");
    }
}
