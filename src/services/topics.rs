//! The topics, and whether Kafka and the store answer.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::{Capabilities, Log, Offsets, Topic};
use crate::sorted::SortedMap;
use crate::state::keys::PROBE;

/// A topic as it is described to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub topic: Topic,
    /// Empty if the server does not report offsets.
    pub offsets: SortedMap<i32, Offsets>,
}

#[derive(Debug)]
pub struct Topics<H, L> {
    host: H,
    log: Rc<L>,
}

impl<H: Host, L: Log> Topics<H, L> {
    pub fn new(host: H, log: Rc<L>) -> Self {
        Self { host, log }
    }

    /// All topics, by name.
    pub async fn list(&self) -> Result<Vec<Topic>> {
        self.log.topics().await
    }

    /// One topic with its offsets.
    pub async fn describe(&self, name: &str) -> Result<Description> {
        let topic = self.log.topic(name).await?;
        let offsets = match self.log.offsets(name).await {
            Err(Error::Unsupported(_)) => SortedMap::new(),
            offsets => offsets?,
        };
        Ok(Description { topic, offsets })
    }

    pub async fn capabilities(&self) -> Result<Capabilities> {
        self.log.capabilities().await
    }

    /// One topic, if it exists and the log lets us see it. It may come from the
    /// log's cache.
    pub async fn get(&self, name: &str) -> Result<Topic> {
        self.log.topic(name).await
    }

    /// The first and end offsets of a topic's partitions.
    pub async fn offsets(&self, name: &str) -> Result<SortedMap<i32, Offsets>> {
        self.log.topic(name).await?;
        self.log.offsets(name).await
    }

    /// The offset of the first record at or after a time, for each partition of
    /// a topic; the end offset if there is no such record.
    pub async fn offsets_at(&self, name: &str, time: Millis) -> Result<SortedMap<i32, i64>> {
        self.log.topic(name).await?;
        self.log.offset_at(name, time).await
    }

    /// Checks that the store reads and writes, and that the Kafka server
    /// answers.
    pub async fn ready(&self) -> Result<()> {
        self.host.set(PROBE, b"1").await?;
        self.host.get(PROBE).await?;
        self.log.ping().await
    }
}
