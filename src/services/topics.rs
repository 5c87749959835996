//! The topics, and whether Kafka and the store answer.

use std::rc::Rc;

use crate::access::{AllowedTopic, Grant};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::{Log, LogCapabilities, Offsets, Topic};
use crate::sorted::SortedMap;
use crate::state::probe;

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

    /// The caller's topics, by name.
    pub async fn list(&self, grant: &Grant) -> Result<Vec<Topic>> {
        let mut topics = self.log.topics().await?;
        topics.retain(|topic| grant.covers(&topic.name));
        Ok(topics)
    }

    /// One topic with its offsets.
    pub async fn describe(&self, name: &AllowedTopic) -> Result<Description> {
        let topic = self.log.topic(name).await?;
        let offsets = match self.log.offsets(name).await {
            Err(error) if matches!(*error, ErrorKind::Unsupported(_)) => SortedMap::new(),
            offsets => offsets?.into_iter().collect(),
        };
        Ok(Description { topic, offsets })
    }

    pub fn capabilities(&self) -> impl Future<Output = Result<LogCapabilities>> {
        self.log.capabilities()
    }

    /// One topic, if there is such a one and the log lets us see it. The log
    /// is asked now and then only.
    pub fn get(&self, name: &AllowedTopic) -> impl Future<Output = Result<Topic>> {
        self.log.topic(name)
    }

    /// First and end offsets of a topic's partitions.
    pub async fn offsets(&self, name: &AllowedTopic) -> Result<SortedMap<i32, Offsets>> {
        self.log.topic(name).await?;
        Ok(self.log.offsets(name).await?.into_iter().collect())
    }

    /// The offset of the first record at or after a time, for each partition
    /// of a topic; the end offset where there is none.
    pub async fn offsets_at(
        &self,
        name: &AllowedTopic,
        time: Millis,
    ) -> Result<SortedMap<i32, i64>> {
        self.log.topic(name).await?;
        Ok(self.log.offset_at(name, time).await?.into_iter().collect())
    }

    /// Checks that the store reads and writes, and that the Kafka server
    /// answers.
    pub async fn ready(&self) -> Result<()> {
        probe(&self.host).await?;
        self.log.ping().await
    }
}
