//! The reports of v3 produce on each record.

use crate::core::Core;
use crate::http::RestError;
use crate::json::Stop;
use crate::limits::Verdict;
use crate::log::NewRecord;
use crate::produce::{
    Acknowledged, Format, Payload, ProduceError, ProduceRecord, RecordError, Side,
};
use crate::time::format_instant;
use bytes::Bytes;
use serde::Serialize;

/// A record that was not written, as an answer reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// A code and a message.
    Told { code: u32, message: String },
    /// Kafka's producer is dead and never reports.
    Silence,
}

impl Failure {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Failure {
        Failure::Told { code, message: message.into() }
    }

    fn bad_request(why: &str) -> Failure {
        Failure::new(400, format!("Bad Request: {why}"))
    }
}

/// A record is refused with the same code and text as a call.
impl From<RestError> for Failure {
    fn from(error: RestError) -> Failure {
        Failure::new(error.code, error.message)
    }
}

impl From<ProduceError> for Failure {
    fn from(error: ProduceError) -> Failure {
        match error {
            ProduceError::Dead => Failure::Silence,
            other => Failure::new(other.v3_code(), other.to_string()),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Failure {
        match error {
            RecordError::Stop(Stop::Syntax(message) | Stop::Limit(message))
            | RecordError::Invalid(message)
            | RecordError::Unrecognized { message, .. } => Failure::new(400, message),
            RecordError::Stop(Stop::Input(_) | Stop::NeedMore) | RecordError::Internal => {
                RestError::internal().into()
            }
        }
    }
}

/// A key or value as the answer shows it.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    r#type: &'static str,
    /// Kafka's own number for null is -1.
    size: i64,
}

impl Part {
    fn new(format: Format, bytes: Option<&Bytes>) -> Part {
        Part { r#type: format.name(), size: bytes.map_or(-1, |b| b.len() as i64) }
    }
}

/// A record that was written.
#[derive(Debug, Serialize)]
pub(super) struct Success<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) cluster_id: &'a str,
    pub(super) topic_name: &'a str,
    pub(super) partition_id: i32,
    pub(super) offset: i64,
    pub(super) timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Part>,
}

/// A written record, before it has got its id or its code.
#[derive(Debug)]
pub(super) struct Written {
    acknowledged: Acknowledged,
    key: Option<Part>,
    value: Option<Part>,
}

impl Written {
    pub(super) fn report<'a>(
        self,
        cluster: &'a str,
        topic: &'a str,
        error_code: Option<u32>,
        id: Option<&'a str>,
    ) -> Success<'a> {
        Success {
            error_code,
            id,
            cluster_id: cluster,
            topic_name: topic,
            partition_id: self.acknowledged.partition,
            offset: self.acknowledged.offset,
            timestamp: format_instant(self.acknowledged.timestamp),
            key: self.key,
            value: self.value,
        }
    }
}

/// A record ready for Kafka, with what its report will show.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) partition: Option<i32>,
    pub(super) record: NewRecord,
    key: Option<Part>,
    value: Option<Part>,
}

/// Turns a record of `size` bytes of JSON into bytes to write. Errors here
/// come before Kafka sees anything.
pub(super) fn prepare(
    core: &Core,
    topic: &str,
    record: ProduceRecord,
    size: usize,
) -> Result<Prepared, Failure> {
    match core.limits.admit_record(size) {
        Verdict::Pass => {}
        Verdict::TooMany => return Err(RestError::too_many_requests().into()),
        Verdict::Broken => return Err(RestError::internal().into()),
    }
    let partition = match record.partition_id {
        Some(id) if id < 0 => return Err(RestError::partition_not_found().into()),
        Some(id) => Some(i32::try_from(id).unwrap_or(i32::MAX)),
        None => None,
    };
    let (key, key_part) = serialise(core, topic, Side::Key, record.key)?;
    let (value, value_part) = serialise(core, topic, Side::Value, record.value)?;
    let record = NewRecord { key, value, headers: record.headers, timestamp: record.timestamp };
    Ok(Prepared { partition, record, key: key_part, value: value_part })
}

/// Hands a record to Kafka.
pub(super) async fn send(core: &Core, topic: &str, prepared: Prepared) -> Result<Written, Failure> {
    let Prepared { partition, record, key, value } = prepared;
    let acknowledged = core.producer.send(core, topic, partition, record).await?;
    Ok(Written { acknowledged, key, value })
}

fn serialise(
    core: &Core,
    topic: &str,
    side: Side,
    payload: Option<Payload>,
) -> Result<(Option<Bytes>, Option<Part>), Failure> {
    let Some(payload) = payload else { return Ok((None, None)) };
    let Some(format) = payload.format.filter(|f| !f.needs_schema()) else {
        return Err(without_registry(core, topic, side, &payload));
    };
    let bytes = payload.into_bytes().map_err(|why| Failure::bad_request(&why))?;
    let part = Part::new(format, bytes.as_ref());
    Ok((bytes, Some(part)))
}

/// Schemas need a registry, which is never reachable.
fn without_registry(core: &Core, topic: &str, side: Side, payload: &Payload) -> Failure {
    if !core.options.schema_registry {
        return Failure::new(
            422,
            format!("Error: 42206 : {}", RestError::no_schema_registry().message),
        );
    }
    let subject = match &payload.subject {
        Some(subject) => subject.clone(),
        None => format!("{topic}-{}", side.name()),
    };
    Failure::new(
        422,
        format!(
            "Error: 42207 : Error serializing message. Error when fetching latest schema version. subject = {subject}"
        ),
    )
}
