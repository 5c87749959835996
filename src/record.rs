//! Kafka's records, as bytes.

use bytes::Bytes;

use crate::host::Millis;

/// A header of a record. Names repeat and their order counts; a value can be
/// null.
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
    /// Chosen by the server (from the key, if there is one) when `None`.
    pub partition: Option<i32>,
    /// The server's clock when `None`.
    pub timestamp: Option<Millis>,
}

/// Where a record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    pub partition: i32,
    pub offset: i64,
    /// Absent when the server does not tell.
    pub timestamp: Option<Millis>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// `None` when the log cannot tell (Confluent's v2 API), which differs
    /// from a record without headers.
    pub headers: Option<Vec<Header>>,
    /// `None` when the log cannot tell.
    pub timestamp: Option<Millis>,
}

impl Record {
    /// Bytes of key, value and headers: what counts towards a caller's limit.
    pub fn size(&self) -> usize {
        let part = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        let headers = self.headers.iter().flatten();
        let headers = headers.map(|header| header.name.len() + part(&header.value));
        part(&self.key) + part(&self.value) + headers.sum::<usize>()
    }
}
