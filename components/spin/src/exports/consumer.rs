//! The export of `kafka-edge:api/consumer`.

mod claims;
pub(super) mod groups;

use std::ops::RangeInclusive;

use spin_sdk::wit_bindgen;

use super::{answering, grant, topic, topics};
use crate::bindings::exports::kafka_edge::api::consumer::{
    Acknowledgement, ClaimedRecord, ConsumerRecord, Error, GroupSettings, GroupSummary, GroupTopic,
    Guest, Milliseconds, PageRequest, PartitionOffset, PartitionOffsets, ReadPage, ReadRequest,
    SeekTarget, Start, Timestamp, Topic, TopicDescription, TopicSummary,
};
use crate::exports::convert::time;
use crate::{Component, services};
use kafka_edge::error::Error as ServiceError;
use kafka_edge::record::Record;
use kafka_edge::services::consume::{Ack, Consumed, Disposal, Next};
use kafka_edge::services::read::At;
use kafka_edge::services::topics::Description;
use kafka_edge::sorted::SortedMap;
use kafka_edge::{kafka, limits, names};

impl Guest for Component {
    async fn next(
        topic: Topic,
        group: String,
        start: Start,
        wait: Milliseconds,
    ) -> Result<Option<ConsumerRecord>, Error> {
        answering(async move {
            let max_bytes = *limits::PAGE_BYTES.end();
            let next = Next {
                group,
                topics: vec![self::topic(topic)?],
                from: start.into(),
                wait: time(wait),
                max: 1,
                max_bytes,
                ack: Ack::Auto,
            };
            Ok(take(next).await?.pop().map(Into::into))
        })
        .await
    }

