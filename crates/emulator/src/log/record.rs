//! Records as the log holds them.

use bytes::Bytes;

/// A header of a record. Names may repeat and keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, which may be empty.
    pub name: String,
    /// The value; Kafka allows none.
    pub value: Option<Bytes>,
}

/// A record on its way into the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// The key, or none.
    pub key: Option<Bytes>,
    /// The value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// Milliseconds since 1970; the emulator's clock if absent.
    pub timestamp: Option<i64>,
}

impl NewRecord {
    /// A record with a value and nothing else.
    pub fn value(value: impl Into<Bytes>) -> NewRecord {
        NewRecord { value: Some(value.into()), ..NewRecord::default() }
    }

    /// The same with a key.
    pub fn with_key(mut self, key: impl Into<Bytes>) -> NewRecord {
        self.key = Some(key.into());
        self
    }
}

/// A record in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key, or none.
    pub key: Option<Bytes>,
    /// The value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Vec<Header>,
}

impl Record {
    /// Bytes of key and value, which is what the proxy's `max_bytes` counts.
    pub(crate) fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.as_ref().map_or(0, Bytes::len)
    }
}
