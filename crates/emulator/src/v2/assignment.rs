//! Assignments: partitions of one's own choice.

use super::groups::TopicPartition;
use super::instance::Selection;
use super::subscription::mutually_exclusive;
use super::{ok, require_json};
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError, no_content};
use crate::java_order::{partition_hash, sort_as_hash_map};
use crate::json::{Fields, Json};
use serde::Serialize;

#[derive(Serialize)]
struct Assignments {
    partitions: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    topic: String,
    partition: i32,
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let instance = core.consumers.find(core, call)?;
    let state = instance.state.lock();
    let partitions = state
        .assignment
        .iter()
        .map(|(topic, partition)| Place { topic: topic.clone(), partition: *partition })
        .collect();
    Ok(ok(&Assignments { partitions }))
}

pub(super) async fn assign(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = require_json(body, "assign.assignmentRequest").await?;
    let mut partitions = read_partitions(json)?.unwrap_or_default();
    sort_as_hash_map(&mut partitions, |(topic, partition)| partition_hash(topic, *partition));
    partitions.dedup();
    let instance = core.consumers.find(core, call)?;
    let mut state = instance.state.lock();
    if !matches!(state.selection, Selection::Nothing | Selection::Assigned) {
        return Err(mutually_exclusive());
    }
    if partitions.is_empty() {
        instance.deselect(core, &mut state);
        return Ok(no_content());
    }
    if instance.settings.auto_commit {
        instance.commit_positions(core, &state);
    }
    state.selection = Selection::Assigned;
    // A partition that stays keeps its place.
    state.positions.retain(|place, _| partitions.contains(place));
    state.assignment = partitions;
    state.fetch_elsewhere(core);
    Ok(no_content())
}

/// `{"partitions":[{"topic","partition"}]}`; none if the list is missing.
pub(super) fn read_partitions(json: Json) -> Result<Option<Vec<TopicPartition>>, RestError> {
    let mut fields = Fields::new(json, "ConsumerAssignmentRequest", &["partitions"])?;
    let Some(list) = fields.list("partitions")? else { return Ok(None) };
    list.into_iter()
        .map(|json| read_place(&mut place_fields(json, &[])?))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The fields of a place, and others beside it.
pub(super) fn place_fields(json: Json, others: &[&str]) -> Result<Fields, RestError> {
    let known = [&["topic", "partition"], others].concat();
    Ok(Fields::new(json, "TopicPartition", &known)?)
}

pub(super) fn read_place(fields: &mut Fields) -> Result<TopicPartition, RestError> {
    let topic = fields.text("topic")?.unwrap_or_default();
    let partition = fields.integer("partition")?.unwrap_or(0);
    Ok((topic, i32::try_from(partition).unwrap_or(i32::MAX)))
}
