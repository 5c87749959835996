//! Commits offsets and returns committed ones.

use super::assignment::{place_fields, read_partitions, read_place};
use super::groups::TopicPartition;
use super::{ok, read_json};
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError};
use crate::json::Fields;
use serde::Serialize;
use tokio::time::sleep;

#[derive(Serialize)]
struct CommittedOffsets {
    offsets: Vec<CommittedOffset>,
}

#[derive(Serialize)]
struct CommittedOffset {
    topic: String,
    partition: i32,
    offset: i64,
    metadata: String,
}

const NOTHING: [(); 0] = [];

/// With a list, each offset is that of the last processed record, and one more
/// is stored. Without a body, the consumer's own position is stored, and
/// failures are not reported (`reference/confluent-rest.md`, 5.3).
pub(super) async fn commit(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = read_json(body).await?;
    if json.is_null() {
        let instance = core.consumers.find(core, call)?;
        instance.commit_positions(core, &instance.state.lock());
        return Ok(ok(&NOTHING));
    }
    let mut fields = Fields::new(json, "ConsumerOffsetCommitRequest", &["offsets"])?;
    let list = fields.list("offsets")?;
    let mut offsets = Vec::new();
    for entry in list.iter().flatten() {
        let mut entry = place_fields(entry.clone(), &["offset", "metadata"])?;
        let place = read_place(&mut entry)?;
        let offset = entry.integer("offset")?.unwrap_or(0) + 1;
        offsets.push((place, offset, entry.text("metadata")?.unwrap_or_default()));
    }
    let instance = core.consumers.find(core, call)?;
    if list.is_none() || offsets.iter().any(|(_, offset, _)| *offset < 0) {
        return Err(RestError::internal());
    }
    if let Some((place, offset, metadata)) =
        offsets.iter().find(|(place, _, _)| !exists(core, place))
    {
        let wait = core.options.max_block;
        sleep(wait).await;
        let (topic, partition) = place;
        return Err(RestError::new(
            500,
            50003,
            format!(
                "Timeout of {}ms expired before successfully committing offsets {{{topic}-{partition}=OffsetAndMetadata{{offset={offset}, leaderEpoch=null, metadata='{metadata}'}}}}",
                wait.as_millis()
            ),
        ));
    }
    core.consumers.commit(&instance.group, offsets.into_iter());
    Ok(ok(&NOTHING))
}

fn exists(core: &Core, (topic, partition): &TopicPartition) -> bool {
    core.log.topic(topic).is_some_and(|t| t.partition(*partition).is_some())
}

pub(super) async fn committed(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = read_json(body).await?;
    let instance = core.consumers.find(core, call)?;
    if json.is_null() {
        return Err(RestError::partition_not_found());
    }
    let places = read_partitions(json)?.ok_or_else(RestError::internal)?;
    let offsets = core.consumers.with_group(&instance.group, |group| {
        let known = places.into_iter().filter_map(|place| {
            let committed = group.committed.get(&place)?.clone();
            let (topic, partition) = place;
            let (offset, metadata) = (committed.offset, committed.metadata);
            Some(CommittedOffset { topic, partition, offset, metadata })
        });
        known.collect()
    });
    Ok(ok(&CommittedOffsets { offsets }))
}
