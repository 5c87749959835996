//! Kafka's records, as bytes.

use bytes::Bytes;

use crate::host::Millis;

/// A header of a record. Names may repeat, their order matters, and a value can
/// be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Option<Bytes>,
}

/// A record to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    pub key: Option<Bytes>,
    /// `None` is a tombstone.
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    /// If `None`, the server chooses it (from the key, if there is one).
    pub partition: Option<i32>,
    /// If `None`, the server's current time is used.
    pub timestamp: Option<Millis>,
}

/// Where a record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    pub partition: i32,
    pub offset: i64,
    /// `None` if the server does not report it.
    pub timestamp: Option<Millis>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// `None` if the log does not report headers (Confluent's v2 API), which
    /// differs from a record without headers.
    pub headers: Option<Vec<Header>>,
    /// `None` if the log does not report it.
    pub timestamp: Option<Millis>,
}

impl Record {
    /// The size of key, value and headers in bytes, which counts towards a
    /// caller's limit.
    pub fn size(&self) -> usize {
        let part = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        let headers = self.headers.iter().flatten();
        let headers = headers.map(|header| header.name.len() + part(&header.value));
        part(&self.key) + part(&self.value) + headers.sum::<usize>()
    }
}
