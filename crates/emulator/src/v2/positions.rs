//! Seeking.

use super::assignment::{place_fields, read_partitions, read_place};
use super::groups::TopicPartition;
use super::instance::Position;
use super::require_json;
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError, no_content};
use crate::json::{Fields, Json};
use crate::time::parse_instant;

pub(super) async fn seek(core: &Core, call: &Call, body: RequestBody) -> Result<Reply, RestError> {
    let json = require_json(body, "seekToOffset.request").await?;
    let known = ["offsets", "timestamps"];
    let mut fields = Fields::new(json, "ConsumerSeekRequest", &known)?;
    let mut targets = Vec::new();
    for offset in fields.list("offsets")?.unwrap_or_default() {
        let mut offset = place_fields(offset, &["offset", "metadata"])?;
        let place = read_place(&mut offset)?;
        let target = offset.integer("offset")?.unwrap_or(0);
        if target < 0 {
            return Err(RestError::internal());
        }
        targets.push((place, Position::Offset(target)));
    }
    for timestamp in fields.list("timestamps")?.unwrap_or_default() {
        let mut timestamp = place_fields(timestamp, &["timestamp", "metadata"])?;
        let place = read_place(&mut timestamp)?;
        let time = match timestamp.take("timestamp") {
            Some(Json::String(text)) => parse_instant(&text).map_err(|_| RestError::internal())?,
            // A number is taken as seconds, which lie beyond the last record.
            _ => return Err(RestError::internal()),
        };
        let partition = core.log.topic(&place.0).and_then(|t| t.partition(place.1));
        let offset = partition.and_then(|p| p.offset_at(time)).ok_or_else(RestError::internal)?;
        targets.push((place, Position::Offset(offset)));
    }
    go(core, call, targets)
}

pub(super) async fn seek_to_beginning(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = require_json(body, "seekToBeginning.request").await?;
    go_all(core, call, json, Position::Beginning)
}

pub(super) async fn seek_to_end(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = require_json(body, "seekToEnd.request").await?;
    go_all(core, call, json, Position::End)
}

fn go_all(core: &Core, call: &Call, json: Json, to: Position) -> Result<Reply, RestError> {
    let partitions = read_partitions(json)?.ok_or_else(RestError::internal)?;
    go(core, call, partitions.into_iter().map(|place| (place, to)).collect())
}

fn go(
    core: &Core,
    call: &Call,
    targets: Vec<(TopicPartition, Position)>,
) -> Result<Reply, RestError> {
    let instance = core.consumers.find(core, call)?;
    let mut state = instance.state.lock();
    for (place, position) in targets {
        if !state.assignment.contains(&place) {
            let (topic, partition) = place;
            let text =
                format!("Illegal state: No current assignment for partition {topic}-{partition}");
            return Err(RestError::new(409, 40903, text));
        }
        state.positions.insert(place, position);
        state.fetch_elsewhere(core);
    }
    Ok(no_content())
}
