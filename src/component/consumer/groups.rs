//! Consumer groups: where they stand, and moving them.

use super::{
    Error, GroupSummary, GroupTopic, PartitionOffset, SeekTarget, Start, Topic, partition_offsets,
};
use crate::component::bindings::exports::kafka_edge::api::consumer::GroupPosition;
use crate::component::services;
use crate::error::Error as ServiceError;
use crate::names;
use crate::services::groups::{SeekTo, Standing};
use crate::sorted::SortedSet;

pub(super) async fn list() -> Result<Vec<GroupSummary>, Error> {
    let groups = services().await?.groups.list().await?;
    let summary = |(name, topics): (_, SortedSet<_>)| GroupSummary {
        name,
        topics: topics.into_iter().collect(),
    };
    Ok(groups.into_iter().map(summary).collect())
}

pub(super) async fn describe(group: String) -> Result<Vec<GroupTopic>, Error> {
    names::check_group(&group)?;
    let group = services().await?.groups.get(&group, |_| true).await?;
    let topics = group.topics.into_iter().map(|(name, standings)| GroupTopic {
        name,
        partitions: standings.into_iter().map(Into::into).collect(),
    });
    Ok(topics.collect())
}

pub(super) async fn seek(
    group: String,
    topic: Topic,
    to: SeekTarget,
) -> Result<Vec<PartitionOffset>, Error> {
    names::check_group(&group)?;
    names::check_topic(&topic)?;
    let to = match to {
        SeekTarget::Ends(Start::Earliest) => SeekTo::Earliest,
        SeekTarget::Ends(Start::Latest) => SeekTo::Latest,
        SeekTarget::Offsets(offsets) if offsets.is_empty() => {
            return Err(ServiceError::invalid("offsets", "No partition is named").into());
        }
        SeekTarget::Offsets(offsets) => {
            SeekTo::Offsets(offsets.into_iter().map(|at| (at.partition, at.offset)).collect())
        }
        SeekTarget::Time(time) => SeekTo::Time(time),
    };
    Ok(partition_offsets(services().await?.groups.seek(&group, &topic, to).await?))
}

pub(super) async fn delete(group: String) -> Result<(), Error> {
    names::check_group(&group)?;
    Ok(services().await?.groups.delete(&group).await?)
}

impl From<Standing> for GroupPosition {
    fn from(standing: Standing) -> Self {
        Self {
            partition: standing.partition,
            committed: standing.committed,
            claimed: u32::try_from(standing.claimed).unwrap_or(u32::MAX),
            end: standing.end,
            lag: standing.lag,
        }
    }
}
