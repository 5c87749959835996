//! Topics, partitions and offsets.

use super::ok;
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use crate::java_order::{sort_as_hash_map, string_hash};
use crate::log::{Partition, Topic, effective_settings};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::sync::Arc;

#[derive(Serialize)]
struct TopicBody<'a> {
    name: &'a str,
    #[serde(serialize_with = "as_map")]
    configs: Vec<(&'static str, String)>,
    partitions: Vec<PartitionBody>,
}

#[derive(Serialize)]
struct PartitionBody {
    partition: i32,
    leader: i32,
    replicas: [Replica; 1],
}

#[derive(Serialize)]
struct Replica {
    broker: i32,
    leader: bool,
    in_sync: bool,
}

#[derive(Serialize)]
struct Offsets {
    beginning_offset: i64,
    end_offset: i64,
}

#[derive(Serialize)]
struct Brokers {
    brokers: [i32; 1],
}

#[derive(Serialize)]
struct Nothing {}

fn as_map<S: Serializer>(
    entries: &[(&'static str, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (name, value) in entries {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

impl PartitionBody {
    fn new(partition: i32) -> PartitionBody {
        let replicas = [Replica { broker: 1, leader: true, in_sync: true }];
        PartitionBody { partition, leader: 1, replicas }
    }

    fn all(topic: &Topic) -> Vec<PartitionBody> {
        (0..topic.partition_count()).map(PartitionBody::new).collect()
    }
}

/// The calls that only look.
pub(super) fn answer(core: &Core, path: &str, call: &Call) -> Result<Reply, RestError> {
    match path {
        "/" => Ok(ok(&Nothing {})),
        "/brokers" => Ok(ok(&Brokers { brokers: [1] })),
        "/topics" => Ok(list(core)),
        "/topics/{topic}" => {
            let topic = named(core, call)?;
            let mut configs: Vec<(&str, String)> =
                effective_settings(topic.configs(), core.options.version)
                    .into_iter()
                    .map(|setting| (setting.name, setting.value))
                    .collect();
            sort_as_hash_map(&mut configs, |(name, _)| string_hash(name));
            let partitions = PartitionBody::all(&topic);
            Ok(ok(&TopicBody { name: topic.name(), configs, partitions }))
        }
        "/topics/{topic}/partitions" => Ok(ok(&PartitionBody::all(&*named(core, call)?))),
        "/topics/{topic}/partitions/{partition}" => {
            let (id, _) = partition(core, call)?;
            Ok(ok(&PartitionBody::new(id)))
        }
        _ => {
            let (_, partition) = partition(core, call)?;
            Ok(ok(&Offsets {
                beginning_offset: partition.first_offset(),
                end_offset: partition.end_offset(),
            }))
        }
    }
}

fn list(core: &Core) -> Reply {
    let topics = core.log.topics();
    let mut names: Vec<&str> = topics.iter().map(|topic| topic.name()).collect();
    sort_as_hash_map(&mut names, |name| string_hash(name));
    ok(&names)
}

fn named(core: &Core, call: &Call) -> Result<Arc<Topic>, RestError> {
    core.log.topic(&call.segments[1]).ok_or_else(RestError::unknown_topic)
}

fn partition(core: &Core, call: &Call) -> Result<(i32, Arc<Partition>), RestError> {
    let id: i32 = call.segments[3].parse().map_err(|_| RestError::not_found())?;
    let partition = named(core, call)?.partition(id);
    partition.map(|p| (id, p)).ok_or_else(RestError::partition_not_found)
}
