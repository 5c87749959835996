//! The export of `kafka-edge:api/consumer`.

use std::ops::RangeInclusive;
use std::time::Duration;

use spin_sdk::wit_bindgen;

use super::bindings::exports::kafka_edge::api::consumer::{
    ConsumerRecord, Error, Guest, Milliseconds, PageRequest, PartitionOffsets, Start, Topic,
    TopicDescription, TopicSummary,
};
use super::{Component, services};
use crate::error::Error as ServiceError;
use crate::host::spin::starting_tasks;
use crate::services::consume::{Ack, Consumed, Next};
use crate::services::topics::Description;
use crate::{limits, log, names};

impl Guest for Component {
    async fn next(
        topic: Topic,
        group: String,
        start: Start,
        wait: Milliseconds,
    ) -> Result<Option<ConsumerRecord>, Error> {
        starting_tasks(async move {
            let max_bytes = *limits::PAGE_BYTES.end();
            let next = Next {
                group,
                topics: vec![topic],
                from: start.into(),
                wait: time(wait),
                max: 1,
                max_bytes,
                ack: Ack::Auto,
            };
            Ok(take(next).await?.pop())
        })
        .await
    }

    async fn next_page(page: PageRequest) -> Result<Vec<ConsumerRecord>, Error> {
        starting_tasks(async move {
            take(Next {
                group: page.group,
                topics: page.topics,
                from: page.start.into(),
                wait: time(page.wait),
                max: number("max", page.max, &limits::PAGE_RECORDS)?,
                max_bytes: number("max-bytes", page.max_bytes, &limits::PAGE_BYTES)?,
                ack: Ack::Auto,
            })
            .await
        })
        .await
    }

    async fn list_topics() -> Result<Vec<TopicSummary>, Error> {
        starting_tasks(async move {
            let topics = services().await?.topics.list().await?;
            Ok(topics.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn describe_topic(topic: Topic) -> Result<TopicDescription, Error> {
        starting_tasks(async move {
            names::check_topic(&topic)?;
            Ok(services().await?.topics.describe(&topic).await?.into())
        })
        .await
    }

    async fn ready() -> Result<(), Error> {
        starting_tasks(async move { Ok(services().await?.topics.ready().await?) }).await
    }
}

fn time(wait: Milliseconds) -> Duration {
    Duration::from_millis(wait.into())
}

fn number(
    field: &'static str,
    number: u32,
    bounds: &RangeInclusive<usize>,
) -> Result<usize, ServiceError> {
    limits::check_number(field, usize::try_from(number).unwrap_or(usize::MAX), bounds)
}

async fn take(next: Next) -> Result<Vec<ConsumerRecord>, Error> {
    names::check_topics(&next.topics)?;
    names::check_group(&next.group)?;
    limits::check_time("wait", next.wait, limits::WAIT)?;
    let Some(handed) = services().await?.consume.next(next).await? else { return Ok(Vec::new()) };
    let records = handed.records.iter().cloned().map(Into::into).collect();
    // A task of its own runs after the records have been returned.
    wit_bindgen::spawn(async move { handed.delivered() });
    Ok(records)
}

impl From<Consumed> for ConsumerRecord {
    fn from(Consumed { topic, record, .. }: Consumed) -> Self {
        let headers = |headers: Vec<_>| headers.into_iter().map(Into::into).collect();
        Self {
            topic: topic.to_string(),
            key: record.key.map(Vec::from),
            value: record.value.map(Vec::from),
            headers: record.headers.map(headers),
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
        }
    }
}

impl From<log::Topic> for TopicSummary {
    fn from(topic: log::Topic) -> Self {
        Self { name: topic.name, partitions: topic.partitions }
    }
}

impl From<Description> for TopicDescription {
    fn from(Description { topic, offsets }: Description) -> Self {
        let offsets = offsets.into_iter().map(|(partition, offsets)| PartitionOffsets {
            partition,
            first: offsets.first,
            end: offsets.end,
        });
        Self {
            name: topic.name,
            partitions: topic.partitions,
            max_message_bytes: topic.max_message_bytes,
            offsets: offsets.collect(),
        }
    }
}
