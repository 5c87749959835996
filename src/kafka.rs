//! The log that the services know: topics, partitions, records at offsets.
//!
//! [`Log`] is the one trait; [`confluent`] implements it over Confluent's REST
//! APIs. What a log cannot do it says in its [`LogCapabilities`], and services
//! decide on those, never on a product's name.

pub mod confluent;

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::host::Millis;
use crate::record::{NewRecord, Record, RecordMetadata};

/// What a log can and cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCapabilities {
    /// Records that are read carry their headers.
    pub headers: bool,
    /// Records that are read carry their timestamps.
    pub timestamps: bool,
    /// [`Log::offset_at`] works.
    pub offset_by_time: bool,
    /// A fetch at any offset costs no more than the next one in sequence, so
    /// that reading needs no [`Place`].
    pub random_access: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub partitions: i32,
    /// The largest record batch that the topic takes, in bytes, where the
    /// server says so.
    pub max_message_bytes: Option<u64>,
}

/// What is known of writing to a topic before anything is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAccess {
    pub topic: Topic,
    /// Whether these credentials may write; `None` if the server does not say.
    pub allowed: Option<bool>,
}

/// The bounds of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    /// Of the oldest record that is still there.
    pub first: i64,
    /// Of the next record to be written.
    pub end: i64,
}

/// Where a sequential reader stands on the server's side. Services do not look
/// inside: they keep it with the position that it belongs to, and the next
/// holder of the partition passes it to its fetch. Losing it costs time, never
/// records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(pub String);

/// What to read.
#[derive(Debug, Clone)]
pub struct Fetch<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub place: Option<Place>,
    /// The approximate number of records. More are returned if the server has
    /// handed them out already: a page of a sequential reader is never cut.
    pub max_records: usize,
    /// The approximate number of bytes. A first record that is larger is
    /// returned all the same.
    pub max_bytes: usize,
    /// The end of the partition, as the caller last saw it. It spares a read beyond.
    pub end: Option<i64>,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
}

/// What was read: records in the order of their offsets, from the requested
/// offset on. No record that the log still has is left out.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub records: Vec<Record>,
    /// Where the next fetch starts: after the last record, or past a gap that
    /// the log really has (deleted or compacted records).
    pub next: i64,
    pub place: Option<Place>,
    /// A read has shown that there is no record from `next` up to this offset now: what
    /// lies there belongs to no record, such as the markers of transactions. The next
    /// fetch still starts at `next`.
    pub silent_to: Option<i64>,
}

/// A Kafka log, however it is reached. `crates/contract/src/log.rs` holds what each
/// implementation promises.
pub trait Log: 'static {
    fn capabilities(&self) -> impl Future<Output = Result<LogCapabilities>>;

    /// The name that makes record ids of this cluster differ from those of
    /// another one.
    fn cluster_id(&self) -> impl Future<Output = Result<String>>;

    /// All topics that the credentials may see, by name.
    fn topics(&self) -> impl Future<Output = Result<Vec<Topic>>>;

    /// One topic, from a short-lived cache. A missing topic is found out here
    /// ([`ErrorKind::UnknownTopic`]), before a produce would wait a minute for it.
    ///
    /// [`ErrorKind::UnknownTopic`]: crate::error::Error::UnknownTopic
    fn topic(&self, name: &str) -> impl Future<Output = Result<Topic>>;

    /// Whether these credentials may write to a topic, found out without writing anything
    /// and without a cache.
    fn write_access(&self, topic: &str) -> impl Future<Output = Result<WriteAccess>> {
        async { Ok(WriteAccess { topic: self.topic(topic).await?, allowed: None }) }
    }

    /// First and end offsets of the partitions in their order, where the
    /// server offers them.
    fn offsets(&self, topic: &str) -> impl Future<Output = Result<Vec<(i32, Offsets)>>>;

    /// The end offsets alone: what is asked again and again while a caller
    /// waits for a record to appear.
    fn ends(&self, topic: &str) -> impl Future<Output = Result<Vec<(i32, i64)>>> {
        async {
            let offsets = self.offsets(topic).await?;
            Ok(offsets.into_iter().map(|(partition, offsets)| (partition, offsets.end)).collect())
        }
    }

    /// The offset of the first record at or after `time`, for each partition;
    /// the end offset where there is none.
    fn offset_at(&self, topic: &str, time: Millis)
    -> impl Future<Output = Result<Vec<(i32, i64)>>>;

    /// Writes records of one topic with one call, and reports on each record
    /// once. It never fails as a whole.
    fn produce(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        report: impl FnMut(usize, Result<RecordMetadata>),
    ) -> impl Future<Output = ()>;

    /// Reads records at an offset. An offset below the first one is moved up
    /// to it; one past the end reads nothing.
    fn fetch(&self, fetch: Fetch<'_>) -> impl Future<Output = Result<Fetched>>;

    /// Gives up a place that will not be read from again.
    fn close(&self, place: Place) -> impl Future<Output = ()>;

    /// Whether the server answers, without any cache.
    fn ping(&self) -> impl Future<Output = Result<()>>;
}
