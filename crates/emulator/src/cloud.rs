//! Confluent Cloud's internal calls for reading without a consumer, modelled on
//! the sources of Confluent's own clients (`reference/confluent-rest.md`, 6).

use crate::core::Core;
use crate::http::{Call, JSON, Reply, RequestBody, RestError, collect, json};
use crate::json::{Fields, Json, read_document};
use crate::log::{Partition, Record, Topic};
use crate::router::{Api, Route};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

const fn route(path: &'static str, methods: &'static [Method]) -> Route {
    Route { path, methods, api: Api::CloudInternal }
}

const CONSUME: &str =
    "/clusters/{cluster}/internal/topics/{topic}/partitions/-/records:consume_guarantee_progress";
const RECORDS: &str = "/clusters/{cluster}/internal/topics/{topic}/partitions/{partition}/records";
const ALL_OFFSETS: &str =
    "/clusters/{cluster}/internal/topics/{topic}/partitions/-/records:offsets";
const OFFSETS: &str =
    "/clusters/{cluster}/internal/topics/{topic}/partitions/{partition}/records:offsets";

/// The internal calls, below the prefix.
pub(crate) const ROUTES: &[Route] = &[
    route(CONSUME, &[Method::POST]),
    route(ALL_OFFSETS, &[Method::GET]),
    route(RECORDS, &[Method::GET]),
    route(OFFSETS, &[Method::GET]),
];

/// The limits of an answer, from the model of the call in Confluent's
/// ide-sidecar (`reference/confluent-rest.md`, 6.1).
const MAX_RECORDS: usize = 2000;
const DEFAULT_RECORDS: usize = 500;
const MAX_BYTES: usize = 20 * 1024 * 1024;
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Serialize)]
struct ConsumeBody<'a> {
    cluster_id: &'a str,
    topic_name: &'a str,
    partition_data_list: Vec<PartitionData>,
}

#[derive(Serialize)]
struct OnePartitionBody<'a> {
    cluster_id: &'a str,
    topic_name: &'a str,
    partition_data: PartitionData,
}

#[derive(Serialize)]
struct PartitionData {
    partition_id: i32,
    next_offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<RecordBody>>,
}

#[derive(Serialize)]
struct RecordBody {
    partition_id: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: &'static str,
    headers: Vec<HeaderBody>,
    key: Data,
    value: Data,
    #[serde(skip_serializing_if = "Option::is_none")]
    exceeded_fields: Option<Exceeded>,
}

#[derive(Serialize)]
struct HeaderBody {
    key: String,
    value: Option<String>,
}

/// A key or a value: text, raw bytes in base64, or null.
#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Null,
    Text(String),
    Raw {
        #[serde(rename = "__raw__")]
        raw: String,
    },
}

#[derive(Serialize)]
struct Exceeded {
    key: bool,
    value: bool,
}

#[derive(Serialize)]
struct AllOffsets<'a> {
    cluster_id: &'a str,
    topic_name: &'a str,
    total_records: i64,
    partition_data_list: Vec<PartitionData>,
}

#[derive(Serialize)]
struct OneOffset<'a> {
    cluster_id: &'a str,
    topic_name: &'a str,
    partition_id: i32,
    next_offset: i64,
}

pub(crate) async fn answer(
    core: &Core,
    path: &str,
    call: Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let cluster = &call.segments[1];
    if *cluster != core.options.cluster_id {
        return Err(RestError::new(404, 404, format!("Cluster {cluster} cannot be found.")));
    }
    let topic = core.log.topic(&call.segments[4]).ok_or_else(RestError::unknown_topic)?;
    match path {
        CONSUME => consume(&call, &topic, body).await,
        ALL_OFFSETS => Ok(all_offsets(&call, &topic)),
        RECORDS => one_partition(&call, &topic),
        _ => one_offset(&call, &topic),
    }
}

fn ok(body: &impl Serialize) -> Reply {
    json(StatusCode::OK, Some(JSON), body)
}

/// Where to read: by offsets, by time, from the beginning, or (without any of
/// these) at the end.
enum From {
    Beginning,
    Timestamp(i64),
    Offsets(HashMap<i32, i64>),
    End,
}

impl From {
    fn offset(&self, id: i32, partition: &Partition) -> i64 {
        let (first, end) = (partition.first_offset(), partition.end_offset());
        match self {
            From::Beginning => first,
            From::Timestamp(time) => partition.offset_at(*time).unwrap_or(end),
            // An offset that is gone is moved up to the first one that exists.
            From::Offsets(offsets) => offsets.get(&id).map_or(end, |o| (*o).max(first)),
            From::End => end,
        }
    }
}

/// The limits of the answer.
struct Budget {
    records: usize,
    bytes: usize,
    message_bytes: usize,
    raw: bool,
}

impl Budget {
    /// Reads from one partition. The first record always fits.
    fn take(
        &mut self,
        id: i32,
        topic: &Topic,
        partition: &Partition,
        offset: i64,
    ) -> PartitionData {
        let mut next_offset = offset;
        let mut bodies = Vec::new();
        for record in partition.read(offset, self.records) {
            let size = record.size();
            if size > self.bytes && !bodies.is_empty() {
                break;
            }
            self.bytes = self.bytes.saturating_sub(size);
            self.records -= 1;
            next_offset = record.offset + 1;
            bodies.push(self.show(id, topic, &record));
            if self.bytes == 0 {
                break;
            }
        }
        PartitionData { partition_id: id, next_offset, records: Some(bodies) }
    }

