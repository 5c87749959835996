//! Consumer groups: listing, reading and moving their positions.

use super::{
    Error, GroupSettings, GroupSummary, GroupTopic, PartitionOffset, SeekTarget, Start, Topic,
    partition_offsets,
};
use crate::bindings::exports::kafka_edge::api::consumer::{GroupPosition, OldestClaim};
use crate::exports::{grant, topic};
use crate::services;
use kafka_edge::error::Error as ServiceError;
use kafka_edge::names;
use kafka_edge::services::condition::Condition;
use kafka_edge::services::groups;
use kafka_edge::services::seek::SeekTo;
use kafka_edge::sorted::SortedSet;

pub(super) async fn list() -> Result<Vec<GroupSummary>, Error> {
    let groups = services().await?.groups.list(&grant()).await?;
    let summary = |(name, topics): (_, SortedSet<_>)| GroupSummary {
        name,
        topics: topics.into_iter().collect(),
    };
    Ok(groups.into_iter().map(summary).collect())
}

pub(super) async fn describe(group: String) -> Result<Vec<GroupTopic>, Error> {
    names::check_group(&group)?;
    let group = services().await?.groups.get(&group, &grant()).await?;
    let topics = group.topics.into_iter().map(|(name, positions)| GroupTopic {
        name,
        partitions: positions.into_iter().map(Into::into).collect(),
    });
    Ok(topics.collect())
}

pub(super) async fn get(group: String) -> Result<GroupSettings, Error> {
    names::check_group(&group)?;
    let (settings, tag) = services().await?.groups.settings(&group).await?;
    Ok(GroupSettings { settings: settings.to_json(), tag })
}

pub(super) async fn set(
    group: String,
    json: String,
    is_patch: bool,
    tag: Option<String>,
) -> Result<GroupSettings, Error> {
    names::check_group(&group)?;
    let condition = tag.as_slice();
    let condition = if condition.is_empty() { Condition::None } else { Condition::Tags(condition) };
    let groups = &services().await?.groups;
    let set = groups.set(&group, json.as_bytes(), is_patch, condition, &grant()).await?;
    Ok(GroupSettings { settings: set.settings.to_json(), tag: set.tag })
}

pub(super) async fn seek(
    group: String,
    topic: Topic,
    to: SeekTarget,
) -> Result<Vec<PartitionOffset>, Error> {
    names::check_group(&group)?;
    let topic = self::topic(topic)?;
    let to = seek_to(to)?;
    Ok(partition_offsets(services().await?.groups.seek(&group, &topic, to).await?))
}

pub(in crate::exports) fn seek_to(to: SeekTarget) -> Result<SeekTo, ServiceError> {
    Ok(match to {
        SeekTarget::Ends(Start::Earliest) => SeekTo::Earliest,
        SeekTarget::Ends(Start::Latest) => SeekTo::Latest,
        SeekTarget::Offsets(offsets) if offsets.is_empty() => {
            return Err(ServiceError::invalid("offsets", "No partition is named"));
        }
        SeekTarget::Offsets(offsets) => {
            SeekTo::Offsets(offsets.into_iter().map(|at| (at.partition, at.offset)).collect())
        }
        SeekTarget::Time(time) => SeekTo::Time(time),
    })
}

pub(super) async fn delete(group: String) -> Result<(), Error> {
    names::check_group(&group)?;
    Ok(services().await?.groups.delete(&group, &grant()).await?)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<groups::GroupPosition> for GroupPosition {
    fn from(position: groups::GroupPosition) -> Self {
        Self {
            partition: position.partition,
            committed: position.committed,
            claimed: number(position.claimed),
            acquired: number(position.tally.acquired),
            available: position.available,
            rejected: position.tally.rejected,
            given_up: position.tally.given_up,
            oldest_claim: position.tally.oldest.map(|oldest| OldestClaim {
                offset: oldest.offset,
                delivery_count: oldest.delivery_count,
                until: oldest.until,
            }),
            end: position.end,
            lag: position.lag,
            beyond_end: position.beyond_end,
        }
    }
}
