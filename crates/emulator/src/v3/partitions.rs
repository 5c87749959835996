//! Partitions, their offsets and replicas.

use super::links::{Links, Metadata, Related, list as list_reply, ok};
use super::topics::named;
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use crate::log::Partition;
use crate::options::Version;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct PartitionBody {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    topic_name: String,
    partition_id: i32,
    leader: Related,
    replicas: Related,
    reassignment: Related,
}

impl PartitionBody {
    fn new(links: &Links, topic: &str, id: i32) -> PartitionBody {
        let path = format!("/topics/{topic}/partitions/{id}");
        PartitionBody {
            kind: "KafkaPartition",
            metadata: links.metadata(&path, &format!("/topic={topic}/partition={id}")),
            cluster_id: links.cluster_id().to_owned(),
            topic_name: topic.to_owned(),
            partition_id: id,
            leader: links.related(&format!("{path}/replicas/1")),
            replicas: links.related(&format!("{path}/replicas")),
            reassignment: links.related(&format!("{path}/reassignment")),
        }
    }
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let topic = named(core, call)?;
    let name = topic.name();
    let data = (0..topic.partition_count()).map(|id| PartitionBody::new(&links, name, id));
    let url = links.url(&format!("/topics/{name}/partitions"));
    Ok(list_reply("KafkaPartitionList", url, data.collect()))
}

/// The partition that a call names: topic, number and the partition itself,
/// which may not exist.
fn find(core: &Core, call: &Call) -> Result<(String, i32, Option<Arc<Partition>>), RestError> {
    let id: i32 = call.segments[5].parse().map_err(|_| RestError::not_found())?;
    let topic = named(core, call).map_err(|error| match error.code {
        40403 => RestError {
            message: format!(
                "This server does not host topic-partition {id} for topic {}",
                call.segments[3]
            ),
            ..error
        },
        _ => error,
    })?;
    Ok((topic.name().to_owned(), id, topic.partition(id)))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let (topic, id, partition) = find(core, call)?;
    partition.ok_or_else(RestError::not_found)?;
    Ok(ok(&PartitionBody::new(&links, &topic, id)))
}

#[derive(Serialize)]
struct Offsets {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    topic_name: String,
    partition_id: i32,
    earliest_offset: i64,
    latest_offset: i64,
}

/// 8.3.1 has this call, and 7.9.9 does not (`v3-metadata.jsonl` of both,
/// "partition offset").
pub(super) fn offset(core: &Core, call: &Call) -> Result<Reply, RestError> {
    if core.options.version == Version::V7_9_9 {
        return Err(RestError::no_such_call());
    }
    let kind = call.query("offset_type").unwrap_or("earliest_and_latest");
    if kind != "earliest_and_latest" {
        return Err(RestError::bad_request(format!("offset_type:{kind} is invalid")));
    }
    let links = Links::new(core, call)?;
    let (topic, id, partition) = find(core, call)?;
    let partition = partition.ok_or_else(RestError::partition_not_found)?;
    Ok(ok(&Offsets {
        kind: "KafkaPartitionWithOffsets",
        metadata: links.metadata(
            &format!("/topics/{topic}/partitions/{id}/offset"),
            &format!("/topic={topic}/partition={id}/offset_type={kind}"),
        ),
        cluster_id: links.cluster_id().to_owned(),
        topic_name: topic,
        partition_id: id,
        earliest_offset: partition.first_offset(),
        latest_offset: partition.end_offset(),
    }))
}

#[derive(Serialize)]
struct Replica {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    topic_name: String,
    partition_id: i32,
    broker_id: i32,
    is_leader: bool,
    is_in_sync: bool,
    broker: Related,
}

pub(super) fn replicas(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let (topic, id, partition) = find(core, call)?;
    partition.ok_or_else(RestError::not_found)?;
    let path = format!("/topics/{topic}/partitions/{id}/replicas");
    let crn = format!("/topic={topic}/partition={id}/replica=1");
    let replica = Replica {
        kind: "KafkaReplica",
        metadata: links.metadata(&format!("{path}/1"), &crn),
        cluster_id: links.cluster_id().to_owned(),
        topic_name: topic,
        partition_id: id,
        broker_id: 1,
        is_leader: true,
        is_in_sync: true,
        broker: links.related("/brokers/1"),
    };
    Ok(list_reply("KafkaReplicaList", links.url(&path), vec![replica]))
}
