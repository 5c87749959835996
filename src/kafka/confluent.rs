//! Kafka behind Confluent's REST APIs: writing and metadata through v3, reading
//! through v2's consumer instances or Confluent Cloud's stateless call.
//!
//! Statements about the servers rest on exchanges recorded from the REST Proxy
//! 7.9.9 (Kafka 3.9.1) and 8.3.1 (Kafka 4.3.0). Comments name the recording, as
//! in `recordings/v3-produce.jsonl`; those of 8.3.1 are under
//! `recordings/8.3.1/`. `reference/confluent-rest.md` summarises them and what
//! is known of Confluent Cloud from its published description and from the
//! sources of Confluent's own clients. Cloud itself was never called.

mod client;
mod cloud;
mod failure;
mod metadata;
mod names;
mod produce;
mod retry;
mod v2;

use std::fmt;
use std::rc::Rc;

use self::client::Client;
use self::metadata::Metadata;
use self::names::TopicName;
#[cfg(feature = "destinations")]
use super::WriteAccess;
use super::{Fetch, Fetched, Log, LogCapabilities, Offsets, Place, Topic};
use crate::config::{ConsumeApi, KafkaConfig};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::record::{NewRecord, RecordMetadata};
use crate::sorted::SortedMap;

/// A log behind a REST server.
pub struct ConfluentLog<H> {
    client: Rc<Client<H>>,
    metadata: Metadata<H>,
    consume_api: ConsumeApi,
    json_values: bool,
    v2: v2::Known,
}

impl<H: Host> ConfluentLog<H> {
    pub fn new(host: H, config: &KafkaConfig) -> Self {
        let client = Rc::new(Client::new(host, config));
        let metadata = Metadata::new(client.clone(), config.cluster_id.clone());
        Self {
            client,
            metadata,
            consume_api: config.consume_api,
            json_values: config.json_values,
            v2: v2::Known::default(),
        }
    }

    /// The answer of a call about a topic. If it was refused, the topic may be gone: the
    /// calls of v2 say that in several ways, and some not at all. After a call that was not
    /// answered in time another one would only double the time.
    async fn unless_gone<T>(&self, topic: &str, answer: Result<T>) -> Result<T> {
        match answer {
            Err(error)
                if matches!(*error, ErrorKind::Upstream { .. })
                    && self.metadata.is_gone(TopicName::new(topic)?).await =>
            {
                Err(ErrorKind::UnknownTopic(topic.to_owned()).into())
            }
            answer => answer,
        }
    }

    async fn bounds(&self, topic: &str) -> Result<SortedMap<i32, Offsets>> {
        let name = TopicName::new(topic)?;
        let offsets = match self.consume_api {
            ConsumeApi::V2 => self.v2().offsets(name).await,
            ConsumeApi::Cloud => self.cloud().offsets(name).await,
        };
        self.unless_gone(topic, offsets).await
    }

    fn v2(&self) -> v2::V2Reader<'_, H> {
        v2::V2Reader { known: &self.v2, client: &self.client, metadata: &self.metadata }
    }

    fn cloud(&self) -> cloud::CloudReader<'_, H> {
        cloud::CloudReader { client: &self.client, metadata: &self.metadata }
    }
}

impl<H> fmt::Debug for ConfluentLog<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfluentLog")
            .field("consume_api", &self.consume_api)
            .finish_non_exhaustive()
    }
}

impl<H: Host> Log for ConfluentLog<H> {
    async fn capabilities(&self) -> Result<LogCapabilities> {
        let cloud = self.consume_api == ConsumeApi::Cloud;
        Ok(LogCapabilities {
            headers: cloud,
            timestamps: cloud,
            offset_by_time: cloud,
            random_access: cloud,
        })
    }

    fn cluster_id(&self) -> impl Future<Output = Result<String>> {
        self.metadata.cluster_id()
    }

    fn topics(&self) -> impl Future<Output = Result<Vec<Topic>>> {
        self.metadata.topics()
    }

    async fn topic(&self, name: &str) -> Result<Topic> {
        self.metadata.topic(TopicName::new(name)?).await
    }

    #[cfg(feature = "destinations")]
    async fn write_access(&self, topic: &str) -> Result<WriteAccess> {
        self.metadata.write_access(TopicName::new(topic)?).await
    }

    async fn offsets(&self, topic: &str) -> Result<Vec<(i32, Offsets)>> {
        Ok(self.bounds(topic).await?.into_iter().collect())
    }

    async fn ends(&self, topic: &str) -> Result<Vec<(i32, i64)>> {
        match self.consume_api {
            ConsumeApi::V2 => {
                let offsets = self.bounds(topic).await?;
                Ok(offsets.into_iter().map(|(partition, bounds)| (partition, bounds.end)).collect())
            }
            ConsumeApi::Cloud => {
                let ends = self.cloud().ends(TopicName::new(topic)?).await;
                Ok(self.unless_gone(topic, ends).await?.into_iter().collect())
            }
        }
    }

    async fn offset_at(&self, topic: &str, time: Millis) -> Result<Vec<(i32, i64)>> {
        let topic = TopicName::new(topic)?;
        match self.consume_api {
            // A v2 instance can seek to a time, but does not report the offset
            // until it has read a record there (`recordings/v2-consumer.jsonl`,
            // "seek by time").
            ConsumeApi::V2 => Err(ErrorKind::Unsupported(
                "The Kafka server cannot look up offsets by time".into(),
            )
            .into()),
            ConsumeApi::Cloud => {
                Ok(self.cloud().offset_at(topic, time).await?.into_iter().collect())
            }
        }
    }

    async fn produce(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        report: impl FnMut(usize, Result<RecordMetadata>),
    ) {
        let (client, metadata) = (&*self.client, &self.metadata);
        produce::produce(client, metadata, self.json_values, topic, records, report).await;
    }

    async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        let topic = fetch.topic;
        let fetched = match self.consume_api {
            ConsumeApi::V2 => self.v2().fetch(fetch).await,
            ConsumeApi::Cloud => self.cloud().fetch(fetch).await,
        };
        self.unless_gone(topic, fetched).await
    }

    async fn close(&self, place: Place) {
        if self.consume_api == ConsumeApi::V2 {
            self.v2().close(&place).await;
        }
    }

    fn ping(&self) -> impl Future<Output = Result<()>> {
        self.metadata.ping()
    }
}
