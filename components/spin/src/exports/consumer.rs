//! The export of `kafka-edge:api/consumer`.

mod claims;
pub(super) mod groups;

use std::ops::RangeInclusive;

use spin_sdk::wit_bindgen;

use super::{Answer, answering, grant, topic, topics};
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
    fn next(
        topic: Topic,
        group: String,
        start: Start,
        wait: Milliseconds,
    ) -> Answer<Option<ConsumerRecord>> {
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
    }

    fn next_page(page: PageRequest) -> Answer<Vec<ConsumerRecord>> {
        answering(async move {
            let records = take(next_of(page, Ack::Auto)?).await?;
            Ok(records.into_iter().map(Into::into).collect())
        })
    }

    fn claim(page: PageRequest, lease: Milliseconds) -> Answer<Vec<ClaimedRecord>> {
        answering(claims::claim(page, time(lease)))
    }

    fn ack(group: String, receipts: Vec<String>) -> Answer<Vec<Acknowledgement>> {
        acknowledge(group, receipts, Ok(Disposal::Ack))
    }

    fn nack(
        group: String,
        receipts: Vec<String>,
        delay: Milliseconds,
    ) -> Answer<Vec<Acknowledgement>> {
        acknowledge(group, receipts, nack(delay))
    }

    fn accept(group: String, receipts: Vec<String>) -> Answer<Vec<Acknowledgement>> {
        acknowledge(group, receipts, Ok(Disposal::Ack))
    }

    fn release(
        group: String,
        receipts: Vec<String>,
        delay: Milliseconds,
    ) -> Answer<Vec<Acknowledgement>> {
        acknowledge(group, receipts, nack(delay))
    }

    fn reject(group: String, receipts: Vec<String>) -> Answer<Vec<Acknowledgement>> {
        acknowledge(group, receipts, Ok(Disposal::Reject))
    }

    fn renew(
        group: String,
        receipts: Vec<String>,
        lease: Milliseconds,
    ) -> Answer<Vec<Acknowledgement>> {
        let lease = limits::check_lease(time(lease));
        acknowledge(group, receipts, lease.map(|lease| Disposal::Renew { lease }))
    }

    fn get_group(group: String) -> Answer<GroupSettings> {
        answering(groups::get(group))
    }

    fn put_group(group: String, settings: String, tag: Option<String>) -> Answer<GroupSettings> {
        answering(groups::set(group, settings, false, tag))
    }

    fn patch_group(group: String, patch: String, tag: Option<String>) -> Answer<GroupSettings> {
        answering(groups::set(group, patch, true, tag))
    }

    fn list_groups() -> Answer<Vec<GroupSummary>> {
        answering(groups::list())
    }

    fn describe_group(group: String) -> Answer<Vec<GroupTopic>> {
        answering(groups::describe(group))
    }

    fn seek(group: String, topic: Topic, to: SeekTarget) -> Answer<Vec<PartitionOffset>> {
        answering(groups::seek(group, topic, to))
    }

    fn delete_group(group: String) -> Answer<()> {
        answering(groups::delete(group))
    }

    fn read_at(request: ReadRequest) -> Answer<ReadPage> {
        answering(read_at(request))
    }

    fn list_topics() -> Answer<Vec<TopicSummary>> {
        answering(async move {
            let topics = services().await?.topics.list(&grant()).await?;
            Ok(topics.into_iter().map(Into::into).collect())
        })
    }

    fn describe_topic(topic: Topic) -> Answer<TopicDescription> {
        answering(async move {
            let topic = self::topic(topic)?;
            Ok(services().await?.topics.describe(&topic).await?.into())
        })
    }

    fn offsets_at(topic: Topic, time: Timestamp) -> Answer<Vec<PartitionOffset>> {
        answering(async move {
            let topic = self::topic(topic)?;
            let offsets = services().await?.topics.offsets_at(&topic, time).await?;
            Ok(partition_offsets(offsets))
        })
    }

    fn ready() -> Answer<()> {
        answering(async move { Ok(services().await?.topics.ready().await?) })
    }
}

fn acknowledge(
    group: String,
    receipts: Vec<String>,
    disposal: Result<Disposal, ServiceError>,
) -> Answer<Vec<Acknowledgement>> {
    answering(claims::acknowledge(group, receipts, disposal))
}

fn nack(delay: Milliseconds) -> Result<Disposal, ServiceError> {
    let delay = limits::check_time("delay", time(delay), limits::DELAY)?;
    Ok(Disposal::Nack { delay })
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