    fn show(&self, partition_id: i32, topic: &Topic, record: &Record) -> RecordBody {
        let too_long =
            |bytes: &Option<Bytes>| bytes.as_ref().is_some_and(|b| b.len() > self.message_bytes);
        let (key, value) = (too_long(&record.key), too_long(&record.value));
        RecordBody {
            partition_id,
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: if topic.uses_append_time() {
                "LOG_APPEND_TIME"
            } else {
                "CREATE_TIME"
            },
            headers: record
                .headers
                .iter()
                .map(|header| HeaderBody {
                    key: header.name.clone(),
                    value: header.value.as_ref().map(|v| STANDARD.encode(v)),
                })
                .collect(),
            key: if key { Data::Null } else { self.data(record.key.as_ref()) },
            value: if value { Data::Null } else { self.data(record.value.as_ref()) },
            exceeded_fields: (key || value).then_some(Exceeded { key, value }),
        }
    }

    fn data(&self, bytes: Option<&Bytes>) -> Data {
        let Some(bytes) = bytes else { return Data::Null };
        // Bytes that begin with 0 contain a schema's id; they stay raw
        // (`reference/confluent-rest.md`, 6.1).
        let text = std::str::from_utf8(bytes).ok().filter(|t| !self.raw && !t.starts_with('\0'));
        match text {
            Some(text) => Data::Text(text.to_owned()),
            None => Data::Raw { raw: STANDARD.encode(bytes) },
        }
    }
}

fn raw(call: &Call) -> bool {
    call.query("return_raw_base64_records") == Some("true")
}

fn positive(value: Option<i64>, default: usize, max: usize) -> usize {
    value.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(default).min(max)
}

async fn consume(call: &Call, topic: &Arc<Topic>, body: RequestBody) -> Result<Reply, RestError> {
    let known = [
        "offsets",
        "max_poll_records",
        "fetch_max_bytes",
        "message_max_bytes",
        "timestamp",
        "from_beginning",
    ];
    let json = read_document(&collect(body).await?)?;
    let mut fields = Fields::new(json, "SimpleConsumeMultiPartitionRequest", &known)?;
    let offsets = match fields.list("offsets")? {
        Some(list) => Some(read_offsets(list)?),
        None => None,
    };
    let from = if fields.boolean("from_beginning")? == Some(true) {
        From::Beginning
    } else if let Some(time) = fields.integer("timestamp")? {
        From::Timestamp(time)
    } else {
        offsets.map_or(From::End, From::Offsets)
    };
    let mut budget = Budget {
        records: positive(fields.integer("max_poll_records")?, DEFAULT_RECORDS, MAX_RECORDS),
        bytes: positive(fields.integer("fetch_max_bytes")?, MAX_BYTES, MAX_BYTES),
        message_bytes: positive(
            fields.integer("message_max_bytes")?,
            MAX_MESSAGE_BYTES,
            MAX_MESSAGE_BYTES,
        ),
        raw: raw(call),
    };
    let mut list = Vec::new();
    for (id, partition) in (0..).zip(topic.partitions()) {
        let offset = from.offset(id, &partition);
        list.push(budget.take(id, topic, &partition, offset));
    }
    Ok(ok(&ConsumeBody {
        cluster_id: &call.segments[1],
        topic_name: topic.name(),
        partition_data_list: list,
    }))
}

fn read_offsets(list: Vec<Json>) -> Result<HashMap<i32, i64>, RestError> {
    let mut offsets = HashMap::new();
    for entry in list {
        let mut entry = Fields::new(entry, "PartitionOffset", &["partition_id", "offset"])?;
        let id = entry.integer("partition_id")?.unwrap_or(0);
        let id = i32::try_from(id).map_err(|_| RestError::partition_not_found())?;
        offsets.insert(id, entry.integer("offset")?.unwrap_or(0));
    }
    Ok(offsets)
}

fn partition(call: &Call, topic: &Topic) -> Result<(i32, Arc<Partition>), RestError> {
    let id: i32 = call.segments[6].parse().map_err(|_| RestError::not_found())?;
    topic.partition(id).map(|p| (id, p)).ok_or_else(RestError::partition_not_found)
}

fn one_partition(call: &Call, topic: &Topic) -> Result<Reply, RestError> {
    let (id, partition) = partition(call, topic)?;
    let from = match (call.query_int("offset")?, call.query_int("timestamp")?) {
        (Some(offset), _) => From::Offsets(HashMap::from([(id, offset)])),
        (None, Some(time)) => From::Timestamp(time),
        (None, None) => From::End,
    };
    let mut budget = Budget {
        records: positive(call.query_int("max_poll_records")?, DEFAULT_RECORDS, MAX_RECORDS),
        bytes: MAX_BYTES,
        message_bytes: MAX_MESSAGE_BYTES,
        raw: raw(call),
    };
    let offset = from.offset(id, &partition);
    Ok(ok(&OnePartitionBody {
        cluster_id: &call.segments[1],
        topic_name: topic.name(),
        partition_data: budget.take(id, topic, &partition, offset),
    }))
}

fn all_offsets(call: &Call, topic: &Topic) -> Reply {
    let partitions = topic.partitions();
    let total_records = partitions.iter().map(|p| p.end_offset() - p.first_offset()).sum();
    let list = (0..).zip(&partitions).map(|(partition_id, partition)| PartitionData {
        partition_id,
        next_offset: partition.end_offset(),
        records: None,
    });
    ok(&AllOffsets {
        cluster_id: &call.segments[1],
        topic_name: topic.name(),
        total_records,
        partition_data_list: list.collect(),
    })
}

fn one_offset(call: &Call, topic: &Topic) -> Result<Reply, RestError> {
    let (partition_id, partition) = partition(call, topic)?;
    let from_beginning = call.query("from_beginning") == Some("true");
    Ok(ok(&OneOffset {
        cluster_id: &call.segments[1],
        topic_name: topic.name(),
        partition_id,
        next_offset: if from_beginning { partition.first_offset() } else { partition.end_offset() },
    }))
}
