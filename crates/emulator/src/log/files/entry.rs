//! What a partition's file says, change by change.

use crate::log::record::{Header, Record};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// A change of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A record was appended.
    Record(Record),
    /// Records before this offset are gone.
    TruncateBefore(i64),
    /// One record is gone.
    Remove(i64),
    /// Offsets before this one stay unused.
    SkipTo(i64),
}

const RECORD: u8 = 0;
const TRUNCATE_BEFORE: u8 = 1;
const REMOVE: u8 = 2;
const SKIP_TO: u8 = 3;

impl Entry {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Entry::Record(record) => {
                out.put_u8(RECORD);
                out.put_i64_le(record.offset);
                out.put_i64_le(record.timestamp);
                put_bytes(&mut out, record.key.as_deref());
                put_bytes(&mut out, record.value.as_deref());
                out.put_u32_le(record.headers.len() as u32);
                for header in &record.headers {
                    put_bytes(&mut out, Some(header.name.as_bytes()));
                    put_bytes(&mut out, header.value.as_deref());
                }
            }
            Entry::TruncateBefore(offset) => put_offset(&mut out, TRUNCATE_BEFORE, *offset),
            Entry::Remove(offset) => put_offset(&mut out, REMOVE, *offset),
            Entry::SkipTo(offset) => put_offset(&mut out, SKIP_TO, *offset),
        }
        out.freeze()
    }

    /// None if the bytes are no entry.
    pub(super) fn decode(mut bytes: Bytes) -> Option<Entry> {
        let kind = bytes.try_get_u8().ok()?;
        let offset = bytes.try_get_i64_le().ok()?;
        let entry = match kind {
            RECORD => Entry::Record(Record {
                offset,
                timestamp: bytes.try_get_i64_le().ok()?,
                key: get_bytes(&mut bytes)?,
                value: get_bytes(&mut bytes)?,
                headers: get_headers(&mut bytes)?,
            }),
            TRUNCATE_BEFORE => Entry::TruncateBefore(offset),
            REMOVE => Entry::Remove(offset),
            SKIP_TO => Entry::SkipTo(offset),
            _ => return None,
        };
        bytes.is_empty().then_some(entry)
    }
}

fn put_offset(out: &mut BytesMut, kind: u8, offset: i64) {
    out.put_u8(kind);
    out.put_i64_le(offset);
}

/// A length before the bytes; -1 for none at all.
fn put_bytes(out: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            out.put_i32_le(bytes.len() as i32);
            out.put_slice(bytes);
        }
        None => out.put_i32_le(-1),
    }
}

fn get_bytes(bytes: &mut Bytes) -> Option<Option<Bytes>> {
    let length = bytes.try_get_i32_le().ok()?;
    let Ok(length) = usize::try_from(length) else { return Some(None) };
    (bytes.len() >= length).then(|| Some(bytes.split_to(length)))
}

fn get_headers(bytes: &mut Bytes) -> Option<Vec<Header>> {
    let count = bytes.try_get_u32_le().ok()?;
    (0..count)
        .map(|_| {
            let name = String::from_utf8(get_bytes(bytes)??.to_vec()).ok()?;
            Some(Header { name, value: get_bytes(bytes)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_went_in() {
        let record = Record {
            offset: 7,
            timestamp: -1,
            key: None,
            value: Some(Bytes::from_static(b"\0\xff")),
            headers: vec![
                Header { name: "é".into(), value: None },
                Header { name: String::new(), value: Some(Bytes::new()) },
            ],
        };
        let entries =
            [Entry::Record(record), Entry::TruncateBefore(3), Entry::Remove(5), Entry::SkipTo(9)];
        for entry in entries {
            assert_eq!(Entry::decode(entry.encode()), Some(entry));
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_no_entry() {
        let whole = Entry::SkipTo(1).encode();
        assert_eq!(Entry::decode(whole.slice(..whole.len() - 1)), None);
        assert_eq!(Entry::decode([&whole[..], b"x"].concat().into()), None);
    }
}
