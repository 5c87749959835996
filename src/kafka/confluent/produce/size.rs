//! The size of a record, as its topic's limit counts it.

use crate::record::NewRecord;

/// The header that Kafka puts before the records of a batch of message format 2.
const BATCH_HEADER_BYTES: u64 = 61;

/// The size of a batch that holds only this record, in message format 2 and
/// uncompressed (`reference/kafka-wire.md`). A topic's `max.message.bytes` limits
/// this size.
pub(super) fn in_a_batch(record: &NewRecord) -> u64 {
    // The attributes, and the differences between the record's time and offset
    // and those of the batch: one byte each, since the record is the first one.
    let fixed = 3;
    let headers: u64 =
        record.headers.iter().map(|h| string(&h.name) + bytes(h.value.as_deref())).sum();
    let body = fixed
        + bytes(record.key.as_deref())
        + bytes(record.value.as_deref())
        + varint(record.headers.len() as i64)
        + headers;
    BATCH_HEADER_BYTES + varint(body as i64) + body
}

fn string(text: &str) -> u64 {
    bytes(Some(text.as_bytes()))
}

/// Bytes with their length before them; the length of null is −1.
fn bytes(bytes: Option<&[u8]>) -> u64 {
    match bytes {
        Some(bytes) => varint(bytes.len() as i64) + bytes.len() as u64,
        None => varint(-1),
    }
}

/// The length of a zigzag varint.
fn varint(number: i64) -> u64 {
    let zigzag = ((number << 1) ^ (number >> 63)) as u64;
    (64 - zigzag.leading_zeros()).max(1).div_ceil(7).into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;

    #[test]
    fn varints_are_as_long_as_kafkas() {
        for (number, length) in [
            (0, 1),
            (-1, 1),
            (63, 1),
            (64, 2),
            (-64, 1),
            (-65, 2),
            (8_191, 2),
            (8_192, 3),
            (i64::MAX, 10),
        ] {
            assert_eq!(varint(number), length, "{number}");
        }
    }

    #[test]
    fn an_empty_record_is_68_bytes() {
        // Length, attributes, two differences, null key, null value, no headers.
        assert_eq!(in_a_batch(&NewRecord::default()), 61 + 7);
    }

    #[test]
    fn key_value_and_headers_count() {
        let record = NewRecord {
            key: Some(Bytes::from_static(b"k-1")),
            value: Some(Bytes::from(vec![b'x'; 100])),
            headers: vec![
                Header { name: "trace".into(), value: Some(Bytes::from_static(b"abc")) },
                Header { name: "empty".into(), value: None },
            ],
            ..NewRecord::default()
        };
        let body = 3 + (1 + 3) + (2 + 100) + 1 + (1 + 5) + (1 + 3) + (1 + 5) + 1;
        assert_eq!(in_a_batch(&record), 61 + 2 + body);
    }
}
