//! The export of `kafka-edge:api/producer`.

use bytes::Bytes;

use super::{Answer, answering, topic};
use crate::bindings::exports::kafka_edge::api::producer::{
    Error, Guest, ProducerRecord, RecordMetadata, Topic,
};
use crate::{Component, services};
use kafka_edge::error::{Error as ServiceError, ErrorKind};
use kafka_edge::limits;
use kafka_edge::record::{Header, NewRecord, RecordMetadata as Written};
use kafka_edge::services::produce::once::Once;

impl Guest for Component {
    fn send(topic: Topic, record: ProducerRecord) -> Answer<RecordMetadata> {
        answering(write_one(topic, record, None))
    }

    fn send_once(topic: Topic, record: ProducerRecord, key: String) -> Answer<RecordMetadata> {
        answering(write_one(topic, record, Some(key)))
    }

    fn send_many(topic: Topic, records: Vec<ProducerRecord>) -> Answer<Reports> {
        answering(write_many(topic, records, None))
    }

    fn send_many_once(topic: Topic, records: Vec<ProducerRecord>, key: String) -> Answer<Reports> {
        answering(write_many(topic, records, Some(key)))
    }
}

/// A report on each record, in the order given.
type Reports = Vec<Result<RecordMetadata, Error>>;

async fn write_one(
    topic: Topic,
    record: ProducerRecord,
    key: Option<String>,
) -> Result<RecordMetadata, Error> {
    let mut reports = write(topic, vec![record], key).await?;
    let report = reports.pop().unwrap_or_else(|| {
        let detail = "there is no report on this record".into();
        Err(ErrorKind::OutcomeUnknown { detail }.into())
    });
    Ok(report?.into())
}

async fn write_many(
    topic: Topic,
    records: Vec<ProducerRecord>,
    key: Option<String>,
) -> Result<Reports, Error> {
    if records.len() > limits::RECORDS {
        let message = format!("More than {} records", limits::RECORDS);
        return Err(ServiceError::invalid("records", message).into());
    }
    let reports = write(topic, records, key).await?;
    if let Some(error) = ServiceError::of_all(&reports) {
        return Err(error.into());
    }
    let reports = reports.into_iter();
    Ok(reports.map(|report| report.map(Into::into).map_err(Into::into)).collect())
}

async fn write(
    topic: Topic,
    records: Vec<ProducerRecord>,
    key: Option<String>,
) -> Result<Vec<Result<Written, ServiceError>>, Error> {
    let topic = self::topic(topic)?;
    let records = records.into_iter().map(NewRecord::from).collect();
    // A component has no credential of its own, and so no name.
    let once = key.as_deref().map(|key| Once { key, caller: "" });
    Ok(services().await?.producer.write_once(&topic, records, once).await?.reports)
}

impl From<ProducerRecord> for NewRecord {
    fn from(record: ProducerRecord) -> Self {
        Self {
            key: record.key.map(Bytes::from),
            value: record.value.map(Bytes::from),
            headers: record.headers.into_iter().map(Header::from).collect(),
            partition: record.partition,
            timestamp: record.timestamp,
        }
    }
}

impl From<NewRecord> for ProducerRecord {
    fn from(record: NewRecord) -> Self {
        Self {
            key: record.key.map(Vec::from),
            value: record.value.map(Vec::from),
            headers: record.headers.into_iter().map(Into::into).collect(),
            partition: record.partition,
            timestamp: record.timestamp,
        }
    }
}

impl From<Written> for RecordMetadata {
    fn from(written: Written) -> Self {
        Self { partition: written.partition, offset: written.offset, timestamp: written.timestamp }
    }
}