    async fn next_page(page: PageRequest) -> Result<Vec<ConsumerRecord>, Error> {
        answering(async move {
            let records = take(next_of(page, Ack::Auto)?).await?;
            Ok(records.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn claim(page: PageRequest, lease: Milliseconds) -> Result<Vec<ClaimedRecord>, Error> {
        answering(claims::claim(page, time(lease))).await
    }

    async fn ack(group: String, receipts: Vec<String>) -> Result<Vec<Acknowledgement>, Error> {
        answering(claims::acknowledge(group, receipts, Disposal::Ack)).await
    }

    async fn nack(
        group: String,
        receipts: Vec<String>,
        delay: Milliseconds,
    ) -> Result<Vec<Acknowledgement>, Error> {
        let delay = limits::check_time("delay", time(delay), limits::DELAY)?;
        answering(claims::acknowledge(group, receipts, Disposal::Nack { delay })).await
    }

    async fn accept(group: String, receipts: Vec<String>) -> Result<Vec<Acknowledgement>, Error> {
        answering(claims::acknowledge(group, receipts, Disposal::Ack)).await
    }

    async fn release(
        group: String,
        receipts: Vec<String>,
        delay: Milliseconds,
    ) -> Result<Vec<Acknowledgement>, Error> {
        let delay = limits::check_time("delay", time(delay), limits::DELAY)?;
        answering(claims::acknowledge(group, receipts, Disposal::Nack { delay })).await
    }

    async fn reject(group: String, receipts: Vec<String>) -> Result<Vec<Acknowledgement>, Error> {
        answering(claims::acknowledge(group, receipts, Disposal::Reject)).await
    }

    async fn renew(
        group: String,
        receipts: Vec<String>,
        lease: Milliseconds,
    ) -> Result<Vec<Acknowledgement>, Error> {
        let lease = limits::check_lease(time(lease))?;
        answering(claims::acknowledge(group, receipts, Disposal::Renew { lease })).await
    }

    async fn get_group(group: String) -> Result<GroupSettings, Error> {
        answering(groups::get(group)).await
    }

    async fn put_group(
        group: String,
        settings: String,
        tag: Option<String>,
    ) -> Result<GroupSettings, Error> {
        answering(groups::set(group, settings, false, tag)).await
    }

    async fn patch_group(
        group: String,
        patch: String,
        tag: Option<String>,
    ) -> Result<GroupSettings, Error> {
        answering(groups::set(group, patch, true, tag)).await
    }

    async fn list_groups() -> Result<Vec<GroupSummary>, Error> {
        answering(groups::list()).await
    }

    async fn describe_group(group: String) -> Result<Vec<GroupTopic>, Error> {
        answering(groups::describe(group)).await
    }

    async fn seek(
        group: String,
        topic: Topic,
        to: SeekTarget,
    ) -> Result<Vec<PartitionOffset>, Error> {
        answering(groups::seek(group, topic, to)).await
    }

    async fn delete_group(group: String) -> Result<(), Error> {
        answering(groups::delete(group)).await
    }

    async fn read_at(request: ReadRequest) -> Result<ReadPage, Error> {
        answering(read_at(request)).await
    }

    async fn list_topics() -> Result<Vec<TopicSummary>, Error> {
        answering(async move {
            let topics = services().await?.topics.list(&grant()).await?;
            Ok(topics.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn describe_topic(topic: Topic) -> Result<TopicDescription, Error> {
        answering(async move {
            let topic = self::topic(topic)?;
            Ok(services().await?.topics.describe(&topic).await?.into())
        })
        .await
    }

    async fn offsets_at(topic: Topic, time: Timestamp) -> Result<Vec<PartitionOffset>, Error> {
        answering(async move {
            let topic = self::topic(topic)?;
            let offsets = services().await?.topics.offsets_at(&topic, time).await?;
            Ok(partition_offsets(offsets))
        })
        .await
    }

    async fn ready() -> Result<(), Error> {
        answering(async move { Ok(services().await?.topics.ready().await?) }).await
    }
}

fn number(
    field: &'static str,
    number: u32,
    bounds: &RangeInclusive<usize>,
) -> Result<usize, ServiceError> {
    limits::check_number(field, usize::try_from(number).unwrap_or(usize::MAX), bounds)
}

fn next_of(page: PageRequest, ack: Ack) -> Result<Next, Error> {
    Ok(Next {
        group: page.group,
        topics: topics(page.topics)?,
        from: page.start.into(),
        wait: time(page.wait),
        max: number("max", page.max, &limits::PAGE_RECORDS)?,
        max_bytes: number("max-bytes", page.max_bytes, &limits::PAGE_BYTES)?,
        ack,
    })
}

async fn take(next: Next) -> Result<Vec<Consumed>, ServiceError> {
    names::check_group(&next.group)?;
    limits::check_time("wait", next.wait, limits::WAIT)?;
    let handed = services().await?.consume.next(next).await?;
    let records = handed.records.clone();
    // A separate task runs after the records have been returned.
    wit_bindgen::spawn(async move { handed.delivered() });
    Ok(records)
}

async fn read_at(request: ReadRequest) -> Result<ReadPage, Error> {
    let topic = topic(request.topic)?;
    if request.offset < 0 {
        return Err(ServiceError::invalid("offset", "Not an offset, counted from 0").into());
    }
    let at = At {
        topic: &topic,
        partition: request.partition,
        offset: request.offset,
        max: number("max", request.max, &limits::PAGE_RECORDS)?,
        max_bytes: number("max-bytes", request.max_bytes, &limits::PAGE_BYTES)?,
        wait: limits::check_time("wait", time(request.wait), limits::WAIT)?,
    };
    let page = services().await?.read.at(at).await?;
    let record = |record| consumer_record(&topic, record);
    Ok(ReadPage { records: page.records.into_iter().map(record).collect(), next: page.next })
}

impl From<Consumed> for ConsumerRecord {
    fn from(Consumed { topic, record, .. }: Consumed) -> Self {
        consumer_record(&topic, record)
    }
}

fn consumer_record(topic: &str, record: Record) -> ConsumerRecord {
    let headers = |headers: Vec<_>| headers.into_iter().map(Into::into).collect();
    ConsumerRecord {
        topic: topic.to_owned(),
        key: record.key.map(Vec::from),
        value: record.value.map(Vec::from),
        headers: record.headers.map(headers),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
    }
}

pub(super) fn partition_offsets(offsets: SortedMap<i32, i64>) -> Vec<PartitionOffset> {
    let offsets = offsets.into_iter();
    offsets.map(|(partition, offset)| PartitionOffset { partition, offset }).collect()
}

impl From<kafka::Topic> for TopicSummary {
    fn from(topic: kafka::Topic) -> Self {
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
